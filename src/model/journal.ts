/**
 * Rows of journals. A journal is one immutable object that holds what one piece of work found out; the ledger is what
 * journals fold into. Folding is idempotent (by journal id), commutative and associative.
 */
import type { IndexId, SnapshotUuid } from './repository.ts'
import type { Reason, VerdictValue } from './verdict.ts'

export interface RunRow {
  readonly kind: 'run'
  readonly runId: string
  readonly command: string
  readonly startedMs: number
  readonly endedMs: number
  readonly exitCode: number
  readonly toolVersion: string
  readonly generation: number
  readonly repositoryUuid: string | null
  readonly clusterId: string | null
  readonly planned: number
  readonly proven: number
  readonly failed: number
  readonly inconclusive: number
  readonly debtContents: number
  readonly debtBytes: number
  readonly findings: number
  /** Bytes per second of mirror and restore together; null when nothing was restored. */
  readonly restoreBytesPerSecond: number | null
}

/** One attempt at one content at level `restore`. */
export interface ContentRow {
  readonly kind: 'content'
  readonly runId: string
  readonly contentId: string
  readonly indexId: IndexId
  readonly indexName: string
  readonly snapshot: string
  readonly snapshotUuid: SnapshotUuid
  readonly verdict: Exclude<VerdictValue, 'not-applicable'>
  readonly reason: Reason
  readonly method: 'restore' | 'chained'
  readonly witness: string | null
  readonly atMs: number
  readonly seconds: number
  readonly bytes: number
  readonly luceneDocs: number | null
  readonly engine: string
  readonly message: string
}

/** What a run concluded of one snapshot, for the history. */
export interface SnapshotRow {
  readonly kind: 'snapshot'
  readonly runId: string
  readonly snapshot: string
  readonly snapshotUuid: SnapshotUuid
  readonly endedMs: number | null
  readonly atMs: number
  readonly catalogue: VerdictValue
  readonly presence: VerdictValue
  readonly restore: VerdictValue
}

export type JournalRow = RunRow | ContentRow | SnapshotRow

export interface Journal {
  readonly schemaVersion: 1
  /** Random uuid; the fold takes each id once. */
  readonly journalId: string
  readonly repository: string
  readonly runId: string
  readonly createdMs: number
  readonly rows: readonly JournalRow[]
}
