/**
 * The narrow port to a throwaway search server. Adapters: `maven`, `distribution` (child processes), `container`, `endpoint`.
 *
 * Every call has its own deadline inside and takes an AbortSignal. An answer of the server that says no is a value; a
 * server that does not answer is `SnapproofError` `engine-request`, or `engine-died` once its process has ended.
 */
import type { FileRow, RecoveryRow, ShardStatsRow, UnstartedShard } from '../model/evidence.ts'

export interface EngineFacts {
  /** Key in the configuration. */
  readonly name: string
  readonly kind: 'maven' | 'distribution' | 'container' | 'endpoint'
  readonly product: 'elasticsearch' | 'opensearch'
  readonly version: string
  /** `nodes.*.index_version`; null where the server does not say. */
  readonly indexVersion: number | null
  /** Is x-pack in it? Null: the server does not say what is in it. */
  readonly xpack: boolean | null
  /** Is the server kept from reaching anything but us? False: the report says so. */
  readonly egressBlocked: boolean
}

export interface RestoreRequest {
  readonly repository: string
  readonly snapshot: string
  readonly index: string
  /** Our own safe name; of a system index its own. */
  readonly target: string
  /** Restores all that this feature state holds, in place of what the server has of it, each index under its own name. */
  readonly feature?: string
  /** Compare the checksum of every file when a shard starts: what lies in a closed target may have rotted there. */
  readonly checksumAtStart?: boolean
  /** Run Lucene's CheckIndex over every segment when a shard starts. */
  readonly deep?: boolean
  readonly signal: AbortSignal
}
export type RestoreAnswer =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly status: number; readonly type: string; readonly reason: string }

export type SearchAnswer =
  | { readonly answered: true; readonly body: unknown }
  | { readonly answered: false; readonly status: number; readonly type: string; readonly reason: string }

/** A program of the owner's, which looks at a restored index. */
export interface OwnerCommand {
  readonly run: readonly [string, ...string[]]
  /** The restored index, by its own safe name. */
  readonly target: string
  /** Besides what every program needs (PATH, HOME …), SNAPPROOF_ENDPOINT and SNAPPROOF_INDEX. */
  readonly environment: Readonly<Record<string, string>>
  readonly timeLimitSeconds: number
  readonly signal: AbortSignal
}
export interface CommandEnd {
  readonly exitCode: number
  /** Standard output and error, as they came; bounded. */
  readonly output: string
}

export interface Engine {
  readonly facts: EngineFacts
  /** A folder that the server may read repositories from (`path.repo`); the mirror lays blobs here. */
  readonly repositoryFolder: string
  /** Registers `folder` (below `repositoryFolder`) as a read-only `fs` repository, verify=false, unthrottled. */
  registerRepository(repository: string, folder: string, signal: AbortSignal): Promise<void>
  removeRepository(repository: string, signal: AbortSignal): Promise<void>
  /** Registers the store that it was started with as a read-only `s3` repository; null: it was given none, or has no repository-s3. */
  readonly registerStore: ((repository: string, signal: AbortSignal) => Promise<void>) | null
  /** Starts one restore of one index and returns at once; settings of facts 7.2 are sent with it. */
  startRestore(request: RestoreRequest): Promise<RestoreAnswer>
  recovery(target: string, signal: AbortSignal): Promise<RecoveryRow[]>
  /** Every file of every started primary, with whether this restore copied it. */
  recoveredFiles(target: string, signal: AbortSignal): Promise<FileRow[]>
  shardStats(target: string, signal: AbortSignal): Promise<ShardStatsRow[]>
  /** Every primary that the routing table knows, with its state; `[]` when the index does not exist (yet). */
  shardStates(target: string, signal: AbortSignal): Promise<UnstartedShard[]>
  /** Root documents; of a system index, which may be closed to searches, all that `_stats` counts. */
  count(target: string, signal: AbortSignal): Promise<number>
  /** Dotted field path → type, flattened like `IndexMetadata.fields`. */
  fields(target: string, signal: AbortSignal): Promise<Record<string, string>>
  /** One `_search` over all shards of the target; the body as it is given. */
  search(target: string, body: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<SearchAnswer>
  /**
   * Throws `owner-command` when it could not be started, took too long, wrote too much or was ended by a signal. Neither it nor what it
   * starts outlives the call, or us.
   */
  runCommand(command: OwnerCommand): Promise<CommandEnd>
  /** Does not wait for shards. False: the server did not close it. */
  closeIndex(target: string, signal: AbortSignal): Promise<boolean>
  /** Uuid of the snapshot of that name as the server sees it now; null: there is none. */
  snapshotUuid(repository: string, snapshot: string, signal: AbortSignal): Promise<string | null>
  /** Names of the features whose states may be restored here; none in a cluster of somebody else, which would lose its own. */
  features(signal: AbortSignal): Promise<ReadonlySet<string>>
  /** Bytes of the disk that the server writes to; null: it does not say. */
  disk(signal: AbortSignal): Promise<{ readonly freeBytes: number; readonly totalBytes: number } | null>
  /** Idempotent. */
  deleteIndex(target: string, signal: AbortSignal): Promise<void>
  /** Where it answers, without credentials. Absent: not known. */
  readonly url?: string
  /** Null while it lives; once its process has ended, what it said last. */
  death(): string | null
  /** Rejects with `engine-died` when the process ends without our asking; never resolves. */
  readonly died: Promise<never>
  /** Last lines of its log, newest last. */
  logTail(lines: number): string[]
  /** Kills the process with its children and removes its folders. Idempotent; never rejects. */
  stop(): Promise<void>
}
