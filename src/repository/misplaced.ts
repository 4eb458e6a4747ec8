/**
 * Shard `snap-` blobs that belong to another shard: good by their CRC, of the right snapshot, and telling of files that
 * were never here. Nothing in the blob says which shard it is about; the shard generation does.
 */
import type { BlobReader } from '../blobs/port.ts'
import { isSnapproofError } from '../errors.ts'
import { blobParts, type FileEntry, type FileList } from '../model/content.ts'
import type { ShardGeneration } from './shard-generation.ts'

export interface PlacedCopy {
  /** Name of the snapshot. */
  readonly name: string
  /** Null: not readable, or not read. */
  readonly files: FileList | null
}

/**
 * Positions of the copies that are not of this shard: the generation lists the snapshot and knows none of its files. Where that is so of every copy, the store is asked which of the two has its blobs here.
 */
export async function findMisplaced(
  generation: ShardGeneration,
  copies: readonly PlacedCopy[],
  folder: string,
  blobs: BlobReader,
  signal: AbortSignal,
): Promise<ReadonlySet<number>> {
  const known = new Set(generation.files.map(identityOf))
  const strangers = new Set<number>()
  const strangeFiles: FileEntry[] = []
  let natives = 0
  copies.forEach(({ name, files }, position) => {
    if (files === null || files.files.length === 0 || !generation.snapshots.has(name)) return
    if (files.files.some(file => known.has(identityOf(file)))) natives++
    else {
      strangers.add(position)
      const real = files.files.find(file => !file.name.startsWith('v__'))
      if (real !== undefined) strangeFiles.push(real)
    }
  })
  if (strangers.size === 0 || natives > 0) return strangers
  for (const file of strangeFiles.slice(0, 3)) if (await isThere(file, folder, blobs, signal)) return new Set()
  const own = generation.files.find(file => !file.name.startsWith('v__'))
  return own !== undefined && (await isThere(own, folder, blobs, signal)) ? strangers : new Set()
}

/** Old servers number the blobs of each shard, so that the name alone is not enough. */
function identityOf({ name, physicalName, bytes, checksum }: FileEntry): string {
  return `${name} ${physicalName} ${bytes} ${checksum}`
}

async function isThere(file: FileEntry, folder: string, blobs: BlobReader, signal: AbortSignal): Promise<boolean> {
  const key = blobParts(file, folder)[0]?.key
  if (key === undefined) return false
  try {
    return (await blobs.head(key, { signal })) !== null
  } catch (error) {
    signal.throwIfAborted()
    if (isSnapproofError(error)) return false
    throw error
  }
}
