/** `period.jsonl`: all rows of the lists of a report for a period, one line each, with what kind it is. Yields text in pieces. */
import type { PeriodReport } from '../../model/period.ts'

export function* periodLines(report: PeriodReport): Generator<string> {
  const lists = {
    slot: report.schedule.slots,
    run: report.runs,
    unfinished: report.unfinished,
    gap: report.gaps,
    snapshot: report.snapshots,
    failure: report.failures,
    finding: report.findings,
    projection: report.restoreTime.projections,
    sample: report.samples,
    exclusion: report.exclusions,
    lastGood: report.lastGood,
  }
  for (const [kind, rows] of Object.entries(lists))
    for (const row of rows) yield `${JSON.stringify({ kind, ...row })}\n`
}
