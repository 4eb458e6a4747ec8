/** A store in memory that keeps the contract of `BlobWriter`, and a clock of its own: what it says of times, it decides. */
import { createHash } from 'node:crypto'
import type { BlobWriter } from '../../src/blobs/port.ts'
import { SnapproofError } from '../../src/errors.ts'

interface Held {
  readonly bytes: Buffer
  readonly etag: string
  readonly modifiedMs: number
}

export interface MemoryStore extends BlobWriter {
  readonly objects: Map<string, Held>
  /** How much the store's clock is ahead of `nowMs`. */
  aheadMs: number
}

export function memoryStore(nowMs: () => number, url = 'memory://ledger'): MemoryStore {
  const objects = new Map<string, Held>()
  const write = (key: string, bytes: Buffer) => {
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
    objects.set(key, { bytes: Buffer.from(bytes), etag, modifiedMs: nowMs() + store.aheadMs })
    return { written: true, etag } as const
  }
  const find = (key: string): Held => {
    const held = objects.get(key)
    if (held === undefined) throw new SnapproofError('not-found', `${key} is not in ${url}`)
    return held
  }
  const turn = async (signal?: AbortSignal) => {
    await new Promise(resolve => setImmediate(resolve))
    signal?.throwIfAborted()
  }
  const store: MemoryStore = {
    url,
    basePath: null,
    objects,
    aheadMs: 0,
    async *list(prefix, options = {}) {
      await turn(options.signal)
      const keys = [...objects.keys()].filter(key => key.startsWith(prefix) && key > (options.startAfter ?? ''))
      for (const key of keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
        const { bytes, etag, modifiedMs } = find(key)
        yield { key, bytes: bytes.length, etag, modifiedMs, storageClass: 'STANDARD' }
      }
    },
    async head(key, options = {}) {
      await turn(options.signal)
      const held = objects.get(key)
      if (held === undefined) return null
      return { key, bytes: held.bytes.length, etag: held.etag, modifiedMs: held.modifiedMs, storageClass: 'STANDARD' }
    },
    async get(key, options = {}) {
      await turn(options.signal)
      const { bytes, etag, modifiedMs } = find(key)
      async function* body() {
        for (let at = 0; at < bytes.length; at += 65_536) {
          await turn(options.signal)
          yield bytes.subarray(at, at + 65_536)
        }
      }
      return { bytes: bytes.length, etag, modifiedMs, body: body() }
    },
    async read(key, { maxBytes, signal }) {
      await turn(signal)
      const { bytes, etag } = find(key)
      if (bytes.length > maxBytes) throw new SnapproofError('too-large', `${key} has ${bytes.length} bytes`)
      return { bytes: Buffer.from(bytes), etag }
    },
    async put(key, bytes, options = {}) {
      await turn(options.signal)
      write(key, bytes)
    },
    async putIfAbsent(key, bytes, options = {}) {
      await turn(options.signal)
      return objects.has(key) ? { written: false } : write(key, bytes)
    },
    async putIfMatch(key, bytes, etag, options = {}) {
      await turn(options.signal)
      return objects.get(key)?.etag === etag ? write(key, bytes) : { written: false }
    },
    async delete(key, options = {}) {
      await turn(options.signal)
      objects.delete(key)
    },
    async close() {},
  }
  return store
}
