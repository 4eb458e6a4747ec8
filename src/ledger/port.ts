/** What the rest of the program asks of the ledger. */
import type { MappingFields, Measure } from '../model/baseline.ts'
import type { AnswerRow, ContentRow, JournalRow, RunRow, SnapshotRow } from '../model/journal.ts'
import type { ContentProof } from '../model/plan.ts'
import type { Reason } from '../model/verdict.ts'

export interface ContentHistory {
  /**
   * Latest pass or fail at `restore`; a later pass by the same or a stronger method cures a fail, nothing else does. A pass
   * dated more than five minutes after now still cures a fail and is no proof: see README.md, "Times".
   */
  readonly proof: ContentProof | null
  /** Latest attempt after `proof` that was neither pass nor fail. */
  readonly lastInconclusive: { readonly atMs: number; readonly reason: Reason; readonly runId: string } | null
}

export interface Ledger {
  /** What is kept of an index by its name, oldest snapshot first. */
  measures(index: string): Measure[]
  /** By digest; what is not kept is left out. */
  mappings(digests: Iterable<string>): ReadonlyMap<string, MappingFields>
  /** By index id and content id. With `strict` credit also by snapshot uuid: `snapshotUuid` null means any. */
  contentHistory(indexId: string, contentId: string, snapshotUuid: string | null): ContentHistory
  /** By question, the latest answer of a content, restored from whatever snapshot or, with `snapshotUuid`, from that one. */
  answers(indexId: string, contentId: string, snapshotUuid: string | null): ReadonlyMap<string, AnswerRow>
  /** The latest `limit` runs, oldest first. */
  runs(limit: number): RunRow[]
  /** Latest passes by unchained restores with their sizes, newest first, for rates. */
  recentPasses(limit: number): ContentRow[]
  /** Oldest first. */
  snapshotHistory(uuid: string): SnapshotRow[]
  /** Start of the policy: the first run that is known; null on the first night. */
  firstRunMs(): number | null
  /** Repository uuid and cluster id of the latest run. */
  lastIdentity(): {
    readonly repositoryUuid: string | null
    readonly clusterId: string | null
    readonly generation: number
  } | null
}

/** What checks remember, by subject (`model/journal.ts`, `MemoryRow`). */
export interface MemoryLedger {
  /**
   * Null where nothing is remembered. `atMs` orders the rows of a subject and may lie in the future after an hour that was wrong; what
   * the data say of their own dates is for the caller to judge.
   */
  memory(subject: string): { readonly atMs: number; readonly data: Buffer } | null
  /** Subjects that something is remembered of, ascending. */
  memorySubjects(): Iterable<string>
}

/** Names a journal: its key follows from both. */
export interface JournalId {
  readonly createdMs: number
  /** At most 60 letters, digits, `-` and `_`. */
  readonly journalId: string
}

export interface LedgerSession extends Ledger, MemoryLedger {
  /** Findings about the ledger itself, such as `ledger-rolled-back`: message texts. May grow during `store`. */
  readonly warnings: readonly string[]
  /**
   * Aborts when another run has taken the lease or it could not be renewed in time; its reason is a `SnapproofError`. Start
   * nothing new, journal what is done, store, put no heartbeat. Never aborts without a store and in read-only sessions.
   */
  readonly leaseLost: AbortSignal
  /** Fencing number of the lease; null without one. */
  readonly fence: number | null
  /** SHA-256 of the object as this session stored it last, 64 hexadecimal digits; null: it has not, or the ledger is a local file. */
  readonly storedSha256: string | null
  /**
   * Writes the rows as immutable journal objects (or files; one unless they are very many) and folds them into the local file.
   * Rows of one content come in the order in which they happened. Resolves once all are stored. After an error the same rows
   * may be given again: the fold takes them once.
   */
  journal(runId: string, rows: readonly JournalRow[], signal: AbortSignal): Promise<void>
  /**
   * `journal` under an id that the caller chooses, so that whoever does the same work twice is kept from recording it twice.
   * False: a journal of that id was there before, and these rows were not written. `late`: the rows are of an attempt that ended
   * before now, maybe before others that are known; its own date says which came after which.
   *
   * @throws SnapproofError `configuration` for an id so old that the ledger no longer knows which of its time were folded
   */
  journalOnce(
    runId: string,
    id: JournalId,
    rows: readonly JournalRow[],
    signal: AbortSignal,
    options?: { readonly late: boolean },
  ): Promise<boolean>
  /** Was a journal of that id there when the session was opened, or written by it? Throws like `journalOnce`. */
  holdsJournal(id: JournalId): boolean
  /** Leaves the lease to a plan for so many seconds: `close` does not give it back. Throws like `Lease.handOver`. */
  leaveToPlan(url: string, seconds: number, signal: AbortSignal): Promise<void>
  /** Folds all journals and stores the ledger conditionally; fetch, fold again, retry on a conflict. */
  store(signal: AbortSignal): Promise<void>
  /** Releases the lease and closes the file. Never stores, never throws; may be called twice. */
  close(): Promise<void>
}
