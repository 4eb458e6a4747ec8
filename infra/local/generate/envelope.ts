/** Metadata blobs as servers write them, from values; also rewritten ones, CRC-good with wrong contents, for tests. */
import { crc32, deflateRawSync } from 'node:zlib'
import { decodeMetadataBlob } from '../../../src/repository/framing.ts'
import type { SmileObject } from '../../../src/repository/smile.ts'
import { encodeSmile } from './smile.ts'

const codecs = ['snapshot', 'snapshots', 'metadata', 'project-metadata', 'index-metadata'] as const

export function seal(withoutCrc: Buffer): Buffer {
  const tail = Buffer.alloc(8)
  tail.writeUInt32BE(crc32(withoutCrc), 4)
  return Buffer.concat([withoutCrc, tail])
}

/** With a footer that fits, whatever stood there. */
export function reseal(bytes: Buffer): Buffer {
  return seal(bytes.subarray(0, bytes.length - 8))
}

export function envelope(codec: string, body: Buffer): Buffer {
  const name = Buffer.from(codec, 'latin1')
  return seal(
    Buffer.concat([
      Buffer.from([0x3f, 0xd7, 0x6c, 0x17, name.length]),
      name,
      Buffer.from([0, 0, 0, 1]),
      body,
      Buffer.from([0xc0, 0x28, 0x93, 0xe8, 0, 0, 0, 0]),
    ]),
  )
}

export function deflated(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from('DFL\0', 'latin1'), deflateRawSync(body)])
}

/** Decodes a blob, lets `change` work on its root, and writes it again with a good CRC. */
export function rewrite(bytes: Buffer, change: (root: SmileObject) => void): Buffer {
  // Binary values are views: `change` must not reach the original.
  const root = decodeMetadataBlob(Buffer.from(bytes), codecs)
  change(root)
  return envelope(codecOf(bytes), deflated(encodeSmile(root)))
}

export function codecOf(bytes: Buffer): string {
  return bytes.toString('latin1', 5, 5 + (bytes[4] ?? 0))
}
