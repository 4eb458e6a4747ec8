/**
 * `bytes`: every distinct file of an index has the CRC-32 that Lucene recorded. By the store's own sum where it has one
 * (`storeChecksums.ts`), else by reading: streamed, once, and nothing is kept but one number for each file.
 *
 * CRC-32 of a whole object from the recorded checksum: repository/checksum.ts. A wrong sum is read again: the same one
 * twice accuses the repository, two different ones accuse nobody. A sum of the store accuses nobody: the blob is read.
 */

import { crc32 } from 'node:zlib'
import pLimit from 'p-limit'
import type { BlobReader } from '../blobs/port.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import type { ListedBlob } from '../model/blob.ts'
import { type BlobPart, blobParts, type FileEntry, type IndexRecord, shardFolder } from '../model/content.ts'
import type { Finding, FindingCode } from '../model/finding.ts'
import type { RepositoryData } from '../model/repository.ts'
import type { Reason } from '../model/verdict.ts'
import { expectedCrc32 } from '../repository/checksum.ts'
import { isoTime } from '../time.ts'
import { isRead, markOf } from './checkIndex.ts'
import { makeFinding } from './findings.ts'
import { dayOf, isDue, msOfDay, proofKeys } from './memory.ts'
import type { ByteProof, ByteResult, KnownBad, ShortDigest } from './memoryFormat.ts'
import type { CheckedCopy, Mark } from './result.ts'

/** How much may be read; counted down while reading. Null: no limit. */
export interface ByteBudget {
  bytesLeft: number | null
  /** Nothing new is begun once it says true. */
  readonly isOver: () => boolean
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

/** CRC-32 of a whole file by the store's own sums of its objects; null where it has none that counts. */
export type StoredSum = (
  parts: readonly BlobPart[],
  signal: AbortSignal,
) => Promise<{
  readonly crc32: number
  readonly method: 'store-computed' | 'store-recorded'
  readonly computedMs: number
} | null>

export interface ByteProofOptions {
  readonly blobs: BlobReader
  readonly requests: number
  readonly budget: ByteBudget
  readonly storedSum?: StoredSum
  /** Earlier proofs of this index. */
  readonly known: ReadonlyMap<ShortDigest, ByteProof>
  readonly renewAfterMs: number
  readonly nowMs: number
  readonly onBytes: (bytes: number) => void
  /** Asked after each file: what is proven so far is handed to `keep` where it says true, in case the run is killed. */
  readonly soFar?: {
    readonly isDue: () => boolean
    readonly keep: (proofs: ReadonlyMap<ShortDigest, ByteProof>) => Promise<void>
  }
  readonly signal: AbortSignal
}

interface Proven {
  readonly state: 'good'
  readonly result: Exclude<ByteResult, 'bad'>
  readonly provenMs: number
  readonly remembered: boolean
  /** The objects that were proven are not the listed ones: good tonight, and not to be remembered. */
  readonly others?: boolean
}
interface Bad {
  readonly state: 'bad'
  readonly code: FindingCode
  readonly key: string
  readonly message: string
  /** As in `Proven`. */
  readonly others?: boolean
  /** Not looked at this time. */
  readonly remembered?: boolean
}
type FileState = Proven | Bad | { readonly state: 'unknown'; readonly reason: Reason }

interface NeededFile {
  readonly shard: number
  readonly file: FileEntry
  readonly parts: readonly BlobPart[]
  readonly key: ShortDigest
  readonly witness: ShortDigest | null
  /** ETag of each part as listed. */
  readonly etags: readonly (string | null)[]
  /** Positions of the snapshots that need it, asked for or not: what is bad is bad for all of them. */
  readonly snapshots: Set<number>
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
  const needed = neededFiles(record, passing, listed).filter(isAsked)
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
  const proofs = keptProofs(record, passing, listed, options)
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
  { snapshot, indexId, contentId, obstacle, presence }: CheckedCopy,
  { wants }: ByteBudget,
): boolean {
  if (presence.verdict !== 'pass') return false
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
          const snapshots = new Set([copy.snapshot])
          files.set(`${shard} ${file.name}`, { shard, file, parts, key, witness, etags, snapshots })
        }
      }
    }
  }
  return [...files.values()]
}

/**
 * What was known of files that nobody asks for tonight: where only some contents are wanted, and in copies that do not pass
 * below. What is known to be bad must not be forgotten because something else is wrong too. Files that are no more are left out.
 */
function keptProofs(
  record: IndexRecord,
  passing: ReadonlySet<number>,
  listed: ReadonlyMap<string, ListedBlob>,
  { known, budget }: ByteProofOptions,
): Map<ShortDigest, ByteProof> {
  // Their witnesses say whether they still hold.
  if (budget.wants !== undefined || !record.copies.every(isRead)) return new Map(known)
  const kept = new Map<ShortDigest, ByteProof>()
  const others = new Set(record.copies.map(copy => copy.snapshot).filter(snapshot => !passing.has(snapshot)))
  for (const { key, witness } of neededFiles(record, others, listed)) {
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

async function proveFile(needed: NeededFile, options: ByteProofOptions): Promise<FileState> {
  const { file, parts, key, witness } = needed
  if (file.checksum === null) return { state: 'unknown', reason: 'not-verifiable-here' } // Lucene recorded none
  const { signal, nowMs, renewAfterMs } = options
  const before = options.known.get(key)
  const known = before !== undefined && witness !== null && before.witness === witness ? before : null
  if (known?.result === 'bad') {
    // Looked at again whatever it costs: no limit, no sum of the store and no trouble of ours hides it.
    const again = await readFile(needed, true, options)
    return again.state === 'unknown' ? badBefore(needed, known.day) : again
  }
  if (known !== null) {
    const provenMs = Math.min(msOfDay(known.day), nowMs)
    if (!isDue(key, provenMs, nowMs, renewAfterMs))
      return { state: 'good', result: known.result, provenMs, remembered: true }
  }
  const stored = await options.storedSum?.(parts, signal)
  if (stored?.crc32 === expectedCrc32(file.checksum) && nowMs - stored.computedMs < renewAfterMs)
    return {
      state: 'good',
      result: stored.method,
      provenMs: Math.min(stored.computedMs, nowMs),
      remembered: false,
    }
  return await readFile(needed, false, options)
}

/** A wrong sum is read once more before anybody is accused: what was begun is ended, whatever the limits say. */
async function readFile(needed: NeededFile, unlimited: boolean, options: ByteProofOptions): Promise<FileState> {
  const { file, parts } = needed
  const { budget, signal, nowMs } = options
  const expected = expectedCrc32(file.checksum ?? 0)
  let last: number | null = null
  let others = false
  for (let attempt = 1; attempt <= 2; attempt++) {
    signal.throwIfAborted()
    const tooMuch = !unlimited && budget.bytesLeft !== null && budget.bytesLeft < file.bytes
    if (attempt === 1 && (budget.isOver() || tooMuch)) return { state: 'unknown', reason: 'limit-reached' }
    if (budget.bytesLeft !== null) budget.bytesLeft -= file.bytes
    const read = await readSum(needed, options)
    if ('state' in read) return read
    const { sum } = read
    others = read.others
    if (sum === expected) return { state: 'good', result: 'read', provenMs: nowMs, remembered: false, others }
    if (last !== null && last !== sum) return { state: 'unknown', reason: 'unstable-read' }
    last = sum
  }
  const first = parts[0]?.key ?? ''
  const names = parts.length === 1 ? first : `the ${parts.length} parts from ${first} on`
  const message = `CRC-32 of ${names} is ${hex(last ?? 0)}, recorded is ${hex(expected)}; the same when read again`
  return { state: 'bad', code: 'corrupt-data-blob', key: first, message, others }
}

function badBefore({ parts }: NeededFile, day: number): FileState {
  const key = parts[0]?.key ?? ''
  return { state: 'bad', code: 'corrupt-data-blob', key, message: badBeforeMessage(key, day), remembered: true }
}

export function badBeforeMessage(key: string, day: number): string {
  return `${key} had a wrong CRC-32 on ${isoTime(msOfDay(day)).slice(0, 10)}, twice, and this run did not get to read it again`
}

/** CRC-32 over all parts in order. */
async function readSum(
  { parts, etags }: NeededFile,
  options: ByteProofOptions,
): Promise<{ readonly sum: number; readonly others: boolean } | FileState> {
  let sum = 0
  let others = false
  for (const [i, part] of parts.entries()) {
    try {
      const { body, etag } = await options.blobs.get(part.key, { signal: options.signal })
      if (etag !== etags[i]) others = true
      let bytes = 0
      for await (const chunk of body) {
        bytes += chunk.length
        // A longer object is no reason to read for ever.
        if (bytes > part.bytes) break
        sum = crc32(chunk, sum)
        options.onBytes(chunk.length)
      }
      if (bytes !== part.bytes) {
        const message = `${part.key} gave ${bytes > part.bytes ? 'more than ' : ''}${Math.min(bytes, part.bytes)} bytes, expected ${part.bytes}`
        return { state: 'bad', code: 'wrong-length', key: part.key, message }
      }
    } catch (error) {
      return stateOfError(error, part, options.signal)
    }
  }
  return { sum, others }
}

function stateOfError(error: unknown, { key }: BlobPart, signal: AbortSignal): FileState {
  if (signal.aborted) throw error
  const message = `${key}: ${describeError(error)}`
  if (isSnapproofError(error, 'not-found')) return { state: 'bad', code: 'missing-data-blob', key, message }
  if (isSnapproofError(error, 'archived')) return { state: 'bad', code: 'archived-blob', key, message }
  if (isSnapproofError(error, 'access-denied')) return { state: 'bad', code: 'unreadable-blob', key, message }
  if (isSnapproofError(error)) return { state: 'unknown', reason: 'store-unavailable' }
  throw error
}

function hex(sum: number): string {
  return sum.toString(16).padStart(8, '0')
}
