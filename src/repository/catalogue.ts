/**
 * The catalogue: what the metadata of a repository says is there, at one pinned generation. Never one huge object:
 * `index-N` as a compact value, the rest as iterators.
 *
 * What is wrong in the repository is a `Fault` in a record. Only what leaves nothing to read is thrown: `SnapproofError`
 * `no-repository` (no `index-N`), `unreadable-repository-data` (the run makes a finding of it; its cause is a `DecodeError`
 * with the offset), and the store's own errors while `index-N` is found and read.
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { BlobReader } from '../blobs/port.ts'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import type { Fault, IndexRecord, KnownBlobs, SnapshotInfo, SnapshotRecord } from '../model/content.ts'
import type { RepositoryData } from '../model/repository.ts'
import { inOrder } from './ahead.ts'
import { DecodeError } from './decode-error.ts'
import { listGenerations, readIndexLatest } from './generation.ts'
import { IndexReader } from './index-reader.ts'
import { IndexShardsReader } from './index-shards.ts'
import { MetadataReader } from './metadata-reader.ts'
import { type DecodedRepositoryData, decodeRepositoryData } from './repository-data.ts'
import { ShardPathsReader } from './shard-paths.ts'
import { ShardReader } from './shard-reader.ts'
import { SnapshotReader } from './snapshot-reader.ts'

export interface CatalogueOptions {
  readonly signal: AbortSignal
  /** Metadata blobs read at once; default 16. */
  readonly concurrency?: number
  /** Read this generation instead of the newest: a plan pins one. */
  readonly generation?: number
  /** Longest metadata blob, in the store and inflated; default 512 MiB. Longer ones are `not-read`. */
  readonly maxMetadataBytes?: number
  /** Longest `index-N`; default 4 GiB. */
  readonly maxRepositoryDataBytes?: number
  /** Blobs whose decoded values are kept for a second reading, by length; default 8 MiB. */
  readonly cacheBytes?: number
}

/** SHA-256 as 64 hexadecimal digits. Nothing in the repository says what they should be. */
export interface RepositoryDataBlob {
  readonly key: string
  readonly bytes: number
  readonly sha256: string
  readonly crc32: number
}

export interface Catalogue {
  readonly repositoryData: RepositoryData
  /** The `index-N` that was read. */
  readonly repositoryDataBlob: RepositoryDataBlob
  readonly repositoryFaults: readonly Fault[]
  /** Root keys of `index-N` that no version known to us writes. */
  readonly unknownKeys: readonly string[]
  /**
   * In the order of `RepositoryData.snapshots`. Run it before the indices, which need what it reads. `known`: what the root
   * blob of a snapshot said when it was read and good, for those that need not be read again.
   */
  readSnapshots(signal: AbortSignal, known?: (snapshot: number) => SnapshotInfo | null): AsyncIterable<SnapshotRecord>
  /** One snapshot. */
  readSnapshot(snapshot: number, signal: AbortSignal): Promise<SnapshotRecord>
  /** `snapshots`: positions; undefined for all that hold the index. */
  readIndex(
    index: number,
    snapshots: readonly number[] | undefined,
    signal: AbortSignal,
    known?: KnownBlobs,
  ): Promise<IndexRecord>
  /** Where the shards of an index most likely lie, by shard number; null for a layout that is not known. */
  shardFolders(index: number, shards: number, signal: AbortSignal): Promise<readonly string[] | null>
  /** In key order (ascending by index id); the next indices are read meanwhile. */
  readIndices(signal: AbortSignal, snapshots?: readonly number[]): AsyncIterable<IndexRecord>
}

const mebibyte = 1024 ** 2
const defaults = {
  concurrency: 16,
  maxMetadataBytes: 512 * mebibyte,
  maxRepositoryDataBytes: 4096 * mebibyte,
  cacheBytes: 8 * mebibyte,
}
const indicesAhead = 3
/** A snapshot that ends meanwhile deletes the `index-N` that was just listed. */
const tries = 4

export async function openCatalogue(blobs: BlobReader, options: CatalogueOptions): Promise<Catalogue> {
  const settings = { ...defaults, ...options }
  const { decoded, generation, sums, faults } = await readRepositoryData(blobs, settings)
  const { data } = decoded
  const reader = new MetadataReader(blobs, {
    concurrency: settings.concurrency,
    maxBytes: settings.maxMetadataBytes,
    cacheBytes: settings.cacheBytes,
  })
  const snapshots = new SnapshotReader(data, reader)
  const paths = new ShardPathsReader(blobs)
  const indices = new IndexReader(
    decoded,
    reader,
    snapshots,
    new IndexShardsReader(new ShardReader(blobs, reader, hasNumericGenerations(data)), paths),
  )
  const key = `index-${generation}`
  const structural = decoded.faults.map(
    (fault): Fault => ({ code: 'dangling-reference', ours: null, key, offset: null, shard: null, ...fault }),
  )
  return {
    repositoryData: data,
    repositoryDataBlob: { key, ...sums },
    repositoryFaults: [...faults, ...structural],
    unknownKeys: decoded.unknownKeys,
    readSnapshots: (signal, known) =>
      inOrder(data.snapshots.keys(), settings.concurrency, signal, (snapshot, ahead) =>
        snapshots.read(snapshot, ahead, known?.(snapshot)),
      ),
    readSnapshot: (snapshot, signal) => snapshots.read(snapshot, signal),
    readIndex: (index, wanted, signal, known) => indices.read(index, wanted, signal, known),
    shardFolders: (position, shards, signal) => {
      const index = data.indices[position]
      if (index === undefined) throw new RangeError(`there is no index ${position}`)
      return paths.usual(index, shards, signal)
    },
    readIndices: (signal, wanted) =>
      inOrder(data.indices.keys(), indicesAhead, signal, (index, ahead) => indices.read(index, wanted, ahead)),
  }
}

/** OpenSearch drops the format and keeps the generations, so both are looked at. */
function hasNumericGenerations({ identity, indices }: RepositoryData): boolean {
  return identity.format === null && indices.every(({ shardGenerations }) => shardGenerations.length === 0)
}

interface Settings extends CatalogueOptions {
  readonly maxRepositoryDataBytes: number
}

interface ReadRepositoryData {
  readonly decoded: DecodedRepositoryData
  readonly generation: number
  readonly sums: Omit<RepositoryDataBlob, 'key'>
  readonly faults: readonly Fault[]
}

async function readRepositoryData(blobs: BlobReader, settings: Settings): Promise<ReadRepositoryData> {
  const { signal } = settings
  for (let attempt = 1; ; attempt++) {
    const generation = settings.generation ?? (await newestGeneration(blobs, signal))
    try {
      const { decoded, sums } = await readTwice(blobs, generation, settings)
      const faults = settings.generation === undefined ? await compareIndexLatest(blobs, generation, signal) : []
      return { decoded, generation, sums, faults }
    } catch (error) {
      const vanished = isSnapproofError(error, 'not-found', 'changed')
      if (!vanished || settings.generation !== undefined || attempt === tries) throw error
    }
  }
}

async function newestGeneration(blobs: BlobReader, signal: AbortSignal): Promise<number> {
  // Twice: a folder that is read while index-N gives way to the next one may show neither.
  for (let look = 0; look < 2; look++) {
    const newest = (await listGenerations(blobs, signal)).at(-1)
    if (newest !== undefined) return newest
  }
  const latest = await readIndexLatest(blobs, signal)
  if (typeof latest === 'number')
    throw new SnapproofError(
      'unreadable-repository-data',
      `${blobs.url}: index.latest names index-${latest}, and there is no index-N at all`,
      {
        advice:
          'Restore index-N from a bucket version; look for a lifecycle rule or another program that deletes objects.',
      },
    )
  throw new SnapproofError('no-repository', `${blobs.url}: there is no snapshot repository (no index-N)`, {
    advice: 'Check bucket and base path: they are the settings bucket and base_path of GET /_snapshot/REPOSITORY.',
  })
}

/** Broken bytes are read once more before the repository is called unreadable. */
async function readTwice(
  blobs: BlobReader,
  generation: number,
  settings: Settings,
): Promise<Pick<ReadRepositoryData, 'decoded' | 'sums'>> {
  const key = `index-${generation}`
  for (let again = false; ; again = true) {
    try {
      const { body } = await blobs.get(key, { signal: settings.signal })
      const sums = new Sums()
      const chunks = bounded(body, settings.maxRepositoryDataBytes, `${blobs.url}/${key}`)
      const decoded = await decodeRepositoryData(sums.through(chunks), generation)
      return { decoded, sums: sums.ended() }
    } catch (error) {
      if (isSnapproofError(error, 'archived'))
        throw new SnapproofError('unreadable-repository-data', `${blobs.url}/${key} is archived`, {
          advice: 'Thaw index-N and take the repository out of the lifecycle rule; until then nothing can be restored.',
          cause: error,
        })
      if (!(error instanceof DecodeError)) throw error
      if (!again && error.kind !== 'unknown-layout') continue
      throw new SnapproofError(
        'unreadable-repository-data',
        `${blobs.url}/${key} at byte ${error.offset}: ${error.message}`,
        {
          advice:
            error.kind === 'unknown-layout'
              ? 'This version of Snapproof cannot read this repository; nothing says that it is damaged.'
              : 'Restore index-N from a bucket version; until then no snapshot can be listed or restored.',
          cause: error,
        },
      )
    }
  }
}

/**
 * Is `index-N` what was read? It has no checksum, so what it alone says is believed only when it says so twice.
 *
 * @returns null when it is gone or another object by now: the writer moved on
 */
export async function isReadAgain(
  blobs: BlobReader,
  { key, bytes, sha256 }: RepositoryDataBlob,
  signal: AbortSignal,
): Promise<boolean | null> {
  try {
    const { body } = await blobs.get(key, { signal })
    const sums = new Sums()
    // As long as it was, and no longer.
    for await (const _ of sums.through(body)) if (sums.bytes > bytes) return false
    return sums.ended().sha256 === sha256
  } catch (error) {
    if (isSnapproofError(error, 'not-found', 'changed')) return null
    throw error
  }
}

class Sums {
  bytes = 0
  readonly #hash = createHash('sha256')
  #crc32 = 0

  async *through(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.bytes += chunk.length
      this.#hash.update(chunk)
      this.#crc32 = crc32(chunk, this.#crc32)
      yield chunk
    }
  }

  ended() {
    return { bytes: this.bytes, sha256: this.#hash.digest('hex'), crc32: this.#crc32 }
  }
}

async function* bounded(chunks: AsyncIterable<Buffer>, maxBytes: number, what: string): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new SnapproofError('too-large', `${what} is longer than ${maxBytes} bytes`)
    yield chunk
  }
}

/**
 * A fault where `index.latest` names another generation than the newest, which is `generation`. Looked at twice: a snapshot
 * that ends between listing and reading moves both. The server writes `index.latest` after `index-N`, so a fault may only be
 * early: ask again later before anybody is told.
 */
export async function compareIndexLatest(blobs: BlobReader, generation: number, signal: AbortSignal): Promise<Fault[]> {
  let message = ''
  for (let look = 0; look < 2; look++) {
    const latest = await readIndexLatest(blobs, signal)
    if (latest === null || latest === generation) return []
    const newest = (await listGenerations(blobs, signal)).at(-1)
    if (newest !== generation) return []
    message =
      typeof latest === 'string' ? latest : `index.latest names index-${latest}, the newest is index-${generation}`
  }
  return [
    {
      code: 'index-latest-mismatch',
      ours: null,
      key: 'index.latest',
      offset: null,
      snapshots: [],
      index: null,
      shard: null,
      message,
    },
  ]
}
