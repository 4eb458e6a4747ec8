/**
 * Snapshot by snapshot: root `snap-<uuid>.dat` against `index-N`, and `meta-<uuid>.dat`. What reading an index needs of
 * them later (failed shards, totals) is kept, packed.
 */
import type { Fault, MetadataBlob, SnapshotInfo, SnapshotRecord, WholeSnapshotInfo } from '../model/content.ts'
import type { RepositoryData, SnapshotEntry } from '../model/repository.ts'
import { badValue } from './fields.ts'
import { decodeMetadataBlob } from './framing.ts'
import { faultOf, type MetadataRead, type MetadataReader } from './metadata-reader.ts'
import { indexOf } from './repository-links.ts'
import { decodeSnapshotInfo } from './snapshot-info.ts'

/** What an index needs to know of a snapshot. */
export interface SnapshotFacts {
  /** Null: the root `snap-` blob could not be read, so that nobody knows which shards failed at the source. */
  readonly failures: ReadonlyMap<string, ReadonlySet<number>> | null
  readonly shallow: boolean
  readonly pinned: boolean
  /** By its own blob; null where that could not be read. */
  readonly name: string | null
  totals(index: number): { readonly shardCount: number; readonly bytes: number } | null
  /** The root blob was not read: what is remembered of it has no totals. */
  readonly remembered: boolean
}

const nothingKnown: SnapshotFacts = {
  failures: null,
  shallow: false,
  pinned: false,
  name: null,
  totals: () => null,
  remembered: false,
}

/** The server has not finished writing these, or never could: nothing of them is read and nobody is accused. */
export function isReadable(snapshot: SnapshotEntry): boolean {
  return snapshot.state !== 'IN_PROGRESS' && snapshot.state !== 'INCOMPATIBLE'
}

/** Of a failed snapshot the root blob tells why; its indices cannot be restored and are not looked at. */
export function holdsData(snapshot: SnapshotEntry): boolean {
  return isReadable(snapshot) && snapshot.state !== 'FAILED'
}

export class SnapshotReader {
  private readonly data: RepositoryData
  private readonly reader: MetadataReader
  private readonly facts: (SnapshotFacts | undefined)[] = []
  private readonly indexNames: ReadonlyMap<string, number>
  /** Positions of the indices of each snapshot, ascending, made when first asked for. */
  private held: Int32Array[] | null = null
  /** The newest of the snapshots that were packed: most snapshots hold the same indices. */
  private packed: { readonly positions: Int32Array; readonly shardCounts: Int32Array } | null = null

  constructor(data: RepositoryData, reader: MetadataReader) {
    this.data = data
    this.reader = reader
    this.indexNames = new Map(data.indices.map((index, position) => [index.name, position]))
  }

  /** `known`: what the root blob said when it was read, it and the global metadata being good; null: read them. */
  async read(snapshot: number, signal: AbortSignal, known: SnapshotInfo | null = null): Promise<SnapshotRecord> {
    const entry = this.entry(snapshot)
    if (!isReadable(entry)) return await this.readUnfinished(snapshot, signal)
    if (known !== null) {
      this.facts[snapshot] = { ...this.pack({ ...known, indexDetails: new Map() }), remembered: true }
      return { snapshot, info: known, metadataBlobs: blobsOf(snapshot, entry, known), faults: [] }
    }
    const [root, global] = await Promise.all([
      this.readInfo(snapshot, signal),
      this.reader.read(globalKey(entry), decodeGlobalMetadata, signal),
    ])
    const info = root.ok ? withoutIndices(root.value) : null
    const compared = root.ok ? this.compare(snapshot, root.value) : {}
    const faults: Fault[] = []
    if (!root.ok) faults.push(faultOf(root, where(rootKey(entry), [entry.uuid])))
    else if (compared.fault !== undefined) faults.push(compared.fault)
    const needy = needsGlobal(info) ? [entry.uuid] : []
    if (!global.ok) faults.push(faultOf(global, where(globalKey(entry), needy)))
    const metadataBlobs = blobsOf(snapshot, entry, info, [root, global])
    return { snapshot, info, ...unmatchedOf(compared), metadataBlobs, faults }
  }

  /** A blob that exists all the same tells that the state in `index-N` is wrong; one that does not is normal. */
  private async readUnfinished(snapshot: number, signal: AbortSignal): Promise<SnapshotRecord> {
    const entry = this.entry(snapshot)
    const nothing: SnapshotRecord = { snapshot, info: null, metadataBlobs: [], faults: [] }
    if (entry.state !== 'IN_PROGRESS') return nothing
    const root = await this.reader.read(rootKey(entry), decodeInfoOf(entry), signal)
    const compared = root.ok && root.value.state !== 'IN_PROGRESS' ? this.compare(snapshot, root.value) : {}
    if (compared.fault === undefined || !root.ok) return nothing
    return { ...nothing, info: withoutIndices(root.value), ...unmatchedOf(compared), faults: [compared.fault] }
  }

  /** With totals: reads a root blob again that is only remembered. */
  async wholeFactsOf(snapshot: number, signal: AbortSignal): Promise<SnapshotFacts> {
    const known = await this.factsOf(snapshot, signal)
    if (!known.remembered) return known
    const read = await this.reader.read(rootKey(this.entry(snapshot)), decodeInfoOf(this.entry(snapshot)), signal)
    // What was good when it was remembered, and cannot be read now, is judged where root blobs are.
    if (!read.ok) return known
    const facts = this.pack(read.value)
    this.facts[snapshot] = facts
    return facts
  }

  /** From what `read` saw; reads the root blob where that has not been done. */
  async factsOf(snapshot: number, signal: AbortSignal): Promise<SnapshotFacts> {
    const known = this.facts[snapshot]
    if (known !== undefined) return known
    if (isReadable(this.entry(snapshot))) await this.readInfo(snapshot, signal)
    return this.facts[snapshot] ?? nothingKnown
  }

  private async readInfo(snapshot: number, signal: AbortSignal): Promise<MetadataRead<WholeSnapshotInfo>> {
    const entry = this.entry(snapshot)
    const read = await this.reader.read(rootKey(entry), decodeInfoOf(entry), signal)
    this.facts[snapshot] = read.ok ? this.pack(read.value) : nothingKnown
    return read
  }

  private pack(info: Omit<WholeSnapshotInfo, 'indices'>): SnapshotFacts {
    const failures = new Map<string, Set<number>>()
    for (const { index, shard } of info.failures) failures.set(index, (failures.get(index) ?? new Set()).add(shard))
    const rows = [...info.indexDetails]
      .map(([name, detail]) => ({ position: this.indexNames.get(name) ?? -1, ...detail }))
      .filter(({ position }) => position >= 0)
      .sort((a, b) => a.position - b.position)
    const before = this.packed
    const positions = shared(
      before?.positions,
      Int32Array.from(rows, row => row.position),
    )
    const shardCounts = shared(
      before?.shardCounts,
      Int32Array.from(rows, row => row.shardCount),
    )
    this.packed = { positions, shardCounts }
    const bytes = Float64Array.from(rows, row => row.bytes)
    return {
      failures,
      shallow: info.shallow,
      pinned: info.pinned === true,
      name: info.name,
      remembered: false,
      totals: index => {
        const at = indexOf(positions, index)
        return at < 0 ? null : { shardCount: shardCounts[at] ?? 0, bytes: bytes[at] ?? 0 }
      },
    }
  }

  /** One fault for all that the root blob and `index-N` disagree in. */
  private compare(snapshot: number, info: WholeSnapshotInfo): Compared {
    const entry = this.entry(snapshot)
    const here = new Set(this.indicesOf(snapshot))
    const differences: string[] = []
    const missing = info.indices.filter(name => !here.has(name))
    const stated = new Set(info.indices)
    const surplus = [...here].filter(name => !stated.has(name))
    if (missing.length > 0) differences.push(`index-N lacks ${some(missing)}`)
    if (surplus.length > 0) differences.push(`the snapshot lacks ${some(surplus)}`)
    const same = (what: string, root: unknown, listed: unknown): void => {
      if (listed !== null && root !== listed) differences.push(`${what} is ${root}, index-N says ${listed}`)
    }
    same('name', info.name, entry.name)
    same('state', info.state, entry.state)
    same('start time', info.startedMs, entry.startedMs)
    same('end time', info.endedMs, entry.endedMs)
    same('version', info.versionId, entry.indexVersion)
    if (differences.length === 0) return {}
    const fault: Fault = {
      code: 'snapshot-contents-mismatch',
      ours: null,
      offset: null,
      ...where(rootKey(entry), [entry.uuid]),
      message: `snapshot ${entry.name}: ${differences.join('; ')}`,
    }
    return { fault, unmatched: { inSnapshot: missing.length > 0, inIndexN: surplus.length > 0 } }
  }

  private indicesOf(snapshot: number): string[] {
    if (this.held === null) {
      const counts = new Int32Array(this.data.snapshots.length)
      for (const { snapshots } of this.data.indices) for (const at of snapshots) counts[at] = (counts[at] ?? 0) + 1
      const held = Array.from(counts, count => new Int32Array(count))
      counts.fill(0)
      this.data.indices.forEach(({ snapshots }, position) => {
        for (const at of snapshots) {
          const next = counts[at] ?? 0
          const own = held[at]
          if (own !== undefined) own[next] = position
          counts[at] = next + 1
        }
      })
      this.held = held
    }
    return Array.from(this.held[snapshot] ?? [], position => this.data.indices[position]?.name ?? '')
  }

  private entry(snapshot: number): SnapshotEntry {
    const entry = this.data.snapshots[snapshot]
    if (entry === undefined) throw new RangeError(`there is no snapshot ${snapshot}`)
    return entry
  }
}

interface Compared extends Pick<SnapshotRecord, 'unmatched'> {
  readonly fault?: Fault
}

function unmatchedOf({ unmatched }: Compared): Pick<SnapshotRecord, 'unmatched'> {
  return unmatched === undefined ? {} : { unmatched }
}

function withoutIndices({ indices: _, indexDetails: __, ...info }: WholeSnapshotInfo): SnapshotInfo {
  return info
}

/** The one that is kept already, where both hold the same. */
function shared(known: Int32Array | undefined, values: Int32Array): Int32Array {
  const same = known?.length === values.length && known.every((value, i) => value === values[i])
  return same ? known : values
}

function blobsOf(
  snapshot: number,
  entry: SnapshotEntry,
  info: SnapshotInfo | null,
  [root, global]: readonly MetadataRead<unknown>[] = [],
): MetadataBlob[] {
  const etagOf = (read: MetadataRead<unknown> | undefined) => (read?.ok === true ? { etag: read.etag } : {})
  return [
    { key: rootKey(entry), kind: 'root-snapshot', neededBy: [snapshot], ...etagOf(root) },
    {
      key: globalKey(entry),
      kind: 'global-metadata',
      neededBy: needsGlobal(info) ? [snapshot] : [],
      ...etagOf(global),
    },
  ]
}

/** Restoring an index reads no global metadata; restoring global state or data streams does. */
function needsGlobal(info: SnapshotInfo | null): boolean {
  return info === null || info.includeGlobalState !== false || info.dataStreams.length > 0
}

function rootKey(entry: SnapshotEntry): string {
  return `snap-${entry.uuid}.dat`
}

function globalKey(entry: SnapshotEntry): string {
  return `meta-${entry.uuid}.dat`
}

function where(key: string, snapshots: readonly string[]): Pick<Fault, 'key' | 'snapshots' | 'index' | 'shard'> {
  return { key, snapshots, index: null, shard: null }
}

/** Another snapshot's blob under this name is good by its CRC and still not what belongs here. */
function decodeInfoOf(entry: SnapshotEntry): (bytes: Buffer, maxInflatedBytes: number) => WholeSnapshotInfo {
  return (bytes, maxInflatedBytes) => {
    const info = decodeSnapshotInfo(bytes, maxInflatedBytes)
    if (info.uuid !== entry.uuid) throw badValue('snapshot.uuid', entry.uuid, info.uuid)
    return info
  }
}

/** Looked at whole and not kept. */
function decodeGlobalMetadata(bytes: Buffer, maxInflatedBytes: number): null {
  decodeMetadataBlob(bytes, ['metadata', 'project-metadata'], maxInflatedBytes)
  return null
}

function some(names: readonly string[]): string {
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '')
}
