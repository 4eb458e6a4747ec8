/** Keys of a generated repository: in listing order without holding them, and back from a key to what it names. */
import { indexId, indexMetadataBlobId, shardGeneration, snapshotUuid } from './metadata-blobs.ts'
import { generationOf, type RepositoryShape } from './shape.ts'
import { type DataBlob, dataBlobName, liveSegments } from './shard-files.ts'

/** One object. `shard` is counted over all indices. */
export type GeneratedBlob =
  | { readonly kind: 'repository-data' }
  | { readonly kind: 'index-latest' }
  | { readonly kind: 'root-snapshot'; readonly snapshot: number }
  | { readonly kind: 'global-metadata'; readonly snapshot: number }
  | { readonly kind: 'index-metadata'; readonly index: number }
  | { readonly kind: 'shard-generation'; readonly shard: number }
  | { readonly kind: 'shard-snapshot'; readonly shard: number; readonly snapshot: number }
  | ({ readonly kind: 'data' } & DataBlob)

export interface KeyedBlob {
  readonly key: string
  readonly blob: GeneratedBlob
}

/** Shards whose names are kept for finding data blobs. */
const keptShards = 8

/** Memory: one entry for each snapshot and each index; the names of one shard at a time. */
export class GeneratedKeys {
  private readonly shape: RepositoryShape
  /** In the order of their ids. */
  private readonly indices: readonly { readonly id: string; readonly index: number }[]
  private readonly snapshots: readonly { readonly uuid: string; readonly snapshot: number }[]
  private readonly indexOf: ReadonlyMap<string, number>
  private readonly snapshotOf: ReadonlyMap<string, number>
  /** In the order of their names. */
  private readonly shardNumbers: readonly number[]
  private readonly dataNames = new Map<number, ReadonlyMap<string, DataBlob>>()

  constructor(shape: RepositoryShape) {
    this.shape = shape
    this.indices = Array.from({ length: shape.indices }, (_, index) => ({ id: indexId(shape, index), index })).sort(
      (a, b) => (a.id < b.id ? -1 : 1),
    )
    this.snapshots = Array.from({ length: shape.snapshots - shape.deleted }, (_, i) => {
      const snapshot = shape.deleted + i
      return { uuid: snapshotUuid(shape, snapshot), snapshot }
    }).sort((a, b) => (a.uuid < b.uuid ? -1 : 1))
    this.indexOf = new Map(this.indices.map(({ id, index }) => [id, index]))
    this.snapshotOf = new Map(this.snapshots.map(({ uuid, snapshot }) => [uuid, snapshot]))
    this.shardNumbers = Array.from({ length: shape.shards }, (_, shard) => shard).sort((a, b) =>
      String(a) < String(b) ? -1 : 1,
    )
  }

  /** Ascending; only what begins with `prefix` and comes after `after`. `rootOnly`: nothing behind a further `/`. */
  *list(prefix: string, after: string, rootOnly: boolean): Generator<KeyedBlob> {
    const wanted = (key: string) =>
      key.startsWith(prefix) && key > after && !(rootOnly && key.includes('/', prefix.length))
    /** Can anything below the folder be wanted? */
    const entered = (folder: string) =>
      (folder.startsWith(prefix) ? !rootOnly || folder.length <= prefix.length : prefix.startsWith(folder)) &&
      (folder > after || after.startsWith(folder))
    for (const root of this.rootBefore()) if (wanted(root.key)) yield root
    if (entered('indices/')) {
      for (const { id, index } of this.indices) {
        const folder = `indices/${id}/`
        if (!entered(folder)) continue
        for (const shard of this.shardNumbers) {
          if (!entered(`${folder}${shard}/`)) continue
          for (const blob of this.listShard(`${folder}${shard}/`, index * this.shape.shards + shard))
            if (wanted(blob.key)) yield blob
        }
        const key = `${folder}meta-${indexMetadataBlobId(this.shape, index)}.dat`
        if (wanted(key)) yield { key, blob: { kind: 'index-metadata', index } }
      }
    }
    for (const root of this.rootAfter()) if (wanted(root.key)) yield root
  }

  find(key: string): GeneratedBlob | null {
    const parts = key.split('/')
    if (parts.length === 1) return this.findRoot(key)
    const [folder, id = '', shardOrBlob = '', name] = parts
    const index = this.indexOf.get(id)
    if (folder !== 'indices' || index === undefined || parts.length > 4) return null
    if (name === undefined)
      return shardOrBlob === `meta-${indexMetadataBlobId(this.shape, index)}.dat`
        ? { kind: 'index-metadata', index }
        : null
    if (!/^(?:0|[1-9]\d{0,3})$/.test(shardOrBlob) || Number(shardOrBlob) >= this.shape.shards) return null
    return this.findInShard(index * this.shape.shards + Number(shardOrBlob), name)
  }

  private findRoot(key: string): GeneratedBlob | null {
    if (key === `index-${generationOf(this.shape)}`) return { kind: 'repository-data' }
    if (key === 'index.latest') return { kind: 'index-latest' }
    const [, kind, uuid = ''] = /^(snap|meta)-(.{22})\.dat$/.exec(key) ?? []
    const snapshot = this.snapshotOf.get(uuid)
    if (snapshot === undefined) return null
    return { kind: kind === 'snap' ? 'root-snapshot' : 'global-metadata', snapshot }
  }

  private findInShard(shard: number, name: string): GeneratedBlob | null {
    if (name.startsWith('snap-') && name.endsWith('.dat')) {
      const snapshot = this.snapshotOf.get(name.slice('snap-'.length, -'.dat'.length))
      return snapshot === undefined ? null : { kind: 'shard-snapshot', shard, snapshot }
    }
    if (name.startsWith('index-'))
      return name === `index-${shardGeneration(this.shape, shard)}` ? { kind: 'shard-generation', shard } : null
    const found = this.namesOf(shard).get(name)
    return found === undefined ? null : { kind: 'data', ...found }
  }

  private *rootBefore(): Generator<KeyedBlob> {
    yield { key: `index-${generationOf(this.shape)}`, blob: { kind: 'repository-data' } }
    yield { key: 'index.latest', blob: { kind: 'index-latest' } }
  }

  private *rootAfter(): Generator<KeyedBlob> {
    for (const { uuid, snapshot } of this.snapshots)
      yield { key: `meta-${uuid}.dat`, blob: { kind: 'global-metadata', snapshot } }
    for (const { uuid, snapshot } of this.snapshots)
      yield { key: `snap-${uuid}.dat`, blob: { kind: 'root-snapshot', snapshot } }
  }

  private *listShard(folder: string, shard: number): Generator<KeyedBlob> {
    const data = this.dataOf(shard).sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const { name, ...blob } of data) yield { key: folder + name, blob: { kind: 'data', ...blob } }
    yield { key: `${folder}index-${shardGeneration(this.shape, shard)}`, blob: { kind: 'shard-generation', shard } }
    for (const { uuid, snapshot } of this.snapshots)
      yield { key: `${folder}snap-${uuid}.dat`, blob: { kind: 'shard-snapshot', shard, snapshot } }
  }

  private dataOf(shard: number): ({ name: string } & DataBlob)[] {
    const { shape } = this
    const [first] = liveSegments(shape, shard, shape.deleted)
    const [, end] = liveSegments(shape, shard, shape.snapshots - 1)
    const found: ({ name: string } & DataBlob)[] = []
    for (let segment = first; segment < end; segment++) {
      for (let file = 0; file < shape.filesPerSegment; file++) {
        const blob = { shard, segment, file }
        found.push({ name: dataBlobName(shape, blob), ...blob })
      }
    }
    return found
  }

  private namesOf(shard: number): ReadonlyMap<string, DataBlob> {
    let names = this.dataNames.get(shard)
    if (names === undefined) {
      names = new Map(this.dataOf(shard).map(({ name, ...blob }) => [name, blob]))
      const [oldest] = this.dataNames.keys()
      if (oldest !== undefined && this.dataNames.size >= keptShards) this.dataNames.delete(oldest)
      this.dataNames.set(shard, names)
    }
    return names
  }
}
