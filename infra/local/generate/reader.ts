/**
 * A generated repository behind the blob port: each blob is made when it is asked for, the listing flows, nothing is
 * held but one entry for each snapshot and index. Requests are counted as an S3 store would be asked.
 */
import { crc32 } from 'node:zlib'
import type { BlobReader, RequestCounts } from '../../../src/blobs/port.ts'
import { SnapproofError } from '../../../src/errors.ts'
import type { ListedBlob } from '../../../src/model/blob.ts'
import { LruCache } from '../../../src/repository/lru-cache.ts'
import { type GeneratedBlob, GeneratedKeys } from './keys.ts'
import {
  globalMetadataBlob,
  indexMetadataBlob,
  rootSnapshotBlob,
  shardGenerationBlob,
  shardSnapshotBlob,
  snapshotName,
  snapshotTimes,
} from './metadata-blobs.ts'
import { repositoryDataBytes, repositoryDataChunks } from './repository-data.ts'
import { bornIn, generationOf, type RepositoryShape, turnover } from './shape.ts'
import { dataBlobBytes, dataBlobContent } from './shard-files.ts'
import { encodeSmile } from './smile.ts'

const pageKeys = 1000
const chunkBytes = 65_536
const cacheBytes = 16 * 1024 ** 2
/** Answers between two turns of the event loop: timers and weak references need one now and then. */
const answersPerTurn = 64

/** Told of each read: what kind of blob, and how many bytes of it. */
export type ReadObserver = (kind: GeneratedBlob['kind'], bytes: number) => void

export function generatedReader(shape: RepositoryShape, counts?: RequestCounts, observe?: ReadObserver): BlobReader {
  const blobs = new GeneratedBlobs(shape)
  const url = `generated:///seed-${shape.seed}/night-${shape.snapshots}`
  let answers = 0
  const turn = async (signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted()
    if (++answers % answersPerTurn === 0) await new Promise(resolve => setImmediate(resolve))
    signal?.throwIfAborted()
  }
  const count = (what: 'list' | 'get' | 'head', bytesRead = 0): void => {
    if (counts === undefined) return
    counts[what]++
    counts.bytesRead += bytesRead
  }
  const need = (key: string): GeneratedBlob => {
    const blob = blobs.keys.find(key)
    if (blob === null) throw new SnapproofError('not-found', `${key} is not in ${url}`)
    return blob
  }
  return {
    url,
    basePath: null,
    async *list(prefix, { startAfter = '', depth = 'all', signal } = {}) {
      let listed = 0
      if (prefix.startsWith('/')) return
      for (const { key, blob } of blobs.keys.list(prefix, startAfter, depth === 'root')) {
        if (listed++ % pageKeys === 0) {
          count('list')
          await turn(signal)
        }
        yield blobs.listed(key, blob)
      }
      if (listed === 0) count('list')
    },
    async head(key, { signal } = {}) {
      await turn(signal)
      count('head')
      const blob = blobs.keys.find(key)
      return blob === null ? null : blobs.listed(key, blob)
    },
    async get(key, { start = 0, length, ifMatch, signal } = {}) {
      await turn(signal)
      const blob = need(key)
      const { etag, modifiedMs, bytes: whole } = blobs.listed(key, blob)
      if (ifMatch !== undefined && ifMatch !== etag) throw new SnapproofError('changed', `${key} has another ETag`)
      const bytes = Math.max(0, Math.min(length ?? whole, whole - start))
      count('get', bytes)
      observe?.(blob.kind, bytes)
      async function* body() {
        let at = 0
        for (const chunk of blobs.chunks(blob)) {
          await turn(signal)
          const part = chunk.subarray(Math.max(0, start - at), Math.max(0, start + bytes - at))
          at += chunk.length
          if (part.length > 0) yield part
        }
      }
      return { bytes, etag, modifiedMs, body: body() }
    },
    async read(key, { maxBytes, signal }) {
      await turn(signal)
      const blob = need(key)
      const { bytes: length, etag } = blobs.listed(key, blob)
      if (length > maxBytes)
        throw new SnapproofError('too-large', `${key} has ${length} bytes, allowed are ${maxBytes}`)
      count('get', length)
      observe?.(blob.kind, length)
      const chunks = [...blobs.chunks(blob)]
      // Another buffer for every reader, as from a store.
      return { bytes: Buffer.concat(chunks), etag }
    },
  }
}

class GeneratedBlobs {
  readonly keys: GeneratedKeys
  private readonly shape: RepositoryShape
  private readonly encoded = new LruCache<Buffer>(cacheBytes)
  /** By snapshot: encoding a root blob only to list its length costs as much as reading it. */
  private readonly rootBytes = new Map<number, number>()
  private repositoryBytes: number | null = null

  constructor(shape: RepositoryShape) {
    this.shape = shape
    this.keys = new GeneratedKeys(shape)
  }

  listed(key: string, blob: GeneratedBlob): ListedBlob {
    return {
      key,
      bytes: this.bytesOf(blob),
      etag: this.etag(key),
      storageClass: 'STANDARD',
      modifiedMs: this.time(blob),
    }
  }

  *chunks(blob: GeneratedBlob): Generator<Buffer> {
    if (blob.kind === 'repository-data') {
      yield* repositoryDataChunks(this.shape)
      return
    }
    const bytes = this.encode(blob)
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
  }

  private encode(blob: GeneratedBlob): Buffer {
    const { shape } = this
    switch (blob.kind) {
      case 'repository-data':
        return Buffer.concat([...repositoryDataChunks(shape)])
      case 'index-latest': {
        const latest = Buffer.alloc(8)
        latest.writeBigInt64BE(BigInt(generationOf(shape)))
        return latest
      }
      case 'root-snapshot':
        return this.kept(`root ${blob.snapshot}`, () => rootSnapshotBlob(shape, blob.snapshot))
      case 'global-metadata':
        return this.kept('global', () => globalMetadataBlob(shape))
      case 'index-metadata':
        return this.kept(`index ${blob.index}`, () => indexMetadataBlob(shape, blob.index))
      case 'shard-generation':
        return this.kept(`generation ${blob.shard}`, () => shardGenerationBlob(shape, blob.shard))
      case 'shard-snapshot':
        return shape.compress
          ? this.kept(`${blob.shard} ${blob.snapshot}`, () => shardSnapshotBlob(shape, blob.shard, blob.snapshot))
          : this.patched(blob.shard, blob.snapshot)
      case 'data':
        if (!shape.data)
          throw new SnapproofError('unavailable', 'the data blobs of this generated repository are only listed')
        return dataBlobContent(shape, blob)
    }
  }

  private kept(key: string, make: () => Buffer): Buffer {
    const known = this.encoded.get(key)
    if (known !== undefined) return known
    const bytes = make()
    this.encoded.set(key, bytes, bytes.length)
    return bytes
  }

  /** The blobs of a shard that did not change differ in name and start only, which have the same length in all. */
  private patched(shard: number, snapshot: number): Buffer {
    const { bytes, model } = this.model(shard, snapshot)
    if (model === snapshot) return bytes
    const copy = Buffer.from(bytes)
    replaceOnce(copy, Buffer.from(snapshotName(model)), Buffer.from(snapshotName(snapshot)))
    replaceOnce(copy, smileOf(snapshotTimes(model).startedMs), smileOf(snapshotTimes(snapshot).startedMs))
    copy.writeUInt32BE(crc32(copy.subarray(0, -8)), copy.length - 4)
    return copy
  }

  private model(shard: number, snapshot: number): { bytes: Buffer; model: number } {
    const from = turnover(this.shape, shard, snapshot)
    // The first that is kept with these segments.
    const model = Math.max(this.shape.deleted, bornIn(this.shape, shard, from + this.shape.segments - 1))
    return { model, bytes: this.kept(`model ${shard} ${from}`, () => shardSnapshotBlob(this.shape, shard, model)) }
  }

  private bytesOf(blob: GeneratedBlob): number {
    if (blob.kind === 'data') return dataBlobBytes(this.shape, blob)
    if (blob.kind === 'repository-data') {
      this.repositoryBytes ??= repositoryDataBytes(this.shape)
      return this.repositoryBytes
    }
    if (blob.kind === 'shard-snapshot' && !this.shape.compress)
      return this.model(blob.shard, blob.snapshot).bytes.length
    if (blob.kind !== 'root-snapshot') return this.encode(blob).length
    let bytes = this.rootBytes.get(blob.snapshot)
    if (bytes === undefined) {
      bytes = this.encode(blob).length
      this.rootBytes.set(blob.snapshot, bytes)
    }
    return bytes
  }

  /** Opaque, the same as long as the object is. */
  private etag(key: string): string {
    const text = key === 'index.latest' ? `${key} ${generationOf(this.shape)}` : key
    let hash = 0x811c9dc5
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
    const low = Math.imul(hash ^ this.shape.seed, 0x85ebca6b)
    return `"${(hash >>> 0).toString(16).padStart(8, '0')}${(low >>> 0).toString(16).padStart(8, '0')}"`
  }

  /** When it was written: data while its snapshot was taken, all else as it ended. */
  private time(blob: GeneratedBlob): number {
    const { shape } = this
    switch (blob.kind) {
      case 'data':
        return snapshotTimes(bornIn(shape, blob.shard, blob.segment)).startedMs + 1000
      case 'index-metadata':
        return snapshotTimes(0).endedMs
      case 'root-snapshot':
      case 'global-metadata':
      case 'shard-snapshot':
        return snapshotTimes(blob.snapshot).endedMs
      default:
        return snapshotTimes(shape.snapshots - 1).endedMs
    }
  }
}

function smileOf(value: number): Buffer {
  return encodeSmile(value).subarray(4)
}

function replaceOnce(bytes: Buffer, before: Buffer, after: Buffer): void {
  const at = bytes.indexOf(before)
  if (at < 0 || before.length !== after.length)
    throw new Error('the model of a generated blob does not hold its own name')
  after.copy(bytes, at)
}
