/** Asking: what is missing stays missing and says why. */
import { describe, expect, test } from 'vitest'
import { SnapproofError } from '../../src/errors.ts'
import { gatherEvidence, type RestoreFacts } from '../../src/evidence/gather.ts'
import { judge } from '../../src/rules/judge.ts'
import { expectation } from '../support/evidence.ts'
import { type FakeEngine, fakeClock, fakeEngine } from '../support/fakes.ts'

const expected = expectation()
const restored: RestoreFacts = { target: 't', startedMs: 0, seconds: 2, refusal: null, cutShort: null }

async function gather(
  bend: Partial<FakeEngine> = {},
  facts: Partial<RestoreFacts> = {},
  abort = new AbortController(),
) {
  const engine = fakeEngine('nine', { expected: [expected] })
  const request = {
    repository: 'r',
    snapshot: expected.snapshot,
    index: expected.indexName,
    target: 't',
    signal: abort.signal,
  }
  await engine.startRestore(request)
  const options = { attempt: 1, timeoutMs: 1000, clock: fakeClock(), signal: abort.signal }
  return gatherEvidence(Object.assign(engine, bend), expected, { ...restored, ...facts }, options)
}

test('all answers of a good restore pass', async () => {
  const evidence = await gather()
  expect(judge(expected, evidence).verdict).toBe('pass')
  expect(JSON.parse(JSON.stringify(evidence))).toEqual(evidence)
})

test('after a refusal nothing is asked', async () => {
  const refusal = { status: 500, type: 'x', reason: 'no' }
  expect(await gather({}, { refusal })).toMatchObject({ refusal, recovery: [], stats: [], count: null, fields: null })
})

describe('what fails', () => {
  test.each(['recovery', 'shardStats', 'shardStates', 'count', 'fields'] as const)(
    '%s: cut short, never a pass',
    async call => {
      const evidence = await gather({
        [call]: async () => Promise.reject(new SnapproofError('engine-request', 'no answer')),
      })
      expect(evidence.cutShort).toMatchObject({ reason: 'evidence-incomplete' })
      expect(judge(expected, evidence)).toMatchObject({ verdict: 'inconclusive', finding: null })
    },
  )
  test('keeps the trouble of the restore itself', async () => {
    const cutShort = { reason: 'deadline', message: 'late' } as const
    expect((await gather({ count: async () => Promise.reject(new Error('x')) }, { cutShort })).cutShort).toEqual(
      cutShort,
    )
  })
})

test('a server that died before it was asked, and an abort, say so', async () => {
  expect((await gather({ death: () => 'killed' })).cutShort).toMatchObject({ reason: 'engine-died' })
  const abort = new AbortController()
  const asked = gather({}, {}, abort)
  abort.abort(new SnapproofError('interrupted', 'Ctrl-C'))
  expect((await asked).cutShort).toMatchObject({ reason: 'interrupted' })
})

test('a shard that is not started: _count is not asked, because it would count the others', async () => {
  const shardStates = async () => [
    { shard: 0, state: 'STARTED', reason: null, details: null },
    { shard: 1, state: 'UNASSIGNED', reason: 'ALLOCATION_FAILED', details: 'corrupt' },
  ]
  const evidence = await gather({ shardStates })
  expect(evidence.count).toBeNull()
  expect(evidence.unstarted).toHaveLength(1)
  expect(judge(expected, evidence).verdict).toBe('fail')
})

test('a shard that the routing table does not know: the same', async () => {
  const shardStates = async () => [{ shard: 0, state: 'STARTED', reason: null, details: null }]
  const evidence = await gather({ shardStates })
  expect(evidence.count).toBeNull()
  expect(judge(expected, evidence).verdict).not.toBe('pass')
})
