/** LIST of the S3 driver. A page comes from outside, so each field is looked at. */
import {
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
} from '@aws-sdk/client-s3'
import { SnapproofError } from '../errors.ts'
import type { ListedBlob } from '../model/blob.ts'
import { compareKeys, isFromRoot, printableKey } from './keys.ts'
import type { ListOptions } from './port.ts'
import { readFailure, s3Error } from './s3-errors.ts'
import { factsOfListing } from './s3-facts.ts'
import type { S3Place } from './s3-place.ts'

export async function* listObjects(
  place: S3Place,
  prefix: string,
  { startAfter, depth = 'all', signal }: ListOptions = {},
): AsyncGenerator<ListedBlob> {
  const { bucket, base, url, full } = place
  const fromRoot = isFromRoot(prefix)
  if (startAfter !== undefined && startAfter !== '' && isFromRoot(startAfter) !== fromRoot) {
    throw new SnapproofError(
      'internal',
      `"${printableKey(startAfter)}" is not of the form of "${printableKey(prefix)}"`,
    )
  }
  const after = startAfter === '' ? undefined : startAfter
  const relative = (key: string) => (fromRoot ? `/${key}` : key.slice(base.length))
  let token: string | undefined
  let last = startAfter ?? ''
  do {
    const page = await askPage(
      place,
      {
        Bucket: bucket,
        Prefix: full(prefix),
        EncodingType: 'url',
        ...(depth === 'root' ? { Delimiter: '/' } : {}),
        ...(after !== undefined && token === undefined ? { StartAfter: full(after) } : {}),
        ...(token === undefined ? {} : { ContinuationToken: token }),
      },
      signal,
    )
    const { blobs, nextToken } = listPage(page, { bucket, prefix: full(prefix), token })
    for (const listed of blobs) {
      const blob = { ...listed, key: relative(listed.key) }
      // A marker for the base path itself is no blob of the repository, and an empty segment behind it must not pass for
      // a key that counts from the root.
      if (blob.key === '' || isFromRoot(blob.key) !== fromRoot) continue
      if (compareKeys(blob.key, last) <= 0) {
        throw new SnapproofError(
          'unavailable',
          `Listing ${url} failed: the store listed "${printableKey(blob.key)}" after "${printableKey(last)}", which is out of order`,
          { advice: 'Use a general purpose bucket; directory buckets and some S3-compatible stores do not sort.' },
        )
      }
      last = blob.key
      yield blob
      signal?.throwIfAborted()
    }
    token = nextToken
  } while (token !== undefined)
}

/** Asks for thawed copies too, unless this store has refused a listing for that. */
async function askPage(
  place: S3Place,
  input: ListObjectsV2CommandInput,
  signal: AbortSignal | undefined,
): Promise<ListObjectsV2CommandOutput> {
  const { connection, bucket } = place
  const key = input.Prefix ?? ''
  if (place.asksRestores) {
    const command = new ListObjectsV2Command({ ...input, OptionalObjectAttributes: ['RestoreStatus'] })
    try {
      const page = await connection.send(send => connection.client.send(command, send), { signal })
      place.seen()
      return page
    } catch (error) {
      signal?.throwIfAborted()
      const { status } = readFailure(error)
      if (status !== 400 && status !== 501) throw s3Error(error, { verb: 'list', bucket, key })
    }
  }
  const command = new ListObjectsV2Command(input)
  const page = await place.call('list', key, send => connection.client.send(command, send), { signal })
  // Without the question it works, so it was the question.
  place.asksRestores = false
  return page
}

interface PageRequest {
  readonly bucket: string
  /** Of full keys. */
  readonly prefix: string
  /** The token this page was asked with. */
  readonly token: string | undefined
}

/**
 * Blobs with full keys, and the token of the next page if there is one.
 *
 * @throws SnapproofError `unavailable` when the page is not an answer to the request
 */
function listPage(
  page: ListObjectsV2CommandOutput,
  request: PageRequest,
): { readonly blobs: ListedBlob[]; readonly nextToken: string | undefined } {
  const encoded = page.EncodingType === 'url'
  const blobs = (page.Contents ?? []).map(object => {
    const fullKey = encoded ? decodeKey(object.Key ?? '') : (object.Key ?? '')
    if (!fullKey.startsWith(request.prefix)) throw badPage(request, `it listed "${printableKey(fullKey)}"`)
    if (object.Size === undefined || !Number.isSafeInteger(object.Size) || object.Size < 0) {
      throw badPage(request, `it gave no size for "${printableKey(fullKey)}"`)
    }
    return {
      key: fullKey,
      bytes: object.Size,
      etag: object.ETag ?? null,
      storageClass: object.StorageClass ?? 'STANDARD',
      modifiedMs: object.LastModified?.getTime() ?? 0,
      ...factsOfListing(object),
    }
  })
  if (page.IsTruncated !== true) return { blobs, nextToken: undefined }
  const nextToken = page.NextContinuationToken
  if (nextToken === undefined || nextToken === request.token)
    throw badPage(request, 'it promised more and did not say where')
  return { blobs, nextToken }
}

/** `encoding-type=url`: percent escapes, and `+` for a space (so a real plus comes as %2B). */
function decodeKey(key: string): string {
  if (!key.includes('%') && !key.includes('+')) return key
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    // Not an encoded key after all; it will be refused or found to be unknown by whoever compares it.
    return key
  }
}

function badPage({ bucket, prefix }: PageRequest, what: string): SnapproofError {
  return new SnapproofError(
    'unavailable',
    `Listing s3://${bucket}/${printableKey(prefix)} failed: the answer of the store makes no sense, ${what}`,
  )
}
