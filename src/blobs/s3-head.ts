/** HEAD of the S3 driver. */
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import type { ListedBlob } from '../model/blob.ts'
import type { HeadOptions } from './port.ts'
import { countRead } from './requests.ts'
import { describe, type S3Operation } from './s3-errors.ts'
import { factsOfHead } from './s3-facts.ts'
import type { S3Place } from './s3-place.ts'

export async function headObject(
  place: S3Place,
  key: string,
  { signal, checksum = false }: HeadOptions = {},
): Promise<ListedBlob | null> {
  signal?.throwIfAborted()
  if (place.problemOf(key) !== null) return null
  const { bucket, connection } = place
  const command = new HeadObjectCommand({
    Bucket: bucket,
    Key: place.full(key),
    ...(checksum ? { ChecksumMode: 'ENABLED' as const } : {}),
  })
  try {
    const answer = await place.call('head', place.full(key), send => connection.client.send(command, send), { signal })
    countRead(place.counts, answer.StorageClass, { requests: 1, bytes: 0 })
    return {
      key,
      bytes: byteCount(answer.ContentLength, { verb: 'head', bucket, key: place.full(key) }),
      etag: answer.ETag ?? null,
      storageClass: answer.StorageClass ?? 'STANDARD',
      modifiedMs: answer.LastModified?.getTime() ?? 0,
      ...factsOfHead(answer),
    }
  } catch (error) {
    if (!isSnapproofError(error, 'not-found')) throw error
    await place.requireBucket(signal)
    return null
  }
}

/** @throws SnapproofError `unavailable` when it is no count of bytes */
export function byteCount(length: number | undefined, operation: S3Operation): number {
  if (length !== undefined && Number.isSafeInteger(length) && length >= 0) return length
  throw new SnapproofError('unavailable', `${describe(operation)} failed: the store did not say how long the object is`)
}
