/** Reads a chain of seals from a folder that anybody may have written to: everything is bounded, nothing is believed. */
import type { BlobReader } from '../blobs/port.ts'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import type { PlacedSeal, SealProblem } from './chain.ts'
import { isSignedBy, type PublicKeys } from './keys.ts'
import {
  claimedVersion,
  decodeSeal,
  maxSealBytes,
  maxSealNumber,
  numberOfName,
  sealPrefix,
  sealVersion,
  sha256,
} from './record.ts'

export interface ReadChain {
  /** By ascending place. */
  readonly seals: readonly PlacedSeal[]
  readonly problems: readonly SealProblem[]
  /** Files beside the seals that are called nothing like one. */
  readonly otherFiles: number
}

/** Seals read at once. */
const ahead = 16
/** Names of foreign files that are told one by one. */
const maxForeign = 20

/** @throws SnapproofError those of the store; `too-large` for a folder with more files than any chain has seals */
export async function readChain(store: BlobReader, keys: PublicKeys, signal: AbortSignal): Promise<ReadChain> {
  const places: { readonly key: string; readonly place: number; readonly bytes: number }[] = []
  const problems: SealProblem[] = []
  let otherFiles = 0
  let listed = 0
  for await (const { key, bytes } of store.list('', { depth: 'root', signal })) {
    if (++listed > 2 * maxSealNumber)
      throw new SnapproofError('too-large', `${store.url} holds more files than a chain of seals can have`)
    const place = numberOfName(key)
    if (place !== null) places.push({ key, place, bytes })
    else if (!key.startsWith(sealPrefix)) otherFiles++
    else if (problems.length < maxForeign) problems.push(foreignFile(key))
  }
  const seals: PlacedSeal[] = []
  for (let i = 0; i < places.length; i += ahead) {
    const read = places
      .slice(i, i + ahead)
      .map(({ key, place, bytes }) => readPlace(store, key, place, bytes, keys, signal))
    for (const seal of await Promise.all(read)) if (seal !== null) seals.push(seal)
  }
  return { seals, problems, otherFiles }
}

function foreignFile(key: string): SealProblem {
  const shown = JSON.stringify(key.length > 80 ? `${key.slice(0, 79)}…` : key)
  return { kind: 'foreign-file', number: null, to: null, message: `${shown} is no name of a seal` }
}

async function readPlace(
  store: BlobReader,
  key: string,
  place: number,
  listedBytes: number,
  keys: PublicKeys,
  signal: AbortSignal,
): Promise<PlacedSeal | null> {
  const oversized: PlacedSeal = {
    place,
    hash: null,
    trusted: null,
    trouble: { kind: 'altered', why: `it has more than ${maxSealBytes} bytes, as no seal has` },
  }
  if (listedBytes > maxSealBytes) return oversized
  try {
    const { bytes } = await store.read(key, { maxBytes: maxSealBytes, signal })
    return { place, hash: sha256(bytes), ...judgeBytes(bytes, keys) }
  } catch (error) {
    // Gone since it was listed.
    if (isSnapproofError(error, 'not-found')) return null
    if (isSnapproofError(error, 'too-large')) return oversized
    throw error
  }
}

/** What these bytes say, if one of the keys has signed it. */
export function judgeBytes(bytes: Buffer, keys: PublicKeys): Pick<PlacedSeal, 'trusted' | 'trouble'> {
  const distrust = (kind: 'altered' | 'unknown-key' | 'newer-layout', why: string) =>
    ({ trusted: null, trouble: { kind, why } }) as const
  const version = claimedVersion(bytes)
  if (version !== null && version > sealVersion)
    return distrust('newer-layout', `it says that it has layout ${version}; a newer Snapproof may know it`)
  const seal = decodeSeal(bytes)
  if (typeof seal === 'string') return distrust('altered', seal)
  const { record, signature, signed } = seal
  const key = keys.get(record.key)
  if (key === undefined)
    return distrust('unknown-key', `it says that key ${record.key} has signed it, which was not given`)
  if (!isSignedBy(key, signature.algorithm, signed, Buffer.from(signature.signature, 'base64')))
    return distrust('altered', 'its signature is not of what it says')
  const { number, previous, sealedAt, run, outputs } = record
  const { runJson, reportHtml } = outputs
  return {
    trusted: { number, previous, sealedAt, runId: run.id, startedAt: run.startedAt, runJson, reportHtml },
    trouble: null,
  }
}
