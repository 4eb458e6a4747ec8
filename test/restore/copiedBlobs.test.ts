/** What a server says it copied, and what follows from that for blobs. */
import { expect, it, test } from 'vitest'
import type { FileRow, RecoveryRow } from '../../src/model/evidence.ts'
import { copiedBlobs } from '../../src/restore/copiedBlobs.ts'
import { expectation, expectedShard, recoveryRow } from '../support/evidence.ts'

const expected = expectation({
  shards: [expectedShard(0, { files: 2 })],
  files: [
    { shard: 0, file: '_0.cfs', bytes: 600, blobs: ['__a.part0', '__a.part1'] },
    { shard: 0, file: '_1.cfs', bytes: 400, blobs: ['__b'] },
  ],
})
const done = expected.shards.map(shard => recoveryRow(expected, shard))
const row = (file: string, bytes: number, change: Partial<FileRow> = {}): FileRow => ({
  shard: 0,
  file,
  bytes,
  reused: false,
  recoveredBytes: bytes,
  ...change,
})
const rows = [row('_0.cfs', 600), row('_1.cfs', 400)]

test('all parts of every file that was copied', () => {
  expect(copiedBlobs(expected, done, rows)).toEqual(['__a.part0', '__a.part1', '__b'])
})

it.each<[string, readonly RecoveryRow[], readonly FileRow[], readonly string[]]>([
  [
    'a file that was kept',
    done,
    [row('_0.cfs', 600, { reused: true, recoveredBytes: 0 }), row('_1.cfs', 400)],
    ['__b'],
  ],
  [
    'a file that was not copied whole',
    done,
    [row('_0.cfs', 600, { recoveredBytes: 599 }), row('_1.cfs', 400)],
    ['__b'],
  ],
  ['a file of another length', done, [row('_0.cfs', 601), row('_1.cfs', 400)], ['__b']],
  ['a file of another shard', done, [row('_0.cfs', 600, { shard: 1 }), row('_1.cfs', 400)], []],
  ['a list that lacks a file', done, [row('_0.cfs', 600)], []],
  ['a list with a file too many', done, [...rows, row('_2.cfs', 1)], []],
  ['a list with one file twice', done, [row('_0.cfs', 600), row('_0.cfs', 600)], []],
  ['a shard that is not done', done.map(one => ({ ...one, stage: 'INDEX' })), rows, []],
  ['a shard of the snapshot before it', done.map(one => ({ ...one, snapshot: 'nightly-0' })), rows, []],
  ['a shard that came from its own disk', done.map(one => ({ ...one, type: 'EXISTING_STORE' })), rows, []],
  ['a shard with two rows', [...done, ...done], rows, []],
  ['no row', [], rows, []],
])('does not take as read: %s', (_, recovery, files, read) => {
  expect(copiedBlobs(expected, recovery, files)).toEqual(read)
})
