/**
 * Reads metadata blobs for the catalogue: bounded concurrency, a second look before anybody is accused, and a bounded
 * memory of what was decoded, so that reading an index again costs little.
 */
import pLimit from 'p-limit'
import type { BlobReader } from '../blobs/port.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import type { Fault } from '../model/content.ts'
import type { Reason } from '../model/verdict.ts'
import { DecodeError } from './decode-error.ts'
import { LruCache } from './lru-cache.ts'

/** One blob: its value, or why there is none. */
export type MetadataRead<T> = { readonly ok: true; readonly value: T; readonly etag: string | null } | MetadataFailure

export interface MetadataFailure {
  readonly ok: false
  readonly code: 'missing-metadata-blob' | 'corrupt-metadata-blob' | 'archived-blob' | 'unreadable-blob'
  /** Not null: not the repository's fault, nobody is accused. */
  readonly ours: Reason | null
  readonly offset: number | null
  readonly message: string
}

export type Decode<T> = (bytes: Buffer, maxInflatedBytes: number) => T

export interface MetadataReaderOptions {
  /** Blobs read at once. */
  readonly concurrency: number
  /** Longest metadata blob, in the store and inflated. */
  readonly maxBytes: number
  /** Length of the blobs whose values are kept. */
  readonly cacheBytes: number
}

interface Attempt<T> {
  readonly read: MetadataRead<T>
  /** Of a failed decoding, to see whether two reads gave the same. */
  readonly bytes: Buffer | null
}

export class MetadataReader {
  private readonly blobs: BlobReader
  private readonly options: MetadataReaderOptions
  private readonly limit: ReturnType<typeof pLimit>
  private readonly cache: LruCache<MetadataRead<unknown>>

  constructor(blobs: BlobReader, options: MetadataReaderOptions) {
    this.blobs = blobs
    this.options = options
    this.limit = pLimit(options.concurrency)
    this.cache = new LruCache(options.cacheBytes)
  }

  /**
   * Never rejects for what the repository holds or what the store says; only when `signal` aborts, with its reason.
   * Good values are kept by key: metadata blobs are never written twice under one name.
   */
  async read<T>(key: string, decode: Decode<T>, signal: AbortSignal): Promise<MetadataRead<T>> {
    const kept = this.cache.get(key) as MetadataRead<T> | undefined
    if (kept !== undefined) return kept
    return this.limit(async () => {
      signal.throwIfAborted()
      const first = await this.attempt(key, decode, signal)
      if (first.read.ok) return first.read
      return await this.secondLook(key, decode, first, signal)
    })
  }

  private async secondLook<T>(
    key: string,
    decode: Decode<T>,
    first: Attempt<T>,
    signal: AbortSignal,
  ): Promise<MetadataRead<T>> {
    if (first.read.ok || first.read.ours !== null || first.read.code === 'archived-blob') return first.read
    const second = await this.attempt(key, decode, signal)
    if (second.read.ok || second.read.ours !== null) return second.read
    const same =
      first.bytes === null || second.bytes === null ? first.bytes === second.bytes : first.bytes.equals(second.bytes)
    if (same) return second.read
    return {
      ...second.read,
      code: 'corrupt-metadata-blob',
      ours: 'unstable-read',
      message: `two reads differ: ${second.read.message}`,
    }
  }

  private async attempt<T>(key: string, decode: Decode<T>, signal: AbortSignal): Promise<Attempt<T>> {
    let bytes: Buffer | null = null
    try {
      const got = await this.blobs.read(key, { maxBytes: this.options.maxBytes, signal })
      bytes = got.bytes
      const read = { ok: true, value: decode(bytes, this.options.maxBytes), etag: got.etag } as const
      this.cache.set(key, read, bytes.length)
      return { read, bytes }
    } catch (error) {
      signal.throwIfAborted()
      return { read: judge(error), bytes }
    }
  }
}

function judge(error: unknown): MetadataFailure {
  const message = describeError(error)
  const failure = (code: MetadataFailure['code'], ours: Reason | null, offset: number | null = null) =>
    ({ ok: false, code, ours, offset, message }) as const
  if (error instanceof DecodeError) {
    if (error.kind === 'unknown-layout') return failure('corrupt-metadata-blob', 'layout-not-supported', error.offset)
    if (error.kind === 'too-large') return failure('corrupt-metadata-blob', 'not-read', error.offset)
    return failure('corrupt-metadata-blob', null, error.offset)
  }
  if (isSnapproofError(error, 'not-found'))
    return { ...failure('missing-metadata-blob', null), message: 'it is not there' }
  if (isSnapproofError(error, 'archived')) return failure('archived-blob', null)
  // index-N of the same repository was given: it is about this blob, its key or its owner.
  if (isSnapproofError(error, 'access-denied')) return failure('unreadable-blob', null)
  if (isSnapproofError(error, 'changed')) return failure('corrupt-metadata-blob', 'unstable-read')
  if (isSnapproofError(error, 'unavailable', 'deadline')) return failure('missing-metadata-blob', 'store-unavailable')
  if (isSnapproofError(error)) return failure('missing-metadata-blob', 'not-read')
  throw error
}

/** The fault of a blob that could not be read. */
export function faultOf(read: MetadataFailure, where: Pick<Fault, 'key' | 'snapshots' | 'index' | 'shard'>): Fault {
  return { code: read.code, ours: read.ours, offset: read.offset, ...where, message: `${where.key}: ${read.message}` }
}
