/** A real ledger with nights of a quarter, and the kept runs beside it, for reports for a period. */
import { join } from 'node:path'
import { fold } from '../../../src/ledger/fold.ts'
import type { StoredRow } from '../../../src/ledger/journalFormat.ts'
import { LedgerFile } from '../../../src/ledger/ledgerFile.ts'
import type { Question, Scope } from '../../../src/ledger/show/answer.ts'
import { show } from '../../../src/ledger/show/show.ts'
import type { PeriodReport, Span } from '../../../src/model/period.ts'
import type { RunResult } from '../../../src/model/run.ts'
import { type FindingHistory, takeFindings } from '../../../src/report/period/findings.ts'
import { keptOf } from '../../../src/report/period/kept.ts'
import { spanOf } from '../../../src/report/period/span.ts'
import { type GatheredPeriod, tellPeriod } from '../../../src/report/period/tell.ts'
import { isoTime } from '../../../src/time.ts'
import { contentRow, day, goodRow, newFolder, reachedRow, runRow, snapshotRow } from '../../ledger/support.ts'
import { goodRun } from '../../support/runs.ts'

export const july = Date.UTC(2026, 6, 1)
export const hour = 3_600_000
export const span: Span = spanOf('2026-07')
/** Long after it. */
export const later = Date.UTC(2026, 9, 1)

let files = 0
const folder = newFolder()
export function ledgerOf(rows: readonly StoredRow[], path = join(folder, `period-${++files}.sqlite`)): LedgerFile {
  const file = LedgerFile.open(path, { repositoryName: 'prod', durable: false })
  const frame = { schemaVersion: 1, repository: 'prod', runId: 'r', createdMs: july } as const
  fold(file, [{ ...frame, journalId: `j-${files}`, rows }])
  return file
}

/** The rows of one good night: it began at two o'clock of that day of July, counted from 0. */
export function night(days: number, rest: Partial<Parameters<typeof runRow>[0]> = {}): StoredRow[] {
  const startedMs = july + days * day + 2 * hour
  const endedMs = startedMs + hour
  const runId = `night-${days}`
  const one = { runId, snapshot: 'daily', snapshotUuid: 's1', atMs: endedMs }
  return [
    contentRow({ ...one, contentId: `c${days}`, seconds: 10 + days, bytes: 1e9 }),
    snapshotRow({ ...one, endedMs: july - day, restore: 'pass' }),
    ...(['catalogue', 'presence', 'bytes', 'restore'] as const).map(level =>
      reachedRow({ ...one, level, provenMs: endedMs }),
    ),
    goodRow({ ...one, index: 'logs', endedMs: july - day }),
    runRow({ runId, startedMs, endedMs, planned: 3, proven: 2, failed: 0, inconclusive: 1, ...rest }),
  ]
}

/** The `run.json` of that night. */
export function nightRun(days: number, rest: Partial<RunResult> = {}): RunResult {
  const endedAt = isoTime(july + days * day + 3 * hour)
  return goodRun({ runId: `night-${days}`, endedAt, accepted: [], ...rest })
}

export const everyNight = Array.from({ length: 31 }, (_, i) => i)

export interface Told {
  readonly file: LedgerFile
  readonly runs?: readonly RunResult[]
  readonly nowMs?: number
  readonly span?: Span
  readonly rest?: Partial<GatheredPeriod>
}

/** As `report --period` asks. */
export function tell({ file, runs = [], nowMs = later, span: asked = span, rest = {} }: Told): PeriodReport {
  const { fromMs, toMs } = asked
  const ofPeriod: Scope = { atMs: null, nowMs, fromMs, toMs: Math.min(toMs, nowMs), snapshot: null, index: null }
  const atEnd: Scope = { ...ofPeriod, atMs: toMs < nowMs ? toMs : null, fromMs: null, toMs: null }
  const rows = (question: Question, scope: Scope) => show(file, question, scope).rows
  const findings: FindingHistory = new Map()
  for (const run of runs) takeFindings(findings, run)
  return tellPeriod({
    span: asked,
    nowMs,
    everyDays: 1,
    restoreTargetSeconds: null,
    repository: 'prod',
    toolVersion: '0.1.0',
    ledger: {
      runs: rows('runs', { ...ofPeriod, fromMs: null, toMs: null }),
      gaps: rows('gaps', ofPeriod),
      failures: rows('failures', ofPeriod),
      failuresAtEnd: rows('failures', { ...atEnd, fromMs }),
      restores: rows('restores', ofPeriod),
      snapshots: rows('snapshots', atEnd),
      good: rows('good', atEnd),
      lostRuns: 0,
      heads: [],
    },
    kept: runs.map(keptOf),
    findings,
    problems: new Map(),
    ...rest,
  })
}
