/** What an object store says of one object. */
export interface ListedBlob {
  /** Relative to the repository's base path, without a leading slash. */
  readonly key: string
  readonly bytes: number
  /** Opaque; compare for equality only. Null where the store gives none: such an object is never remembered. */
  readonly etag: string | null
  /** `STANDARD` where the store does not say. */
  readonly storageClass: string
  /** UTC epoch milliseconds. */
  readonly modifiedMs: number
}
/** Storage classes whose objects cannot be read before they are thawed. */
export const archivedStorageClasses: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE'])
