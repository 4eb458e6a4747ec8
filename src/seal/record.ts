/**
 * One seal as bytes: a line with the record, a line with its signature. README.md describes every byte, so that another
 * program can check it; whatever changes here changes there.
 */
import { createHash } from 'node:crypto'
import { isoTime } from '../time.ts'

/** Of the layout below. Members may be added without raising it; a higher one is not judged by this version. */
export const sealVersion = 1
/** No seal is longer; what is longer is not read. */
export const maxSealBytes = 65_536
/** A chain of one seal an hour reaches this after a hundred years. */
export const maxSealNumber = 1_000_000

/** SHA-256 as 64 hexadecimal digits in lower case. */
export type Sha256 = string

/** What is signed, in the order in which it is written. */
export interface SealRecord {
  readonly seal: number
  /** From 1, without a hole. */
  readonly number: number
  /** Of the bytes of the seal before; null for number 1. */
  readonly previous: Sha256 | null
  readonly sealedAt: string
  /** Fingerprint of the public key: SHA-256 of its DER form (SubjectPublicKeyInfo). */
  readonly key: Sha256
  readonly repository: { readonly name: string; readonly url: string; readonly uuid: string | null }
  readonly run: {
    readonly id: string
    readonly command: string
    readonly startedAt: string
    readonly endedAt: string
    readonly exitCode: number
  }
  readonly inputs: {
    readonly configuration: Sha256
    readonly generation: number
    /** Of the bytes of `index-N` as they were read; null: not known. */
    readonly indexN: Sha256 | null
    readonly tool: string
    /** `product version (kind)` of each server that was started. */
    readonly engines: readonly string[]
  }
  readonly expected: { readonly restores: Sha256 }
  readonly found: {
    readonly restores: Sha256
    readonly verdicts: Sha256
    readonly findings: Sha256
    readonly accepted: Sha256
    readonly evidence: Sha256
  }
  readonly outputs: {
    readonly runJson: Sha256
    readonly reportHtml: Sha256
    /** Of `ledger.sqlite.gz` as it was stored; null: the ledger is a local file. */
    readonly ledger: Sha256 | null
  }
}

export interface SealSignature {
  readonly algorithm: string
  /** Base64 with padding. */
  readonly signature: string
}

/** A seal whose bytes are in form. Whether it was signed, and where it stands, is for others to judge. */
export interface DecodedSeal {
  readonly record: SealRecord
  readonly signature: SealSignature
  /** What was signed: the first line without its line feed. */
  readonly signed: Buffer
  readonly hash: Sha256
}

/** `seal-0000000017.jsonl`: ascending names are ascending numbers. */
export function sealName(number: number): string {
  return `${sealPrefix}${String(number).padStart(10, '0')}.jsonl`
}
export const sealPrefix = 'seal-'

/** Null: no seal is called so. */
export function numberOfName(name: string): number | null {
  const digits = /^seal-(\d{10})\.jsonl$/.exec(name)?.[1]
  const number = Number(digits ?? '0')
  return number >= 1 && number <= maxSealNumber ? number : null
}

export function sha256(bytes: Buffer | string): Sha256 {
  return createHash('sha256').update(bytes).digest('hex')
}

/**
 * JSON without any space, members in the order of the value, everything outside U+0020 to U+007E as `\uXXXX` of its
 * UTF-16 units: what Python's `json.dumps(value, separators=(",", ":"))` writes. Numbers are whole.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The bytes that are signed. */
export function signedBytes(record: SealRecord): Buffer {
  return Buffer.from(canonicalJson(record), 'ascii')
}

export function encodeSeal(signed: Buffer, signature: SealSignature): Buffer {
  return Buffer.concat([signed, Buffer.from(`\n${canonicalJson(signature)}\n`, 'ascii')])
}

/** The seal, or in a string why these bytes are none. */
export function decodeSeal(bytes: Buffer): DecodedSeal | string {
  if (bytes.length > maxSealBytes) return `it has ${bytes.length} bytes, more than any seal`
  const firstEnd = bytes.indexOf(0x0a)
  const secondEnd = bytes.indexOf(0x0a, firstEnd + 1)
  if (firstEnd === -1 || secondEnd !== bytes.length - 1) return 'it is not two lines'
  const signed = bytes.subarray(0, firstEnd)
  const record = readLine(signed)
  const signature = readLine(bytes.subarray(firstEnd + 1, secondEnd))
  if (record === null) return 'its record is not in canonical form'
  if (signature === null) return 'its signature line is not in canonical form'
  const problem = recordProblem(record) ?? signatureProblem(signature)
  if (problem !== null) return problem
  return {
    record: record as unknown as SealRecord,
    signature: signature as unknown as SealSignature,
    signed,
    hash: sha256(bytes),
  }
}

/** The version that a seal of another layout claims; null: it claims none. Unproven until its signature is. */
export function claimedVersion(bytes: Buffer): number | null {
  const record = readLine(bytes.subarray(0, Math.max(0, bytes.indexOf(0x0a))))
  const version = record?.seal
  return typeof version === 'number' && Number.isSafeInteger(version) ? version : null
}

type Json = Readonly<Record<string, unknown>>

/** Null unless writing the value again gives the same bytes: no second reading of them exists. */
function readLine(line: Buffer): Json | null {
  const text = line.toString('latin1')
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) && canonicalJson(value) === text ? value : null
  } catch {
    // No JSON, or nested deeper than anything is written: whatever it is, it is no line of a seal.
    return null
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const isHash = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isHashOrNull = (value: unknown) => value === null || isHash(value)
const isText = (value: unknown) => typeof value === 'string'
const isTextOrNull = (value: unknown) => value === null || isText(value)
const isWhole = (value: unknown) => Number.isSafeInteger(value)
const isNumber = (value: unknown) => isWhole(value) && Number(value) >= 1 && Number(value) <= maxSealNumber
/** Exactly what `isoTime` writes, so that texts compare as times. */
const isTime = (value: unknown) =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value)) && isoTime(Date.parse(value)) === value
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText)

type Shape = { readonly [name: string]: ((value: unknown) => boolean) | Shape }
const recordShape: Shape = {
  number: isNumber,
  previous: isHashOrNull,
  sealedAt: isTime,
  key: isHash,
  repository: { name: isText, url: isText, uuid: isTextOrNull },
  run: { id: isText, command: isText, startedAt: isTime, endedAt: isTime, exitCode: isWhole },
  inputs: { configuration: isHash, generation: isWhole, indexN: isHashOrNull, tool: isText, engines: isTexts },
  expected: { restores: isHash },
  found: { restores: isHash, verdicts: isHash, findings: isHash, accepted: isHash, evidence: isHash },
  outputs: { runJson: isHash, reportHtml: isHash, ledger: isHashOrNull },
}

function recordProblem(record: Json): string | null {
  const { seal, number, previous } = record
  if (seal !== sealVersion) return `it has the layout ${shown(seal)}; this version knows ${sealVersion}`
  const wrong = wrongMember(record, recordShape, '')
  if (wrong !== null) return `its record has no good ${wrong}`
  if ((number === 1) !== (previous === null)) return 'number 1 alone has no seal before it'
  return null
}

function wrongMember(value: Json, shape: Shape, path: string): string | null {
  for (const [name, check] of Object.entries(shape)) {
    const member = Object.hasOwn(value, name) ? value[name] : undefined
    if (typeof check === 'function') {
      if (!check(member)) return path + name
    } else {
      if (!isObject(member)) return path + name
      const inside = wrongMember(member, check, `${path}${name}.`)
      if (inside !== null) return inside
    }
  }
  return null
}

function signatureProblem(line: Json): string | null {
  const { algorithm, signature } = line
  const good = Object.keys(line).join() === 'algorithm,signature' && isText(algorithm) && typeof signature === 'string'
  // One base64 text for each signature.
  const exact = good && Buffer.from(signature, 'base64').toString('base64') === signature
  return exact ? null : 'its signature line is not in canonical form'
}

function shown(value: unknown): string {
  return String(JSON.stringify(value)).slice(0, 40)
}
