/** Seconds by phase, for the report. */
import type { Clock } from '../time.ts'

export class PhaseTimer {
  readonly #clock: Clock
  readonly #phases: { phase: string; seconds: number }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async time<Value>(phase: string, work: () => Promise<Value>): Promise<Value> {
    const start = this.#clock.monotonicMs()
    try {
      return await work()
    } finally {
      this.#phases.push({ phase, seconds: (this.#clock.monotonicMs() - start) / 1000 })
    }
  }

  list(): readonly { readonly phase: string; readonly seconds: number }[] {
    return [...this.#phases]
  }
}
