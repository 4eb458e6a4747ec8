/** A view of a store below a prefix, such as the ledger's part of a bucket. */
import type { ListedBlob } from '../model/blob.ts'
import { basePrefix } from './keys.ts'
import type { BlobWriter, ListOptions } from './port.ts'

/** Closing the view leaves the store open. */
export function prefixed(store: BlobWriter, path: string): BlobWriter {
  const prefix = basePrefix(path)

  async function* list(below: string, options: ListOptions = {}): AsyncGenerator<ListedBlob> {
    const { startAfter, ...rest } = options
    const after = startAfter === undefined ? {} : { startAfter: prefix + startAfter }
    for await (const blob of store.list(prefix + below, { ...rest, ...after })) {
      yield { ...blob, key: blob.key.slice(prefix.length) }
    }
  }

  return {
    url: prefix === '' ? store.url : `${store.url}/${prefix.replace(/\/$/, '')}`,
    list,
    async head(key, options) {
      const blob = await store.head(prefix + key, options)
      return blob === null ? null : { ...blob, key }
    },
    get: (key, options) => store.get(prefix + key, options),
    read: (key, options) => store.read(prefix + key, options),
    put: (key, bytes, options) => store.put(prefix + key, bytes, options),
    putIfAbsent: (key, bytes, options) => store.putIfAbsent(prefix + key, bytes, options),
    putIfMatch: (key, bytes, etag, options) => store.putIfMatch(prefix + key, bytes, etag, options),
    delete: (key, options) => store.delete(prefix + key, options),
    close: async () => {},
  }
}
