/** From a URL on the command line or in the configuration to a store. */
import { fileURLToPath } from 'node:url'
import { SnapproofError } from '../errors.ts'
import { openDirectoryStore } from './directory.ts'
import { printableKey } from './keys.ts'
import { openS3Store } from './s3.ts'
import type { S3ClientOptions } from './s3-client.ts'
import type { Store } from './write-probe.ts'

export type StoreUrl =
  | { readonly kind: 's3'; readonly bucket: string; readonly basePath: string }
  | { readonly kind: 'directory'; readonly folder: string }

const allowedForms = 'Allowed are s3://bucket, s3://bucket/base/path and file:///absolute/path.'

/**
 * The base path is taken as it is written: S3 keys may hold `%`, `?`, `#` and spaces. `file:` URLs are percent-decoded.
 *
 * @throws SnapproofError `usage` with the value got and the forms allowed
 */
export function parseStoreUrl(url: string): StoreUrl {
  const s3 = /^s3:\/\/([^/]*)(?:\/(.*))?$/s.exec(url)
  if (s3 !== null) {
    const [, bucket = '', basePath = ''] = s3
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/.test(bucket)) throw badUrl(url, 'it names no valid bucket')
    if (/[\p{Cc}\p{Surrogate}]/u.test(basePath))
      throw badUrl(url, 'the base path holds a character that cannot be in a key')
    return { kind: 's3', bucket, basePath }
  }
  if (/^file:/i.test(url)) {
    if (!url.startsWith('file:///')) throw badUrl(url, 'the path is not absolute')
    try {
      return { kind: 'directory', folder: fileURLToPath(url) }
    } catch (error) {
      throw badUrl(url, 'it is no valid file URL', error)
    }
  }
  throw badUrl(url, url.startsWith('/') ? `write file://${printableKey(url)}` : 'it is no URL of a store')
}

/** Options for S3 do not matter to a directory. */
export type OpenStoreOptions = S3ClientOptions

/**
 * Connects to nothing yet; whether the bucket or folder exists is seen by the first call.
 *
 * @throws SnapproofError `usage`
 */
export function openStore(url: string, options: OpenStoreOptions): Store {
  const parsed = parseStoreUrl(url)
  if (parsed.kind === 's3') return openS3Store({ ...options, bucket: parsed.bucket, basePath: parsed.basePath })
  const { clock, counts } = options
  return openDirectoryStore({ folder: parsed.folder, clock, ...(counts === undefined ? {} : { counts }) })
}

function badUrl(url: string, why: string, cause?: unknown): SnapproofError {
  // What stands before an @ may be a password.
  const shown = printableKey(url.replace(/^([a-z0-9+.-]*:\/\/)[^/]*@/i, '$1…@'))
  return new SnapproofError('usage', `"${shown}" is not a store: ${why}`, { advice: allowedForms, cause })
}
