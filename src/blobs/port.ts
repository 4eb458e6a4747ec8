/**
 * The ports to object stores. Contract, proven for every driver by test/contract/blobs.ts:
 *
 * - Keys are relative to the store's base path and use `/`. `list` is in ascending UTF-8 byte order of keys.
 * - A key or prefix that starts with `/` counts from the bucket's root instead, for reading only: OpenSearch puts shards beside
 *   the base path. What such a listing yields starts with `/` too. Where there is no bucket (`basePath` null) nothing has such a key.
 * - A missing key is `null` from `head` and `SnapproofError` `not-found` from `get` and `read`.
 * - Permanent errors: `no-such-bucket`, `access-denied`, `not-found`, `archived`, `changed`, `too-large`. Retried inside
 *   the driver until its deadline: throttling, 5xx, resets, timeouts; then `unavailable`.
 * - `get` resumes a body that dies with a range and If-Match; a body that still ends early is `unavailable`, an object
 *   that changed meanwhile is `changed`. It never yields more bytes than `bytes`.
 * - Every call takes an AbortSignal and ends soon after it aborts, with the signal's reason.
 */
import type { ListedBlob } from '../model/blob.ts'
import type { ReadUsage } from '../model/cost.ts'

export interface ListOptions {
  /** Keys after this one only. */
  readonly startAfter?: string
  /** `root`: only keys without a further `/` behind the prefix. */
  readonly depth?: 'all' | 'root'
  readonly signal?: AbortSignal
}

export interface BlobBody {
  readonly bytes: number
  readonly etag: string | null
  readonly modifiedMs: number | null
  /** Chunks in order; leaving the loop early closes the connection. */
  readonly body: AsyncIterable<Buffer>
}

export interface GetOptions {
  /** First byte; default 0. */
  readonly start?: number
  /** Bytes from `start`; default to the end. */
  readonly length?: number
  readonly ifMatch?: string
  readonly signal?: AbortSignal
}

export interface HeadOptions {
  /**
   * Ask for the recorded checksum too. Not by default: of an object under a KMS key S3 then wants kms:Decrypt, which a plain
   * HEAD does not need (API reference of HeadObject, "Permissions").
   */
  readonly checksum?: boolean
  readonly signal?: AbortSignal
}

export interface BlobReader {
  /** For messages: `s3://bucket/base` or `file:///path`. Without credentials. */
  readonly url: string
  /** Of the keys, in the bucket, without the slash behind it: `''` at its root. Null where that is not known: directories. */
  readonly basePath: string | null
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedBlob>
  head(key: string, options?: HeadOptions): Promise<ListedBlob | null>
  get(key: string, options?: GetOptions): Promise<BlobBody>
  /** The whole blob; `too-large` above `maxBytes`, before more than that is in memory. */
  read(
    key: string,
    options: { readonly maxBytes: number; readonly signal?: AbortSignal },
  ): Promise<{ readonly bytes: Buffer; readonly etag: string | null }>
}

export type ConditionalWrite =
  | { readonly written: true; readonly etag: string | null }
  /** Another writer was first (409, 412, or 404 under If-Match). */
  | { readonly written: false }

/** One version of a key. */
export interface BlobVersion {
  readonly versionId: string
  readonly bytes: number
  readonly etag: string | null
  readonly modifiedMs: number
  /** It is what `get` of the key gives now. */
  readonly current: boolean
}

/** Older bytes of a key, where the store keeps them. */
export interface BlobVersions {
  /**
   * Newest first, at most `limit`, without marks of deletions. Null: this store keeps no versions. A bucket that never had
   * versioning answers with one version, the current one.
   */
  list(
    key: string,
    options: { readonly limit: number; readonly signal?: AbortSignal },
  ): Promise<readonly BlobVersion[] | null>
  /** @throws SnapproofError `not-found` for a version that is not there */
  get(key: string, versionId: string, options?: { readonly signal?: AbortSignal }): Promise<BlobBody>
}

/** Object Lock: until then nobody deletes this version of the object. */
export interface Retention {
  readonly mode: LockMode
  readonly untilMs: number
}
/** `compliance`: nobody can shorten it. `governance`: nobody without s3:BypassGovernanceRetention. */
export type LockMode = 'governance' | 'compliance'

/** Object Lock of a store. */
export type StoreLock =
  | { readonly kind: 'none' }
  /** `mode`, `days`: what a new object gets by itself; null: nothing. */
  | { readonly kind: 'on'; readonly mode: LockMode | null; readonly days: number | null }
  | { readonly kind: 'unclear'; readonly said: string }

export interface BlobWriter extends BlobReader {
  /** Absent: this store keeps no versions. */
  readonly versions?: BlobVersions
  /** Unconditional; for reports only. */
  put(
    key: string,
    bytes: Buffer,
    options?: { readonly contentType?: string; readonly signal?: AbortSignal },
  ): Promise<void>
  /**
   * If-None-Match: * . With `retention` the object is locked or not written at all: `configuration` where there is no Object
   * Lock. `checksum`: sent with one, as a bucket demands whose Object Lock has a default.
   */
  putIfAbsent(
    key: string,
    bytes: Buffer,
    options?: {
      readonly contentType?: string
      readonly signal?: AbortSignal
      readonly retention?: Retention
      readonly checksum?: boolean
    },
  ): Promise<ConditionalWrite>
  /** Absent: this store locks nothing. */
  storeLock?(signal: AbortSignal): Promise<StoreLock>
  /** If-Match; the key must exist with this ETag. */
  putIfMatch(
    key: string,
    bytes: Buffer,
    etag: string,
    options?: { readonly contentType?: string; readonly signal?: AbortSignal },
  ): Promise<ConditionalWrite>
  /** Idempotent. */
  delete(key: string, options?: { readonly signal?: AbortSignal }): Promise<void>
  close(): Promise<void>
}

/** Counters of one store, for `RunStats`. */
export interface RequestCounts {
  list: number
  get: number
  head: number
  put: number
  delete: number
  bytesRead: number
  /** GET and HEAD that were answered, and bytes, of objects whose storage class is not STANDARD; absent: nobody asks. */
  reads?: Record<string, ReadUsage>
}
