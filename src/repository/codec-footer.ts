/**
 * The envelope of every metadata blob: Lucene's plain codec header in front, Lucene's footer with a CRC-32 behind.
 *
 *     3f d7 6c 17 | VInt length, codec name | int32 version = 1 | body | c0 28 93 e8 | int32 0 | int64 crc
 *
 * The CRC covers everything before it, header and footer magic too, so that any changed byte shows.
 * Source: apache/lucene: lucene/core/src/java/org/apache/lucene/codecs/CodecUtil.java @ 10.3.1;
 * elastic/elasticsearch: server/src/main/java/org/elasticsearch/repositories/blobstore/ChecksumBlobStoreFormat.java @ 9.5.3
 */
import { crc32 } from 'node:zlib'
import { DecodeError } from './decode-error.ts'

export const codecMagic = 0x3fd76c17
export const footerMagic = 0xc02893e8
export const footerBytes = 16
const formatVersion = 1

export type CodecName = 'snapshot' | 'snapshots' | 'metadata' | 'project-metadata' | 'index-metadata'

/** Checks magic, algorithm and CRC of Lucene's footer; returns the CRC. Throws `DecodeError`. */
export function verifyFooter(bytes: Buffer): number {
  const at = bytes.length - footerBytes
  if (at < 0) throw new DecodeError('truncated', bytes.length, `${bytes.length} bytes are too few for a footer`)
  if (bytes.readUInt32BE(at) !== footerMagic)
    throw new DecodeError('truncated', at, `no footer at the end: it is cut off, or not what was written`)
  if (bytes.readUInt32BE(at + 4) !== 0)
    throw new DecodeError('bad-value', at + 4, `checksum algorithm ${bytes.readUInt32BE(at + 4)} is not known`)
  const stored = bytes.readBigUInt64BE(at + 8)
  const computed = crc32(bytes.subarray(0, at + 8))
  if (stored !== BigInt(computed))
    throw new DecodeError('bad-checksum', at + 8, `CRC-32 is ${hex(computed)}, the footer says ${hex(stored)}`)
  return computed
}

/** Verifies the whole blob, then cuts out the body, a view. Throws `DecodeError`. */
export function openEnvelope(bytes: Buffer, codecs: readonly CodecName[]): { codec: CodecName; body: Buffer } {
  verifyFooter(bytes)
  const end = bytes.length - footerBytes
  if (end < 5 || bytes.readUInt32BE(0) !== codecMagic)
    throw new DecodeError('bad-magic', 0, 'the codec header is not there')
  const length = bytes[4] ?? 0
  const bodyAt = 5 + length + 4
  // All known names are far below 128, so that the VInt is one byte.
  if (length > 0x7f || bodyAt > end) throw new DecodeError('bad-codec', 4, 'the codec name does not end')
  const name = bytes.toString('latin1', 5, 5 + length)
  const codec = codecs.find(known => known === name)
  if (codec === undefined)
    throw new DecodeError('bad-codec', 5, `codec is ${JSON.stringify(name)}, expected ${codecs.join(' or ')}`)
  const version = bytes.readInt32BE(5 + length)
  if (version !== formatVersion)
    throw new DecodeError('bad-version', 5 + length, `format version is ${version}, expected ${formatVersion}`)
  return { codec, body: bytes.subarray(bodyAt, end) }
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16).padStart(8, '0')}`
}
