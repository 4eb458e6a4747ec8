/** Expectations and evidence made by hand: a restore at which nothing is wrong, to be bent by a test. */
import type { Evidence, Expectation, RecoveryRow, ShardStatsRow } from '../../src/model/evidence.ts'

export type ExpectedShard = Expectation['shards'][number]

export function expectedShard(shard: number, change: Partial<ExpectedShard> = {}): ExpectedShard {
  return { shard, files: 3, bytes: 1000 + shard, luceneDocs: 10 + shard, maxSeqNo: 20 + shard, ...change }
}

export function expectation(change: Partial<Expectation> = {}): Expectation {
  return {
    contentId: 'c0ffee',
    indexName: 'logs',
    snapshot: 'nightly-1',
    snapshotUuid: 'SNAPSHOT-ONE',
    shards: [expectedShard(0), expectedShard(1)],
    hasNested: false,
    fields: { '@timestamp': 'date', message: 'text', 'message.raw': 'keyword' },
    ...change,
  }
}

/** What a server answers that restored exactly what was expected. */
export function goodEvidence(expected: Expectation, change: Partial<Evidence> = {}): Evidence {
  return {
    schemaVersion: 1,
    contentId: expected.contentId,
    indexName: expected.indexName,
    snapshot: expected.snapshot,
    snapshotUuid: expected.snapshotUuid,
    target: 'snapproof-c0ffee-0-1',
    engine: { product: 'elasticsearch', version: '9.5.3', kind: 'maven' },
    attempt: 1,
    method: 'restore',
    startedAt: '2026-11-23T00:00:00.000Z',
    refusal: null,
    recovery: expected.shards.map(shard => recoveryRow(expected, shard)),
    stats: expected.shards.map(statsRow),
    unstarted: [],
    count: expected.shards.reduce((sum, shard) => sum + (shard.luceneDocs ?? 0), 0),
    fields: expected.fields,
    cutShort: null,
    seconds: { restore: 1, questions: 0.1 },
    ...change,
  }
}

export function recoveryRow(
  expected: Expectation,
  shard: ExpectedShard,
  change: Partial<RecoveryRow> = {},
): RecoveryRow {
  return {
    shard: shard.shard,
    type: 'SNAPSHOT',
    stage: 'DONE',
    primary: true,
    repository: 'snapproof',
    snapshot: expected.snapshot,
    snapshotUuid: null,
    index: expected.indexName,
    restoreUuid: 'RESTORE-ONE',
    files: shard.files,
    bytes: shard.bytes,
    recoveredBytes: shard.bytes,
    reusedBytes: 0,
    milliseconds: 12,
    ...change,
  }
}

export function statsRow({ shard, luceneDocs, maxSeqNo }: ExpectedShard): ShardStatsRow {
  return { shard, primary: true, state: 'STARTED', luceneDocs, maxSeqNo, localCheckpoint: maxSeqNo }
}

/** Copies with one row of one shard changed. */
export function changeRow<Row extends { readonly shard: number }>(
  rows: readonly Row[],
  shard: number,
  change: Partial<Row>,
): Row[] {
  return rows.map(row => (row.shard === shard ? { ...row, ...change } : row))
}
