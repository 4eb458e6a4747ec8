/** Many times larger than before: by documents, bytes or fields. */
import type { Measure } from '../../model/baseline.ts'
import { amountOn, type BaselineRule, recentOf } from './rule.ts'

interface Amount {
  readonly unit: string
  readonly of: (measure: Measure) => number | null
  /** Small indices double in a day. */
  readonly leastGrowth: number
}

const amounts: readonly Amount[] = [
  { unit: 'documents', of: measure => measure.documents, leastGrowth: 10_000 },
  { unit: 'bytes', of: measure => measure.bytes, leastGrowth: 1024 ** 3 },
  { unit: 'fields', of: measure => measure.fields, leastGrowth: 500 },
]

export const jumped: BaselineRule = {
  kind: 'jumped',
  against: 'level',
  differs(now, before, { jumpTimes }, enough) {
    if (jumpTimes === null) return null
    for (const { unit, of, leastGrowth } of amounts) {
      const value = of(now)
      const recent = recentOf(before, of, enough)
      // What was empty has begun to be used.
      if (value === null || recent === null || recent.highest === 0) continue
      if (value - recent.highest >= leastGrowth && value > recent.highest * jumpTimes)
        return `${amountOn(value, unit, now)}, ${recent.words}`
    }
    return null
  },
}
