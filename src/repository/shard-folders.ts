/**
 * Where the blobs of a shard lie. Pure.
 *
 *     fixed          <base path>/indices/<id>/<shard>/
 *     hashed_prefix  <P><H>/<base path>/indices/<id>/<shard>/
 *     hashed_infix   <base path>/<P><H>/indices/<id>/<shard>/
 *
 * H comes from shard and index id; P is a setting of the cluster (`cluster.snapshot.shard.path.prefix`, usually empty) that
 * only the blobs of `snapshot_shard_paths/` tell. A folder outside the base path is written with a leading slash, which
 * counts from the root of the bucket (blobs/port.ts).
 *
 * Source: opensearch-project/OpenSearch: server/src/main/java/org/opensearch/index/remote/{RemoteStoreEnums,
 * RemoteStorePathStrategy, RemoteStoreUtils}.java, …/snapshots/SnapshotShardPaths.java @ 3.3.0
 */
import type { IndexEntry, IndexId } from '../model/repository.ts'
import { isSafeSegment } from './names.ts'

/** Where the blobs are that state the paths of each index. */
export const statedPathsFolder = 'snapshot_shard_paths/'

/** `IndexEntry.shardPathType`. */
export const pathTypes = { fixed: 0, hashedPrefix: 1, hashedInfix: 2 } as const

export interface ShardPaths {
  /** P; ends without a slash unless the setting does. */
  readonly prefix: string
  /** Of the repository inside its bucket, without slashes at the ends; empty at the root and where there is no bucket. */
  readonly basePath: string
}

const offsetBasis = 0xcbf29ce484222325n
const prime = 0x100000001b3n
const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** H: FNV-1a of `<shard><index id>`, its top six bits as a letter, the next fourteen as digits. */
export function hashOfShard(id: IndexId, shard: number): string {
  let hash = offsetBasis
  for (const byte of Buffer.from(`${shard}${id}`)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * prime)
  const bits = (hash >> 44n) & 0x3fffn
  return `${characters[Number(hash >> 58n)]}${bits.toString(2).padStart(14, '0')}`
}

/** Null for a path type that no server known to us writes. Without a slash at the end. */
export function folderOfShard(
  index: Pick<IndexEntry, 'id' | 'shardPathType'>,
  shard: number,
  { prefix, basePath }: ShardPaths,
): string | null {
  const inside = `indices/${index.id}/${shard}`
  switch (index.shardPathType) {
    case pathTypes.fixed:
      return inside
    case pathTypes.hashedPrefix: {
      const hashed = `${prefix}${hashOfShard(index.id, shard)}`
      return basePath === '' ? `${hashed}/${inside}` : `/${hashed}/${basePath}/${inside}`
    }
    case pathTypes.hashedInfix:
      return `${prefix}${hashOfShard(index.id, shard)}/${inside}`
    default:
      return null
  }
}

/**
 * The same folder in a repository without base path, read by a server without prefix: where a mirror must put its blobs,
 * since the server goes by the path type in `index-N` and by its own settings.
 */
export function folderInMirror(folder: string, id: IndexId, shard: number): string {
  const fixed = `indices/${id}/${shard}`
  return folder === fixed ? fixed : `${hashOfShard(id, shard)}/${fixed}`
}

/** Folders of an index that a listing of `indices/` does not show, each ending with a slash, in the order of the shards. */
export function foldersOutside(shardFolders: readonly string[]): string[] {
  return shardFolders.filter(folder => !folder.startsWith('indices/')).map(folder => `${folder}/`)
}

/** What a blob of `snapshot_shard_paths/` says. */
export interface StatedPaths {
  readonly id: IndexId
  readonly prefix: string
}

/** Prefix of the keys that state the paths of one index; its name, shards and types follow. */
export function statedPathsKeys(id: IndexId): string {
  return `${statedPathsFolder}snapshot_path_${id}.`
}

/** Null where it is not understood: these blobs carry no checksum, and nothing that a restore reads. */
export function decodeStatedPaths(bytes: Buffer, basePath: string): StatedPaths | null {
  let root: unknown
  try {
    root = JSON.parse(bytes.toString('utf8'))
  } catch {
    return null
  }
  if (typeof root !== 'object' || root === null) return null
  const { indexId: id, paths } = root as { indexId?: unknown; paths?: unknown }
  const path: unknown = Array.isArray(paths) ? paths[0] : undefined
  if (typeof id !== 'string' || typeof path !== 'string') return null
  const at = path.indexOf(`${hashOfShard(id, 0)}/`)
  if (at < 0) return null
  const before = path.slice(0, at)
  const prefix = basePath !== '' && before.startsWith(`${basePath}/`) ? before.slice(basePath.length + 1) : before
  return isPrefix(prefix) ? { id, prefix } : null
}

/** Whoever writes the bucket writes it, and it becomes part of keys. */
function isPrefix(prefix: string): boolean {
  const segments = prefix.split('/')
  return segments.every((segment, i) => (segment === '' ? i === segments.length - 1 : isSafeSegment(segment)))
}
