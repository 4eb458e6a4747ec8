/** What a night leaves in the ledger about levels and the newest good snapshots. */
import { expect, test } from 'vitest'
import { standingRows } from '../../src/run/standingRows.ts'
import { judgeSnapshots, lastGoodOf } from '../../src/run/verdicts.ts'
import { checkedCopy, checkedSnapshot, checkResult, verdictInput } from '../support/checked.ts'
import { content, dailySnapshots, nowMs, proof } from '../support/contents.ts'

const entries = dailySnapshots(2)
const copies = (snapshot: number) => [
  checkedCopy(snapshot),
  checkedCopy(snapshot, { index: 1, indexName: 'more', indexId: 'J', contentId: 'b' }),
]
const from = (position: number) => ({
  snapshot: entries[position]?.name ?? '',
  snapshotUuid: entries[position]?.uuid ?? '',
})
const input = verdictInput(
  entries,
  [
    content({ snapshots: [0, 1], proof: proof(from(0)) }),
    content({
      contentId: 'b',
      indexId: 'J',
      indexName: 'more',
      snapshots: [0, 1],
      proof: proof({ ...from(0), verdict: 'fail' }),
    }),
  ],
  { checked: checkResult([checkedSnapshot(0, copies(0)), checkedSnapshot(1, copies(1))]) },
)

test('each snapshot at each level, with the proof and whom it was credited from; each index with its content', () => {
  const judged = judgeSnapshots(input)
  const none = { index: 'more', snapshot: null, uuid: null, endedAt: null, level: 'restore', method: null } as const
  const rows = standingRows(judged, [...lastGoodOf(judged, input.repository), none], 'night', nowMs)
  const reached = rows.filter(row => row.kind === 'reached')
  expect(reached).toHaveLength(8)
  expect(reached.find(row => row.snapshotUuid === 'UUID-1' && row.level === 'presence')).toMatchObject({
    snapshot: entries[1]?.name,
    verdict: 'pass',
    method: 'listing',
    atMs: nowMs,
    runId: 'night',
  })
  expect(reached.find(row => row.snapshotUuid === 'UUID-1' && row.level === 'restore')).toMatchObject({
    verdict: 'fail',
    creditedFrom: [],
  })
  const good = rows.filter(row => row.kind === 'good')
  expect(good.find(row => row.index === 'logs')).toMatchObject({
    snapshotUuid: 'UUID-1',
    contentId: 'content-a',
    indexId: 'INDEX-LOGS',
    level: 'restore',
    method: 'restore',
    endedMs: entries[1]?.endedMs,
  })
  expect(good.find(row => row.index === 'more')).toMatchObject({ snapshot: null, contentId: null, endedMs: null })
})

test('a passing snapshot names those that its contents were restored from', () => {
  const one = {
    ...input,
    contents: input.contents.slice(0, 1),
    checked: checkResult([checkedSnapshot(0), checkedSnapshot(1)]),
  }
  const judged = judgeSnapshots(one)
  const restored = standingRows(judged, [], 'night', nowMs).filter(
    row => row.kind === 'reached' && row.level === 'restore',
  )
  expect(restored).toMatchObject([{ creditedFrom: [] }, { reason: 'credited', creditedFrom: [entries[0]?.name] }])
})
