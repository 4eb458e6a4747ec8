/** Emptied, shrunk, jumped: by hand, with the numbers that are told. */
import { expect, test } from 'vitest'
import { config, judge, kinds, nightly, ofDocuments, thresholds } from './support.ts'

const steady = [48_211, 48_400, 48_333, 48_500, 48_700, 48_800, 48_900]

test('nothing to compare with: too young, and nothing is said', () => {
  for (const count of [0, 1, 4])
    expect(judge(ofDocuments([...steady.slice(0, count), 0]))).toMatchObject({ rows: [], judged: 0, tooYoung: 1 })
  expect(judge([])).toEqual({ rows: [], judged: 0, tooYoung: 0 })
})

test('an index that is as before is within', () => {
  expect(judge(ofDocuments([...steady, 48_950]))).toEqual({ rows: [], judged: 1, tooYoung: 0 })
  // Half of it is the threshold, not beyond it.
  expect(kinds(ofDocuments([...Array(7).fill(1000), 500]))).toEqual([])
  expect(kinds(ofDocuments([...Array(7).fill(1000), 499]))).toEqual(['shrunk'])
})

test('an index that lost nearly all documents in a night is an error, explained with the numbers', () => {
  const { rows } = judge(ofDocuments([...steady, 12]))
  expect(rows).toMatchObject([{ kind: 'emptied', severity: 'error', lastWithin: 'nightly-6', since: 's7' }])
  expect(rows[0]?.snapshots.map(one => one.name)).toEqual(['nightly-7'])
  expect(rows[0]?.message).toBe(
    'orders: 12 documents on 2026-11-08, 48,211 to 48,900 in the 7 snapshots before. The last one as before is nightly-6. If it stays so it counts as normal from 2026-11-15.',
  )
  expect(rows[0]?.normalFrom).toBe('2026-11-15T02:00:00.000Z')
})

test('empty is told however little there was, and a few documents less are not', () => {
  expect(judge(ofDocuments([...Array(6).fill(3), 0])).rows).toMatchObject([{ kind: 'shrunk', severity: 'warning' }])
  expect(kinds(ofDocuments([...Array(6).fill(90), 4]))).toEqual([])
  expect(kinds(ofDocuments([...Array(6).fill(0), 0]))).toEqual([])
})

test('bytes tell where documents do not', () => {
  const bytes = (last: Partial<ReturnType<typeof nightly>>) => [...steady.map((_, i) => nightly(i)), nightly(7, last)]
  expect(kinds(bytes({ bytes: 5_000_000 }))).toEqual(['shrunk'])
  expect(kinds(bytes({ bytes: 20_000_000 }))).toEqual([])
  const unknown = [
    ...steady.map((_, i) => nightly(i, { documents: null })),
    nightly(7, { documents: null, bytes: 5_000_000 }),
  ]
  expect(judge(unknown).rows[0]?.message).toMatch(/^orders: 5,000,000 bytes on 2026-11-08, 50,000,000 to 50,006,000 in/)
})

test('many times larger: documents, bytes, fields', () => {
  expect(kinds(ofDocuments([...steady, 489_001]))).toEqual(['jumped'])
  expect(kinds(ofDocuments([...steady, 489_000]))).toEqual([])
  // Small indices grow, and an empty one begins to be used.
  expect(kinds(ofDocuments([...Array(6).fill(5), 9_000]))).toEqual([])
  expect(kinds(ofDocuments([...Array(6).fill(0), 90_000]))).toEqual([])
  expect(kinds([...steady.map((_, i) => nightly(i)), nightly(7, { fields: 600 })])).toEqual(['jumped'])
  expect(kinds([...steady.map((_, i) => nightly(i)), nightly(7, { bytes: 2 ** 40 })])).toEqual(['jumped'])
})

test('an index that grows is compared with what it is now', () => {
  const growing = Array.from({ length: 30 }, (_, i) => 1000 * (i + 1))
  expect(kinds(ofDocuments([...growing, 10_000]))).toEqual(['shrunk'])
  expect(kinds(ofDocuments([...growing, 31_000]))).toEqual([])
})

test('a bad snapshot does not become normal after one night: seven days, while it fills again, too', () => {
  const filling = [0, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 14_000, 16_000, 18_000]
  for (let nights = 1; nights <= 7; nights++) {
    const { rows } = judge(ofDocuments([...steady, ...filling.slice(0, nights)]))
    expect(rows.length, `${nights} nights`).toBeGreaterThan(0)
    expect(rows.every(row => row.since === 's7')).toBe(true)
    expect(rows.flatMap(row => row.snapshots)).toHaveLength(nights)
  }
  const settled = judge(ofDocuments([...steady, ...filling.slice(0, 8)])).rows
  // The first is no longer told; those of the last seven days still are, and no end is promised any more.
  expect(settled.flatMap(row => row.snapshots.map(one => one.name))).not.toContain('nightly-14')
  expect(settled.every(row => row.normalFrom === null)).toBe(true)
  expect(judge(ofDocuments([...steady, ...filling, ...Array(5).fill(20_000)])).rows).toEqual([])
})

test('after the alarm the new normal is watched as well', () => {
  expect(kinds(ofDocuments([...steady, ...Array(15).fill(2_000), 0]))).toEqual(['emptied'])
})

test('a snapshot that was bad once is told for a week though the next one is good', () => {
  expect(judge(ofDocuments([...steady, 0, 48_900])).rows).toMatchObject([{ kind: 'emptied', normalFrom: null }])
  expect(kinds(ofDocuments([...steady, 0, ...Array(6).fill(48_900)]))).toEqual(['emptied'])
  expect(kinds(ofDocuments([...steady, 0, ...Array(7).fill(48_900)]))).toEqual([])
})

test('what it has done three times is its habit: a purge every week', () => {
  const week = [10_000, 12_000, 14_000, 16_000, 18_000, 20_000, 22_000]
  expect(
    kinds(ofDocuments([...week, ...week, ...week, ...week, 10_000]), {
      config: { ...config, thresholds: { ...thresholds, documentsPercent: 25 } },
    }),
  ).toEqual([])
  // Not of what it never did so far.
  expect(kinds(ofDocuments([...week, ...week, ...week, ...week, 0]))).toEqual(['emptied'])
})

test('a small step each night is no habit of a jump in bytes', () => {
  const growing = Array.from({ length: 20 }, (_, i) => nightly(i))
  expect(kinds([...growing, nightly(20, { bytes: 2 ** 40 })])).toEqual(['jumped'])
})

test('what was there before the first look is not judged, nor what is gone', () => {
  const measures = ofDocuments([...steady, 0, 0])
  const history = measures.map((measure, i) => ({ ...measure, judged: i === 8 }))
  expect(judge(history).rows.flatMap(row => row.snapshots.map(one => one.name))).toEqual(['nightly-8'])
  expect(judge(history.map(one => ({ ...one, judged: false }))).rows).toEqual([])
})

test('several kinds at once, worst first, and other thresholds for some indices', () => {
  const other = { ...thresholds, documentsPercent: null, jumpTimes: 100 }
  const patterns = [
    { index: 'queue-*', thresholds: other },
    { index: '*', thresholds },
  ]
  const rows = (index: string, documents: number) =>
    judge(
      ofDocuments([...steady, documents]).map(one => ({ ...one, index })),
      { config: { ...config, patterns } },
    ).rows
  expect(rows('queue-1', 0)).toEqual([])
  expect(rows('orders', 0)).toHaveLength(1)
  const measures = [...steady.map((_, i) => nightly(i)), nightly(7, { documents: 0, mapping: 'm2' })]
  const mappings = new Map([
    ['m1', { a: 'keyword' }],
    ['m2', {}],
  ])
  expect(judge(measures, { mappings }).rows.map(row => row.kind)).toEqual(['emptied', 'mapping'])
})
