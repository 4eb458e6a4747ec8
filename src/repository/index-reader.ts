/** One index over all its snapshots: index metadata, every shard copy, totals. */
import type { Fault, IndexCopy, IndexMetadata, IndexRecord, KnownBlobs, MetadataBlob } from '../model/content.ts'
import type { IndexEntry } from '../model/repository.ts'
import { lookUpBacking } from './backing.ts'
import { DecodeError } from './decode-error.ts'
import { contentIdOf } from './file-list.ts'
import { decodeIndexMetadata } from './index-metadata.ts'
import type { Holder, IndexShardsReader } from './index-shards.ts'
import { faultOf, type MetadataReader } from './metadata-reader.ts'
import type { DecodedRepositoryData } from './repository-data.ts'
import { holdsData, type SnapshotReader } from './snapshot-reader.ts'

export class IndexReader {
  private readonly decoded: DecodedRepositoryData
  private readonly reader: MetadataReader
  private readonly snapshots: SnapshotReader
  private readonly shards: IndexShardsReader

  constructor(
    decoded: DecodedRepositoryData,
    reader: MetadataReader,
    snapshots: SnapshotReader,
    shards: IndexShardsReader,
  ) {
    this.decoded = decoded
    this.reader = reader
    this.snapshots = snapshots
    this.shards = shards
  }

  /** `wanted`: positions of snapshots; those that do not hold the index are left out. */
  async read(
    position: number,
    wanted: readonly number[] | undefined,
    signal: AbortSignal,
    known?: KnownBlobs,
  ): Promise<IndexRecord> {
    const index = this.decoded.data.indices[position]
    if (index === undefined) throw new RangeError(`there is no index ${position}`)
    const only = wanted === undefined ? null : new Set(wanted)
    const positions = [...index.snapshots].filter(snapshot => only?.has(snapshot) ?? true)
    const faults: Fault[] = []
    const metadataBlobs: MetadataBlob[] = []
    const holders = await this.readHolders(position, index, positions, faults, metadataBlobs, signal, known)
    const shards = await this.shards.read(index, holders, signal, known)
    for (const fault of shards.faults) faults.push(fault)
    for (const blob of shards.metadataBlobs) metadataBlobs.push(blob)
    const copies = holders.map((holder, i): IndexCopy => {
      const copies = shards.byHolder[i] ?? []
      const { metadata, metadataKey } = holder
      const contentId =
        metadata === null || metadataKey === null ? null : contentIdOf(metadataKey, metadata.shardCount, copies)
      const remembered = copies.some(shard => shard.remembered === true)
      const elsewhere = this.lookUpBacking(index, holder, faults)
      return { snapshot: holder.position, metadataKey, metadata, shards: copies, contentId, remembered, ...elsewhere }
    })
    const totals = await Promise.all(
      copies.map(async (copy, i) => {
        const holder = holders[i]
        // What is known was compared when it was read.
        if (holder === undefined || copy.shards.every(shard => shard.remembered === true)) return null
        const facts = await this.snapshots.wholeFactsOf(holder.position, signal)
        return compareTotals(position, index, { ...holder, facts }, copy)
      }),
    )
    for (const fault of totals) if (fault !== null) faults.push(fault)
    const folders = shards.folders === null ? {} : { shardFolders: shards.folders }
    return { index: position, name: index.name, id: index.id, copies, ...folders, metadataBlobs, faults }
  }

  /** A mounted index restores only as long as the snapshot is there that holds its data. */
  private lookUpBacking(
    index: IndexEntry,
    { metadata, entry, metadataKey }: Holder,
    faults: Fault[],
  ): { backingElsewhere?: string } {
    const backing = metadata?.backing ?? null
    if (backing === null) return {}
    const { state, message } = lookUpBacking(backing, this.decoded.data)
    if (state === 'elsewhere') return { backingElsewhere: message }
    if (state === 'missing')
      faults.push({
        code: 'backing-snapshot-missing',
        ours: null,
        key: metadataKey,
        offset: null,
        snapshots: [entry.uuid],
        index: index.name,
        shard: null,
        message: `mounted index ${index.name} in ${entry.name}: ${message}`,
      })
    return {}
  }

  /** Each distinct index metadata blob once; one fault for a blob, whoever needs it. */
  private async readHolders(
    position: number,
    index: IndexEntry,
    positions: readonly number[],
    faults: Fault[],
    metadataBlobs: MetadataBlob[],
    signal: AbortSignal,
    known: KnownBlobs | undefined,
  ): Promise<Holder[]> {
    const { data } = this.decoded
    const users = new Map<string, number[]>()
    const keys = positions.map(snapshot => {
      const entry = data.snapshots[snapshot]
      const id = entry !== undefined && holdsData(entry) ? data.indexMetadataBlobId(snapshot, position) : null
      if (id === null) return null
      const key = `indices/${index.id}/meta-${id}.dat`
      const known = users.get(key)
      if (known === undefined) users.set(key, [snapshot])
      else known.push(snapshot)
      return key
    })
    const metadata = new Map<string, IndexMetadata>()
    const etags = new Map<string, string | null>()
    await Promise.all(
      [...users].map(async ([key, neededBy]) => {
        const identifiers = neededBy.map(snapshot => this.decoded.indexMetadataIdentifier(snapshot, position))
        const before = known?.metadata(key) ?? null
        const [identifier = null, ...others] = new Set(identifiers)
        if (before !== null && others.length === 0 && (before.identifier ?? null) === identifier) {
          metadata.set(key, before)
          return
        }
        const read = await this.reader.read(key, decodeMetadataOf(index, identifiers), signal)
        if (read.ok) {
          metadata.set(key, { ...read.value, identifier: others.length === 0 ? identifier : null })
          etags.set(key, read.etag)
        } else {
          const snapshots = neededBy.map(snapshot => data.snapshots[snapshot]?.uuid ?? '')
          faults.push(faultOf(read, { key, snapshots, index: index.name, shard: null }))
        }
      }),
    )
    for (const [key, neededBy] of users) {
      const etag = etags.get(key)
      metadataBlobs.push({ key, kind: 'index-metadata', neededBy, ...(etag === undefined ? {} : { etag }) })
    }
    faults.sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1))
    return Promise.all(
      positions.map(async (snapshot, i): Promise<Holder> => {
        const entry = data.snapshots[snapshot]
        if (entry === undefined) throw new RangeError(`there is no snapshot ${snapshot}`)
        const metadataKey = keys[i] ?? null
        const facts = await this.snapshots.factsOf(snapshot, signal)
        return {
          position: snapshot,
          entry,
          facts,
          metadataKey,
          metadata: metadataKey === null ? null : (metadata.get(metadataKey) ?? null),
        }
      }),
    )
  }
}

/** Another index's blob, or that of an earlier index of the name, is good by its CRC and still not what belongs here. */
function decodeMetadataOf(
  index: IndexEntry,
  identifiers: readonly (string | null)[],
): (bytes: Buffer, maxInflatedBytes: number) => IndexMetadata {
  return (bytes, maxInflatedBytes) => {
    const { name, uuid, versions, metadata } = decodeIndexMetadata(bytes, maxInflatedBytes)
    if (name !== index.name) throw new DecodeError('bad-value', 0, `it is about index ${name}, not ${index.name}`)
    const foreign = foreignIdentifier(uuid, identifiers)
    if (foreign !== null)
      throw new DecodeError('bad-value', 0, `it is about the index with uuid ${uuid}, not ${foreign}`)
    const other = versions === null ? undefined : identifiers.find(one => one !== null && !isState(one, uuid, versions))
    if (other !== undefined)
      throw new DecodeError('bad-value', 0, `it is the index in state ${uuid}-${versions}, not in ${other}`)
    return { ...metadata, uuid }
  }
}

/** Only identifiers of the form that is known can be told to name another state of the index. */
function isState(identifier: string, uuid: string | null, versions: string): boolean {
  const stated = uuid !== null && identifier.startsWith(`${uuid}-`) ? identifier.slice(uuid.length + 1) : ''
  return !/^[\w-]+-\d+-\d+-\d+$/.test(stated) || stated === versions
}

/** An identifier that names another index than the one with this uuid; null where there is none. */
function foreignIdentifier(uuid: string | null, identifiers: readonly (string | null)[]): string | null {
  if (uuid === null) return null
  const own = (identifier: string) => identifier.startsWith('resharded-') || identifier.startsWith(`${uuid}-`)
  return identifiers.find(identifier => identifier !== null && !own(identifier)) ?? null
}

/** Only where every shard is there: a shard that failed is in neither total. Mounted indices have no bytes of their own. */
function compareTotals(position: number, index: IndexEntry, holder: Holder, copy: IndexCopy): Fault | null {
  const totals = holder.facts.totals(position)
  if (totals === null || copy.contentId === null || copy.metadata === null || copy.metadata.mounted) return null
  const bytes = copy.shards.reduce((sum, { files }) => sum + (files?.bytes ?? 0), 0)
  const differences: string[] = []
  if (totals.shardCount !== copy.metadata.shardCount)
    differences.push(`${totals.shardCount} shards stated, ${copy.metadata.shardCount} in the index metadata`)
  if (totals.bytes !== bytes) differences.push(`${totals.bytes} bytes stated, ${bytes} in the files`)
  if (differences.length === 0) return null
  return {
    code: 'totals-mismatch',
    ours: null,
    key: `snap-${holder.entry.uuid}.dat`,
    offset: null,
    snapshots: [holder.entry.uuid],
    index: index.name,
    shard: null,
    message: `index ${index.name} in ${holder.entry.name}: ${differences.join('; ')}`,
  }
}
