/** Index records, listings, catalogues and a store made by hand, small enough to see what is wrong in them. */
import { createHash } from 'node:crypto'
import type { BlobReader } from '../../src/blobs/port.ts'
import type { IndexFacts } from '../../src/check/checkIndex.ts'
import { SnapproofError } from '../../src/errors.ts'
import type { ListedBlob } from '../../src/model/blob.ts'
import type {
  Fault,
  FileEntry,
  FileList,
  IndexCopy,
  IndexMetadata,
  IndexRecord,
  ShardCopy,
  SnapshotInfo,
  SnapshotRecord,
} from '../../src/model/content.ts'
import type { RepositoryData, SnapshotEntry } from '../../src/model/repository.ts'
import type { Catalogue } from '../../src/repository/catalogue.ts'
import { nowMs, repositoryOf, snapshotEntry } from './contents.ts'

export function file(name: string, bytes: number, change: Partial<FileEntry> = {}): FileEntry {
  return { name, physicalName: `_${name}.cfs`, bytes, checksum: 1, partBytes: null, metaHash: null, ...change }
}

export function fileList(files: readonly FileEntry[], change: Partial<FileList> = {}): FileList {
  return {
    fingerprint: JSON.stringify(files.map(one => [one.name, one.bytes, one.checksum])),
    files,
    bytes: files.reduce((sum, one) => sum + one.bytes, 0),
    luceneDocs: 5,
    maxSeqNo: 7,
    countStatus: 'known',
    ...change,
  }
}

export function metadata(change: Partial<IndexMetadata> = {}): IndexMetadata {
  return {
    shardCount: 1,
    createdVersion: 9_009_000,
    state: 'open',
    hidden: false,
    system: false,
    mounted: false,
    hasNested: false,
    aliases: [],
    fields: new Map([['message', 'text']]),
    settings: new Map(),
    ...change,
  }
}

/** One complete copy; the content id follows from its lists, as in the reader. */
export function copyOf(snapshot: number, lists: readonly FileList[], change: Partial<IndexCopy> = {}): IndexCopy {
  const shards = lists.map((files, shard): ShardCopy => ({ shard, status: 'complete', files }))
  const digest = createHash('sha256').update(lists.map(list => list.fingerprint).join(' '))
  return {
    snapshot,
    metadataKey: 'indices/INDEX-LOGS/meta-M.dat',
    metadata: metadata({ shardCount: lists.length }),
    shards,
    contentId: digest.digest('hex').slice(0, 32),
    ...change,
  }
}

export function indexRecord(copies: readonly IndexCopy[], change: Partial<IndexRecord> = {}): IndexRecord {
  const own = copies.flatMap(({ snapshot, shards }) =>
    shards.map(({ shard }) => ({
      key: `indices/INDEX-LOGS/${shard}/snap-UUID-${snapshot}.dat`,
      kind: 'shard-snapshot' as const,
      neededBy: [snapshot],
    })),
  )
  const meta = { key: 'indices/INDEX-LOGS/meta-M.dat', kind: 'index-metadata' as const, neededBy: [] }
  return { index: 0, name: 'logs', id: 'INDEX-LOGS', copies, metadataBlobs: [meta, ...own], faults: [], ...change }
}

export function fault(change: Partial<Fault> = {}): Fault {
  return {
    code: 'missing-metadata-blob',
    ours: null,
    key: null,
    offset: null,
    snapshots: [],
    index: null,
    shard: null,
    message: 'it is not there',
    ...change,
  }
}

export function listed(key: string, bytes: number, change: Partial<ListedBlob> = {}): ListedBlob {
  return { key, bytes, etag: `"${key}"`, storageClass: 'STANDARD', modifiedMs: nowMs - 1e9, ...change }
}

/** `indices/INDEX-LOGS/0/<name>` → length, as a listing. */
export function listing(blobs: Readonly<Record<string, number>>): Map<string, ListedBlob> {
  const all = Object.entries({ 'meta-M.dat': 300, ...blobs }).map(([name, bytes]) => {
    const key = `indices/INDEX-LOGS/${name}`
    return [key, listed(key, bytes)] as const
  })
  return new Map(all)
}

export function snapshotInfo(position: number, change: Partial<SnapshotInfo> = {}): SnapshotInfo {
  return {
    name: `snapshot-${position}`,
    uuid: `UUID-${position}`,
    versionId: 9_009_000,
    indexCount: 1,
    dataStreams: [],
    state: 'SUCCESS',
    includeGlobalState: false,
    startedMs: nowMs - 2000,
    endedMs: nowMs - 1000,
    totalShards: 1,
    successfulShards: 1,
    failures: [],
    features: [],
    shallow: false,
    ...change,
  }
}

export function facts(
  record: IndexRecord,
  blobs: ReadonlyMap<string, ListedBlob>,
  change: Partial<IndexFacts> = {},
): IndexFacts {
  const snapshots = Array.from({ length: 4 }, (_, i) => snapshotEntry(i))
  const infos = snapshots.map((_, i) => snapshotInfo(i))
  const wholes = snapshots.map(() => null)
  return {
    record,
    listed: blobs,
    repository: repositoryOf(snapshots, ['logs']),
    infos,
    wholes,
    rootFaults: [],
    ...change,
  }
}

export interface CatalogueParts {
  readonly snapshots: readonly SnapshotEntry[]
  /** By position; null: the root blob could not be read. */
  readonly infos: readonly (SnapshotInfo | null)[]
  readonly records: readonly IndexRecord[]
  readonly repositoryFaults?: readonly Fault[]
  /** By position. */
  readonly rootFaults?: Readonly<Record<number, readonly Fault[]>>
  /** By position. */
  readonly unmatched?: Readonly<Record<number, SnapshotRecord['unmatched']>>
  readonly data?: Partial<RepositoryData>
}

export function catalogueOf(parts: CatalogueParts): Catalogue {
  const { snapshots, infos, records } = parts
  const repositoryData: RepositoryData = {
    ...repositoryOf(snapshots, []),
    indices: records.map(record => ({
      name: record.name,
      id: record.id,
      snapshots: Int32Array.from(record.copies, copy => copy.snapshot),
      shardGenerations: [],
      shardPathType: 0,
    })),
    ...parts.data,
  }
  const snapshotRecord = (position: number): SnapshotRecord => {
    const info = infos[position] ?? null
    const unmatched = parts.unmatched?.[position]
    const needed = info === null || info.includeGlobalState !== false || info.dataStreams.length > 0
    return {
      snapshot: position,
      info,
      ...(unmatched === undefined ? {} : { unmatched }),
      metadataBlobs: [
        { key: `snap-UUID-${position}.dat`, kind: 'root-snapshot', neededBy: [position] },
        { key: `meta-UUID-${position}.dat`, kind: 'global-metadata', neededBy: needed ? [position] : [] },
      ],
      faults: parts.rootFaults?.[position] ?? [],
    }
  }
  const need = (position: number): IndexRecord => {
    const record = records[position]
    if (record === undefined) throw new RangeError(`no index ${position}`)
    return record
  }
  return {
    repositoryData,
    repositoryDataBlob: { key: 'index-7', bytes: 100, sha256: 'a'.repeat(64), crc32: 0 },
    repositoryFaults: parts.repositoryFaults ?? [],
    unknownKeys: [],
    async *readSnapshots() {
      for (const position of snapshots.keys()) yield snapshotRecord(position)
    },
    readSnapshot: async position => snapshotRecord(position),
    readIndex: async position => need(position),
    shardFolders: async () => null,
    async *readIndices() {
      yield* records
    },
  }
}

/** A store that lists, heads and gives first bytes; `head` may answer otherwise than the listing, or throw. */
export function listedStore(
  blobs: Iterable<ListedBlob>,
  head: (key: string) => ListedBlob | null | undefined | Error = () => undefined,
): BlobReader & { readonly heads: string[] } {
  const all = [...blobs]
  const heads: string[] = []
  return {
    url: 'memory://listed',
    basePath: null,
    heads,
    async *list(prefix, { depth = 'all' } = {}) {
      yield* all.filter(
        ({ key }) => key.startsWith(prefix) && (depth === 'all' || !key.slice(prefix.length).includes('/')),
      )
    },
    head: async key => {
      heads.push(key)
      const answer = head(key)
      if (answer instanceof Error) throw answer
      return answer === undefined ? (all.find(blob => blob.key === key) ?? null) : answer
    },
    get: async key => {
      const answer = head(key)
      if (answer instanceof Error) throw answer
      async function* body() {
        yield Buffer.from([0])
      }
      return { bytes: 1, etag: null, modifiedMs: null, body: body() }
    },
    read: async key => {
      throw new SnapproofError('not-found', key)
    },
  }
}
