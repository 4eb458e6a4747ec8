/**
 * One file by its bytes: by an earlier proof, by the store's own sum, else by reading, streamed. Nothing is kept but one number.
 *
 * A wrong sum is read again: the same one twice accuses the repository, two different ones accuse nobody. A sum of the store
 * accuses nobody: the blob is read.
 */
import { crc32 } from 'node:zlib'
import type { BlobReader } from '../blobs/port.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import type { BlobPart, FileEntry } from '../model/content.ts'
import type { FindingCode } from '../model/finding.ts'
import type { Reason } from '../model/verdict.ts'
import { expectedCrc32 } from '../repository/checksum.ts'
import { isoTime } from '../time.ts'
import { isDue, msOfDay } from './memory.ts'
import type { ByteProof, ByteResult, ShortDigest } from './memoryFormat.ts'

/** CRC-32 of a whole file by the store's own sums of its objects; null where it has none that counts. */
export type StoredSum = (
  parts: readonly BlobPart[],
  signal: AbortSignal,
) => Promise<{
  readonly crc32: number
  readonly method: 'store-computed' | 'store-recorded'
  readonly computedMs: number
} | null>

export interface FileProofOptions {
  readonly blobs: BlobReader
  /** Counted down while reading; null: no limit. */
  readonly budget: {
    bytesLeft: number | null
    readonly isOver: () => boolean
    readonly affords?: (file: DueFile) => boolean
  }
  readonly storedSum?: StoredSum
  /** Earlier proofs of this index. */
  readonly known: ReadonlyMap<ShortDigest, ByteProof>
  readonly renewAfterMs: number
  readonly nowMs: number
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

interface Proven {
  readonly state: 'good'
  readonly result: Exclude<ByteResult, 'bad'>
  readonly provenMs: number
  readonly remembered: boolean
  /** The objects that were proven are not the listed ones: good tonight, and not to be remembered. */
  readonly others?: boolean
}
interface Bad {
  readonly state: 'bad'
  readonly code: FindingCode
  readonly key: string
  readonly message: string
  /** As in `Proven`. */
  readonly others?: boolean
  /** Not looked at this time. */
  readonly remembered?: boolean
}
export type FileState = Proven | Bad | { readonly state: 'unknown'; readonly reason: Reason }

/** A file that is about to be read. */
export interface DueFile {
  readonly bytes: number
  /** Objects. */
  readonly requests: number
  readonly storageClass: string
}

export interface NeededFile {
  readonly shard: number
  readonly file: FileEntry
  readonly parts: readonly BlobPart[]
  readonly key: ShortDigest
  readonly witness: ShortDigest | null
  /** ETag of each part as listed. */
  readonly etags: readonly (string | null)[]
  /** Of its first part, as listed. */
  readonly storageClass: string
  /** Positions of the snapshots that need it, asked for or not: what is bad is bad for all of them. */
  readonly snapshots: Set<number>
}

export async function proveFile(needed: NeededFile, options: FileProofOptions): Promise<FileState> {
  const { file, parts, key, witness } = needed
  if (file.checksum === null) return { state: 'unknown', reason: 'not-verifiable-here' } // Lucene recorded none
  const { signal, nowMs, renewAfterMs } = options
  const before = options.known.get(key)
  const known = before !== undefined && witness !== null && before.witness === witness ? before : null
  if (known?.result === 'bad') {
    // Looked at again whatever it costs: no limit, no sum of the store and no trouble of ours hides it.
    const again = await readFile(needed, true, options)
    return again.state === 'unknown' ? badBefore(needed, known.day) : again
  }
  if (known !== null) {
    const provenMs = Math.min(msOfDay(known.day), nowMs)
    if (!isDue(key, provenMs, nowMs, renewAfterMs))
      return { state: 'good', result: known.result, provenMs, remembered: true }
  }
  const stored = await options.storedSum?.(parts, signal)
  if (stored?.crc32 === expectedCrc32(file.checksum) && nowMs - stored.computedMs < renewAfterMs)
    return {
      state: 'good',
      result: stored.method,
      provenMs: Math.min(stored.computedMs, nowMs),
      remembered: false,
    }
  return await readFile(needed, false, options)
}

/** A wrong sum is read once more before anybody is accused: what was begun is ended, whatever the limits say. */
async function readFile(needed: NeededFile, unlimited: boolean, options: FileProofOptions): Promise<FileState> {
  const { file, parts } = needed
  const { budget, signal, nowMs } = options
  const expected = expectedCrc32(file.checksum ?? 0)
  let last: number | null = null
  let others = false
  for (let attempt = 1; attempt <= 2; attempt++) {
    signal.throwIfAborted()
    const tooMuch = !unlimited && budget.bytesLeft !== null && budget.bytesLeft < file.bytes
    const due = { bytes: file.bytes, requests: parts.length, storageClass: needed.storageClass }
    if (attempt === 1 && (budget.isOver() || tooMuch || (!unlimited && budget.affords?.(due) === false)))
      return { state: 'unknown', reason: 'limit-reached' }
    if (budget.bytesLeft !== null) budget.bytesLeft -= file.bytes
    const read = await readSum(needed, options)
    if ('state' in read) return read
    const { sum } = read
    others = read.others
    if (sum === expected) return { state: 'good', result: 'read', provenMs: nowMs, remembered: false, others }
    if (last !== null && last !== sum) return { state: 'unknown', reason: 'unstable-read' }
    last = sum
  }
  const first = parts[0]?.key ?? ''
  const names = parts.length === 1 ? first : `the ${parts.length} parts from ${first} on`
  const message = `CRC-32 of ${names} is ${hex(last ?? 0)}, recorded is ${hex(expected)}; the same when read again`
  return { state: 'bad', code: 'corrupt-data-blob', key: first, message, others }
}

function badBefore({ parts }: NeededFile, day: number): FileState {
  const key = parts[0]?.key ?? ''
  return { state: 'bad', code: 'corrupt-data-blob', key, message: badBeforeMessage(key, day), remembered: true }
}

export function badBeforeMessage(key: string, day: number): string {
  return `${key} had a wrong CRC-32 on ${isoTime(msOfDay(day)).slice(0, 10)}, twice, and this run did not get to read it again`
}

/** CRC-32 over all parts in order. */
async function readSum(
  { parts, etags }: NeededFile,
  options: FileProofOptions,
): Promise<{ readonly sum: number; readonly others: boolean } | FileState> {
  let sum = 0
  let others = false
  for (const [i, part] of parts.entries()) {
    try {
      const { body, etag } = await options.blobs.get(part.key, { signal: options.signal })
      if (etag !== etags[i]) others = true
      let bytes = 0
      for await (const chunk of body) {
        bytes += chunk.length
        // A longer object is no reason to read for ever.
        if (bytes > part.bytes) break
        sum = crc32(chunk, sum)
        options.onBytes(chunk.length)
      }
      if (bytes !== part.bytes) {
        const message = `${part.key} gave ${bytes > part.bytes ? 'more than ' : ''}${Math.min(bytes, part.bytes)} bytes, expected ${part.bytes}`
        return { state: 'bad', code: 'wrong-length', key: part.key, message }
      }
    } catch (error) {
      return stateOfError(error, part, options.signal)
    }
  }
  return { sum, others }
}

function stateOfError(error: unknown, { key }: BlobPart, signal: AbortSignal): FileState {
  if (signal.aborted) throw error
  const message = `${key}: ${describeError(error)}`
  if (isSnapproofError(error, 'not-found')) return { state: 'bad', code: 'missing-data-blob', key, message }
  if (isSnapproofError(error, 'archived')) return { state: 'bad', code: 'archived-blob', key, message }
  if (isSnapproofError(error, 'access-denied')) return { state: 'bad', code: 'unreadable-blob', key, message }
  if (isSnapproofError(error)) return { state: 'unknown', reason: 'store-unavailable' }
  throw error
}

function hex(sum: number): string {
  return sum.toString(16).padStart(8, '0')
}
