/** What S3 knows of an object and a folder does not: storage class, thawed copy, recorded checksum, KMS key. Set by tests. */
import type { IncomingHttpHeaders } from 'node:http'
import { S3Refusal, xml } from './wire.ts'

export interface ObjectFacts {
  /** @default STANDARD */
  readonly storageClass?: string
  /** Of an archived object; `expires` as an ISO time. */
  readonly restore?: { readonly inProgress: boolean; readonly expires?: string }
  /** Archive tier of an `INTELLIGENT_TIERING` object. */
  readonly archiveStatus?: 'ARCHIVE_ACCESS' | 'DEEP_ARCHIVE_ACCESS'
  readonly checksum?: { readonly algorithm: string; readonly type: string; readonly base64: string }
  readonly kmsKeyId?: string
  /** Every GET of it is refused with 400 and this code, such as `KMS.DisabledException`; HEAD is served, as S3 does. */
  readonly getRefusal?: string
}

export function listedFacts(facts: ObjectFacts, headers: IncomingHttpHeaders): string {
  const { checksum, restore } = facts
  const wanted = String(headers['x-amz-optional-object-attributes'] ?? '').includes('RestoreStatus')
  const expiry = restore?.expires === undefined ? '' : xml`<RestoreExpiryDate>${restore.expires}</RestoreExpiryDate>`
  return [
    xml`<StorageClass>${facts.storageClass ?? 'STANDARD'}</StorageClass>`,
    checksum === undefined
      ? ''
      : xml`<ChecksumAlgorithm>${checksum.algorithm}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`,
    restore === undefined || !wanted
      ? ''
      : `<RestoreStatus>${xml`<IsRestoreInProgress>${restore.inProgress}</IsRestoreInProgress>`}${expiry}</RestoreStatus>`,
  ].join('')
}

export function factHeaders(facts: ObjectFacts, asked: IncomingHttpHeaders): Record<string, string> {
  const { storageClass, restore, archiveStatus, checksum, kmsKeyId } = facts
  const expiry = restore?.expires === undefined ? '' : `, expiry-date="${new Date(restore.expires).toUTCString()}"`
  return {
    ...(storageClass === undefined ? {} : { 'x-amz-storage-class': storageClass }),
    ...(restore === undefined ? {} : { 'x-amz-restore': `ongoing-request="${restore.inProgress}"${expiry}` }),
    ...(archiveStatus === undefined ? {} : { 'x-amz-archive-status': archiveStatus }),
    ...(kmsKeyId === undefined
      ? {}
      : { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': kmsKeyId }),
    ...(checksum === undefined || asked['x-amz-checksum-mode'] !== 'ENABLED'
      ? {}
      : {
          [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.base64,
          'x-amz-checksum-type': checksum.type,
        }),
  }
}

/** GET of an archived object, or of one whose key is not there. */
export function requireReadable({ storageClass, restore, archiveStatus, getRefusal }: ObjectFacts): void {
  if (getRefusal !== undefined) throw new S3Refusal(400, getRefusal, `${getRefusal} was set by the test`)
  const frozen = storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE'
  const thawed = restore?.inProgress === false
  if (archiveStatus !== undefined || (frozen && !thawed)) {
    throw new S3Refusal(403, 'InvalidObjectState', "The operation is not valid for the object's storage class")
  }
}
