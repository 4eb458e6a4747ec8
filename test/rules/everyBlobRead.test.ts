/** A restore that kept files, or read the store itself, passes only when somebody read every blob, by its name. */
import { describe, expect, it, test } from 'vitest'
import type { BlobReading, Evidence, Expectation } from '../../src/model/evidence.ts'
import { judge } from '../../src/rules/judge.ts'
import { expectation, goodEvidence } from '../support/evidence.ts'

const expected: Expectation = expectation({
  files: [
    { shard: 0, file: '_0.cfs', bytes: 600, blobs: ['indices/I/0/__a'] },
    { shard: 1, file: '_0.cfs', bytes: 400, blobs: ['indices/I/1/__b.part0', 'indices/I/1/__b.part1'] },
  ],
})
const all = ['indices/I/0/__a', 'indices/I/1/__b.part0', 'indices/I/1/__b.part1']
const reading = (blobs: readonly string[], change: Partial<BlobReading> = {}): BlobReading => ({
  by: 'server',
  link: 'nightly-1',
  at: '2026-11-23T00:00:00.000Z',
  blobs,
  ...change,
})
const seen = { before: expected.snapshotUuid, after: expected.snapshotUuid }
const chained = (change: Partial<Evidence>) => goodEvidence(expected, { method: 'chained', ...change })
const byStore = (change: Partial<Evidence>) => goodEvidence(expected, { source: 's3', snapshotSeen: seen, ...change })

describe.each([
  ['chained', chained],
  ['by the store', byStore],
])('%s', (_, evidence) => {
  it('passes when all were read, whoever read them', () => {
    const readings = [reading(all.slice(0, 1)), reading(all.slice(1), { by: 'separate', link: null })]
    expect(judge(expected, evidence({ readings }))).toMatchObject({ verdict: 'pass' })
  })
  it.each([
    ['one part of a file was read by nobody', { readings: [reading(all.slice(0, 2))] }],
    ['another blob was read, of the same file', { readings: [reading(['indices/I/0/__other', ...all.slice(1)])] }],
    ['nothing was read', { readings: [] }],
    ['nothing is known of readings', {}],
  ])('is open when %s', (_, change) => {
    expect(judge(expected, evidence(change))).toMatchObject({ verdict: 'inconclusive', reason: 'evidence-incomplete' })
  })
  it('is open when the blobs of the snapshot are not known', () => {
    const { files: _, ...unknown } = expected
    expect(judge(unknown, evidence({ readings: [reading(all)] }))).toMatchObject({ verdict: 'inconclusive' })
  })
  it('accuses nobody for a blob that was not read, and still tells of missing documents', () => {
    const stats = goodEvidence(expected).stats.map(row => ({ ...row, luceneDocs: 1 }))
    expect(judge(expected, evidence({ readings: [reading(all)], stats }))).toMatchObject({ verdict: 'fail' })
  })
})

test('from the mirror into an empty target nothing more is asked', () => {
  const { files: _, ...plain } = expected
  expect(judge(plain, goodEvidence(plain))).toMatchObject({ verdict: 'pass' })
})

describe('a snapshot that changed while the server read the store', () => {
  const stats = goodEvidence(expected).stats.map(row => ({ ...row, luceneDocs: 1 }))
  const readings = [reading(all)]
  it.each([
    ['gone after', { before: expected.snapshotUuid, after: null }],
    ['another one after', { before: expected.snapshotUuid, after: 'SNAPSHOT-TWO' }],
    ['another one before', { before: 'SNAPSHOT-TWO', after: expected.snapshotUuid }],
  ])('neither passes nor fails: %s', (_, snapshotSeen) => {
    for (const rest of [{}, { stats }]) {
      expect(judge(expected, byStore({ readings, snapshotSeen, ...rest }))).toMatchObject({
        verdict: 'inconclusive',
        reason: 'repository-moved',
      })
    }
  })
  it('neither passes nor fails when nobody looked', () => {
    for (const rest of [{}, { stats }]) {
      const { snapshotSeen: _, ...evidence } = byStore({ readings, ...rest })
      expect(judge(expected, evidence)).toMatchObject({ verdict: 'inconclusive' })
    }
  })
})
