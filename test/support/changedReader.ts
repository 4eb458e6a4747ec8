/** A reader whose `read` answers otherwise for some keys: for stores that fail, and for blobs that change. */
import type { BlobReader } from '../../src/blobs/port.ts'

/** Called before the real read with the count of reads of the key, from 1. Throw, answer bytes, or null for the real thing. */
export type Answer = (key: string, times: number) => Buffer | null | Promise<Buffer | null>

export interface ChangedReader extends BlobReader {
  /** Reads by key. */
  readonly reads: ReadonlyMap<string, number>
  /** Most reads at one time. */
  mostAtOnce(): number
}

export function changedReader(reader: BlobReader, answer: Answer = () => null): ChangedReader {
  const reads = new Map<string, number>()
  let now = 0
  let most = 0
  return {
    url: reader.url,
    basePath: reader.basePath,
    list: (prefix, options) => reader.list(prefix, options),
    head: (key, options) => reader.head(key, options),
    get: (key, options) => reader.get(key, options),
    read: async (key, options) => {
      const times = (reads.get(key) ?? 0) + 1
      reads.set(key, times)
      most = Math.max(most, ++now)
      try {
        const bytes = await answer(key, times)
        return bytes === null ? await reader.read(key, options) : { bytes, etag: null }
      } finally {
        now--
      }
    },
    reads,
    mostAtOnce: () => most,
  }
}
