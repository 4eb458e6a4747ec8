/** One page of ListObjectsV2 → listed blobs. The page comes from outside, so each field is looked at. */
import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { SnapproofError } from '../errors.ts'
import type { ListedBlob } from '../model/blob.ts'
import { printableKey } from './keys.ts'

export interface PageRequest {
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
export function listPage(
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
