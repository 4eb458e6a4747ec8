/**
 * One index, from its listed blobs to its marks: nothing is read where nothing has changed since a night on which nothing was
 * wrong; else what is new is read, doubts are looked at again, bytes are proven where they are asked for.
 */
import type { ListedBlob } from '../model/blob.ts'
import { type IndexCopy, type SnapshotInfo, shardFolder } from '../model/content.ts'
import { billedClass } from '../model/cost.ts'
import type { Finding } from '../model/finding.ts'
import type { IndexEntry } from '../model/repository.ts'
import { foldersOutside, pathTypes } from '../repository/shard-folders.ts'
import { proveBytes } from './bytes.ts'
import { asBefore, calmOf, dated } from './calm.ts'
import type { CheckOptions } from './check.ts'
import { type CheckedIndex, checkIndex, findDoubts, type IndexFacts, markOf } from './checkIndex.ts'
import { badBeforeMessage } from './fileProof.ts'
import { makeFinding } from './findings.ts'
import { sampleFooters } from './footers.ts'
import type { Keeper } from './keeper.ts'
import { type KeyProbes, lookAtFolder } from './looks.ts'
import { isUnmeasured, withoutKeys } from './measurer.ts'
import {
  type Epoch,
  type IndexMemory,
  type IndexView,
  indexSubject,
  knownBlobs,
  nothing,
  recallIndex,
  rememberIndex,
  viewOf,
} from './memory.ts'
import { encodeIndexMemory } from './memoryFormat.ts'
import type { CheckedContent, CheckedCopy, ClassMix, Mark } from './result.ts'
import { lookAgain } from './secondLook.ts'
import { storedSumOfFile } from './storeChecksums.ts'

/** So much reading of one index is lost at most when a run is killed. */
const keepSoFarMs = 30_000

export interface IndexContext {
  readonly options: CheckOptions
  readonly infos: readonly (SnapshotInfo | null)[]
  /** By position: what keeps a whole snapshot from lending its indices; null: nothing. */
  readonly wholes: readonly (Mark | null)[]
  readonly epochs: readonly (Epoch | null)[]
  readonly keeper: Keeper
  readonly probes: KeyProbes
}

export interface CheckedIndexWork {
  readonly copies: readonly CheckedCopy[]
  readonly contents: readonly CheckedContent[]
  readonly findings: readonly Finding[]
  readonly shards: number
  /** Of the listed blobs those that nothing needs. */
  readonly unreferenced: readonly ListedBlob[]
  /** The listed data blobs by storage class; null: all are STANDARD, or were not listed. */
  readonly classes: ClassMix | null
}

/** `inFolder`: the blobs below `indices/<id>/`. */
export async function workOnIndex(
  position: number,
  inFolder: ReadonlyMap<string, ListedBlob>,
  context: IndexContext,
): Promise<CheckedIndexWork> {
  const { options, wholes, epochs } = context
  const { memory, nowMs, credit, catalogue, signal } = options
  const repository = catalogue.repositoryData
  const entry = entryAt(repository.indices, position)
  const listed = new Map(inFolder)
  const folders = await hashedFolders(position, context)
  for (const folder of folders) await listInto(listed, folder, options)
  const rootFaults = catalogue.repositoryFaults.filter(fault => fault.index === entry.name)
  const circumstances = [credit, [...entry.snapshots].map(snapshot => wholes[snapshot]?.reason ?? null)]
  const view: IndexView = { entry, index: position, repository, listed, epochs, circumstances }
  const viewDigest = memory === undefined || rootFaults.length > 0 ? null : viewOf(view)
  const before = memory === undefined ? { ...nothing, readMs: nowMs } : recallIndex(memory, entry.id, nowMs)
  const measuring = options.measurer?.begin(position, { repository, infos: context.infos }) ?? null
  const { suspects, looks } = await lookAtFolder(listed, before.looks, context.probes, options)
  if (viewDigest !== null && before.calm?.view === viewDigest && suspects.size === 0 && !options.footers) {
    const calm = asBefore(position, entry, before, before.calm, options)
    if (calm !== null && !isUnmeasured(calm.copies, measuring)) {
      await context.keeper.add(indexSubject(entry.id), encodeIndexMemory({ ...before, looks }))
      return { ...calm, classes: classMix(listed) }
    }
  }

  const known =
    memory === undefined
      ? undefined
      : withoutKeys(
          knownBlobs(view, before, shard => shardFolder({ id: entry.id, shardFolders: folders }, shard)),
          measuring,
        )
  const record = await catalogue.readIndex(position, undefined, signal, known)
  const others = foldersOutside(record.shardFolders ?? []).filter(folder => !folders.includes(folder.slice(0, -1)))
  for (const folder of others) await listInto(listed, folder.slice(0, -1), options)
  const facts: IndexFacts = { record, listed, repository, infos: context.infos, wholes, rootFaults, suspects, nowMs }
  const doubts = findDoubts(facts)
  const judged = checkIndex(facts, doubts, await lookAgain(doubts, options), credit)
  const footers = options.footers ? await sampleFooters(record, judged.copies, repository, options) : null
  const checked = footers === null ? judged : { ...judged, copies: footers.copies }
  const proofs = await byteProofs(facts, checked, before, context)
  const read = new Set(record.metadataBlobs.filter(blob => blob.etag !== undefined).map(blob => blob.key))
  const old = new Set(
    record.copies.filter(copy => memory !== undefined && isOld(copy, read)).map(copy => copy.snapshot),
  )
  const copies = checked.copies.map(copy => {
    const byteProof = proofs?.marks.get(copy.snapshot)
    const catalogue = old.has(copy.snapshot) ? dated(copy.catalogue, before.readMs) : copy.catalogue
    return { ...copy, catalogue, ...(byteProof === undefined ? {} : { byteProof }) }
  })
  if (measuring !== null) options.measurer?.take(measuring, record, copies, { repository, infos: context.infos })
  const findings = [...checked.findings, ...(footers?.findings ?? []), ...(proofs?.findings ?? [])]
  // What an unread list would name looks like nobody's.
  const unreferenced = checked.allRead ? [...listed.values()].filter(blob => !checked.referenced.has(blob.key)) : []

  if (memory !== undefined) {
    const { memory: now, whole } = rememberIndex(view, before, record, proofs?.proofs ?? before.bytes, nowMs)
    const quiet = whole && checked.allRead && doubts.length + findings.length + record.faults.length === 0
    const mounted = record.copies.some(copy => copy.metadata?.mounted === true)
    const bad = [
      ...(proofs?.bad ?? []),
      ...before.bad.filter(one => !proofs?.bad.some(({ proof }) => proof === one.proof)),
    ].filter(one => now.bytes.get(one.proof)?.result === 'bad')
    const calm =
      viewDigest !== null &&
      others.length === 0 &&
      footers?.isWhole !== false &&
      proofs?.asListed !== false &&
      quiet &&
      unreferenced.length === 0 &&
      !mounted &&
      bad.length === 0
        ? calmOf(viewDigest, copies, checked, before)
        : null
    await context.keeper.add(indexSubject(entry.id), encodeIndexMemory({ ...now, bad, looks, calm }))
  }
  const { contents, shards } = checked
  return { copies, contents, findings, shards, unreferenced, classes: classMix(listed) }
}

function classMix(listed: ReadonlyMap<string, ListedBlob>): ClassMix | null {
  const mix = new Map<string, { requests: number; bytes: number }>()
  for (const { key, storageClass, bytes } of listed.values()) {
    // Metadata blobs are many and small; whoever reads them counts them.
    if (!key.slice(key.lastIndexOf('/') + 1).startsWith('__')) continue
    const name = billedClass(storageClass)
    const sum = mix.get(name)
    if (sum === undefined) mix.set(name, { requests: 1, bytes })
    else {
      sum.requests++
      sum.bytes += bytes
    }
  }
  return [...mix.keys()].every(name => name === 'STANDARD') ? null : mix
}

/** Does it rest on a metadata blob that was not read this time? */
function isOld({ remembered, metadata, metadataKey }: IndexCopy, read: ReadonlySet<string>): boolean {
  return remembered === true || (metadata !== null && metadataKey !== null && !read.has(metadataKey))
}

/** All copies left open: a limit was reached before the index. What is known to be bad in it is told all the same. */
export function leftOut(position: number, { options, wholes }: IndexContext): CheckedIndexWork {
  const { memory, bytes, nowMs, catalogue } = options
  const { snapshots, indices } = catalogue.repositoryData
  const entry = entryAt(indices, position)
  const before = memory === undefined || bytes === undefined ? null : recallIndex(memory, entry.id, nowMs)
  const here = new Set(Array.from(entry.snapshots, snapshot => snapshots[snapshot]?.uuid))
  const accused = new Set<string>()
  const findings = (before?.bad ?? []).flatMap((bad): Finding[] => {
    const hit = bad.snapshots.filter(uuid => here.has(uuid))
    for (const uuid of hit) accused.add(uuid)
    const message = badBeforeMessage(bad.key, before?.bytes.get(bad.proof)?.day ?? 0)
    const place = { key: bad.key, index: entry.name, shard: bad.shard }
    return hit.length === 0 ? [] : [makeFinding({ ...place, code: 'corrupt-data-blob', snapshots: hit, message })]
  })
  const copies = Array.from(entry.snapshots, (snapshot): CheckedCopy => {
    const mark = wholes[snapshot] ?? markOf('limit-reached')
    const isAccused = accused.has(snapshots[snapshot]?.uuid ?? '') && mark.verdict !== 'fail'
    const byteProof = isAccused ? markOf('failed-before') : mark
    const own = { catalogue: mark, presence: mark, ...(bytes === undefined ? {} : { byteProof }) }
    return { ...copyOf(entry, position, snapshot), bytes: 0, contentId: null, obstacle: 'limit-reached', ...own }
  })
  return { copies, contents: [], findings, shards: 0, unreferenced: [], classes: null }
}

function copyOf({ name, id }: IndexEntry, index: number, snapshot: number) {
  return { snapshot, index, indexName: name, indexId: id }
}

function entryAt(indices: readonly IndexEntry[], position: number): IndexEntry {
  const entry = indices[position]
  if (entry === undefined) throw new RangeError(`there is no index ${position}`)
  return entry
}

/** Folders of an index whose shards lie elsewhere than below `indices/` (OpenSearch); none for all others. */
async function hashedFolders(position: number, { options }: IndexContext): Promise<readonly string[]> {
  const { catalogue, signal } = options
  const { shardPathType, shardGenerations } = entryAt(catalogue.repositoryData.indices, position)
  if (shardPathType === pathTypes.fixed) return []
  return (await catalogue.shardFolders(position, shardGenerations.length, signal)) ?? []
}

async function listInto(
  listed: Map<string, ListedBlob>,
  folder: string,
  { blobs, signal }: CheckOptions,
): Promise<void> {
  for await (const blob of blobs.list(`${folder}/`, { signal })) listed.set(blob.key, blob)
}

async function byteProofs(
  facts: IndexFacts,
  checked: CheckedIndex,
  before: IndexMemory,
  { options, keeper }: IndexContext,
) {
  const { bytes, clock, blobs, requests, storeSums, log, signal, nowMs, memory } = options
  if (bytes === undefined) return null
  let read = 0
  const onBytes = (count: number) => {
    read += count
    log.progress(`bytes of ${facts.record.name}`, read, null, 'bytes')
  }
  let keptMs = clock.monotonicMs()
  const soFar = {
    isDue: () => clock.monotonicMs() - keptMs >= keepSoFarMs,
    keep: async (proofs: IndexMemory['bytes']) => {
      keptMs = clock.monotonicMs()
      const bad = before.bad.filter(one => proofs.get(one.proof)?.result === 'bad')
      await keeper.add(indexSubject(facts.record.id), encodeIndexMemory({ ...before, bytes: proofs, bad, calm: null }))
      await keeper.flush()
    },
  }
  return proveBytes(facts.record, checked.copies, facts.repository, facts.listed, {
    blobs,
    ...(memory === undefined ? {} : { soFar }),
    requests,
    budget: bytes,
    ...(storeSums === undefined ? {} : { storedSum: storedSumOfFile(storeSums, key => facts.listed.get(key)) }),
    known: before.bytes,
    renewAfterMs: memory?.renewAfterMs ?? Number.POSITIVE_INFINITY,
    nowMs,
    onBytes,
    signal,
  })
}
