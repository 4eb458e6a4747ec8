/**
 * `indices/<id>/<shard>/index-<generation>`: all files and all snapshots of one shard. Servers need it to write and
 * delete snapshots, not to restore one.
 * Source: elastic/elasticsearch: …/index/snapshots/blobstore/BlobStoreIndexShardSnapshots.java @ 9.5.3
 */
import type { FileEntry } from '../model/content.ts'
import { badValue, get, object, texts } from './fields.ts'
import { decodeMetadataBlob } from './framing.ts'
import { decodeFiles } from './shard-files.ts'

export interface ShardGeneration {
  readonly files: readonly FileEntry[]
  /** By snapshot *name*: positions in `files`. */
  readonly snapshots: ReadonlyMap<string, Int32Array>
}

export function decodeShardGeneration(bytes: Buffer, maxInflatedBytes?: number): ShardGeneration {
  const root = decodeMetadataBlob(bytes, ['snapshots'], maxInflatedBytes)
  const files = decodeFiles(root)
  const positions = new Map(files.map((file, i) => [file.name, i]))
  const snapshots = new Map<string, Int32Array>()
  for (const [name, value] of Object.entries(object(get(root, 'snapshots') ?? {}, 'snapshots'))) {
    const names = texts(object(value, `snapshots.${name}`), 'files', `snapshots.${name}.files`)
    const used = Int32Array.from(names, blob => {
      const position = positions.get(blob)
      if (position === undefined) throw badValue(`snapshots.${name}.files`, 'blobs that are in files', blob)
      return position
    })
    snapshots.set(name, used)
  }
  return { files, snapshots }
}
