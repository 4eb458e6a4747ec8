/** A reader over a map: copies and damage cost nothing. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BlobReader } from '../../src/blobs/port.ts'
import { SnapproofError } from '../../src/errors.ts'
import type { ListedBlob } from '../../src/model/blob.ts'
import { keysOf } from './fixtures.ts'

export type Files = Map<string, Buffer>

export function filesOf(folder: string): Files {
  return new Map(keysOf(folder).map(key => [key, readFileSync(join(folder, key))]))
}

/** `basePath`: as if it were in a bucket; keys that start with `/` are in the map as they are. */
export function memoryReader(files: ReadonlyMap<string, Buffer>, basePath: string | null = null): BlobReader {
  const need = (key: string): Buffer => {
    const bytes = files.get(key)
    if (bytes === undefined) throw new SnapproofError('not-found', `memory: ${key} is not there`)
    return bytes
  }
  const listed = (key: string): ListedBlob => ({
    key,
    bytes: need(key).length,
    etag: null,
    storageClass: 'STANDARD',
    modifiedMs: 0,
  })
  return {
    url: 'memory:///',
    basePath,
    async *list(prefix, { startAfter = '', depth = 'all', signal } = {}) {
      const keys = [...files.keys()].filter(
        key =>
          key.startsWith(prefix) && key > startAfter && (depth === 'all' || !key.slice(prefix.length).includes('/')),
      )
      for (const key of keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
        signal?.throwIfAborted()
        yield listed(key)
      }
    },
    head: async key => (files.has(key) ? listed(key) : null),
    get: async (key, { start = 0, length, signal } = {}) => {
      signal?.throwIfAborted()
      const bytes = need(key)
      const part = bytes.subarray(start, length === undefined ? undefined : start + length)
      async function* body() {
        for (let at = 0; at < part.length; at += 1000) yield part.subarray(at, at + 1000)
      }
      return { bytes: part.length, etag: null, modifiedMs: null, body: body() }
    },
    read: async (key, { maxBytes, signal }) => {
      signal?.throwIfAborted()
      const bytes = need(key)
      if (bytes.length > maxBytes) throw new SnapproofError('too-large', `memory: ${key} is longer than ${maxBytes}`)
      return { bytes: Buffer.from(bytes), etag: null }
    },
  }
}
