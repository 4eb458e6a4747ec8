/** What a file's `stat` says, as a listed blob. */
import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import type { ListedBlob } from '../model/blob.ts'

/**
 * Opaque like any ETag; another one after every write, in place or by replacement. Not a checksum. The change time is part
 * of it because the modification time can be set back.
 */
export function etagOf(stats: BigIntStats): string {
  const identity = `${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`
  return `"${createHash('sha256').update(identity).digest('hex').slice(0, 32)}"`
}

export function listedFile(key: string, stats: BigIntStats): ListedBlob {
  return {
    key,
    bytes: Number(stats.size),
    etag: etagOf(stats),
    storageClass: 'STANDARD',
    modifiedMs: Number(stats.mtimeNs / 1_000_000n),
  }
}
