/** What a repository holds and what a restore must yield, from metadata alone. Nothing is judged. */
import type { BlobReader } from '../blobs/port.ts'
import { SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import { blobParts, type IndexCopy, type IndexRecord, type SnapshotInfo } from '../model/content.ts'
import type { SnapshotState } from '../model/repository.ts'
import { openCatalogue } from '../repository/catalogue.ts'
import { isoTime } from '../time.ts'

export interface InspectOptions {
  /** Snapshot name; null: all. */
  readonly snapshot: string | null
  /** Index name; null: all. */
  readonly index: string | null
  readonly shards: boolean
  readonly requests: number
  readonly maxMetadataBytes: number
  readonly log: Log
  readonly signal: AbortSignal
}

export interface InspectedShard {
  readonly shard: number
  readonly files: number | null
  readonly bytes: number | null
  readonly luceneDocs: number | null
  readonly maxSeqNo: number | null
  /** `known`, or why the counts are null. */
  readonly status: string
}

export interface InspectedIndex {
  readonly name: string
  readonly id: string
  readonly contentId: string | null
  readonly bytes: number | null
  /** Absent with `--no-shards`. */
  readonly shards?: readonly InspectedShard[]
}

export interface InspectedSnapshot {
  readonly name: string
  readonly uuid: string
  readonly state: SnapshotState | null
  readonly version: string | null
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly indices: readonly InspectedIndex[]
}

export interface Inspection {
  readonly schemaVersion: 1
  readonly repository: {
    readonly uuid: string | null
    readonly clusterId: string | null
    readonly generation: number
    readonly format: string | null
  }
  readonly snapshots: readonly InspectedSnapshot[]
  readonly totals: {
    readonly snapshots: number
    readonly indices: number
    readonly shards: number
    /** Distinct objects that hold data. */
    readonly blobs: number
    /** What restoring every snapshot would write. */
    readonly logicalBytes: number
    /** Bytes of the distinct objects. */
    readonly uniqueBytes: number
  }
  /** Metadata that could not be read or do not agree; `check` says more. */
  readonly faults: readonly string[]
}

/** More is for `--jsonl`. */
const maxShardRows = 1_000_000

export async function inspect(blobs: BlobReader, options: InspectOptions): Promise<Inspection> {
  const { log, signal } = options
  const catalogue = await openCatalogue(blobs, {
    concurrency: options.requests,
    maxMetadataBytes: options.maxMetadataBytes,
    signal,
  })
  const { identity, snapshots, indices } = catalogue.repositoryData
  if (options.snapshot !== null && !snapshots.some(snapshot => snapshot.name === options.snapshot)) {
    throw new SnapproofError('usage', `there is no snapshot ${JSON.stringify(options.snapshot)} in ${blobs.url}`)
  }
  if (options.index !== null && !indices.some(index => index.name === options.index)) {
    throw new SnapproofError('usage', `there is no index ${JSON.stringify(options.index)} in ${blobs.url}`)
  }
  const faults = catalogue.repositoryFaults.map(fault => fault.message)
  const infos: (SnapshotInfo | null)[] = []
  for await (const record of catalogue.readSnapshots(signal)) {
    infos[record.snapshot] = record.info
    faults.push(...record.faults.map(fault => fault.message))
  }
  const wanted = snapshots
    .map((_, position) => position)
    .filter(p => [null, snapshots[p]?.name].includes(options.snapshot))
  const rows: InspectedIndex[][] = snapshots.map(() => [])
  const totals = { snapshots: wanted.length, indices: 0, shards: 0, blobs: 0, logicalBytes: 0, uniqueBytes: 0 }
  for (const [position, index] of indices.entries()) {
    if (options.index !== null && index.name !== options.index) continue
    const own = wanted.filter(p => index.snapshots.includes(p))
    if (own.length === 0) continue
    const record = await catalogue.readIndex(position, own, signal)
    faults.push(...record.faults.map(fault => fault.message))
    addDataBlobs(record, totals)
    for (const copy of record.copies) {
      totals.indices++
      totals.shards += copy.shards.length
      if (totals.shards > maxShardRows && options.shards) {
        throw new SnapproofError('usage', `the repository has more than ${maxShardRows} shard rows`, {
          advice: 'Narrow it with --snapshot or --index, or leave the shards out with --no-shards.',
        })
      }
      const row = inspectCopy(record, copy, options.shards)
      totals.logicalBytes += row.bytes ?? 0
      rows[copy.snapshot]?.push(row)
    }
    log.progress('metadata', position + 1, indices.length, 'contents')
  }
  return {
    schemaVersion: 1,
    repository: {
      uuid: identity.uuid,
      clusterId: identity.clusterId,
      generation: identity.generation,
      format: identity.format,
    },
    snapshots: wanted.flatMap(position => {
      const entry = snapshots[position]
      if (entry === undefined) return []
      const info = infos[position] ?? null
      return {
        name: entry.name,
        uuid: entry.uuid,
        state: entry.state,
        version: entry.version,
        startedAt: isoTime(entry.startedMs ?? info?.startedMs ?? null),
        endedAt: isoTime(entry.endedMs ?? info?.endedMs ?? null),
        indices: (rows[position] ?? []).sort((a, b) => (a.name < b.name ? -1 : 1)),
      }
    }),
    totals,
    faults,
  }
}

function inspectCopy(record: IndexRecord, copy: IndexCopy, withShards: boolean): InspectedIndex {
  const shards = copy.shards.map(({ shard, status, files }) => ({
    shard,
    files: files?.files.length ?? null,
    bytes: files?.bytes ?? null,
    luceneDocs: files?.luceneDocs ?? null,
    maxSeqNo: files?.maxSeqNo ?? null,
    status: status === 'complete' ? (files?.countStatus ?? 'not-read') : status,
  }))
  const known = copy.shards.length > 0 && copy.shards.every(shard => shard.files !== null)
  return {
    name: record.name,
    id: record.id,
    contentId: copy.contentId,
    bytes: known ? shards.reduce((sum, shard) => sum + (shard.bytes ?? 0), 0) : null,
    ...(withShards ? { shards } : {}),
  }
}

/** Objects are never shared between indices, so one index at a time is enough. */
function addDataBlobs(record: IndexRecord, totals: { blobs: number; uniqueBytes: number }): void {
  const seen = new Set<string>()
  const lists = new Set<string>()
  for (const copy of record.copies) {
    for (const { shard, files } of copy.shards) {
      if (files === null || lists.has(`${shard} ${files.fingerprint}`)) continue
      lists.add(`${shard} ${files.fingerprint}`)
      for (const part of files.files.flatMap(file => blobParts(file, `indices/${record.id}/${shard}`))) {
        if (seen.has(part.key)) continue
        seen.add(part.key)
        totals.blobs++
        totals.uniqueBytes += part.bytes
      }
    }
  }
}
