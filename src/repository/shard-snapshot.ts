/**
 * `indices/<id>/<shard>/snap-<uuid>.dat`: the files of one shard in one snapshot, and all that a restore reads of it.
 * `number_of_files` and `total_size` in it are of what the snapshot added; totals come from the files.
 */
import type { FileEntry } from '../model/content.ts'
import { badValue, text } from './fields.ts'
import { decodeMetadataBlob } from './framing.ts'
import { decodeFiles } from './shard-files.ts'

export interface ShardSnapshot {
  /** Name of the snapshot. */
  readonly name: string
  readonly files: readonly FileEntry[]
}

export function decodeShardSnapshot(bytes: Buffer, maxInflatedBytes?: number): ShardSnapshot {
  const root = decodeMetadataBlob(bytes, ['snapshot'], maxInflatedBytes)
  const files = decodeFiles(root)
  const names = new Set<string>()
  for (const { physicalName } of files) {
    if (names.has(physicalName)) throw badValue('files', 'each file once', physicalName)
    names.add(physicalName)
  }
  return { name: text(root, 'name'), files }
}
