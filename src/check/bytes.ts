/**
 * `bytes` by reading: every distinct file of an index is streamed once, and its CRC-32 compared with the one that Lucene
 * recorded. Nothing is kept but one number for each file.
 *
 * CRC-32 of a whole object from the recorded checksum: repository/checksum.ts. A wrong sum is read again: the same one
 * twice accuses the repository, two different ones accuse nobody.
 */

import { crc32 } from 'node:zlib'
import pLimit from 'p-limit'
import type { BlobReader } from '../blobs/port.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import { type BlobPart, blobParts, type FileEntry, type IndexRecord } from '../model/content.ts'
import type { Finding, FindingCode } from '../model/finding.ts'
import type { RepositoryData } from '../model/repository.ts'
import type { Reason } from '../model/verdict.ts'
import { expectedCrc32 } from '../repository/checksum.ts'
import { markOf } from './checkIndex.ts'
import { makeFinding } from './findings.ts'
import type { CheckedCopy, Mark } from './result.ts'

/** How much may be read; counted down while reading. Null: no limit. */
export interface ByteBudget {
  bytesLeft: number | null
  /** Nothing new is begun once it says true. */
  readonly isOver: () => boolean
}

export interface ByteProofOptions {
  readonly blobs: BlobReader
  readonly requests: number
  readonly budget: ByteBudget
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

type FileState =
  | { readonly state: 'good' }
  | { readonly state: 'bad'; readonly code: FindingCode; readonly key: string; readonly message: string }
  | { readonly state: 'unknown'; readonly reason: Reason }

interface NeededFile {
  readonly shard: number
  readonly file: FileEntry
  readonly parts: readonly BlobPart[]
  /** Positions of the snapshots that need it. */
  readonly snapshots: Set<number>
}

/** A mark for each copy whose lower levels pass; the others keep what they have. */
export async function proveBytes(
  record: IndexRecord,
  copies: readonly CheckedCopy[],
  repository: RepositoryData,
  options: ByteProofOptions,
): Promise<{ readonly marks: ReadonlyMap<number, Mark>; readonly findings: readonly Finding[] }> {
  const wanted = new Set(copies.filter(copy => copy.presence.verdict === 'pass').map(copy => copy.snapshot))
  const needed = neededFiles(record, wanted)
  const limit = pLimit(options.requests)
  const states = await Promise.all(needed.map(file => limit(() => proveFile(file, options))))
  const marks = new Map<number, Mark>()
  const findings: Finding[] = []
  for (const snapshot of wanted) marks.set(snapshot, markOf('proven'))
  needed.forEach((file, i) => {
    const state = states[i]
    if (state === undefined || state.state === 'good') return
    const mark = markOf(state.state === 'bad' ? 'found' : state.reason)
    for (const snapshot of file.snapshots) if (marks.get(snapshot)?.verdict !== 'fail') marks.set(snapshot, mark)
    if (state.state === 'unknown') return
    const snapshots = [...file.snapshots].sort((a, b) => a - b).map(s => repository.snapshots[s]?.uuid ?? '')
    const { code, key, message } = state
    findings.push(makeFinding({ code, key, snapshots, index: record.name, shard: file.shard, message }))
  })
  for (const copy of copies) if (!marks.has(copy.snapshot)) marks.set(copy.snapshot, beneath(copy.presence))
  return { marks, findings }
}

function beneath(presence: Mark): Mark {
  return presence.verdict === 'fail' ? markOf('lower-level-failed') : presence
}

function neededFiles(record: IndexRecord, wanted: ReadonlySet<number>): NeededFile[] {
  const files = new Map<string, NeededFile>()
  for (const copy of record.copies) {
    if (!wanted.has(copy.snapshot)) continue
    for (const { shard, files: list } of copy.shards) {
      for (const file of list?.files ?? []) {
        const known = files.get(`${shard} ${file.name}`)
        if (known !== undefined) known.snapshots.add(copy.snapshot)
        else {
          const parts = blobParts(file, `indices/${record.id}/${shard}`)
          if (parts.length === 0) continue // virtual: the reader has compared its bytes already
          files.set(`${shard} ${file.name}`, { shard, file, parts, snapshots: new Set([copy.snapshot]) })
        }
      }
    }
  }
  return [...files.values()]
}

async function proveFile({ file, parts }: NeededFile, options: ByteProofOptions): Promise<FileState> {
  if (file.checksum === null) return { state: 'unknown', reason: 'not-verifiable-here' }
  const { budget, signal } = options
  const expected = expectedCrc32(file.checksum)
  let before: number | null = null
  for (let attempt = 1; attempt <= 2; attempt++) {
    signal.throwIfAborted()
    if (budget.isOver() || (budget.bytesLeft !== null && budget.bytesLeft < file.bytes)) {
      return { state: 'unknown', reason: 'limit-reached' }
    }
    if (budget.bytesLeft !== null) budget.bytesLeft -= file.bytes
    const read = await readSum(parts, options)
    if (typeof read !== 'number') return read
    if (read === expected) return { state: 'good' }
    if (before !== null && before !== read) return { state: 'unknown', reason: 'unstable-read' }
    before = read
  }
  const key = parts[0]?.key ?? ''
  const names = parts.length === 1 ? key : `the ${parts.length} parts from ${key} on`
  const message = `CRC-32 of ${names} is ${hex(before ?? 0)}, recorded is ${hex(expected)}; the same when read again`
  return { state: 'bad', code: 'corrupt-data-blob', key, message }
}

/** CRC-32 over all parts in order. */
async function readSum(parts: readonly BlobPart[], options: ByteProofOptions): Promise<number | FileState> {
  let sum = 0
  for (const part of parts) {
    try {
      const { body } = await options.blobs.get(part.key, { signal: options.signal })
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
  return sum
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
