/**
 * `catalogue`, `presence` and, where asked for, `bytes` of all snapshots: the streamed join of catalogue, listing and memory. A few
 * indices are in memory at a time; what stays is a handful of marks for each snapshot, unless the caller wants every copy.
 *
 * Order matters: the generation was pinned before, a folder is listed before its metadata are read, and whatever the
 * listing does not show is asked for by name before anybody is accused.
 */
import type { BlobReader } from '../blobs/port.ts'
import { describeError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ListedBlob } from '../model/blob.ts'
import type { SnapshotInfo, SnapshotRecord } from '../model/content.ts'
import type { PriceTable } from '../model/cost.ts'
import type { Finding } from '../model/finding.ts'
import { inOrder } from '../repository/ahead.ts'
import type { Catalogue } from '../repository/catalogue.ts'
import type { Clock } from '../time.ts'
import type { ByteBudget } from './bytes.ts'
import { findingOfFault, makeFinding } from './findings.ts'
import { type CheckedIndexWork, type IndexContext, leftOut, workOnIndex } from './indexWork.ts'
import { Keeper } from './keeper.ts'
import { FolderCursor, listRoot, maxExamples } from './listing.ts'
import type { Measurer } from './measurer.ts'
import {
  type CheckMemory,
  type Epoch,
  indexSubject,
  readAsListed,
  recallSnapshot,
  snapshotSubject,
  snapshotWitnesses,
} from './memory.ts'
import { encodeSnapshotMemory } from './memoryFormat.ts'
import { type IndexRange, indexRanges } from './ranges.ts'
import type { CheckedSnapshot, CheckResult } from './result.ts'
import { accusedSnapshots, checkSnapshot, rootFindings, wholeObstacle } from './snapshotMarks.ts'
import { storagePrice } from './storagePrice.ts'
import type { StoreSums } from './storeChecksums.ts'
import { Tally } from './tally.ts'

export interface CheckOptions {
  readonly catalogue: Catalogue
  readonly blobs: BlobReader
  readonly credit: 'shared' | 'strict'
  /** Requests in flight. */
  readonly requests: number
  /** Parts of the listing that are read side by side; absent: as many as its size is worth. */
  readonly ranges?: number
  readonly nowMs: number
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** Read every byte as well, within a budget; absent: no data blob is read. */
  readonly bytes?: ByteBudget
  /** Sums that the store has made; absent: every byte is read. */
  readonly storeSums?: StoreSums
  /** Look at the last 16 bytes of every data file too. */
  readonly footers?: boolean
  /** For what is told of unreferenced objects; absent: no money is named. */
  readonly prices?: PriceTable
  /** What earlier checks saw; absent: everything is read, and nothing is kept. */
  readonly memory?: CheckMemory
  /** Is told of what is new in each index; absent: nobody compares. */
  readonly measurer?: Measurer
  /** Once it says true nothing more is begun, and what is left stays open. */
  readonly isOver?: () => boolean
  /** `summary`: contents and copies of single indices are left out, so that any repository fits into memory. */
  readonly collect: 'all' | 'summary'
  readonly log: Log
  readonly signal: AbortSignal
}

/** Younger blobs may belong to a snapshot in progress. */
const unreferencedAfterMs = 48 * 3_600_000
/** Indices of one range that are in work at once, at most. */
const maxIndicesAhead = 4
/** Shards of snapshots in work at once, over all ranges, unless a single index has more: a kilobyte or two each. */
const copiesAhead = 50_000

export async function check(options: CheckOptions): Promise<CheckResult> {
  const { memory } = options
  const keeper = new Keeper(memory ?? null, options.clock)
  try {
    return await checkAll(options, keeper)
  } catch (error) {
    // What is done is kept, so that the next run goes on from there; the error that ended this one is what is told.
    await keeper
      .flush()
      .catch(lost => options.log.warn(`what this check saw could not be kept: ${describeError(lost)}`))
    throw error
  }
}

async function checkAll(options: CheckOptions, keeper: Keeper): Promise<CheckResult> {
  const { catalogue, blobs, signal } = options
  const { repositoryData } = catalogue
  const findings: Finding[] = catalogue.repositoryFaults
    .map(fault => findingOfFault(fault))
    .filter(finding => finding !== null)
  const root = await listRoot(blobs, signal)
  const { records, epochs, remembered } = await readRoots(options, root, keeper)
  const infos = repositoryData.snapshots.map((_, position) => records[position]?.info ?? null)
  for (const record of records) if (record !== undefined) findings.push(...rootFindings(record))
  const unreadable = new Set(
    findings.filter(f => f.severity === 'error' && f.key?.startsWith('snap-')).flatMap(finding => finding.snapshots),
  )
  const wholes = repositoryData.snapshots.map((entry, position) =>
    wholeObstacle(records[position], entry, unreadable.has(entry.uuid)),
  )

  const tally = new Tally(options, infos)
  const context: IndexContext = { options, infos, wholes, epochs, keeper, probes: new Map() }
  let done = 0
  const cursors = await walkIndices(context, (position, work) => {
    tally.add(position, work)
    options.log.progress('indices', ++done, repositoryData.indices.length, 'indices')
  })
  findings.push(...tally.findings())
  const unreferenced = cursors.flatMap(cursor => (cursor.isFinished ? [cursor.unreferenced] : []))
  if (unreferenced.length === cursors.length) findings.push(...unreferencedFinding(unreferenced, options.prices))

  const accused = accusedSnapshots(findings)
  const snapshots = repositoryData.snapshots.map((entry, position): CheckedSnapshot => {
    const provenMs = remembered[position] ?? null
    const judged = checkSnapshot(position, records[position], entry, tally.rollUps, accused.has(entry.uuid), provenMs)
    return { ...judged, copies: tally.copies(position) }
  })
  await forgetGone(options, keeper)
  await keeper.flush()
  const sum = (of: (cursor: FolderCursor) => number) => cursors.reduce((total, cursor) => total + of(cursor), 0)
  return {
    snapshots,
    contents: tally.contents(),
    findings,
    newest: tally.newest,
    classes: tally.classes,
    totals: {
      blobs: sum(cursor => cursor.blobs) + root.size,
      bytes: sum(cursor => cursor.bytes) + [...root.values()].reduce((total, blob) => total + blob.bytes, 0),
      shards: tally.shards,
      unreferencedBlobs: sum(cursor => cursor.unreferenced.blobs),
      unreferencedBytes: sum(cursor => cursor.unreferenced.bytes),
    },
  }
}

interface Roots {
  readonly records: readonly (SnapshotRecord | undefined)[]
  readonly epochs: readonly (Epoch | null)[]
  /** By position: when the root blobs were read, where that was in an earlier run. */
  readonly remembered: readonly (number | null)[]
}

async function readRoots(
  { catalogue, memory, nowMs, log, signal, isOver }: CheckOptions,
  root: ReadonlyMap<string, ListedBlob>,
  keeper: Keeper,
): Promise<Roots> {
  const { repositoryData } = catalogue
  const { snapshots } = repositoryData
  const witnesses = memory === undefined ? snapshots.map(() => null) : snapshotWitnesses(repositoryData, root)
  const remembered: (number | null)[] = snapshots.map(() => null)
  const known = (position: number): SnapshotInfo | null => {
    const found =
      memory === undefined ? null : recallSnapshot(memory, repositoryData, position, witnesses[position] ?? null, nowMs)
    remembered[position] = found?.readMs ?? null
    return found?.info ?? null
  }
  const records: (SnapshotRecord | undefined)[] = snapshots.map(() => undefined)
  const epochs: (Epoch | null)[] = snapshots.map(() => null)
  let done = 0
  for await (const record of catalogue.readSnapshots(signal, known)) {
    const position = record.snapshot
    const witness = witnesses[position] ?? null
    const readMs = remembered[position] ?? nowMs
    records[position] = record
    if (witness !== null && record.info !== null && (remembered[position] !== null || readAsListed(record, root))) {
      epochs[position] = { witness, readMs }
      const row = encodeSnapshotMemory({ readMs, witness, info: record.info })
      if (remembered[position] === null) await keeper.add(snapshotSubject(record.info.uuid), row)
    }
    log.progress('root metadata', ++done, snapshots.length, 'snapshots')
    if (isOver?.() === true) break
  }
  return { records, epochs, remembered }
}

/** All indices, several ranges of the listing side by side. */
async function walkIndices(
  context: IndexContext,
  take: (position: number, work: CheckedIndexWork) => void,
): Promise<FolderCursor[]> {
  const { options } = context
  const { catalogue, blobs, nowMs } = options
  const own = new AbortController()
  const signal = AbortSignal.any([options.signal, own.signal])
  const ranges = indexRanges(catalogue.repositoryData, options.ranges)
  const cursors = ranges.map(range => new FolderCursor(blobs, range, nowMs - unreferencedAfterMs, signal))
  const inRange: IndexContext = { ...context, options: { ...options, signal } }
  const walks = ranges.map(async (range, i) => {
    const cursor = cursors[i]
    if (cursor !== undefined) await walkRange(range, cursor, aheadOf(range, ranges.length, options), inRange, take)
  })
  try {
    await Promise.all(walks)
  } catch (error) {
    own.abort(error)
    throw error
  } finally {
    await Promise.allSettled(walks)
    await Promise.all(cursors.map(cursor => cursor.close()))
  }
  return cursors
}

/** How many indices of the range are in work at once. */
function aheadOf({ indices }: IndexRange, ranges: number, { catalogue }: CheckOptions): number {
  let heaviest = 1
  for (const position of indices) {
    const { shardGenerations = [], snapshots = [] } = catalogue.repositoryData.indices[position] ?? {}
    heaviest = Math.max(heaviest, Math.max(1, shardGenerations.length) * snapshots.length)
  }
  return Math.max(1, Math.min(maxIndicesAhead, Math.floor(copiesAhead / ranges / heaviest)))
}

async function walkRange(
  range: IndexRange,
  cursor: FolderCursor,
  ahead: number,
  context: IndexContext,
  take: (position: number, work: CheckedIndexWork) => void,
): Promise<void> {
  const { catalogue, signal, isOver } = context.options
  const { indices } = catalogue.repositoryData
  // Folders are taken from the listing one after the other, whatever is still being read of the ones before.
  let turn: Promise<unknown> = Promise.resolve()
  const work = async (position: number, signal: AbortSignal): Promise<{ position: number; done: CheckedIndexWork }> => {
    const folder = `indices/${indices[position]?.id}/`
    const taken = turn.then(() => (isOver?.() === true ? null : cursor.take(folder)))
    turn = taken.catch(() => {})
    const listed = await taken
    const own = { ...context, options: { ...context.options, signal } }
    return { position, done: listed === null ? leftOut(position, context) : await workOnIndex(position, listed, own) }
  }
  for await (const { position, done } of inOrder(range.indices, ahead, signal, work)) {
    for (const blob of done.unreferenced) cursor.leave(blob)
    take(position, done)
  }
  if (isOver?.() !== true) await cursor.finish()
}

/** What is remembered of snapshots and indices that are no more. */
async function forgetGone({ catalogue, memory, isOver }: CheckOptions, keeper: Keeper): Promise<void> {
  if (memory === undefined || isOver?.() === true) return
  const { snapshots, indices } = catalogue.repositoryData
  const here = new Set([
    ...snapshots.map(one => snapshotSubject(one.uuid)),
    ...indices.map(one => indexSubject(one.id)),
  ])
  for (const subject of memory.subjects()) if (!here.has(subject)) await keeper.add(subject, Buffer.alloc(0))
}

function unreferencedFinding(parts: readonly FolderCursor['unreferenced'][], prices?: PriceTable): Finding[] {
  const blobs = parts.reduce((sum, part) => sum + part.blobs, 0)
  if (blobs === 0) return []
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  const examples = parts
    .flatMap(part => part.examples)
    .sort()
    .slice(0, maxExamples)
  const byClass = new Map<string, number>()
  for (const part of parts) for (const [name, size] of part.byClass) byClass.set(name, (byClass.get(name) ?? 0) + size)
  const price = prices === undefined ? '' : ` (${storagePrice(byClass, prices)})`
  const message = `${blobs} objects with ${bytes} bytes are needed by no snapshot${price}, for example ${examples.join(', ')}`
  return [makeFinding({ code: 'unreferenced-blobs', key: null, snapshots: [], index: null, shard: null, message })]
}
