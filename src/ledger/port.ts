/** What the rest of the program asks of the ledger. */
import type { ContentRow, JournalRow, RunRow, SnapshotRow } from '../model/journal.ts'
import type { ContentProof } from '../model/plan.ts'
import type { Reason } from '../model/verdict.ts'

export interface ContentHistory {
  /** Latest pass or fail at `restore`; a pass cures an earlier fail, nothing else does. */
  readonly proof: ContentProof | null
  readonly lastInconclusive: { readonly atMs: number; readonly reason: Reason } | null
}

export interface Ledger {
  /** By index id and content id. With `strict` credit also by snapshot uuid: `snapshotUuid` null means any. */
  contentHistory(indexId: string, contentId: string, snapshotUuid: string | null): ContentHistory
  /** Oldest first. */
  runs(limit: number): RunRow[]
  /** Latest passes at `restore` with their sizes, newest first, for rates. */
  recentPasses(limit: number): ContentRow[]
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

export interface LedgerSession extends Ledger {
  /** Findings about the ledger itself, such as `ledger-rolled-back`: message texts. */
  readonly warnings: readonly string[]
  /** Writes one immutable journal object (or file) and folds it into the local file. Resolves once it is stored. */
  journal(runId: string, rows: readonly JournalRow[], signal: AbortSignal): Promise<void>
  /** Folds all journals and stores the ledger conditionally; fetch, fold again, retry on a conflict. */
  store(signal: AbortSignal): Promise<void>
  /** Releases the lease and closes the file. Never stores. */
  close(): Promise<void>
}
