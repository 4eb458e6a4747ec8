/** Shard copies and contents: what a restore of one index from one snapshot must yield. */
import type { FindingCode } from './finding.ts'
import type { IndexId, SnapshotUuid } from './repository.ts'
import type { Reason } from './verdict.ts'

/** One object that a file consists of. */
export interface BlobPart {
  /** Relative to the repository's base path. */
  readonly key: string
  readonly bytes: number
}

/** One Lucene file of a shard, as the shard's `snap-` blob lists it. */
export interface FileEntry {
  /** Blob base name: `__…` real, `v__…` virtual (the bytes are in `metaHash`). */
  readonly name: string
  /** Lucene file name, such as `_0.cfs`. */
  readonly physicalName: string
  readonly bytes: number
  /** CRC-32 of the file without its last 8 bytes, as Lucene recorded it; null where the server wrote none. */
  readonly checksum: number | null
  readonly partBytes: number | null
  /** Whole content of small files; null where absent. */
  readonly metaHash: Buffer | null
}

/**
 * The files of a shard in one or more snapshots; copies with equal files share one value.
 * `fingerprint` covers physical name, blob name, length and checksum of every file, sorted by physical name.
 */
export interface FileList {
  readonly fingerprint: string
  readonly files: readonly FileEntry[]
  /** Sum of the lengths of all files, virtual ones included: what `_recovery` calls total_in_bytes. */
  readonly bytes: number
  /** Documents by the commit: maxDoc − deletes − soft deletes over all segments, nested children included. */
  readonly luceneDocs: number | null
  readonly maxSeqNo: number | null
  /** `known`, or why the two numbers above are null. */
  readonly countStatus:
    | 'known'
    /** Neither the metadata nor a blob of a size that is read for it holds it. */
    | 'no-commit-in-metadata'
    /** It lies in a blob of its own, which could not be read, or does not carry its checksum. */
    | 'commit-not-readable'
    | 'unknown-segment-format'
    | 'empty-file-list'
    | 'inconsistent'
}

export type ShardCopyStatus =
  | 'complete'
  | 'failed-at-source'
  | 'missing-metadata'
  | 'corrupt-metadata'
  | 'not-read'
  | 'not-verifiable-here'

/** One shard of one index in one snapshot. */
export interface ShardCopy {
  readonly shard: number
  readonly status: ShardCopyStatus
  /** Null unless `complete`. */
  readonly files: FileList | null
  /** Its own `snap-` blob was not read this time (`KnownBlobs`). */
  readonly remembered?: boolean
}

/** What a mounted index says of the snapshot that holds its data; null where it does not say. */
export interface BackingSnapshot {
  /** As its cluster called it. */
  readonly repositoryName: string | null
  readonly repositoryUuid: string | null
  readonly snapshotName: string | null
  readonly snapshotUuid: SnapshotUuid | null
  readonly indexName: string | null
  readonly indexId: IndexId | null
}

/** What we need of an index metadata blob. */
export interface IndexMetadata {
  /** Of the index in the cluster that wrote it; null or absent where it is not said. */
  readonly uuid?: string | null
  /** Identifier by which `index-N` names this state of the index; null or absent before 7.9, or where there are several. */
  readonly identifier?: string | null
  readonly shardCount: number
  /** `index.version.created` as an id, such as 8536000 or 7172899. */
  readonly createdVersion: number | null
  readonly state: 'open' | 'close'
  readonly hidden: boolean
  readonly system: boolean
  /** `index.store.type` is `snapshot`: the data lies in the snapshot that the settings name. */
  readonly mounted: boolean
  /** Where the data of a mounted index lies; null or absent for all others. */
  readonly backing?: BackingSnapshot | null
  readonly hasNested: boolean
  /** A write alias has moved on to another index; absent: none has. */
  readonly rolledOver?: true
  readonly aliases: readonly string[]
  /** Flattened mapping: dotted field path → type (`object` where none is stated). Multi-fields as `a.b`. */
  readonly fields: ReadonlyMap<string, string>
  readonly settings: ReadonlyMap<string, string>
}

/** What a reader need not fetch: read before, good, and not changed since. Said by whoever remembers and has seen the listing. */
export interface KnownBlobs {
  /** What an index metadata blob says, as far as a check needs it; null: read it. */
  metadata(key: string): IndexMetadata | null
  /** Did the `snap-` blob of this shard and snapshot (position) list exactly the files with this fingerprint? */
  lists(shard: number, snapshot: number, fingerprint: string): boolean
}

/** One index in one snapshot: the unit that a restore proves. */
export interface IndexCopy {
  /** Position in `RepositoryData.snapshots`. */
  readonly snapshot: number
  /** Key of the index metadata blob; null where it cannot be resolved. */
  readonly metadataKey: string | null
  readonly metadata: IndexMetadata | null
  /** By shard number, one for each shard; empty when the metadata is not readable. */
  readonly shards: readonly ShardCopy[]
  /** Rests on blobs that were not read this time (`KnownBlobs`). */
  readonly remembered?: boolean
  /** sha-256 (32 hex digits) over metadata key, shard count and every shard's fingerprint; null unless all shards are complete. */
  readonly contentId: string | null
  /** Of a mounted index whose data is not in this repository, or not known to be: where it is, for people. */
  readonly backingElsewhere?: string
}

/** Something wrong that the reader met; `check/` turns it into a finding. */
export interface Fault {
  readonly code: FindingCode
  /** Not the repository's fault (throttled, interrupted): becomes inconclusive and never a finding. */
  readonly ours: Reason | null
  readonly key: string | null
  /** Byte offset in the blob, where a decoder stopped. */
  readonly offset: number | null
  /** Snapshots that need this blob. */
  readonly snapshots: readonly SnapshotUuid[]
  readonly index: string | null
  readonly shard: number | null
  readonly message: string
}

/** All that is known of one index over all snapshots; one at a time is in memory. */
export interface IndexRecord {
  /** Position in `RepositoryData.indices`. */
  readonly index: number
  readonly name: string
  readonly id: IndexId
  /** One for each snapshot that holds the index, in the order of `IndexEntry.snapshots`. */
  readonly copies: readonly IndexCopy[]
  /** Folder of each shard as `shardFolder` gives it; absent: `indices/<id>/<shard>`. */
  readonly shardFolders?: readonly string[]
  /** Metadata blobs that were read, with their keys and the snapshots (positions) that need each. */
  readonly metadataBlobs: readonly MetadataBlob[]
  readonly faults: readonly Fault[]
}

export interface MetadataBlob {
  readonly key: string
  readonly kind: 'root-snapshot' | 'global-metadata' | 'index-metadata' | 'shard-generation' | 'shard-snapshot'
  /** Positions of the snapshots that cannot be restored without it; empty for shard generations. */
  readonly neededBy: readonly number[]
  /** Of the good bytes that were read; absent where nothing was read, or nothing good. Null: the store gives none. */
  readonly etag?: string | null
}

/** System indices that a server restores together, by the name of what they belong to, and under their own names. */
export interface FeatureState {
  readonly name: string
  readonly indices: readonly string[]
}

/** Root `snap-<uuid>.dat`. */
export interface SnapshotInfo {
  readonly name: string
  readonly uuid: SnapshotUuid
  /** IndexVersion or product version id. */
  readonly versionId: number
  /** How many indices it names. */
  readonly indexCount: number
  readonly dataStreams: readonly string[]
  readonly state: string
  readonly includeGlobalState: boolean | null
  readonly startedMs: number
  readonly endedMs: number
  readonly totalShards: number
  readonly successfulShards: number
  readonly failures: readonly { readonly index: string; readonly shard: number; readonly reason: string }[]
  readonly features: readonly FeatureState[]
  /** OpenSearch: the data of some or all of its indices lies in a remote store. */
  readonly shallow: boolean
  /** OpenSearch from 2.17: it is a moment pinned in that store, and none of its shards has a blob here. */
  readonly pinned?: boolean
}

/** With what is compared and packed while it is read: kept for thousands of snapshots of thousands of indices it would fill the memory. */
export interface WholeSnapshotInfo extends SnapshotInfo {
  readonly indices: readonly string[]
  readonly indexDetails: ReadonlyMap<string, { readonly shardCount: number; readonly bytes: number }>
}

export interface SnapshotRecord {
  readonly snapshot: number
  /** Null where the root `snap-` blob could not be read. */
  readonly info: SnapshotInfo | null
  /** Indices that only one of the two names; absent: none. */
  readonly unmatched?: { readonly inSnapshot: boolean; readonly inIndexN: boolean }
  readonly metadataBlobs: readonly MetadataBlob[]
  readonly faults: readonly Fault[]
}

/** Where the blobs of a shard lie. A leading slash counts from the root of the bucket (OpenSearch's hashed prefixes). */
export function shardFolder({ id, shardFolders }: Pick<IndexRecord, 'id' | 'shardFolders'>, shard: number): string {
  return shardFolders?.[shard] ?? `indices/${id}/${shard}`
}

/** Real objects of a file list, each part with its exact length. `folder` is `indices/<id>/<shard>`. */
export function blobParts(file: FileEntry, folder: string): BlobPart[] {
  if (file.name.startsWith('v__')) return []
  const partBytes = file.partBytes ?? 0
  if (partBytes <= 0 || file.bytes <= partBytes) return [{ key: `${folder}/${file.name}`, bytes: file.bytes }]
  const count = 1 + Math.floor((file.bytes - 1) / partBytes)
  return Array.from({ length: count }, (_, part) => ({
    key: `${folder}/${file.name}.part${part}`,
    bytes: part < count - 1 ? partBytes : file.bytes - partBytes * (count - 1),
  }))
}
