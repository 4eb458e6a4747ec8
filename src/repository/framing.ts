/**
 * Compression inside the envelope: told from the first bytes, blob by blob.
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/common/compress/DeflateCompressor.java @ 9.5.3;
 * opensearch-project/OpenSearch: libs/compress/src/main/java/org/opensearch/compress/ZstdCompressor.java @ 3.3.0
 */
import { inflateRawSync } from 'node:zlib'
import { type CodecName, openEnvelope } from './codec-footer.ts'
import { DecodeError } from './decode-error.ts'
import { decodeSmile, type SmileObject } from './smile.ts'
import { unzstd } from './zstd.ts'

const smileMagic = Buffer.from(':)\n', 'latin1')
const deflateMagic = Buffer.from('DFL\0', 'latin1')
const zstdMagic = Buffer.from('ZSTD\0', 'latin1')

/** Bytes that a body may inflate to, where the caller does not say. */
export const defaultMaxInflatedBytes = 1024 ** 3

/** Inflates raw deflate behind `DFL\0`; never to more than `maxBytes`. Throws `DecodeError`. */
export function inflate(framed: Buffer, maxBytes: number): Buffer {
  try {
    return inflateRawSync(framed.subarray(deflateMagic.length), { maxOutputLength: maxBytes })
  } catch (error) {
    const tooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    throw tooLarge
      ? new DecodeError('too-large', deflateMagic.length, `it inflates to more than ${maxBytes} bytes`)
      : new DecodeError('bad-framing', deflateMagic.length, 'the deflate stream is broken', { cause: error })
  }
}

export function isDeflated(bytes: Buffer): boolean {
  return bytes.subarray(0, deflateMagic.length).equals(deflateMagic)
}

export function isSmile(bytes: Buffer): boolean {
  return bytes.subarray(0, smileMagic.length).equals(smileMagic)
}

/** Envelope, framing and SMILE of one metadata blob, whose root is always an object. Throws `DecodeError`. */
export function decodeMetadataBlob(
  bytes: Buffer,
  codecs: readonly CodecName[],
  maxInflatedBytes = defaultMaxInflatedBytes,
): SmileObject {
  const { body } = openEnvelope(bytes, codecs)
  const bodyAt = body.byteOffset - bytes.byteOffset
  let plain = body
  if (isDeflated(body)) plain = inflate(body, maxInflatedBytes)
  else if (body.subarray(0, zstdMagic.length).equals(zstdMagic))
    plain = unzstd(body.subarray(zstdMagic.length), maxInflatedBytes, bodyAt + zstdMagic.length)
  else if (!isSmile(body))
    throw new DecodeError('bad-framing', bodyAt, `neither SMILE nor compressed: ${body.toString('hex', 0, 5)}`)
  const root = decodeSmile(plain)
  if (root === null || typeof root !== 'object' || Array.isArray(root) || Buffer.isBuffer(root))
    throw new DecodeError('bad-value', bodyAt, 'the root is not an object')
  return root
}
