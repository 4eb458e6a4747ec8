/** GET, HEAD, PUT and DELETE of one object, with ranges and conditions. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { isSnapproofError } from '../../../src/errors.ts'
import type { ListedBlob } from '../../../src/model/blob.ts'
import { factHeaders, requireReadable } from './facts.ts'
import { type Fault, sendBody } from './faults.ts'
import type { S3Request } from './server.ts'
import { S3Refusal } from './wire.ts'

const noSuchKey = () => new S3Refusal(404, 'NoSuchKey', 'The specified key does not exist.')
const preconditionFailed = () =>
  new S3Refusal(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')

export async function headObject(request: S3Request, response: ServerResponse): Promise<void> {
  const blob = await existing(request)
  const facts = factHeaders(request.factsOf(request.key), request.headers)
  response.writeHead(200, { ...objectHeaders(blob), ...facts, 'content-length': blob.bytes }).end()
}

export async function getObject(
  request: S3Request,
  response: ServerResponse,
  fault: Fault | undefined,
  sent: (bytes: number) => void,
): Promise<void> {
  const facts = request.factsOf(request.key)
  requireReadable(facts)
  const { blob, range, first, bytes, body } = await openObject(request)
  response.writeHead(range === null ? 200 : 206, {
    ...objectHeaders(blob),
    ...factHeaders(facts, request.headers),
    'content-length': bytes,
    ...(range === null ? {} : { 'content-range': `bytes ${first}-${first + bytes - 1}/${blob.bytes}` }),
  })
  await sendBody(body, response, fault, sent)
}

/** Object and bytes of the same version, however often somebody replaces it. */
async function openObject(request: S3Request) {
  const { key, store, signal, headers } = request
  for (let tries = 0; ; tries++) {
    const blob = await existing(request)
    const range = rangeOf(headers.range, blob.bytes)
    const { first, bytes } = range ?? { first: 0, bytes: blob.bytes }
    const ifMatch = blob.etag === null ? {} : { ifMatch: blob.etag }
    try {
      const { body } = await store.get(key, { start: first, length: bytes, signal, ...ifMatch })
      return { blob, range, first, bytes, body }
    } catch (error) {
      if (tries === 20 || !isSnapproofError(error, 'changed', 'not-found')) throw error
    }
  }
}

export async function putObject(
  { key, store, headers }: S3Request,
  bytes: Buffer,
  response: ServerResponse,
): Promise<void> {
  const match = headers['if-match']
  const noneMatch = headers['if-none-match']
  if (noneMatch !== undefined && noneMatch !== '*')
    throw new S3Refusal(501, 'NotImplemented', 'If-None-Match takes * only')
  let etag: string | null
  try {
    if (match !== undefined) {
      const answer = await store.putIfMatch(key, bytes, match)
      if (!answer.written) throw (await store.head(key)) === null ? noSuchKey() : preconditionFailed()
      etag = answer.etag
    } else if (noneMatch !== undefined) {
      const answer = await store.putIfAbsent(key, bytes)
      if (!answer.written) throw preconditionFailed()
      etag = answer.etag
    } else {
      await store.put(key, bytes)
      etag = (await store.head(key))?.etag ?? null
    }
  } catch (error) {
    if (isSnapproofError(error, 'internal')) throw new S3Refusal(400, 'InvalidArgument', error.message)
    if (isSnapproofError(error, 'unavailable')) throw new S3Refusal(409, 'InvalidRequest', error.message)
    throw error
  }
  response.writeHead(200, etag === null ? {} : { etag }).end()
}

/** Not atomic between condition and removal. */
export async function deleteObject({ key, store, headers }: S3Request, response: ServerResponse): Promise<void> {
  const match = headers['if-match']
  if (match !== undefined) {
    const blob = await store.head(key)
    if (blob !== null && match !== '*' && blob.etag !== match) throw preconditionFailed()
    if (blob === null) throw noSuchKey()
  }
  try {
    await store.delete(key)
  } catch (error) {
    if (!isSnapproofError(error, 'internal')) throw error
  }
  response.writeHead(204).end()
}

/** The object, if the conditions of the request allow to show it. */
async function existing({ key, store, headers }: S3Request): Promise<ListedBlob> {
  const blob = await store.head(key)
  if (blob === null) throw noSuchKey()
  const match = headers['if-match']
  if (match !== undefined && match !== '*' && match !== blob.etag) throw preconditionFailed()
  const noneMatch = headers['if-none-match']
  if (noneMatch !== undefined && (noneMatch === '*' || noneMatch === blob.etag)) {
    throw new S3Refusal(304, 'NotModified', '', objectHeaders(blob))
  }
  return blob
}

function objectHeaders({ etag, modifiedMs }: ListedBlob): Record<string, string> {
  return {
    ...(etag === null ? {} : { etag }),
    'last-modified': new Date(modifiedMs).toUTCString(),
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'x-amz-request-id': 'local',
  }
}

/** Null: the whole object. A range that is no range is ignored, as S3 does. */
function rangeOf(range: IncomingHttpHeaders['range'], bytes: number): { first: number; bytes: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return null
  const suffix = match[1] === ''
  const first = suffix ? Math.max(0, bytes - Number(match[2])) : Number(match[1])
  const last = suffix || match[2] === '' ? bytes - 1 : Math.min(Number(match[2]), bytes - 1)
  if (!suffix && match[2] !== '' && Number(match[2]) < first) return null
  if (first > last) {
    throw new S3Refusal(416, 'InvalidRange', 'The requested range is not satisfiable', {
      'content-range': `bytes */${bytes}`,
    })
  }
  return { first, bytes: last - first + 1 }
}
