/** A store that fails one call of many, so that a test can fail each in turn. */
import type { BlobBody, BlobWriter, ConditionalWrite } from '../../src/blobs/port.ts'
import { SnapproofError } from '../../src/errors.ts'

/**
 * - `refused`: the call fails and nothing has happened.
 * - `lost`: it happened and the answer never came.
 * - `cut`: a body or a listing ends in an error after its first piece.
 * - `conflict`: a conditional write is refused though nobody else wrote (S3 answers 409 under concurrency).
 * - `full`: like `refused`, by a store that is out of space.
 */
export type FaultKind = 'refused' | 'lost' | 'cut' | 'conflict' | 'full'

export interface FaultyStore extends BlobWriter {
  /** Did the fault happen? One that was armed and never fired proves nothing. */
  readonly fired: () => boolean
  /** Calls that this kind of fault can hit. */
  readonly calls: () => number
}

/** Fails call number `failing` (from 1; 0: none) of those that the kind can hit. */
export function faultyStore(inner: BlobWriter, kind: FaultKind, failing: number): FaultyStore {
  let calls = 0
  let fired = false
  const trouble = () => new SnapproofError(kind === 'full' ? 'disk-full' : 'unavailable', `injected: ${kind}`)
  const hit = (): boolean => {
    calls++
    if (calls !== failing) return false
    fired = true
    return true
  }
  async function call<T>(work: () => Promise<T>): Promise<T> {
    if (kind === 'cut' || kind === 'conflict' || !hit()) return work()
    if (kind === 'lost') await work()
    throw trouble()
  }
  function conditional(work: () => Promise<ConditionalWrite>): Promise<ConditionalWrite> {
    return kind === 'conflict' && hit() ? Promise.resolve({ written: false }) : call(work)
  }
  async function* cut<T>(pieces: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const piece of pieces) {
      yield piece
      throw trouble()
    }
    throw trouble()
  }
  return {
    url: inner.url,
    basePath: inner.basePath,
    fired: () => fired,
    calls: () => calls,
    async *list(prefix, options) {
      const pieces = inner.list(prefix, options)
      if (kind === 'cut' && hit()) yield* cut(pieces)
      else yield* await call(async () => pieces)
    },
    head: (key, options) => call(() => inner.head(key, options)),
    get: (key, options) =>
      call(async (): Promise<BlobBody> => {
        const got = await inner.get(key, options)
        return kind === 'cut' && hit() ? { ...got, body: cut(got.body) } : got
      }),
    read: (key, options) => call(() => inner.read(key, options)),
    put: (key, bytes, options) => call(() => inner.put(key, bytes, options)),
    putIfAbsent: (key, bytes, options) => conditional(() => inner.putIfAbsent(key, bytes, options)),
    putIfMatch: (key, bytes, etag, options) => conditional(() => inner.putIfMatch(key, bytes, etag, options)),
    delete: (key, options) => call(() => inner.delete(key, options)),
    close: () => inner.close(),
  }
}
