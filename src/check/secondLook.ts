/** Whatever the listing does not show as it must be is asked for by name before anybody is accused. */
import pLimit from 'p-limit'
import type { BlobReader } from '../blobs/port.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import type { ListedBlob } from '../model/blob.ts'
import type { CheckOptions } from './check.ts'
import type { Doubt, SecondLook } from './checkIndex.ts'
import { judgeReadable } from './readable.ts'

/** Asks for each doubtful blob by name: a listing may be older than the metadata. */
export async function lookAgain(
  doubts: readonly Doubt[],
  { blobs, requests, nowMs, signal }: CheckOptions,
): Promise<Map<string, SecondLook>> {
  const limit = pLimit(requests)
  const looks = await Promise.all(
    doubts.map(doubt => limit(async () => [doubt.key, await lookAt(doubt, blobs, nowMs, signal)] as const)),
  )
  return new Map(looks)
}

async function lookAt(doubt: Doubt, blobs: BlobReader, nowMs: number, signal: AbortSignal): Promise<SecondLook> {
  try {
    const blob: ListedBlob | null = await blobs.head(doubt.key, { signal })
    if (blob === null) return { state: 'missing' }
    if (blob.bytes !== doubt.bytes) return { state: 'wrong-length', bytes: blob.bytes }
    // An archived object may have been thawed, a key may be allowed again: reading one byte tells.
    const isDoubtful = doubt.kind === 'unreadable' || judgeReadable(blob, nowMs).state !== 'readable'
    if (isDoubtful && doubt.bytes > 0) {
      const { body } = await blobs.get(doubt.key, { start: 0, length: 1, signal })
      for await (const _ of body) break
    }
    return { state: 'fine', blob }
  } catch (error) {
    if (signal.aborted) throw error
    if (isSnapproofError(error, 'archived')) return { state: 'archived' }
    if (isSnapproofError(error, 'not-found')) return { state: 'missing' }
    if (isSnapproofError(error, 'access-denied')) return { state: 'unreadable', message: describeError(error) }
    return { state: 'unknown', message: describeError(error) }
  }
}
