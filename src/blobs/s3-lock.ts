/** Object Lock of the S3 driver. */
import { GetObjectLockConfigurationCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3'
import { SnapproofError } from '../errors.ts'
import type { Retention, StoreLock } from './port.ts'
import { readFailure, type S3Failure, s3Error } from './s3-errors.ts'
import type { S3Place } from './s3-place.ts'

/** S3 takes such a write with a checksum only (API reference of PutObject, "ObjectLockMode"). */
export function lockHeaders({ mode, untilMs }: Retention): Partial<PutObjectCommandInput> {
  return {
    ObjectLockMode: mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
    ObjectLockRetainUntilDate: new Date(untilMs),
    ChecksumAlgorithm: 'SHA256',
  }
}

/** "Bucket is missing Object Lock Configuration"; stores that know no lock answer 501. */
export function isWithoutLock({ status, name, message }: S3Failure): boolean {
  return (
    status === 501 ||
    (status === 400 && name === 'InvalidRequest' && /object ?lock/i.test(message)) ||
    name === 'ObjectLockConfigurationNotFoundError'
  )
}

export function withoutLock({ url }: S3Place): SnapproofError {
  return new SnapproofError(
    'configuration',
    `the bucket of ${url} has no Object Lock, so nothing in it can be retained`,
    {
      advice: 'Take a bucket that was created with Object Lock, or take the retention out of the configuration.',
    },
  )
}

/** @throws SnapproofError those of the store, but for "there is none" and "you may not ask" */
export async function storeLock(place: S3Place, signal: AbortSignal): Promise<StoreLock> {
  const { bucket, connection, url } = place
  const command = new GetObjectLockConfigurationCommand({ Bucket: bucket })
  try {
    const { ObjectLockConfiguration: found } = await connection.send(send => connection.client.send(command, send), {
      signal,
    })
    if (found?.ObjectLockEnabled !== 'Enabled') return { kind: 'none' }
    const { Mode, Days, Years } = found.Rule?.DefaultRetention ?? {}
    return {
      kind: 'on',
      mode: Mode === 'COMPLIANCE' ? 'compliance' : Mode === 'GOVERNANCE' ? 'governance' : null,
      days: Years ? Years * 365 : (Days ?? null),
    }
  } catch (error) {
    signal.throwIfAborted()
    const failure = readFailure(error)
    if (failure.name === 'ObjectLockConfigurationNotFoundError') return { kind: 'none' }
    if (failure.status === 403 || failure.status === 400 || failure.status === 405 || failure.status === 501)
      return { kind: 'unclear', said: `${url} answered ${failure.status} ${failure.name}` }
    throw s3Error(error, { verb: 'head', bucket, key: '' })
  }
}
