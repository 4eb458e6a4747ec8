/** From what was gathered to what the report for a period says. Pure: the same facts give the same value. */
import type { PeriodReport, PeriodRun, PeriodSnapshot, Span } from '../../model/period.ts'
import { levels } from '../../model/verdict.ts'
import { mapClauses } from './clauses.ts'
import { concludeFindings, type FindingHistory } from './findings.ts'
import type { KeptRun } from './kept.ts'
import { limitsOf } from './limits.ts'
import { restoresOf } from './restores.ts'
import { didWork, type SlotRun, scheduleOf } from './schedule.ts'
import { verdictOf } from './verdict.ts'

/** A row of an answer of the ledger (`ledger show … --json`). */
export type Row = Readonly<Record<string, string | number | null>>

export interface GatheredPeriod {
  readonly span: Span
  readonly nowMs: number
  readonly everyDays: number
  readonly restoreTargetSeconds: number | null
  readonly repository: string
  readonly toolVersion: string
  /** Answers of the ledger. */
  readonly ledger: {
    /** Of all times. */
    readonly runs: readonly Row[]
    /** Of the period. */
    readonly gaps: readonly Row[]
    readonly failures: readonly Row[]
    /** The same as it was known at the end of the period. */
    readonly failuresAtEnd: readonly Row[]
    readonly restores: readonly Row[]
    /** As it was at the end of the period, or is now. */
    readonly snapshots: readonly Row[]
    readonly good: readonly Row[]
    /** Runs that it should know and does not. */
    readonly lostRuns: number
    readonly heads: PeriodReport['seals']['heads']
  }
  /** Kept `run.json` of the runs of the period, oldest first. */
  readonly kept: readonly KeptRun[]
  readonly findings: FindingHistory
  /** By run: why its `run.json` is not among `kept`. */
  readonly problems: ReadonlyMap<string, { readonly document: 'missing' | 'unreadable'; readonly problem: string }>
}

const hourMs = 3_600_000

export function tellPeriod(gathered: GatheredPeriod): PeriodReport {
  const { span, nowMs, ledger, kept, repository, toolVersion } = gathered
  const over = nowMs > span.toMs
  const endMs = over ? span.toMs : nowMs
  const endAt = iso(endMs)
  const fromAt = iso(span.fromMs)
  const runs = runsOf(gathered, fromAt, endAt)
  const unfinished = unfinishedOf(ledger.runs, ledger.restores)
  const asOf = lastLook(ledger.snapshots, fromAt)
  const snapshots = asOf === null ? [] : snapshotsOf(ledger.snapshots, asOf, fromAt)
  const lastKept = kept.at(-1)
  // Nobody named one for the report: the newest that a run was given.
  const targetSeconds =
    gathered.restoreTargetSeconds ?? kept.findLast(run => run.targetSeconds !== null)?.targetSeconds ?? null
  const before = ledger.runs.filter(row => text(row.endedAt) < fromAt).at(-1)
  const told: Omit<PeriodReport, 'verdict' | 'clauses' | 'limits'> = {
    schemaVersion: 1,
    kind: 'period',
    period: { name: span.name, from: fromAt, to: iso(span.toMs), reportedTo: endAt, over },
    generatedAt: iso(nowMs),
    toolVersion,
    repository,
    schedule: scheduleOf(span, nowMs, gathered.everyDays, slotRuns(ledger.runs, unfinished)),
    runs,
    totals: totalsOf(runs),
    unfinished,
    gaps: ledger.gaps.map(row => ({
      hours: Number(row.hours),
      from: text(row.from),
      to: text(row.to),
      afterRun: textOrNull(row.afterRun),
      beforeRun: textOrNull(row.beforeRun),
    })),
    population: populationOf(snapshots, asOf, fromAt),
    snapshots,
    failures: failuresOf(ledger, endAt),
    findings: concludeFindings(gathered.findings, snapshots, endAt),
    information: lastKept?.information ?? 0,
    restores: restoresOf(ledger.restores),
    restoreTime: {
      targetSeconds,
      projections: kept.flatMap(({ projection }) => {
        if (projection === null) return []
        const atMost = projection.slowest ?? projection.seconds
        return [{ ...projection, within: targetSeconds === null ? null : atMost <= targetSeconds }]
      }),
    },
    samples: kept.flatMap(({ sample }) => sample ?? []),
    exclusions: lastKept?.exclusions ?? [],
    lastGood: ledger.good.map(row => ({
      index: text(row.index),
      snapshot: textOrNull(row.snapshot),
      endedAt: textOrNull(row.endedAt),
      level: textOrNull(row.level),
      method: textOrNull(row.method),
      hoursAtEnd: row.endedAt == null ? null : Math.max(0, (endMs - Date.parse(text(row.endedAt))) / hourMs),
    })),
    debt: {
      before: before === undefined ? null : Number(before.debtContents),
      end: runs.at(-1)?.debtContents ?? null,
      most: runs.length === 0 ? null : runs.reduce((most, run) => Math.max(most, run.debtContents), 0),
    },
    identity: identityOf(kept, ledger.runs, fromAt, endAt),
    seals: {
      heads: ledger.heads,
      unsealed: kept.filter(({ sealed }) => sealed === false).map(({ runId }) => runId),
    },
    documents: {
      kept: runs.filter(({ document }) => document === 'kept').length,
      missing: runs.filter(({ document }) => document === 'missing').length,
      unreadable: runs.filter(({ document }) => document === 'unreadable').length,
    },
  }
  return { ...told, verdict: verdictOf(told), clauses: mapClauses(told), limits: limitsOf(told, ledger.lostRuns) }
}

/** Of the period are the runs that ended in it, as `ledger show runs --from --to` says. */
function runsOf({ ledger, kept, problems }: GatheredPeriod, fromAt: string, endAt: string): PeriodRun[] {
  const byId = new Map(kept.map(run => [run.runId, run]))
  return ledger.runs
    .filter(row => text(row.endedAt) >= fromAt && text(row.endedAt) <= endAt)
    .map(row => {
      const runId = text(row.run)
      const found = byId.get(runId)
      const problem = problems.get(runId) ?? { document: 'missing' as const, problem: 'nobody looked for it' }
      return {
        runId,
        command: text(row.command),
        startedAt: text(row.startedAt),
        endedAt: text(row.endedAt),
        exitCode: Number(row.exitCode),
        worked: didWork(Number(row.exitCode)),
        planned: Number(row.planned),
        executed: Number(row.executed),
        proven: Number(row.proven),
        failed: Number(row.failed),
        inconclusive: Number(row.inconclusive),
        findings: Number(row.findings),
        debtContents: Number(row.debtContents),
        ...(found === undefined ? problem : { document: 'kept' as const, problem: '' }),
        sealed: found?.sealed ?? null,
      }
    })
}

function totalsOf(runs: readonly PeriodRun[]): PeriodReport['totals'] {
  const sum = (member: 'planned' | 'executed' | 'proven' | 'failed' | 'inconclusive') =>
    runs.reduce((total, run) => total + run[member], 0)
  return {
    runs: runs.length,
    worked: runs.filter(({ worked }) => worked).length,
    planned: sum('planned'),
    executed: sum('executed'),
    proven: sum('proven'),
    failed: sum('failed'),
    inconclusive: sum('inconclusive'),
  }
}

/** Restores of the period whose run never said that it ended. */
function unfinishedOf(runs: readonly Row[], restores: readonly Row[]): PeriodReport['unfinished'] {
  const ended = new Set(runs.map(row => text(row.run)))
  const byRun = new Map<string, { from: string; to: string; restores: number }>()
  for (const row of restores) {
    const runId = text(row.run)
    if (ended.has(runId)) continue
    const [at, known] = [text(row.at), byRun.get(runId)]
    byRun.set(runId, {
      from: known === undefined || at < known.from ? at : known.from,
      to: known === undefined || at > known.to ? at : known.to,
      restores: (known?.restores ?? 0) + 1,
    })
  }
  return [...byRun].map(([runId, rest]) => ({ runId, ...rest })).sort((a, b) => a.from.localeCompare(b.from))
}

/** Audits alone: a verification looks at what it is asked for. */
function slotRuns(runs: readonly Row[], unfinished: PeriodReport['unfinished']): SlotRun[] {
  return [
    ...runs
      .filter(row => row.command === 'audit')
      .map(row => ({
        runId: text(row.run),
        startedMs: Date.parse(text(row.startedAt)),
        state: didWork(Number(row.exitCode)) ? ('worked' as const) : ('not-worked' as const),
      })),
    ...unfinished.map(({ runId, from }) => ({
      runId,
      startedMs: Date.parse(from),
      state: 'unfinished' as const,
    })),
  ]
}

/** Null: what is known of snapshots is from before the period. */
function lastLook(rows: readonly Row[], fromAt: string): string | null {
  const latest = rows
    .map(row => text(row.lastSeenAt))
    .sort()
    .at(-1)
  return latest !== undefined && latest >= fromAt ? latest : null
}

/** One for each that was seen in the period; rows are one for each snapshot and level. */
function snapshotsOf(rows: readonly Row[], asOf: string, fromAt: string): PeriodSnapshot[] {
  const byUuid = new Map<string, PeriodSnapshot & { levels: Record<string, unknown> }>()
  for (const row of rows) {
    // No run has concluded about it: it is there, as far as anybody knows.
    if (row.lastSeenAt !== null && text(row.lastSeenAt) < fromAt) continue
    const uuid = text(row.uuid)
    const known = byUuid.get(uuid) ?? {
      name: text(row.snapshot),
      uuid,
      endedAt: textOrNull(row.endedAt),
      present: row.lastSeenAt === null || row.lastSeenAt === asOf,
      levels: {},
    }
    known.levels[text(row.level)] = {
      verdict: row.verdict,
      reachedAt: row.reachedAt,
      method: row.method,
      reason: row.reason,
    }
    byUuid.set(uuid, known)
  }
  return [...byUuid.values()]
}

function populationOf(
  snapshots: readonly PeriodSnapshot[],
  asOf: string | null,
  fromAt: string,
): PeriodReport['population'] {
  const present = snapshots.filter(snapshot => snapshot.present)
  const used = levels.filter(level => level !== 'rules' || snapshots.some(one => one.levels.rules !== undefined))
  return {
    asOf,
    present: present.length,
    seen: snapshots.length,
    goneUnproven: snapshots.filter(one => !one.present && (one.levels.restore?.reachedAt ?? null) === null).length,
    levels: used.map(level => {
      const count = (verdict: string | null) =>
        present.filter(one => (one.levels[level]?.verdict ?? null) === verdict).length
      return {
        level,
        pass: count('pass'),
        fail: count('fail'),
        inconclusive: count('inconclusive'),
        notApplicable: count('not-applicable'),
        unknown: count(null),
        reachedInPeriod: snapshots.filter(one => (one.levels[level]?.reachedAt ?? '') >= fromAt).length,
      }
    }),
  }
}

/**
 * As they are known now, with cures of after the period; and what was failing at its end and is not told any more, such as failures
 * of runs that said only what failed, and not since when.
 */
function failuresOf({ failures, failuresAtEnd }: GatheredPeriod['ledger'], endAt: string): PeriodReport['failures'] {
  const told = failures.map(row => failureOf(row, endAt))
  const open = new Set(
    told.filter(({ openAtEnd }) => openAtEnd).map(({ uuid, level }) => JSON.stringify([uuid, level])),
  )
  const forgotten = failuresAtEnd
    .map(row => failureOf(row, endAt))
    .filter(({ state, openAtEnd }) => openAtEnd && state !== 'gone')
    .filter(({ uuid, level }) => !open.has(JSON.stringify([uuid, level])))
  return [...told, ...forgotten]
}

function failureOf(row: Row, endAt: string): PeriodReport['failures'][number] {
  const curedAt = textOrNull(row.curedAt)
  return {
    snapshot: text(row.snapshot),
    uuid: text(row.uuid),
    level: text(row.level),
    foundAt: textOrNull(row.foundAt),
    foundBy: textOrNull(row.foundBy),
    reason: textOrNull(row.reason),
    state: text(row.state),
    curedAt,
    curedBy: textOrNull(row.curedBy),
    method: textOrNull(row.method),
    openAtEnd: row.state === 'gone' ? text(row.lastSeenAt) > endAt : curedAt === null || curedAt > endAt,
  }
}

function identityOf(
  kept: readonly KeptRun[],
  rows: readonly Row[],
  fromAt: string,
  endAt: string,
): PeriodReport['identity'] {
  const inside = rows.filter(row => text(row.endedAt) >= fromAt && text(row.endedAt) <= endAt)
  const generations = inside.map(row => Number(row.generation))
  const egress = kept.flatMap(({ egressBlocked }) => egressBlocked ?? [])
  const checks = kept.flatMap(({ selfCheck }) => selfCheck ?? [])
  return {
    urls: distinct(kept.map(({ url }) => url)),
    uuids: distinct(kept.map(({ uuid }) => uuid)),
    clusterIds: distinct(kept.map(({ clusterId }) => clusterId)),
    generations:
      generations[0] === undefined ? null : { first: generations[0], last: generations.at(-1) ?? generations[0] },
    tools: distinct(inside.map(row => text(row.toolVersion))),
    engines: distinct(kept.flatMap(({ engines }) => engines)),
    egressBlocked: egress.length === 0 ? null : egress.every(blocked => blocked),
    policies: distinct(kept.map(({ policy }) => policy)),
    selfChecks: {
      runs: checks.length,
      planted: checks.reduce((sum, { planted }) => sum + planted, 0),
      found: checks.reduce((sum, { found }) => sum + found, 0),
    },
  }
}

function distinct(values: readonly (string | null)[]): string[] {
  return [...new Set(values.filter(value => value !== null))]
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function text(cell: string | number | null | undefined): string {
  return cell == null ? '' : String(cell)
}

function textOrNull(cell: string | number | null | undefined): string | null {
  return cell == null ? null : String(cell)
}
