/**
 * Adds a seal to a chain. Its name comes from its number and is written with If-None-Match, so that of two runs at the same
 * time one loses, looks again, and follows the other.
 */
import type { BlobWriter, Retention } from '../blobs/port.ts'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import type { Signer } from './keys.ts'
import {
  claimedVersion,
  decodeSeal,
  encodeSeal,
  maxSealBytes,
  maxSealNumber,
  numberOfName,
  type SealRecord,
  type Sha256,
  sealName,
  sealPrefix,
  sealVersion,
  sha256,
  signedBytes,
} from './record.ts'

export interface SealHead {
  readonly number: number
  readonly hash: Sha256
}

/** What the next seal follows. */
export interface NextLink {
  readonly number: number
  readonly previous: SealHead | null
  /** What is wrong with the end of the chain; null: nothing. */
  readonly problem: string | null
}

/** The end of a chain as it lies there. */
interface ChainEnd {
  readonly head: SealHead | null
  /** Of the seal that the ledger remembers; null: it is not there. */
  readonly atRemembered: Sha256 | null
}

const maxAttempts = 20

/**
 * What comes next. The seal that the ledger remembers is believed before the folder: a chain that was cut goes on behind what is
 * gone, so that the hole stays for whoever looks later.
 */
export function nextLink({ head, atRemembered }: ChainEnd, remembered: SealHead | null): NextLink {
  const last = head?.number ?? 0
  if (remembered === null || (remembered.number <= last && atRemembered === remembered.hash))
    return { number: last + 1, previous: head, problem: null }
  if (remembered.number > last) {
    const problem = `the ledger remembers seal ${remembered.number} (${remembered.hash}), and the chain ends with ${last === 0 ? 'none' : `seal ${last}`}`
    return { number: remembered.number + 1, previous: remembered, problem }
  }
  const problem = `seal ${remembered.number} is not the one that the ledger remembers (${remembered.hash})`
  // Behind it others have followed: only the last can still be named as it was.
  const previous = remembered.number === last ? remembered : head
  return { number: last + 1, previous, problem }
}

/** @throws SnapproofError those of the store; `too-large` */
export async function findNextLink(
  store: BlobWriter,
  remembered: SealHead | null,
  signal: AbortSignal,
): Promise<NextLink> {
  let last = 0
  const from = remembered !== null && remembered.number > 1 ? { startAfter: sealName(remembered.number - 1) } : {}
  for await (const { key } of store.list(sealPrefix, { depth: 'root', signal, ...from }))
    last = Math.max(last, numberOfName(key) ?? 0)
  // Nothing from the remembered one on: what is left of the chain?
  if (last === 0 && remembered !== null) {
    for await (const { key } of store.list(sealPrefix, { depth: 'root', signal }))
      last = Math.max(last, numberOfName(key) ?? 0)
  }
  const bytesAt = async (number: number) => {
    try {
      return (await store.read(sealName(number), { maxBytes: maxSealBytes, signal })).bytes
    } catch (error) {
      if (isSnapproofError(error, 'not-found')) return null
      throw error
    }
  }
  const hashAt = async (number: number) => {
    const bytes = await bytesAt(number)
    return bytes === null ? null : sha256(bytes)
  }
  const bytes = last === 0 ? null : await bytesAt(last)
  const hash = bytes === null ? null : sha256(bytes)
  const head = hash === null ? null : { number: last, hash }
  const atRemembered =
    remembered === null || remembered.number > last
      ? null
      : remembered.number === last
        ? hash
        : await hashAt(remembered.number)
  const link = nextLink({ head, atRemembered }, remembered)
  // Whose signature it has is for those who have all keys.
  return { ...link, problem: link.problem ?? (bytes === null ? null : formProblem(bytes, last)) }
}

function formProblem(bytes: Buffer, place: number): string | null {
  const version = claimedVersion(bytes)
  if (version !== null && version > sealVersion) return null
  const seal = decodeSeal(bytes)
  if (typeof seal === 'string') return `at the place of seal ${place}, the last, is none: ${seal}`
  const { number } = seal.record
  return number === place ? null : `at the place of seal ${place}, the last, is seal ${number}`
}

export interface WriteSealOptions {
  readonly store: BlobWriter
  readonly signer: Signer
  /** The last seal that the ledger remembers. */
  readonly remembered: SealHead | null
  /** Everything but number, link and signature. */
  readonly record: Omit<SealRecord, 'number' | 'previous'>
  /** Object Lock of the new object; null: what the bucket does by itself. */
  readonly retention: Retention | null
  readonly signal: AbortSignal
}

/**
 * Writes the next seal. When it throws, none was written, unless the store neither answers nor can be asked.
 *
 * @throws SnapproofError those of the store and of the key; `unavailable` when others were faster 20 times
 */
export async function writeSeal(options: WriteSealOptions): Promise<SealHead & { readonly problem: string | null }> {
  const { store, signer, remembered, record, retention, signal } = options
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const { number, previous, problem } = await findNextLink(store, remembered, signal)
    if (number > maxSealNumber)
      throw new SnapproofError('too-large', `the chain in ${store.url} has reached seal ${number - 1}`, {
        advice: 'Look at its last files with `snapproof seal verify`; a new seal.url begins a new chain.',
      })
    const { seal, ...rest } = record
    const signed = signedBytes({ seal, number, previous: previous?.hash ?? null, ...rest })
    const signature = await signer.sign(signed, signal)
    const bytes = encodeSeal(signed, { algorithm: signer.algorithm, signature: signature.toString('base64') })
    if (await putOnce(store, sealName(number), bytes, retention, signal))
      return { number, hash: sha256(bytes), problem }
  }
  throw new SnapproofError('unavailable', `other runs wrote ${maxAttempts} seals into ${store.url} first`)
}

/** False: the name is taken. */
async function putOnce(
  store: BlobWriter,
  name: string,
  bytes: Buffer,
  retention: Retention | null,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (
      await store.putIfAbsent(name, bytes, { signal, checksum: true, ...(retention === null ? {} : { retention }) })
    ).written
  } catch (error) {
    signal.throwIfAborted()
    // The answer may have been lost and not the write.
    const found = await store.read(name, { maxBytes: maxSealBytes, signal }).catch(() => null)
    if (found?.bytes.equals(bytes)) return true
    throw error
  }
}
