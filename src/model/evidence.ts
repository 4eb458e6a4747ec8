/** What was asked of a restored index and what it answered. JSON, counts only, no judgement. */
import type { Answers } from './answers.ts'
import type { Depth } from './deep.ts'
import type { Reason } from './verdict.ts'

/** Known before the restore, from the repository's own metadata. */
export interface Expectation {
  readonly contentId: string
  readonly indexName: string
  readonly snapshot: string
  readonly snapshotUuid: string
  readonly shards: readonly {
    readonly shard: number
    readonly files: number
    readonly bytes: number
    readonly luceneDocs: number | null
    readonly maxSeqNo: number | null
  }[]
  readonly hasNested: boolean
  /** Dotted path → type. */
  readonly fields: Readonly<Record<string, string>>
  /** Of the index metadata. Absent: an older run. */
  readonly aliases?: readonly string[]
  /** A system index: the state of its feature restores it, together with these. Absent: it is restored alone, renamed. */
  readonly feature?: { readonly name: string; readonly indices: readonly string[] }
  /** Every file that lies in blobs of its own. Absent: not needed, because the mirror has read each blob. */
  readonly files?: readonly ExpectedFile[]
}

/** A file of a shard with the objects that hold its bytes. */
export interface ExpectedFile {
  readonly shard: number
  /** Lucene's name. */
  readonly file: string
  readonly bytes: number
  /** Keys, relative to the repository's base path. */
  readonly blobs: readonly string[]
}

/** A file of a restored shard, as `_recovery?detailed=true` lists it. */
export interface FileRow {
  readonly shard: number
  readonly file: string
  readonly bytes: number
  /** Kept from what lay in the target before. */
  readonly reused: boolean
  readonly recoveredBytes: number
}

/** Blobs that one look has read and compared with the checksum that Lucene recorded. */
export interface BlobReading {
  /** `server`: copied by the restore of `link`. `mirror`: read into the mirror. `separate`: read by us, because the server kept another blob’s file. */
  readonly by: 'server' | 'mirror' | 'separate'
  /** Snapshot whose restore read them; null: no restore. */
  readonly link: string | null
  readonly at: string
  readonly blobs: readonly string[]
}

/** What came before a content in its target. */
export interface ChainFacts {
  /** Place in the chain; 1 is the first that was restored over another. */
  readonly link: number
  /** Snapshot of the content that lay in the target. */
  readonly over: string
  readonly predictedReusedBytes: number
  readonly reusedBytes: number
}

export interface RecoveryRow {
  readonly shard: number
  readonly type: string
  readonly stage: string
  readonly primary: boolean
  readonly repository: string | null
  readonly snapshot: string | null
  readonly snapshotUuid: string | null
  /** Index name in the snapshot. */
  readonly index: string | null
  readonly restoreUuid: string | null
  readonly files: number
  readonly bytes: number
  readonly recoveredBytes: number
  readonly reusedBytes: number
  readonly milliseconds: number
  /** How long CheckIndex took; 0: it did not run. */
  readonly checkMilliseconds?: number
}

export interface ShardStatsRow {
  readonly shard: number
  readonly primary: boolean
  readonly state: string
  /** `commit.num_docs`. */
  readonly luceneDocs: number | null
  readonly maxSeqNo: number | null
  readonly localCheckpoint: number | null
}

/** A shard that the server did not start, in its own words. */
export interface UnstartedShard {
  readonly shard: number
  readonly state: string
  readonly reason: string | null
  readonly details: string | null
  /** What the last attempt to find a node for it came to, such as `deciders_no`; null: the server does not say. */
  readonly allocation?: string | null
}

export interface Evidence {
  readonly schemaVersion: 1
  readonly contentId: string
  readonly indexName: string
  readonly snapshot: string
  readonly snapshotUuid: string
  /** Name under which it was restored. */
  readonly target: string
  readonly engine: { readonly product: string; readonly version: string; readonly kind: string }
  readonly attempt: number
  readonly method: 'restore' | 'chained'
  /** Lucene's CheckIndex ran at the start of every shard, so far. Absent: it did not. */
  readonly deep?: Depth
  readonly startedAt: string
  /** The server did not accept the request; its words. Null: accepted. */
  readonly refusal: { readonly status: number; readonly type: string; readonly reason: string } | null
  readonly recovery: readonly RecoveryRow[]
  readonly stats: readonly ShardStatsRow[]
  readonly unstarted: readonly UnstartedShard[]
  /** `_count`: root documents; of a system index `docs.count` of its statistics, with nested ones. */
  readonly count: number | null
  /** Dotted path → type of the restored mapping; null when it was not asked. */
  readonly fields: Readonly<Record<string, string>> | null
  /** From where the server read; absent: the mirror. */
  readonly source?: 'mirror' | 's3'
  /** Of a content whose `Expectation` lists its files: who has read which blob in this proof. */
  readonly readings?: readonly BlobReading[]
  /** `chained` only. */
  readonly chain?: ChainFacts
  /** `s3` only: the uuid that the server saw under this snapshot's name before and after; null: none. */
  readonly snapshotSeen?: { readonly before: string | null; readonly after: string | null }
  /** What the server wrote about a restore that did not go well; bounded, without secrets. */
  readonly log?: readonly string[]
  /** To what rules and baselines asked; only of a content that passed the built-in rules. Absent: nothing was asked. */
  readonly answers?: Answers
  /** Our own trouble that cut the questions short; null: everything was asked and answered. */
  readonly cutShort: { readonly reason: Reason; readonly message: string } | null
  readonly seconds: { readonly restore: number; readonly questions: number }
}
