/**
 * Works a plan off, group by group: mirror, restore content by content, evidence, judge, journal, drop. The blobs of
 * the next group are fetched meanwhile. A killed run loses at most the contents in work.
 *
 * Nobody is accused on one look: a content that fails is first compared with its local mirror, and repeated in a fresh
 * server before it counts.
 */

import pLimit from 'p-limit'
import { makeFinding } from '../check/findings.ts'
import type { Engine } from '../engine/port.ts'
import { describeError, isSnapproofError, SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Mirror, MirrorItem } from '../mirror/port.ts'
import type { Finding } from '../model/finding.ts'
import type { Group, Plan } from '../model/plan.ts'
import type { Reason } from '../model/verdict.ts'
import type { Catalogue } from '../repository/catalogue.ts'
import type { Clock } from '../time.ts'
import type { Attempt } from './attempt.ts'
import { attemptContent } from './attempt.ts'
import type { EngineHolder } from './engines.ts'
import { type LoadedContent, type LoadedGroup, loadGroup } from './group.ts'

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
  /** Asked before a group is begun, with the group that is being restored meanwhile: why it must wait; null: it need not. */
  readonly mayBegin?: (group: Group, beside: Group | null) => Reason | null
  /** Contents restored at once. */
  readonly parallel: number
  readonly restoreTimeoutSeconds: number
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
  const { plan, log } = options
  const findings = new Map<string, Finding>()
  const left: { contentId: string; indexId: string; reason: Reason }[] = []
  let bytesFetched = 0
  let done = 0
  const total = plan.groups.reduce((sum, group) => sum + group.contents.length, 0)
  let prefetch: Promise<Loaded> | null = null
  let failure: Error | null = null
  try {
    for (const [i, group] of plan.groups.entries()) {
      // What is fetched already was asked for when that began.
      const stop = stopReason(options) ?? (prefetch === null ? mayBegin(group, null, options) : null)
      if (stop !== null) {
        left.push(
          ...group.contents.map(({ content: { contentId, indexId } }) => ({ contentId, indexId, reason: stop })),
        )
        continue
      }
      const { loaded, items } = await loadNow(group, prefetch, options)
      const following = plan.groups[i + 1]
      const ahead = following !== undefined && mayBegin(following, group, options) === null
      prefetch = ahead ? load(following, options) : null
      if (loaded instanceof Error) await giveUp(group, loaded, options)
      else {
        bytesFetched += loaded.bytes
        for (const { finding, contentIds } of loaded.condemned) {
          findings.set(finding.id, finding)
          await options.onCondemned(group.indexId, contentIds, finding)
        }
        await restoreGroup(group, loaded, options, finding => findings.set(finding.id, finding))
        done += group.contents.length
        log.progress('restores', done, total, 'contents')
      }
      // What the next group found in the mirror it did not fetch again: the snapshot's root blob is in every group.
      const next: Loaded | null = await prefetch
      const kept = next === null || next.loaded instanceof Error ? [] : next.items
      await options.mirror.drop(without(items, kept))
    }
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
  }
  await prefetch
  return { findings: [...findings.values()], left, bytesFetched, failure }
}

/** `items` less those that share a blob with `kept`. */
function without(items: readonly MirrorItem[], kept: readonly MirrorItem[]): MirrorItem[] {
  const keys = new Set(kept.flatMap(item => item.parts.map(part => part.key)))
  return items.filter(item => !item.parts.some(part => keys.has(part.key)))
}

/** `items`: what may lie in the mirror, also after a failure. */
interface Loaded {
  readonly loaded: LoadedGroup | Error
  readonly items: readonly MirrorItem[]
}

/** Errors are values here, so that a prefetch that nobody waits for is never an unhandled rejection. */
async function load(group: Group, options: WorkOptions): Promise<Loaded> {
  let items: readonly MirrorItem[] = []
  const onItems = (wanted: readonly MirrorItem[]) => {
    items = wanted
  }
  try {
    return { loaded: await loadGroup(group, { ...options, onItems }), items }
  } catch (error) {
    return { loaded: error instanceof Error ? error : new Error(String(error)), items }
  }
}

/** A prefetch that found the disk full may fit now that the group before it is dropped. */
async function loadNow(group: Group, prefetch: Promise<Loaded> | null, options: WorkOptions): Promise<Loaded> {
  const first = await (prefetch ?? load(group, options))
  return prefetch !== null && isSnapproofError(first.loaded, 'disk-full') ? load(group, options) : first
}

/** A group that could not be fetched for a reason of ours is debt; an error that is nobody's ends the run. */
async function giveUp(group: Group, error: Error, options: WorkOptions): Promise<void> {
  const reason: Reason | null = options.signal.aborted
    ? 'interrupted'
    : isSnapproofError(error, 'disk-full')
      ? 'does-not-fit'
      : isSnapproofError(error, 'unavailable', 'deadline')
        ? 'store-unavailable'
        : null
  if (reason === null) throw error
  for (const planned of group.contents) {
    await options.onAttempt(withoutRestore(planned, group, reason, describeError(error), options))
  }
}

function stopReason({ signal, stopAtMs, clock }: WorkOptions): Reason | null {
  if (signal.aborted) return 'interrupted'
  return stopAtMs !== null && clock.monotonicMs() >= stopAtMs ? 'limit-reached' : null
}

function mayBegin(group: Group, beside: Group | null, options: WorkOptions): Reason | null {
  return options.mayBegin?.(group, beside) ?? null
}

/** Restores what can be restored of a group; findings are those of contents that failed twice. */
async function restoreGroup(
  group: Group,
  loaded: LoadedGroup,
  options: WorkOptions,
  onFinding: (finding: Finding) => void,
): Promise<void> {
  const suspects: { content: LoadedContent; first: Attempt }[] = []
  const limit = pLimit(options.parallel)
  for (const { planned, reason, message } of loaded.unloadable) {
    await options.onAttempt(withoutRestore(planned, group, reason, message, options))
  }
  const settled = await Promise.allSettled(
    loaded.contents.map(content =>
      limit(async () => {
        const attempt = await tryOnce(content, group, 1, name => options.engines.get(name), options)
        if (attempt.judgement.verdict === 'fail') suspects.push({ content, first: attempt })
        else await options.onAttempt(attempt)
      }),
    ),
  )
  for (const result of settled) if (result.status === 'rejected') throw result.reason
  if (suspects.length === 0) return
  options.log.info(
    `${suspects.length} of ${group.indexName} failed; repeating in a fresh server before anybody is accused`,
  )
  const fresh = { started: false }
  for (const suspect of suspects) {
    const attempt = await repeatOrDoubt(suspect, group, fresh, options)
    const finding = findingOf(attempt, options.catalogue)
    if (finding !== null) onFinding(finding)
    await options.onAttempt(attempt)
  }
}

/** What keeps us from repeating is our trouble: the first look is kept as a doubt. */
async function repeatOrDoubt(
  suspect: { content: LoadedContent; first: Attempt },
  group: Group,
  fresh: { started: boolean },
  options: WorkOptions,
): Promise<Attempt> {
  try {
    return await repeat(suspect, group, fresh, options)
  } catch (error) {
    if (!(error instanceof SnapproofError) && !options.signal.aborted) throw error
    const message = `${describeError(error)}; the first attempt said: ${suspect.first.judgement.message}`
    return doubt(suspect.first, options.signal.aborted ? 'interrupted' : 'not-repeated', message)
  }
}

async function repeat(
  { content, first }: { content: LoadedContent; first: Attempt },
  group: Group,
  fresh: { started: boolean },
  options: WorkOptions,
): Promise<Attempt> {
  const damaged = await options.mirror.verify(content.items, options.signal)
  if (damaged.length > 0) {
    options.log.warn(`${damaged.length} blobs of the mirror were damaged after they were fetched; fetching them again`)
    const again = await options.mirror.fetch(damaged, options.signal)
    if (again.faults.length > 0) {
      return doubt(first, 'not-repeated', 'blobs of the mirror could not be fetched again')
    }
  }
  const engineOf = async (name: string): Promise<Engine> => {
    if (fresh.started) return options.engines.get(name)
    fresh.started = true
    return options.engines.fresh(name)
  }
  const second = await tryOnce(content, group, 2, engineOf, options)
  const { verdict, message } = second.judgement
  if (verdict === 'inconclusive') {
    return doubt(second, 'not-repeated', `${message}; the first attempt said: ${first.judgement.message}`)
  }
  if (verdict === 'fail' && (await options.mirror.verify(content.items, options.signal)).length > 0) {
    return doubt(
      second,
      'not-repeated',
      `the disk of the mirror changed what it holds while a server read it: ${message}`,
    )
  }
  return second
}

async function tryOnce(
  content: LoadedContent,
  group: Group,
  number: number,
  engineOf: (name: string) => Promise<Engine>,
  options: WorkOptions,
): Promise<Attempt> {
  if (options.signal.aborted) {
    return withoutRestore(content.planned, group, 'interrupted', describeError(options.signal.reason), options)
  }
  let engine: Engine
  try {
    engine = await engineOf(group.engine)
  } catch (error) {
    // No engine at all is for the whole run to know; one that died once too often is this content's trouble.
    if (!isSnapproofError(error, 'engine-died') && !options.signal.aborted) throw error
    const reason = options.signal.aborted ? 'interrupted' : 'engine-died'
    return withoutRestore(content.planned, group, reason, describeError(error), options)
  }
  return attemptContent(engine, content, group.engine, number, options)
}

function withoutRestore(
  planned: LoadedContent['planned'],
  group: Group,
  reason: Reason,
  message: string,
  { clock }: WorkOptions,
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
