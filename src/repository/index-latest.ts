/**
 * `index.latest`: the generation as eight bytes. A pointer for read-only URL repositories, written after `index-N`, best
 * effort; absent where the setting `support_url_repo` is off.
 * Source: elastic/elasticsearch: …/repositories/blobstore/BlobStoreRepository.java#readSnapshotIndexLatestBlob @ 9.5.3
 */
import { DecodeError } from './decode-error.ts'

export function decodeIndexLatest(bytes: Buffer): number {
  if (bytes.length !== 8)
    throw new DecodeError(
      bytes.length < 8 ? 'truncated' : 'trailing-bytes',
      bytes.length,
      `${bytes.length} bytes, not 8`,
    )
  const generation = bytes.readBigInt64BE()
  if (generation < 0n || generation > BigInt(Number.MAX_SAFE_INTEGER))
    throw new DecodeError('bad-value', 0, `generation ${generation} is no generation`)
  return Number(generation)
}
