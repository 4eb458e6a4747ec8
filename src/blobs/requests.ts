/** What both drivers check of a request, and how they gather a body. */
import { SnapproofError } from '../errors.ts'
import { billedClass, type ReadUsage } from '../model/cost.ts'
import { printableKey } from './keys.ts'
import type { BlobBody, GetOptions, RequestCounts } from './port.ts'

/** @throws SnapproofError `internal` when start or length is not a count of bytes */
export function requireRange({ start = 0, length }: GetOptions): {
  readonly start: number
  readonly length: number | null
} {
  for (const [name, value] of [
    ['start', start],
    ['length', length ?? 0],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new SnapproofError('internal', `${name} of a range must be a count of bytes, got ${value}`)
    }
  }
  return { start, length: length ?? null }
}

/** @throws SnapproofError `internal`: keys that are written are made by this program */
export function requireWritableKey(key: string, problem: string | null, url: string): void {
  if (problem === null) return
  throw new SnapproofError('internal', `"${printableKey(key)}" cannot be a key in ${url}: ${problem}`)
}

/** @throws SnapproofError `too-large` before more than `maxBytes` are in memory; what the body throws */
export async function collect(
  blob: BlobBody,
  maxBytes: number,
  what: string,
): Promise<{ readonly bytes: Buffer; readonly etag: string | null }> {
  const body = blob.body[Symbol.asyncIterator]()
  try {
    if (blob.bytes > maxBytes) {
      throw new SnapproofError(
        'too-large',
        `${what} stopped: it is ${blob.bytes} bytes long, at most ${maxBytes} are allowed`,
      )
    }
    const chunks: Buffer[] = []
    for (let next = await body.next(); next.done !== true; next = await body.next()) chunks.push(next.value)
    return { bytes: Buffer.concat(chunks), etag: blob.etag }
  } finally {
    // Closes the connection even when nothing was read.
    await body.return?.()
  }
}

/** Counts what an object of this class brought; STANDARD is everything that is not counted here. */
export function countRead(counts: RequestCounts | undefined, storageClass: string | undefined, read: ReadUsage): void {
  const name = billedClass(storageClass)
  if (counts?.reads === undefined || name === 'STANDARD') return
  const before = counts.reads[name] ?? { requests: 0, bytes: 0 }
  counts.reads[name] = { requests: before.requests + read.requests, bytes: before.bytes + read.bytes }
}
