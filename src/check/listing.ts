/**
 * The listing as the check reads it: one sorted stream, cut into folders in the order of the catalogue, so that one
 * index at a time is in memory. What lies between the folders is known to nobody and counted.
 */
import type { BlobReader } from '../blobs/port.ts'
import { SnapproofError } from '../errors.ts'
import type { ListedBlob } from '../model/blob.ts'

export interface Unreferenced {
  blobs: number
  bytes: number
  /** Bytes by storage class. */
  readonly byClass: Map<string, number>
  /** The first few keys, in order, for a message. */
  readonly examples: string[]
}

/** So many keys are told in a message. */
export const maxExamples = 5

/** Keys with the prefix, after one key and up to another; null: no bound. */
export interface ListRange {
  readonly prefix: string
  readonly after: string | null
  readonly until: string | null
}

export class FolderCursor {
  readonly unreferenced: Unreferenced = { blobs: 0, bytes: 0, byClass: new Map(), examples: [] }
  blobs = 0
  bytes = 0
  readonly #stream: AsyncIterator<ListedBlob>
  readonly #modifiedBefore: number
  readonly #until: Buffer | null
  #next: ListedBlob | null = null
  #started = false
  #ended = false

  /** Blobs younger than `modifiedBeforeMs` may belong to a snapshot in progress and are not called unreferenced. */
  constructor(blobs: BlobReader, range: ListRange, modifiedBeforeMs: number, signal: AbortSignal) {
    const { prefix, after, until } = range
    const start = after === null ? {} : { startAfter: after }
    this.#stream = blobs.list(prefix, { ...start, signal })[Symbol.asyncIterator]()
    this.#until = until === null ? null : Buffer.from(until)
    this.#modifiedBefore = modifiedBeforeMs
  }

  /** Has everything in the range been seen? */
  get isFinished(): boolean {
    return this.#ended
  }

  /** All blobs below `folder`, which must come after the folder of the call before. */
  async take(folder: string): Promise<Map<string, ListedBlob>> {
    if (!this.#started) await this.#advance()
    const taken = new Map<string, ListedBlob>()
    while (this.#next !== null && !this.#next.key.startsWith(folder)) {
      if (Buffer.compare(Buffer.from(this.#next.key), Buffer.from(folder)) > 0) return taken
      this.leave(this.#next)
      await this.#advance()
    }
    while (this.#next?.key.startsWith(folder)) {
      taken.set(this.#next.key, this.#next)
      await this.#advance()
    }
    return taken
  }

  /** Counts the rest as unreferenced. */
  async finish(): Promise<void> {
    if (!this.#started) await this.#advance()
    while (this.#next !== null) {
      this.leave(this.#next)
      await this.#advance()
    }
  }

  async close(): Promise<void> {
    await this.#stream.return?.()
  }

  /** Counts a blob as unreferenced, unless it is young. */
  leave(blob: ListedBlob): void {
    if (blob.modifiedMs >= this.#modifiedBefore) return
    this.unreferenced.blobs++
    this.unreferenced.bytes += blob.bytes
    const { byClass } = this.unreferenced
    byClass.set(blob.storageClass, (byClass.get(blob.storageClass) ?? 0) + blob.bytes)
    // Folders are told of later than what lies between them: the same objects give the same message whatever came first.
    const { examples } = this.unreferenced
    if (examples.length === maxExamples && blob.key > (examples.at(-1) ?? '')) return
    examples.push(blob.key)
    examples.sort()
    if (examples.length > maxExamples) examples.pop()
  }

  async #advance(): Promise<void> {
    this.#started = true
    if (this.#ended) return
    const before = this.#next
    const { done, value } = await this.#stream.next()
    const over = done || (this.#until !== null && Buffer.compare(Buffer.from(value.key), this.#until) > 0)
    this.#next = over ? null : value
    if (this.#next === null) {
      this.#ended = true
      return await this.close()
    }
    this.blobs++
    this.bytes += this.#next.bytes
    if (before !== null && Buffer.compare(Buffer.from(before.key), Buffer.from(this.#next.key)) >= 0) {
      throw new SnapproofError(
        'internal',
        `the store listed ${JSON.stringify(this.#next.key)} after ${JSON.stringify(before.key)}, expected ascending byte order`,
        { advice: 'This S3-compatible store breaks the order of ListObjectsV2; it cannot be audited.' },
      )
    }
  }
}

/** Blobs at the root of the repository. */
export async function listRoot(blobs: BlobReader, signal: AbortSignal): Promise<Map<string, ListedBlob>> {
  const root = new Map<string, ListedBlob>()
  for await (const blob of blobs.list('', { depth: 'root', signal })) root.set(blob.key, blob)
  return root
}
