/** Engine and mirror that do on demand what real ones cannot be made to do. */
import type { Engine, RestoreAnswer, SearchAnswer } from '../../src/engine/port.ts'
import { SnapproofError } from '../../src/errors.ts'
import type { Mirror, MirrorItem, MirrorResult } from '../../src/mirror/port.ts'
import type { Expectation, FileRow, ShardStatsRow } from '../../src/model/evidence.ts'
import type { Clock } from '../../src/time.ts'
import { recoveryRow, statsRow } from './evidence.ts'

/** Time that passes only in `sleep` and by hand. */
export function fakeClock(startMs = Date.UTC(2026, 10, 23)): Clock & { advance(ms: number): void } {
  let now = 0
  return {
    nowMs: () => startMs + now,
    monotonicMs: () => now,
    sleep: async (ms, signal) => {
      await new Promise(resolve => setImmediate(resolve))
      signal?.throwIfAborted()
      now += ms
    },
    advance: ms => {
      now += ms
    },
  }
}

export interface FakeEngine extends Engine {
  /** Ends the process, so to say. */
  die(words: string): void
  readonly calls: string[]
  stopped: boolean
}

export interface FakeEngineOptions {
  /** What each index yields, by index name. */
  readonly expected?: readonly Expectation[]
  readonly answer?: (request: { index: string; snapshot: string; target: string }) => RestoreAnswer
  readonly bendStats?: (rows: ShardStatsRow[], index: string) => ShardStatsRow[]
  readonly register?: () => Promise<void>
  /** Default: every file is copied. `over`: what was closed in the target. */
  readonly files?: (expected: Expectation, over: Expectation | null) => FileRow[]
  /** @default no hits */
  readonly search?: (target: string, body: Readonly<Record<string, unknown>>) => SearchAnswer | Promise<SearchAnswer>
  readonly runCommand?: Engine['runCommand']
  /** Words with which every shard is given up. @default none is */
  readonly gaveUp?: string
  /** @default true */
  readonly closes?: boolean
  /** @default none */
  readonly features?: readonly string[]
  /** Uuid of a snapshot as the server sees it. @default as expected */
  readonly seen?: (snapshot: string) => string | null
  /** Before each restore. */
  readonly onRestore?: (engine: FakeEngine, index: string) => void | Promise<void>
}

function allCopied({ files = [] }: Expectation): FileRow[] {
  return files.map(({ shard, file, bytes }) => ({ shard, file, bytes, reused: false, recoveredBytes: bytes }))
}

/** What a server answers to a search that found so much. */
export function searchBody(hits: number, aggregations?: unknown): Record<string, unknown> {
  return {
    timed_out: false,
    _shards: { total: 2, successful: 2, skipped: 0, failed: 0 },
    hits: { total: { value: hits, relation: 'eq' }, max_score: null, hits: [] },
    ...(aggregations === undefined ? {} : { aggregations }),
  }
}

export function fakeEngine(name: string, options: FakeEngineOptions = {}): FakeEngine {
  let death: string | null = null
  const held = new Map<string, Expectation>()
  /** What lay in a target when it was closed. */
  const over = new Map<string, Expectation>()
  const alive = () => {
    if (death !== null) throw new SnapproofError('engine-died', death)
  }
  const ask = <Value>(target: string, answer: (expected: Expectation) => Value, absent: Value): Value => {
    alive()
    const expected = held.get(target)
    return expected === undefined ? absent : answer(expected)
  }
  const engine: FakeEngine = {
    facts: {
      name,
      kind: 'maven',
      product: 'elasticsearch',
      version: '9.5.3',
      indexVersion: null,
      xpack: false,
      egressBlocked: false,
    },
    repositoryFolder: '/mirror',
    calls: [],
    stopped: false,
    die: words => {
      death = words
    },
    registerRepository: async () => {
      engine.calls.push('register')
      await options.register?.()
    },
    removeRepository: async () => {},
    registerStore: async () => {
      engine.calls.push('register store')
    },
    startRestore: async ({ index, snapshot, target }) => {
      alive()
      engine.calls.push(`restore ${index} of ${snapshot}`)
      await options.onRestore?.(engine, index)
      alive()
      const answer = options.answer?.({ index, snapshot, target }) ?? { accepted: true }
      const expected = options.expected?.find(one => one.indexName === index && one.snapshot === snapshot)
      if (answer.accepted && expected !== undefined) held.set(target, expected)
      return answer
    },
    recovery: async target => ask(target, expected => expected.shards.map(shard => recoveryRow(expected, shard)), []),
    recoveredFiles: async target =>
      ask(target, expected => options.files?.(expected, over.get(target) ?? null) ?? allCopied(expected), []),
    search: async (target, body) => {
      alive()
      return options.search?.(target, body) ?? { answered: true, body: searchBody(0) }
    },
    runCommand: async command => options.runCommand?.(command) ?? { exitCode: 0, output: '' },
    closeIndex: async target => {
      alive()
      engine.calls.push(`close ${target}`)
      const closed = held.get(target)
      if (closed !== undefined) over.set(target, closed)
      return options.closes ?? true
    },
    features: async () => {
      alive()
      return new Set(options.features ?? [])
    },
    snapshotUuid: async (_, snapshot) => {
      alive()
      const expected = options.expected?.find(one => one.snapshot === snapshot)
      return options.seen === undefined ? (expected?.snapshotUuid ?? null) : options.seen(snapshot)
    },
    shardStats: async target =>
      ask(
        target,
        expected => {
          const rows = expected.shards.map(statsRow)
          return options.bendStats?.(rows, expected.indexName) ?? rows
        },
        [],
      ),
    shardStates: async target =>
      ask(
        target,
        expected =>
          expected.shards.map(({ shard }) =>
            options.gaveUp === undefined
              ? { shard, state: 'STARTED', reason: null, details: null }
              : { shard, state: 'UNASSIGNED', reason: 'ALLOCATION_FAILED', details: options.gaveUp },
          ),
        [],
      ),
    disk: async () => null,
    count: async target =>
      ask(target, expected => expected.shards.reduce((sum, { luceneDocs }) => sum + (luceneDocs ?? 0), 0), 0),
    fields: async target => ask(target, expected => ({ ...expected.fields }), {}),
    deleteIndex: async target => {
      alive()
      engine.calls.push(`delete ${target}`)
      held.delete(target)
      over.delete(target)
    },
    death: () => death,
    died: new Promise<never>(() => {}),
    logTail: () => [],
    stop: async () => {
      engine.stopped = true
    },
  }
  return engine
}

export interface FakeMirror extends Mirror {
  readonly held: Set<string>
  readonly fetches: string[][]
  readonly drops: string[][]
}

export interface FakeMirrorOptions {
  /** By number of the fetch, from 1. */
  readonly faults?: (items: readonly MirrorItem[], time: number) => MirrorResult['faults']
  readonly before?: (keys: readonly string[], time: number) => void | Promise<void>
  /** Keys that `verify` finds damaged, by number of the look, from 1. */
  readonly damaged?: (time: number) => readonly string[]
  /** @default plenty */
  readonly freeBytes?: number
}

export function fakeMirror(options: FakeMirrorOptions = {}): FakeMirror {
  const keysOf = (items: readonly MirrorItem[]) => items.flatMap(item => item.parts.map(part => part.key))
  let looks = 0
  const mirror: FakeMirror = {
    folder: '/mirror',
    held: new Set(),
    fetches: [],
    drops: [],
    fetch: async (items, signal) => {
      signal.throwIfAborted()
      const keys = keysOf(items)
      mirror.fetches.push(keys)
      await options.before?.(keys, mirror.fetches.length)
      for (const key of keys) mirror.held.add(key)
      return {
        bytes: keys.length,
        requests: keys.length,
        seconds: 1,
        faults: options.faults?.(items, mirror.fetches.length) ?? [],
      }
    },
    verify: async (items, signal) => {
      signal.throwIfAborted()
      looks++
      const bad = new Set(options.damaged?.(looks) ?? [])
      return items.filter(item => item.parts.some(part => bad.has(part.key)))
    },
    freeBytes: async () => options.freeBytes ?? 1e12,
    drop: async items => {
      mirror.drops.push(keysOf(items))
      for (const key of keysOf(items)) mirror.held.delete(key)
    },
    close: async () => {},
  }
  return mirror
}
