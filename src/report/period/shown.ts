/** A report for a period with how much of its lists a page shows. */
import type { PeriodReport } from '../../model/period.ts'

export interface Shown extends PeriodReport {
  /** Of each list. */
  readonly maxRows: number
}

/** The file that has all rows. */
export const morePlace = 'period.jsonl'
