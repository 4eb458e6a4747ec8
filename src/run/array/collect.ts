/**
 * The end of an array: takes in what its machines have left, looks at the repository as it is now, judges, reports, gives the lease
 * back. Whatever a machine did not get to is debt. It may be asked again: what was delivered is not delivered twice.
 */
import { isSnapproofError } from '../../errors.ts'
import type { LedgerSession } from '../../ledger/port.ts'
import type { Finding } from '../../model/finding.ts'
import type { JournalRow } from '../../model/journal.ts'
import type { OpenPlan } from '../../model/openPlan.ts'
import type { ContentRecord } from '../../model/plan.ts'
import type { RepositoryData } from '../../model/repository.ts'
import type { RestoreRow, RunResult } from '../../model/run.ts'
import { isOpen } from '../../model/verdict.ts'
import { isoTime } from '../../time.ts'
import { conclude, storeTimeoutMs } from '../conclude.ts'
import type { RunDependencies } from '../dependencies.ts'
import { attemptRows, condemnationRows } from '../failingRows.ts'
import { PhaseTimer } from '../phases.ts'
import { answerRows } from '../ruledRun.ts'
import { blindRun } from '../selfCheck/blindRun.ts'
import { isBlind } from '../selfCheck/selfCheck.ts'
import { readGenerationAgain } from '../settle.ts'
import { remember, type Survey, survey } from '../survey.ts'
import { type Collected, mustBelong } from './documents.ts'
import type { ArrayFolder } from './folder.ts'
import { type Gathered, gather } from './gather.ts'
import { contentsOf, holdersOf, journalOf, journalOfFinding } from './part.ts'
import { uncured } from './uncured.ts'

export interface CollectOptions {
  readonly folder: ArrayFolder
  readonly plan: OpenPlan
  /** `host:pid`. */
  readonly owner: string
}

/** Either the report, or what an earlier collect left: then nothing was done. */
export type CollectOutcome =
  | { readonly run: RunResult; readonly before: null }
  | { readonly run: null; readonly before: Collected }

/**
 * `dependencies.runId` is the plan's.
 *
 * @throws SnapproofError `lease-held` (another run, or another collect), `configuration`, those of ledger, store and repository
 */
export async function collectArray(
  dependencies: RunDependencies,
  { folder, plan, owner }: CollectOptions,
): Promise<CollectOutcome> {
  const { clock, config, log, signal } = dependencies
  mustBelong(plan, config, folder.url)
  const before = await folder.readCollected(signal)
  if (before !== null) return { run: null, before }
  const phases = new PhaseTimer(clock)
  const selfCheck = await phases.time('self-check', () => dependencies.selfCheck())
  if (isBlind(selfCheck)) {
    // What the machines have left stays where it is, for another collect or the next run.
    const options = { command: 'audit', limits: plan.limits } as const
    return { run: await blindRun(dependencies, options, selfCheck, clock.nowMs()), before: null }
  }
  const ledger = await phases.time('ledger', () => openWhenFree(dependencies))
  try {
    // Another collect may have been at work until now.
    const meanwhile = await folder.readCollected(signal)
    if (meanwhile !== null) return { run: null, before: meanwhile }
    await dependencies.notifyStarted?.()
    const gathered = await phases.time('results of the machines', () => gather(folder, plan, log, signal))
    await journalWhatIsMissing(ledger, plan, gathered)
    const { limits } = plan
    const seen = await phases.time('check and plan', () =>
      survey(dependencies, ledger, { only: null, limits, readOnly: false }),
    )
    await condemnOthers(ledger, plan, gathered, seen)
    const { repositoryData } = seen.catalogue
    const accusing = findingsOf(uncured(gathered, { contents: seen.contents, repositoryData, runId: plan.runId }))
    const settled = await phases.time('generation again', () => readGenerationAgain(dependencies, repositoryData))
    const gone = goneSince(plan, repositoryData)
    sayLost(gathered, log)
    const run = await conclude(
      { ...dependencies, counts: countsOf(dependencies.counts, gathered) },
      ledger,
      phases,
      {
        options: { command: 'audit', only: null, limits },
        survey: {
          ...seen,
          plan: { ...seen.plan, snapshots: chosenOf(plan, repositoryData) },
          forecast: plan.forecast,
          draw: plan.draw ?? null,
        },
        // Clocks of two machines: a run that ended before it began would be refused by whoever reads it.
        startedMs: Math.min(plan.createdMs, clock.nowMs()),
        restores: await restoresOf(plan, gathered, seen, dependencies.output),
        work: {
          findings: accusing,
          left: gathered.left.map(({ group: { indexId }, content: { contentId }, reason }) => ({
            indexId,
            contentId,
            reason,
          })),
        },
        contents: remember(seen.checked, seen.catalogue, ledger, config.policy.credit),
        contentsBefore: plan.debtContents,
        finalGeneration: settled.finalGeneration,
        selfCheck,
        expired: new Set([...settled.expired, ...gone]),
        engines: enginesOf(gathered),
        array: { plan: folder.url, plannedAt: isoTime(plan.createdMs), children: gathered.children },
        trouble: troubleOf(plan, gathered) ?? settled.trouble,
      },
      { createdMs: plan.createdMs, journalId: `${plan.runId}-run` },
    )
    if (run.delivered && !ledger.leaseLost.aborted) {
      const { exit } = run.result
      const collected = { schemaVersion: 1, runId: plan.runId, collectedAt: run.result.endedAt, owner, exit } as const
      await folder.writeCollected(collected, AbortSignal.timeout(storeTimeoutMs))
    }
    return { run: run.result, before: null }
  } finally {
    await ledger.close()
  }
}

const lookAgainMs = 3_000
/** Beyond the seconds of the lease: what `lease.ts` grants the clocks of stores, and a look. */
const slackMs = 10_000

/**
 * A collect whose machine was lost is tried again at once, and meets the lease that it held itself: whoever is dead loses it within its
 * seconds, and whoever lives keeps it. Nobody else collects.
 */
async function openWhenFree({ openLedger, clock, config, log, signal }: RunDependencies): Promise<LedgerSession> {
  const untilMs = clock.monotonicMs() + config.ledger.leaseSeconds * 1000 + slackMs
  for (let attempt = 1; ; attempt++) {
    try {
      return await openLedger({ readOnly: false })
    } catch (error) {
      if (!isSnapproofError(error, 'lease-held') || clock.monotonicMs() >= untilMs) throw error
      if (attempt === 1) log.info(`${error.message}; waiting for as long as a lease lasts that nobody renews`)
      await clock.sleep(lookAgainMs, signal)
    }
  }
}

/** Of machines that died between a result and its journal. */
async function journalWhatIsMissing(ledger: LedgerSession, plan: OpenPlan, { results }: Gathered): Promise<void> {
  const planned = new Map(plan.children.flatMap(contentsOf).map(({ content }) => [content.number, content]))
  for (const [number, { row, evidence }] of results) {
    const id = journalOf(plan, number)
    const content = planned.get(number)
    if (content === undefined || row.verdict === 'inconclusive' || ledger.holdsJournal(id)) continue
    const rows = [...attemptRows(row, holdersOf(content, plan)), ...answerRows(row, evidence)]
    await ledger.journalOnce(plan.runId, id, rows, AbortSignal.timeout(storeTimeoutMs), { late: true })
  }
}

/** A bad blob fails what rests on it and was proven long ago, too, unless it was proven again since. */
async function condemnOthers(
  ledger: LedgerSession,
  plan: OpenPlan,
  { findings }: Gathered,
  { contents, catalogue: { repositoryData } }: Survey,
): Promise<void> {
  const present = new Set(repositoryData.snapshots.map(snapshot => snapshot.uuid))
  for (const { atMs, indexId, contentIds, finding } of findings) {
    if (!finding.snapshots.some(uuid => present.has(uuid))) continue
    const hit = new Set(contentIds)
    const isOpen = ({ proof }: ContentRecord) =>
      proof === null || (proof.verdict === 'pass' && Math.min(proof.provenMs, atMs) === proof.provenMs)
    const others = contents.filter(one => one.indexId === indexId && hit.has(one.contentId) && isOpen(one))
    const rows: JournalRow[] = condemnationRows(finding, others, atMs, { runId: plan.runId, repositoryData }, ledger)
    if (rows.length === 0) continue
    await ledger.journalOnce(plan.runId, journalOfFinding(plan, finding), rows, AbortSignal.timeout(storeTimeoutMs))
  }
}

/** Snapshots that were there when it was planned. */
function goneSince({ snapshots }: OpenPlan, repositoryData: RepositoryData): string[] {
  const present = new Set(repositoryData.snapshots.map(snapshot => snapshot.uuid))
  return snapshots.map(snapshot => snapshot.uuid).filter(uuid => !present.has(uuid))
}

function chosenOf(plan: OpenPlan, { snapshots }: RepositoryData): number[] {
  const chosen = new Set(
    plan.children.flatMap(contentsOf).map(({ content }) => plan.snapshots[content.from]?.uuid ?? ''),
  )
  return [...snapshots.keys()].filter(position => chosen.has(snapshots[position]?.uuid ?? ''))
}

function findingsOf({ results, findings }: Gathered): Finding[] {
  const byId = new Map<string, Finding>()
  for (const { finding } of [...findings, ...results.values()]) {
    if (finding === null) continue
    const known = byId.get(finding.id)
    const snapshots = [...new Set([...(known?.snapshots ?? []), ...finding.snapshots])]
    byId.set(finding.id, { ...finding, snapshots })
  }
  return [...byId.values()]
}

/** With the evidence as files of the report. Credit is that of today's catalogue. */
async function restoresOf(
  plan: OpenPlan,
  { results }: Gathered,
  { contents, catalogue: { repositoryData } }: Survey,
  output: RunDependencies['output'],
): Promise<RestoreRow[]> {
  const { snapshots } = repositoryData
  const positions = new Map(snapshots.map((snapshot, position) => [snapshot.uuid, position]))
  const held = new Map(
    contents.flatMap(one =>
      one.snapshots.map(position => [`${one.indexId} ${one.contentId} ${snapshots[position]?.uuid}`, one] as const),
    ),
  )
  const rows: RestoreRow[] = []
  for (const { group, content } of plan.children.flatMap(contentsOf)) {
    const result = results.get(content.number)
    if (result === undefined) continue
    const { row, restore, evidence } = result
    const now = held.get(`${row.indexId} ${row.contentId} ${row.snapshotUuid}`)
    const place = positions.get(row.snapshotUuid) ?? row.snapshotUuid
    const name = evidence === null || evidence === undefined ? null : `evidence/${content.contentId}-${place}.json`
    if (name !== null) await output.write(name, `${JSON.stringify(evidence, null, 1)}\n`)
    rows.push({
      contentId: row.contentId,
      index: row.indexName,
      snapshot: row.snapshot,
      snapshotUuid: row.snapshotUuid,
      creditedTo: (now?.snapshots ?? []).flatMap(position => {
        const { uuid, name: other } = snapshots[position] ?? {}
        return other === undefined || uuid === row.snapshotUuid ? [] : [other]
      }),
      kind: content.kind,
      verdict: row.verdict,
      reason: row.reason,
      message: row.message,
      engine: row.engine,
      shards: group.shardCount,
      files: content.files,
      bytes: content.bytes,
      ...restore,
      evidence: name,
      method: row.method,
    })
  }
  return rows
}

function enginesOf({ ended }: Gathered): RunResult['engines'] {
  return [...new Map(ended.flatMap(one => one.engines).map(engine => [JSON.stringify(engine), engine])).values()]
}

/** Ours and those of every machine that said how it ended. */
function countsOf(own: RunDependencies['counts'], { ended }: Gathered): RunDependencies['counts'] {
  const counts = { ...own }
  for (const { requests, bytesRead } of ended) {
    for (const kind of ['list', 'get', 'head', 'put', 'delete'] as const) counts[kind] += requests[kind]
    counts.bytesRead += bytesRead
  }
  return counts
}

/** A night without a proof must show as one, and so must one that lost most of its machines: neither gets a heartbeat. */
function troubleOf({ children }: OpenPlan, { results, findings, children: done, left }: Gathered): string | null {
  if (children.length === 0) return null
  const planned = done.reduce((sum, child) => sum + child.contents, 0)
  const lost = left.filter(({ reason }) => reason === 'child-lost').length
  const whyLeft = done.find(child => child.reason !== '')?.reason ?? 'no machine left a result'
  const blind = left.filter(({ reason }) => reason === 'auditor-blind').length
  if (blind > 0)
    return `${blind} of ${planned} planned contents were left by a machine that failed its self-check: ${whyLeft}`
  if (lost * 2 > planned) return `${lost} of ${planned} planned contents are lost with their machines: ${whyLeft}`
  const judged = findings.length > 0 || [...results.values()].some(({ row }) => !isOpen(row))
  const expired = results.size === 0 && left.every(({ reason }) => reason === 'expired')
  if (judged || expired) return null
  return `no planned content could be judged: ${[...results.values()][0]?.row.message ?? whyLeft}`
}

function sayLost({ children }: Gathered, log: RunDependencies['log']): void {
  for (const { child, left, status, reason } of children)
    if (left > 0) log.warn(`child ${child} is ${status}: ${left} contents stay debt`, { reason })
}
