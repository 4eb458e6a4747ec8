/** The ledger in a few lines. */
import { isoTime } from '../../time.ts'
import type { LedgerFile } from '../ledgerFile.ts'
import { missingRuns } from '../rollBack.ts'
import { verdictCodes } from '../schema.ts'
import { type Answer, type Cell, columnsOf, type Scope } from './answer.ts'
import { showGood } from './good.ts'
import { runsOf, snapshotsOf } from './rows.ts'
import { showGaps } from './runs.ts'

export function showOverview(file: LedgerFile, scope: Scope): Answer {
  const runs = runsOf(file, scope)
  const last = runs.at(-1)
  const weekBefore = runs.findLast(run => last !== undefined && run.endedMs <= last.endedMs - 7 * 86_400_000)
  const gap = showGaps(file, scope).rows[0]
  const known = snapshotsOf(file, scope)
  const lastMs = known.reduce((max, one) => Math.max(max, one.lastMs), Number.NEGATIVE_INFINITY)
  const snapshots = known.filter(one => one.lastMs === lastMs)
  const restore = (verdict: (typeof verdictCodes)[number]) =>
    snapshots.filter(one => verdictCodes[one.restore] === verdict).length
  const good = showGood(file, scope).rows
  const facts: Record<string, Cell> = {
    runs: runs.length,
    firstRunEndedAt: isoTime(runs[0]?.endedMs ?? null),
    lastRunEndedAt: isoTime(last?.endedMs ?? null),
    lastRun: last?.runId ?? null,
    lastExitCode: last?.exitCode ?? null,
    longestGapHours: gap?.hours ?? null,
    longestGapFrom: gap?.from ?? null,
    debtContents: last?.debtContents ?? null,
    debtBytes: last?.debtBytes ?? null,
    debtContentsAWeekBefore: weekBefore?.debtContents ?? null,
    snapshots: snapshots.length,
    snapshotsRestorePass: restore('pass'),
    snapshotsRestoreFail: restore('fail'),
    snapshotsRestoreOpen: restore('inconclusive'),
    indices: good.length,
    indicesWithoutGoodSnapshot: good.filter(row => row.snapshot === null).length,
    // Of the whole file: it cannot be told when their journals went.
    runsWhoseJournalsAreLost: scope.atMs === null ? missingRuns(file) : null,
  }
  return {
    rows: Object.entries(facts).map(([fact, value]) => ({ fact, value })),
    columns: columnsOf({ fact: 'text', value: 'text' }),
  }
}
