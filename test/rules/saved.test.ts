/** Each built-in rule on the evidence of a real server (test/fixtures/evidence): nothing to check, pass, fail, several. Bent is what was expected. */
import { describe, expect, test } from 'vitest'
import type { Evidence, Expectation } from '../../src/model/evidence.ts'
import { builtInRules } from '../../src/rules/judge.ts'
import { judgeSaved, type SavedEvidence } from '../../src/run/savedEvidence.ts'
import { readSavedNight } from '../support/savedNight.ts'

const night = await readSavedNight()

const orders = savedOf('orders', 'with documents')
type Shard = Expectation['shards'][number]
/** In every shard of what was expected. */
const shards = (change: (shard: Shard) => Partial<Shard>): Bend => ({
  expected: { shards: orders.expected.shards.map(shard => ({ ...shard, ...change(shard) })) },
})
interface Bend {
  readonly expected?: Partial<Expectation>
  readonly evidence?: Partial<Evidence>
}
const refused = { status: 500, type: 'snapshot_restore_exception', reason: 'the snapshot is damaged' }
const nothingAnswered = { recovery: [], stats: [], count: null, fields: null }
const fails = (code: string, ...shardNumbers: (number | null)[]) =>
  shardNumbers.map(shard => ({ verdict: 'fail', code, shard }))

/** By rule: what is no more as it was expected, and what the rule says of it. `one` hits one shard or field, `several` hits more. */
const bends: Record<string, { readonly one: [Bend, object[]]; readonly several: [Bend, object[]] }> = {
  restoreAccepted: {
    one: [{ evidence: { refusal: refused, ...nothingAnswered } }, fails('restore-refused', null)],
    several: [
      { evidence: { refusal: { ...refused, status: 503 }, ...nothingAnswered } },
      [{ verdict: 'inconclusive', reason: 'evidence-incomplete' }],
    ],
  },
  everyShardStarted: {
    one: [shardTwo(), [{ verdict: 'inconclusive', reason: 'evidence-incomplete' }]],
    several: [
      {
        evidence: {
          unstarted: orders.expected.shards.map(({ shard }) => ({
            shard,
            state: 'UNASSIGNED',
            reason: 'ALLOCATION_FAILED',
            details: 'CorruptIndexException[checksum failed]',
          })),
        },
      },
      fails('restore-shard-failed', 0, 1),
    ],
  },
  filesAndBytes: {
    one: [
      shards(({ shard, bytes }) => ({ bytes: shard === 1 ? bytes + 1 : bytes })),
      fails('restored-files-mismatch', 1),
    ],
    several: [shards(({ files }) => ({ files: files + 1 })), fails('restored-files-mismatch', 0, 1)],
  },
  documentCount: {
    one: [
      shards(({ shard, luceneDocs }) => ({ luceneDocs: (luceneDocs ?? 0) + (shard === 1 ? 1 : 0) })),
      fails('document-count-mismatch', 1),
    ],
    several: [
      shards(({ luceneDocs }) => ({ luceneDocs: (luceneDocs ?? 0) + 1 })),
      fails('document-count-mismatch', 0, 1),
    ],
  },
  sequenceNumber: {
    one: [
      shards(({ shard, maxSeqNo }) => ({ maxSeqNo: (maxSeqNo ?? 0) + (shard === 0 ? 1 : 0) })),
      fails('sequence-number-mismatch', 0),
    ],
    several: [shards(({ maxSeqNo }) => ({ maxSeqNo: (maxSeqNo ?? 0) + 1 })), fails('sequence-number-mismatch', 0, 1)],
  },
  mappingFields: {
    one: [
      { expected: { fields: { ...orders.expected.fields, coupon: 'keyword' } } },
      [{ verdict: 'fail', code: 'mapping-field-missing', message: 'coupon: missing, expected keyword' }],
    ],
    several: [
      { expected: { fields: { ...orders.expected.fields, coupon: 'keyword', amount: 'long' } } },
      [{ message: 'amount: double, expected long; coupon: missing, expected keyword' }],
    ],
  },
  everyBlobRead: {
    one: [
      { evidence: { source: 's3' } },
      [{ verdict: 'inconclusive', message: expect.stringMatching(/^it is not known/) }],
    ],
    several: [
      {
        evidence: { source: 's3', readings: [] },
        expected: {
          files: [0, 1].map(shard => ({ shard, file: '_0.cfs', bytes: 1, blobs: [`indices/i/${shard}/__a`] })),
        },
      },
      [{ verdict: 'inconclusive', message: expect.stringMatching(/^2 blobs were read by nobody/) }],
    ],
  },
}

/** The server restored one shard only. */
function shardTwo(): Bend {
  const { stats, recovery } = orders
  return {
    evidence: { stats: stats.filter(row => row.shard === 0), recovery: recovery.filter(row => row.shard === 0) },
  }
}

function savedOf(index: string, which: 'empty' | 'with documents'): SavedEvidence {
  const found = night.evidence.find(one => one.indexName === index && (one.count === 0) === (which === 'empty'))
  if (found === undefined) throw new Error(`the night restored no ${index} ${which}`)
  return found
}

function bent({ expected = {}, evidence = {} }: Bend): SavedEvidence {
  return { ...orders, ...evidence, expected: { ...orders.expected, ...expected } }
}

test('every rule is among them', () => {
  expect(Object.keys(bends)).toEqual(builtInRules.map(({ meta }) => meta.id))
})

describe.each(builtInRules.map(rule => [rule.meta.id, rule] as const))('%s', (id, rule) => {
  const check = (saved: SavedEvidence) => rule.check(saved.expected, saved)

  test('nothing to check: an index without documents, and a refusal, of which one rule speaks', () => {
    expect(check(savedOf('orders', 'empty'))).toEqual([{ verdict: 'pass' }])
    const verdicts = check(bent({ evidence: { refusal: refused, ...nothingAnswered } })).map(({ verdict }) => verdict)
    expect(verdicts).toEqual([id === 'restoreAccepted' ? 'fail' : 'pass'])
  })

  test('pass', () => {
    for (const saved of night.evidence) expect(check(saved)).toEqual([{ verdict: 'pass' }])
  })

  test.each(['one', 'several'] as const)('%s wrong', how => {
    const [bend, said] = bends[id]?.[how] ?? [{}, []]
    expect(said.length).toBeGreaterThan(0)
    expect(check(bent(bend))).toMatchObject(said)
    expect(check(bent(bend))).toHaveLength(said.length)
    // And the whole judgement is no pass.
    expect(judgeSaved(bent(bend)).verdict).not.toBe('pass')
  })
})

test('every restore of the night is judged as it was then', () => {
  expect(night.evidence.map(saved => judgeSaved(saved).verdict)).toEqual(night.run.restores.map(row => row.verdict))
  expect(night.evidence.length).toBeGreaterThan(2)
})
