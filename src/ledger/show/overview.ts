/** The ledger in a few lines. */
import type { VerdictValue } from '../../model/verdict.ts'
import { isoTime } from '../../time.ts'
import type { LedgerFile } from '../ledgerFile.ts'
import { missingRuns } from '../rollBack.ts'
import { type Answer, type Cell, columnsOf, type Scope } from './answer.ts'
import { showGood } from './good.ts'
import { runsOf } from './rows.ts'
import { showGaps } from './runs.ts'
import { showSnapshots } from './snapshots.ts'

export function showOverview(file: LedgerFile, scope: Scope): Answer {
  const runs = runsOf(file, scope)
  const last = runs.at(-1)
  const weekBefore = runs.findLast(run => last !== undefined && run.endedMs <= last.endedMs - 7 * 86_400_000)
  const gap = showGaps(file, scope).rows[0]
  const known = showSnapshots(file, scope).rows.filter(row => row.level === 'restore')
  const lastSeenAt = known
    .map(row => String(row.lastSeenAt ?? ''))
    .sort()
    .at(-1)
  // What no run has concluded about is there, as far as anybody knows.
  const snapshots = known.filter(row => row.lastSeenAt === null || row.lastSeenAt === lastSeenAt)
  const restore = (verdict: VerdictValue) => snapshots.filter(row => row.verdict === verdict).length
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
