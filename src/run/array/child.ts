/**
 * One machine of an array: restores its part of the plan and leaves every result as it comes, in the array's folder and as a journal.
 * It takes no lease and stores no ledger. Whatever is there already, of an attempt before or of one beside it, is not done or written again.
 */
import { describeError, SnapproofError } from '../../errors.ts'
import type { LedgerSession } from '../../ledger/port.ts'
import type { Finding } from '../../model/finding.ts'
import type { ContentRow } from '../../model/journal.ts'
import type { OpenChild, OpenContent, OpenPlan } from '../../model/openPlan.ts'
import type { Reason } from '../../model/verdict.ts'
import { type Catalogue, openCatalogue } from '../../repository/catalogue.ts'
import { isoTime } from '../../time.ts'
import type { Attempt } from '../attempt.ts'
import { storeTimeoutMs } from '../conclude.ts'
import { attemptRow, condemnedRows, type RestingContent, sayAttempt } from '../contentRows.ts'
import type { RunDependencies } from '../dependencies.ts'
import { holdEngines, type Restored, restorePlan } from '../restorePlan.ts'
import { restoreRows } from '../result.ts'
import { whatExpired } from '../settle.ts'
import { findingOf } from '../work.ts'
import { type AttemptBegan, type ContentResult, mustBelong } from './documents.ts'
import type { ArrayFolder } from './folder.ts'
import { contentsOf, isRowOf, journalOf, journalOfFinding, type Part, partFor } from './part.ts'

export interface WorkChildOptions {
  readonly folder: ArrayFolder
  readonly plan: OpenPlan
  /** Which machine this is, from 0. */
  readonly child: number
  /** `host:pid`. */
  readonly owner: string
}

export interface ChildOutcome {
  readonly schemaVersion: 1
  /** URL. */
  readonly plan: string
  readonly runId: string
  readonly child: number
  /** Contents that it was given. */
  readonly contents: number
  /** Of these: done by an attempt before this one. */
  readonly finishedBefore: number
  readonly proven: number
  readonly failed: number
  readonly inconclusive: number
  /** Of these: without any result. */
  readonly left: number
  readonly seconds: number
  /** Why it could not do its work; null: its results are stored, whatever they say. */
  readonly trouble: string | null
}

/**
 * `dependencies.runId` is this attempt's own.
 *
 * @throws SnapproofError `usage` (no such child), `configuration` (a plan of others, or too old), those of ledger, store and repository
 */
export async function workChild(dependencies: RunDependencies, options: WorkChildOptions): Promise<ChildOutcome> {
  const { folder, plan, child, owner } = options
  const { clock, config } = dependencies
  mustBelong(plan, config, folder.url)
  const given = plan.children[child]
  if (given === undefined)
    throw new SnapproofError('usage', `${folder.url} has no child ${child}; it has ${plan.children.length}, from 0`)
  const startedMs = clock.monotonicMs()
  const began: AttemptBegan = { schemaVersion: 1, owner, startedAt: isoTime(clock.nowMs()) }
  await folder.began(child, dependencies.runId, began, stored())
  const work = new ChildWork(dependencies, options, given)
  let trouble: string | null = null
  try {
    trouble = await work.run()
    return work.outcome(trouble, (clock.monotonicMs() - startedMs) / 1000)
  } catch (error) {
    trouble = describeError(error)
    throw error
  } finally {
    const { list, get, head, put, delete: deleted, bytesRead } = dependencies.counts
    const seconds = (clock.monotonicMs() - startedMs) / 1000
    await folder.ended(
      child,
      dependencies.runId,
      {
        ...began,
        endedAt: isoTime(clock.nowMs()),
        seconds,
        left: work.left(trouble),
        trouble,
        engines: work.engines,
        requests: { list, get, head, put, delete: deleted },
        bytesRead,
      },
      stored(),
    )
  }
}

/** What is done is stored even while the machine is being stopped. */
function stored(): AbortSignal {
  return AbortSignal.timeout(storeTimeoutMs)
}

class ChildWork {
  engines: readonly { name: string; kind: string; product: string; version: string; egressBlocked: boolean }[] = []
  readonly #dependencies: RunDependencies
  readonly #options: WorkChildOptions
  readonly #given: OpenChild
  readonly #verdicts = new Map<number, ContentRow['verdict']>()
  readonly #finishedBefore = new Set<number>()
  readonly #left = new Map<number, Reason>()

  constructor(dependencies: RunDependencies, options: WorkChildOptions, given: OpenChild) {
    this.#dependencies = dependencies
    this.#options = options
    this.#given = given
  }

  /** Contents that have no result, with the reason. */
  left(trouble: string | null): { number: number; reason: Reason }[] {
    const open = contentsOf(this.#given).filter(
      ({ content: { number } }) => !this.#verdicts.has(number) && !this.#finishedBefore.has(number),
    )
    const otherwise = trouble === null ? 'limit-reached' : 'interrupted'
    return open.map(({ content: { number } }) => ({ number, reason: this.#left.get(number) ?? otherwise }))
  }

  outcome(trouble: string | null, seconds: number): ChildOutcome {
    const { folder, plan, child } = this.#options
    const count = (verdict: ContentRow['verdict']) => [...this.#verdicts.values()].filter(one => one === verdict).length
    return {
      schemaVersion: 1,
      plan: folder.url,
      runId: plan.runId,
      child,
      contents: contentsOf(this.#given).length,
      finishedBefore: this.#finishedBefore.size,
      proven: count('pass'),
      failed: count('fail'),
      inconclusive: count('inconclusive'),
      left: this.left(trouble).length,
      seconds,
      trouble,
    }
  }

  async run(): Promise<string | null> {
    const { folder, plan } = this.#options
    const { signal, config, log, repository } = this.#dependencies
    if ((await folder.readCollected(signal)) !== null) {
      log.warn('the plan has been collected: what is left of it is for the next run', { plan: folder.url })
      return null
    }
    const ledger = await this.#dependencies.openLedger({ readOnly: true, journals: true })
    try {
      const catalogue = await openCatalogue(repository, {
        concurrency: config.work.requests,
        maxMetadataBytes: config.work.maxMetadataBytes,
        signal,
      })
      mustBeSameRepository(plan, catalogue, folder.url)
      await this.#finishWhatWasLeft(ledger)
      const { repositoryData } = catalogue
      const part = partFor(this.#given, plan, repositoryData, content => this.#isFinished(ledger, content))
      for (const { number, reason } of part.left) this.#left.set(number, reason)
      const total = contentsOf(this.#given).length
      log.info(`${part.numberOf.size} of ${total} contents are to be restored, ${this.#finishedBefore.size} are done`)
      return (await this.#restore(ledger, catalogue, part)).trouble
    } finally {
      await ledger.close()
    }
  }

  /** Results whose machine died before their journal was stored. */
  async #finishWhatWasLeft(ledger: LedgerSession): Promise<void> {
    const { folder, plan, child } = this.#options
    const contents = new Map(contentsOf(this.#given).map(one => [one.content.number, one]))
    for (const left of await folder.list(child, this.#dependencies.signal)) {
      if (left.kind !== 'content' || !left.judged || ledger.holdsJournal(journalOf(plan, left.number))) continue
      const planned = contents.get(left.number)
      const result = await folder.readContent(left.key, this.#dependencies.signal)
      if (planned === undefined || result === null || !isRowOf(result.row, planned.content, planned.group, plan))
        continue
      await ledger.journalOnce(plan.runId, journalOf(plan, left.number), [result.row], stored(), { late: true })
    }
  }

  #isFinished(ledger: LedgerSession, { number }: OpenContent): boolean {
    if (!ledger.holdsJournal(journalOf(this.#options.plan, number))) return false
    this.#finishedBefore.add(number)
    return true
  }

  async #restore(ledger: LedgerSession, catalogue: Catalogue, part: Part): Promise<Restored> {
    const { clock, log, signal } = this.#dependencies
    const { limits } = this.#options.plan
    const engines = holdEngines(this.#dependencies, signal)
    try {
      const first = part.plan.groups[0]
      if (first !== undefined) engines.warm(first.engine)
      const restored = await restorePlan(this.#dependencies, {
        plan: part.plan,
        catalogue,
        engines,
        signal,
        stopAtMs: limits.durationSeconds === null ? null : clock.monotonicMs() + limits.durationSeconds * 1000,
        onAttempt: attempt => this.#keep(attempt, ledger, catalogue, part),
        onCondemned: (indexId, contentIds, finding) => {
          log.warn(finding.message, { code: finding.code })
          return this.#condemn(indexId, contentIds, finding, { ledger, catalogue, part })
        },
      })
      for (const { indexId, contentId, reason } of restored.work.left)
        for (const [{ content }, number] of part.numberOf)
          if (content.indexId === indexId && content.contentId === contentId) this.#left.set(number, reason)
      return restored
    } finally {
      this.engines = [...engines.used.values()].map(({ name, kind, product, version, egressBlocked }) => ({
        name,
        kind,
        product,
        version,
        egressBlocked,
      }))
      await engines.stop()
    }
  }

  async #keep(attempt: Attempt, ledger: LedgerSession, catalogue: Catalogue, part: Part): Promise<void> {
    const { folder, plan, child } = this.#options
    const { repositoryData } = catalogue
    const number = part.numberOf.get(attempt.planned)
    const [restore] = restoreRows([attempt], repositoryData)
    if (number === undefined || restore === undefined)
      throw new SnapproofError('internal', 'a content was restored that was not planned')
    const { attempts, expectedDocs, foundDocs, seconds } = restore
    const row = attemptRow(attempt, { runId: plan.runId, repositoryData })
    const holders = attempt.planned.content.snapshots.map(position => repositoryData.snapshots[position]?.uuid ?? '')
    if (row.verdict === 'fail' && (await this.#haveExpired(holders, catalogue))) {
      this.#left.set(number, 'expired')
      return
    }
    const result: ContentResult = {
      schemaVersion: 1,
      row,
      finding: findingOf(attempt, catalogue),
      restore: { attempts, expectedDocs, foundDocs, seconds },
      evidence: attempt.evidence,
    }
    const kept = await folder.keepContent(child, number, this.#dependencies.runId, result, stored())
    const planned = contentsOf(this.#given).find(one => one.content.number === number)
    if (planned === undefined || !isRowOf(kept.row, planned.content, planned.group, plan))
      throw new SnapproofError(
        'configuration',
        `the result of content ${number} beside ${folder.url} is of another content`,
        {
          advice: 'Nothing may write into the folder of an array but Snapproof.',
        },
      )
    const late = kept !== result
    if (kept.row.verdict === 'inconclusive') await ledger.journal(plan.runId, [kept.row], stored())
    else await ledger.journalOnce(plan.runId, journalOf(plan, number), [kept.row], stored(), { late })
    // The pass of another attempt does not hide what failed after it.
    const failedSince = row.verdict === 'fail' && kept.row.verdict === 'pass'
    if (failedSince) await ledger.journal(plan.runId, [row], stored())
    this.#verdicts.set(number, failedSince ? 'fail' : kept.row.verdict)
    sayAttempt(kept.row, this.#dependencies.log)
  }

  /** All that rests on the blob, whoever was given it and whenever it was proven: nobody may come after us to say so. */
  async #condemn(
    indexId: string,
    contentIds: ReadonlySet<string>,
    found: Finding,
    { ledger, catalogue, part }: { ledger: LedgerSession; catalogue: Catalogue; part: Part },
  ): Promise<void> {
    const { folder, plan, child } = this.#options
    const hit = [...part.numberOf].filter(
      ([{ content }]) => content.indexId === indexId && contentIds.has(content.contentId),
    )
    if (await this.#haveExpired(found.snapshots, catalogue)) {
      for (const [, number] of hit) this.#left.set(number, 'expired')
      return
    }
    const atMs = this.#dependencies.clock.nowMs()
    const ids = [...contentIds].sort()
    const kept = await folder.keepFinding(
      child,
      { schemaVersion: 1, atMs, indexId, contentIds: ids, finding: found },
      stored(),
    )
    const context = { runId: plan.runId, repositoryData: catalogue.repositoryData }
    const resting = await this.#resting(indexId, contentIds, catalogue)
    const all = condemnedRows(resting, kept.finding, kept.atMs, context)
    if (all.length > 0) await ledger.journalOnce(plan.runId, journalOfFinding(plan, kept.finding), all, stored())
    for (const [planned, number] of hit) {
      const rows = condemnedRows([planned.content], kept.finding, kept.atMs, context)
      await ledger.journalOnce(plan.runId, journalOf(plan, number), rows, stored())
      this.#verdicts.set(number, 'fail')
    }
  }

  /** With shared credit each content once; without, once for each snapshot that holds it. */
  async #resting(
    indexId: string,
    contentIds: ReadonlySet<string>,
    { repositoryData, readIndex }: Catalogue,
  ): Promise<RestingContent[]> {
    const position = repositoryData.indices.findIndex(index => index.id === indexId)
    const { name, copies } = await readIndex(position, undefined, stored())
    const found = new Map<string, RestingContent>()
    for (const { contentId, snapshot, shards } of copies) {
      if (contentId === null || !contentIds.has(contentId)) continue
      const bytes = shards.reduce((sum, { files }) => sum + (files?.bytes ?? 0), 0)
      const key = this.#options.plan.credit === 'strict' ? `${contentId} ${snapshot}` : contentId
      const snapshots = [...(found.get(key)?.snapshots ?? []), snapshot]
      found.set(key, { contentId, indexId, indexName: name, witness: null, bytes, snapshots })
    }
    const resting = [...found.values()]
    const missing = contentIds.size - new Set(resting.map(one => one.contentId)).size
    if (missing === 0) return resting
    throw new SnapproofError(
      'unavailable',
      `${missing} contents of ${name} that rest on a bad blob could not be read again`,
    )
  }

  /** Nobody is accused without a second look: snapshots that were deleted meanwhile have taken their blobs with them. */
  async #haveExpired(uuids: readonly string[], { repositoryData }: Catalogue): Promise<boolean> {
    if (uuids.length === 0) return false
    const { expired } = await whatExpired(this.#dependencies, repositoryData)
    return uuids.every(uuid => expired.has(uuid))
  }
}

function mustBeSameRepository(plan: OpenPlan, { repositoryData }: Catalogue, url: string): void {
  const { uuid } = repositoryData.identity
  if (uuid === null || plan.repository.uuid === null || uuid === plan.repository.uuid) return
  throw new SnapproofError(
    'configuration',
    `${url} is a plan for the repository ${plan.repository.uuid}, and ${plan.repository.url} holds ${uuid}`,
    { advice: 'The repository was replaced: make a new plan.' },
  )
}
