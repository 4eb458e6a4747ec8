/**
 * Rows of journals. A journal is one immutable object that holds what one piece of work found out; the ledger is what
 * journals fold into. Folding is idempotent (by journal id), commutative and associative.
 */
import type { Measure } from './baseline.ts'
import type { IndexId, SnapshotUuid } from './repository.ts'
import type { Level, Method, Reason, VerdictValue } from './verdict.ts'

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

/** What a run concluded of one snapshot at one level. Kept where it says something else than the row before it. */
export interface ReachedRow {
  readonly kind: 'reached'
  readonly runId: string
  readonly snapshot: string
  readonly snapshotUuid: SnapshotUuid
  readonly level: Level
  readonly verdict: VerdictValue
  readonly reason: Reason
  /** Null: nothing was proven. */
  readonly method: Method | null
  /** Of the oldest proof that it rests on. */
  readonly provenMs: number | null
  /** Names of the snapshots that its contents were restored from instead of from this one; at most `maxCreditedFrom`. */
  readonly creditedFrom: readonly string[]
  readonly atMs: number
}

export const maxCreditedFrom = 20

/** The newest good snapshot of one index, as a run saw it. Kept where it is another than in the row before it. */
export interface GoodRow {
  readonly kind: 'good'
  readonly runId: string
  readonly index: string
  readonly indexId: IndexId | null
  readonly contentId: string | null
  /** Null: no snapshot of this index was good. */
  readonly snapshot: string | null
  readonly snapshotUuid: SnapshotUuid | null
  readonly endedMs: number | null
  readonly level: Level
  readonly method: Method | null
  readonly atMs: number
}

/**
 * What a restored content answered to one question. A content is restored once and judged for every snapshot that holds it, in later
 * nights too. Of two rows about one content, snapshot and question an answer stays before what is none, then the younger.
 */
export interface AnswerRow {
  readonly kind: 'answer'
  readonly runId: string
  readonly contentId: string
  readonly indexId: IndexId
  /** That it was restored from. */
  readonly snapshotUuid: SnapshotUuid
  /** `model/answers.ts`. */
  readonly question: string
  /** False: it was asked and not answered, for a reason of ours. */
  readonly answered: boolean
  /** JSON of an `Answer`. */
  readonly answer: string
  readonly atMs: number
}

/** What an index was in a snapshot. Of two rows about one index name and snapshot that of the later end stays; the oldest go (`keptMeasures`). */
export interface MeasureRow extends Measure {
  readonly kind: 'measure'
  readonly runId: string
  readonly atMs: number
}

/** A mapping that measures name by its digest. */
export interface MappingRow {
  readonly kind: 'mapping'
  readonly digest: string
  /** JSON of `MappingFields`, in the order of the names. */
  readonly fields: string
  readonly atMs: number
}

/**
 * What a check may leave out next time because it saw it before; packed by `check/`, opaque to the ledger. Of two rows about one
 * subject the younger stays; equally old ones are decided by their bytes.
 */
export interface MemoryRow {
  readonly kind: 'memory'
  /** `snapshot:<uuid>` or `index:<index id>`. */
  readonly subject: string
  readonly atMs: number
  /** Base64; empty: forgotten. */
  readonly data: string
}

export type JournalRow =
  | RunRow
  | ContentRow
  | SnapshotRow
  | ReachedRow
  | GoodRow
  | AnswerRow
  | MeasureRow
  | MappingRow
  | MemoryRow

export interface Journal {
  readonly schemaVersion: 1
  /** Random uuid; the fold takes each id once. */
  readonly journalId: string
  readonly repository: string
  readonly runId: string
  readonly createdMs: number
  readonly rows: readonly JournalRow[]
}
