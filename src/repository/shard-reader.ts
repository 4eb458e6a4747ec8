/** One shard over all snapshots: every `snap-<uuid>.dat` of it, and the shard generation that they must agree with. */
import type { BlobReader } from '../blobs/port.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import type { Fault, FileList, KnownBlobs, MetadataBlob, ShardCopy } from '../model/content.ts'
import type { IndexEntry } from '../model/repository.ts'
import { inOrder } from './ahead.ts'
import { filesToRead, readCommitFiles } from './commit-blobs.ts'
import { checkVirtual } from './commit-counts.ts'
import { DecodeError } from './decode-error.ts'
import { badValue, text } from './fields.ts'
import { FileLists } from './file-list.ts'
import { decodeMetadataBlob } from './framing.ts'
import { newestShardGeneration } from './generation.ts'
import { faultOf, type MetadataFailure, type MetadataReader } from './metadata-reader.ts'
import { findMisplaced } from './misplaced.ts'
import { isSafeSegment } from './names.ts'
import { compareWithGeneration } from './shard-consistency.ts'
import { decodeShardGeneration, type ShardGeneration } from './shard-generation.ts'
import { decodeShardSnapshot, type ShardSnapshot } from './shard-snapshot.ts'

/** Copies of one shard that are in work at once; their blobs share the reader's own limit. Thousands of waiting ones take megabytes. */
const copiesAhead = 64

/** A snapshot that holds the shard. */
export interface ShardTarget {
  readonly snapshot: number
  readonly uuid: string
  readonly name: string
  /** `unknown`: the root blob that would say so could not be read. */
  readonly failedAtSource: boolean | 'unknown'
  /** OpenSearch: `perhaps`, the snapshot has shallow copies; `likely`, of this index too; `pinned`: no shard of it has a blob. */
  readonly remote: 'no' | 'perhaps' | 'likely' | 'pinned'
}

export interface ShardRecord {
  /** In the order of the targets. */
  readonly copies: readonly ShardCopy[]
  readonly metadataBlobs: readonly MetadataBlob[]
  readonly faults: readonly Fault[]
}

export class ShardReader {
  private readonly blobs: BlobReader
  private readonly reader: MetadataReader
  private readonly numericGenerations: boolean

  /** `numericGenerations`: the layout before 7.6, whose generations are found by listing each shard folder. */
  constructor(blobs: BlobReader, reader: MetadataReader, numericGenerations: boolean) {
    this.blobs = blobs
    this.reader = reader
    this.numericGenerations = numericGenerations
  }

  async read(
    index: IndexEntry,
    shard: number,
    folder: string,
    targets: readonly ShardTarget[],
    lists: FileLists,
    signal: AbortSignal,
    known?: KnownBlobs,
  ): Promise<ShardRecord> {
    const problems = new Map<FileList, { message: string; uuids: string[] }>()
    const reading = this.readGeneration(index, shard, folder, signal)
    // Awaited below; an abort before that must not count as unhandled.
    reading.catch(() => {})
    // What is known of a snapshot is known of the list that the generation gives it, so that one comes first.
    const listed = known === undefined ? null : knownLists((await reading).value, shard, targets, known)
    const readOne = async (target: ShardTarget, ahead: AbortSignal): Promise<ReadCopy> => {
      const files = listed?.get(target.uuid)
      if (files !== undefined) return knownCopy(shard, folder, target, files)
      return this.readCopy(index, shard, folder, target, lists, problems, ahead)
    }
    const read: ReadCopy[] = []
    for await (const copy of inOrder(targets, copiesAhead, signal, readOne)) read.push(copy)
    const generation = await reading
    const copies = await this.withoutMisplaced(read, generation.value, index, shard, folder, targets, signal)
    const faults = copies.flatMap(({ fault }) => fault ?? [])
    for (const { message, uuids } of problems.values())
      faults.push({
        code: 'segment-files-inconsistent',
        ours: null,
        key: `${folder}/snap-${uuids[0]}.dat`,
        offset: null,
        snapshots: uuids,
        index: index.name,
        shard,
        message: `${index.name}[${shard}]: ${message}`,
      })
    if (generation.fault !== null) faults.push(generation.fault)
    else if (
      this.numericGenerations &&
      generation.key === null &&
      copies.some(({ copy }) => copy.status === 'complete')
    )
      faults.push({
        code: 'shard-generation-missing',
        ours: null,
        key: null,
        offset: null,
        snapshots: [],
        index: index.name,
        shard,
        message: `${folder}: snapshots are there and no index-<number> that lists them`,
      })
    if (generation.key !== null && generation.value !== null) {
      const readable = targets.flatMap((target, i) => {
        const { files = null, remembered = false } = copies[i]?.copy ?? {}
        return files === null || remembered ? [] : [{ ...target, files }]
      })
      const fault = compareWithGeneration(generation.value, readable, {
        key: generation.key,
        index: index.name,
        shard,
      })
      if (fault !== null) faults.push(fault)
    }
    const metadataBlobs = copies.flatMap(({ blob }) => blob ?? [])
    const { key, etag } = generation
    if (key !== null)
      metadataBlobs.push({ key, kind: 'shard-generation', neededBy: [], ...(etag === undefined ? {} : { etag }) })
    return { copies: copies.map(({ copy }) => copy), metadataBlobs, faults }
  }

  /** A copy that tells of another shard is as good as a corrupt one. */
  private async withoutMisplaced(
    copies: readonly ReadCopy[],
    generation: ShardGeneration | null,
    index: IndexEntry,
    shard: number,
    folder: string,
    targets: readonly ShardTarget[],
    signal: AbortSignal,
  ): Promise<readonly ReadCopy[]> {
    if (generation === null) return copies
    const placed = targets.map(({ name }, i) => ({ name, files: copies[i]?.copy.files ?? null }))
    const misplaced = await findMisplaced(generation, placed, folder, this.blobs, signal)
    if (misplaced.size === 0) return copies
    return copies.map((read, i): ReadCopy => {
      if (!misplaced.has(i) || read.blob === null) return read
      const { key } = read.blob
      const message = `${key} tells of files that no snapshot of ${index.name}[${shard}] has: it belongs to another shard`
      const fault: Fault = {
        code: 'corrupt-metadata-blob',
        ours: null,
        key,
        offset: null,
        snapshots: [targets[i]?.uuid ?? ''],
        index: index.name,
        shard,
        message,
      }
      return { copy: { shard, status: 'corrupt-metadata', files: null }, blob: read.blob, fault }
    })
  }

  private async readCopy(
    index: IndexEntry,
    shard: number,
    folder: string,
    target: ShardTarget,
    lists: FileLists,
    problems: Map<FileList, { message: string; uuids: string[] }>,
    signal: AbortSignal,
  ): Promise<ReadCopy> {
    if (target.failedAtSource === true)
      return { copy: { shard, status: 'failed-at-source', files: null }, blob: null, fault: null }
    const remote: ReadCopy = { copy: { shard, status: 'not-verifiable-here', files: null }, blob: null, fault: null }
    if (target.remote === 'pinned') return remote
    const shallow = target.remote === 'likely' ? await this.readShallow(folder, target, signal) : null
    if (shallow !== null) return { ...remote, blob: shallow }
    const key = `${folder}/snap-${target.uuid}.dat`
    const blob: MetadataBlob = { key, kind: 'shard-snapshot', neededBy: [target.snapshot] }
    const read = await this.reader.read(key, decodeCopyOf(target), signal)
    if (!read.ok) {
      const instead =
        target.remote === 'perhaps' && read.code === 'missing-metadata-blob'
          ? await this.readShallow(folder, target, signal)
          : null
      if (instead !== null) return { ...remote, blob: instead }
      const status = statusOf(read, target)
      const silent = status === 'not-read' && read.ours === null
      const fault = faultOf(read, { key, snapshots: [target.uuid], index: index.name, shard })
      return { copy: { shard, status, files: null }, blob: silent ? null : blob, fault: silent ? null : fault }
    }
    const { files } = read.value
    const outside = filesToRead(files)
    const commit =
      outside.length === 0
        ? undefined
        : await lists.commitFiles(files, () => readCommitFiles(outside, folder, this.reader, signal))
    const { list, problem } = lists.intern(files, commit)
    if (problem !== null) {
      const known = problems.get(list)
      if (known === undefined) problems.set(list, { message: problem, uuids: [target.uuid] })
      else known.uuids.push(target.uuid)
    }
    return { copy: { shard, status: 'complete', files: list }, blob: { ...blob, etag: read.etag }, fault: null }
  }

  /** The blob that stands for a shard whose data lies in a remote store; null where there is none that can be read. */
  private async readShallow(folder: string, target: ShardTarget, signal: AbortSignal): Promise<MetadataBlob | null> {
    const key = `${folder}/shallow-snap-${target.uuid}.dat`
    const decode = (bytes: Buffer, maxInflatedBytes: number): string =>
      text(decodeMetadataBlob(bytes, ['snapshot'], maxInflatedBytes), 'name')
    const read = await this.reader.read(key, decode, signal)
    if (!read.ok || read.value !== target.name) return null
    return { key, kind: 'shard-snapshot', neededBy: [target.snapshot], etag: read.etag }
  }

  private async readGeneration(
    index: IndexEntry,
    shard: number,
    folder: string,
    signal: AbortSignal,
  ): Promise<{ key: string | null; value: ShardGeneration | null; etag?: string | null; fault: Fault | null }> {
    const where = { index: index.name, shard, snapshots: [] as string[] }
    let generation = index.shardGenerations[shard] ?? null
    if (generation === null && this.numericGenerations) {
      const newest = await this.newestNumber(folder, signal)
      if (newest !== null && typeof newest !== 'number')
        return { key: null, value: null, fault: { ...shardGenerationMissing(newest), key: null, ...where } }
      generation = newest === null ? null : String(newest)
    }
    // Normal: a shard that was never snapshotted whole, or the numbers of an old layout.
    if (generation === null) return { key: null, value: null, fault: null }
    const key = `${folder}/index-${generation}`
    if (!isSafeSegment(generation)) {
      const message = `${JSON.stringify(generation)} cannot be part of a key`
      const failure: MetadataFailure = { ok: false, code: 'corrupt-metadata-blob', ours: null, offset: null, message }
      return { key: null, value: null, fault: { ...shardGenerationMissing(failure), key: null, ...where } }
    }
    const read = await this.reader.read(key, decodeShardGeneration, signal)
    if (read.ok) return { key, value: read.value, etag: read.etag, fault: null }
    const fault = { ...faultOf(read, { key, ...where }), code: 'shard-generation-missing' } as const
    return { key, value: null, fault }
  }

  private async newestNumber(folder: string, signal: AbortSignal): Promise<number | null | MetadataFailure> {
    try {
      return await newestShardGeneration(this.blobs, folder, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!isSnapproofError(error)) throw error
      const ours = isSnapproofError(error, 'unavailable', 'deadline') ? 'store-unavailable' : 'not-read'
      return { ok: false, code: 'missing-metadata-blob', ours, offset: null, message: describeError(error) }
    }
  }
}

interface ReadCopy {
  readonly copy: ShardCopy
  readonly blob: MetadataBlob | null
  readonly fault: Fault | null
}

/** By snapshot uuid: the lists of the generation that the snapshots' own blobs are known to agree with. */
function knownLists(
  generation: ShardGeneration | null,
  shard: number,
  targets: readonly ShardTarget[],
  known: KnownBlobs,
): ReadonlyMap<string, FileList> {
  const lists = new FileLists()
  const found = new Map<string, FileList>()
  for (const { uuid, name, snapshot, failedAtSource } of generation === null ? [] : targets) {
    const positions = failedAtSource === true ? undefined : generation?.snapshots.get(name)
    if (positions === undefined) continue
    const files = Array.from(positions, position => generation?.files[position]).filter(file => file !== undefined)
    const { list, problem } = lists.intern(files)
    if (problem === null && known.lists(shard, snapshot, list.fingerprint)) found.set(uuid, list)
  }
  return found
}

function knownCopy(shard: number, folder: string, { uuid, snapshot }: ShardTarget, files: FileList): ReadCopy {
  const blob: MetadataBlob = { key: `${folder}/snap-${uuid}.dat`, kind: 'shard-snapshot', neededBy: [snapshot] }
  return { copy: { shard, status: 'complete', files, remembered: true }, blob, fault: null }
}

function shardGenerationMissing(failure: MetadataFailure): Pick<Fault, 'code' | 'ours' | 'offset' | 'message'> {
  const { ours, offset, message } = failure
  return { code: 'shard-generation-missing', ours, offset, message }
}

function statusOf(read: MetadataFailure, target: ShardTarget): ShardCopy['status'] {
  if (read.ours !== null) return 'not-read'
  const missing = read.code === 'missing-metadata-blob'
  // Perhaps the server never wrote it; the unreadable root blob is the fault, and it is reported.
  if (missing && target.failedAtSource === 'unknown') return 'not-read'
  return read.code === 'corrupt-metadata-blob' ? 'corrupt-metadata' : 'missing-metadata'
}

/** With the bytes of virtual files, which a restore writes to disk as they are here. */
function decodeCopyOf(target: ShardTarget): (bytes: Buffer, maxInflatedBytes: number) => ShardSnapshot {
  return (bytes, maxInflatedBytes) => {
    const snapshot = decodeShardSnapshot(bytes, maxInflatedBytes)
    if (snapshot.name !== target.name) throw badValue('name', JSON.stringify(target.name), snapshot.name)
    for (const file of snapshot.files) {
      const wrong = file.name.startsWith('v__') ? checkVirtual(file) : null
      if (wrong !== null) throw new DecodeError('bad-value', 0, wrong)
    }
    return snapshot
  }
}
