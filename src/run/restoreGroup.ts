/**
 * Restores what can be restored of a group, its chains side by side.
 *
 * Nobody is accused on one look: a content that fails is repeated in a fresh server, into an empty target, after its blobs were read
 * again: those of the mirror against what was fetched, those of the store against the checksums in the metadata.
 */
import pLimit from 'p-limit'
import type { Engine } from '../engine/port.ts'
import { describeError, isSnapproofError, SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Mirror } from '../mirror/port.ts'
import type { BlobReading, Evidence } from '../model/evidence.ts'
import type { Finding } from '../model/finding.ts'
import type { Group } from '../model/plan.ts'
import type { Reason } from '../model/verdict.ts'
import { type Attempt, type AttemptOptions, attemptContent, dropContent, targetOf } from './attempt.ts'
import { type ChainScene, restoreChain } from './chain.ts'
import type { EngineHolder } from './engines.ts'
import type { Gate } from './gate.ts'
import { type Accusations, type LoadedContent, type LoadedGroup, readAndDrop } from './group.ts'

export interface RestoreGroupOptions extends AttemptOptions {
  readonly mirror: Mirror
  readonly engines: EngineHolder
  readonly log: Log
  /** Contents restored at once, of all groups. */
  readonly slot: <Value>(work: () => Promise<Value>) => Promise<Value>
  /** One at a time, of all groups: each takes the place of the one before. */
  readonly ofFeature: <Value>(work: () => Promise<Value>) => Promise<Value>
  /** Of the running server. */
  readonly gate: Gate
  readonly onAttempt: (attempt: Attempt) => Promise<void>
  readonly onCondemned: (indexId: string, contentIds: ReadonlySet<string>, finding: Finding) => Promise<void>
}

type Trouble = NonNullable<Evidence['cutShort']>

/** Throws what ends the work: no engine at all, an error that is nobody's. */
export async function restoreGroup(group: Group, loaded: LoadedGroup, options: RestoreGroupOptions): Promise<void> {
  const work = new GroupWork(group, loaded, options)
  await work.run()
}

class GroupWork {
  readonly #group: Group
  readonly #loaded: LoadedGroup
  readonly #options: RestoreGroupOptions
  readonly #readings: BlobReading[] = []
  readonly #suspects: { readonly content: LoadedContent; readonly first: Attempt }[] = []
  readonly #accused: Accusations[number][]
  /** Contents (ids) that rest on a bad blob: no attempt speaks for them. */
  #condemned: ReadonlySet<string>

  constructor(group: Group, loaded: LoadedGroup, options: RestoreGroupOptions) {
    this.#group = group
    this.#loaded = loaded
    this.#options = options
    this.#accused = [...loaded.accused]
    this.#condemned = this.#restingOnAccused()
  }

  async run(): Promise<void> {
    const { unloadable, chains, parallel } = this.#loaded
    for (const { planned, reason, message } of unloadable) {
      await this.#options.onAttempt(withoutRestore(planned, this.#group, reason, message, this.#options))
    }
    const limit = pLimit(parallel)
    const settled = await Promise.allSettled(chains.map(chain => limit(() => restoreChain(chain, this.#scene()))))
    for (const result of settled) if (result.status === 'rejected') throw result.reason
    if (this.#suspects.length > 0) await this.#options.gate.alone(() => this.#repeatAll())
    // Last: what rests on a bad blob may have been restored before the blob was read.
    for (const { finding, keys } of this.#accused) {
      await this.#options.onCondemned(this.#group.indexId, this.#loaded.restingOn(keys), finding)
    }
  }

  #restingOnAccused(): ReadonlySet<string> {
    const keys = new Set(this.#accused.flatMap(({ keys: own }) => [...own]))
    return keys.size === 0 ? keys : this.#loaded.restingOn(keys)
  }

  #scene(): ChainScene {
    const { engines, signal, slot, ofFeature, gate } = this.#options
    const { engine: engineName } = this.#group
    return {
      engineName,
      source: this.#loaded.source,
      options: this.#options,
      readings: this.#readings,
      readApart: async keys => {
        const items = this.#items().filter(item => item.parts.some(({ key }) => keys.has(key)))
        return this.#readApart(items, keys)
      },
      turn: ({ expected }, work) => {
        const inTurn = () => slot(() => gate.shared(work))
        return expected.feature === undefined ? inTurn() : ofFeature(inTurn)
      },
      engine: async () => {
        if (signal.aborted) return { reason: 'interrupted', message: describeError(signal.reason) }
        try {
          return await engines.get(engineName)
        } catch (error) {
          // No engine at all is for the whole run to know; one that died once too often is this content's trouble.
          if (!isSnapproofError(error, 'engine-died') && !signal.aborted) throw error
          return { reason: signal.aborted ? 'interrupted' : 'engine-died', message: describeError(error) }
        }
      },
      without: ({ planned }, reason, message) => withoutRestore(planned, this.#group, reason, message, this.#options),
      isCondemned: ({ expected }) => this.#condemned.has(expected.contentId),
      done: async (content, attempt) => {
        if (this.#condemned.has(content.expected.contentId)) return
        if (attempt.judgement.verdict === 'fail') this.#suspects.push({ content, first: attempt })
        else await this.#options.onAttempt(attempt)
      },
    }
  }

  #items() {
    return this.#loaded.chains.flatMap(chain => chain.flatMap(({ content }) => content.items))
  }

  /** What is bad accuses; what could not be read is trouble of ours. */
  async #readApart(
    items: LoadedContent['items'],
    keys: ReadonlySet<string>,
  ): Promise<{ readonly good: string[]; readonly trouble: Trouble | null }> {
    const { mirror, signal } = this.#options
    try {
      const { accusing, accusedKeys, ours } = await readAndDrop(items, mirror, signal)
      this.#accused.push(...accusing)
      if (accusing.length > 0) this.#condemned = this.#restingOnAccused()
      const good = [...keys].filter(key => !accusedKeys.has(key) && !ours.has(key))
      return { good, trouble: [...ours.values()][0] ?? null }
    } catch (error) {
      if (signal.aborted) return { good: [], trouble: { reason: 'interrupted', message: describeError(error) } }
      if (!(error instanceof SnapproofError)) throw error
      const reason = isSnapproofError(error, 'disk-full') ? 'disk-full' : 'store-unavailable'
      return { good: [], trouble: { reason, message: describeError(error) } }
    }
  }

  /** Nobody else uses the server. */
  async #repeatAll(): Promise<void> {
    const { indexName } = this.#group
    this.#options.log.info(
      `${this.#suspects.length} of ${indexName} failed; repeating in a fresh server before anybody is accused`,
    )
    const fresh = { started: false }
    for (const { content, first } of this.#suspects) {
      const attempt = await this.#repeatOrDoubt(content, first, fresh)
      if (!this.#condemned.has(content.expected.contentId)) await this.#options.onAttempt(attempt)
    }
  }

  /** What keeps us from repeating is our trouble: the first look is kept as a doubt. */
  async #repeatOrDoubt(content: LoadedContent, first: Attempt, fresh: { started: boolean }): Promise<Attempt> {
    const { signal } = this.#options
    try {
      return await this.#repeat(content, first, fresh)
    } catch (error) {
      if (!(error instanceof SnapproofError) && !signal.aborted) throw error
      const message = `${describeError(error)}; the first attempt said: ${first.judgement.message}`
      return doubt(first, signal.aborted ? 'interrupted' : 'not-repeated', message)
    }
  }

  async #repeat(content: LoadedContent, first: Attempt, fresh: { started: boolean }): Promise<Attempt> {
    const { mirror, signal } = this.#options
    signal.throwIfAborted()
    const why =
      this.#loaded.source === 'mirror' ? await this.#restoreMirror(content) : await this.#readBeforeAccusing(content)
    if (why !== null) return doubt(first, 'not-repeated', why)
    if (this.#condemned.has(content.expected.contentId)) return first // the bad blob speaks
    const second = await this.#again(content, fresh)
    const { verdict, message } = second.judgement
    if (verdict === 'inconclusive') {
      return doubt(second, 'not-repeated', `${message}; the first attempt said: ${first.judgement.message}`)
    }
    const isMirror = this.#loaded.source === 'mirror'
    if (verdict === 'fail' && isMirror && (await mirror.verify(content.items, signal)).length > 0) {
      return doubt(
        second,
        'not-repeated',
        `the disk of the mirror changed what it holds while a server read it: ${message}`,
      )
    }
    return second
  }

  async #again(content: LoadedContent, fresh: { started: boolean }): Promise<Attempt> {
    const { engines, signal, gate: _, ...options } = this.#options
    const { engine: name } = this.#group
    const scene = this.#scene()
    let engine: Engine
    try {
      engine = fresh.started ? await engines.get(name) : await engines.fresh(name)
      fresh.started = true
    } catch (error) {
      if (!isSnapproofError(error, 'engine-died') && !signal.aborted) throw error
      const reason = signal.aborted ? 'interrupted' : 'engine-died'
      return withoutRestore(content.planned, this.#group, reason, describeError(error), this.#options)
    }
    const target = targetOf(content, 2)
    const place = { ...scene, target, over: null }
    const second = await attemptContent(engine, content, name, 2, place, { ...options, signal })
    if (options.keep?.take(engine, second) !== true) await dropContent(engine, target, second, this.#options)
    return second
  }

  /** What rotted in the mirror is fetched again. Why that did not help; null: it is good. */
  async #restoreMirror(content: LoadedContent): Promise<string | null> {
    const { mirror, signal, log } = this.#options
    const damaged = await mirror.verify(content.items, signal)
    if (damaged.length === 0) return null
    log.warn(`${damaged.length} blobs of the mirror were damaged after they were fetched; fetching them again`)
    const again = await mirror.fetch(damaged, signal)
    return again.faults.length === 0 ? null : 'blobs of the mirror could not be fetched again'
  }

  /** Where a server says no, and reads the store itself, a bad blob is found by us and named. Why nobody can tell; null: known. */
  async #readBeforeAccusing(content: LoadedContent): Promise<string | null> {
    const keys = new Set(content.items.flatMap(({ parts }) => parts.map(({ key }) => key)))
    const { trouble } = await this.#readApart(content.items, keys)
    return trouble?.message ?? null
  }
}

export function withoutRestore(
  planned: LoadedContent['planned'],
  group: Group,
  reason: Reason,
  message: string,
  { clock }: Pick<AttemptOptions, 'clock'>,
): Attempt {
  return {
    planned,
    engine: group.engine,
    number: 0,
    atMs: clock.nowMs(),
    sharedWith: [],
    judgement: { verdict: 'inconclusive', reason, message, finding: null },
    expected: null,
    evidence: null,
    seconds: { mirror: 0, restore: 0, questions: 0 },
  }
}

function doubt(attempt: Attempt, reason: Reason, message: string): Attempt {
  return { ...attempt, judgement: { verdict: 'inconclusive', reason, message, finding: null } }
}
