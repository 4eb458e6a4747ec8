/** A run as metric data. Pure: the caller says what time it is. */
import type { MetricDatum } from '@aws-sdk/client-cloudwatch'
import { type ExitCode, exitCodes } from '../errors.ts'
import type { RunResult } from '../model/run.ts'
import { ageHours, openErrors, restoreSpeed, standingsOf } from '../model/standing.ts'
import { type MetricName, metrics, repositoryDimension } from './names.ts'

const notWorked: readonly ExitCode[] = [exitCodes.couldNotWork, exitCodes.leaseHeld, exitCodes.usage]

/**
 * What to put for a run; the heartbeat, where it is due, is the last.
 *
 * - An audit to which none of the exit codes 2, 3 and 64 applies saw the whole repository: all gauges whose value is known.
 * - Any other run (one that ended early, or a `verify` of named snapshots) saw a part: bad news only, that is
 *   `ErrorFindings`, `FailedSnapshots` and `FailedContents` above 0, and `AuditorBlind` from an audit with exit code 2 and from
 *   any run whose self-check failed. A zero of it would silence an alarm that it knows nothing about.
 * - `Heartbeat` only from an audit of the first kind that also came to a conclusion: it judged at least one snapshot if
 *   there are any, and at least one of its restores passed or failed if it tried any. A night on which every restore
 *   ended in our own trouble is a night without a proof, and must show as one.
 * - What is not known is left out, never put as 0.
 */
export function toMetricData(run: RunResult, nowMs: number): MetricDatum[] {
  const timestamp = new Date(nowMs)
  const dimensions = [{ Name: repositoryDimension, Value: run.repository.name }]
  const values = sawEverything(run) ? allGauges(run, nowMs) : badNews(run)
  if (deservesHeartbeat(run)) values.push(['Heartbeat', 1])
  return values.flatMap(([name, value]) =>
    value === null || !Number.isFinite(value)
      ? []
      : [{ MetricName: name, Dimensions: dimensions, Timestamp: timestamp, Unit: metrics[name].unit, Value: value }],
  )
}

type Row = readonly [MetricName, number | null]

function allGauges(run: RunResult, nowMs: number): Row[] {
  const standings = standingsOf(run)
  const { debt, stats } = run
  return [
    ['ErrorFindings', openErrors(run).length],
    ['FailedSnapshots', standings.unaccepted.length],
    ['FailedContents', debt.byKind.failed],
    ['AuditorBlind', deservesHeartbeat(run) ? 0 : 1],
    ['SnapshotsInconclusive', standings.count.open],
    ['SnapshotsProven', standings.count.proven],
    ['DebtContents', debt.contents],
    ['DebtBytes', debt.bytes],
    ['DebtOverdue', debt.overdue],
    ['OldestDebtDays', debt.contents === 0 ? 0 : debt.oldestDays],
    ['NightsToCatchUp', debt.contents === 0 ? 0 : debt.nightsToCatchUp],
    ['DebtTrend', debtTrend(run)],
    ['NewestSnapshotAgeHours', ageHours(standings.newest, nowMs)],
    ['NewestGoodSnapshotAgeHours', ageHours(standings.newestGood, nowMs)],
    ['RestoreBytesPerSecond', restoreSpeed(run)],
    ['FullRestoreSeconds', run.restoreTime?.projection?.seconds ?? null],
    ['RunSeconds', run.seconds],
    ['BytesRead', stats.bytesRead],
    ['BytesRestored', stats.bytesRestored],
  ]
}

const trendRuns = 7

/** Null: no earlier run is known. */
function debtTrend({ runId, debt, history }: RunResult): number | null {
  const earlier = history.filter(run => run.runId !== runId).slice(-trendRuns)
  const [first] = earlier
  return first === undefined ? null : (debt.contents - first.debtContents) / earlier.length
}

function badNews(run: RunResult): Row[] {
  const rows: Row[] = [
    ['ErrorFindings', openErrors(run).length],
    ['FailedSnapshots', standingsOf(run).unaccepted.length],
    ['FailedContents', run.debt.byKind.failed],
    ['AuditorBlind', isBlind(run) || (run.command === 'audit' && applies(run, [exitCodes.couldNotWork])) ? 1 : 0],
  ]
  return rows.filter(([, value]) => value !== null && value > 0)
}

/** Of any command: the installation is the same. */
function isBlind({ selfCheck }: RunResult): boolean {
  return selfCheck !== undefined && selfCheck.missed.length > 0
}

function sawEverything(run: RunResult): boolean {
  return run.command === 'audit' && !applies(run, notWorked)
}

function applies(run: RunResult, codes: readonly ExitCode[]): boolean {
  return [run.exit.code, ...run.exit.applies].some(code => codes.includes(code))
}

function deservesHeartbeat(run: RunResult): boolean {
  if (!sawEverything(run)) return false
  const judged = run.snapshots.some(snapshot =>
    Object.values(snapshot.levels).some(level => level.verdict !== 'inconclusive' && level.reason !== 'not-asked'),
  )
  if (run.snapshots.length > 0 && !judged) return false
  return run.restores.length === 0 || run.restores.some(row => row.verdict === 'pass' || row.verdict === 'fail')
}
