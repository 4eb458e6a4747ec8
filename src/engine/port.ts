/**
 * The narrow port to a throwaway search server. Adapters: `maven`, `distribution` (child processes).
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
  /** Is the server kept from reaching anything but us? False: the report says so. */
  readonly egressBlocked: boolean
}

export interface RestoreRequest {
  readonly repository: string
  readonly snapshot: string
  readonly index: string
  /** Our own safe name. */
  readonly target: string
  /** Compare the checksum of every file when a shard starts: what lies in a closed target may have rotted there. */
  readonly checksumAtStart?: boolean
  readonly signal: AbortSignal
}
export type RestoreAnswer =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly status: number; readonly type: string; readonly reason: string }

export interface Engine {
  readonly facts: EngineFacts
  /** A folder that the server may read repositories from (`path.repo`); the mirror lays blobs here. */
  readonly repositoryFolder: string
  /** Registers `folder` (below `repositoryFolder`) as a read-only `fs` repository, verify=false, unthrottled. */
  registerRepository(repository: string, folder: string, signal: AbortSignal): Promise<void>
  removeRepository(repository: string, signal: AbortSignal): Promise<void>
  /** Starts one restore of one index and returns at once; settings of facts 7.2 are sent with it. */
  startRestore(request: RestoreRequest): Promise<RestoreAnswer>
  recovery(target: string, signal: AbortSignal): Promise<RecoveryRow[]>
  /** Every file of every started primary, with whether this restore copied it. */
  recoveredFiles(target: string, signal: AbortSignal): Promise<FileRow[]>
  shardStats(target: string, signal: AbortSignal): Promise<ShardStatsRow[]>
  /** Every primary that the routing table knows, with its state; `[]` when the index does not exist (yet). */
  shardStates(target: string, signal: AbortSignal): Promise<UnstartedShard[]>
  count(target: string, signal: AbortSignal): Promise<number>
  /** Dotted field path → type, flattened like `IndexMetadata.fields`. */
  fields(target: string, signal: AbortSignal): Promise<Record<string, string>>
  /** Does not wait for shards. False: the server did not close it. */
  closeIndex(target: string, signal: AbortSignal): Promise<boolean>
  /** Uuid of the snapshot of that name as the server sees it now; null: there is none. */
  snapshotUuid(repository: string, snapshot: string, signal: AbortSignal): Promise<string | null>
  /** Idempotent. */
  deleteIndex(target: string, signal: AbortSignal): Promise<void>
  /** Null while it lives; once its process has ended, what it said last. */
  death(): string | null
  /** Rejects with `engine-died` when the process ends without our asking; never resolves. */
  readonly died: Promise<never>
  /** Last lines of its log, newest last. */
  logTail(lines: number): string[]
  /** Kills the process with its children and removes its folders. Idempotent; never rejects. */
  stop(): Promise<void>
}
