/**
 * What need not be read again. Nothing is remembered of a blob that the store gives no ETag, and nothing of one whose bytes were not
 * those that the listing shows: a proof holds for the very object that was read.
 */
import { createHash } from 'node:crypto'
import type { ListedBlob } from '../model/blob.ts'
import {
  blobParts,
  type FileEntry,
  type IndexMetadata,
  type IndexRecord,
  type KnownBlobs,
  type SnapshotRecord,
  shardFolder,
} from '../model/content.ts'
import type { IndexEntry, RepositoryData } from '../model/repository.ts'

import {
  type ByteProof,
  type Calm,
  decodeIndexMemory,
  decodeSnapshotMemory,
  encodeIndexMemory,
  type IndexMemory,
  type ShortDigest,
  type SnapshotMemory,
} from './memoryFormat.ts'

/** The port that a check remembers through. */
export interface CheckMemory {
  /** Null where nothing is remembered. */
  recall(subject: string): Buffer | null
  /** Resolves once the rows are kept for good. Empty data: forget. */
  keep(rows: readonly { readonly subject: string; readonly data: Buffer }[]): Promise<void>
  /** All that something is remembered of. */
  subjects(): Iterable<string>
  /** Metadata blobs and data blobs that were read longer ago than this are read again. */
  readonly renewAfterMs: number
}

export const snapshotSubject = (uuid: string): string => `snapshot:${uuid}`
export const indexSubject = (id: string): string => `index:${id}`

const dayMs = 86_400_000
/** A date later than this after now was written by a clock that was wrong, or now is. */
const toleratedSkewMs = 5 * 60_000

/**
 * Is it time to read it again? Between three quarters of the age and all of it, by name: what was read in one night is not due in
 * one night.
 */
export function isDue(name: string, provenMs: number, nowMs: number, renewAfterMs: number): boolean {
  if (provenMs > nowMs + toleratedSkewMs) return true
  const fraction = createHash('sha256').update(name).digest().readUInt16BE(0) / 0x10000
  return nowMs - provenMs >= renewAfterMs * (0.75 + 0.25 * fraction)
}

/** Null: the store gives no ETag, so that nobody could tell whether the object is still the same. */
export function witnessOf(blob: ListedBlob | undefined): ShortDigest | null {
  if (blob === undefined || blob.etag === null) return null
  return digest([blob.key, blob.bytes, blob.etag, blob.modifiedMs, blob.storageClass])
}

export function digest(values: readonly unknown[]): ShortDigest {
  return createHash('sha256').update(JSON.stringify(values)).digest().toString('latin1', 0, 8)
}

/** What the root blobs of a snapshot are now, and whether they were seen to be good. Null: not to be relied on later. */
export interface Epoch {
  /** Of both root blobs and of what `index-N` says of the snapshot. */
  readonly witness: string
  readonly readMs: number
}

/** Digest over what `index-N` and the listing say of each snapshot; null without ETags. By position. */
export function snapshotWitnesses(
  { snapshots, indices }: RepositoryData,
  root: ReadonlyMap<string, ListedBlob>,
): (string | null)[] {
  // The set of indices of each snapshot, as the sum of their digests: ten million memberships take a moment only.
  const sums = snapshots.map(() => ({ high: 0, low: 0, count: 0 }))
  for (const { id, name, snapshots: holders } of indices) {
    const hash = createHash('sha256')
      .update(JSON.stringify([id, name]))
      .digest()
    const [high, low] = [hash.readUInt32BE(0), hash.readUInt32BE(4)]
    for (const holder of holders) {
      const sum = sums[holder]
      if (sum === undefined) continue
      sum.high = (sum.high + high) >>> 0
      sum.low = (sum.low + low) >>> 0
      sum.count++
    }
  }
  return snapshots.map((entry, position) => {
    const own = witnessOf(root.get(`snap-${entry.uuid}.dat`))
    const global = witnessOf(root.get(`meta-${entry.uuid}.dat`))
    if (own === null || global === null) return null
    const { name, uuid, state, version, indexVersion, startedMs, endedMs } = entry
    const view = [name, uuid, state, version, indexVersion, startedMs, endedMs, sums[position], own, global]
    return createHash('sha256').update(JSON.stringify(view)).digest('hex').slice(0, 32)
  })
}

/** What is remembered of a snapshot, if its root blobs are still the same and were read recently enough. */
export function recallSnapshot(
  memory: CheckMemory,
  { snapshots }: RepositoryData,
  position: number,
  witness: string | null,
  nowMs: number,
): SnapshotMemory | null {
  const uuid = snapshots[position]?.uuid ?? ''
  const data = witness === null ? null : memory.recall(snapshotSubject(uuid))
  if (data === null) return null
  const known = decodeSnapshotMemory(data)
  if (known === null || known.witness !== witness || known.info.uuid !== uuid) return null
  return isDue(uuid, known.readMs, nowMs, memory.renewAfterMs) ? null : known
}

/** Were both root blobs read this time, whole, good, and the very objects of the listing? */
export function readAsListed(record: SnapshotRecord, root: ReadonlyMap<string, ListedBlob>): boolean {
  if (record.info === null || record.faults.length > 0) return false
  return record.metadataBlobs.every(
    ({ key, etag }) => etag !== undefined && etag !== null && root.get(key)?.etag === etag,
  )
}

/** Without what has grown too old. */
export function recallIndex(memory: CheckMemory, id: string, nowMs: number): IndexMemory {
  const data = memory.recall(indexSubject(id))
  const known = data === null ? null : decodeIndexMemory(data)
  if (known === null) return { ...nothing, readMs: nowMs }
  if (!isDue(id, known.readMs, nowMs, memory.renewAfterMs)) return known
  return { ...nothing, readMs: nowMs, bytes: known.bytes, bad: known.bad, looks: known.looks }
}

/** The memory of an index without what it says of metadata blobs, which are read again. Empty: nothing can be kept. */
export function withoutMetadata(data: Buffer): Buffer {
  const known = decodeIndexMemory(data)
  if (known === null) return Buffer.alloc(0)
  const { readMs, bytes, bad, looks } = known
  return encodeIndexMemory({ ...nothing, readMs, bytes, bad, looks })
}

export const nothing = {
  metadata: new Map(),
  lists: new Set<ShortDigest>(),
  bytes: new Map(),
  bad: [],
  looks: new Map(),
  calm: null,
} as const

/** All that the judgement of one index is made from, but for the bytes of blobs. */
export interface IndexView {
  readonly entry: IndexEntry
  readonly index: number
  readonly repository: RepositoryData
  /** Of the folders of the index. */
  readonly listed: ReadonlyMap<string, ListedBlob>
  /** By position of the snapshot. */
  readonly epochs: readonly (Epoch | null)[]
  /** What else the judgement depends on: how credit is given, what the whole snapshots are blamed for. */
  readonly circumstances: readonly unknown[]
}

/** Null: something in it cannot be relied on later. */
export function viewOf({ entry, index, repository, listed, epochs, circumstances }: IndexView): string | null {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([entry.name, entry.id, entry.shardGenerations, entry.shardPathType, circumstances]))
  for (const snapshot of entry.snapshots) {
    const epoch = epochs[snapshot] ?? null
    if (epoch === null) return null
    const uuid = repository.snapshots[snapshot]?.uuid
    hash.update(JSON.stringify([uuid, repository.indexMetadataBlobId(snapshot, index), epoch.witness]))
  }
  for (const blob of listed.values()) {
    const witness = witnessOf(blob)
    if (witness === null) return null
    hash.update(witness, 'latin1')
  }
  return hash.digest('hex').slice(0, 32)
}

/** Digest of one shard in one snapshot, tied to the objects that say so. Null: cannot be remembered. */
function listDigest(
  { repository, listed, epochs }: IndexView,
  key: string,
  snapshot: number,
  fingerprint: string,
): ShortDigest | null {
  const epoch = epochs[snapshot] ?? null
  const own = witnessOf(listed.get(key))
  if (epoch === null || own === null) return null
  return digest([repository.snapshots[snapshot]?.uuid, epoch.witness, own, fingerprint])
}

/** With the name of the index, which the blob was compared with. */
function metadataWitness({ entry, listed }: IndexView, key: string): ShortDigest | null {
  const own = witnessOf(listed.get(key))
  return own === null ? null : digest([own, entry.name])
}

export function knownBlobs(view: IndexView, memory: IndexMemory, folderOf: (shard: number) => string): KnownBlobs {
  return {
    metadata: key => {
      const known = memory.metadata.get(key)
      return known !== undefined && known.witness === metadataWitness(view, key) ? known.metadata : null
    },
    lists: (shard, snapshot, fingerprint) => {
      const key = `${folderOf(shard)}/snap-${view.repository.snapshots[snapshot]?.uuid}.dat`
      const known = listDigest(view, key, snapshot, fingerprint)
      return known !== null && memory.lists.has(known)
    },
  }
}

export interface Remembered {
  readonly memory: Omit<IndexMemory, 'calm' | 'looks' | 'bad'>
  /** Does it cover every metadata blob of the index? */
  readonly whole: boolean
}

/** What may be relied on the next time: blobs that were read and are those of the listing, and what was known before and still holds. */
export function rememberIndex(
  view: IndexView,
  before: IndexMemory,
  record: IndexRecord,
  bytes: ReadonlyMap<ShortDigest, ByteProof>,
  nowMs: number,
): Remembered {
  const known = knownBlobs(view, before, shard => shardFolder(record, shard))
  const read = new Set<string>()
  for (const { key, etag } of record.metadataBlobs)
    if (etag !== undefined && etag !== null && view.listed.get(key)?.etag === etag) read.add(key)
  let old = false
  let whole = record.metadataBlobs.every(blob => blob.kind !== 'shard-generation' || read.has(blob.key))

  const metadata = new Map<string, { witness: ShortDigest; metadata: IndexMetadata }>()
  for (const copy of record.copies) {
    const key = copy.metadataKey
    if (key === null || copy.metadata === null || metadata.has(key)) continue
    const witness = metadataWitness(view, key)
    const kept = !read.has(key) && known.metadata(key) !== null
    if (witness === null || (!kept && !read.has(key))) whole = false
    else metadata.set(key, { witness, metadata: copy.metadata })
    old ||= kept
  }
  const blamed = new Set(record.faults.flatMap(fault => fault.snapshots))
  const lists = new Set<ShortDigest>()
  for (const { snapshot, shards } of record.copies) {
    if (blamed.has(view.repository.snapshots[snapshot]?.uuid ?? '')) whole = false
    else
      for (const { shard, files, remembered = false } of shards) {
        if (files === null) continue
        const key = `${shardFolder(record, shard)}/snap-${view.repository.snapshots[snapshot]?.uuid}.dat`
        const own = remembered || read.has(key) ? listDigest(view, key, snapshot, files.fingerprint) : null
        if (own === null) whole = false
        else lists.add(own)
        old ||= remembered
      }
  }
  return { memory: { readMs: old ? Math.min(before.readMs, nowMs) : nowMs, metadata, lists, bytes }, whole }
}

/** Key and witness of a byte proof. Null witness: an object is not listed, or has no ETag. */
export function proofKeys(
  record: Pick<IndexRecord, 'id' | 'shardFolders'>,
  shard: number,
  file: FileEntry,
  listed: ReadonlyMap<string, ListedBlob>,
): { readonly key: ShortDigest; readonly witness: ShortDigest | null } {
  const witnesses = blobParts(file, shardFolder(record, shard)).map(part => witnessOf(listed.get(part.key)))
  const witness = witnesses.includes(null) ? null : digest([file.bytes, file.checksum, ...witnesses])
  return { key: digest([shard, file.name]), witness }
}

export const dayOf = (ms: number): number => Math.floor(ms / dayMs)
export const msOfDay = (day: number): number => day * dayMs

export type { ByteProof, Calm, IndexMemory, ShortDigest, SnapshotMemory }
