/** Hands rows to the memory in batches, soon enough that a run that is killed has lost little. */
import type { Clock } from '../time.ts'
import type { CheckMemory } from './memory.ts'

const batchBytes = 4 * 1024 ** 2
/** Soon at first, so that runs which are stopped again and again get on; then rarely, so that journals stay few. */
const firstBatchMs = 1000
const batchMs = 30_000

export class Keeper {
  readonly #memory: CheckMemory | null
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #rows: { subject: string; data: Buffer }[] = []
  #bytes = 0
  #lastMs: number
  #batchMs = firstBatchMs

  /** Null: nothing is kept. */
  constructor(memory: CheckMemory | null, clock: Pick<Clock, 'monotonicMs'>) {
    this.#memory = memory
    this.#clock = clock
    this.#lastMs = clock.monotonicMs()
  }

  /** Only what is not kept already. */
  async add(subject: string, data: Buffer): Promise<void> {
    if (this.#memory === null || this.#memory.recall(subject)?.equals(data) === true) return
    this.#rows.push({ subject, data })
    this.#bytes += data.length
    if (this.#bytes >= batchBytes || this.#clock.monotonicMs() - this.#lastMs >= this.#batchMs) {
      this.#batchMs = Math.min(batchMs, 2 * this.#batchMs)
      await this.flush()
    }
  }

  async flush(): Promise<void> {
    const rows = this.#rows
    this.#rows = []
    this.#bytes = 0
    this.#lastMs = this.#clock.monotonicMs()
    if (rows.length > 0) await this.#memory?.keep(rows)
  }
}
