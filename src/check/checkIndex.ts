/**
 * Judges `catalogue` and `presence` of one index over all its snapshots, and collects its distinct contents. Pure:
 * the record, the listing of its folder and what the store said of doubtful blobs come in as values.
 */
import { createHash } from 'node:crypto'
import type { ListedBlob } from '../model/blob.ts'
import {
  blobParts,
  type Fault,
  type FileList,
  type IndexCopy,
  type IndexRecord,
  type SnapshotInfo,
  shardFolder,
} from '../model/content.ts'
import { featureOf } from '../model/feature.ts'
import { type Finding, findingCodes } from '../model/finding.ts'
import type { RepositoryData } from '../model/repository.ts'
import { type Reason, reasons } from '../model/verdict.ts'
import { type FindingDraft, findingOfFault, makeFinding, mergeFindings } from './findings.ts'
import { judgeReadable } from './readable.ts'
import type { CheckedContent, CheckedCopy, Mark } from './result.ts'

export interface IndexFacts {
  readonly record: IndexRecord
  /** Below `indices/<id>/`, as listed. */
  readonly listed: ReadonlyMap<string, ListedBlob>
  readonly repository: RepositoryData
  readonly infos: readonly (SnapshotInfo | null)[]
  /** By position: what the root blob and the state of the whole snapshot say of every index in it; null: nothing bad. */
  readonly wholes: readonly (Mark | null)[]
  /** What `index-N` itself gets wrong about this index; the findings are made elsewhere. */
  readonly rootFaults: readonly Fault[]
  /** Keys of listed blobs that may not be readable, whatever the listing says. */
  readonly suspects?: ReadonlySet<string>
  readonly nowMs?: number
}

/** A blob that the listing does not show as it must be. */
export interface Doubt {
  readonly key: string
  readonly bytes: number
  readonly kind: 'missing' | 'wrong-length' | 'unreadable'
  readonly listedBytes: number | null
  readonly shard: number
  /** Positions. */
  readonly snapshots: readonly number[]
}

/** What a second look at a doubtful blob said. */
export type SecondLook =
  | { readonly state: 'fine'; readonly blob: ListedBlob }
  | { readonly state: 'missing' | 'archived' }
  | { readonly state: 'wrong-length'; readonly bytes: number }
  | { readonly state: 'unreadable'; readonly message: string }
  /** Our own trouble. */
  | { readonly state: 'unknown'; readonly message: string }

/** Data blobs that are missing, of another length or archived, each once, with the snapshots that need it. */
export function findDoubts({ record, listed, suspects, nowMs = 0 }: IndexFacts): Doubt[] {
  const doubts = new Map<string, Doubt>()
  for (const { shard, files, snapshots } of distinctLists(record)) {
    for (const file of files.files) {
      for (const { key, bytes } of blobParts(file, shardFolder(record, shard))) {
        const blob = listed.get(key)
        const kind = suspects?.has(key) ? 'unreadable' : doubtOf(blob, bytes, nowMs)
        if (kind === null) continue
        const earlier = doubts.get(key)?.snapshots ?? []
        const all = [...new Set([...earlier, ...snapshots])].sort((a, b) => a - b)
        doubts.set(key, { key, bytes, kind, listedBytes: blob?.bytes ?? null, shard, snapshots: all })
      }
    }
  }
  return [...doubts.values()]
}

function doubtOf(blob: ListedBlob | undefined, bytes: number, nowMs: number): Doubt['kind'] | null {
  if (blob === undefined) return 'missing'
  if (blob.bytes !== bytes) return 'wrong-length'
  return judgeReadable(blob, nowMs).state === 'readable' ? null : 'unreadable'
}

export interface CheckedIndex {
  readonly copies: readonly CheckedCopy[]
  readonly contents: readonly CheckedContent[]
  readonly findings: readonly Finding[]
  /** Keys of the folder that some snapshot or shard generation needs. */
  readonly referenced: ReadonlySet<string>
  readonly shards: number
  /** Was every list of files read, so that `referenced` is complete? */
  readonly allRead: boolean
}

/** `looks`: an answer for every doubt. `strict` credit: contents are not shared between snapshots. */
export function checkIndex(
  facts: IndexFacts,
  doubts: readonly Doubt[],
  looks: ReadonlyMap<string, SecondLook>,
  credit: 'shared' | 'strict',
): CheckedIndex {
  const { record, repository } = facts
  const findings = record.faults.map(fault => findingOfFault(fault)).filter(finding => finding !== null)
  const bad = new Map<number, Mark>()
  for (const doubt of doubts) {
    const look = looks.get(doubt.key) ?? { state: 'unknown', message: 'nobody looked again' }
    const draft = draftOf(doubt, look, record.name)
    const mark = draft === null ? markOf('store-unavailable') : markOf('found')
    if (look.state === 'fine') continue
    for (const snapshot of doubt.snapshots) if (bad.get(snapshot)?.verdict !== 'fail') bad.set(snapshot, mark)
    if (draft !== null) {
      findings.push(makeFinding({ ...draft, snapshots: doubt.snapshots.map(s => repository.snapshots[s]?.uuid ?? '') }))
    }
  }
  findings.push(...elsewhereFindings(record, repository))
  const current = new Map(facts.listed)
  for (const [key, look] of looks) if (look.state === 'fine') current.set(key, look.blob)
  const faults = [...record.faults, ...facts.rootFaults]
  const copies = record.copies.map(copy => checkCopy(copy, facts, faults, bad.get(copy.snapshot)))
  return {
    copies,
    contents: collectContents(record, copies, current, credit),
    findings: mergeFindings(findings),
    referenced: referencedKeys(record),
    shards: record.copies.reduce((sum, copy) => sum + copy.shards.length, 0),
    allRead: record.copies.every(isRead),
  }
}

/** One for each repository that mounted copies refer to. */
function elsewhereFindings(record: IndexRecord, repository: RepositoryData): Finding[] {
  const places = new Map<string, string[]>()
  for (const { snapshot, backingElsewhere } of record.copies) {
    if (backingElsewhere === undefined) continue
    const uuid = repository.snapshots[snapshot]?.uuid ?? ''
    places.set(backingElsewhere, [...(places.get(backingElsewhere) ?? []), uuid])
  }
  return [...places].map(([message, snapshots]) =>
    makeFinding({
      code: 'backing-snapshot-elsewhere',
      key: null,
      snapshots,
      index: record.name,
      shard: null,
      message: `index ${record.name}: ${message}`,
    }),
  )
}

/** Are the lists of all its shards known, or known not to be? */
export function isRead({ metadata, shards }: IndexCopy): boolean {
  const known = new Set(['complete', 'failed-at-source', 'not-verifiable-here'])
  return metadata !== null && shards.length > 0 && shards.every(shard => known.has(shard.status))
}

function draftOf(doubt: Doubt, look: SecondLook, index: string): Omit<FindingDraft, 'snapshots'> | null {
  const place = { key: doubt.key, index, shard: doubt.shard }
  switch (look.state) {
    case 'missing':
      return {
        ...place,
        code: 'missing-data-blob',
        message: `${doubt.key} is not there, expected ${doubt.bytes} bytes`,
      }
    case 'wrong-length':
      return {
        ...place,
        code: 'wrong-length',
        message: `${doubt.key} has ${look.bytes} bytes, expected ${doubt.bytes}`,
      }
    case 'archived':
      return { ...place, code: 'archived-blob', message: `${doubt.key} is archived and cannot be read now` }
    case 'unreadable':
      return { ...place, code: 'unreadable-blob', message: `${doubt.key}: ${look.message}` }
    default:
      return null
  }
}

function checkCopy(
  copy: IndexCopy,
  facts: IndexFacts,
  faults: readonly Fault[],
  badData: Mark | undefined,
): CheckedCopy {
  const { record, repository, infos, wholes } = facts
  const uuid = repository.snapshots[copy.snapshot]?.uuid ?? ''
  // A snapshot that cannot be restored as a whole lends none of its indices to anybody.
  const catalogue = wholes[copy.snapshot] ?? catalogueMark(copy, faults, uuid)
  const complete = copy.shards.filter(shard => shard.files !== null)
  const obstacle = obstacleOf(copy, infos[copy.snapshot] ?? null, record.name)
  return {
    snapshot: copy.snapshot,
    index: record.index,
    indexName: record.name,
    indexId: record.id,
    bytes: complete.reduce((sum, shard) => sum + (shard.files?.bytes ?? 0), 0),
    contentId: copy.contentId,
    obstacle,
    ...(obstacle === null && copy.metadata?.system === true ? { system: true } : {}),
    catalogue,
    presence: presenceMark(copy, catalogue, badData),
  }
}

function catalogueMark(copy: IndexCopy, faults: readonly Fault[], uuid: string): Mark {
  const mine = faults.filter(fault => fault.snapshots.includes(uuid))
  const accused = mine.some(fault => fault.ours === null && findingCodes[fault.code].severity === 'error')
  const statuses = new Set(copy.shards.map(shard => shard.status))
  if (accused || statuses.has('missing-metadata') || statuses.has('corrupt-metadata')) return markOf('found')
  const ours = mine.find(fault => fault.ours !== null)?.ours
  if (ours) return markOf(ours)
  if (statuses.has('not-verifiable-here')) return markOf('not-verifiable-here')
  if (copy.metadata === null || statuses.has('not-read') || copy.shards.length === 0) return markOf('not-read')
  if (statuses.has('failed-at-source')) return markOf('partial-at-source')
  return markOf('proven')
}

function presenceMark(copy: IndexCopy, catalogue: Mark, badData: Mark | undefined): Mark {
  if (badData?.verdict === 'fail') return badData
  if (catalogue.verdict === 'fail') return markOf('lower-level-failed')
  if (badData !== undefined) return badData
  if (catalogue.verdict !== 'pass') return catalogue
  return copy.metadata?.mounted ? markOf('mounted') : markOf('proven')
}

/** What keeps a copy from being restored, whoever is to blame. */
function obstacleOf(copy: IndexCopy, info: SnapshotInfo | null, name: string): Reason | null {
  const { metadata } = copy
  if (metadata === null) return 'not-read'
  if (metadata.mounted) return 'mounted'
  const isOfFeature = info?.features.some(({ indices }) => indices.includes(name)) ?? false
  if (isOfFeature && !metadata.system) return 'system-index'
  if (metadata.system && featureOf(info, name) === null) return 'system-index'
  if (copy.shards.some(shard => shard.status === 'failed-at-source')) return 'partial-at-source'
  if (copy.shards.some(shard => shard.status === 'not-verifiable-here')) return 'not-verifiable-here'
  if (copy.contentId === null) return 'not-read'
  const counts = copy.shards.map(shard => shard.files?.countStatus)
  if (counts.every(status => status === 'known')) return null
  return metadata.system ? 'system-index' : 'count-unknown'
}

/**
 * Distinct contents. A copy whose own metadata or data are not good lends and borrows nothing. What is an obstacle in one
 * snapshot (an index of its feature states) may be none in another.
 */
function collectContents(
  record: IndexRecord,
  copies: readonly CheckedCopy[],
  listed: ReadonlyMap<string, ListedBlob>,
  credit: 'shared' | 'strict',
): CheckedContent[] {
  const contents = new Map<string, { first: IndexCopy; copy: CheckedCopy; snapshots: number[] }>()
  copies.forEach((copy, i) => {
    const source = record.copies[i]
    if (copy.contentId === null || source === undefined) return
    if (copy.catalogue.verdict !== 'pass' || copy.presence.verdict !== 'pass') return
    const key = `${copy.contentId} ${copy.obstacle} ${credit === 'strict' ? copy.snapshot : ''}`
    const known = contents.get(key)
    if (known === undefined) contents.set(key, { first: source, copy, snapshots: [copy.snapshot] })
    else known.snapshots.push(copy.snapshot)
  })
  return [...contents.values()].map(({ first, copy, snapshots }) => ({
    contentId: copy.contentId ?? '',
    indexName: record.name,
    indexId: record.id,
    shardCount: first.shards.length,
    createdVersion: first.metadata?.createdVersion ?? null,
    bytes: copy.bytes,
    files: first.shards.reduce((sum, shard) => sum + (shard.files?.files.length ?? 0), 0),
    snapshots,
    obstacle: copy.obstacle,
    ...(copy.system === true ? { system: true } : {}),
    witness: witnessOf(record, first, listed),
  }))
}

/**
 * Digest over all blobs that a restore of this content reads except the per-snapshot ones, which are read every night.
 * Null when one is not listed or has no ETag: such a proof is not remembered.
 */
function witnessOf(record: IndexRecord, copy: IndexCopy, listed: ReadonlyMap<string, ListedBlob>): string | null {
  const keys = copy.shards.flatMap(({ shard, files }) =>
    (files?.files ?? []).flatMap(file => blobParts(file, shardFolder(record, shard)).map(part => part.key)),
  )
  if (copy.metadataKey !== null) keys.push(copy.metadataKey)
  const hash = createHash('sha256')
  for (const key of keys.sort()) {
    const blob = listed.get(key)
    if (blob === undefined || blob.etag === null) return null
    hash.update(JSON.stringify([key, blob.bytes, blob.etag, blob.modifiedMs]))
  }
  return hash.digest('hex').slice(0, 32)
}

function referencedKeys(record: IndexRecord): Set<string> {
  const keys = new Set(record.metadataBlobs.map(blob => blob.key))
  for (const { shard, files } of distinctLists(record)) {
    for (const file of files.files) for (const part of blobParts(file, shardFolder(record, shard))) keys.add(part.key)
  }
  return keys
}

interface DistinctList {
  readonly shard: number
  readonly files: FileList
  readonly snapshots: number[]
}

/** Distinct file lists of each shard with the snapshots (positions) that have them. */
function distinctLists(record: IndexRecord): DistinctList[] {
  const lists = new Map<string, DistinctList>()
  for (const copy of record.copies) {
    for (const { shard, files } of copy.shards) {
      if (files === null) continue
      const key = `${shard} ${files.fingerprint}`
      const known = lists.get(key)
      if (known === undefined) lists.set(key, { shard, files, snapshots: [copy.snapshot] })
      else known.snapshots.push(copy.snapshot)
    }
  }
  return [...lists.values()]
}

export function markOf(reason: Reason): Mark {
  return { verdict: reasons[reason].verdict, reason }
}
