/**
 * The night: ledger, catalogue and listing, plan, work, fold, report, metrics. In this order, so that whatever breaks,
 * everything before it is kept: journals are written content by content, the ledger is stored before anything is
 * reported, and the heartbeat is the last thing that a run says.
 */
import { describeError, isSnapproofError, SnapproofError } from '../errors.ts'
import type { LedgerSession } from '../ledger/port.ts'
import type { Finding } from '../model/finding.ts'
import type { ContentRow, JournalRow } from '../model/journal.ts'
import type { ContentRecord } from '../model/plan.ts'
import type { Limits } from '../model/policy.ts'
import type { RunResult } from '../model/run.ts'
import { openCatalogue } from '../repository/catalogue.ts'
import { currentGeneration } from '../repository/generation.ts'
import { type Attempt, evidenceName } from './attempt.ts'
import type { RunDependencies } from './dependencies.ts'
import { EngineHolder } from './engines.ts'
import { rootItems } from './expectation.ts'
import { PhaseTimer } from './phases.ts'
import { publish } from './publish.ts'
import { assembleResult, journalRows, sumOrNull } from './result.ts'
import { remember, type Survey, survey } from './survey.ts'
import { type WorkResult, workOff } from './work.ts'

export interface AuditOptions {
  readonly command: RunResult['command']
  /** Names or uuids of snapshots to restore now; null: by debt. */
  readonly only: readonly string[] | null
  readonly limits: Limits
}

/** Throws only when there is nothing to report: no configuration, no repository, no ledger. */
export async function audit(dependencies: RunDependencies, options: AuditOptions): Promise<RunResult> {
  const { clock, log, signal } = dependencies
  const startedMs = clock.nowMs()
  const phases = new PhaseTimer(clock)
  const ledger = await phases.time('ledger', () => dependencies.openLedger({ readOnly: false }))
  const stop = AbortSignal.any([signal, ledger.leaseLost])
  const engines = holdEngines(dependencies, stop)
  try {
    // Starting takes as long as reading the catalogue, so it is begun where work is likely: first night, debt left behind.
    const [last] = ledger.runs(1)
    const likely = options.only !== null || last === undefined || last.debtContents > 0
    const first = dependencies.config.engines[0]
    if (first !== undefined && likely) engines.warm(first.name)
    const seen = await phases.time('check and plan', () =>
      survey(dependencies, ledger, { ...options, readOnly: false }),
    )
    log.info(sayPlan(seen), { snapshots: seen.plan.snapshots.length, contents: seen.forecast.contents })
    const night = new Night(dependencies, ledger, seen)
    const trouble = await phases.time('mirror and restore', () => night.work(engines, stop, options.limits, startedMs))
    const settled = await phases.time('generation again', () => night.readGenerationAgain())
    const { runId } = dependencies
    const input = {
      dependencies,
      options,
      survey: seen,
      ledger,
      startedMs,
      attempts: night.attempts,
      work: night.result,
      contents: remember(seen.checked, seen.catalogue, ledger, dependencies.config.policy.credit),
      finalGeneration: settled.finalGeneration,
      expired: settled.expired,
      engines: [...engines.used.values()],
      trouble: trouble ?? settled.trouble,
    }
    let result = assembleResult({ ...input, phases: phases.list(), endedMs: clock.nowMs() })
    await phases.time('ledger stored', async () => {
      await ledger.journal(runId, journalRows(result), AbortSignal.timeout(storeTimeoutMs))
      await ledger.store(AbortSignal.timeout(storeTimeoutMs))
    })
    result = { ...result, stats: { ...result.stats, phases: phases.list() } }
    return await publish(result, dependencies, ledger.leaseLost.aborted)
  } finally {
    await engines.stop()
    await ledger.close()
  }
}

const storeTimeoutMs = 120_000

function holdEngines(dependencies: RunDependencies, signal: AbortSignal): EngineHolder {
  const { config, log } = dependencies
  return new EngineHolder({
    start: (name, abort) => dependencies.startEngine(name, abort),
    mirrorFolder: dependencies.mirrorFolder,
    freshStarts: config.work.freshStarts,
    log,
    signal,
  })
}

function sayPlan({ plan, forecast, catalogue }: Survey): string {
  if (forecast.contents === 0) return 'nothing is in debt that this run can restore'
  const names = plan.snapshots.map(position => catalogue.repositoryData.snapshots[position]?.name ?? '')
  return `restoring ${forecast.contents} contents of ${plan.snapshots.length} snapshots: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`
}

interface Settled {
  readonly finalGeneration: number
  readonly expired: ReadonlySet<string>
  /** Why the end of the night could not be read; null: it could. */
  readonly trouble: string | null
}

/** What one night did, as it goes along. */
class Night {
  readonly attempts: Attempt[] = []
  result: WorkResult = { findings: [], left: [], bytesFetched: 0, failure: null }
  readonly #dependencies: RunDependencies
  readonly #ledger: LedgerSession
  readonly #survey: Survey
  /** More than one of a key only without shared credit. */
  readonly #contents = new Map<string, ContentRecord[]>()

  constructor(dependencies: RunDependencies, ledger: LedgerSession, seen: Survey) {
    this.#dependencies = dependencies
    this.#ledger = ledger
    this.#survey = seen
    for (const content of seen.contents) {
      const key = `${content.indexId} ${content.contentId}`
      this.#contents.set(key, [...(this.#contents.get(key) ?? []), content])
    }
  }

  /** Restores what is planned. The answer says why the run could not do its work; null: it did. */
  async work(engines: EngineHolder, signal: AbortSignal, limits: Limits, startedMs: number): Promise<string | null> {
    const { clock, config, log } = this.#dependencies
    const { plan, catalogue } = this.#survey
    if (plan.groups.length === 0) return null
    const mirror = this.#dependencies.openMirror(signal)
    const usedMs = clock.nowMs() - startedMs
    const leftMs = limits.durationSeconds === null ? null : limits.durationSeconds * 1000 - usedMs
    try {
      const root = await mirror.fetch(rootItems(catalogue.repositoryData.identity.generation), signal)
      const bad = root.faults[0]
      if (bad !== undefined) return `the root of the repository could not be mirrored: ${bad.fault.message}`
      this.result = await workOff({
        plan,
        catalogue,
        mirror,
        engines,
        clock,
        log,
        signal,
        stopAtMs: leftMs === null ? null : clock.monotonicMs() + Math.max(0, leftMs),
        parallel: config.work.contents,
        restoreTimeoutSeconds: config.work.restoreTimeoutSeconds,
        onAttempt: attempt => this.#record(attempt),
        onCondemned: (indexId, contentIds, finding) => this.#condemn(indexId, contentIds, finding),
      })
      if (this.result.failure !== null) throw this.result.failure
    } catch (error) {
      // What was proven is journalled; the report says what stopped the rest.
      if (!(error instanceof SnapproofError) && !signal.aborted) throw error
      return signal.aborted ? describeError(signal.reason) : describeTrouble(error)
    } finally {
      await mirror.close()
    }
    if (signal.aborted) return describeError(signal.reason)
    const tried = this.attempts.filter(attempt => attempt.judgement.verdict !== 'inconclusive')
    const first = this.attempts[0]
    return tried.length === 0 && first !== undefined && this.result.findings.length === 0
      ? `no planned content could be judged: ${first.judgement.message}`
      : null
  }

  /** Snapshots that went away meanwhile are nobody's failure. */
  async readGenerationAgain(): Promise<Settled> {
    const { identity } = this.#survey.catalogue.repositoryData
    const unknown = { finalGeneration: identity.generation, expired: new Set<string>() }
    if (this.#dependencies.signal.aborted) return { ...unknown, trouble: null }
    try {
      return { ...(await this.#whatExpired()), trouble: null }
    } catch (error) {
      // What was done is reported all the same.
      if (!(error instanceof SnapproofError)) throw error
      return { ...unknown, trouble: `the repository could not be read again at the end: ${describeTrouble(error)}` }
    }
  }

  async #whatExpired(): Promise<Omit<Settled, 'trouble'>> {
    const { repository, signal, config } = this.#dependencies
    const { identity, snapshots } = this.#survey.catalogue.repositoryData
    const finalGeneration = await currentGeneration(repository, signal)
    if (finalGeneration === identity.generation) return { finalGeneration, expired: new Set() }
    const { repositoryData } = await openCatalogue(repository, {
      concurrency: config.work.requests,
      maxMetadataBytes: config.work.maxMetadataBytes,
      signal,
    })
    const present = new Set(repositoryData.snapshots.map(snapshot => snapshot.uuid))
    const expired = new Set(snapshots.map(snapshot => snapshot.uuid).filter(uuid => !present.has(uuid)))
    return { finalGeneration: repositoryData.identity.generation, expired }
  }

  async #record(attempt: Attempt): Promise<void> {
    this.attempts.push(attempt)
    const { output, log } = this.#dependencies
    const { planned, judgement, evidence } = attempt
    if (evidence !== null) await output.write(evidenceName(attempt), `${JSON.stringify(evidence, null, 1)}\n`)
    const row = this.#row(planned.content, planned.snapshot, attempt.atMs, {
      verdict: judgement.verdict,
      reason: judgement.reason,
      message: judgement.message,
      seconds: attempt.seconds.mirror + attempt.seconds.restore,
      luceneDocs: sumOrNull(attempt.expected?.shards.map(shard => shard.luceneDocs) ?? [null]),
      engine:
        attempt.evidence === null
          ? attempt.engine
          : `${attempt.evidence.engine.product} ${attempt.evidence.engine.version}`,
    })
    await this.#journal([row])
    const say = `${planned.content.indexName}: ${judgement.verdict}`
    if (judgement.verdict === 'pass') log.info(say, { seconds: Math.round(row.seconds * 100) / 100 })
    else log.warn(say, { reason: judgement.reason, message: judgement.message })
  }

  /** A bad blob fails every content that rests on it, restored in this run or proven long ago. */
  async #condemn(indexId: string, contentIds: ReadonlySet<string>, finding: Finding): Promise<void> {
    const atMs = this.#dependencies.clock.nowMs()
    const hit = [...contentIds].flatMap(contentId => this.#contents.get(`${indexId} ${contentId}`) ?? [])
    const rows = hit.flatMap(content => {
      const snapshot = content.snapshots.at(-1)
      if (snapshot === undefined) return []
      const facts = {
        verdict: 'fail',
        reason: 'lower-level-failed',
        message: finding.message,
        seconds: 0,
        luceneDocs: null,
        engine: '',
      } as const
      return [this.#row(content, snapshot, atMs, facts)]
    })
    this.#dependencies.log.warn(finding.message, { code: finding.code })
    if (rows.length > 0) await this.#journal(rows)
  }

  #row(
    content: ContentRecord,
    position: number,
    atMs: number,
    facts: Pick<ContentRow, 'verdict' | 'reason' | 'message' | 'seconds' | 'luceneDocs' | 'engine'>,
  ): ContentRow {
    const snapshot = this.#survey.catalogue.repositoryData.snapshots[position]
    return {
      kind: 'content',
      runId: this.#dependencies.runId,
      contentId: content.contentId,
      indexId: content.indexId,
      indexName: content.indexName,
      snapshot: snapshot?.name ?? '',
      snapshotUuid: snapshot?.uuid ?? '',
      method: 'restore',
      witness: content.witness,
      atMs,
      bytes: content.bytes,
      ...facts,
    }
  }

  /** What is done is stored even while the run is being stopped. */
  #journal(rows: readonly JournalRow[]): Promise<void> {
    return this.#ledger.journal(this.#dependencies.runId, rows, AbortSignal.timeout(storeTimeoutMs))
  }
}

function describeTrouble(error: unknown): string {
  return isSnapproofError(error) && error.advice !== ''
    ? `${describeError(error)}. ${error.advice}`
    : describeError(error)
}
