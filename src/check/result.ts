/** What the check found, for every snapshot, index and distinct content. */
import type { SnapshotInfo } from '../model/content.ts'
import type { ReadUsage } from '../model/cost.ts'
import type { Finding } from '../model/finding.ts'
import type { ContentRecord } from '../model/plan.ts'
import type { IndexId } from '../model/repository.ts'
import type { Method, Reason, VerdictValue } from '../model/verdict.ts'

export interface Mark {
  readonly verdict: VerdictValue
  readonly reason: Reason
  /** Of a pass, where it is not the usual one of the level. */
  readonly method?: Method
  /** Of a pass: when the oldest thing that it rests on was looked at; absent: in this run. */
  readonly provenMs?: number
}

/** A content without what the ledger remembers of it. */
export type CheckedContent = Omit<ContentRecord, 'proof' | 'lastInconclusive'>

/** One index in one snapshot. */
export interface CheckedCopy {
  readonly snapshot: number
  /** Position in `RepositoryData.indices`. */
  readonly index: number
  readonly indexName: string
  readonly indexId: IndexId
  /** On the restored disk; 0 where the files are not known. */
  readonly bytes: number
  readonly contentId: string | null
  /** Why it is not to be restored; null: it is. */
  readonly obstacle: Reason | null
  /** A system index that is restored by its feature state. */
  readonly system?: true
  readonly catalogue: Mark
  readonly presence: Mark
  /** Only where the check was asked to read. */
  readonly byteProof?: Mark
}

export interface CheckedSnapshot {
  readonly snapshot: number
  readonly info: SnapshotInfo | null
  /** State at the source that keeps the whole snapshot from passing. */
  readonly obstacle: Reason | null
  readonly catalogue: Mark
  readonly presence: Mark
  /** Only where the check was asked to read. */
  readonly byteProof?: Mark
  /** By index; empty where only the sum was asked for. */
  readonly copies: readonly CheckedCopy[]
}

export interface NewestGood {
  readonly position: number
  readonly mark: Mark
}

/** Data blobs and their bytes by storage class. */
export type ClassMix = ReadonlyMap<string, ReadUsage>

export interface CheckResult {
  /** By position. */
  readonly snapshots: readonly CheckedSnapshot[]
  readonly contents: readonly CheckedContent[]
  readonly findings: readonly Finding[]
  /** By index name and level: the newest snapshot (position) in which the index passes, and how. */
  readonly newest: ReadonlyMap<string, ReadonlyMap<'catalogue' | 'presence' | 'bytes', NewestGood>>
  /** By index id, where not everything is STANDARD. */
  readonly classes: ReadonlyMap<IndexId, ClassMix>
  readonly totals: {
    readonly blobs: number
    readonly bytes: number
    readonly shards: number
    readonly unreferencedBlobs: number
    readonly unreferencedBytes: number
  }
}
