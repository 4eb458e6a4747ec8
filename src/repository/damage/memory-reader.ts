/** A store that is a map: copies, damage and time cost nothing, and nothing is ever written. */
import { createHash } from 'node:crypto'
import type { BlobReader } from '../../blobs/port.ts'
import { SnapproofError } from '../../errors.ts'
import type { ListedBlob } from '../../model/blob.ts'

/** Bodies come in pieces, as from a socket. */
const chunkBytes = 1000

export interface MemoryReaderOptions {
  /** As if it were in a bucket; keys that start with `/` are in the map as they are. Null: a directory. */
  readonly basePath?: string | null
  /** ETags that follow from the bytes; without, the store gives none. */
  readonly etags?: boolean
}

export function memoryReader(
  blobs: ReadonlyMap<string, Buffer>,
  { basePath = null, etags = false }: MemoryReaderOptions = {},
): BlobReader {
  const tags = new Map<string, string>()
  const need = (key: string): Buffer => {
    const bytes = blobs.get(key)
    if (bytes === undefined) throw new SnapproofError('not-found', `memory: ${key} is not there`)
    return bytes
  }
  const etagOf = (key: string): string | null => {
    if (!etags) return null
    const known = tags.get(key) ?? createHash('md5').update(need(key)).digest('hex')
    tags.set(key, known)
    return known
  }
  const listed = (key: string): ListedBlob => ({
    key,
    bytes: need(key).length,
    etag: etagOf(key),
    storageClass: 'STANDARD',
    modifiedMs: 0,
  })
  return {
    url: 'memory:///',
    basePath,
    async *list(prefix, { startAfter = '', depth = 'all', signal } = {}) {
      const keys = [...blobs.keys()].filter(
        key =>
          key.startsWith(prefix) && key > startAfter && (depth === 'all' || !key.slice(prefix.length).includes('/')),
      )
      for (const key of keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
        signal?.throwIfAborted()
        yield listed(key)
      }
    },
    head: async key => (blobs.has(key) ? listed(key) : null),
    get: async (key, { start = 0, length, signal } = {}) => {
      signal?.throwIfAborted()
      const bytes = need(key)
      const part = bytes.subarray(start, length === undefined ? undefined : start + length)
      async function* body() {
        for (let at = 0; at < part.length; at += chunkBytes) yield part.subarray(at, at + chunkBytes)
      }
      return { bytes: part.length, etag: etagOf(key), modifiedMs: null, body: body() }
    },
    read: async (key, { maxBytes, signal }) => {
      signal?.throwIfAborted()
      const bytes = need(key)
      if (bytes.length > maxBytes) throw new SnapproofError('too-large', `memory: ${key} is longer than ${maxBytes}`)
      return { bytes: Buffer.from(bytes), etag: etagOf(key) }
    },
  }
}
