/**
 * Works a plan off, several groups at once: mirror, restore content by content, evidence, judge, journal, drop. The blobs of
 * the next group are fetched meanwhile. A killed run loses at most the contents in work.
 *
 * What uses the disk is counted by what it may come to need: a group is begun when it fits beside those in work, or alone.
 */

import pLimit from 'p-limit'
import { makeFinding } from '../check/findings.ts'
import { describeError, isSnapproofError, SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Mirror, MirrorItem } from '../mirror/port.ts'
import type { Finding } from '../model/finding.ts'
import type { Group, Plan } from '../model/plan.ts'
import type { Reason } from '../model/verdict.ts'
import type { ChainTerms } from '../plan/chains.ts'
import type { Source } from '../plan/fit.ts'
import type { Catalogue } from '../repository/catalogue.ts'
import type { Clock } from '../time.ts'
import type { Attempt, AttemptOptions } from './attempt.ts'
import type { EngineHolder } from './engines.ts'
import { openGate } from './gate.ts'
import { type LoadedGroup, loadGroup } from './group.ts'
import type { KeptRestores } from './keep.ts'
import { restoreGroup, withoutRestore } from './restoreGroup.ts'

export interface WorkOptions {
  readonly plan: Plan
  readonly catalogue: Catalogue
  readonly mirror: Mirror
  readonly engines: EngineHolder
  readonly clock: Clock
  readonly log: Log
  /** Aborted: nothing new is begun. */
  readonly signal: AbortSignal
  /** Monotonic milliseconds after which no further group is begun; null: no limit. */
  readonly stopAtMs: number | null
  /** Asked before a group is begun, with the groups that are being restored meanwhile: why it must wait; null: it need not. */
  readonly mayBegin?: (group: Group, beside: readonly Group[]) => Reason | null
  /** Contents restored at once. */
  readonly parallel: number
  /** From where a server reads. `auto`: the mirror where it fits on the disk, else the store where the server can. */
  readonly source: Source | 'auto'
  readonly chainsOf: (engine: string) => ChainTerms
  /** Bytes of the disk that are taken whatever is restored; for messages. */
  readonly takenBytes: number
  readonly restoreTimeoutSeconds: number
  readonly questionsFor?: AttemptOptions['questionsFor']
  readonly deep?: boolean
  readonly keep?: KeptRestores
  /** Each result, once it is final; resolves when it is stored. */
  readonly onAttempt: (attempt: Attempt) => Promise<void>
  /** Contents (ids) of an index that rest on a bad blob: failed, restored or not. */
  readonly onCondemned: (indexId: string, contentIds: ReadonlySet<string>, finding: Finding) => Promise<void>
}

export interface WorkResult {
  readonly findings: readonly Finding[]
  /** Contents that were planned and not begun, with the reason. */
  readonly left: readonly { readonly contentId: string; readonly indexId: string; readonly reason: Reason }[]
  readonly bytesFetched: number
  /** What ended the work before its time; what was found until then stands. Null: nothing did. */
  readonly failure: Error | null
}

/** Never rejects. */
export async function workOff(options: WorkOptions): Promise<WorkResult> {
  const work = new PlanWork(options)
  await work.run()
  return work.result()
}

/** A group that was fetched, until it is dropped. */
interface InWork {
  readonly group: Group
  readonly neededBytes: number
  readonly done: Promise<void>
}

class PlanWork {
  readonly #options: WorkOptions
  readonly #queue: Group[]
  readonly #inWork = new Set<InWork>()
  /** Items of groups that are fetched or in work. */
  readonly #held = new Set<readonly MirrorItem[]>()
  readonly #findings = new Map<string, Finding>()
  readonly #left: { contentId: string; indexId: string; reason: Reason }[] = []
  readonly #slots: ReturnType<typeof pLimit>
  /** A server holds one state of a feature, under names of its own. */
  readonly #features = pLimit(1)
  readonly #gate = openGate()
  #bytesFetched = 0
  #done = 0
  /** Free bytes when nothing was in work. */
  #freeBytes = 0
  #failure: Error | null = null
  /** One engine of several could not be started; the others went on. */
  #engineFailure: Error | null = null

  constructor(options: WorkOptions) {
    this.#options = options
    this.#queue = [...options.plan.groups]
    this.#slots = pLimit(options.parallel)
  }

  result(): WorkResult {
    const findings = [...this.#findings.values()]
    const failure = this.#failure ?? this.#engineFailure
    return { findings, left: this.#left, bytesFetched: this.#bytesFetched, failure }
  }

  async run(): Promise<void> {
    try {
      while (this.#failure === null) {
        const group = this.#queue.shift()
        if (group === undefined) break
        if (!(await this.#begin(group))) {
          this.#queue.unshift(group)
          await this.#one()
        }
      }
    } catch (error) {
      this.#failure ??= asError(error)
    }
    while (this.#inWork.size > 0) await this.#one()
  }

  /** False: it must wait until one in work is done. */
  async #begin(group: Group): Promise<boolean> {
    const { signal, stopAtMs, clock, mirror, parallel, source } = this.#options
    const isOver = stopAtMs !== null && clock.monotonicMs() >= stopAtMs
    const stop: Reason | null = signal.aborted ? 'interrupted' : isOver ? 'limit-reached' : null
    if (stop !== null) return this.#leave(group, stop)
    // One is fetched while the others are restored.
    if (this.#inWork.size > parallel) return false
    const beside = [...this.#inWork]
    const reason =
      this.#options.mayBegin?.(
        group,
        beside.map(one => one.group),
      ) ?? null
    if (reason !== null) return beside.length === 0 && this.#leave(group, reason)
    // Only a server itself says whether it can read the store.
    if (source !== 'mirror' && beside.some(one => one.group.engine !== group.engine)) return false
    let sources: readonly Source[]
    try {
      sources = await this.#sourcesOf(group.engine)
    } catch (error) {
      this.#goOnWithout(group, asError(error))
      return true
    }
    const alone = beside.length === 0
    if (alone) this.#freeBytes = await mirror.freeBytes()
    const bytes = this.#freeBytes - beside.reduce((sum, one) => sum + one.neededBytes, 0)
    const room = { bytes, alone, sources, parallel }
    const { loaded, release } = await this.#load(group, room)
    if (loaded === 'wait' || (isSnapproofError(loaded, 'disk-full') && !alone)) {
      await release()
      return false
    }
    // One engine at a time.
    while ([...this.#inWork].some(one => one.group.engine !== group.engine)) await this.#one()
    if (loaded instanceof Error) {
      await this.#giveUp(group, loaded).finally(release)
      return true
    }
    if (loaded.later.length > 0) this.#queue.unshift({ ...group, contents: loaded.later })
    this.#bytesFetched += loaded.bytes
    const done = this.#restore(group, loaded, release).finally(() => this.#inWork.delete(inWork))
    const inWork: InWork = { group, neededBytes: loaded.neededBytes, done }
    this.#inWork.add(inWork)
    return true
  }

  async #sourcesOf(name: string): Promise<readonly Source[]> {
    const { source, engines } = this.#options
    if (source === 'mirror') return ['mirror']
    const { registerStore } = await engines.get(name)
    if (source === 'auto') return registerStore === null ? ['mirror'] : ['mirror', 's3']
    if (registerStore !== null) return ['s3']
    throw new SnapproofError('configuration', `engine ${name} cannot read the store itself: it has no repository-s3`, {
      advice:
        'Set work.source to auto or mirror, or use an engine of kind distribution with the module or plugin repository-s3.',
    })
  }

  #leave(group: Group, reason: Reason): true {
    for (const { content } of group.contents) {
      this.#left.push({ contentId: content.contentId, indexId: content.indexId, reason })
    }
    return true
  }

  async #one(): Promise<void> {
    if (this.#inWork.size > 0) await Promise.race([...this.#inWork].map(({ done }) => done))
  }

  /** Errors are values; `release` drops what may lie in the mirror, also after a failure. */
  async #load(group: Group, room: Parameters<typeof loadGroup>[1]['room']) {
    let items: readonly MirrorItem[] = []
    const onItems = (wanted: readonly MirrorItem[]) => {
      items = wanted
      this.#held.add(items)
    }
    const release = async () => {
      if (this.#options.keep?.holdsIndex(group.indexId)) return
      this.#held.delete(items)
      // What another group found in the mirror it did not fetch again: the snapshot's root blob is in every group.
      const keys = new Set([...this.#held].flatMap(others => others.flatMap(item => item.parts.map(({ key }) => key))))
      const dropped = items.filter(item => !item.parts.some(part => keys.has(part.key)))
      if (dropped.length > 0) await this.#options.mirror.drop(dropped)
    }
    const chains = this.#options.chainsOf(group.engine)
    try {
      return { loaded: await loadGroup(group, { ...this.#options, room, chains, onItems }), release }
    } catch (error) {
      return { loaded: asError(error), release }
    }
  }

  /** Never rejects. */
  async #restore(group: Group, loaded: LoadedGroup, release: () => Promise<void>): Promise<void> {
    const { onAttempt, onCondemned, catalogue, log, plan } = this.#options
    try {
      await restoreGroup(group, loaded, {
        ...this.#options,
        slot: work => this.#slots(work),
        ofFeature: work => this.#features(work),
        gate: this.#gate,
        onAttempt: attempt => {
          const finding = findingOf(attempt, catalogue)
          if (finding !== null) this.#findings.set(finding.id, finding)
          return onAttempt(attempt)
        },
        onCondemned: (indexId, contentIds, finding) => {
          this.#findings.set(finding.id, finding)
          return onCondemned(indexId, contentIds, finding)
        },
      })
      this.#done += group.contents.length - loaded.later.length
      const total = plan.groups.reduce((sum, { contents }) => sum + contents.length, 0)
      log.progress('restores', this.#done, total, 'contents')
    } catch (error) {
      this.#goOnWithout(group, asError(error))
    }
    await release().catch(error => {
      this.#failure ??= asError(error)
    })
  }

  /**
   * An engine that cannot be started leaves its own groups, and the run says so at its end; what others restore is not held up by
   * it. Every other error ends the work.
   */
  #goOnWithout(group: Group, error: Error): void {
    const others = this.#options.plan.groups.some(({ engine }) => engine !== group.engine)
    if (!others || !isSnapproofError(error, ...cannotStart)) {
      this.#failure ??= error
      return
    }
    this.#engineFailure ??= error
    this.#options.log.warn(`engine ${group.engine} cannot be started; going on without it: ${describeError(error)}`)
    for (const lost of [group, ...this.#queue.filter(({ engine }) => engine === group.engine)])
      this.#leave(lost, 'engine-died')
    const rest = this.#queue.filter(({ engine }) => engine !== group.engine)
    this.#queue.splice(0, this.#queue.length, ...rest)
  }

  /** A group that could not be fetched for a reason of ours is debt; an error that is nobody's ends the run. */
  async #giveUp(group: Group, error: Error): Promise<void> {
    const reason: Reason | null = this.#options.signal.aborted
      ? 'interrupted'
      : isSnapproofError(error, 'disk-full')
        ? 'does-not-fit'
        : isSnapproofError(error, 'unavailable', 'deadline')
          ? 'store-unavailable'
          : null
    if (reason === null) throw error
    for (const planned of group.contents) {
      await this.#options.onAttempt(withoutRestore(planned, group, reason, describeError(error), this.#options))
    }
  }
}

const cannotStart = [
  'no-jdk',
  'no-maven',
  'no-distribution',
  'no-container-engine',
  'no-image',
  'endpoint-refused',
  'engine-start',
  'port-taken',
] as const

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

/** All snapshots with this content are hit. */
export function findingOf({ judgement, planned }: Attempt, { repositoryData }: Catalogue): Finding | null {
  if (judgement.verdict !== 'fail' || judgement.finding === null) return null
  return makeFinding({
    code: judgement.finding.code,
    key: null,
    snapshots: planned.content.snapshots.map(position => repositoryData.snapshots[position]?.uuid ?? ''),
    index: planned.content.indexName,
    shard: judgement.finding.shard,
    message: judgement.message,
  })
}
