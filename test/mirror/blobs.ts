/** Bytes of repository blobs for the mirror's tests. */
import { crc32 } from 'node:zlib'

/** A body with the footer that Lucene's codecs write. */
export function framed(body: Buffer): Buffer {
  const before = Buffer.concat([body, Buffer.from('c02893e800000000', 'hex')])
  const checksum = Buffer.alloc(8)
  checksum.writeBigUInt64BE(BigInt(crc32(before)))
  return Buffer.concat([before, checksum])
}

/** As `bytes`, with one bit of the byte at `offset` flipped. */
export function flipped(bytes: Buffer, offset: number): Buffer {
  const damaged = Buffer.from(bytes)
  damaged[offset] = (damaged[offset] ?? 0) ^ 4
  return damaged
}
