/** What a run will restore: a value that can be printed, compared and dry-run. */
import type { NightForecast } from './cost.ts'
import type { IndexId, SnapshotUuid } from './repository.ts'
import type { Reason } from './verdict.ts'

/** A distinct content as the check found it, with what the ledger remembers. */
export interface ContentRecord {
  readonly contentId: string
  readonly indexName: string
  readonly indexId: IndexId
  readonly shardCount: number
  readonly createdVersion: number | null
  /** Bytes on the restored disk. */
  readonly bytes: number
  readonly files: number
  /** Snapshots (positions) that hold exactly this content and whose own metadata are good, oldest first. */
  readonly snapshots: readonly number[]
  /** Why it cannot be restored or needs none; null: it can. */
  readonly obstacle: Reason | null
  /** A system index, restored by its feature state where the engine has the feature. */
  readonly system?: true
  /** Digest over key, size, ETag and modification time of all blobs it rests on; null: a blob has no ETag or is missing. */
  readonly witness: string | null
  /** Latest result at `restore`. */
  readonly proof: ContentProof | null
  /** Result of the latest attempt that was neither pass nor fail, later than `proof`. */
  readonly lastInconclusive: { readonly atMs: number; readonly reason: Reason; readonly runId: string } | null
}

export interface ContentProof {
  readonly verdict: 'pass' | 'fail'
  readonly reason: Reason
  readonly provenMs: number
  readonly witness: string | null
  readonly runId: string
  /** Name and uuid of the snapshot it was restored from. */
  readonly snapshot: string
  readonly snapshotUuid: SnapshotUuid
  readonly method: 'restore' | 'chained'
  readonly seconds: number
}

export type DebtKind = 'failed' | 'overdue' | 'newest' | 'lapsed' | 'never' | 'refresh'

export interface DebtItem {
  readonly content: ContentRecord
  readonly kind: DebtKind
  /** UTC epoch milliseconds at which it goes beyond policy. */
  readonly dueMs: number
  readonly overdue: boolean
}

export interface PlannedContent {
  readonly content: ContentRecord
  readonly kind: DebtKind
  /** Position of the snapshot that it is restored from. */
  readonly snapshot: number
}

/** Contents of one index name with one shard count and one engine, mirrored together. */
export interface Group {
  readonly indexName: string
  readonly indexId: IndexId
  readonly shardCount: number
  /** Key into the configured engines. */
  readonly engine: string
  readonly contents: readonly PlannedContent[]
  /** Bytes on the restored disk of all contents. */
  readonly restoreBytes: number
}

export interface Plan {
  /** Positions of the chosen snapshots, worst risk first. */
  readonly snapshots: readonly number[]
  readonly groups: readonly Group[]
  /** Debt that this run leaves, with the reason. */
  readonly left: readonly { readonly item: DebtItem; readonly reason: Reason }[]
  readonly debt: readonly DebtItem[]
  /** Of a random draw, in its order; they are in the groups, too. Absent: none was drawn. */
  readonly sampled?: readonly PlannedContent[]
  readonly restoreBytes: number
}

export interface Forecast {
  readonly snapshots: number
  readonly contents: number
  readonly groups: number
  readonly restoreBytes: number
  /** Union of the blobs of each group. */
  readonly fetchBytes: number
  readonly fetchRequests: number
  /** Disk that the largest group needs: its blobs, its largest content, and the blobs of the next group. */
  readonly diskBytes: number
  readonly seconds: number
  /** `measured` from the ledger's rates, or `assumed` on the first night. */
  readonly basis: 'measured' | 'assumed'
  /** The whole night with its money; `seconds` and the rest above are of the restores alone. Absent: an older run. */
  readonly night?: NightForecast
}
