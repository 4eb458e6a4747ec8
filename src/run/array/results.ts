/**
 * What one machine of an array finds out, kept as it comes: in the array's folder, for `collect` and its report, and as journals, for the
 * ledger. Nobody may come after the machine to say it, so it journals all that it knows.
 */
import { findingOfFault } from '../../check/findings.ts'
import { SnapproofError } from '../../errors.ts'
import type { LedgerSession } from '../../ledger/port.ts'
import type { IndexRecord } from '../../model/content.ts'
import type { Finding } from '../../model/finding.ts'
import type { OpenChild, OpenPlan } from '../../model/openPlan.ts'
import type { Catalogue } from '../../repository/catalogue.ts'
import type { Attempt } from '../attempt.ts'
import { storeTimeoutMs } from '../conclude.ts'
import { attemptRow, condemnedRows, type RestingContent, sayAttempt } from '../contentRows.ts'
import type { RunDependencies } from '../dependencies.ts'
import { attemptRows, condemnationRows } from '../failingRows.ts'
import { restoreRows } from '../restoreRows.ts'
import { answerRows } from '../ruledRun.ts'
import { savedEvidence } from '../savedEvidence.ts'
import { whatExpired } from '../settle.ts'
import { findingOf } from '../work.ts'
import type { ContentResult } from './documents.ts'
import type { ArrayFolder } from './folder.ts'
import { contentsOf, isRowOf, journalOf, journalOfFinding, type Part } from './part.ts'
import type { ChildTally } from './tally.ts'

export interface ChildResultsOptions {
  readonly dependencies: RunDependencies
  readonly folder: ArrayFolder
  readonly plan: OpenPlan
  readonly child: number
  readonly given: OpenChild
  readonly ledger: LedgerSession
  readonly catalogue: Catalogue
  readonly part: Part
  readonly tally: ChildTally
}

/** What is done is stored even while the machine is being stopped. */
export function stored(): AbortSignal {
  return AbortSignal.timeout(storeTimeoutMs)
}

export class ChildResults {
  readonly #options: ChildResultsOptions
  /** By position: indices that were read again. */
  readonly #records = new Map<number, Promise<IndexRecord>>()

  constructor(options: ChildResultsOptions) {
    this.#options = options
  }

  /** A content that was restored, or could not be. @throws SnapproofError `configuration`, those of the store */
  async keep(attempt: Attempt): Promise<void> {
    if (attempt.judgement.reason === 'repository-moved') {
      const { indexId } = attempt.planned.content
      const bad = await this.#badMetadata(attempt)
      for (const finding of bad) await this.condemn(indexId, new Set(), finding)
      if (bad.length > 0) return
    }
    await this.#keepResult(attempt)
  }

  /** Metadata that is another than planned may have been changed by a writer, or be bad: then its blobs say so at a second look, too. */
  async #badMetadata({ planned: { content, snapshot } }: Attempt): Promise<Finding[]> {
    const { repositoryData, readIndex } = this.#options.catalogue
    const position = repositoryData.indices.findIndex(index => index.id === content.indexId)
    const uuid = repositoryData.snapshots[snapshot]?.uuid ?? ''
    const record = this.#records.get(position) ?? readIndex(position, undefined, stored())
    this.#records.set(position, record)
    return (await record).faults
      .filter(fault => fault.snapshots.includes(uuid))
      .flatMap(fault => findingOfFault(fault) ?? [])
      .filter(({ severity }) => severity === 'error')
  }

  async #keepResult(attempt: Attempt): Promise<void> {
    const { dependencies, folder, plan, child, given, ledger, catalogue, part, tally } = this.#options
    const { repositoryData } = catalogue
    const number = part.numberOf.get(attempt.planned)
    const [restore] = restoreRows([attempt], repositoryData)
    if (number === undefined || restore === undefined)
      throw new SnapproofError('internal', 'a content was restored that was not planned')
    const { attempts, expectedDocs, foundDocs, seconds, source, chain } = restore
    const row = attemptRow(attempt, { runId: plan.runId, repositoryData })
    const holders = attempt.planned.content.snapshots.flatMap(position => repositoryData.snapshots[position] ?? [])
    if (row.verdict === 'fail' && (await this.#haveExpired(holders.map(({ uuid }) => uuid)))) {
      tally.leave(number, 'expired')
      return
    }
    const result: ContentResult = {
      schemaVersion: 1,
      row,
      finding: findingOf(attempt, catalogue),
      restore: {
        ...{ attempts, expectedDocs, foundDocs, seconds },
        ...(source === undefined ? {} : { source }),
        ...(chain === undefined ? {} : { chain }),
      },
      evidence: savedEvidence(attempt),
    }
    const kept = await folder.keepContent(child, number, dependencies.runId, result, stored())
    const planned = contentsOf(given).find(one => one.content.number === number)
    if (planned === undefined || !isRowOf(kept.row, planned.content, planned.group, plan))
      throw new SnapproofError(
        'configuration',
        `the result of content ${number} beside ${folder.url} is of another content`,
        { advice: 'Nothing may write into the folder of an array but Snapproof.' },
      )
    const late = kept !== result
    const rows = [...attemptRows(kept.row, holders), ...answerRows(kept.row, kept.evidence)]
    if (kept.row.verdict === 'inconclusive') await ledger.journal(plan.runId, [kept.row], stored())
    else await ledger.journalOnce(plan.runId, journalOf(plan, number), rows, stored(), { late })
    // The pass of another attempt does not hide what failed after it.
    const failedSince = row.verdict === 'fail' && kept.row.verdict === 'pass'
    if (failedSince) await ledger.journal(plan.runId, attemptRows(row, holders), stored())
    tally.judged(number, failedSince ? 'fail' : kept.row.verdict)
    sayAttempt(kept.row, dependencies.log)
  }

  /** A bad blob fails all that rests on it and accuses all that need it, whoever was given them and whenever they were proven. */
  async condemn(indexId: string, contentIds: ReadonlySet<string>, found: Finding): Promise<void> {
    const { dependencies, folder, plan, child, ledger, catalogue, part, tally } = this.#options
    const { repositoryData } = catalogue
    dependencies.log.warn(found.message, { code: found.code })
    const rests = [...part.numberOf].filter(
      ([{ content }]) => content.indexId === indexId && contentIds.has(content.contentId),
    )
    // Of a snapshot whose own metadata is bad: it is not restored, and the same content may be good in another one.
    const accused = new Set(found.snapshots)
    const unrestorable = [...part.numberOf].filter(
      ([{ content, snapshot }]) =>
        content.indexId === indexId &&
        !contentIds.has(content.contentId) &&
        accused.has(repositoryData.snapshots[snapshot]?.uuid ?? ''),
    )
    if (await this.#haveExpired(found.snapshots)) {
      for (const [, number] of [...rests, ...unrestorable]) tally.leave(number, 'expired')
      return
    }
    const atMs = dependencies.clock.nowMs()
    const ids = [...contentIds].sort()
    const kept = await folder.keepFinding(
      child,
      { schemaVersion: 1, atMs, indexId, contentIds: ids, finding: found },
      stored(),
    )
    const context = { runId: plan.runId, repositoryData }
    const resting = contentIds.size === 0 ? [] : await this.#resting(indexId, contentIds)
    const all = condemnationRows(kept.finding, resting, kept.atMs, context, ledger)
    if (all.length > 0) await ledger.journalOnce(plan.runId, journalOfFinding(plan, kept.finding), all, stored())
    for (const [, number] of unrestorable) tally.leave(number, 'not-yet-verified')
    for (const [planned, number] of rests) {
      const rows = condemnedRows([planned.content], kept.finding, kept.atMs, context)
      await ledger.journalOnce(plan.runId, journalOf(plan, number), rows, stored())
      tally.judged(number, 'fail')
    }
  }

  /** With shared credit each content once; without, once for each snapshot that holds it. */
  async #resting(indexId: string, contentIds: ReadonlySet<string>): Promise<RestingContent[]> {
    const { repositoryData, readIndex } = this.#options.catalogue
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
  async #haveExpired(uuids: readonly string[]): Promise<boolean> {
    const { dependencies, catalogue } = this.#options
    if (uuids.length === 0) return false
    const { expired } = await whatExpired(dependencies, catalogue.repositoryData)
    return uuids.every(uuid => expired.has(uuid))
  }
}
