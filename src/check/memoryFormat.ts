/**
 * What a check remembers, as bytes for the ledger. One row for a snapshot (its root blobs), one for an index over all its snapshots.
 * Bytes that do not decode, or that another version wrote, are as good as none: what they stood for is read again. A CRC-32 goes before
 * them, because one bit is all that lies between a bad blob and a good one.
 *
 * Sizes: eight bytes for each shard of each snapshot, twenty for each data blob whose bytes are proven.
 */
import { crc32 } from 'node:zlib'
import type { FeatureState, IndexMetadata, SnapshotInfo } from '../model/content.ts'
import { type Method, type Reason, reasons } from '../model/verdict.ts'

/** Raised whenever the judgement changes, so that nothing rests on how an older program judged. */
const version = 2

/** The first 8 bytes of a digest, as 8 latin-1 characters: small, and a key of sets and maps. */
export type ShortDigest = string
const shortBytes = 8

export interface SnapshotMemory {
  /** When the two blobs were read, UTC epoch milliseconds. */
  readonly readMs: number
  /** Of the listed root and global blobs, and of what `index-N` says of the snapshot. */
  readonly witness: string
  readonly info: SnapshotInfo
}

/** One copy of an index as it was judged when nothing was wrong with the index. */
export interface CalmCopy {
  readonly catalogue: Reason
  readonly presence: Reason
  readonly obstacle: Reason | null
  readonly bytes: number
  /** Position in `contents`; null: none. */
  readonly content: number | null
}

export interface CalmContent {
  readonly contentId: string
  readonly shardCount: number
  readonly createdVersion: number | null
  readonly bytes: number
  readonly files: number
  readonly obstacle: Reason | null
  readonly system?: true
  readonly witness: string | null
  /** When the oldest byte proof of its files was made; null: not every file is proven. */
  readonly bytesProvenMs: number | null
  readonly bytesMethod: Method | null
}

/** An index in which nothing was wrong and nothing left over: while listing and `index-N` stay the same, so does this. */
export interface Calm {
  /** Digest over everything that the judgement was made from. */
  readonly view: string
  /** One for each snapshot that holds the index, in the order of `IndexEntry.snapshots`. */
  readonly copies: readonly CalmCopy[]
  readonly contents: readonly CalmContent[]
  readonly shards: number
}

export interface ByteProof {
  /** Of the listed objects and the recorded checksum. */
  readonly witness: ShortDigest
  /** Days since 1970, UTC. */
  readonly day: number
  /** `bad`: the bytes were wrong, twice. */
  readonly result: ByteResult
}
export const byteResults = ['bad', 'read', 'store-computed', 'store-recorded'] as const
export type ByteResult = (typeof byteResults)[number]

/** A data blob whose bytes were wrong, with what somebody must know who has no time to look at it again. */
export interface KnownBad {
  /** Its name in `IndexMemory.bytes`, where its day and witness are. */
  readonly proof: ShortDigest
  /** Of the first object. */
  readonly key: string
  readonly shard: number
  /** Uuids of the snapshots that need it, ascending. */
  readonly snapshots: readonly string[]
}

export interface IndexMemory {
  /** When the oldest blob that `metadata` and `lists` rest on was read. */
  readonly readMs: number
  /** By key: index metadata blobs. */
  readonly metadata: ReadonlyMap<string, { readonly witness: ShortDigest; readonly metadata: IndexMetadata }>
  /** Digests of (snapshot, its root blob, its shard blob, the files that it lists). */
  readonly lists: ReadonlySet<ShortDigest>
  /** By digest of shard and blob name. */
  readonly bytes: ReadonlyMap<ShortDigest, ByteProof>
  /** Of those that are `bad`. */
  readonly bad: readonly KnownBad[]
  /** Looks at single objects, by digest of key and ETag: when, and under which KMS key it lies. */
  readonly looks: ReadonlyMap<ShortDigest, { readonly day: number; readonly kmsKeyId: string | null }>
  readonly calm: Calm | null
}

export function encodeSnapshotMemory({ readMs, witness, info }: SnapshotMemory): Buffer {
  return seal([Buffer.from(JSON.stringify({ version, readMs, witness, info }))])
}

/** Null for what this version did not write. */
export function decodeSnapshotMemory(sealed: Buffer): SnapshotMemory | null {
  const data = unseal(sealed)
  const value = data === null ? null : parse(data)
  if (value === null || value.version !== version) return null
  const { readMs, witness, info } = value
  if (typeof readMs !== 'number' || typeof witness !== 'string' || !isRecord(info)) return null
  const { dataStreams, failures, features } = info
  if (
    typeof info.indexCount !== 'number' ||
    !isTexts(dataStreams) ||
    !isListOf(features, isFeature) ||
    !isListOf(failures, isRecord)
  )
    return null
  return {
    readMs,
    witness,
    info: info as unknown as SnapshotInfo,
  }
}

/** A row is written in one piece, into journals that have a limit of their own. */
export const maxRowBytes = 20 * 1024 ** 2

/**
 * What does not fit is left out and read again when the index changes: lists first, then proofs; never what is bad. `calm` stays, so that
 * a quiet night costs nothing all the same.
 */
export function encodeIndexMemory(whole: IndexMemory, maxBytes = maxRowBytes): Buffer {
  const memory = fitting(whole, maxBytes)
  const metadata = [...memory.metadata].map(([key, known]) => [
    key,
    hexOf(known.witness),
    { ...known.metadata, aliases: [], fields: [], settings: [] },
  ])
  const kmsKeys = [...new Set([...memory.looks.values()].map(look => look.kmsKeyId))].filter(key => key !== null)
  const bad = memory.bad.map(one => ({ ...one, proof: hexOf(one.proof) }))
  const calm = packCalm(memory.calm)
  const text = Buffer.from(JSON.stringify({ readMs: memory.readMs, metadata, kmsKeys, bad, calm }))
  const head = Buffer.alloc(headBytes)
  head.writeUInt8(version, 0)
  head.writeUInt32LE(text.length, 1)
  head.writeUInt32LE(memory.lists.size, 5)
  head.writeUInt32LE(memory.bytes.size, 9)
  head.writeUInt32LE(memory.looks.size, 13)
  const lists = Buffer.from([...memory.lists].sort().join(''), 'latin1')
  const bytes = Buffer.alloc(memory.bytes.size * proofBytes)
  let at = 0
  for (const [key, proof] of [...memory.bytes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    bytes.write(key, at, 'latin1')
    bytes.write(proof.witness, at + 8, 'latin1')
    bytes.writeUIntLE(proof.day, at + 16, 3)
    bytes.writeUInt8(byteResults.indexOf(proof.result), at + 19)
    at += proofBytes
  }
  const looks = Buffer.alloc(memory.looks.size * lookBytes)
  at = 0
  for (const [name, { day, kmsKeyId }] of [...memory.looks].sort(([a], [b]) => (a < b ? -1 : 1))) {
    looks.write(name, at, 'latin1')
    looks.writeUIntLE(day, at + 8, 3)
    // More keys than a byte counts are no keys that anybody has; those beyond are looked at again.
    const number = kmsKeyId === null ? 0 : kmsKeys.indexOf(kmsKeyId) + 1
    looks.writeUInt8(Math.min(number, 255), at + 11)
    at += lookBytes
  }
  return seal([head, text, lists, bytes, looks])
}

/** Leaves a tenth for keys of blobs and the like. */
function fitting(memory: IndexMemory, maxBytes: number): IndexMemory {
  const room = maxBytes * 0.9
  if (memory.lists.size * shortBytes + memory.bytes.size * proofBytes <= room) return memory
  const most = Math.floor(room / proofBytes)
  if (memory.bytes.size <= most) return { ...memory, lists: new Set() }
  const all = [...memory.bytes]
  const kept = all.filter(([, proof]) => proof.result === 'bad')
  const rest = all.filter(([, proof]) => proof.result !== 'bad').slice(0, Math.max(0, most - kept.length))
  return { ...memory, lists: new Set(), bytes: new Map([...kept, ...rest]) }
}

const headBytes = 17
const proofBytes = 20
const lookBytes = 12

/** Null for what this version did not write. */
export function decodeIndexMemory(sealed: Buffer): IndexMemory | null {
  const data = unseal(sealed)
  if (data === null || data.length < headBytes || data.readUInt8(0) !== version) return null
  const listsAt = headBytes + data.readUInt32LE(1)
  const proofsAt = listsAt + data.readUInt32LE(5) * shortBytes
  const looksAt = proofsAt + data.readUInt32LE(9) * proofBytes
  if (looksAt + data.readUInt32LE(13) * lookBytes !== data.length) return null
  const value = parse(data.subarray(headBytes, listsAt))
  if (value === null || typeof value.readMs !== 'number' || !Array.isArray(value.metadata)) return null
  const lists = new Set<ShortDigest>()
  for (let at = listsAt; at < proofsAt; at += shortBytes) lists.add(data.toString('latin1', at, at + shortBytes))
  const bytes = new Map<ShortDigest, ByteProof>()
  for (let at = proofsAt; at < looksAt; at += proofBytes) {
    const result = byteResults[data.readUInt8(at + 19)]
    if (result === undefined) return null
    const witness = data.toString('latin1', at + 8, at + 16)
    bytes.set(data.toString('latin1', at, at + 8), { witness, day: data.readUIntLE(at + 16, 3), result })
  }
  const kmsKeys = Array.isArray(value.kmsKeys) ? value.kmsKeys : []
  const looks = new Map<ShortDigest, { day: number; kmsKeyId: string | null }>()
  for (let at = looksAt; at < data.length; at += lookBytes) {
    const number = data.readUInt8(at + 11)
    const kmsKeyId: unknown = number === 0 ? null : kmsKeys[number - 1]
    if (number === 255 || (kmsKeyId !== null && typeof kmsKeyId !== 'string')) continue
    looks.set(data.toString('latin1', at, at + 8), { day: data.readUIntLE(at + 8, 3), kmsKeyId })
  }
  const metadata = unpackMetadata(value.metadata)
  const bad = unpackBad(value.bad, bytes)
  // Nobody may say that all is well who has lost what is bad.
  if (bad.length !== [...bytes.values()].filter(proof => proof.result === 'bad').length) return null
  return { readMs: value.readMs, metadata, lists, bytes, bad, looks, calm: unpackCalm(value.calm) }
}

function unpackBad(rows: unknown, bytes: IndexMemory['bytes']): KnownBad[] {
  if (!Array.isArray(rows)) return []
  return rows.flatMap((row): KnownBad[] => {
    const { proof: name, key, shard, snapshots } = isRecord(row) ? row : {}
    const proof = typeof name === 'string' ? Buffer.from(name, 'hex').toString('latin1') : ''
    if (bytes.get(proof)?.result !== 'bad' || typeof key !== 'string' || !isCount(shard) || !isTexts(snapshots))
      return []
    return [{ proof, key, shard, snapshots }]
  })
}

function unpackMetadata(rows: readonly unknown[]): IndexMemory['metadata'] {
  const metadata = new Map<string, { witness: ShortDigest; metadata: IndexMetadata }>()
  for (const row of rows) {
    const [key, witness, value] = Array.isArray(row) ? row : []
    if (typeof key !== 'string' || typeof witness !== 'string' || !isRecord(value)) continue
    if (!isCount(value.shardCount) || value.shardCount > maxShards) continue
    const known = { ...(value as unknown as IndexMetadata), fields: new Map(), settings: new Map() }
    metadata.set(key, { witness: Buffer.from(witness, 'hex').toString('latin1'), metadata: known })
  }
  return metadata
}

/** Copies of an index repeat each other, so each distinct one is written once. */
function packCalm(calm: Calm | null): unknown {
  if (calm === null) return null
  const kinds: CalmCopy[] = []
  const numbers = new Map<string, number>()
  const order = calm.copies.map(copy => {
    const text = JSON.stringify(copy)
    const known = numbers.get(text) ?? kinds.push(copy) - 1
    numbers.set(text, known)
    return known
  })
  return { ...calm, copies: undefined, kinds, order: runsOf(order) }
}

function unpackCalm(value: unknown): Calm | null {
  if (!isRecord(value) || typeof value.view !== 'string') return null
  const { kinds, order, contents } = value
  if (!Array.isArray(kinds) || !Array.isArray(order) || !Array.isArray(contents)) return null
  if (!kinds.every(isCalmCopy) || !contents.every(isCalmContent) || !isCount(value.shards)) return null
  const copies: CalmCopy[] = []
  for (let at = 0; at + 1 < order.length; at += 2) {
    const copy = kinds[Number(order[at])]
    const count: unknown = order[at + 1]
    if (copy === undefined || !isCount(count) || copies.length + count > maxCopies) return null
    for (let i = 0; i < count; i++) copies.push(copy)
  }
  return { view: value.view, copies, contents, shards: value.shards }
}
/** Snapshots of one index, and shards of one: more than any server takes. */
const maxCopies = 10_000_000
const maxShards = 100_000

function isCalmCopy(value: unknown): value is CalmCopy {
  if (!isRecord(value)) return false
  const { catalogue, presence, obstacle, bytes, content } = value
  return (
    isReason(catalogue) &&
    isReason(presence) &&
    isNullOr(isReason, obstacle) &&
    isCount(bytes) &&
    isNullOr(isCount, content)
  )
}

function isCalmContent(value: unknown): value is CalmContent {
  if (!isRecord(value)) return false
  const { contentId, shardCount, createdVersion, bytes, files, obstacle, system, witness, bytesProvenMs, bytesMethod } =
    value
  return (
    typeof contentId === 'string' &&
    [shardCount, bytes, files].every(isCount) &&
    [createdVersion, bytesProvenMs].every(one => isNullOr(isCount, one)) &&
    isNullOr(isReason, obstacle) &&
    (system === undefined || system === true) &&
    isNullOr(isText, witness) &&
    isNullOr(isText, bytesMethod)
  )
}

function isReason(value: unknown): value is Reason {
  return typeof value === 'string' && Object.hasOwn(reasons, value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isFeature(value: unknown): value is FeatureState {
  return isRecord(value) && isText(value.name) && isTexts(value.indices)
}

function isNullOr(is: (value: unknown) => boolean, value: unknown): boolean {
  return value === null || is(value)
}

function isListOf<T>(value: unknown, is: (one: unknown) => one is T): value is T[] {
  return Array.isArray(value) && value.every(is)
}

function isTexts(value: unknown): value is string[] {
  return isListOf(value, isText)
}

function seal(parts: readonly Buffer[]): Buffer {
  const data = Buffer.concat([Buffer.alloc(4), ...parts])
  data.writeUInt32LE(crc32(data.subarray(4)))
  return data
}

function unseal(data: Buffer): Buffer | null {
  return data.length >= 4 && data.readUInt32LE(0) === crc32(data.subarray(4)) ? data.subarray(4) : null
}

/** `[7, 7, 7, 8]` as `[7, 3, 8, 1]`. */
function runsOf(numbers: readonly number[]): number[] {
  const runs: number[] = []
  for (const number of numbers) {
    if (runs.at(-2) === number) runs[runs.length - 1] = (runs.at(-1) ?? 0) + 1
    else runs.push(number, 1)
  }
  return runs
}

function hexOf(digest: ShortDigest): string {
  return Buffer.from(digest, 'latin1').toString('hex')
}

function parse(data: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'))
    return isRecord(value) ? value : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
