/**
 * A cheap sample: the last 16 bytes of a file are Lucene's codec footer, and it holds the checksum that the metadata recorded.
 * Agreement says that the end of the right file is there. It proves no byte before it, and is never called `bytes`.
 *
 *     c0 28 93 e8 | int32 0 | int64 crc
 *
 * Source: apache/lucene: lucene/core/src/java/org/apache/lucene/codecs/CodecUtil.java @ 10.3.1
 */
import type { BlobReader } from '../blobs/port.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import type { BlobPart } from '../model/content.ts'
import { footerBytes, footerMagic } from '../repository/codec-footer.ts'

export interface FooterSample {
  /** Of the object that holds the last byte. */
  readonly key: string
  /** `unreadable`: denied or archived; `unknown`: our own trouble, or the object went or changed meanwhile. */
  readonly state: 'agrees' | 'disagrees' | 'unreadable' | 'unknown'
  /** `''` where it agrees. */
  readonly message: string
}

/**
 * One ranged GET; one for each object that holds a piece of the footer, where a file was split that late.
 *
 * @param checksum as Lucene recorded it
 * @throws the signal's reason
 */
export async function sampleFooter(
  parts: readonly BlobPart[],
  checksum: number,
  blobs: BlobReader,
  signal: AbortSignal,
): Promise<FooterSample> {
  signal.throwIfAborted()
  const key = parts.at(-1)?.key ?? ''
  const sample = (state: FooterSample['state'], message: string): FooterSample => ({ key, state, message })
  let footer: Buffer
  try {
    footer = await lastBytes(parts, blobs, signal)
  } catch (error) {
    signal.throwIfAborted()
    const denied = isSnapproofError(error, 'access-denied', 'archived')
    return sample(denied ? 'unreadable' : 'unknown', describeError(error))
  }
  if (footer.length < footerBytes) {
    return sample('disagrees', `${key} ends with ${footer.length} bytes where a footer has ${footerBytes}`)
  }
  const magic = footer.readUInt32BE(0)
  if (magic !== footerMagic)
    return sample('disagrees', `${key} ends without a footer: ${hex(magic)}, expected ${hex(footerMagic)}`)
  const algorithm = footer.readUInt32BE(4)
  if (algorithm !== 0)
    return sample('disagrees', `the footer of ${key} names the checksum algorithm ${algorithm}, expected 0`)
  const stored = footer.readBigUInt64BE(8)
  return stored === BigInt(checksum)
    ? sample('agrees', '')
    : sample('disagrees', `the footer of ${key} holds the checksum ${hex(stored)}, recorded is ${hex(checksum)}`)
}

/** The last 16 bytes by the lengths that the parts should have; fewer where an object is shorter. */
async function lastBytes(parts: readonly BlobPart[], blobs: BlobReader, signal: AbortSignal): Promise<Buffer> {
  let footer: Buffer = Buffer.alloc(0)
  for (const { key, bytes } of [...parts].reverse()) {
    const length = Math.min(footerBytes - footer.length, bytes)
    if (length === 0) continue
    const { body } = await blobs.get(key, { start: bytes - length, length, signal })
    const chunks: Buffer[] = []
    for await (const chunk of body) chunks.push(chunk)
    const got = Buffer.concat(chunks)
    footer = Buffer.concat([got, footer])
    // A shorter object: what lies before it is not the end of the file.
    if (got.length < length || footer.length === footerBytes) break
  }
  return footer
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16).padStart(8, '0')}`
}
