/** PUT and DELETE of the S3 driver. */
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { isSnapproofError } from '../errors.ts'
import { keyProblem } from './keys.ts'
import type { ConditionalWrite, Retention } from './port.ts'
import { collect, requireWritableKey } from './requests.ts'
import { describe, isLostRace, isMissingKey, readFailure, type S3Operation, s3Error } from './s3-errors.ts'
import { getObject } from './s3-get.ts'
import { isWithoutLock, lockHeaders, withoutLock } from './s3-lock.ts'
import type { S3Place } from './s3-place.ts'
import type { WriteAnswer } from './write-probe.ts'

export async function putObject(
  place: S3Place,
  key: string,
  bytes: Buffer,
  condition: { readonly IfNoneMatch?: '*'; readonly IfMatch?: string },
  {
    signal,
    contentType,
    retention,
    checksum = false,
  }: {
    readonly signal?: AbortSignal
    readonly contentType?: string
    readonly retention?: Retention
    readonly checksum?: boolean
  },
): Promise<ConditionalWrite> {
  signal?.throwIfAborted()
  requireWritableKey(key, keyProblem(key), place.url)
  const conditional = condition.IfNoneMatch !== undefined || condition.IfMatch !== undefined
  try {
    const answer = await place.connection.send(
      send =>
        place.connection.client.send(
          new PutObjectCommand({
            Bucket: place.bucket,
            Key: place.base + key,
            Body: bytes,
            ...(contentType === undefined ? {} : { ContentType: contentType }),
            ...condition,
            ...(checksum ? { ChecksumAlgorithm: 'SHA256' } : {}),
            ...(retention === undefined ? {} : lockHeaders(retention)),
          }),
          send,
        ),
      { signal, uploadBytes: bytes.length },
    )
    place.seen()
    return { written: true, etag: answer.ETag ?? null }
  } catch (error) {
    signal?.throwIfAborted()
    const failure = readFailure(error)
    if (conditional && isLostRace(failure, condition.IfMatch !== undefined)) {
      // Was it we who wrote, in an earlier attempt whose answer was lost? Then our bytes are there.
      return failure.attempts > 1 ? await settle(place, key, bytes, signal) : { written: false }
    }
    if (retention !== undefined && isWithoutLock(failure)) throw withoutLock(place)
    throw s3Error(error, { verb: 'put', bucket: place.bucket, key: place.base + key })
  }
}

async function settle(
  place: S3Place,
  key: string,
  bytes: Buffer,
  signal: AbortSignal | undefined,
): Promise<ConditionalWrite> {
  try {
    const what = describe({ verb: 'get', bucket: place.bucket, key: place.base + key })
    const found = await collect(await getObject(place, key, signal === undefined ? {} : { signal }), bytes.length, what)
    return found.bytes.equals(bytes) ? { written: true, etag: found.etag } : { written: false }
  } catch (error) {
    if (isSnapproofError(error, 'not-found', 'too-large', 'changed')) return { written: false }
    throw error
  }
}

export async function deleteObject(place: S3Place, key: string, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  requireWritableKey(key, keyProblem(key), place.url)
  const { bucket, base, connection } = place
  const command = new DeleteObjectCommand({ Bucket: bucket, Key: base + key })
  try {
    await place.call('delete', base + key, send => connection.client.send(command, send), { signal })
  } catch (error) {
    if (!isSnapproofError(error, 'not-found')) throw error
  }
}

/** A write whose condition cannot hold: see write-probe.ts. */
export async function tryWrite(place: S3Place, key: string, signal: AbortSignal | undefined): Promise<WriteAnswer> {
  signal?.throwIfAborted()
  try {
    await place.connection.send(
      send =>
        place.connection.client.send(
          new PutObjectCommand({
            Bucket: place.bucket,
            Key: place.base + key,
            Body: Buffer.alloc(0),
            IfMatch: '"00000000000000000000000000000000"',
          }),
          send,
        ),
      { signal },
    )
  } catch (error) {
    signal?.throwIfAborted()
    return judgeRefusal(error, { verb: 'put', bucket: place.bucket, key: place.base + key })
  }
  const removed = await deleteObject(place, key).then(
    () => true,
    () => false,
  )
  return { kind: 'written', said: 'it answered 200 to a condition that cannot hold', removed }
}

/** Only AccessDenied says something about permissions; other 403s are about credentials or clocks. */
function judgeRefusal(error: unknown, operation: S3Operation): WriteAnswer {
  const failure = readFailure(error)
  const said = `the store answered ${failure.status ?? 'nothing'} ${failure.name}`
  if (failure.status === 403 && failure.name === 'AccessDenied') return { kind: 'refused', said }
  if (failure.status === 412 || isMissingKey(failure, 'put')) return { kind: 'allowed', said }
  return { kind: 'unclear', said: s3Error(error, operation).message }
}
