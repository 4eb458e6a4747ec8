/** Values with a cost, least recently used first out, so that all costs together stay below a bound. */
export class LruCache<T> {
  private readonly maxCost: number
  private readonly entries = new Map<string, { readonly value: T; readonly cost: number }>()
  private cost = 0

  constructor(maxCost: number) {
    this.maxCost = maxCost
  }

  get(key: string): T | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    this.entries.delete(key)
    this.entries.set(key, entry)
    return entry.value
  }

  set(key: string, value: T, cost: number): void {
    this.cost -= this.entries.get(key)?.cost ?? 0
    this.entries.delete(key)
    if (cost > this.maxCost) return
    this.entries.set(key, { value, cost })
    this.cost += cost
    for (const [oldest, entry] of this.entries) {
      if (this.cost <= this.maxCost) break
      this.entries.delete(oldest)
      this.cost -= entry.cost
    }
  }
}
