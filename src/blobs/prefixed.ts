/** A view of a store below a prefix, such as the ledger's part of a bucket. Keys that count from the bucket's root are what they were. */
import type { ListedBlob } from '../model/blob.ts'
import { basePrefix, isFromRoot } from './keys.ts'
import type { BlobVersions, BlobWriter, ListOptions } from './port.ts'

/** Closing the view leaves the store open. */
export function prefixed(store: BlobWriter, path: string): BlobWriter {
  const prefix = basePrefix(path)
  const { versions } = store
  const inside = (key: string) => (isFromRoot(key) ? key : prefix + key)

  async function* list(below: string, options: ListOptions = {}): AsyncGenerator<ListedBlob> {
    if (isFromRoot(below)) {
      yield* store.list(below, options)
      return
    }
    const { startAfter, ...rest } = options
    const after = startAfter === undefined ? {} : { startAfter: prefix + startAfter }
    for await (const blob of store.list(prefix + below, { ...rest, ...after })) {
      yield { ...blob, key: blob.key.slice(prefix.length) }
    }
  }

  return {
    url: prefix === '' ? store.url : `${store.url}/${prefix.replace(/\/$/, '')}`,
    basePath:
      store.basePath === null ? null : [store.basePath, prefix.slice(0, -1)].filter(part => part !== '').join('/'),
    list,
    async head(key, options) {
      const blob = await store.head(inside(key), options)
      return blob === null ? null : { ...blob, key }
    },
    get: (key, options) => store.get(inside(key), options),
    read: (key, options) => store.read(inside(key), options),
    put: (key, bytes, options) => store.put(prefix + key, bytes, options),
    putIfAbsent: (key, bytes, options) => store.putIfAbsent(prefix + key, bytes, options),
    putIfMatch: (key, bytes, etag, options) => store.putIfMatch(prefix + key, bytes, etag, options),
    delete: (key, options) => store.delete(prefix + key, options),
    ...(store.storeLock === undefined ? {} : { storeLock: store.storeLock }),
    ...(versions === undefined ? {} : { versions: versionsInside(versions, inside) }),
    close: async () => {},
  }
}

function versionsInside(versions: BlobVersions, inside: (key: string) => string): BlobVersions {
  return {
    list: (key, options) => versions.list(inside(key), options),
    get: (key, versionId, options) => versions.get(inside(key), versionId, options),
  }
}
