/**
 * The file entries of `snap-<uuid>.dat` and `index-<generation>` of a shard.
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/index/snapshots/blobstore/BlobStoreIndexShardSnapshot.java
 * #FileInfo, …/index/store/StoreFileMetadata.java @ 9.5.3
 */
import type { FileEntry } from '../model/content.ts'
import { DecodeError } from './decode-error.ts'
import { badValue, count, get, list, object, text } from './fields.ts'
import { isBlobName, isLuceneFileName } from './names.ts'
import type { SmileObject, SmileValue } from './smile.ts'

/** Files in more parts than this are no files: it bounds the keys that one blob can claim. */
const maxParts = 1_000_000

export function decodeFiles(root: SmileObject): FileEntry[] {
  const files = list(root, 'files').map((value, i) => decodeFile(value, `files[${i}]`))
  let parts = 0
  for (const { bytes, partBytes } of files) if (partBytes !== null) parts += Math.ceil(bytes / partBytes)
  if (parts > maxParts) throw new DecodeError('bad-value', 0, `the files are in ${parts} parts, more than ${maxParts}`)
  return files
}

function decodeFile(value: SmileValue, path: string): FileEntry {
  const file = object(value, path)
  const name = text(file, 'name', `${path}.name`)
  if (!isBlobName(name)) throw badValue(`${path}.name`, 'a blob name', name)
  const physicalName = text(file, 'physical_name', `${path}.physical_name`)
  if (!isLuceneFileName(physicalName)) throw badValue(`${path}.physical_name`, 'a Lucene file name', physicalName)
  const bytes = count(file, 'length', `${path}.length`)
  const partBytes = partSize(file, path)
  if (partBytes !== null && bytes / partBytes > maxParts)
    throw new DecodeError('bad-value', 0, `${path}: ${bytes} bytes in parts of ${partBytes}`)
  const metaHash = get(file, 'meta_hash')
  if (metaHash !== undefined && !Buffer.isBuffer(metaHash)) throw badValue(`${path}.meta_hash`, 'bytes', metaHash)
  return {
    name,
    physicalName,
    bytes,
    checksum: checksum(file, path),
    partBytes,
    metaHash: metaHash === undefined || metaHash.length === 0 ? null : ownCopy(metaHash),
  }
}

/** So that a kept file keeps neither the whole blob nor a slab of Node's pool. */
function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}

/** Absent, zero or negative: not in parts. Java's largest long, a bigint here, is as good as none. */
function partSize(file: SmileObject, path: string): number | null {
  const value = get(file, 'part_size')
  if (value === undefined || typeof value === 'bigint') return null
  if (typeof value !== 'number') throw badValue(`${path}.part_size`, 'a number', value)
  return value > 0 ? value : null
}

/** Base 36 text of a CRC-32; `_na_` where a very old server wrote none. */
function checksum(file: SmileObject, path: string): number | null {
  const written = text(file, 'checksum', `${path}.checksum`)
  if (written === '_na_') return null
  const value = /^[0-9a-z]{1,7}$/.test(written) ? Number.parseInt(written, 36) : Number.NaN
  if (!(value <= 0xffffffff)) throw badValue(`${path}.checksum`, 'a CRC-32 in base 36', written)
  return value
}
