/** What has become of the contents that one machine of an array was given. */
import type { ContentRow } from '../../model/journal.ts'
import type { OpenChild } from '../../model/openPlan.ts'
import type { Reason } from '../../model/verdict.ts'
import { contentsOf } from './part.ts'

export class ChildTally {
  readonly #given: readonly number[]
  readonly #verdicts = new Map<number, ContentRow['verdict']>()
  readonly #finishedBefore = new Set<number>()
  readonly #left = new Map<number, Reason>()

  constructor(given: OpenChild) {
    this.#given = contentsOf(given).map(({ content }) => content.number)
  }

  judged(number: number, verdict: ContentRow['verdict']): void {
    this.#verdicts.set(number, verdict)
  }

  finishedBefore(number: number): void {
    this.#finishedBefore.add(number)
  }

  leave(number: number, reason: Reason): void {
    this.#left.set(number, reason)
  }

  /** Contents that have no result, with the reason. `trouble`: why the machine could not do its work; null: it did. */
  left(trouble: string | null): { number: number; reason: Reason }[] {
    const open = this.#given.filter(number => !this.#verdicts.has(number) && !this.#finishedBefore.has(number))
    const otherwise = trouble === null ? 'limit-reached' : 'interrupted'
    return open.map(number => ({ number, reason: this.#left.get(number) ?? otherwise }))
  }

  counts(trouble: string | null) {
    const count = (verdict: ContentRow['verdict']) => [...this.#verdicts.values()].filter(one => one === verdict).length
    return {
      contents: this.#given.length,
      finishedBefore: this.#finishedBefore.size,
      proven: count('pass'),
      failed: count('fail'),
      inconclusive: count('inconclusive'),
      left: this.left(trouble).length,
    }
  }
}
