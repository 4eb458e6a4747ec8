/** Where an S3 store lies, and how anything there is asked for: what the parts of the driver (`s3-*`) share. */
import { HeadBucketCommand } from '@aws-sdk/client-s3'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import type { Clock } from '../time.ts'
import { basePrefix, isFromRoot, keyProblem } from './keys.ts'
import type { RequestCounts } from './port.ts'
import { type CallOptions, connectS3, type S3ClientOptions, type S3Connection, type SendOptions } from './s3-client.ts'
import { type S3Verb, s3Error } from './s3-errors.ts'

export interface S3StoreOptions extends S3ClientOptions {
  readonly bucket: string
  /** Leading slashes are not part of the key; a slash at the end makes no difference. */
  readonly basePath: string
}

export interface S3Place {
  readonly bucket: string
  /** `''` or ends with a slash. */
  readonly base: string
  readonly url: string
  readonly connection: S3Connection
  readonly clock: Clock
  readonly counts: RequestCounts | undefined
  /** Does a listing ask for thawed copies? A store that answers only without the question is not asked again. */
  asksRestores: boolean
  /** Key in the bucket. */
  full(key: string): string
  /** Why nothing can be read under this key; null when something can. */
  problemOf(key: string): string | null
  /** Sends; errors are those of the driver. `key` is that of the bucket. */
  call<T>(verb: S3Verb, key: string, request: (options: SendOptions) => Promise<T>, options?: CallOptions): Promise<T>
  /** The bucket answered: it exists. */
  seen(): void
  /** @throws SnapproofError `no-such-bucket` when a 404 without a body was about the bucket */
  requireBucket(signal: AbortSignal | undefined): Promise<void>
}

export function s3Place(options: S3StoreOptions): S3Place {
  const { bucket, clock, counts } = options
  const base = basePrefix(options.basePath)
  const connection = connectS3(options)
  /** HEAD answers 404 without saying of what; once the bucket has answered it is known to exist. */
  let bucketSeen = false

  const place: S3Place = {
    bucket,
    base,
    url: `s3://${bucket}/${base}`.replace(/\/$/, ''),
    connection,
    clock,
    counts,
    asksRestores: true,
    full: key => (isFromRoot(key) ? key.slice(1) : base + key),
    problemOf: key => keyProblem(isFromRoot(key) ? key.slice(1) : key),
    seen() {
      bucketSeen = true
    },
    async call(verb, key, request, callOptions = {}) {
      try {
        const answer = await connection.send(request, callOptions)
        bucketSeen = true
        return answer
      } catch (error) {
        callOptions.signal?.throwIfAborted()
        throw s3Error(error, { verb, bucket, key })
      }
    },
    async requireBucket(signal) {
      if (bucketSeen) return
      try {
        const command = new HeadBucketCommand({ Bucket: bucket })
        await place.call('head', '', send => connection.client.send(command, send), { signal })
      } catch (error) {
        if (isSnapproofError(error, 'not-found')) {
          throw new SnapproofError('no-such-bucket', `There is no bucket "${bucket}": the store answered 404 to it`, {
            advice: 'Check the name of the bucket, the account, and the endpoint if one is given.',
          })
        }
        // Not allowed to look at the bucket: then it exists.
        if (!isSnapproofError(error, 'access-denied')) throw error
      }
      bucketSeen = true
    },
  }
  return place
}
