/** What an object store says of one object. */
export interface ListedBlob {
  /** Relative to the repository's base path, without a leading slash. */
  readonly key: string
  readonly bytes: number
  /** Opaque; compare for equality only. Null where the store gives none: such an object is never remembered. */
  readonly etag: string | null
  /** `STANDARD` where the store does not say. */
  readonly storageClass: string
  /** UTC epoch milliseconds; 0 where the store does not say. */
  readonly modifiedMs: number
  /** Of an archived object: its thawed copy. Absent: there is none, or the store does not say. */
  readonly restore?: RestoredCopy
  /** Archive tier of an `INTELLIGENT_TIERING` object that lies in one: `ARCHIVE_ACCESS`, `DEEP_ARCHIVE_ACCESS`. Only from HEAD. */
  readonly archiveStatus?: string
  /** What the store recorded when the object was written. */
  readonly checksum?: StoredChecksum
  /** KMS key that the object is encrypted with, as the store names it. Only from HEAD. */
  readonly kmsKeyId?: string
}

export interface RestoredCopy {
  /** It is being thawed. */
  readonly inProgress: boolean
  /** The copy can be read until then, UTC epoch milliseconds. */
  readonly expiresMs: number | null
}

export interface StoredChecksum {
  /** Such as `CRC32`, `CRC64NVME`, `SHA256`. */
  readonly algorithms: readonly string[]
  /** `FULL_OBJECT`, or `COMPOSITE` (a checksum of the checksums of parts); null where the store does not say. */
  readonly type: string | null
  /** CRC-32 of the whole object. Only from HEAD with `checksum`, and only where that is what was recorded. */
  readonly crc32: number | null
}
/** Storage classes whose objects cannot be read before they are thawed. */
export const archivedStorageClasses: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE'])
