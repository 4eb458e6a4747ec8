/** A store in memory that keeps the contract of `BlobWriter`, and a clock of its own: what it says of times, it decides. */
import { createHash } from 'node:crypto'
import type { BlobVersions, BlobWriter } from '../../src/blobs/port.ts'
import { SnapproofError } from '../../src/errors.ts'

interface Held {
  readonly bytes: Buffer
  readonly etag: string
  readonly modifiedMs: number
  readonly versionId?: string
}

export interface MemoryStore extends BlobWriter {
  readonly objects: Map<string, Held>
  /** How much the store's clock is ahead of `nowMs`. */
  aheadMs: number
}

/** `versioned`: keeps what was written before, as a bucket with versioning does. */
export function memoryStore(nowMs: () => number, url = 'memory://ledger', { versioned = false } = {}): MemoryStore {
  const objects = new Map<string, Held>()
  const old = new Map<string, Held[]>()
  let count = 0
  const write = (key: string, bytes: Buffer) => {
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
    const held = { bytes: Buffer.from(bytes), etag, modifiedMs: nowMs() + store.aheadMs, versionId: `v${++count}` }
    objects.set(key, held)
    if (versioned) old.set(key, [held, ...(old.get(key) ?? [])])
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
  const versions: BlobVersions = {
    async list(key, { limit, signal }) {
      await turn(signal)
      const now = objects.get(key)
      const before = (old.get(key) ?? []).filter(held => held !== now)
      const all = now === undefined ? before : [now, ...before]
      return all.slice(0, limit).map(held => ({
        versionId: held.versionId ?? 'put-by-test',
        bytes: held.bytes.length,
        etag: held.etag,
        modifiedMs: held.modifiedMs,
        current: held === now,
      }))
    },
    async get(key, versionId, { signal } = {}) {
      await turn(signal)
      const held = old.get(key)?.find(one => one.versionId === versionId)
      if (held === undefined) throw new SnapproofError('not-found', `${key} has no version ${versionId} in ${url}`)
      return {
        bytes: held.bytes.length,
        etag: held.etag,
        modifiedMs: held.modifiedMs,
        body: bodyOf(held.bytes, signal),
      }
    },
  }
  async function* bodyOf(bytes: Buffer, signal?: AbortSignal) {
    for (let at = 0; at < bytes.length; at += 65_536) {
      await turn(signal)
      yield bytes.subarray(at, at + 65_536)
    }
  }
  const store: MemoryStore = {
    url,
    ...(versioned ? { versions } : {}),
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
      return { bytes: bytes.length, etag, modifiedMs, body: bodyOf(bytes, options.signal) }
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
