/**
 * Asks a restored index what the rules need to know. Counts, states and types only; no judgement, no documents.
 *
 * Every answer that is missing stays missing in the evidence (`null`, or no row) with `cutShort` saying why; the judge
 * decides what that means.
 */
import type { Engine } from '../engine/port.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import { depthOf } from '../model/deep.ts'
import type { Evidence, Expectation } from '../model/evidence.ts'
import type { Reason } from '../model/verdict.ts'
import { type Clock, isoTime, withDeadline } from '../time.ts'

/** What is known of the restore itself when the questions begin. */
export interface RestoreFacts {
  readonly target: string
  readonly startedMs: number
  readonly seconds: number
  readonly refusal: Evidence['refusal']
  readonly cutShort: Evidence['cutShort']
  readonly deep?: boolean
}

export interface GatherOptions {
  readonly attempt: number
  readonly timeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

export async function gatherEvidence(
  engine: Engine,
  expected: Expectation,
  restored: RestoreFacts,
  { attempt, timeoutMs, clock, signal }: GatherOptions,
): Promise<Evidence> {
  const start = clock.monotonicMs()
  const answers: Pick<Evidence, 'recovery' | 'stats' | 'unstarted' | 'count' | 'fields'> = {
    recovery: [],
    stats: [],
    unstarted: [],
    count: null,
    fields: null,
  }
  let { cutShort } = restored
  // A server that lacks the feature was asked for nothing and has nothing to show.
  const isThere = restored.refusal === null && restored.cutShort?.reason !== 'system-index'
  if (isThere && engine.death() === null && !signal.aborted) {
    const bounded = withDeadline(signal, timeoutMs, `the questions about ${expected.indexName}`)
    try {
      Object.assign(answers, await ask(engine, expected, restored.target, bounded))
    } catch (error) {
      cutShort ??= { reason: reasonOf(engine, error, signal), message: describeError(error) }
    }
  } else if (isThere) {
    const message = signal.aborted ? describeError(signal.reason) : `the server ended: ${engine.death()}`
    cutShort ??= { reason: signal.aborted ? 'interrupted' : 'engine-died', message }
  }
  return {
    schemaVersion: 1,
    contentId: expected.contentId,
    indexName: expected.indexName,
    snapshot: expected.snapshot,
    snapshotUuid: expected.snapshotUuid,
    target: restored.target,
    engine: { product: engine.facts.product, version: engine.facts.version, kind: engine.facts.kind },
    attempt,
    method: 'restore',
    ...(restored.deep === true ? { deep: depthOf(engine.facts) } : {}),
    startedAt: isoTime(restored.startedMs),
    refusal: restored.refusal,
    ...answers,
    cutShort,
    seconds: { restore: restored.seconds, questions: (clock.monotonicMs() - start) / 1000 },
  }
}

async function ask(engine: Engine, expected: Expectation, target: string, signal: AbortSignal) {
  const shards = await engine.shardStates(target, signal)
  const unstarted = shards.filter(shard => shard.state !== 'STARTED')
  const recovery = await engine.recovery(target, signal)
  const stats = await engine.shardStats(target, signal)
  // _count on an index with a missing shard counts the others: only a whole index is asked.
  const whole = unstarted.length === 0 && expected.shards.every(({ shard }) => shards.some(s => s.shard === shard))
  const count = whole ? await engine.count(target, signal) : null
  const fields = await engine.fields(target, signal)
  return { recovery, stats, unstarted, count, fields }
}

function reasonOf(engine: Engine, error: unknown, run: AbortSignal): Reason {
  if (run.aborted) return 'interrupted'
  if (engine.death() !== null || isSnapproofError(error, 'engine-died')) return 'engine-died'
  return isSnapproofError(error, 'deadline') ? 'deadline' : 'evidence-incomplete'
}
