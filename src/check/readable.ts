/**
 * Readable now: archived objects by the listing, Intelligent-Tiering by HEAD once per age, one ranged GET per KMS key.
 *
 * Judgement is pure; `lookAt` and `probeKeys` gather. What a listing says of a class is as good as the listing: a thawed copy
 * may be younger, so look again (HEAD) before an object is accused.
 *
 * Keys. A listing does not say under which KMS key an object lies; HEAD and GET do. Keys change with time (a new default of
 * the bucket, a new setting of the repository), hardly within a night, so the oldest and the newest object of each folder and
 * class are looked at (`samplesOf`), once in their life, and every key that was ever seen is tried by one GET a run. This finds a
 * key that is disabled, deleted or denied to us, and every object of the folder is then tried. It does not find a key that only
 * objects in the middle of a folder have, or a policy that denies single objects.
 */
import pLimit from 'p-limit'
import type { BlobReader } from '../blobs/port.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import { archivedStorageClasses, type ListedBlob } from '../model/blob.ts'
import { isoTime } from '../time.ts'

/** `restoring`: archived, and being thawed. `missing`: it went meanwhile. `unknown`: our own trouble; accuses nobody. */
export type ReadableState = 'readable' | 'archived' | 'restoring' | 'unreadable' | 'missing' | 'unknown'

export interface Readable {
  readonly key: string
  readonly state: ReadableState
  /** One sentence without a full stop; `''` where there is nothing to say. */
  readonly message: string
}

/** What is remembered of a look at an object with this key and ETag. */
export interface EarlierLook {
  readonly atMs: number
  /** Null: none. */
  readonly kmsKeyId: string | null
}
/** Null: never looked at. */
export type EarlierLooks = (blob: ListedBlob) => EarlierLook | null

export interface Look {
  readonly blob: ListedBlob
  readonly kmsKeyId: string | null
  readonly readable: Readable
}

export interface GatherOptions {
  readonly blobs: BlobReader
  /** At one time. */
  readonly requests: number
  readonly signal: AbortSignal
}

const dayMs = 24 * 3_600_000
/**
 * An object enters an archive tier of Intelligent-Tiering after so many days without access, or later, never sooner
 * (Amazon S3 User Guide, "How S3 Intelligent-Tiering works").
 */
const leastDaysToArchive = 90

/** Pure: by class, thawed copy and archive tier, as far as `blob` (from a listing or HEAD) tells. */
export function judgeReadable(blob: ListedBlob, nowMs: number): Readable {
  const { key, storageClass, restore, archiveStatus } = blob
  const tier = archiveStatus ?? (archivedStorageClasses.has(storageClass) ? storageClass : null)
  if (tier === null) return { key, state: 'readable', message: '' }
  const lies = `${key} lies in ${tier}`
  if (restore === undefined) return { key, state: 'archived', message: `${lies}, without a thawed copy` }
  if (restore.inProgress) return { key, state: 'restoring', message: `${lies} and is being thawed` }
  if (restore.expiresMs === null) return { key, state: 'archived', message: `${lies}, with a copy of unknown end` }
  const until = isoTime(restore.expiresMs)
  return restore.expiresMs > nowMs
    ? { key, state: 'readable', message: `${lies}; its thawed copy can be read until ${until}` }
    : { key, state: 'archived', message: `${lies}; its thawed copy ended at ${until}` }
}

/**
 * Pure: objects of Intelligent-Tiering that must be looked at by HEAD: those that may lie in an archive tier by age and were
 * never looked at, or longer ago than `maxAgeMs`. Longest unseen first.
 */
export function tieringToLookAt(
  listed: Iterable<ListedBlob>,
  earlier: EarlierLooks,
  { nowMs, maxAgeMs }: { readonly nowMs: number; readonly maxAgeMs: number },
): ListedBlob[] {
  const due: { readonly blob: ListedBlob; readonly atMs: number }[] = []
  for (const blob of listed) {
    if (blob.storageClass !== 'INTELLIGENT_TIERING') continue
    // A store that tells no time may hold it for years.
    if (blob.modifiedMs > 0 && nowMs - blob.modifiedMs < leastDaysToArchive * dayMs) continue
    // Without an ETag nothing is remembered; what is dated in the future is no look.
    const look = blob.etag === null ? null : earlier(blob)
    const atMs = look === null || look.atMs > nowMs ? Number.NEGATIVE_INFINITY : look.atMs
    if (nowMs - atMs > maxAgeMs) due.push({ blob, atMs })
  }
  return due.sort((a, b) => (a.atMs === b.atMs ? 0 : a.atMs - b.atMs)).map(({ blob }) => blob)
}

/** Pure: the oldest and the newest object of each storage class that can be read, unless they were looked at before. */
export function samplesOf(listed: Iterable<ListedBlob>, earlier: EarlierLooks, nowMs: number): ListedBlob[] {
  const ends = new Map<string, { oldest: ListedBlob; newest: ListedBlob }>()
  for (const blob of listed) {
    // Of an empty object no byte can be read.
    if (blob.bytes === 0 || judgeReadable(blob, nowMs).state !== 'readable') continue
    const end = ends.get(blob.storageClass)
    if (end === undefined) ends.set(blob.storageClass, { oldest: blob, newest: blob })
    else if (blob.modifiedMs < end.oldest.modifiedMs) end.oldest = blob
    else if (blob.modifiedMs >= end.newest.modifiedMs) end.newest = blob
  }
  const wanted = new Set([...ends.values()].flatMap(({ oldest, newest }) => [newest, oldest]))
  return [...wanted].filter(blob => blob.etag === null || earlier(blob) === null)
}

/** HEAD of each, at most `maxHeads`, in order. `left`: how many were not asked because of that. */
export async function lookAt(
  blobs: readonly ListedBlob[],
  maxHeads: number,
  nowMs: number,
  { blobs: reader, requests, signal }: GatherOptions,
): Promise<{ readonly looks: readonly Look[]; readonly left: number }> {
  const limit = pLimit(requests)
  const looks = await Promise.all(
    blobs.slice(0, maxHeads).map(blob => limit(() => lookAtOne(blob, nowMs, reader, signal))),
  )
  return { looks, left: Math.max(0, blobs.length - maxHeads) }
}

async function lookAtOne(blob: ListedBlob, nowMs: number, reader: BlobReader, signal: AbortSignal): Promise<Look> {
  const { key } = blob
  signal.throwIfAborted()
  try {
    const head = await reader.head(key, { signal })
    if (head !== null) return { blob: head, kmsKeyId: head.kmsKeyId ?? null, readable: judgeReadable(head, nowMs) }
    return { blob, kmsKeyId: null, readable: { key, state: 'missing', message: `${key} is listed and not there` } }
  } catch (error) {
    signal.throwIfAborted()
    return { blob, kmsKeyId: null, readable: failedLook(key, error) }
  }
}

export interface KeyProbe {
  readonly kmsKeyId: string
  /** Of the object that was read, or of the last one that was tried. */
  readonly key: string
  readonly state: ReadableState
  readonly message: string
}

/** Objects of one key that are tried before we say that we do not know. */
const triesPerKey = 3

/**
 * One byte of one object under each key; of another one where the first went or is archived. At most `maxKeys` keys, the
 * others are left out: `left`. `samples`: newest first finds the object that is most likely still there.
 */
export async function probeKeys(
  samples: Iterable<{ readonly key: string; readonly kmsKeyId: string | null }>,
  maxKeys: number,
  { blobs, requests, signal }: GatherOptions,
): Promise<{ readonly probes: readonly KeyProbe[]; readonly left: number }> {
  const byKey = new Map<string, string[]>()
  for (const { key, kmsKeyId } of samples) {
    if (kmsKeyId === null) continue
    const known = byKey.get(kmsKeyId)
    if (known === undefined) byKey.set(kmsKeyId, [key])
    else if (known.length < triesPerKey && !known.includes(key)) known.push(key)
  }
  const limit = pLimit(requests)
  const probes = await Promise.all(
    [...byKey].slice(0, maxKeys).map(([kmsKeyId, keys]) => limit(() => probeKey(kmsKeyId, keys, blobs, signal))),
  )
  return { probes, left: Math.max(0, byKey.size - maxKeys) }
}

async function probeKey(
  kmsKeyId: string,
  keys: readonly string[],
  reader: BlobReader,
  signal: AbortSignal,
): Promise<KeyProbe> {
  let last: Readable = { key: '', state: 'unknown', message: 'no object was tried' }
  for (const key of keys) {
    last = await readOneByte(key, reader, signal)
    // These say something of the object and nothing of the key.
    if (last.state !== 'missing' && last.state !== 'archived') break
  }
  const { key, state } = last
  if (state === 'readable') return { kmsKeyId, key, state, message: '' }
  if (state === 'unreadable') {
    return { kmsKeyId, key, state, message: `${key}, under the KMS key ${kmsKeyId}, cannot be read: ${last.message}` }
  }
  return { kmsKeyId, key, state: 'unknown', message: `the KMS key ${kmsKeyId} was not tried: ${last.message}` }
}

/** One ranged GET of one byte. */
export async function readOneByte(key: string, reader: BlobReader, signal: AbortSignal): Promise<Readable> {
  signal.throwIfAborted()
  try {
    const { body } = await reader.get(key, { start: 0, length: 1, signal })
    for await (const chunk of body) if (chunk.length > 0) return { key, state: 'readable', message: '' }
    return { key, state: 'missing', message: `${key} is empty` }
  } catch (error) {
    signal.throwIfAborted()
    return failedLook(key, error)
  }
}

function failedLook(key: string, error: unknown): Readable {
  const message = describeError(error)
  if (isSnapproofError(error, 'archived')) return { key, state: 'archived', message }
  if (isSnapproofError(error, 'not-found', 'changed')) return { key, state: 'missing', message }
  if (isSnapproofError(error, 'access-denied')) return { key, state: 'unreadable', message }
  return { key, state: 'unknown', message }
}
