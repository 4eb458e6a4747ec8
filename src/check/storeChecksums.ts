/**
 * The byte proof that downloads nothing: CRC-32s that the store itself has of whole objects.
 *
 * - `store-computed`: from reports of the job "Compute checksum" (checksumReport.ts); the store read the bytes at rest.
 * - `store-recorded`: what was computed at upload, asked by HEAD of those objects only whose listing says that they have it.
 *
 * A sum that differs from the expected one accuses nobody: whoever asked reads the object then.
 */
import type { BlobReader } from '../blobs/port.ts'
import { isSnapproofError } from '../errors.ts'
import type { ListedBlob } from '../model/blob.ts'
import type { BlobPart } from '../model/content.ts'
import { combineCrc32 } from '../model/crc32.ts'
import type { ChecksumReport } from './checksumReport.ts'

/** CRC-32 of a whole object, or of the objects of one file in order. */
export interface StoreSum {
  readonly crc32: number
  readonly method: 'store-computed' | 'store-recorded'
  /** The bytes had it then. UTC epoch milliseconds. */
  readonly computedMs: number
}

export interface StoreSums {
  /** `blob` as it is listed now. Null: the store has no sum of it that counts; nobody could be asked; it changed. */
  sumOf(key: string, blob: ListedBlob, signal: AbortSignal): Promise<StoreSum | null>
}

export interface StoreSumsOptions {
  readonly reader: BlobReader
  /** In any order; the youngest that knows an object speaks. */
  readonly reports: readonly ChecksumReport[]
  /** Whether to HEAD objects that have a recorded sum. */
  readonly recorded: boolean
}

/** Refusals in a row after which HEAD for checksums is given up: it wants kms:Decrypt, which an identity has or has not. */
const maxRefusals = 5

export function storeSums({ reader, reports, recorded }: StoreSumsOptions): StoreSums {
  const youngestFirst = [...reports].sort((a, b) => b.computedMs - a.computedMs)
  let refusals = 0

  function computed(key: string, blob: ListedBlob): StoreSum | null {
    const fullKey = keyInBucket(reader, key)
    if (fullKey === null || blob.etag === null) return null
    for (const report of youngestFirst) {
      // An object that says no time may be younger than any report.
      if (blob.modifiedMs <= 0 || blob.modifiedMs >= report.computedMs) continue
      const crc32 = report.sumOf(fullKey, blob.etag)
      if (crc32 !== null) return { crc32, method: 'store-computed', computedMs: report.computedMs }
    }
    return null
  }

  async function atUpload(key: string, blob: ListedBlob, signal: AbortSignal): Promise<StoreSum | null> {
    if (!recorded || refusals >= maxRefusals || !hasRecordedCrc32(blob) || blob.etag === null) return null
    let head: ListedBlob | null
    try {
      head = await reader.head(key, { checksum: true, signal })
    } catch (error) {
      signal.throwIfAborted()
      if (isSnapproofError(error, 'access-denied')) refusals++
      else if (!isSnapproofError(error, 'unavailable')) throw error
      return null
    }
    refusals = 0
    if (head === null || head.etag !== blob.etag || head.bytes !== blob.bytes || !hasRecordedCrc32(head)) return null
    const crc32 = head.checksum?.crc32 ?? null
    return crc32 === null ? null : { crc32, method: 'store-recorded', computedMs: head.modifiedMs }
  }

  return {
    async sumOf(key, blob, signal) {
      signal.throwIfAborted()
      return computed(key, blob) ?? (await atUpload(key, blob, signal))
    },
  }
}

/** The listing, or HEAD, says that a CRC-32 of the whole object was recorded. */
export function hasRecordedCrc32({ checksum }: ListedBlob): boolean {
  return checksum !== undefined && checksum.type === 'FULL_OBJECT' && checksum.algorithms.includes('CRC32')
}

/**
 * The sum of a file from those of its objects: null unless each has one and is listed with the length that it should have.
 * Method and time are those of the weakest and the oldest.
 */
export function storedSumOfFile(
  sums: StoreSums,
  listed: (key: string) => ListedBlob | undefined,
): (parts: readonly BlobPart[], signal: AbortSignal) => Promise<StoreSum | null> {
  return async (parts, signal) => {
    let whole: StoreSum | null = null
    for (const { key, bytes } of parts) {
      const blob = listed(key)
      if (blob === undefined || blob.bytes !== bytes) return null
      const sum = await sums.sumOf(key, blob, signal)
      if (sum === null) return null
      whole = whole === null ? sum : joined(whole, sum, bytes)
    }
    return whole
  }
}

function joined(first: StoreSum, second: StoreSum, secondBytes: number): StoreSum {
  return {
    crc32: combineCrc32(first.crc32, second.crc32, secondBytes),
    method: first.method === 'store-recorded' ? first.method : second.method,
    computedMs: Math.min(first.computedMs, second.computedMs),
  }
}

function keyInBucket({ basePath }: BlobReader, key: string): string | null {
  if (basePath === null) return null
  if (key.startsWith('/')) return key.slice(1)
  return basePath === '' ? key : `${basePath}/${key}`
}
