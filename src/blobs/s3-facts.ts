/** What listing and HEAD of S3 say of an object besides size and time → the optional fields of `ListedBlob`. */
import type { HeadObjectCommandOutput, _Object as ListedObject } from '@aws-sdk/client-s3'
import type { ListedBlob, RestoredCopy, StoredChecksum } from '../model/blob.ts'

type Facts = Pick<ListedBlob, 'restore' | 'archiveStatus' | 'checksum' | 'kmsKeyId'>

/** Few different ones in millions of objects: each is made once. */
const listedChecksums = new Map<string, StoredChecksum>()
const maxListedChecksums = 64

export function factsOfListing(object: ListedObject): Facts {
  const restore = object.RestoreStatus
  const algorithms = object.ChecksumAlgorithm
  return {
    ...(restore === undefined
      ? {}
      : { restore: restoredCopy(restore.IsRestoreInProgress === true, restore.RestoreExpiryDate?.getTime()) }),
    ...(algorithms === undefined || algorithms.length === 0
      ? {}
      : { checksum: listedChecksum(algorithms, object.ChecksumType ?? null) }),
  }
}

function listedChecksum(algorithms: readonly string[], type: string | null): StoredChecksum {
  const name = `${algorithms.join(' ')}/${type ?? ''}`
  const known = listedChecksums.get(name)
  if (known !== undefined) return known
  const made: StoredChecksum = { algorithms: [...algorithms], type, crc32: null }
  // The words come from outside: a store that makes up new ones fills no memory.
  if (listedChecksums.size < maxListedChecksums) listedChecksums.set(name, made)
  return made
}

export function factsOfHead(answer: HeadObjectCommandOutput): Facts {
  const restore = answer.Restore === undefined ? null : parseRestore(answer.Restore)
  const checksum = headChecksum(answer)
  return {
    ...(restore === null ? {} : { restore }),
    ...(answer.ArchiveStatus === undefined ? {} : { archiveStatus: answer.ArchiveStatus }),
    ...(checksum === null ? {} : { checksum }),
    ...(answer.SSEKMSKeyId === undefined ? {} : { kmsKeyId: answer.SSEKMSKeyId }),
  }
}

/**
 * `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"` (API reference of HeadObject). Null: words that we
 * do not know, which say nothing.
 */
function parseRestore(words: string): RestoredCopy | null {
  const ongoing = /ongoing-request="(true|false)"/.exec(words)?.[1]
  if (ongoing === undefined) return null
  const expires = /expiry-date="([^"]*)"/.exec(words)?.[1]
  return restoredCopy(ongoing === 'true', expires === undefined ? undefined : Date.parse(expires))
}

function restoredCopy(inProgress: boolean, expiresMs: number | undefined): RestoredCopy {
  return { inProgress, expiresMs: expiresMs === undefined || Number.isNaN(expiresMs) ? null : expiresMs }
}

function headChecksum(answer: HeadObjectCommandOutput): StoredChecksum | null {
  const given: readonly (readonly [string, string | undefined])[] = [
    ['CRC32', answer.ChecksumCRC32],
    ['CRC32C', answer.ChecksumCRC32C],
    ['CRC64NVME', answer.ChecksumCRC64NVME],
    ['SHA1', answer.ChecksumSHA1],
    ['SHA256', answer.ChecksumSHA256],
  ]
  const algorithms = given.filter(([, value]) => value !== undefined).map(([name]) => name)
  if (algorithms.length === 0) return null
  const type = answer.ChecksumType ?? null
  return { algorithms, type, crc32: type === 'COMPOSITE' ? null : crc32Of(answer.ChecksumCRC32) }
}

/** Base64 of four bytes, big-endian; anything else, such as `…==-3` of a composite checksum, is null. */
function crc32Of(text: string | undefined): number | null {
  return text !== undefined && /^[A-Za-z0-9+/]{6}==$/.test(text) ? Buffer.from(text, 'base64').readUInt32BE() : null
}
