/**
 * One machine of an array: restores its part of the plan and leaves every result as it comes, in the array's folder and as a journal.
 * It takes no lease and stores no ledger. Whatever is there already, of an attempt before or of one beside it, is not done or written again.
 */
import { describeError, SnapproofError } from '../../errors.ts'
import type { LedgerSession } from '../../ledger/port.ts'
import type { OpenChild, OpenContent, OpenPlan } from '../../model/openPlan.ts'
import { type Catalogue, openCatalogue } from '../../repository/catalogue.ts'
import { isoTime } from '../../time.ts'
import type { RunDependencies } from '../dependencies.ts'
import { attemptRows } from '../failingRows.ts'
import { holdEngines, type Restored, restorePlan } from '../restorePlan.ts'
import { describeBlindness, isBlind } from '../selfCheck/selfCheck.ts'
import { type AttemptBegan, mustBelong } from './documents.ts'
import type { ArrayFolder } from './folder.ts'
import { contentsOf, holdersOf, isRowOf, journalOf, type Part, partFor } from './part.ts'
import { ChildResults, stored } from './results.ts'
import { ChildTally } from './tally.ts'

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
    const seconds = (clock.monotonicMs() - startedMs) / 1000
    const about = { schemaVersion: 1, plan: folder.url, runId: plan.runId, child } as const
    return { ...about, ...work.tally.counts(trouble), seconds, trouble }
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
        left: work.tally.left(trouble),
        trouble,
        engines: work.engines,
        requests: { list, get, head, put, delete: deleted },
        bytesRead,
      },
      stored(),
    )
  }
}

class ChildWork {
  engines: readonly { name: string; kind: string; product: string; version: string; egressBlocked: boolean }[] = []
  readonly tally: ChildTally
  readonly #dependencies: RunDependencies
  readonly #options: WorkChildOptions
  readonly #given: OpenChild

  constructor(dependencies: RunDependencies, options: WorkChildOptions, given: OpenChild) {
    this.#dependencies = dependencies
    this.#options = options
    this.#given = given
    this.tally = new ChildTally(given)
  }

  async run(): Promise<string | null> {
    const { folder, plan, child } = this.#options
    const { signal, config, log, repository } = this.#dependencies
    if ((await folder.readCollected(signal)) !== null) {
      log.warn('the plan has been collected: what is left of it is for the next run', { plan: folder.url })
      return null
    }
    const auditor = await this.#dependencies.selfCheck()
    if (isBlind(auditor)) {
      for (const { content } of contentsOf(this.#given)) this.tally.leave(content.number, 'auditor-blind')
      return describeBlindness(auditor)
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
      const given = this.#given
      const part = partFor(given, plan, repositoryData, content => this.#isFinished(ledger, content))
      for (const { number, reason } of part.left) this.tally.leave(number, reason)
      const { contents, finishedBefore } = this.tally.counts(null)
      log.info(`${part.numberOf.size} of ${contents} contents are to be restored, ${finishedBefore} are done`)
      const results = new ChildResults({
        dependencies: this.#dependencies,
        folder,
        plan,
        child,
        given,
        ledger,
        catalogue,
        part,
        tally: this.tally,
      })
      return (await this.#restore(results, catalogue, part)).trouble
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
      const rows = attemptRows(result.row, holdersOf(planned.content, plan))
      await ledger.journalOnce(plan.runId, journalOf(plan, left.number), rows, stored(), { late: true })
    }
  }

  #isFinished(ledger: LedgerSession, { number }: OpenContent): boolean {
    if (!ledger.holdsJournal(journalOf(this.#options.plan, number))) return false
    this.tally.finishedBefore(number)
    return true
  }

  async #restore(results: ChildResults, catalogue: Catalogue, part: Part): Promise<Restored> {
    const { clock, signal } = this.#dependencies
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
        onAttempt: attempt => results.keep(attempt),
        onCondemned: (indexId, contentIds, finding) => results.condemn(indexId, contentIds, finding),
      })
      for (const { indexId, contentId, reason } of restored.work.left)
        for (const [{ content }, number] of part.numberOf)
          if (content.indexId === indexId && content.contentId === contentId) this.tally.leave(number, reason)
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
