/** Versions of one object of the S3 driver: listed newest first, and read. */
import { ListObjectVersionsCommand, type ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3'
import type { BlobVersion, BlobVersions } from './port.ts'
import { readFailure, s3Error } from './s3-errors.ts'
import { getObject } from './s3-get.ts'
import type { S3Place } from './s3-place.ts'

export function objectVersions(place: S3Place): BlobVersions {
  return {
    list: (key, { limit, signal }) => listVersions(place, key, limit, signal),
    get: (key, versionId, { signal } = {}) =>
      getObject(place, key, { versionId, ...(signal === undefined ? {} : { signal }) }),
  }
}

interface Marker {
  readonly KeyMarker: string
  readonly VersionIdMarker: string
}

async function listVersions(
  place: S3Place,
  key: string,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<readonly BlobVersion[] | null> {
  signal?.throwIfAborted()
  const { bucket, connection } = place
  const found: BlobVersion[] = []
  let marker: Marker | null = null as Marker | null
  for (;;) {
    // A name that begins like ours sorts behind it, so the versions of the key itself come first.
    const command = new ListObjectVersionsCommand({
      Bucket: bucket,
      Prefix: place.full(key),
      MaxKeys: Math.min(1000, limit + 10),
      ...marker,
    })
    let page: ListObjectVersionsCommandOutput
    try {
      page = await connection.send(send => connection.client.send(command, send), { signal })
    } catch (error) {
      signal?.throwIfAborted()
      const { status } = readFailure(error)
      // What does not know the question keeps no versions.
      if (status === 400 || status === 405 || status === 501) return null
      throw s3Error(error, { verb: 'list', bucket, key: place.full(key) })
    }
    place.seen()
    for (const version of page.Versions ?? []) {
      if (version.Key !== place.full(key) || version.VersionId === undefined) continue
      found.push({
        versionId: version.VersionId,
        bytes: version.Size ?? 0,
        etag: version.ETag ?? null,
        modifiedMs: version.LastModified?.getTime() ?? 0,
        current: version.IsLatest === true,
      })
      if (found.length === limit) return found
    }
    const { NextKeyMarker, NextVersionIdMarker } = page
    if (page.IsTruncated !== true || NextKeyMarker !== place.full(key)) return found
    if (NextVersionIdMarker === undefined || NextVersionIdMarker === marker?.VersionIdMarker) return found
    marker = { KeyMarker: NextKeyMarker, VersionIdMarker: NextVersionIdMarker }
  }
}
