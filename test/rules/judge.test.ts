/** The judge as an adversary sees it: whatever is bent in evidence that passes, it never passes again. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Evidence, Expectation } from '../../src/model/evidence.ts'
import { builtInRules, judge } from '../../src/rules/judge.ts'
import type { Rule } from '../../src/rules/rule.ts'
import {
  changeRow,
  type ExpectedShard,
  expectation,
  expectedShard,
  goodEvidence,
  recoveryRow,
} from '../support/evidence.ts'

const expected = expectation()
const good = goodEvidence(expected)
const pass = { verdict: 'pass', reason: 'proven', message: '', finding: null }

function verdictOf(change: Partial<Evidence>, of: Expectation = expected): string {
  return judge(of, goodEvidence(of, change)).verdict
}

describe('what passes', () => {
  test('all was seen and equals what was expected', () => {
    expect(judge(expected, good)).toEqual(pass)
  })

  test('an empty index, which ends at sequence number -1', () => {
    const empty = expectation({ shards: [expectedShard(0, { files: 1, bytes: 200, luceneDocs: 0, maxSeqNo: -1 })] })
    expect(judge(empty, goodEvidence(empty))).toEqual(pass)
  })

  test('nested children are documents of Lucene and not of _count', () => {
    const nested = expectation({ hasNested: true })
    expect(judge(nested, goodEvidence(nested, { count: 3 }))).toEqual(pass)
  })

  test('evidence that was written to a file and read again', () => {
    expect(judge(expected, JSON.parse(JSON.stringify(good)))).toEqual(pass)
  })
})

describe('what was not positively seen', () => {
  test('a failed shard that vanished from _recovery and _stats', () => {
    const change = { recovery: good.recovery.slice(1), stats: good.stats.slice(1) }
    expect(verdictOf(change)).toBe('inconclusive')
    expect(verdictOf({ ...change, count: 11 })).toBe('inconclusive')
  })

  test('a shard without its recovery row, started all the same', () => {
    expect(verdictOf({ recovery: good.recovery.slice(1) })).toBe('inconclusive')
  })

  test('nothing at all', () => {
    expect(verdictOf({ recovery: [], stats: [], count: 0 })).toBe('inconclusive')
  })

  test('no shard is expected', () => {
    const none = expectation({ shards: [] })
    expect(judge(none, goodEvidence(none))).toMatchObject({ verdict: 'inconclusive', reason: 'count-unknown' })
  })

  test('no rule was asked, or a rule says nothing', () => {
    const dumb: Rule = { meta: { id: 'dumb', title: '', why: '' }, check: () => [] }
    const two: Rule = {
      meta: { id: 'two', title: '', why: '' },
      check: () => [{ verdict: 'pass' }, { verdict: 'pass' }],
    }
    expect(judge(expected, good, []).verdict).toBe('inconclusive')
    expect(judge(expected, good, [...builtInRules, dumb, two])).toMatchObject({
      verdict: 'inconclusive',
      reason: 'evidence-incomplete',
    })
  })

  test('a refusal of which no rule speaks', () => {
    const refusal = { status: 500, type: 'x', reason: 'y' }
    const rules = builtInRules.filter(rule => rule.meta.id !== 'restoreAccepted')
    expect(judge(expected, { ...good, refusal }, rules).verdict).toBe('inconclusive')
  })
})

describe('cut short', () => {
  const cutShort = { reason: 'engine-died', message: 'it died' } as const

  test('never passes, even with all answers there', () => {
    expect(judge(expected, { ...good, cutShort })).toEqual({
      verdict: 'inconclusive',
      reason: 'engine-died',
      message: 'it died',
      finding: null,
    })
  })

  test('keeps the failure of a started shard that was seen before', () => {
    const stats = changeRow(good.stats, 1, { luceneDocs: 1 })
    expect(judge(expected, { ...good, stats, cutShort })).toMatchObject({ verdict: 'fail' })
  })

  test('accuses nobody for a shard that our own deadline caught while it recovered', () => {
    const late = { reason: 'deadline', message: 'too slow' } as const
    const stats = changeRow(good.stats, 1, { state: 'INITIALIZING', luceneDocs: 0, maxSeqNo: -1, localCheckpoint: -1 })
    const recovery = changeRow(good.recovery, 1, { stage: 'INDEX', recoveredBytes: 5, files: 1, bytes: 5 })
    const unstarted = [{ shard: 1, state: 'INITIALIZING', reason: null, details: null }]
    expect(judge(expected, { ...good, stats, recovery, unstarted, count: null, cutShort: late })).toMatchObject({
      verdict: 'inconclusive',
      reason: 'deadline',
    })
  })
})

describe('evidence of something else', () => {
  test.each([['contentId'], ['snapshotUuid'], ['indexName'], ['snapshot']] as const)('another %s', field => {
    expect(judge(expected, { ...good, [field]: 'another' })).toMatchObject({ verdict: 'inconclusive', finding: null })
  })

  test('never passes, nor accuses, whatever it says', () => {
    const wrong = goodEvidence(expected, {
      contentId: 'another',
      refusal: { status: 500, type: 'x', reason: 'corrupt' },
    })
    expect(judge(expected, wrong)).toMatchObject({ verdict: 'inconclusive', reason: 'evidence-incomplete' })
  })
})

test('fail beats inconclusive, and one finding names the first with the others in its message', () => {
  const stats = changeRow(changeRow(good.stats, 0, { luceneDocs: 1 }), 1, { maxSeqNo: null })
  const judgement = judge(expected, { ...good, stats, fields: {} })
  expect(judgement).toMatchObject({
    verdict: 'fail',
    reason: 'found',
    finding: { code: 'document-count-mismatch', shard: 0 },
  })
  expect(judgement.message).toContain('shard 0: 1 documents, expected 10')
  expect(judgement.message).toContain('missing, expected date')
})

describe('whatever is bent, it never passes', () => {
  const shards = fc
    .array(
      fc.record({
        files: fc.integer({ min: 1, max: 500 }),
        bytes: fc.integer({ min: 1, max: 2 ** 45 }),
        luceneDocs: fc.integer({ min: 1, max: 2 ** 31 }),
        maxSeqNo: fc.integer({ min: 0, max: 2 ** 40 }),
      }),
      { minLength: 1, maxLength: 5 },
    )
    .map(list => list.map((shard, i): ExpectedShard => ({ shard: i, ...shard })))
  const fields = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString')),
    fc.constantFrom('keyword', 'long', 'object'),
    {
      minKeys: 1,
      maxKeys: 6,
      noNullPrototype: true,
    },
  )
  const cases = fc.record({ shards, fields, hasNested: fc.boolean() }).map(change => expectation(change))
  const delta = fc.oneof(fc.constantFrom(-1, 1), fc.integer({ min: 1, max: 1000 }), fc.integer({ min: -1000, max: -1 }))

  type Bend = (good: Evidence, of: Expectation, shard: number, delta: number) => Evidence
  const bends: Readonly<Record<string, Bend>> = {
    'recovery row dropped': (e, _, s) => ({ ...e, recovery: e.recovery.filter(row => row.shard !== s) }),
    'stats row dropped': (e, _, s) => ({ ...e, stats: e.stats.filter(row => row.shard !== s) }),
    'recovery row twice': (e, _, s) => ({
      ...e,
      recovery: [...e.recovery, ...e.recovery.filter(row => row.shard === s)],
    }),
    'stats row twice': (e, _, s) => ({ ...e, stats: [...e.stats, ...e.stats.filter(row => row.shard === s)] }),
    'a predecessor’s row besides': (e, of, s) => ({
      ...e,
      recovery: [...e.recovery, recoveryRow(of, of.shards[s] ?? expectedShard(s), { snapshot: 'nightly-0' })],
    }),
    stage: (e, _, s) => ({ ...e, recovery: changeRow(e.recovery, s, { stage: 'FINALIZE' }) }),
    type: (e, _, s) => ({ ...e, recovery: changeRow(e.recovery, s, { type: 'EXISTING_STORE' }) }),
    'a replica’s row': (e, _, s) => ({ ...e, recovery: changeRow(e.recovery, s, { primary: false }) }),
    'row of another snapshot': (e, _, s) => ({ ...e, recovery: changeRow(e.recovery, s, { snapshot: 'nightly-2' }) }),
    'row of no snapshot': (e, _, s) => ({ ...e, recovery: changeRow(e.recovery, s, { snapshot: null }) }),
    'row of a snapshot of the same name': (e, _, s) => ({
      ...e,
      recovery: changeRow(e.recovery, s, { snapshotUuid: 'SNAPSHOT-TWO' }),
    }),
    'row of another index': (e, _, s) => ({ ...e, recovery: changeRow(e.recovery, s, { index: 'other' }) }),
    files: (e, of, s, d) => ({ ...e, recovery: changeRow(e.recovery, s, { files: (of.shards[s]?.files ?? 0) + d }) }),
    bytes: (e, of, s, d) => ({ ...e, recovery: changeRow(e.recovery, s, { bytes: (of.shards[s]?.bytes ?? 0) + d }) }),
    'recovered bytes': (e, of, s, d) => ({
      ...e,
      recovery: changeRow(e.recovery, s, { recoveredBytes: (of.shards[s]?.bytes ?? 0) + d }),
    }),
    'reused bytes': (e, _, s, d) => ({ ...e, recovery: changeRow(e.recovery, s, { reusedBytes: d }) }),
    'shard state': (e, _, s) => ({ ...e, stats: changeRow(e.stats, s, { state: 'INITIALIZING' }) }),
    'a replica’s stats': (e, _, s) => ({ ...e, stats: changeRow(e.stats, s, { primary: false }) }),
    documents: (e, of, s, d) => ({
      ...e,
      stats: changeRow(e.stats, s, { luceneDocs: (of.shards[s]?.luceneDocs ?? 0) + d }),
    }),
    'documents unknown': (e, _, s) => ({ ...e, stats: changeRow(e.stats, s, { luceneDocs: null }) }),
    'sequence number': (e, of, s, d) => ({
      ...e,
      stats: changeRow(e.stats, s, { maxSeqNo: (of.shards[s]?.maxSeqNo ?? 0) + d }),
    }),
    'sequence number unknown': (e, _, s) => ({ ...e, stats: changeRow(e.stats, s, { maxSeqNo: null }) }),
    checkpoint: (e, of, s, d) => ({
      ...e,
      stats: changeRow(e.stats, s, { localCheckpoint: (of.shards[s]?.maxSeqNo ?? 0) + d }),
    }),
    'checkpoint unknown': (e, _, s) => ({ ...e, stats: changeRow(e.stats, s, { localCheckpoint: null }) }),
    'shard called unstarted': (e, _, s) => ({
      ...e,
      unstarted: [{ shard: s, state: 'UNASSIGNED', reason: 'NEW_INDEX_RESTORED', details: null }],
    }),
    'shard still initializing when the routing table was asked': (e, _, s) => ({
      ...e,
      unstarted: [{ shard: s, state: 'INITIALIZING', reason: null, details: null }],
      count: null,
    }),
    'an unstarted shard that nobody expects': (e, of) => ({
      ...e,
      unstarted: [{ shard: of.shards.length, state: 'UNASSIGNED', reason: 'NEW_INDEX_RESTORED', details: null }],
      count: null,
    }),
    'a started shard that nobody expects': (e, of) => ({
      ...e,
      stats: [
        ...e.stats,
        { shard: of.shards.length, primary: true, state: 'STARTED', luceneDocs: 0, maxSeqNo: -1, localCheckpoint: -1 },
      ],
    }),
    'a recovered shard that nobody expects': (e, of) => ({
      ...e,
      recovery: [...e.recovery, recoveryRow(of, expectedShard(of.shards.length))],
    }),
    'count unknown': e => ({ ...e, count: null }),
    'count too large': (e, _, __, d) => ({ ...e, count: (e.count ?? 0) + Math.abs(d) }),
    'count of nothing': e => ({ ...e, count: 0 }),
    'mapping unknown': e => ({ ...e, fields: null }),
    'field gone': (e, of, s) => {
      const names = Object.keys(of.fields)
      const gone = names[s % names.length]
      return { ...e, fields: Object.fromEntries(Object.entries(of.fields).filter(([name]) => name !== gone)) }
    },
    'field of another type': (e, of, s) => {
      const names = Object.keys(of.fields)
      const other = names[s % names.length]
      return {
        ...e,
        fields: Object.fromEntries(
          Object.entries(of.fields).map(([name, type]) => [name, name === other ? 'ip' : type]),
        ),
      }
    },
    refused: e => ({ ...e, refusal: { status: 500, type: 'snapshot_restore_exception', reason: 'no' } }),
    'cut short': e => ({ ...e, cutShort: { reason: 'deadline', message: 'late' } }),
    'another content': e => ({ ...e, contentId: 'another' }),
    'another snapshot': e => ({ ...e, snapshotUuid: 'SNAPSHOT-TWO' }),
  }

  test('the evidence that is bent passes', () => {
    fc.assert(
      fc.property(cases, of => {
        expect(judge(of, goodEvidence(of))).toEqual(pass)
      }),
      { seed: 3 },
    )
  })

  test.each(Object.entries(bends))('%s', (_, bend) => {
    fc.assert(
      fc.property(cases, fc.nat(), delta, (of, n, d) => {
        const bent = bend(goodEvidence(of), of, n % of.shards.length, d)
        expect(judge(of, bent).verdict).not.toBe('pass')
      }),
      { seed: 3, numRuns: 60 },
    )
  })

  test('a count below the expected, where nothing is nested', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 1, max: 9 }), (of, d) => {
        const plain = { ...of, hasNested: false }
        expect(judge(plain, goodEvidence(plain, { count: (goodEvidence(plain).count ?? 0) - d })).verdict).not.toBe(
          'pass',
        )
      }),
      { seed: 3 },
    )
  })

  test.each([['luceneDocs'], ['maxSeqNo']] as const)('an expectation that does not know %s', field => {
    fc.assert(
      fc.property(cases, fc.nat(), (of, n) => {
        const blind = { ...of, shards: changeRow(of.shards, n % of.shards.length, { [field]: null }) }
        for (const evidence of [goodEvidence(of), goodEvidence(blind)]) {
          expect(judge(blind, evidence)).toMatchObject({ verdict: 'inconclusive', finding: null })
        }
      }),
      { seed: 3 },
    )
  })
})
