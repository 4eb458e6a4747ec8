/**
 * `bytes`: every distinct file of an index has the CRC-32 that Lucene recorded (`fileProof.ts`), and what that says of the copies
 * that need it. What is bad is bad for all of them, whoever asked.
 */
import pLimit from 'p-limit'
import type { ListedBlob } from '../model/blob.ts'
import { blobParts, type IndexRecord, shardFolder } from '../model/content.ts'
import type { Finding } from '../model/finding.ts'
import type { RepositoryData } from '../model/repository.ts'
import type { Reason } from '../model/verdict.ts'
import { isRead, markOf } from './checkIndex.ts'
import { type DueFile, type FileProofOptions, type FileState, type NeededFile, proveFile } from './fileProof.ts'
import { makeFinding } from './findings.ts'
import { dayOf, proofKeys } from './memory.ts'
import type { ByteProof, KnownBad, ShortDigest } from './memoryFormat.ts'
import type { CheckedCopy, Mark } from './result.ts'

/** How much may be read; counted down while reading. Null: no limit. */
export interface ByteBudget {
  bytesLeft: number | null
  /** Nothing new is begun once it says true. */
  readonly isOver: () => boolean
  /** Asked before a file is read; no: it is left for another night. What it says yes to is spent. */
  readonly affords?: (file: DueFile) => boolean
  /** Whose bytes are asked for; absent: all. */
  readonly wants?: (content: WantedContent) => boolean
}

export interface WantedContent {
  readonly indexId: string
  readonly contentId: string
  readonly obstacle: Reason | null
  /** Positions. */
  readonly snapshots: readonly number[]
}

export interface ByteProofOptions extends FileProofOptions {
  readonly requests: number
  readonly budget: ByteBudget
  /** Asked after each file: what is proven so far is handed to `keep` where it says true, in case the run is killed. */
  readonly soFar?: {
    readonly isDue: () => boolean
    readonly keep: (proofs: ReadonlyMap<ShortDigest, ByteProof>) => Promise<void>
  }
}

export interface ByteProofs {
  /** A mark for each copy whose lower levels pass; the others keep what they have. */
  readonly marks: ReadonlyMap<number, Mark>
  readonly findings: readonly Finding[]
  /** What holds from now on, known before or found now. */
  readonly proofs: ReadonlyMap<ShortDigest, ByteProof>
  /** Those of `proofs` that are `bad`, as far as this look met them. */
  readonly bad: readonly KnownBad[]
  /** Were the objects that were read those of the listing? Else nothing that rests on the listing may be remembered. */
  readonly asListed: boolean
}

export async function proveBytes(
  record: IndexRecord,
  copies: readonly CheckedCopy[],
  repository: RepositoryData,
  listed: ReadonlyMap<string, ListedBlob>,
  options: ByteProofOptions,
): Promise<ByteProofs> {
  const passing = new Set(copies.filter(copy => copy.presence.verdict === 'pass').map(copy => copy.snapshot))
  const wanted = new Set(copies.filter(copy => isWanted(copy, options.budget)).map(copy => copy.snapshot))
  // What was bad is looked at again whoever asks.
  const isAsked = (file: NeededFile) => isKnownBad(file, options) || [...file.snapshots].some(one => wanted.has(one))
  const isBad = [...options.known.values()].some(proof => proof.result === 'bad')
  const needed = wanted.size === 0 && !isBad ? [] : neededFiles(record, passing, listed).filter(isAsked)
  const limit = pLimit(options.requests)
  const states: FileState[] = []
  const prove = async (file: NeededFile, i: number): Promise<void> => {
    states[i] = await proveFile(file, options)
    if (options.soFar?.isDue() !== true) return
    // A bad one is kept with its snapshots, when all is known; until then it is simply not proven.
    const proofs = new Map(options.known)
    noteProofs(proofs, needed, states, options)
    for (const [key, proof] of proofs)
      if (proof.result === 'bad' && options.known.get(key)?.result !== 'bad') proofs.delete(key)
    await options.soFar.keep(proofs)
  }
  await Promise.all(needed.map((file, i) => limit(() => prove(file, i))))
  const marks = new Map<number, Mark>()
  const findings: Finding[] = []
  // A copy without any object rests on its metadata alone, which were read or known.
  for (const snapshot of wanted) marks.set(snapshot, { ...markOf('proven'), method: 'read', provenMs: options.nowMs })
  needed.forEach((file, i) => {
    const state = states[i]
    if (state === undefined) return
    for (const snapshot of file.snapshots)
      if (state.state === 'bad' || wanted.has(snapshot))
        marks.set(snapshot, worse(marks.get(snapshot), markOfState(state)))
    if (state.state !== 'bad') return
    const snapshots = [...file.snapshots].sort((a, b) => a - b).map(s => repository.snapshots[s]?.uuid ?? '')
    const { code, key, message } = state
    findings.push(makeFinding({ code, key, snapshots, index: record.name, shard: file.shard, message }))
  })
  for (const copy of copies) if (copy.presence.verdict !== 'pass') marks.set(copy.snapshot, beneath(copy.presence))
  const asListed = !states.some(state => state.state === 'good' && state.others === true)
  const proofs = keptProofs(record, listed, options)
  noteProofs(proofs, needed, states, options)
  const bad = needed.flatMap(({ key, shard, parts, snapshots }): KnownBad[] => {
    const proof = proofs.get(key)
    if (proof?.result !== 'bad') return []
    const uuids = Array.from(snapshots, one => repository.snapshots[one]?.uuid ?? '')
    return [{ proof: key, key: parts[0]?.key ?? '', shard, snapshots: uuids.sort() }]
  })
  return { marks, findings, proofs, bad, asListed }
}

/** Of what does not pass below nothing is read. */
export function isWanted(
  { snapshot, indexId, contentId, obstacle: own, system, presence }: CheckedCopy,
  { wants }: ByteBudget,
): boolean {
  if (presence.verdict !== 'pass') return false
  // Nobody knows yet whether an engine can restore it: its bytes do not wait for that.
  const obstacle = system === true ? 'system-index' : own
  return wants === undefined || contentId === null || wants({ indexId, contentId, obstacle, snapshots: [snapshot] })
}

function beneath(presence: Mark): Mark {
  return presence.verdict === 'fail' ? markOf('lower-level-failed') : presence
}

function markOfState(state: FileState): Mark {
  if (state.state === 'bad') return markOf('found')
  if (state.state === 'unknown') return markOf(state.reason)
  return { ...markOf(state.remembered ? 'remembered' : 'proven'), method: state.result, provenMs: state.provenMs }
}

const order = { fail: 0, inconclusive: 1, 'not-applicable': 2, pass: 3 } as const
/** From the weakest: what arrived well, what lay there well by the store's word, what we read. */
export const methodOrder = ['store-recorded', 'store-computed', 'read', 'listing', 'restore', 'chained'] as const

/** Of two passes the older and the weaker in one: a whole is as good as its worst part. */
export function worse(a: Mark | undefined, b: Mark): Mark {
  if (a === undefined) return b
  if (order[a.verdict] !== order[b.verdict]) return order[a.verdict] < order[b.verdict] ? a : b
  if (a.verdict !== 'pass') return a
  const provenMs = Math.min(a.provenMs ?? Number.POSITIVE_INFINITY, b.provenMs ?? Number.POSITIVE_INFINITY)
  const method = methodOrder.find(one => a.method === one || b.method === one)
  return {
    ...(a.reason === 'remembered' ? a : b.reason === 'remembered' ? b : a),
    ...(Number.isFinite(provenMs) ? { provenMs } : {}),
    ...(method === undefined ? {} : { method }),
  }
}

function isKnownBad({ key, witness }: NeededFile, { known }: ByteProofOptions): boolean {
  const before = known.get(key)
  return before?.result === 'bad' && witness !== null && before.witness === witness
}

function neededFiles(
  record: IndexRecord,
  passing: ReadonlySet<number>,
  listed: ReadonlyMap<string, ListedBlob>,
): NeededFile[] {
  const files = new Map<string, NeededFile>()
  for (const copy of record.copies) {
    if (!passing.has(copy.snapshot)) continue
    for (const { shard, files: list } of copy.shards) {
      for (const file of list?.files ?? []) {
        const known = files.get(`${shard} ${file.name}`)
        if (known !== undefined) known.snapshots.add(copy.snapshot)
        else {
          const parts = blobParts(file, shardFolder(record, shard))
          if (parts.length === 0) continue // virtual: the reader has compared its bytes already
          const { key, witness } = proofKeys(record, shard, file, listed)
          const etags = parts.map(part => listed.get(part.key)?.etag ?? null)
          const storageClass = listed.get(parts[0]?.key ?? '')?.storageClass ?? 'STANDARD'
          const snapshots = new Set([copy.snapshot])
          files.set(`${shard} ${file.name}`, { shard, file, parts, key, witness, etags, storageClass, snapshots })
        }
      }
    }
  }
  return [...files.values()]
}

/**
 * What was known of the files that are still needed, asked for tonight or not: what is known to be bad must not be forgotten because
 * something else is wrong too. Files that are no more are left out.
 */
function keptProofs(
  record: IndexRecord,
  listed: ReadonlyMap<string, ListedBlob>,
  { known }: ByteProofOptions,
): Map<ShortDigest, ByteProof> {
  // Of lists that could not be read nobody knows what they need; the witnesses say whether a proof still holds.
  if (known.size === 0 || !record.copies.every(isRead)) return new Map(known)
  const kept = new Map<ShortDigest, ByteProof>()
  for (const { key, witness } of neededFiles(record, new Set(record.copies.map(copy => copy.snapshot)), listed)) {
    const before = known.get(key)
    if (before !== undefined && before.witness === witness) kept.set(key, before)
  }
  return kept
}

function noteProofs(
  proofs: Map<ShortDigest, ByteProof>,
  needed: readonly NeededFile[],
  states: readonly FileState[],
  { nowMs, known }: ByteProofOptions,
): void {
  needed.forEach(({ key, witness }, i) => {
    const state = states[i]
    const before = known.get(key)
    if (state === undefined || witness === null) return
    proofs.delete(key)
    if (state.state !== 'unknown' && state.others === true) return
    if (state.state === 'good') proofs.set(key, { witness, day: dayOf(state.provenMs), result: state.result })
    else if (state.state === 'bad' && state.remembered !== true) {
      if (state.code === 'corrupt-data-blob') proofs.set(key, { witness, day: dayOf(nowMs), result: 'bad' })
    }
    // Nobody got to it: what was known of the same object, good or bad, stays known.
    else if (before?.witness === witness) proofs.set(key, before)
  })
}
