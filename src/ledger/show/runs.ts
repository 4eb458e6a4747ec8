/** Questions about runs: what each planned and did, how the debt went, when nobody looked. */
import type { RunRow } from '../../model/journal.ts'
import { isoTime } from '../../time.ts'
import type { LedgerFile } from '../ledgerFile.ts'
import { type Answer, columnsOf, type Scope } from './answer.ts'
import { momentOf, runsOf } from './rows.ts'

const hourMs = 3_600_000

function inPeriod({ endedMs }: RunRow, { fromMs, toMs }: Scope): boolean {
  return (fromMs === null || endedMs >= fromMs) && (toMs === null || endedMs <= toMs)
}

function executedBy(run: RunRow): number {
  return run.proven + run.failed + run.inconclusive
}

/** Runs in a period, planned against executed. */
export function showRuns(file: LedgerFile, scope: Scope): Answer {
  const rows = runsOf(file, scope)
    .filter(run => inPeriod(run, scope))
    .map(run => ({
      startedAt: isoTime(run.startedMs),
      endedAt: isoTime(run.endedMs),
      run: run.runId,
      command: run.command,
      exitCode: run.exitCode,
      planned: run.planned,
      executed: executedBy(run),
      proven: run.proven,
      failed: run.failed,
      inconclusive: run.inconclusive,
      findings: run.findings,
      debtContents: run.debtContents,
      debtBytes: run.debtBytes,
      seconds: Math.max(0, run.endedMs - run.startedMs) / 1000,
      generation: run.generation,
      toolVersion: run.toolVersion,
    }))
  return {
    rows,
    columns: columnsOf({
      startedAt: 'time',
      endedAt: 'time',
      run: 'text',
      command: 'text',
      exitCode: 'count',
      planned: 'count',
      executed: 'count',
      proven: 'count',
      failed: 'count',
      inconclusive: 'count',
      findings: 'count',
      debtContents: 'count',
      debtBytes: 'bytes',
      seconds: 'seconds',
      generation: 'count',
      toolVersion: 'text',
    }),
  }
}

/** Debt after each run, and by how much it went up or down since the run before. */
export function showDebt(file: LedgerFile, scope: Scope): Answer {
  const all = runsOf(file, scope)
  const rows = all.flatMap((run, i) => {
    const before = all[i - 1]
    const change = before === undefined ? null : run.debtContents - before.debtContents
    return inPeriod(run, scope)
      ? [
          {
            endedAt: isoTime(run.endedMs),
            debtContents: run.debtContents,
            change,
            debtBytes: run.debtBytes,
            planned: run.planned,
            proven: run.proven,
            run: run.runId,
          },
        ]
      : []
  })
  return {
    rows,
    columns: columnsOf({
      endedAt: 'time',
      debtContents: 'count',
      change: 'count',
      debtBytes: 'bytes',
      planned: 'count',
      proven: 'count',
      run: 'text',
    }),
  }
}

/**
 * Times in which nobody looked, longest first: between the end of a run and the start of the next one, and since the last one. With
 * a period, those that reach into it, as they are within it.
 */
export function showGaps(file: LedgerFile, scope: Scope): Answer {
  const endMs = Math.min(momentOf(scope), scope.toMs ?? Infinity)
  const startMs = scope.fromMs ?? Number.NEGATIVE_INFINITY
  const gaps: { fromMs: number; toMs: number; after: string | null; before: string | null }[] = []
  let lookedUntilMs = Number.NEGATIVE_INFINITY
  let after: string | null = null
  const add = (untilMs: number, before: string | null): void => {
    const fromMs = Math.max(lookedUntilMs, startMs)
    if (Number.isFinite(fromMs) && untilMs > fromMs) gaps.push({ fromMs, toMs: untilMs, after, before })
  }
  for (const run of runsOf(file, scope)) {
    if (run.startedMs > endMs) break
    add(run.startedMs, run.runId)
    if (run.endedMs <= lookedUntilMs) continue
    lookedUntilMs = run.endedMs
    after = run.runId
  }
  add(endMs, null)
  gaps.sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs) || a.fromMs - b.fromMs)
  return {
    rows: gaps.map(gap => ({
      hours: Math.round(((gap.toMs - gap.fromMs) / hourMs) * 100) / 100,
      from: isoTime(gap.fromMs),
      to: isoTime(gap.toMs),
      afterRun: gap.after,
      beforeRun: gap.before,
    })),
    columns: columnsOf({ hours: 'hours', from: 'time', to: 'time', afterRun: 'text', beforeRun: 'text' }),
  }
}
