/**
 * What a repository holds and what a restore must yield, from metadata alone. Nothing is judged.
 *
 * Every metadata blob is read once, index by index. The lines of `--jsonl` are snapshot by snapshot: meanwhile each distinct
 * row lies in a temporary file, and a number for each index of each snapshot in memory.
 */
import type { BlobReader } from '../blobs/port.ts'
import { SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import { blobParts, type IndexCopy, type IndexRecord, shardFolder } from '../model/content.ts'
import type { RepositoryData, SnapshotState } from '../model/repository.ts'
import { inOrder } from '../repository/ahead.ts'
import { type Catalogue, openCatalogue } from '../repository/catalogue.ts'
import { isoTime } from '../time.ts'
import { RowSpool } from './rowSpool.ts'

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
/** What faults say is for people; `check` has all of them. */
const maxFaults = 1000
const indicesAhead = 3

/**
 * Throws `SnapproofError` `usage` for a snapshot or index that is not there, and for more than `maxRows` shard rows (index rows
 * where shards are left out): before anything is read where `index-N` tells.
 */
export async function inspect(blobs: BlobReader, options: InspectOptions, maxRows = maxShardRows): Promise<Inspection> {
  const walk = await openWalk(blobs, options)
  const refuseAbove = (count: number): void => {
    if (count <= maxRows) return
    throw new SnapproofError(
      'usage',
      `the repository has more than ${maxRows} rows of ${options.shards ? 'shards' : 'indices'}`,
      {
        advice: 'Use --jsonl, narrow it with --snapshot or --index, or leave the shards out with --no-shards.',
      },
    )
  }
  // Every copy has a shard or more.
  refuseAbove(walk.copies)
  const rows: InspectedIndex[][] = walk.data.snapshots.map(() => [])
  for await (const record of walk.records()) {
    for (const copy of record.copies) {
      if (options.shards) refuseAbove(walk.totals.shards)
      rows[copy.snapshot]?.push(inspectCopy(record, copy, options.shards))
    }
  }
  return {
    schemaVersion: 1,
    repository: walk.repository,
    snapshots: walk.wanted.map(position => ({
      ...walk.head(position),
      indices: (rows[position] ?? []).sort((a, b) => (a.name < b.name ? -1 : 1)),
    })),
    totals: walk.totals,
    faults: walk.faults(),
  }
}

/** Lines of JSON: the repository, each snapshot, the totals. Memory: one line, and four bytes for each index of each snapshot. */
export async function* inspectLines(
  blobs: BlobReader,
  options: InspectOptions & { readonly temporaryFolder: string },
): AsyncGenerator<string> {
  const walk = await openWalk(blobs, options)
  yield JSON.stringify({ schemaVersion: 1, repository: walk.repository })
  const spool = new RowSpool(options.temporaryFolder)
  try {
    const { indices } = walk.data
    const rowsOf = indices.map(index => new Int32Array(index.snapshots.length).fill(-1))
    for await (const record of walk.records()) {
      const held = indices[record.index]?.snapshots ?? new Int32Array()
      const numbers = new Map<string, number>()
      let at = 0
      for (const copy of record.copies) {
        const text = JSON.stringify(inspectCopy(record, copy, options.shards))
        const row = numbers.get(text) ?? spool.append(text)
        numbers.set(text, row)
        // Copies come in the order of the snapshots, as `held` is.
        while (held[at] !== copy.snapshot && at < held.length) at++
        const rows = rowsOf[record.index]
        if (rows !== undefined) rows[at] = row
      }
    }
    const byName = [...indices.keys()].sort((a, b) => ((indices[a]?.name ?? '') < (indices[b]?.name ?? '') ? -1 : 1))
    const next = new Int32Array(indices.length)
    for (const position of walk.wanted) {
      options.signal.throwIfAborted()
      const texts: string[] = []
      for (const index of byName) {
        const held = indices[index]?.snapshots ?? new Int32Array()
        let at = next[index] ?? 0
        while (at < held.length && (held[at] ?? 0) < position) at++
        next[index] = at
        const row = held[at] === position ? (rowsOf[index]?.[at] ?? -1) : -1
        if (row >= 0) texts.push(spool.read(row))
      }
      yield `${JSON.stringify(walk.head(position)).slice(0, -1)},"indices":[${texts.join(',')}]}`
    }
    yield JSON.stringify({ totals: walk.totals, faults: walk.faults() })
  } finally {
    spool.close()
  }
}

type Totals = { -readonly [K in keyof Inspection['totals']]: number }

interface Walk {
  readonly data: RepositoryData
  readonly repository: Inspection['repository']
  /** Positions of the snapshots asked for, ascending. */
  readonly wanted: readonly number[]
  /** Indices of snapshots, by `index-N`. */
  readonly copies: number
  /** Complete once `records` has ended. */
  readonly totals: Totals
  faults(): string[]
  head(position: number): Omit<InspectedSnapshot, 'indices'>
  /** The indices asked for that the snapshots asked for hold, one after the other. */
  records(): AsyncGenerator<IndexRecord>
}

async function openWalk(blobs: BlobReader, options: InspectOptions): Promise<Walk> {
  const { log, signal } = options
  const catalogue = await openCatalogue(blobs, {
    concurrency: options.requests,
    maxMetadataBytes: options.maxMetadataBytes,
    signal,
  })
  const data = catalogue.repositoryData
  const { identity, snapshots, indices } = data
  if (options.snapshot !== null && !snapshots.some(snapshot => snapshot.name === options.snapshot)) {
    throw new SnapproofError('usage', `there is no snapshot ${JSON.stringify(options.snapshot)} in ${blobs.url}`)
  }
  if (options.index !== null && !indices.some(index => index.name === options.index)) {
    throw new SnapproofError('usage', `there is no index ${JSON.stringify(options.index)} in ${blobs.url}`)
  }
  const isWanted = (position: number) => options.snapshot === null || snapshots[position]?.name === options.snapshot
  const wanted = [...snapshots.keys()].filter(isWanted)
  const chosen = [...indices.keys()].filter(index => {
    const entry = indices[index]
    return (options.index === null || entry?.name === options.index) && entry?.snapshots.some(isWanted) === true
  })
  const totals: Totals = { snapshots: wanted.length, indices: 0, shards: 0, blobs: 0, logicalBytes: 0, uniqueBytes: 0 }
  const messages: string[] = []
  let left = 0
  const tell = (faults: readonly { readonly message: string }[]): void => {
    for (const { message } of faults)
      if (messages.length < maxFaults) messages.push(message)
      else left++
  }
  tell(catalogue.repositoryFaults)
  const times = await readTimes(catalogue, wanted, options, tell)
  return {
    data,
    repository: {
      uuid: identity.uuid,
      clusterId: identity.clusterId,
      generation: identity.generation,
      format: identity.format,
    },
    wanted,
    copies: chosen.reduce((sum, index) => sum + (indices[index]?.snapshots.filter(isWanted).length ?? 0), 0),
    totals,
    faults: () => (left === 0 ? messages : [...messages, `and ${left} more`]),
    head: position => {
      const entry = snapshots[position]
      if (entry === undefined) throw new RangeError(`there is no snapshot ${position}`)
      const { name, uuid, state, version } = entry
      const [startedMs, endedMs] = times.get(position) ?? [null, null]
      return { name, uuid, state, version, startedAt: isoTime(startedMs), endedAt: isoTime(endedMs) }
    },
    async *records() {
      const own = options.snapshot === null ? undefined : wanted
      const read = (index: number, ahead: AbortSignal) => catalogue.readIndex(index, own, ahead)
      let done = 0
      for await (const record of inOrder(chosen, indicesAhead, signal, read)) {
        tell(record.faults)
        addDataBlobs(record, totals)
        for (const copy of record.copies) {
          totals.indices++
          totals.shards += copy.shards.length
          totals.logicalBytes += bytesOf(copy) ?? 0
        }
        yield record
        log.progress('metadata', ++done, chosen.length, 'contents')
      }
    },
  }
}

/** When each snapshot began and ended; where `index-N` does not say, its own blob does. Only faults of those asked for are told. */
async function readTimes(
  catalogue: Catalogue,
  wanted: readonly number[],
  { signal, requests }: InspectOptions,
  tell: (faults: readonly { readonly message: string }[]) => void,
): Promise<Map<number, readonly [number | null, number | null]>> {
  const times = new Map<number, readonly [number | null, number | null]>()
  const read = (position: number, ahead: AbortSignal) => catalogue.readSnapshot(position, ahead)
  for await (const { snapshot, info, faults } of inOrder(wanted, requests, signal, read)) {
    tell(faults)
    const entry = catalogue.repositoryData.snapshots[snapshot]
    times.set(snapshot, [entry?.startedMs ?? info?.startedMs ?? null, entry?.endedMs ?? info?.endedMs ?? null])
  }
  return times
}

/** Null where a shard's files are not known. */
function bytesOf({ shards }: IndexCopy): number | null {
  let bytes = 0
  for (const { files } of shards) {
    if (files === null) return null
    bytes += files.bytes
  }
  return shards.length === 0 ? null : bytes
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
  return {
    name: record.name,
    id: record.id,
    contentId: copy.contentId,
    bytes: bytesOf(copy),
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
      for (const part of files.files.flatMap(file => blobParts(file, shardFolder(record, shard)))) {
        if (seen.has(part.key)) continue
        seen.add(part.key)
        totals.blobs++
        totals.uniqueBytes += part.bytes
      }
    }
  }
}
