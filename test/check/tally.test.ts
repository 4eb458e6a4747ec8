import { expect, test } from 'vitest'
import type { CheckOptions } from '../../src/check/check.ts'
import { Tally } from '../../src/check/tally.ts'
import type { SnapshotInfo } from '../../src/model/content.ts'
import { checkedCopy } from '../support/checked.ts'

const info = (endedMs: number) => ({ endedMs }) as SnapshotInfo
const work = (positions: readonly number[]) => ({
  copies: positions.map(position => checkedCopy(position)),
  contents: [],
  findings: [],
  shards: 1,
  unreferenced: [],
  classes: null,
})

function newest(ends: readonly (number | null)[], infos: readonly (SnapshotInfo | null)[]): number | undefined {
  const snapshots = ends.map(endedMs => ({ endedMs }))
  const options = { catalogue: { repositoryData: { snapshots, indices: [] } }, collect: 'summary' }
  const tally = new Tally(options as unknown as CheckOptions, infos)
  tally.add(0, work(ends.map((_, position) => position)))
  return [...tally.newest.values()][0]?.get('presence')?.position
}

test('the newest good snapshot is the one that index-N dates last', () => {
  expect(newest([3, 9, 5], [info(3), info(9), info(5)])).toBe(1)
})

test('where index-N has no times, which lists snapshots in no order then, their own blobs say it', () => {
  expect(newest([null, null, null], [info(7), info(9), info(8)])).toBe(1)
  expect(newest([null, null], [null, info(1)])).toBe(1)
})
