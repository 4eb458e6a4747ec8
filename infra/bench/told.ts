/** What is told of the kept results: of each measure the newest of its largest size, and how it grows. */
import type { BenchResult, Measurement } from './result.ts'

export interface KeptResult {
  readonly result: BenchResult
  /** `2026-11-24 08:20` */
  readonly time: string
}

export interface Told {
  readonly id: string
  readonly value: number
  readonly least: number | null
  readonly greatest: number | null
  readonly unit: Measurement['unit']
  readonly goal: number | null
  readonly scale: number
  readonly time: string
  readonly commit: string
  /** Of other sizes, too; ascending. */
  readonly sizes: readonly { readonly scale: number; readonly value: number }[]
}

/** @param kept oldest first */
export function tellResults(kept: readonly KeptResult[]): readonly Told[] {
  const byId = new Map<string, Map<number, Told>>()
  for (const { result, time } of kept) {
    const found = (id: string) => result.measures.find(one => one.id.endsWith(id))?.value ?? null
    for (const { id, value, unit, goal } of result.measures) {
      if (/-(?:least|greatest)$/.test(id)) continue
      const [least, greatest] = [found(`${id}-least`), found(`${id}-greatest`)]
      const at = { scale: result.scale, time, commit: result.commit?.slice(0, 7) ?? '' }
      const sizes = byId.get(id) ?? new Map<number, Told>()
      byId.set(id, sizes.set(result.scale, { id, value, least, greatest, unit, goal, ...at, sizes: [] }))
    }
  }
  return [...byId.values()].flatMap(sizes => {
    const ascending = [...sizes.values()].sort((a, b) => a.scale - b.scale)
    const largest = ascending.at(-1)
    return largest === undefined ? [] : [{ ...largest, sizes: ascending.map(({ scale, value }) => ({ scale, value })) }]
  })
}

export function isGrowing({ unit, sizes, value }: Told): boolean {
  return unit !== 'ratio' && sizes.length >= 3 && value > 0
}

/** Of the straight line through the logarithms: 0 is flat, 1 grows with the size. Null: too few sizes. */
export function exponentOf(sizes: Told['sizes']): number | null {
  const points = sizes.filter(one => one.value > 0).map(one => [Math.log(one.scale), Math.log(one.value)] as const)
  if (points.length < 3) return null
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const over = points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0)
  return over / points.reduce((sum, [a]) => sum + (a - x) ** 2, 0)
}

export function sizeOf(scale: number): string {
  return scale === 1 ? 'whole' : `1/${Math.round(1 / scale)}`
}

export function shown(value: number, unit: Measurement['unit']): string {
  if (unit === 'ratio') return value.toFixed(3)
  if (unit === 'seconds') return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} s`
  if (unit === 'MiB') return `${value.toFixed(0)} MiB`
  if (unit === 'bytes') return value < 2 ** 20 ? `${value.toPrecision(3)} bytes` : `${(value / 2 ** 20).toFixed(0)} MiB`
  return value.toLocaleString('en')
}
