/** The port to the mirror: the blobs that a group needs, laid out as a read-only `fs` repository. */
import type { Fault } from '../model/content.ts'
import type { SnapshotUuid } from '../model/repository.ts'

export interface MirrorPart {
  /** Where the source has it. */
  readonly key: string
  readonly bytes: number | null
  /** Where the mirror must have it, when that is elsewhere: a hashed shard folder of another base path or prefix. */
  readonly path?: string
}

/** A file or a metadata blob that must be there; several parts for a split file, in order. */
export interface MirrorItem {
  readonly parts: readonly MirrorPart[]
  /** CRC-32 of all parts together; null where nothing says it. */
  readonly crc32: number | null
  /** For faults. */
  readonly snapshots: readonly SnapshotUuid[]
  readonly index: string | null
  readonly shard: number | null
}

export interface MirrorResult {
  readonly bytes: number
  readonly requests: number
  readonly seconds: number
  /** Items that are not good, twice fetched: the repository is to blame unless `ours` is set. */
  readonly faults: readonly { readonly item: MirrorItem; readonly fault: Fault }[]
}

export interface Mirror {
  /** Absolute path; what the engine registers. */
  readonly folder: string
  /** Fetches what is not there yet, each blob once, CRC-32 while streaming; a bad one is fetched again before it is a fault. */
  fetch(items: readonly MirrorItem[], signal: AbortSignal): Promise<MirrorResult>
  /** Reads the local copies again; returns items whose local bytes are wrong (our own disk) and drops those copies. */
  verify(items: readonly MirrorItem[], signal: AbortSignal): Promise<MirrorItem[]>
  /** Bytes of the disk that may be used. */
  freeBytes(): Promise<number>
  /** Removes local copies. */
  drop(items: readonly MirrorItem[]): Promise<void>
  /** Removes everything. */
  close(): Promise<void>
}
