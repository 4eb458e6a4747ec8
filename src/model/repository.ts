/**
 * What `index-N`, the root of a snapshot repository, says. Values only.
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/repositories/RepositoryData.java @ 9.5.3
 */

/** 22 characters of URL-safe base64; snapshots of very old servers carry their name here. */
export type SnapshotUuid = string
/** The repository's own id of an index *name*: the folder under `indices/`. Not the index UUID of the cluster. */
export type IndexId = string

export interface RepositoryIdentity {
  /** Null before format 7.12 and on OpenSearch. */
  readonly uuid: string | null
  /** Cluster that wrote last; null before format 7.12 and on OpenSearch. */
  readonly clusterId: string | null
  /** The N of the `index-N` that was read; -1 for an empty repository. */
  readonly generation: number
  /** `min_version` as written: `7.6.0`, `7.9.0`, `7.12.0`; null where absent (before 7.6, and OpenSearch from 2.4). */
  readonly format: string | null
}

export type SnapshotState = 'IN_PROGRESS' | 'SUCCESS' | 'FAILED' | 'PARTIAL' | 'INCOMPATIBLE'

export interface SnapshotEntry {
  readonly name: string
  readonly uuid: SnapshotUuid
  /** Null where `index-N` does not say; the root `snap-` blob does. */
  readonly state: SnapshotState | null
  /** Product version `x.y.z`; from 8.11 on the constant `8.11.0`, then see `indexVersion`. */
  readonly version: string | null
  /** IndexVersion id, 8.11 and later. */
  readonly indexVersion: number | null
  /** UTC epoch milliseconds; null before 7.14. */
  readonly startedMs: number | null
  readonly endedMs: number | null
  /** Null unknown, empty string: not made by SLM. */
  readonly slmPolicy: string | null
}

export interface IndexEntry {
  readonly name: string
  readonly id: IndexId
  /** Positions in `RepositoryData.snapshots`, ascending. */
  readonly snapshots: Int32Array
  /** By shard number over all incarnations of the name; may be shorter than a snapshot's shard count. */
  readonly shardGenerations: readonly (string | null)[]
  /** OpenSearch 2.17 and later: 0 fixed, 1 hashed_prefix, 2 hashed_infix. */
  readonly shardPathType: number
}

export interface RepositoryData {
  readonly identity: RepositoryIdentity
  /** In the order of `index-N`. */
  readonly snapshots: readonly SnapshotEntry[]
  /** In the order of their folders: ascending by `id` and a slash, compared as bytes. */
  readonly indices: readonly IndexEntry[]
  /**
   * Blob id X of `indices/<id>/meta-X.dat` for one index in one snapshot (positions), by the identifiers of 7.9 and
   * later, else the snapshot's uuid. Null: the identifier is named but not defined, a `dangling-reference`.
   */
  indexMetadataBlobId(snapshot: number, index: number): string | null
}
