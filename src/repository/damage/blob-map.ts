/**
 * Who needs which blob, of a repository that is whole: the ground on which damage is planned. It is drawn from what the
 * snapshots hold (copies and their file lists) and not from what a check says, so that it can prove a check wrong.
 */
import type { BlobReader } from '../../blobs/port.ts'
import { blobParts, type IndexRecord, type ShardCopy, shardFolder } from '../../model/content.ts'
import type { SnapshotUuid } from '../../model/repository.ts'
import type { Catalogue } from '../catalogue.ts'
import type { BlobKind } from './kinds.ts'

export interface MappedBlob {
  readonly key: string
  readonly kind: BlobKind
  /** As listed. */
  readonly bytes: number
  /** Snapshots that do not restore without it. */
  readonly neededBy: readonly SnapshotUuid[]
  /** Snapshots that it is about, needed or not. */
  readonly touches: readonly SnapshotUuid[]
  readonly index: string | null
  readonly shard: number | null
  /** Of data: the key without `.partN`; otherwise the key. */
  readonly file: string
  /** Of data: what Lucene recorded for the whole file. */
  readonly checksum: number | null
  /** Of a generation (`index-<number>`): an earlier one is still there and takes its place when this one is lost. */
  readonly hasPredecessor: boolean
  /** Of index metadata: shards that it states; null where `index-N` names the state that it must be (7.9 and later). */
  readonly unstatedShards: number | null
}

/** Ascending by key: the root, then index by index. Blobs that nobody needs are not in it. */
export async function mapBlobs(
  catalogue: Catalogue,
  blobs: BlobReader,
  signal: AbortSignal,
): Promise<readonly MappedBlob[]> {
  const lengths = new Map<string, number>()
  for await (const { key, bytes } of blobs.list('', { signal })) lengths.set(key, bytes)
  const mapped = new Map<string, { blob: MappedBlob; needs: Set<SnapshotUuid>; touches: Set<SnapshotUuid> }>()
  const uuidOf = (position: number) => catalogue.repositoryData.snapshots[position]?.uuid ?? ''

  function note(
    kind: BlobKind,
    key: string,
    place: Partial<Pick<MappedBlob, 'index' | 'shard' | 'file' | 'checksum' | 'unstatedShards'>>,
    snapshot: number | null,
    needed: boolean,
  ): void {
    let known = mapped.get(key)
    if (known === undefined) {
      const blob = { index: null, shard: null, checksum: null, unstatedShards: null, file: key, ...place, key, kind }
      known = {
        blob: { ...blob, bytes: 0, hasPredecessor: false, neededBy: [], touches: [] },
        needs: new Set(),
        touches: new Set(),
      }
      mapped.set(key, known)
    }
    if (snapshot === null) return
    known.touches.add(uuidOf(snapshot))
    if (needed) known.needs.add(uuidOf(snapshot))
  }

  function noteShard(record: IndexRecord, snapshot: number, { shard, files, status }: ShardCopy): void {
    const place = { index: record.name, shard }
    const folder = shardFolder(record, shard)
    if (status === 'complete') note('shard-snapshot', `${folder}/snap-${uuidOf(snapshot)}.dat`, place, snapshot, true)
    const generation = record.metadataBlobs.find(
      ({ kind, key }) => kind === 'shard-generation' && key.startsWith(`${folder}/index-`),
    )
    if (generation !== undefined && status === 'complete')
      note('shard-generation', generation.key, place, snapshot, false)
    for (const file of files?.files ?? []) {
      const parts = blobParts(file, folder)
      const kind = parts.length > 1 ? 'part' : 'data-blob'
      const whole = { ...place, file: `${folder}/${file.name}`, checksum: file.checksum }
      for (const part of parts) note(kind, part.key, whole, snapshot, true)
    }
  }

  note('repository-data', catalogue.repositoryDataBlob.key, {}, null, false)
  note('index-latest', 'index.latest', {}, null, false)
  for await (const { snapshot, info } of catalogue.readSnapshots(signal)) {
    if (info === null) continue
    note('root-snapshot', `snap-${info.uuid}.dat`, {}, snapshot, true)
    const globalNeeded = info.includeGlobalState !== false || info.dataStreams.length > 0
    note('global-metadata', `meta-${info.uuid}.dat`, {}, snapshot, globalNeeded)
  }
  for await (const record of catalogue.readIndices(signal)) {
    for (const { snapshot, metadataKey, metadata, shards } of record.copies) {
      if (metadataKey !== null) {
        const bySnapshot = metadataKey.endsWith(`/meta-${uuidOf(snapshot)}.dat`)
        const unstatedShards = bySnapshot ? (metadata?.shardCount ?? 0) : null
        note('index-metadata', metadataKey, { index: record.name, unstatedShards }, snapshot, true)
      }
      for (const shard of shards) noteShard(record, snapshot, shard)
    }
  }
  // A listing reaches no folder outside the base path, where OpenSearch may keep shards.
  for (const key of mapped.keys()) {
    if (lengths.has(key)) continue
    const blob = await blobs.head(key, { signal })
    if (blob === null) mapped.delete(key)
    else lengths.set(key, blob.bytes)
  }
  return [...mapped.values()]
    .map(({ blob, needs, touches }) => ({
      ...blob,
      bytes: lengths.get(blob.key) ?? 0,
      hasPredecessor: hasPredecessor(blob.key, lengths),
      neededBy: [...needs].sort(),
      touches: [...touches].sort(),
    }))
    .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
}

function hasPredecessor(key: string, listed: ReadonlyMap<string, number>): boolean {
  const [, stem = '', number = ''] = /^(.*index-)(\d+)$/.exec(key) ?? []
  if (stem === '') return false
  const others = [...listed.keys()].filter(other => other.startsWith(stem) && /^\d+$/.test(other.slice(stem.length)))
  return others.some(other => Number(other.slice(stem.length)) < Number(number))
}
