/** From an index record to what a restore must yield and which blobs it needs. Pure. */

import type { MirrorItem } from '../mirror/port.ts'
import {
  blobParts,
  type FileList,
  type IndexCopy,
  type IndexRecord,
  type SnapshotInfo,
  shardFolder,
} from '../model/content.ts'
import type { Expectation, ExpectedFile } from '../model/evidence.ts'
import type { RepositoryData, SnapshotEntry } from '../model/repository.ts'
import type { RepositoryDataBlob } from '../repository/catalogue.ts'
import { expectedCrc32 } from '../repository/checksum.ts'
import { folderInMirror } from '../repository/shard-folders.ts'

export function expectationOf(
  record: IndexRecord,
  copy: IndexCopy,
  snapshot: SnapshotEntry,
  feature: Expectation['feature'] | null = null,
): Expectation {
  return {
    contentId: copy.contentId ?? '',
    indexName: record.name,
    snapshot: snapshot.name,
    snapshotUuid: snapshot.uuid,
    shards: copy.shards.map(({ shard, files }) => ({
      shard,
      files: files?.files.length ?? 0,
      bytes: files?.bytes ?? 0,
      luceneDocs: files?.luceneDocs ?? null,
      maxSeqNo: files?.maxSeqNo ?? null,
    })),
    hasNested: copy.metadata?.hasNested ?? false,
    fields: Object.fromEntries(copy.metadata?.fields ?? []),
    ...(copy.metadata === null ? {} : { aliases: copy.metadata.aliases }),
    ...(feature === null ? {} : { feature }),
  }
}

/** The files of a content that lie in blobs of their own. */
export function filesOf(record: IndexRecord, copy: IndexCopy): ExpectedFile[] {
  return copy.shards.flatMap(({ shard, files }) =>
    (files?.files ?? []).flatMap(file => {
      const blobs = blobParts(file, shardFolder(record, shard)).map(({ key }) => key)
      return blobs.length === 0 ? [] : [{ shard, file: file.physicalName, bytes: file.bytes, blobs }]
    }),
  )
}

/** The root of the repository, which every restore reads: `index-N` as the catalogue read it, byte for byte. */
export function rootItems({ key, bytes, crc32 }: Pick<RepositoryDataBlob, 'key' | 'bytes' | 'crc32'>): MirrorItem[] {
  const root = { snapshots: [], index: null, shard: null }
  return [
    { parts: [{ key, bytes }], crc32, ...root },
    { parts: [{ key: 'index.latest', bytes: null }], crc32: null, ...root },
  ]
}

/**
 * Everything that a restore of one content reads: the snapshot's root blob, the index metadata, each shard's list and
 * each file. An item names all snapshots of the index that need it, so that a fault has its whole blast radius.
 */
export function contentItems(
  record: IndexRecord,
  copy: IndexCopy,
  repository: RepositoryData,
  owners: Owners,
): MirrorItem[] {
  const uuidOf = (position: number) => repository.snapshots[position]?.uuid ?? ''
  const own = uuidOf(copy.snapshot)
  const items: MirrorItem[] = [metadataItem(`snap-${own}.dat`, [own], null, null)]
  if (copy.metadataKey !== null) {
    const sharers = record.copies.filter(other => other.metadataKey === copy.metadataKey)
    items.push(
      metadataItem(
        copy.metadataKey,
        sharers.map(other => uuidOf(other.snapshot)),
        record.name,
        null,
      ),
    )
  }
  for (const { shard, files } of copy.shards) {
    const folder = shardFolder(record, shard)
    const inMirror = folderInMirror(folder, record.id, shard)
    const ofShard = [metadataItem(`${folder}/snap-${own}.dat`, [own], record.name, shard)]
    if (files !== null) ofShard.push(...fileItems(record, files, shard, folder, owners))
    for (const item of ofShard) items.push(inMirror === folder ? item : moved(item, folder, inMirror))
  }
  return items
}

/**
 * What a server reads of the rest of a feature whose state it restores: the metadata of its indices and of its data streams, which
 * `index-N` names only as indices. Their data stay where they are, and the server gives their shards up.
 */
export function featureItems(
  snapshot: number,
  { features, dataStreams, uuid }: SnapshotInfo,
  { name }: NonNullable<Expectation['feature']>,
  repository: RepositoryData,
): MirrorItem[] {
  const indices = new Set(features.find(feature => feature.name === name)?.indices)
  const hasStreams = dataStreams.some(stream => stream.startsWith('.'))
  const items = hasStreams ? [metadataItem(`meta-${uuid}.dat`, [uuid], null, null)] : []
  repository.indices.forEach((index, position) => {
    if (!indices.has(index.name) && !(hasStreams && index.name.startsWith('.ds-.'))) return
    const id = index.snapshots.includes(snapshot) ? repository.indexMetadataBlobId(snapshot, position) : null
    if (id !== null) items.push(metadataItem(`indices/${index.id}/meta-${id}.dat`, [uuid], index.name, null))
  })
  return items
}

/** A server that reads the mirror computes hashed folders by its own settings. */
function moved(item: MirrorItem, folder: string, inMirror: string): MirrorItem {
  return {
    ...item,
    parts: item.parts.map(part => ({ ...part, path: `${inMirror}${part.key.slice(folder.length)}` })),
  }
}

/** `<shard> <blob name>` → uuids of the snapshots that need the file. */
export type Owners = ReadonlyMap<string, readonly string[]>

export function ownersOf(record: IndexRecord, repository: RepositoryData): Owners {
  const lists = new Map<string, { shard: number; files: FileList; snapshots: string[] }>()
  for (const copy of record.copies) {
    for (const { shard, files } of copy.shards) {
      if (files === null) continue
      const key = `${shard} ${files.fingerprint}`
      const known = lists.get(key) ?? { shard, files, snapshots: [] }
      known.snapshots.push(repository.snapshots[copy.snapshot]?.uuid ?? '')
      lists.set(key, known)
    }
  }
  const owners = new Map<string, string[]>()
  for (const { shard, files, snapshots } of lists.values()) {
    for (const { name } of files.files) {
      const known = owners.get(`${shard} ${name}`)
      if (known === undefined) owners.set(`${shard} ${name}`, [...snapshots])
      else known.push(...snapshots)
    }
  }
  return owners
}

function fileItems(record: IndexRecord, list: FileList, shard: number, folder: string, owners: Owners): MirrorItem[] {
  return list.files.flatMap(file => {
    const parts = blobParts(file, folder)
    if (parts.length === 0) return []
    const crc32 = file.checksum === null ? null : expectedCrc32(file.checksum)
    return [{ parts, crc32, snapshots: owners.get(`${shard} ${file.name}`) ?? [], index: record.name, shard }]
  })
}

function metadataItem(
  key: string,
  snapshots: readonly string[],
  index: string | null,
  shard: number | null,
): MirrorItem {
  return { parts: [{ key, bytes: null }], crc32: null, snapshots, index, shard }
}

/** Each item once, by its first key. */
export function distinctItems(items: readonly MirrorItem[]): MirrorItem[] {
  const seen = new Map<string, MirrorItem>()
  for (const item of items) {
    const key = item.parts[0]?.key
    if (key !== undefined && !seen.has(key)) seen.set(key, item)
  }
  return [...seen.values()]
}

/** Contents of this index (any snapshot) that rest on one of the keys. */
export function contentsResting(record: IndexRecord, keys: ReadonlySet<string>): Set<string> {
  const hit = new Set<string>()
  for (const copy of record.copies) {
    if (copy.contentId === null || hit.has(copy.contentId)) continue
    const rests =
      (copy.metadataKey !== null && keys.has(copy.metadataKey)) ||
      copy.shards.some(({ shard, files }) =>
        files?.files.some(file => blobParts(file, shardFolder(record, shard)).some(part => keys.has(part.key))),
      )
    if (rests) hit.add(copy.contentId)
  }
  return hit
}
