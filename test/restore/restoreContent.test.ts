/** The wait for a restore: until it is settled, given up, standing still, or our own trouble. */
import { describe, expect, test } from 'vitest'
import { SnapproofError } from '../../src/errors.ts'
import { isSettled, restoreContent } from '../../src/restore/restoreContent.ts'
import { expectation, recoveryRow } from '../support/evidence.ts'
import { type FakeEngineOptions, fakeClock, fakeEngine } from '../support/fakes.ts'

const expected = expectation()
const rows = expected.shards.map(shard => recoveryRow(expected, shard))
const started = expected.shards.map(({ shard }) => ({ shard, state: 'STARTED', reason: null, details: null }))

function restore(options: FakeEngineOptions = {}, abort = new AbortController(), bend = {}) {
  const engine = { ...fakeEngine('nine', { expected: [expected], ...options }), ...bend }
  const signal = abort.signal
  const common = {
    repository: 'snapproof',
    target: 't',
    timeoutMs: 60_000,
    standstillMs: 5000,
    clock: fakeClock(),
    signal,
  }
  return restoreContent(engine, expected, common)
}

test('settled', async () => {
  expect(await restore()).toMatchObject({ refusal: null, cutShort: null, target: 't' })
})

describe('a system index', () => {
  const tasks = expectation({ indexName: '.tasks', feature: { name: 'tasks', indices: ['.tasks'] } })
  const restoreTasks = async (options: FakeEngineOptions) => {
    const engine = fakeEngine('nine', { expected: [tasks], ...options })
    const requests: unknown[] = []
    const startRestore: typeof engine.startRestore = async request => {
      requests.push(request.feature)
      return await engine.startRestore(request)
    }
    const { signal } = new AbortController()
    const common = { repository: 'r', target: '.tasks', timeoutMs: 60_000, standstillMs: 5000, clock: fakeClock() }
    const found = await restoreContent({ ...engine, startRestore }, tasks, { ...common, signal })
    return { found, requests, calls: engine.calls }
  }
  test('is restored by the state of its feature; what was there is the server’s to delete', async () => {
    const { found, requests, calls } = await restoreTasks({ features: ['tasks'] })
    expect([found.refusal, found.cutShort, requests]).toEqual([null, null, ['tasks']])
    expect(calls.filter(call => call.startsWith('delete'))).toEqual([])
  })
  test('is not asked of a server without the feature', async () => {
    const { found, requests } = await restoreTasks({ features: ['other'] })
    expect(found.cutShort).toEqual({
      reason: 'system-index',
      message: 'elasticsearch 9.5.3 has no feature tasks, whose state alone restores it',
    })
    expect(requests).toEqual([])
  })
})

test('a refusal is a value with the words of the server', async () => {
  const refusal = { accepted: false, status: 500, type: 'x', reason: 'no' } as const
  expect(await restore({ answer: () => refusal })).toMatchObject({
    refusal: { status: 500, type: 'x', reason: 'no' },
    cutShort: null,
  })
})

test('nothing moves: left alone, nobody accused', async () => {
  const found = await restore({}, undefined, { shardStates: async () => [] })
  expect(found.cutShort).toMatchObject({
    reason: 'evidence-incomplete',
    message: expect.stringContaining('no shard is known'),
  })
})

test('given up by the server is settled, and no trouble of ours', async () => {
  const lost = { shard: 0, state: 'UNASSIGNED', reason: 'ALLOCATION_FAILED', details: 'corrupt' }
  const found = await restore({}, undefined, { shardStates: async () => [lost, started[1]] })
  expect(found).toMatchObject({ refusal: null, cutShort: null })
})

test('a shard that no node may have is given up at once', async () => {
  const lost = { shard: 0, state: 'UNASSIGNED', reason: 'NEW_INDEX_RESTORED', details: 'no', allocation: 'deciders_no' }
  const found = await restore({}, undefined, { shardStates: async () => [lost, started[1]] })
  expect(found).toMatchObject({ refusal: null, cutShort: null })
  const waiting = { ...lost, allocation: 'deciders_throttled' }
  const stood = await restore({}, undefined, { shardStates: async () => [waiting, started[1]] })
  expect(stood.cutShort?.message).toContain('nothing moved')
})

test.each([
  [1_999, 10_000, 'disk-full'],
  [500, 1_500, 'does-not-fit'],
  [2_001, 2_001, undefined],
] as const)('%i bytes free of %i are seen before anything is restored', async (freeBytes, totalBytes, reason) => {
  const begun: string[] = []
  const onRestore = (_: unknown, index: string) => void begun.push(index)
  const found = await restore({ onRestore }, undefined, { disk: async () => ({ freeBytes, totalBytes }) })
  expect(found.cutShort?.reason).toBe(reason)
  expect(begun).toHaveLength(reason === undefined ? 1 : 0)
  if (reason !== undefined)
    expect(found.cutShort?.message).toMatch(new RegExp(`2001 bytes are needed, and ${freeBytes} of ${totalBytes}`))
})

test.each([
  ['engine-died', 'engine-died'],
  ['deadline', 'deadline'],
  ['disk-full', 'disk-full'],
  ['engine-request', 'evidence-incomplete'],
] as const)('%s is %s', async (code, reason) => {
  const fail = async () => Promise.reject(new SnapproofError(code, 'x'))
  expect((await restore({}, undefined, { recovery: fail })).cutShort?.reason).toBe(reason)
})

test('an abort is an interruption, whatever the call then says', async () => {
  const abort = new AbortController()
  const found = await restore(
    {
      onRestore: engine => {
        abort.abort(new SnapproofError('interrupted', 'Ctrl-C'))
        engine.die('SIGTERM')
      },
    },
    abort,
  )
  expect(found.cutShort).toEqual({ reason: 'interrupted', message: 'Ctrl-C' })
})

describe('isSettled', () => {
  const state = (change: object) => [
    { ...started[0], shard: 0, state: 'STARTED', reason: null, details: null, ...change },
    ...started.slice(1),
  ]
  test.each([
    ['all started and done', started, rows, true],
    ['a shard that is not known', started.slice(1), rows, false],
    ['a shard without a row', started, rows.slice(1), false],
    ['a row that is not done', started, rows.map(row => ({ ...row, stage: 'INDEX' })), false],
    ['a replica’s row', started, rows.map(row => ({ ...row, primary: false })), false],
    ['initializing', state({ state: 'INITIALIZING' }), rows, false],
    ['tried again', state({ state: 'INITIALIZING', reason: 'ALLOCATION_FAILED' }), rows, false],
    ['not yet assigned', state({ state: 'UNASSIGNED', reason: 'NEW_INDEX_RESTORED' }), [], false],
    ['given up', state({ state: 'UNASSIGNED', reason: 'ALLOCATION_FAILED' }), rows.slice(1), true],
  ] as const)('%s', (_, shards, recovery, settled) => {
    expect(isSettled(expected, shards, recovery)).toBe(settled)
  })
})
