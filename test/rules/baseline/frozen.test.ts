import { expect, test } from 'vitest'
import type { Measure } from '../../../src/model/baseline.ts'
import { config, judge, kinds, nightly, thresholds } from './support.ts'

/** `true`: it changed in that night. */
function ofChanges(changes: readonly boolean[], rest: Partial<Measure> = {}): Measure[] {
  let writes = 0
  return changes.map((changed, i) => {
    if (changed) writes++
    // Other files without any write: a merge.
    return nightly(i, { sequence: writes, documents: 100 + writes, bytes: 1000 + writes, contentId: `c${i}`, ...rest })
  })
}
const changing = Array<boolean>(14).fill(true)
const still = (nights: number) => Array<boolean>(nights).fill(false)

test('nothing to compare: never seen to change, or too rarely', () => {
  expect(kinds(ofChanges(still(30)))).toEqual([])
  expect(kinds(ofChanges([true, false, true, false, ...still(20)]))).toEqual([])
  expect(kinds(ofChanges([...Array<boolean>(5).fill(true), ...still(10)]))).toEqual([])
})

test('an index that goes on changing is within', () => {
  expect(kinds(ofChanges([...changing, false, true]))).toEqual([])
  expect(kinds(ofChanges([...changing, false]))).toEqual([])
})

test('one that changed every night is told in the second night without a change, and for a week', () => {
  const { rows } = judge(ofChanges([...changing, ...still(2)]))
  expect(rows).toMatchObject([{ kind: 'frozen', severity: 'warning', normalFrom: null }])
  expect(rows[0]?.message).toBe(
    'orders: no change since 2026-11-14 in 2 snapshots, the last on 2026-11-16; it changed 13 times since 2026-11-01, and the longest pause was 24 hours.',
  )
  expect(kinds(ofChanges([...changing, ...still(8)]))).toEqual(['frozen'])
  expect(kinds(ofChanges([...changing, ...still(16)]))).toEqual([])
})

test('a weekend is a pause like another', () => {
  const week = [true, true, true, true, true, false, false]
  expect(kinds(ofChanges([...week, ...week, ...week]))).toEqual([])
  expect(kinds(ofChanges([...week, ...week, true, true, ...still(5)]))).toEqual([])
  expect(kinds(ofChanges([...week, ...week, true, true, ...still(6)]))).toEqual(['frozen'])
  // The first weekend of a young index is not told.
  expect(kinds(ofChanges(week))).toEqual([])
})

test.each(['closed', 'read-only', 'rolled-over'] as const)('%s: it has reason to stand still', resting => {
  const measures = ofChanges([...changing, ...still(4)])
  expect(kinds(measures.map((one, i) => (i >= 14 ? { ...one, resting } : one)))).toEqual([])
})

test('without sequence numbers: the content, else counts', () => {
  const without = ofChanges([...changing, ...still(3)], { sequence: null })
  expect(kinds(without)).toEqual(['frozen'])
  const sameFiles = without.map((one, i) => ({ ...one, contentId: i >= 13 ? 'c' : one.contentId }))
  expect(kinds(sameFiles)).toEqual(['frozen'])
})

test('updates in place are changes', () => {
  const updated = Array.from({ length: 20 }, (_, i) => nightly(i, { sequence: i, documents: 100 }))
  expect(kinds(updated)).toEqual([])
})

test('several frozen, and none where nobody looks for it', () => {
  const measures = ofChanges([...changing, ...still(3)])
  expect(judge(measures).rows[0]?.snapshots).toHaveLength(2)
  expect(kinds(measures, { config: { ...config, thresholds: { ...thresholds, frozenPauses: null } } })).toEqual([])
})
