/**
 * `catalogue` and `presence` of all snapshots: the streamed join of catalogue and listing. One index is in memory at a
 * time; what stays is one small row for each index of each snapshot.
 *
 * Order matters: the generation was pinned before, the listing is taken while the metadata are read, and whatever the
 * listing does not show is asked for by name before anybody is accused.
 */
import pLimit from 'p-limit'
import type { BlobReader } from '../blobs/port.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ListedBlob } from '../model/blob.ts'
import type { IndexRecord, SnapshotInfo, SnapshotRecord } from '../model/content.ts'
import type { Finding } from '../model/finding.ts'
import type { RepositoryData, SnapshotEntry } from '../model/repository.ts'
import { type Reason, rollUp } from '../model/verdict.ts'
import type { Catalogue } from '../repository/catalogue.ts'
import { type ByteBudget, proveBytes } from './bytes.ts'
import { type CheckedIndex, checkIndex, type Doubt, findDoubts, markOf, type SecondLook } from './checkIndex.ts'
import { findingOfFault, makeFinding } from './findings.ts'
import { FolderCursor, listRoot } from './listing.ts'
import type { CheckedContent, CheckedCopy, CheckedSnapshot, CheckResult, Mark } from './result.ts'

export interface CheckOptions {
  readonly catalogue: Catalogue
  readonly blobs: BlobReader
  readonly credit: 'shared' | 'strict'
  /** Requests in flight. */
  readonly requests: number
  readonly nowMs: number
  /** Read every byte as well, within a budget; absent: no data blob is read. */
  readonly bytes?: ByteBudget
  readonly log: Log
  readonly signal: AbortSignal
}

/** Younger blobs may belong to a snapshot in progress. */
const unreferencedAfterMs = 48 * 3_600_000

export async function check(options: CheckOptions): Promise<CheckResult> {
  const { catalogue, blobs, log, signal } = options
  const { repositoryData } = catalogue
  const findings: Finding[] = catalogue.repositoryFaults
    .map(fault => findingOfFault(fault))
    .filter(finding => finding !== null)

  const root = await listRoot(blobs, signal)
  const records: SnapshotRecord[] = []
  for await (const record of catalogue.readSnapshots(signal)) {
    records[record.snapshot] = record
    log.progress('root metadata', records.length, repositoryData.snapshots.length, 'snapshots')
  }
  const infos = repositoryData.snapshots.map((_, position) => records[position]?.info ?? null)
  for (const record of records) findings.push(...rootFindings(record, repositoryData))
  const unreadable = new Set(
    findings.filter(f => f.severity === 'error' && f.key?.startsWith('snap-')).flatMap(finding => finding.snapshots),
  )
  const wholes = repositoryData.snapshots.map((entry, position) =>
    wholeObstacle(records[position], entry, unreadable.has(entry.uuid)),
  )

  const cursor = new FolderCursor(blobs, 'indices/', options.nowMs - unreferencedAfterMs, signal)
  const copiesOf: CheckedCopy[][] = repositoryData.snapshots.map(() => [])
  const contents: CheckedContent[] = []
  let shards = 0
  try {
    for await (const record of catalogue.readIndices(signal)) {
      const listed = await cursor.take(`indices/${record.id}/`)
      const rootFaults = catalogue.repositoryFaults.filter(fault => fault.index === record.name)
      const facts = { record, listed, repository: repositoryData, infos, wholes, rootFaults }
      const doubts = findDoubts(facts)
      const checked = checkIndex(facts, doubts, await lookAgain(doubts, options), options.credit)
      countUnreferenced(checked, listed, cursor)
      const copies = await withByteProofs(record, checked.copies, findings, options)
      for (const copy of copies) copiesOf[copy.snapshot]?.push(copy)
      contents.push(...checked.contents)
      findings.push(...checked.findings)
      shards += checked.shards
      log.progress('metadata and listing', cursor.blobs, null, 'blobs')
    }
    await cursor.finish()
  } finally {
    await cursor.close()
  }
  if (cursor.unreferenced.blobs > 0) findings.push(unreferencedFinding(cursor))

  const accused = accusedSnapshots(findings)
  const snapshots = repositoryData.snapshots.map((entry, position) =>
    checkSnapshot(position, records[position], entry, copiesOf[position] ?? [], accused.has(entry.uuid)),
  )
  const rootBytes = [...root.values()].reduce((sum, blob) => sum + blob.bytes, 0)
  return {
    snapshots,
    contents,
    findings,
    totals: {
      blobs: cursor.blobs + root.size,
      bytes: cursor.bytes + rootBytes,
      shards,
      unreferencedBlobs: cursor.unreferenced.blobs,
      unreferencedBytes: cursor.unreferenced.bytes,
    },
  }
}

async function withByteProofs(
  record: IndexRecord,
  copies: readonly CheckedCopy[],
  findings: Finding[],
  { bytes, blobs, catalogue, requests, log, signal }: CheckOptions,
): Promise<readonly CheckedCopy[]> {
  if (bytes === undefined) return copies
  let read = 0
  const onBytes = (count: number) => {
    read += count
    log.progress(`bytes of ${record.name}`, read, null, 'bytes')
  }
  const options = { blobs, requests, budget: bytes, onBytes, signal }
  const { marks, findings: found } = await proveBytes(record, copies, catalogue.repositoryData, options)
  findings.push(...found)
  return copies.map(copy => {
    const byteProof = marks.get(copy.snapshot)
    return byteProof === undefined ? copy : { ...copy, byteProof }
  })
}

/**
 * Global metadata that nothing needs is a warning. That the snapshot and `index-N` list other indices is one too, unless
 * an index is promised that the server then cannot find: a restore asks both.
 */
function rootFindings(record: SnapshotRecord, repository: RepositoryData): Finding[] {
  return record.faults.flatMap(fault => {
    const blob = record.metadataBlobs.find(one => one.key === fault.key)
    const unneeded = blob?.kind === 'global-metadata' && blob.neededBy.length === 0
    const broken = fault.code === 'snapshot-contents-mismatch' && breaksPromise(record, repository)
    const finding = findingOfFault(fault, unneeded ? 'warning' : broken ? 'error' : undefined)
    return finding === null ? [] : [finding]
  })
}

function breaksPromise({ snapshot, info }: SnapshotRecord, { indices }: RepositoryData): boolean {
  if (info === null) return false
  const held = new Set(indices.filter(index => index.snapshots.includes(snapshot)).map(index => index.name))
  const stated = new Set(info.indices)
  // A PARTIAL snapshot may name an index that was deleted while it was taken.
  const lacking = info.state === 'SUCCESS' && info.indices.some(name => !held.has(name))
  return lacking || [...held].some(name => !stated.has(name))
}

/** Asks for each doubtful blob by name: a listing may be older than the metadata. */
async function lookAgain(
  doubts: readonly Doubt[],
  { blobs, requests, signal }: CheckOptions,
): Promise<Map<string, SecondLook>> {
  const limit = pLimit(requests)
  const looks = await Promise.all(
    doubts.map(doubt => limit(async () => [doubt.key, await lookAt(doubt, blobs, signal)] as const)),
  )
  return new Map(looks)
}

async function lookAt(doubt: Doubt, blobs: BlobReader, signal: AbortSignal): Promise<SecondLook> {
  try {
    const blob: ListedBlob | null = await blobs.head(doubt.key, { signal })
    if (blob === null) return { state: 'missing' }
    if (blob.bytes !== doubt.bytes) return { state: 'wrong-length', bytes: blob.bytes }
    // An archived object may have been thawed: reading one byte tells.
    if (doubt.kind === 'archived' && doubt.bytes > 0) {
      const { body } = await blobs.get(doubt.key, { start: 0, length: 1, signal })
      for await (const _ of body) break
    }
    return { state: 'fine', blob }
  } catch (error) {
    if (signal.aborted) throw error
    if (isSnapproofError(error, 'archived')) return { state: 'archived' }
    if (isSnapproofError(error, 'not-found')) return { state: 'missing' }
    if (isSnapproofError(error, 'access-denied')) return { state: 'unreadable', message: describeError(error) }
    return { state: 'unknown', message: describeError(error) }
  }
}

function countUnreferenced(checked: CheckedIndex, listed: ReadonlyMap<string, ListedBlob>, cursor: FolderCursor): void {
  // What an unread list would name looks like nobody's.
  if (!checked.allRead) return
  for (const blob of listed.values()) if (!checked.referenced.has(blob.key)) cursor.leave(blob)
}

function unreferencedFinding({ unreferenced }: FolderCursor): Finding {
  const examples = unreferenced.examples.join(', ')
  return makeFinding({
    code: 'unreferenced-blobs',
    key: null,
    snapshots: [],
    index: null,
    shard: null,
    message: `${unreferenced.blobs} objects with ${unreferenced.bytes} bytes are needed by no snapshot, for example ${examples}`,
  })
}

/** Snapshots that an error about the whole snapshot accuses. */
function accusedSnapshots(findings: readonly Finding[]): Set<string> {
  return new Set(findings.filter(f => f.severity === 'error' && f.index === null).flatMap(finding => finding.snapshots))
}

function checkSnapshot(
  snapshot: number,
  record: SnapshotRecord | undefined,
  entry: SnapshotEntry,
  copies: readonly CheckedCopy[],
  accused: boolean,
): CheckedSnapshot {
  const info: SnapshotInfo | null = record?.info ?? null
  const obstacle = snapshotObstacle(entry, info, copies)
  // A blob that the snapshot needs and that we could not read leaves it open, whatever the others say.
  const ours = record?.faults.find(fault => fault.ours !== null && fault.snapshots.includes(entry.uuid))?.ours ?? null
  const own: Mark = accused
    ? markOf('found')
    : ours === null && info !== null
      ? markOf('proven')
      : markOf(ours ?? 'not-read')
  const catalogue = wholeMark([own, ...copies.map(copy => copy.catalogue)], obstacle)
  // Without its root blob a snapshot cannot be restored, whatever lies below.
  const presence = accused
    ? markOf('lower-level-failed')
    : wholeMark(copies.length === 0 ? [own] : copies.map(copy => copy.presence), obstacle)
  const proofs = copies.map(copy => copy.byteProof).filter(mark => mark !== undefined)
  if (proofs.length === 0) return { snapshot, info, obstacle, catalogue, presence, copies }
  const byteProof = presence.verdict === 'fail' ? markOf('lower-level-failed') : wholeMark(proofs, obstacle)
  return { snapshot, info, obstacle, catalogue, presence, byteProof, copies }
}

/** What keeps a whole snapshot from being restored, seen before any of its indices is read. */
function wholeObstacle(record: SnapshotRecord | undefined, entry: SnapshotEntry, unreadable: boolean): Mark | null {
  if (unreadable) return markOf('lower-level-failed')
  const info = record?.info ?? null
  const obstacle = snapshotObstacle(entry, info, null)
  if (obstacle !== null && obstacle !== 'partial-at-source') return markOf(obstacle)
  if (info !== null) return null
  const root = record?.faults.find(fault => fault.ours !== null && fault.key === `snap-${entry.uuid}.dat`)
  return markOf(root?.ours ?? 'not-read')
}

function snapshotObstacle(
  entry: SnapshotEntry,
  info: SnapshotInfo | null,
  copies: readonly CheckedCopy[] | null,
): Reason | null {
  // The snapshot's own blob decides where it could be read: the server goes by it, and it carries a checksum.
  const state = info?.state ?? entry.state
  if (state === 'IN_PROGRESS') return 'in-progress'
  if (state === 'FAILED' || state === 'INCOMPATIBLE') return 'failed-at-source'
  if (info?.shallow) return 'not-verifiable-here'
  const partial = entry.state === 'PARTIAL' || state === 'PARTIAL' || (info !== null && info.failures.length > 0)
  if (partial) return 'partial-at-source'
  if (copies?.length === 0 && info !== null && info.indices.length === 0) return 'empty-at-source'
  return null
}

/** A snapshot's mark from those of its parts; what was wrong at the source never passes. */
export function wholeMark(parts: readonly Mark[], obstacle: Reason | null): Mark {
  const verdict = rollUp(parts.map(part => part.verdict))
  const worst = parts.find(part => part.verdict === verdict) ?? markOf('empty-at-source')
  if (verdict === 'fail' || obstacle === null) return worst
  return markOf(obstacle)
}
