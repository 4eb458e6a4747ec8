/** Puts a run together: one value from which reports are drawn and which the ledger remembers. Pure. */
import { makeFinding } from '../check/findings.ts'
import type { CheckResult } from '../check/result.ts'
import type { Ledger } from '../ledger/port.ts'
import type { Evidence } from '../model/evidence.ts'
import { type Finding, findingCodes } from '../model/finding.ts'
import type { JournalRow, RunRow } from '../model/journal.ts'
import type { ContentRecord, DebtItem } from '../model/plan.ts'
import type { Policy } from '../model/policy.ts'
import type { RepositoryData, SnapshotEntry } from '../model/repository.ts'
import type { RestoreRow, RunResult, SelfCheck, SnapshotSummary } from '../model/run.ts'
import { oldestFirst } from '../model/snapshotOrder.ts'
import { type Reason, reasons } from '../model/verdict.ts'
import { findDebt, isProven } from '../plan/debt.ts'
import { restoreTimeOf } from '../plan/restoreTime.ts'
import { isoTime } from '../time.ts'
import { type Attempt, evidenceName } from './attempt.ts'
import type { AuditOptions } from './audit.ts'
import { compareWithPast } from './baselines.ts'
import { datedSnapshots } from './dated.ts'
import type { RunDependencies } from './dependencies.ts'
import { sampleOf } from './draw.ts'
import { enginesNeeded } from './engineNeeds.ts'
import { exitOf, sortAccepted, summarizeDebt } from './outcome.ts'
import { unaskedContents, withRules } from './ruledRun.ts'
import type { SavedRules } from './savedRules.ts'
import { standingRows } from './standingRows.ts'
import type { Survey } from './survey.ts'
import { type JudgedSnapshot, judgedLevels, judgeSnapshots, lastGoodOf, verdictRows } from './verdicts.ts'
import type { WorkResult } from './work.ts'

export interface ResultInput {
  readonly dependencies: Pick<RunDependencies, 'config' | 'tool' | 'runId' | 'counts'>
  readonly options: AuditOptions
  readonly survey: Survey
  readonly ledger: Pick<Ledger, 'runs' | 'lastIdentity' | 'answers' | 'measures' | 'mappings'> & {
    readonly warnings: readonly string[]
  }
  readonly startedMs: number
  readonly endedMs: number
  readonly restores: readonly RestoreRow[]
  readonly work: Pick<WorkResult, 'findings' | 'left'>
  /** With the proofs as they are after the work. */
  readonly contents: readonly ContentRecord[]
  readonly finalGeneration: number
  readonly expired: ReadonlySet<string>
  readonly engines: RunResult['engines']
  /** Debt before the run, where the survey came after it; absent: as the survey saw it. */
  readonly contentsBefore?: number
  readonly array?: RunResult['array']
  readonly selfCheck?: SelfCheck
  /** Why the run could not do its work; null: it did. */
  readonly trouble: string | null
  readonly phases: RunResult['stats']['phases']
}

/** Index rows of verdicts beyond this many are left out unless they fail. */
const maxIndexRows = 20_000
const historyRuns = 90

export interface ConcludedRun {
  readonly result: RunResult
  /** What it leaves in the ledger. */
  readonly rows: JournalRow[]
  /** Null: no rule is configured. */
  readonly savedRules: SavedRules | null
}

export function concludeRun(input: ResultInput): ConcludedRun {
  const { dependencies, survey, options, endedMs } = input
  const { config, tool, runId, counts } = dependencies
  const { repositoryData } = survey.catalogue
  const { policy } = config
  const contents = withoutExpiredHolders(input)
  const snapshots = datedSnapshots(repositoryData.snapshots, survey.checked)
  const plainly = judgeSnapshots({
    repository: repositoryData,
    checked: survey.checked,
    contents,
    workFindings: input.work.findings,
    left: leftReasons(input),
    expired: input.expired,
    policy,
    runId,
    checkedAtMs: survey.checkedAtMs,
    nowMs: endedMs,
  })
  const ruled = withRules(plainly, {
    rules: config.rules,
    repository: repositoryData,
    policy,
    expired: input.expired,
    ledger: input.ledger,
  })
  const { judged } = ruled
  const nameOf = new Map(repositoryData.snapshots.map(snapshot => [snapshot.uuid, snapshot.name]))
  const seen = toldOnce(survey.checked.findings, input.work.findings)
  // Again, with what was answered since the look.
  const baselines = compareWithPast(repositoryData, snapshots, input.ledger, config.baselines)
  const ofLedger = [...identityFindings(input.ledger, repositoryData.identity.clusterId), ...baselines.findings]
  const all = [...seen, ...ofLedger, ...ruled.findings].flatMap(finding =>
    withoutExpired(finding, input.expired).map(one => hitsOldestFirst(one, snapshots)),
  )
  const { findings, accepted } = sortAccepted(all, policy.accepted, uuid => nameOf.get(uuid) ?? uuid, endedMs)
  const at = { snapshots, policy, startMs: survey.startMs, nowMs: endedMs }
  const unasked = unaskedContents(contents, snapshots, config.rules, policy, input.ledger, endedMs)
  const debtInput = { ...at, contents, unasked }
  const debt = findDebt(debtInput)
  const { restores } = input
  // What was drawn and needed no proof brings nobody nearer to the end of the debt.
  const drawn = new Set(survey.draw?.contents.map(({ contentId }) => contentId))
  const worksOff = ({ verdict, kind, contentId }: RestoreRow) =>
    verdict === 'pass' && !(kind === 'refresh' && drawn.has(contentId))
  const provenNow = restores.filter(worksOff).length
  const contentsBefore = input.contentsBefore ?? findDebt({ ...at, contents: survey.contents }).length
  const firstSeen = (item: DebtItem) =>
    Math.min(...item.content.snapshots.map(position => snapshots[position]?.endedMs ?? endedMs))
  const summary = summarizeDebt(debt, contentsBefore, provenNow, firstSeen, endedMs)
  const failedBefore = countFailedBefore(judged, [...findings, ...accepted.map(entry => entry.finding)])
  const unfinished = options.only === null ? 0 : countUnfinished(input, judged, restores, options.only)
  const { overdue } = summary
  const trouble = input.trouble
  const result: RunResult = {
    schemaVersion: 1,
    runId,
    command: options.command,
    tool,
    repository: { ...repositoryData.identity, name: config.repository.name, url: config.repository.url },
    finalGeneration: input.finalGeneration,
    startedAt: isoTime(input.startedMs),
    endedAt: isoTime(endedMs),
    seconds: (endedMs - input.startedMs) / 1000,
    exit: exitOf({
      findings,
      failedBefore,
      overdue,
      unseen: judged.filter(isUnseen).length,
      unread: options.only === null ? judged.filter(one => isUnread(one, policy, survey.startMs, endedMs)).length : 0,
      unfinished,
      unjudgedRules: findings.filter(({ code }) => code === 'rule-not-judged').length,
      trouble,
      failOn: config.failOn,
    }),
    policy: {
      startAt: isoTime(survey.startMs),
      restoreNewestWithinDays: policy.restoreNewestWithinDays,
      restoreEveryContentWithinDays: policy.restoreEveryContentWithinDays,
      credit: policy.credit,
    },
    limits: options.limits,
    forecast: survey.forecast,
    engines: input.engines,
    snapshots: judged.map(snapshot => summarize(snapshot, survey)),
    verdicts: verdictRows(judged, maxIndexRows),
    findings,
    accepted,
    lastGood: lastGoodOf(withoutAccused(judged, findings), repositoryData),
    restores,
    ...(input.array === undefined ? {} : { array: input.array }),
    debt: summary,
    ...(ruled.run === null ? {} : { rules: ruled.run }),
    baselines: baselines.summary,
    ...(survey.draw === null ? {} : { sample: sampleOf(survey.draw, restores, seen) }),
    contents: {
      total: contents.length,
      proven: countProven(contents, survey.checked, { policy, nowMs: endedMs }),
    },
    ...(input.selfCheck === undefined ? {} : { selfCheck: input.selfCheck }),
    history: historyOf(input.ledger.runs(historyRuns)),
    stats: {
      requests: { list: counts.list, get: counts.get, head: counts.head, put: counts.put, delete: counts.delete },
      bytesRead: counts.bytesRead,
      bytesRestored: restores.reduce((sum, row) => sum + (row.attempts > 0 ? row.bytes : 0), 0),
      phases: input.phases,
    },
    restoreTime: restoreTimeOf({
      restores,
      newest: newestOf(judged.map(snapshot => summarize(snapshot, survey))),
      parallel: config.work.contents,
    }),
    limitsOfProof: [...enginesNeeded(input.survey), ...limitsOfProof(input.engines), ...howLimits(restores)],
  }
  const rows = [...standingRows(judged, result.lastGood, runId, endedMs), ...journalRows(result)]
  return { result, rows, savedRules: ruled.saved }
}

/** `runs`: oldest first. */
export function historyOf(runs: readonly RunRow[]): RunResult['history'] {
  return runs.map(run => ({
    runId: run.runId,
    endedAt: isoTime(run.endedMs),
    debtContents: run.debtContents,
    proven: run.proven,
    findings: run.findings,
    exitCode: run.exitCode,
  }))
}

/** What restores and is not what was meant to be kept is no good restore point. */
function withoutAccused(judged: readonly JudgedSnapshot[], findings: readonly Finding[]): JudgedSnapshot[] {
  const accused = new Set(
    findings
      .filter(({ code, severity }) => severity === 'error' && 'restores' in findingCodes[code])
      .flatMap(({ snapshots, index }) => snapshots.map(uuid => JSON.stringify([uuid, index]))),
  )
  return judged.map(one => ({
    ...one,
    copies: one.copies.filter(({ copy }) => !accused.has(JSON.stringify([one.entry.uuid, copy.indexName]))),
  }))
}

/** What was restored once and is known to be bad since is not proven. */
export function countProven(
  contents: readonly ContentRecord[],
  { snapshots }: CheckResult,
  at: Parameters<typeof isProven>[1],
): number {
  const bad = new Set<string>()
  for (const { copies } of snapshots)
    for (const { indexId, contentId, byteProof } of copies)
      if (byteProof?.verdict === 'fail') bad.add(`${indexId} ${contentId}`)
  return contents.filter(content => isProven(content, at) && !bad.has(`${content.indexId} ${content.contentId}`)).length
}

/** A bad blob that the check has read and the mirror met again is one fault, which hits whom either saw. */
export function toldOnce(checked: readonly Finding[], work: readonly Finding[]): Finding[] {
  const again = new Map(work.map(finding => [finding.id, finding]))
  const known = new Set(checked.map(({ id }) => id))
  const both = checked.map(finding => {
    const snapshots = new Set([...finding.snapshots, ...(again.get(finding.id)?.snapshots ?? [])])
    return { ...finding, snapshots: [...snapshots] }
  })
  return [...both, ...work.filter(({ id }) => !known.has(id))]
}

/** What was deleted while the run was going on owes nothing any more. */
function withoutExpiredHolders({ contents, expired, survey }: ResultInput): readonly ContentRecord[] {
  if (expired.size === 0) return contents
  const { snapshots: entries } = survey.catalogue.repositoryData
  return contents.flatMap(content => {
    const snapshots = content.snapshots.filter(position => !expired.has(entries[position]?.uuid ?? ''))
    return snapshots.length === 0 ? [] : [{ ...content, snapshots }]
  })
}

/** Snapshots with a failing index that no error of this run names, accepted or not. */
export function countFailedBefore(judged: readonly JudgedSnapshot[], findings: readonly Finding[]): number {
  const errors = findings.filter(finding => finding.severity === 'error')
  const named = new Set(errors.flatMap(({ snapshots, index }) => snapshots.map(uuid => `${uuid} ${index ?? ''}`)))
  return judged.filter(({ entry, levels, copies }) => {
    if (levels.restore.mark.verdict !== 'fail' || named.has(`${entry.uuid} `)) return false
    const failing = copies.filter(({ levels: own }) => own.restore.mark.verdict === 'fail')
    return failing.length === 0 || failing.some(({ copy }) => !named.has(`${entry.uuid} ${copy.indexName}`))
  }).length
}

/** Did `catalogue` or `presence` stay open? What was wrong at the source leaves nothing to look at. */
function isUnseen({ levels }: JudgedSnapshot): boolean {
  return [levels.catalogue, levels.presence].some(
    ({ mark }) => mark.verdict === 'inconclusive' && reasons[mark.reason].debt,
  )
}

/** Are its bytes open for longer than the policy allows, counted from its end or the start of the policy? */
export function isUnread(
  { entry, levels }: JudgedSnapshot,
  { bytesWithinDays }: Pick<Policy, 'bytesWithinDays'>,
  startMs: number,
  nowMs: number,
): boolean {
  const { verdict, reason } = levels.bytes.mark
  if (verdict !== 'inconclusive' || !reasons[reason].debt) return false
  return nowMs - Math.max(startMs, entry.endedMs ?? startMs) > bytesWithinDays * 86_400_000
}

/** Contents of named snapshots that this run was to restore and did not judge; at least the snapshots that stay open. */
function countUnfinished(
  { survey, work }: ResultInput,
  judged: readonly JudgedSnapshot[],
  restores: readonly RestoreRow[],
  only: readonly string[],
): number {
  const open = restores.filter(row => row.verdict === 'inconclusive').length
  const contents = open + survey.plan.left.length + work.left.length
  if (contents > 0) return contents
  const named = judged.filter(({ entry }) => only.includes(entry.name) || only.includes(entry.uuid))
  return named.filter(({ levels }) => levels.restore.mark.verdict === 'inconclusive').length
}

function leftReasons({ survey, work }: ResultInput): Map<string, Reason> {
  const left = new Map<string, Reason>()
  for (const { item, reason } of survey.plan.left) left.set(`${item.content.indexId} ${item.content.contentId}`, reason)
  for (const { indexId, contentId, reason } of work.left) left.set(`${indexId} ${contentId}`, reason)
  return left
}

/** A finding about snapshots that are all gone is nobody's; one that still hits some keeps those. */
function withoutExpired(finding: Finding, expired: ReadonlySet<string>): Finding[] {
  if (finding.snapshots.length === 0 || expired.size === 0) return [finding]
  const snapshots = finding.snapshots.filter(uuid => !expired.has(uuid))
  return snapshots.length === 0 ? [] : [{ ...finding, snapshots }]
}

function hitsOldestFirst(finding: Finding, snapshots: readonly SnapshotEntry[]): Finding {
  const entries = new Map(snapshots.map(snapshot => [snapshot.uuid, snapshot]))
  const entry = (uuid: string) => entries.get(uuid) ?? { name: '', uuid, endedMs: null }
  return { ...finding, snapshots: [...finding.snapshots].sort((a, b) => oldestFirst(entry(a), entry(b))) }
}

/** What the ledger says of itself, and another cluster that wrote since the last run. */
export function identityFindings(
  ledger: Pick<ResultInput['ledger'], 'warnings' | 'lastIdentity'>,
  clusterId: string | null,
): Finding[] {
  const place = { key: null, snapshots: [], index: null, shard: null }
  const findings = ledger.warnings.map(message => makeFinding({ ...place, code: 'ledger-rolled-back', message }))
  const last = ledger.lastIdentity()
  if (last !== null && last.clusterId !== null && clusterId !== null && last.clusterId !== clusterId) {
    const message = `cluster ${clusterId} wrote last; at the run before it was ${last.clusterId}`
    findings.push(makeFinding({ ...place, code: 'foreign-writer', severity: 'information', message }))
  }
  return findings
}

export function restoreRows(attempts: readonly Attempt[], { snapshots }: RepositoryData): RestoreRow[] {
  const nameOf = new Map(snapshots.map(snapshot => [snapshot.uuid, snapshot.name]))
  return attempts.map(attempt => {
    const { planned, judgement, evidence, expected } = attempt
    const { content } = planned
    const primaries = evidence?.stats.filter(row => row.primary) ?? []
    return {
      contentId: content.contentId,
      index: content.indexName,
      snapshot: expected?.snapshot ?? '',
      snapshotUuid: expected?.snapshotUuid ?? '',
      creditedTo: attempt.sharedWith
        .filter(uuid => uuid !== expected?.snapshotUuid)
        .map(uuid => nameOf.get(uuid) ?? uuid),
      kind: planned.kind,
      verdict: judgement.verdict,
      reason: judgement.reason,
      message: judgement.message,
      engine: evidence === null ? attempt.engine : `${evidence.engine.product} ${evidence.engine.version}`,
      attempts: attempt.number,
      shards: content.shardCount,
      files: content.files,
      bytes: content.bytes,
      expectedDocs: sumOrNull(expected?.shards.map(shard => shard.luceneDocs) ?? [null]),
      foundDocs: primaries.length === 0 ? null : sumOrNull(primaries.map(row => row.luceneDocs)),
      seconds: attempt.seconds,
      evidence: evidence === null ? null : evidenceName(attempt),
      ...howRestored(evidence),
    }
  })
}

/** `evidence`: null where nothing was restored. */
function howRestored(evidence: Evidence | null): Pick<RestoreRow, 'method' | 'source' | 'chain'> {
  if (evidence === null) return {}
  const { method, source = 'mirror', chain } = evidence
  return { method, source, ...(chain === undefined ? {} : { chain }) }
}

/** The newest snapshot that its server calls complete. */
function newestOf(snapshots: readonly SnapshotSummary[]): SnapshotSummary | null {
  const complete = snapshots.filter(({ state, endedAt }) => state === 'SUCCESS' && endedAt !== null)
  return complete.reduce<SnapshotSummary | null>(
    (best, one) => (best === null || (one.endedAt ?? '') > (best.endedAt ?? '') ? one : best),
    null,
  )
}

export function sumOrNull(values: readonly (number | null)[]): number | null {
  let sum = 0
  for (const value of values) {
    if (value === null) return null
    sum += value
  }
  return sum
}

function summarize({ entry, checked, levels, copies }: JudgedSnapshot, { plan }: Survey): SnapshotSummary {
  const marks = judgedLevels.flatMap(level => {
    const found = levels[level]
    return found === undefined ? [] : [[level, found.mark] as const]
  })
  return {
    name: entry.name,
    uuid: entry.uuid,
    state: entry.state,
    startedAt: isoTime(entry.startedMs ?? checked.info?.startedMs ?? null),
    endedAt: isoTime(entry.endedMs ?? checked.info?.endedMs ?? null),
    indices: checked.copies.length,
    bytes: checked.copies.reduce((sum, copy) => sum + copy.bytes, 0),
    levels: Object.fromEntries(marks),
    contentsProven: copies.filter(copy => copy.levels.restore.mark.verdict === 'pass').length,
    contents: copies.length,
    chosen: plan.snapshots.includes(checked.snapshot),
  }
}

function limitsOfProof(engines: RunResult['engines']): string[] {
  const limits = [
    'A restore proves that the files, bytes, documents and sequence numbers are those that were snapshotted, not that they are the documents you meant to keep.',
    'Cluster state, templates, users and feature states are not restored.',
    'index-N carries no checksum: a flipped bit in one of its times cannot be seen.',
    'Blobs of contents that were never restored are proven present and of the right length, not byte for byte.',
  ]
  if (engines.some(engine => engine.kind === 'endpoint')) {
    limits.push('The server was run by somebody else: what it reaches, and who reaches it, is not known here.')
  }
  if (engines.some(engine => !engine.egressBlocked && engine.kind !== 'endpoint')) {
    limits.push('The throwaway server was bound to loopback, and its way out to the network was not blocked.')
  }
  if (engines.some(engine => engine.kind === 'maven')) {
    limits.push('The throwaway server was put together from Maven Central and lacks the x-pack modules.')
  }
  return limits
}

/** What is true only of chained restores, and of a server that read the store itself. */
function howLimits(restores: readonly RestoreRow[]): string[] {
  const limits: string[] = []
  if (restores.some(({ method }) => method === 'chained')) {
    limits.push(
      'Chained restores copied only what differed from the content before; the blobs of a content were read at different times of this run, and the evidence names who read each.',
    )
  }
  if (restores.some(({ source }) => source === 's3')) {
    limits.push(
      'The throwaway server read the store itself: it reached the network and was given the credentials of this run.',
    )
  }
  return limits
}

/** What a run says of itself and every snapshot, every night. */
function journalRows(run: RunResult): JournalRow[] {
  const passes = run.restores.filter(row => row.verdict === 'pass')
  const seconds = passes.reduce((sum, row) => sum + row.seconds.mirror + row.seconds.restore, 0)
  const bytes = passes.reduce((sum, row) => sum + row.bytes, 0)
  const atMs = Date.parse(run.endedAt)
  const rows: JournalRow[] = run.snapshots.map(snapshot => ({
    kind: 'snapshot',
    runId: run.runId,
    snapshot: snapshot.name,
    snapshotUuid: snapshot.uuid,
    endedMs: snapshot.endedAt === null ? null : Date.parse(snapshot.endedAt),
    atMs,
    catalogue: snapshot.levels.catalogue?.verdict ?? 'inconclusive',
    presence: snapshot.levels.presence?.verdict ?? 'inconclusive',
    restore: snapshot.levels.restore?.verdict ?? 'inconclusive',
  }))
  rows.push({
    kind: 'run',
    runId: run.runId,
    command: run.command,
    startedMs: Date.parse(run.startedAt),
    endedMs: atMs,
    exitCode: run.exit.code,
    toolVersion: run.tool.version,
    generation: run.repository.generation,
    repositoryUuid: run.repository.uuid,
    clusterId: run.repository.clusterId,
    planned: run.forecast?.contents ?? run.restores.length,
    proven: passes.length,
    failed: run.restores.filter(row => row.verdict === 'fail').length,
    inconclusive: run.restores.filter(row => row.verdict === 'inconclusive').length,
    debtContents: run.debt.contents,
    debtBytes: run.debt.bytes,
    findings: run.findings.length,
    restoreBytesPerSecond: seconds > 0 ? bytes / seconds : null,
  })
  return rows
}
