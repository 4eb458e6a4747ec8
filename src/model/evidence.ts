/** What was asked of a restored index and what it answered. JSON, counts only, no judgement. */
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
  readonly startedAt: string
  /** The server did not accept the request; its words. Null: accepted. */
  readonly refusal: { readonly status: number; readonly type: string; readonly reason: string } | null
  readonly recovery: readonly RecoveryRow[]
  readonly stats: readonly ShardStatsRow[]
  readonly unstarted: readonly UnstartedShard[]
  /** `_count`: root documents. */
  readonly count: number | null
  /** Dotted path → type of the restored mapping; null when it was not asked. */
  readonly fields: Readonly<Record<string, string>> | null
  /** Our own trouble that cut the questions short; null: everything was asked and answered. */
  readonly cutShort: { readonly reason: Reason; readonly message: string } | null
  readonly seconds: { readonly restore: number; readonly questions: number }
}
