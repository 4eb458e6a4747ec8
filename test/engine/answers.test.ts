import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  countOf,
  fileRows,
  isClosed,
  nodeVersion,
  recoveryRows,
  restoredFields,
  shardStateRows,
  shardStatsRows,
  snapshotUuidOf,
} from '../../src/engine/answers.ts'
import { SnapproofError } from '../../src/errors.ts'

/** As Elasticsearch 9.5.3 answers, without what is not read. */
function recovery(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const shard = {
    id: 1,
    type: 'SNAPSHOT',
    stage: 'DONE',
    primary: true,
    total_time_in_millis: 102,
    source: {
      repository: 'ro',
      snapshot: 's1',
      version: '9.5.3',
      index: 'logs',
      restoreUUID: 'lJ0gZuipRjKxrJgKvplNMQ',
    },
    target: { id: 'x' },
    index: {
      size: { total_in_bytes: 7466, reused_in_bytes: 0, recovered_in_bytes: 7466, percent: '100.0%' },
      files: { total: 4, reused: 0, recovered: 4, percent: '100.0%' },
    },
  }
  return { t: { shards: [{ ...shard, ...changes }] } }
}

describe('recoveryRows', () => {
  it('reads a shard', () => {
    expect(recoveryRows(recovery(), 't')).toEqual([
      {
        shard: 1,
        type: 'SNAPSHOT',
        stage: 'DONE',
        primary: true,
        repository: 'ro',
        snapshot: 's1',
        snapshotUuid: null,
        index: 'logs',
        restoreUuid: 'lJ0gZuipRjKxrJgKvplNMQ',
        files: 4,
        bytes: 7466,
        recoveredBytes: 7466,
        reusedBytes: 0,
        milliseconds: 102,
        checkMilliseconds: 0,
      },
    ])
  })

  it('has no rows where the server has none', () => {
    expect(recoveryRows({}, 't')).toEqual([])
    expect(recoveryRows({ t: { shards: [] } }, 't')).toEqual([])
  })

  it.each([
    [
      'no number of files',
      { index: { size: { total_in_bytes: 1, reused_in_bytes: 0, recovered_in_bytes: 1 }, files: {} } },
    ],
    ['no index', { index: undefined }],
    ['a stage that is no text', { stage: 3 }],
    ['no id', { id: undefined }],
    ['a number as text', { total_time_in_millis: '102' }],
  ])('refuses %s, and never takes it for 0', (_, changes) => {
    expect(() => recoveryRows(recovery(changes), 't')).toThrow(SnapproofError)
  })
})

describe('shardStatsRows', () => {
  it('reads the commit and the sequence numbers, null where they are not said', () => {
    const copy = {
      routing: { state: 'STARTED', primary: true },
      commit: { num_docs: 24, user_data: {} },
      seq_no: { max_seq_no: 7, local_checkpoint: 6, global_checkpoint: 6 },
    }
    const bare = { routing: { state: 'STARTED', primary: true } }
    expect(shardStatsRows({ indices: { t: { shards: { 10: [bare], 2: [copy] } } } }, 't')).toEqual([
      { shard: 2, primary: true, state: 'STARTED', luceneDocs: 24, maxSeqNo: 7, localCheckpoint: 6 },
      { shard: 10, primary: true, state: 'STARTED', luceneDocs: null, maxSeqNo: null, localCheckpoint: null },
    ])
  })
})

describe('shardStateRows', () => {
  it('gives every primary, the unassigned ones in the server’s words', () => {
    const table = {
      0: [
        { state: 'STARTED', primary: true, shard: 0 },
        { state: 'UNASSIGNED', primary: false, shard: 0 },
      ],
      1: [{ state: 'UNASSIGNED', primary: true, unassigned_info: { reason: 'ALLOCATION_FAILED', details: 'corrupt' } }],
    }
    expect(shardStateRows({ routing_table: { indices: { t: { shards: table } } } }, 't')).toEqual([
      { shard: 0, state: 'STARTED', reason: null, details: null, allocation: null },
      { shard: 1, state: 'UNASSIGNED', reason: 'ALLOCATION_FAILED', details: 'corrupt', allocation: null },
    ])
    expect(shardStateRows({ routing_table: { indices: {} } }, 't')).toEqual([])
  })
})

describe('countOf', () => {
  it('takes a count over all shards only', () => {
    expect(countOf({ count: 0, _shards: { total: 2, successful: 2, skipped: 0, failed: 0 } }, 't')).toBe(0)
    expect(() => countOf({ count: 5, _shards: { total: 2, successful: 1, failed: 0 } }, 't')).toThrow('1 of 2 shards')
    expect(() => countOf({ count: 5, _shards: { total: 2, successful: 1, failed: 1 } }, 't')).toThrow('1 of 2 shards')
    expect(() => countOf({ _shards: { total: 1, successful: 1, failed: 0 } }, 't')).toThrow(SnapproofError)
  })
})

describe('restoredFields', () => {
  it('flattens objects, nested fields and multi-fields', () => {
    const properties = {
      message: { type: 'text', fields: { raw: { type: 'keyword' } } },
      user: { properties: { name: { type: 'keyword' } } },
      items: { type: 'nested', properties: { price: { type: 'long' } } },
    }
    expect(restoredFields({ t: { mappings: { properties } } }, 't')).toEqual({
      message: 'text',
      'message.raw': 'keyword',
      user: 'object',
      'user.name': 'keyword',
      items: 'nested',
      'items.price': 'long',
    })
    expect(restoredFields({ t: { mappings: {} } }, 't')).toEqual({})
    expect(() => restoredFields({ other: {} }, 't')).toThrow(SnapproofError)
  })
})

it('nodeVersion reads the only node', () => {
  expect(nodeVersion({ nodes: { a: { version: '9.5.3', index_version: 9_111_000 } } })).toEqual({
    version: '9.5.3',
    indexVersion: 9_111_000,
  })
  expect(nodeVersion({ nodes: { a: { version: '7.17.28' } } }).indexVersion).toBeNull()
  expect(() => nodeVersion({ nodes: {} })).toThrow(SnapproofError)
})

it('whatever a server answers, a reader gives rows or says engine-request', () => {
  const readers = [
    recoveryRows,
    shardStatsRows,
    shardStateRows,
    countOf,
    restoredFields,
    (body: unknown) => nodeVersion(body),
  ]
  const keys = fc.constantFrom(
    't',
    'shards',
    'indices',
    'index',
    'routing_table',
    '0',
    'nodes',
    'mappings',
    'properties',
    '_shards',
  )
  const { tree } = fc.letrec(tie => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(keys, tie('tree')),
      fc.array(tie('tree'), { maxLength: 3 }),
    ),
  }))
  fc.assert(
    fc.property(tree, body => {
      for (const reader of readers) {
        try {
          reader(body, 't')
        } catch (error) {
          expect(error).toMatchObject({ name: 'SnapproofError', code: 'engine-request' })
        }
      }
    }),
    { seed: 5, numRuns: 1_000 },
  )
})

describe('fileRows', () => {
  const details = (changes: Record<string, unknown> = {}) => ({
    files: {
      details: [
        { name: '_0.cfs', length: '1kb', length_in_bytes: 1024, reused: false, recovered_in_bytes: 1024, ...changes },
      ],
    },
  })
  it('reads the files of the primaries', () => {
    expect(fileRows(recovery({ index: details() }), 't')).toEqual([
      { shard: 1, file: '_0.cfs', bytes: 1024, reused: false, recoveredBytes: 1024 },
    ])
    expect(fileRows(recovery({ index: details(), primary: false }), 't')).toEqual([])
  })
  it.each([
    ['no list of files', recovery()],
    ['a file without its reuse', recovery({ index: details({ reused: undefined }) })],
    ['no such index', {}],
  ])('refuses %s', (_, body) => {
    expect(() => fileRows(body, 't')).toThrow(SnapproofError)
  })
})

describe('isClosed', () => {
  it.each([
    [true, { acknowledged: true, indices: { t: { closed: true } } }],
    [false, { acknowledged: false, indices: { t: { closed: true } } }],
    [false, { acknowledged: true, indices: { t: { closed: false } } }],
    [false, { acknowledged: true, indices: {} }],
    [false, { acknowledged: true }],
  ])('%s', (closed, body) => {
    expect(isClosed(body, 't')).toBe(closed)
  })
})

describe('snapshotUuidOf', () => {
  it('is that of the very name', () => {
    const snapshots = [
      { snapshot: 'other', uuid: 'X' },
      { snapshot: 'night', uuid: 'N' },
    ]
    expect(snapshotUuidOf({ snapshots }, 'night')).toBe('N')
    expect(snapshotUuidOf({ snapshots: [] }, 'night')).toBeNull()
  })
})
