/**
 * Restores one content into an empty target and waits until the server has nothing more to do with it. No judgement.
 *
 * The wait is for a state: every expected shard started and its recovery done, or given up by the server
 * (ALLOCATION_FAILED), or standing still. The interval between looks grows with the restore. Our own trouble (a server
 * that died or does not answer, a deadline, an interruption) is `cutShort`, never a throw.
 */
import type { Engine } from '../engine/port.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import type { Evidence, Expectation, RecoveryRow, UnstartedShard } from '../model/evidence.ts'
import { type Clock, withDeadline } from '../time.ts'

export interface RestoreOutcome {
  readonly target: string
  readonly startedMs: number
  readonly seconds: number
  readonly refusal: Evidence['refusal']
  readonly cutShort: Evidence['cutShort']
  readonly deep?: boolean
}

export interface RestoreOptions {
  readonly repository: string
  readonly target: string
  readonly timeoutMs: number
  /** A restore that neither moves a byte nor starts a shard for this long is left alone. */
  readonly standstillMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
  /** The target holds a closed index, whose files are kept where they are the same. @default false: it is emptied first */
  readonly over?: boolean
  /** Lucene's CheckIndex when a shard starts. @default false */
  readonly deep?: boolean
}

const firstLookMs = 30
const longestLookMs = 2_000

export async function restoreContent(
  engine: Engine,
  expected: Expectation,
  options: RestoreOptions,
): Promise<RestoreOutcome> {
  const { clock, target } = options
  const startedMs = clock.nowMs()
  const start = clock.monotonicMs()
  const signal = withDeadline(options.signal, options.timeoutMs, `the restore of ${expected.indexName}`)
  let refusal: Evidence['refusal'] = null
  let cutShort: Evidence['cutShort'] = null
  try {
    // A server deletes what it has of a feature itself, and lets nobody else delete all of it.
    if (options.over !== true && expected.feature === undefined) await engine.deleteIndex(target, signal)
    cutShort = (await lackOfFeature(engine, expected, signal)) ?? (await lackOfRoom(engine, expected, signal))
    if (cutShort === null) {
      const answer = await engine.startRestore({
        repository: options.repository,
        snapshot: expected.snapshot,
        index: expected.indexName,
        target,
        ...(expected.feature === undefined ? {} : { feature: expected.feature.name }),
        ...(options.over === true ? { checksumAtStart: true } : {}),
        ...(options.deep === true ? { deep: true } : {}),
        signal,
      })
      if (answer.accepted) cutShort = await waitUntilSettled(engine, expected, options, signal)
      else refusal = { status: answer.status, type: answer.type, reason: answer.reason }
    }
  } catch (error) {
    cutShort = ownTrouble(engine, error, options.signal)
  }
  const seconds = (clock.monotonicMs() - start) / 1000
  return { target, startedMs, seconds, refusal, cutShort, ...(options.deep === true ? { deep: true } : {}) }
}

/** A server refuses the state of a feature that it has not; that is nobody's fault and no other night will be different. */
async function lackOfFeature(
  engine: Engine,
  { feature }: Expectation,
  signal: AbortSignal,
): Promise<Evidence['cutShort']> {
  if (feature === undefined || (await engine.features(signal)).has(feature.name)) return null
  const { product, version, kind } = engine.facts
  const message =
    kind === 'endpoint'
      ? `the state of feature ${feature.name} is not restored over that of a cluster of somebody else`
      : `${product} ${version} has no feature ${feature.name}, whose state alone restores it`
  return { reason: 'system-index', message }
}

/** A full disk ends in the middle of a restore, with words of the server about something else: it is seen before. */
async function lackOfRoom(engine: Engine, expected: Expectation, signal: AbortSignal): Promise<Evidence['cutShort']> {
  const disk = await engine.disk(signal)
  const neededBytes = expected.shards.reduce((sum, { bytes }) => sum + bytes, 0)
  if (disk === null || neededBytes <= disk.freeBytes) return null
  const message = `${neededBytes} bytes are needed, and ${disk.freeBytes} of ${disk.totalBytes} are free on the disk of the throwaway server`
  return { reason: neededBytes > disk.totalBytes ? 'does-not-fit' : 'disk-full', message }
}

async function waitUntilSettled(
  engine: Engine,
  expected: Expectation,
  { clock, target, standstillMs }: RestoreOptions,
  signal: AbortSignal,
): Promise<Evidence['cutShort']> {
  let pauseMs = firstLookMs
  let lastMove = clock.monotonicMs()
  let lastSeen = ''
  for (;;) {
    const shards = await engine.shardStates(target, signal)
    const rows = await engine.recovery(target, signal)
    if (isSettled(expected, shards, rows)) return null
    const seen = JSON.stringify([
      shards.map(s => [s.shard, s.state]),
      rows.map(r => [r.shard, r.stage, r.recoveredBytes]),
    ])
    if (seen !== lastSeen) {
      lastSeen = seen
      lastMove = clock.monotonicMs()
    } else if (clock.monotonicMs() - lastMove > standstillMs) {
      const states = shards.map(s => `shard ${s.shard} ${s.state}${s.details === null ? '' : ` (${s.details})`}`)
      const message = `nothing moved for ${Math.round(standstillMs / 1000)} s: ${states.join(', ') || 'no shard is known'}`
      return { reason: 'evidence-incomplete', message }
    }
    await clock.sleep(pauseMs, signal)
    pauseMs = Math.min(pauseMs * 1.5, longestLookMs)
  }
}

/** Each expected shard is started with its recovery done, or the server has given it up. */
export function isSettled(
  expected: Expectation,
  shards: readonly UnstartedShard[],
  rows: readonly RecoveryRow[],
): boolean {
  return expected.shards.every(({ shard }) => {
    const state = shards.find(s => s.shard === shard)
    if (state === undefined) return false
    // A restore that the server may place nowhere is given up by it at once; it would wait for ever.
    if (state.state === 'UNASSIGNED') return state.reason === 'ALLOCATION_FAILED' || state.allocation === 'deciders_no'
    const mine = rows.filter(row => row.shard === shard && row.primary && row.snapshot === expected.snapshot)
    return state.state === 'STARTED' && mine.some(row => row.stage === 'DONE')
  })
}

/** What an error of ours means for the content in work; it accuses nobody. */
export function ownTrouble(engine: Engine, error: unknown, run: AbortSignal): NonNullable<Evidence['cutShort']> {
  const death = engine.death()
  const message = death === null ? describeError(error) : `the server ended: ${death}`
  if (run.aborted) return { reason: 'interrupted', message: describeError(run.reason) }
  if (death !== null || isSnapproofError(error, 'engine-died')) return { reason: 'engine-died', message }
  if (isSnapproofError(error, 'deadline')) return { reason: 'deadline', message }
  if (isSnapproofError(error, 'disk-full')) return { reason: 'disk-full', message }
  return { reason: 'evidence-incomplete', message }
}
