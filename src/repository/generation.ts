/**
 * Which `index-N` is the newest, and does `index.latest` agree. The listing is the truth, as it is for the server.
 * Source: elastic/elasticsearch: …/repositories/blobstore/BlobStoreRepository.java#latestIndexBlobId @ 9.5.3
 */
import type { BlobReader } from '../blobs/port.ts'
import { isSnapproofError } from '../errors.ts'
import { DecodeError } from './decode-error.ts'
import { decodeIndexLatest } from './index-latest.ts'

const prefix = 'index-'
/** A root with more keys than this under `index-` is no repository. */
const maxListed = 100_000

/** Generations in the root, ascending; empty when there is no `index-N`. */
export async function listGenerations(blobs: BlobReader, signal: AbortSignal): Promise<number[]> {
  return listNumbers(blobs, prefix, signal)
}

/** Generation of the newest `index-N`; -1 when there is none, as the server counts. */
export async function currentGeneration(blobs: BlobReader, signal: AbortSignal): Promise<number> {
  return (await listGenerations(blobs, signal)).at(-1) ?? -1
}

/** Newest numeric generation in a shard folder: the layout before 7.6. Null where there is none. */
export async function newestShardGeneration(
  blobs: BlobReader,
  folder: string,
  signal: AbortSignal,
): Promise<number | null> {
  return (await listNumbers(blobs, `${folder}/${prefix}`, signal)).at(-1) ?? null
}

async function listNumbers(blobs: BlobReader, keyPrefix: string, signal: AbortSignal): Promise<number[]> {
  const numbers: number[] = []
  let listed = 0
  for await (const { key } of blobs.list(keyPrefix, { depth: 'root', signal })) {
    if (++listed > maxListed) break
    const suffix = key.slice(keyPrefix.length)
    if (/^\d{1,15}$/.test(suffix)) numbers.push(Number(suffix))
  }
  return numbers.sort((a, b) => a - b)
}

/** What `index.latest` says; null where it is switched off; a sentence where it is broken. */
export async function readIndexLatest(blobs: BlobReader, signal: AbortSignal): Promise<number | null | string> {
  try {
    const { bytes } = await blobs.read('index.latest', { maxBytes: 1024, signal })
    return decodeIndexLatest(bytes)
  } catch (error) {
    if (isSnapproofError(error, 'not-found')) return null
    if (isSnapproofError(error, 'too-large')) return 'index.latest is longer than 1024 bytes'
    if (error instanceof DecodeError) return `index.latest has ${error.message}`
    // Whoever reads the repository by it meets the same.
    if (isSnapproofError(error, 'archived', 'access-denied')) return `index.latest cannot be read: ${error.message}`
    throw error
  }
}
