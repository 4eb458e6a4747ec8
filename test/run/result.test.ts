/** Failures of before that no finding of this run names. */
import { expect, test } from 'vitest'
import { makeFinding } from '../../src/check/findings.ts'
import { datedSnapshots } from '../../src/run/dated.ts'
import { isUnread } from '../../src/run/openSnapshots.ts'
import { sumOrNull } from '../../src/run/restoreRows.ts'
import { countProven } from '../../src/run/result.ts'
import { countFailedBefore, toldOnce } from '../../src/run/toldFindings.ts'
import { judgeSnapshots } from '../../src/run/verdicts.ts'
import { checkedCopy, checkedSnapshot, checkResult, verdictInput } from '../support/checked.ts'
import { content, dailySnapshots, dayMs, nowMs, policy, proof, snapshotEntry } from '../support/contents.ts'
import { snapshotInfo } from '../support/records.ts'

const entries = dailySnapshots(2)
const failed = proof({ verdict: 'fail' })
const two = checkResult([
  checkedSnapshot(0, [checkedCopy(0), checkedCopy(0, { index: 1, indexName: 'more', indexId: 'J', contentId: 'b' })]),
  checkedSnapshot(1),
])
const judged = judgeSnapshots(
  verdictInput(
    entries,
    [
      content({ snapshots: [0], proof: failed }),
      content({ contentId: 'b', indexId: 'J', indexName: 'more', snapshots: [0], proof: failed }),
      content({ contentId: 'c', snapshots: [1], proof: proof() }),
    ],
    { checked: two },
  ),
)
const about = (index: string | null) =>
  makeFinding({ code: 'restore-refused', key: null, snapshots: ['UUID-0'], index, shard: null, message: 'no' })

test('a failing snapshot counts until errors name all of its failing indices, or all of it', () => {
  expect(countFailedBefore(judged, [])).toBe(1)
  expect(countFailedBefore(judged, [about('logs')])).toBe(1)
  expect(countFailedBefore(judged, [about('logs'), about('more')])).toBe(0)
  expect(countFailedBefore(judged, [about(null)])).toBe(0)
})

test('a warning, or an error about another snapshot, hides nothing', () => {
  expect(countFailedBefore(judged, [{ ...about(null), severity: 'warning' }])).toBe(1)
  expect(countFailedBefore(judged, [{ ...about(null), snapshots: ['UUID-1'] }])).toBe(1)
})

test('a sum of which one part is unknown is unknown', () => {
  expect(sumOrNull([1, 2])).toBe(3)
  expect(sumOrNull([1, null])).toBeNull()
})

test('times of the snapshot stand in where index-N has none; no time is invented', () => {
  const checked = checkResult([
    checkedSnapshot(0, [], { info: snapshotInfo(0, { startedMs: 5, endedMs: nowMs }) }),
    checkedSnapshot(1, [], { info: snapshotInfo(1, { startedMs: 0, endedMs: 0 }) }),
  ])
  const silent = [0, 1].map(position => snapshotEntry(position, { startedMs: null, endedMs: null }))
  expect(datedSnapshots(silent, checked).map(({ startedMs, endedMs }) => [startedMs, endedMs])).toEqual([
    [5, nowMs],
    [null, null],
  ])
  expect(datedSnapshots(entries, checked)).toEqual(entries)
})

test('a blob that the check read and the mirror met again is one finding about all whom it hits', () => {
  const bad = (key: string, snapshots: readonly string[]) =>
    makeFinding({ code: 'corrupt-data-blob', key, snapshots, index: 'logs', shard: 0, message: 'CRC' })
  const told = toldOnce([bad('a', ['UUID-0']), bad('b', ['UUID-0'])], [bad('a', ['UUID-1']), bad('c', ['UUID-1'])])
  expect(told.map(({ key, snapshots }) => [key, snapshots])).toEqual([
    ['a', ['UUID-0', 'UUID-1']],
    ['b', ['UUID-0']],
    ['c', ['UUID-1']],
  ])
})

test('what was restored once and whose bytes are bad now is not proven', () => {
  const contents = [content({ snapshots: [0], proof: proof() }), content({ contentId: 'c', snapshots: [1] })]
  const bad = checkedCopy(0, { byteProof: { verdict: 'fail', reason: 'found' } })
  const proven = (copies: readonly ReturnType<typeof checkedCopy>[]) =>
    countProven(contents, checkResult([checkedSnapshot(0, copies)]), { policy, nowMs })
  expect([proven([checkedCopy(0)]), proven([bad])]).toEqual([1, 0])
})

test('bytes that stay open for longer than the policy allows are debt beyond it', () => {
  const old = dailySnapshots(1).map(entry => ({ ...entry, endedMs: nowMs - 200 * dayMs }))
  const unread = (proofs: Parameters<typeof content>[0], startDays: number) =>
    judgeSnapshots(verdictInput(old, [content({ snapshots: [0], ...proofs })])).filter(one =>
      isUnread(one, policy, nowMs - startDays * dayMs, nowMs),
    ).length
  expect(unread({ proof: proof({ provenMs: nowMs - 91 * dayMs }) }, 100)).toBe(1)
  expect(unread({}, 100)).toBe(1)
  // Still catching up; and read in time.
  expect(unread({}, 80)).toBe(0)
  expect(unread({ proof: proof({ provenMs: nowMs - 80 * dayMs }) }, 100)).toBe(0)
})
