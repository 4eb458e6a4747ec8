/** Each rule: nothing to check, pass, fail, several. */
import { describe, expect, test } from 'vitest'
import type { Evidence, Expectation } from '../../src/model/evidence.ts'
import { documentCount } from '../../src/rules/documentCount.ts'
import { everyShardStarted } from '../../src/rules/everyShardStarted.ts'
import { filesAndBytes } from '../../src/rules/filesAndBytes.ts'
import { builtInRules } from '../../src/rules/judge.ts'
import { mappingFields } from '../../src/rules/mappingFields.ts'
import { restoreAccepted } from '../../src/rules/restoreAccepted.ts'
import type { Rule } from '../../src/rules/rule.ts'
import { sequenceNumber } from '../../src/rules/sequenceNumber.ts'
import { changeRow, expectation, goodEvidence } from '../support/evidence.ts'

const expected = expectation()
const good = goodEvidence(expected)
const passed = [{ verdict: 'pass' }]
const refusal = { status: 500, type: 'snapshot_restore_exception', reason: 'the snapshot is damaged' }

function ask(rule: Rule, change: Partial<Evidence>, of: Expectation = expected) {
  return rule.check(of, goodEvidence(of, change))
}

describe.each(builtInRules.map(rule => [rule.meta.id, rule] as const))('%s', (id, rule) => {
  test('passes good evidence with one outcome, and says what it is for', () => {
    expect(rule.check(expected, good)).toEqual(passed)
    expect(rule.meta.title).not.toBe('')
    expect(rule.meta.why).not.toBe('')
  })

  test('leaves a refusal to restoreAccepted', () => {
    const outcomes = ask(rule, { refusal, recovery: [], stats: [], count: null, fields: null })
    expect(outcomes.map(outcome => outcome.verdict)).toEqual([id === 'restoreAccepted' ? 'fail' : 'pass'])
  })
})

test('ids are those of the files, each once', () => {
  expect(new Set(builtInRules.map(rule => rule.meta.id)).size).toBe(7)
})

describe('everyShardStarted', () => {
  const lost = (details: string | null, reason = 'ALLOCATION_FAILED', state = 'UNASSIGNED'): Partial<Evidence> => ({
    recovery: good.recovery.slice(1),
    stats: good.stats.slice(1),
    unstarted: [{ shard: 0, state, reason, details }],
    count: null,
  })

  test('a shard that the server gave up fails with the words of the server', () => {
    const words = 'failed shard on node [x]: CorruptIndexException[checksum failed (hardware problem?)]'
    expect(ask(everyShardStarted, lost(words))).toEqual([
      { verdict: 'fail', code: 'restore-shard-failed', shard: 0, message: `shard 0: ${words}` },
    ])
  })

  test.each([
    'failed to create index; java.io.IOException: No space left on device',
    'the node is above the high watermark cluster setting',
    'disk usage exceeded flood-stage watermark',
    'IOException[Disk quota exceeded]',
  ])('our disk: %s', words => {
    expect(ask(everyShardStarted, lost(words))).toMatchObject([{ verdict: 'inconclusive', reason: 'disk-full' }])
  })

  test.each([
    'IllegalArgumentException[Unknown filter type [phonetic] for [x]]; failed to find global token filter under [phonetic]',
    'Unknown tokenizer type [kuromoji_tokenizer] for [ja]',
    'Custom Analyzer [x] failed to find tokenizer under name [nori_tokenizer]',
    'No handler for type [murmur3] declared on field [hash]',
  ])('what our server lacks: %s', words => {
    expect(ask(everyShardStarted, lost(words))).toMatchObject([{ verdict: 'inconclusive', reason: 'engine-lacks' }])
  })

  test.each([
    'OutOfMemoryError[Java heap space]',
    'IOException[Map failed]',
    'FileSystemException[/data: Too many open files]',
    'CircuitBreakingException[[parent] Data too large]',
    'FileSystemException[/data/_0.cfs: Read-only file system]',
  ])('our machine: %s', words => {
    expect(ask(everyShardStarted, lost(words))).toMatchObject([
      { verdict: 'inconclusive', reason: 'evidence-incomplete' },
    ])
  })

  test.each([
    'S3Exception[The provided token has expired. (Service: S3, Status Code: 400, Request ID: X) (SDK Attempt Count: 1)]',
    'AmazonS3Exception[Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: X)]',
    'S3Exception[Please reduce your request rate. (Service: S3, Status Code: 503, Request ID: X)]',
    'S3Exception[The specified bucket does not exist (Service: S3, Status Code: 404, Request ID: X)]',
    'SdkClientException[Unable to load credentials from any of the providers in the chain]',
    'SdkClientException[Unable to execute HTTP request: Connect to bucket.s3.amazonaws.com failed]',
    'ConnectionClosedException[Premature end of Content-Length delimited message body (expected: 9; received: 3)]',
  ])('a server that could not read the bucket: %s', words => {
    expect(ask(everyShardStarted, lost(words))).toMatchObject([
      { verdict: 'inconclusive', reason: 'store-unavailable' },
    ])
  })

  test('a blob that the bucket does not have accuses', () => {
    const words =
      'NoSuchFileException[Blob object [x] not found: The specified key does not exist. (Service: S3, Status Code: 404)]'
    expect(ask(everyShardStarted, lost(words))).toMatchObject([{ verdict: 'fail', code: 'restore-shard-failed' }])
  })

  test('a name of the owner’s in the words excuses nothing', () => {
    const words = 'restore of [unknown analyzer no plugin] failed: CorruptIndexException[checksum failed]'
    expect(ask(everyShardStarted, lost(words))).toMatchObject([{ verdict: 'fail', code: 'restore-shard-failed' }])
  })

  test.each([
    ['that the server still tries', lost('failed once', 'ALLOCATION_FAILED', 'INITIALIZING')],
    ['that never got a node', lost(null, 'NEW_INDEX_RESTORED')],
    ['that failed without words', lost(null)],
  ])('a shard %s accuses nobody', (_, change) => {
    expect(ask(everyShardStarted, change)).toMatchObject([{ verdict: 'inconclusive', reason: 'evidence-incomplete' }])
  })

  test('a shard that failed while our own trouble came is ours', () => {
    const cutShort = { reason: 'disk-full', message: 'full' } as const
    expect(ask(everyShardStarted, { ...lost('x'), cutShort })).toMatchObject([
      { verdict: 'inconclusive', reason: 'disk-full' },
    ])
  })

  test('several shards, one outcome each', () => {
    expect(ask(everyShardStarted, { recovery: [], stats: [] })).toHaveLength(2)
  })

  test('more shards than the snapshot has', () => {
    const more = { shard: 2, primary: true, state: 'STARTED', luceneDocs: 0, maxSeqNo: -1, localCheckpoint: -1 }
    expect(ask(everyShardStarted, { stats: [...good.stats, more] })).toMatchObject([
      { verdict: 'fail', code: 'restored-files-mismatch', shard: 2 },
    ])
  })
})

test('a refused feature state accuses no single one of its indices', () => {
  const feature = { name: 'tasks', indices: ['.tasks', '.tasks-other'] }
  expect(ask(restoreAccepted, { refusal }, expectation({ feature }))).toMatchObject([
    { verdict: 'inconclusive', reason: 'evidence-incomplete', message: expect.stringContaining('tasks') },
  ])
})

describe('restoreAccepted', () => {
  test('a refusal fails with the words of the server', () => {
    expect(ask(restoreAccepted, { refusal })).toEqual([
      {
        verdict: 'fail',
        code: 'restore-refused',
        shard: null,
        message: 'snapshot_restore_exception: the snapshot is damaged (HTTP 500)',
      },
    ])
  })

  test.each([
    [
      'no-engine-for-version',
      500,
      'x',
      'the snapshot was created with version [9.5.3] which is higher than the version of this node [8.19.0]',
    ],
    ['no-engine-for-version', 400, 'x', 'must be marked as read-only using the setting [index.blocks.write]'],
    ['engine-lacks', 500, 'x', 'cannot restore index [logs] because it cannot be upgraded'],
    ['engine-lacks', 403, 'security_exception', 'current license is non-compliant for [archive]'],
    [
      'does-not-fit',
      400,
      'validation_exception',
      'this action would add [1] shards, but this cluster currently has [1000]/[1000] maximum normal shards open',
    ],
    ['disk-full', 500, 'io_exception', 'No space left on device'],
    [
      'disk-full',
      429,
      'cluster_block_exception',
      'blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark]',
    ],
    ['evidence-incomplete', 429, 'circuit_breaking_exception', '[parent] Data too large'],
    ['evidence-incomplete', 503, 'process_cluster_event_timeout_exception', 'failed to process cluster event'],
    ['evidence-incomplete', 404, 'repository_missing_exception', '[snapproof] missing'],
    ['evidence-incomplete', 401, 'security_exception', 'missing authentication credentials'],
    [
      'evidence-incomplete',
      500,
      'snapshot_restore_exception',
      'cannot restore index [snapproof-1] because an open index with same name already exists in the cluster',
    ],
  ])('%s accuses nobody: %s %s %s', (reason, status, type, words) => {
    expect(ask(restoreAccepted, { refusal: { status, type, reason: words } })).toMatchObject([
      { verdict: 'inconclusive', reason },
    ])
  })
})

describe('filesAndBytes', () => {
  test('several shards, one failure each', () => {
    const recovery = good.recovery.map(row => ({ ...row, files: row.files + 1 }))
    expect(ask(filesAndBytes, { recovery })).toMatchObject([
      { verdict: 'fail', code: 'restored-files-mismatch', shard: 0 },
      { verdict: 'fail', code: 'restored-files-mismatch', shard: 1 },
    ])
  })

  test('a recovery that is not done accuses nobody', () => {
    expect(ask(filesAndBytes, { recovery: changeRow(good.recovery, 0, { stage: 'INDEX', bytes: 1 }) })).toEqual(passed)
  })

  test('the row of another snapshot is not this restore’s', () => {
    const recovery = changeRow(good.recovery, 0, { snapshot: 'nightly-0', bytes: 1 })
    expect(ask(filesAndBytes, { recovery })).toEqual(passed)
  })
})

describe('documentCount', () => {
  test.each([
    ['fewer', 9],
    ['more', 11],
    ['none', 0],
  ])('%s documents in one shard', (_, luceneDocs) => {
    expect(ask(documentCount, { stats: changeRow(good.stats, 0, { luceneDocs }) })).toEqual([
      {
        verdict: 'fail',
        code: 'document-count-mismatch',
        shard: 0,
        message: `shard 0: ${luceneDocs} documents, expected 10`,
      },
    ])
  })

  test('several shards, one failure each', () => {
    expect(ask(documentCount, { stats: good.stats.map(row => ({ ...row, luceneDocs: 1 })) })).toHaveLength(2)
  })

  test('documents that moved from one shard to another', () => {
    const stats = changeRow(changeRow(good.stats, 0, { luceneDocs: 11 }), 1, { luceneDocs: 10 })
    expect(ask(documentCount, { stats })).toHaveLength(2)
  })

  test('a server that does not answer the number', () => {
    expect(ask(documentCount, { stats: changeRow(good.stats, 0, { luceneDocs: null }) })).toMatchObject([
      { verdict: 'inconclusive', reason: 'evidence-incomplete' },
    ])
  })

  test.each([
    ['fewer', 20],
    ['more', 22],
  ])('_count says %s', (_, count) => {
    expect(ask(documentCount, { count })).toMatchObject([{ verdict: 'fail', shard: null }])
  })

  test('nested: more than all Lucene documents, or none at all', () => {
    const nested = expectation({ hasNested: true })
    expect(ask(documentCount, { count: 22 }, nested)).toMatchObject([{ verdict: 'fail' }])
    expect(ask(documentCount, { count: 0 }, nested)).toMatchObject([{ verdict: 'fail' }])
  })

  test('a shard that is not started is not counted', () => {
    const stats = changeRow(good.stats, 0, { state: 'INITIALIZING', luceneDocs: 0 })
    expect(ask(documentCount, { stats, count: null })).toEqual(passed)
  })
})

describe('sequenceNumber', () => {
  test.each([
    ['lower', { maxSeqNo: 19, localCheckpoint: 19 }],
    ['higher', { maxSeqNo: 21, localCheckpoint: 21 }],
    ['behind', { localCheckpoint: 12 }],
  ])('%s', (_, change) => {
    expect(ask(sequenceNumber, { stats: changeRow(good.stats, 0, change) })).toMatchObject([
      { verdict: 'fail', code: 'sequence-number-mismatch', shard: 0 },
    ])
  })

  test('several', () => {
    expect(ask(sequenceNumber, { stats: good.stats.map(row => ({ ...row, maxSeqNo: 1 })) })).toHaveLength(2)
  })

  test('a shard that is not started is not asked', () => {
    const stats = changeRow(good.stats, 0, { state: 'INITIALIZING', maxSeqNo: -1, localCheckpoint: -1 })
    expect(ask(sequenceNumber, { stats })).toEqual(passed)
  })
})

describe('mappingFields', () => {
  test('nothing to check', () => {
    const bare = expectation({ fields: {} })
    expect(ask(mappingFields, { fields: {} }, bare)).toEqual(passed)
    expect(ask(mappingFields, { fields: null }, bare)).toMatchObject([{ verdict: 'inconclusive' }])
  })

  test('a field that is gone, and one of another type, in one failure', () => {
    expect(ask(mappingFields, { fields: { '@timestamp': 'date', message: 'keyword' } })).toEqual([
      {
        verdict: 'fail',
        code: 'mapping-field-missing',
        shard: null,
        message: 'message: keyword, expected text; message.raw: missing, expected keyword',
      },
    ])
  })

  test('more fields than were snapshotted are fine', () => {
    expect(ask(mappingFields, { fields: { ...expected.fields, more: 'long' } })).toEqual(passed)
  })

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('a field called %s', name => {
    const odd = expectation({ fields: JSON.parse(`{"${name}":"keyword"}`) })
    expect(ask(mappingFields, { fields: JSON.parse(`{"${name}":"keyword"}`) }, odd)).toEqual(passed)
    expect(ask(mappingFields, { fields: {} }, odd)).toMatchObject([{ verdict: 'fail' }])
    expect(ask(mappingFields, { fields: JSON.parse(`{"${name}":"long"}`) }, odd)).toMatchObject([{ verdict: 'fail' }])
  })

  test('names a few of many', () => {
    const many = expectation({ fields: Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}`, 'long'])) })
    const [outcome] = ask(mappingFields, { fields: {} }, many)
    expect(outcome).toMatchObject({ message: expect.stringMatching(/f4: missing, expected long and 4 more$/) })
  })
})
