/** GET of the S3 driver: a range of an object, resumed when the connection dies. */
import { Readable } from 'node:stream'
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import { printableKey } from './keys.ts'
import type { BlobBody, GetOptions } from './port.ts'
import { countRead, requireRange } from './requests.ts'
import { resumableBody } from './s3-body.ts'
import { describe, readFailure, type S3Operation, s3Error } from './s3-errors.ts'
import { byteCount, headObject } from './s3-head.ts'
import type { S3Place } from './s3-place.ts'

interface OpenBody {
  readonly stream: Readable
  readonly bytes: number
  readonly etag: string | null
  readonly modifiedMs: number | null
  /** Undefined: STANDARD. */
  readonly storageClass: string | undefined
}

/** `versionId`: that version of the object instead of the current one. */
type S3GetOptions = GetOptions & { readonly versionId?: string }

export async function getObject(place: S3Place, key: string, options: S3GetOptions = {}): Promise<BlobBody> {
  const { signal, ifMatch, versionId } = options
  signal?.throwIfAborted()
  const { start, length } = requireRange(options)
  const problem = place.problemOf(key)
  const operation: S3Operation = { verb: 'get', bucket: place.bucket, key: place.full(key) }
  if (problem !== null)
    throw new SnapproofError('not-found', `${describe(operation)} failed: no object can have this key, ${problem}`)
  if (length === 0) return await nothing(place, key, options)
  const opened = await open(place, key, start, length === null ? null : start + length - 1, ifMatch, signal, versionId)
  if (opened === null) return await nothing(place, key, options)
  const { stream, bytes, etag, modifiedMs, storageClass } = opened
  if (length !== null && bytes > length) {
    stream.destroy()
    throw new SnapproofError(
      'unavailable',
      `${describe(operation)} failed: the store promised ${bytes} bytes where ${length} were asked for`,
    )
  }
  const end = start + bytes - 1
  const reopen =
    etag === null
      ? null
      : async (offset: number): Promise<Readable> => {
          const rest = await reopenSame(() => open(place, key, start + offset, end, etag, signal, versionId), operation)
          if (rest.bytes === bytes - offset && rest.etag === etag) return rest.stream
          rest.stream.destroy()
          throw changed(operation)
        }
  const onAbort = () => stream.destroy()
  signal?.addEventListener('abort', onAbort, { once: true })
  stream.once('close', () => signal?.removeEventListener('abort', onAbort))
  const body = resumableBody({
    first: stream,
    bytes,
    what: describe(operation),
    reopen,
    chunkTimeoutMs: place.connection.attemptTimeoutMs,
    giveUpAfterMs: place.connection.giveUpAfterMs,
    clock: place.clock,
    signal,
    onBytes: count => {
      if (place.counts !== undefined) place.counts.bytesRead += count
      countRead(place.counts, storageClass, { requests: 0, bytes: count })
    },
  })
  return { bytes, etag, modifiedMs, body }
}

/** One GET; `last` is the last byte wanted, null for the end. Null: nothing lies at or behind `first`. */
async function open(
  place: S3Place,
  key: string,
  first: number,
  last: number | null,
  ifMatch: string | undefined,
  signal: AbortSignal | undefined,
  versionId?: string,
): Promise<OpenBody | null> {
  const operation: S3Operation = { verb: 'get', bucket: place.bucket, key: place.full(key) }
  const ranged = first > 0 || last !== null
  let answer: GetObjectCommandOutput
  try {
    answer = await place.connection.send(
      send =>
        place.connection.client.send(
          new GetObjectCommand({
            Bucket: place.bucket,
            Key: place.full(key),
            ...(ranged ? { Range: `bytes=${first}-${last ?? ''}` } : {}),
            ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
            ...(versionId === undefined ? {} : { VersionId: versionId }),
          }),
          send,
        ),
      { signal },
    )
  } catch (error) {
    signal?.throwIfAborted()
    if (readFailure(error).status === 416) return null
    throw s3Error(error, operation)
  }
  place.seen()
  countRead(place.counts, answer.StorageClass, { requests: 1, bytes: 0 })
  const stream = answer.Body
  if (!(stream instanceof Readable)) throw new SnapproofError('internal', `${describe(operation)} gave no stream`)
  // Until it is read, a dying body must not take the process down.
  stream.on('error', () => {})
  try {
    const bytes = byteCount(answer.ContentLength, operation)
    if (ranged) requireContentRange(answer.ContentRange, first, bytes, operation)
    return {
      stream,
      bytes,
      etag: answer.ETag ?? null,
      modifiedMs: answer.LastModified?.getTime() ?? null,
      storageClass: answer.StorageClass,
    }
  } catch (error) {
    stream.destroy()
    throw error
  }
}

/** A range of no bytes: S3 has no words for it, but the object must exist and be the one that was meant. */
async function nothing(place: S3Place, key: string, { ifMatch, signal }: GetOptions): Promise<BlobBody> {
  const operation: S3Operation = { verb: 'get', bucket: place.bucket, key: place.full(key) }
  const blob = await headObject(place, key, signal === undefined ? {} : { signal })
  if (blob === null) throw new SnapproofError('not-found', `${describe(operation)} failed: there is no such object`)
  if (ifMatch !== undefined && blob.etag !== ifMatch) throw changed(operation)
  return { bytes: 0, etag: blob.etag, modifiedMs: blob.modifiedMs, body: noBytes() }
}

async function reopenSame(open: () => Promise<OpenBody | null>, operation: S3Operation): Promise<OpenBody> {
  try {
    const rest = await open()
    if (rest !== null) return rest
  } catch (error) {
    // It was there a moment ago: whoever asks again will see whether it is gone or replaced.
    if (!isSnapproofError(error, 'changed', 'not-found')) throw error
  }
  throw changed(operation)
}

function changed(operation: S3Operation): SnapproofError {
  return new SnapproofError('changed', `${describe(operation)} failed: the object changed meanwhile`, {
    advice: 'Somebody wrote or deleted it; read it again.',
  })
}

/** Some stores ignore Range or answer with another one; such bytes must not be taken for those asked for. */
function requireContentRange(
  contentRange: string | undefined,
  first: number,
  bytes: number,
  operation: S3Operation,
): void {
  const match = /^bytes (\d+)-(\d+)\//.exec(contentRange ?? '')
  if (match !== null && Number(match[1]) === first && Number(match[2]) === first + bytes - 1) return
  throw new SnapproofError(
    'unavailable',
    `${describe(operation)} failed: byte ${first} on was asked for and the store answered "${printableKey(contentRange ?? 'no range')}" with ${bytes} bytes`,
  )
}

async function* noBytes(): AsyncGenerator<Buffer> {}
