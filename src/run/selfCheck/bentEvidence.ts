/** How the evidence of a real restore is bent, and what the judge must say: what each rule must see, and what is our own trouble and accuses nobody. */
import type { Evidence, Expectation, RecoveryRow, ShardStatsRow } from '../../model/evidence.ts'
import type { FindingCode } from '../../model/finding.ts'
import type { Reason } from '../../model/verdict.ts'

type Bend = (evidence: Evidence, expected: Expectation) => Evidence

/** `fail` accuses, of one shard or (null) of the index; `inconclusive` is left open for a reason. */
export type Wanted =
  | { readonly verdict: 'fail'; readonly code: FindingCode; readonly shard: number | null }
  | { readonly verdict: 'inconclusive'; readonly reason: Reason }

interface Bent {
  /** Of the rule, or `judge`. */
  readonly rule: string
  readonly what: string
  readonly wanted: Wanted
  readonly bend: Bend
  /** Only on contents with nested fields, or only without; absent: on all. */
  readonly nested?: boolean
}

const fails = (code: FindingCode, shard: number | null = 0): Wanted => ({ verdict: 'fail', code, shard })
const open = (reason: Reason): Wanted => ({ verdict: 'inconclusive', reason })

const recovery = (change: (row: RecoveryRow) => Partial<RecoveryRow>): Bend => {
  return evidence => ({
    ...evidence,
    recovery: evidence.recovery.map(row => (row.shard === 0 ? { ...row, ...change(row) } : row)),
  })
}
const stats = (change: (row: ShardStatsRow) => Partial<ShardStatsRow>): Bend => {
  return evidence => ({
    ...evidence,
    stats: evidence.stats.map(row => (row.shard === 0 ? { ...row, ...change(row) } : row)),
  })
}
const refused = (status: number, type: string, reason: string): Bend => {
  return evidence => ({
    ...evidence,
    refusal: { status, type, reason },
    recovery: [],
    stats: [],
    count: null,
    fields: null,
  })
}
const givenUp = (details: string): Bend => {
  return evidence => ({
    ...evidence,
    recovery: evidence.recovery.filter(row => row.shard !== 0),
    stats: evidence.stats.filter(row => row.shard !== 0),
    unstarted: [{ shard: 0, state: 'UNASSIGNED', reason: 'ALLOCATION_FAILED', details }],
    count: null,
  })
}
const withoutShard = (part: 'recovery' | 'stats'): Bend => {
  return evidence => ({ ...evidence, [part]: evidence[part].filter(row => row.shard !== 0) })
}
const fields = (change: (known: Record<string, string>) => Record<string, string>): Bend => {
  return evidence => ({ ...evidence, fields: change({ ...evidence.fields }) })
}
const first = (known: Readonly<Record<string, string>>): string => Object.keys(known).sort()[0] ?? ''
const less = (value: number | null): number => (value ?? 0) - 1

/** At least one for each condition of each rule. */
export const bentEvidence: readonly Bent[] = [
  {
    rule: 'restoreAccepted',
    what: 'the server refused',
    wanted: fails('restore-refused', null),
    bend: refused(500, 'snapshot_restore_exception', '[source:night-1] could not read the snapshot'),
  },
  {
    rule: 'restoreAccepted',
    what: 'the server was too busy',
    wanted: open('evidence-incomplete'),
    bend: refused(429, 'es_rejected_execution_exception', 'rejected execution'),
  },
  {
    rule: 'restoreAccepted',
    what: 'the server had no master',
    wanted: open('evidence-incomplete'),
    bend: refused(500, 'master_not_discovered_exception', 'no master'),
  },
  {
    rule: 'restoreAccepted',
    what: 'the server is older than the snapshot',
    wanted: open('no-engine-for-version'),
    bend: refused(
      500,
      'snapshot_restore_exception',
      'was created with a version which is higher than the version of this node',
    ),
  },
  {
    rule: 'everyShardStarted',
    what: 'a shard was given up as corrupt',
    wanted: fails('restore-shard-failed'),
    bend: givenUp('failed shard on node, failure CorruptIndexException[checksum failed (hardware problem?)]'),
  },
  {
    rule: 'everyShardStarted',
    what: 'a shard was given up for want of disk',
    wanted: open('disk-full'),
    bend: givenUp('failed shard on node, failure IOException[No space left on device]'),
  },
  {
    rule: 'everyShardStarted',
    what: 'a shard is in no _stats',
    wanted: open('evidence-incomplete'),
    bend: withoutShard('stats'),
  },
  {
    rule: 'everyShardStarted',
    what: 'a shard has no recovery',
    wanted: open('evidence-incomplete'),
    bend: withoutShard('recovery'),
  },
  {
    rule: 'everyShardStarted',
    what: 'a shard is missing altogether',
    wanted: open('evidence-incomplete'),
    bend: (evidence, expected) => withoutShard('stats')(withoutShard('recovery')(evidence, expected), expected),
  },
  {
    rule: 'everyShardStarted',
    what: 'the recovery is that of a predecessor, from its own disk',
    wanted: open('evidence-incomplete'),
    bend: recovery(() => ({ type: 'EXISTING_STORE' })),
  },
  {
    rule: 'everyShardStarted',
    what: 'the recovery is that of another snapshot',
    wanted: open('evidence-incomplete'),
    bend: recovery(() => ({ snapshot: 'night-0' })),
  },
  {
    rule: 'everyShardStarted',
    what: 'the recovery is that of a snapshot of the same name',
    wanted: open('evidence-incomplete'),
    bend: recovery(() => ({ snapshotUuid: 'AAAAAAAAAAAAAAAAAAAAAA' })),
  },
  {
    rule: 'everyShardStarted',
    what: 'the recovery is that of another index',
    wanted: open('evidence-incomplete'),
    bend: recovery(() => ({ index: 'another' })),
  },
  {
    rule: 'everyShardStarted',
    what: 'the recovery is not done',
    wanted: open('evidence-incomplete'),
    bend: recovery(() => ({ stage: 'TRANSLOG' })),
  },
  {
    rule: 'everyShardStarted',
    what: 'the recovery of a predecessor stands beside that of this restore',
    wanted: open('evidence-incomplete'),
    bend: evidence => ({
      ...evidence,
      recovery: [...evidence.recovery, ...evidence.recovery.map(row => ({ ...row, type: 'EXISTING_STORE' }))],
    }),
  },
  {
    rule: 'everyShardStarted',
    what: 'a shard is not started',
    wanted: open('evidence-incomplete'),
    bend: stats(() => ({ state: 'RECOVERING' })),
  },
  {
    rule: 'everyShardStarted',
    what: 'the routing table calls a shard unstarted',
    wanted: open('evidence-incomplete'),
    bend: evidence => ({
      ...evidence,
      unstarted: [{ shard: 0, state: 'INITIALIZING', reason: 'NEW_INDEX_RESTORED', details: null }],
    }),
  },
  {
    rule: 'everyShardStarted',
    what: 'a shard was restored that the snapshot does not have',
    wanted: fails('restored-files-mismatch', 7),
    bend: evidence => ({ ...evidence, stats: evidence.stats.flatMap(row => [row, { ...row, shard: 7 }]) }),
  },
  {
    rule: 'filesAndBytes',
    what: 'a file fewer',
    wanted: fails('restored-files-mismatch'),
    bend: recovery(row => ({ files: row.files - 1 })),
  },
  {
    rule: 'filesAndBytes',
    what: 'other bytes',
    wanted: fails('restored-files-mismatch'),
    bend: recovery(row => ({ bytes: row.bytes + 1 })),
  },
  {
    rule: 'filesAndBytes',
    what: 'bytes that never came',
    wanted: fails('restored-files-mismatch'),
    bend: recovery(row => ({ recoveredBytes: row.recoveredBytes - 1 })),
  },
  {
    rule: 'documentCount',
    what: 'a document fewer in a shard',
    wanted: fails('document-count-mismatch'),
    bend: stats(row => ({ luceneDocs: less(row.luceneDocs) })),
  },
  {
    rule: 'documentCount',
    what: 'a document more in a shard',
    wanted: fails('document-count-mismatch'),
    bend: stats(row => ({ luceneDocs: (row.luceneDocs ?? 0) + 1 })),
  },
  {
    rule: 'documentCount',
    what: 'no number of documents in a shard',
    wanted: open('evidence-incomplete'),
    bend: stats(() => ({ luceneDocs: null })),
  },
  {
    rule: 'documentCount',
    what: 'a document fewer in _count',
    wanted: fails('document-count-mismatch', null),
    bend: evidence => ({ ...evidence, count: less(evidence.count) }),
    nested: false,
  },
  {
    rule: 'documentCount',
    what: 'more in _count than there can be',
    wanted: fails('document-count-mismatch', null),
    bend: evidence => ({ ...evidence, count: 1_000_000 }),
  },
  {
    rule: 'documentCount',
    what: 'nothing in _count',
    wanted: fails('document-count-mismatch', null),
    bend: evidence => ({ ...evidence, count: 0 }),
  },
  {
    rule: 'documentCount',
    what: '_count was not answered',
    wanted: open('evidence-incomplete'),
    bend: evidence => ({ ...evidence, count: null }),
  },
  {
    rule: 'sequenceNumber',
    what: 'the last operation is missing',
    wanted: fails('sequence-number-mismatch'),
    bend: stats(row => ({ maxSeqNo: less(row.maxSeqNo), localCheckpoint: less(row.localCheckpoint) })),
  },
  {
    rule: 'sequenceNumber',
    what: 'another maximum',
    wanted: fails('sequence-number-mismatch'),
    bend: stats(row => ({ maxSeqNo: less(row.maxSeqNo) })),
  },
  {
    rule: 'sequenceNumber',
    what: 'a checkpoint that lags',
    wanted: fails('sequence-number-mismatch'),
    bend: stats(row => ({ localCheckpoint: less(row.localCheckpoint) })),
  },
  {
    rule: 'sequenceNumber',
    what: 'no sequence number',
    wanted: open('evidence-incomplete'),
    bend: stats(() => ({ maxSeqNo: null })),
  },
  {
    rule: 'mappingFields',
    what: 'a field is not in the mapping',
    wanted: fails('mapping-field-missing', null),
    bend: fields(known => {
      delete known[first(known)]
      return known
    }),
  },
  {
    rule: 'mappingFields',
    what: 'a field has another type',
    wanted: fails('mapping-field-missing', null),
    bend: fields(known => ({ ...known, [first(known)]: 'text' })),
  },
  {
    rule: 'mappingFields',
    what: 'the mapping is empty',
    wanted: fails('mapping-field-missing', null),
    bend: fields(() => ({})),
  },
  {
    rule: 'mappingFields',
    what: 'the mapping was not answered',
    wanted: open('evidence-incomplete'),
    bend: evidence => ({ ...evidence, fields: null }),
  },
  {
    rule: 'everyBlobRead',
    what: 'a chain whose kept files nobody read',
    wanted: open('evidence-incomplete'),
    bend: evidence => ({ ...evidence, method: 'chained' }),
  },
  {
    rule: 'judge',
    what: 'the questions were cut short',
    wanted: open('engine-died'),
    bend: evidence => ({ ...evidence, cutShort: { reason: 'engine-died', message: 'the server ended' } }),
  },
  {
    rule: 'judge',
    what: 'answers about another content',
    wanted: open('evidence-incomplete'),
    bend: evidence => ({ ...evidence, contentId: '0'.repeat(32) }),
  },
  {
    rule: 'judge',
    what: 'answers about another snapshot',
    wanted: open('evidence-incomplete'),
    bend: evidence => ({ ...evidence, snapshotUuid: 'AAAAAAAAAAAAAAAAAAAAAA' }),
  },
]
