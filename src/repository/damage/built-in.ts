/**
 * The small repository that the self-check damages: written by a real server, shipped with the program, compared with the
 * digest below before a byte of it is used. Made by test/fixtures/make/make-built-in.ts.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError, SnapproofError } from '../../errors.ts'
import type { Evidence } from '../../model/evidence.ts'

/** SHA-256 of `built-in.json`, so that an installation that lost some of it is noticed. */
export const builtInDigest = '45ae4352fa9d30bf497fae4b32d3a815aee44ce6f08f8094383e57e720c8f2b4'

export interface BuiltIn {
  /** Of the whole repository, by key. */
  readonly blobs: ReadonlyMap<string, Buffer>
  /** By name: blobs with one thing changed and a good checksum again, by key. */
  readonly rewritten: ReadonlyMap<string, ReadonlyMap<string, Buffer>>
  /** What a real server answered when it had restored each distinct content. */
  readonly evidence: readonly Evidence[]
}

const advice = 'The installation is not whole: install this version of Snapproof again.'

/** @throws SnapproofError `auditor-blind` where the file is missing, or not the one that was shipped */
export async function readBuiltIn(file = join(import.meta.dirname, 'built-in.json')): Promise<BuiltIn> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new SnapproofError('auditor-blind', `${file} cannot be read: ${describeError(cause)}`, { advice, cause })
  })
  const digest = createHash('sha256').update(bytes).digest('hex')
  if (digest !== builtInDigest) {
    const message = `${file} has the SHA-256 ${digest} (${bytes.length} bytes), expected ${builtInDigest}`
    throw new SnapproofError('auditor-blind', message, { advice })
  }
  const data: Shipped = JSON.parse(bytes.toString('utf8'))
  return {
    blobs: decoded(data.blobs),
    rewritten: new Map(Object.entries(data.rewritten).map(([name, blobs]) => [name, decoded(blobs)])),
    evidence: data.evidence,
  }
}

/** Base64 by key. */
type Encoded = Readonly<Record<string, string>>

interface Shipped {
  readonly blobs: Encoded
  readonly rewritten: Readonly<Record<string, Encoded>>
  readonly evidence: readonly Evidence[]
}

function decoded(blobs: Encoded): Map<string, Buffer> {
  return new Map(Object.entries(blobs).map(([key, text]) => [key, Buffer.from(text, 'base64')]))
}
