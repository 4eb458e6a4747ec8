/**
 * One configured S3 client: keep-alive pool, timeouts, retries, request counts, and one way to send a command that has a
 * deadline and ends when its signal aborts. Credentials come from the SDK's default chain and are never looked at.
 */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Clock } from '../time.ts'
import type { RequestCounts } from './port.ts'
import { deadlineRetry } from './s3-retry.ts'
import { slots } from './slots.ts'

export interface S3ClientOptions {
  /** @default the SDK's default chain; `us-east-1` where `endpointUrl` is given */
  readonly region?: string
  /** For stores that speak S3 and are not Amazon's. */
  readonly endpointUrl?: string
  /** @default true where `endpointUrl` is given */
  readonly pathStyle?: boolean
  /** Sockets; a body that is being read holds one, so keep it above the number of parallel reads. @default 64 */
  readonly maxConnections?: number
  /** For one attempt until its headers come, and for each chunk of a body. @default 20000 */
  readonly attemptTimeoutMs?: number
  /** For one request with its retries, and for a body without any progress. @default 120000 */
  readonly giveUpAfterMs?: number
  readonly clock: Clock
  readonly counts?: RequestCounts
}

export interface S3Connection {
  readonly client: S3Client
  readonly attemptTimeoutMs: number
  readonly giveUpAfterMs: number
  /** Sends with a deadline over all attempts; rejects with the signal's reason once it aborts. */
  send<T>(request: (options: SendOptions) => Promise<T>, options?: CallOptions): Promise<T>
  close(): void
}
export interface SendOptions {
  readonly abortSignal: AbortSignal
  readonly requestTimeout: number
}
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Bytes to upload: they lengthen the time of one attempt. @default 0 */
  readonly uploadBytes?: number
}

/** Slowest upload that is still waited for. */
const minUploadBytesPerSecond = 256 * 1024
/** A wrong address or a stopped local store is reported after this time, not after minutes. */
const neverReachedMs = 8_000

type Countable = 'list' | 'get' | 'head' | 'put' | 'delete'
const countedAs: Readonly<Record<string, Countable>> = {
  ListObjectsV2Command: 'list',
  GetObjectCommand: 'get',
  HeadObjectCommand: 'head',
  HeadBucketCommand: 'head',
  PutObjectCommand: 'put',
  DeleteObjectCommand: 'delete',
}

export function connectS3(options: S3ClientOptions): S3Connection {
  const { clock, counts, maxConnections = 64, attemptTimeoutMs = 20_000, giveUpAfterMs = 120_000 } = options
  const pool = {
    keepAlive: true,
    maxSockets: maxConnections,
    maxFreeSockets: maxConnections,
    scheduling: 'lifo',
  } as const
  const region = options.region ?? (options.endpointUrl === undefined ? undefined : 'us-east-1')
  const config: S3ClientConfig = {
    ...(region === undefined ? {} : { region }),
    ...(options.endpointUrl === undefined ? {} : { endpoint: options.endpointUrl }),
    forcePathStyle: options.pathStyle ?? options.endpointUrl !== undefined,
    retryStrategy: deadlineRetry({ clock, giveUpAfterMs, neverReachedMs }),
    // We check every byte against the checksum that Lucene recorded; twice would cost a quarter of the throughput.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestChecksumCalculation: 'WHEN_REQUIRED',
    requestHandler: new NodeHttpHandler({
      httpAgent: new HttpAgent(pool),
      httpsAgent: new HttpsAgent(pool),
      connectionTimeout: Math.min(5_000, attemptTimeoutMs),
      requestTimeout: attemptTimeoutMs,
      throwOnRequestTimeout: true,
      // Bodies are watched where they are read (s3-body.ts): a slow reader must not look like a silent store.
      socketTimeout: 0,
    }),
  }
  const client = new S3Client(config)
  if (counts !== undefined) countAttempts(client, counts)
  // The handler's clock starts before a socket is free, so nobody may wait for one there.
  const queue = slots(maxConnections)

  async function sendNow<T>(request: (options: SendOptions) => Promise<T>, call: CallOptions): Promise<T> {
    const { signal, uploadBytes = 0 } = call
    signal?.throwIfAborted()
    const requestTimeout = attemptTimeoutMs + Math.ceil((uploadBytes * 1000) / minUploadBytesPerSecond)
    const stop = new AbortController()
    const onAbort = () => stop.abort()
    signal?.addEventListener('abort', onAbort, { once: true })
    // The last resort: attempts and retries have their own limits, but a provider of credentials may hang.
    const timer = setTimeout(onAbort, giveUpAfterMs + requestTimeout + 5_000)
    try {
      return await request({ abortSignal: stop.signal, requestTimeout })
    } catch (error) {
      signal?.throwIfAborted()
      if (stop.signal.aborted) {
        throw Object.assign(new Error('the request did not end in time', { cause: error }), { name: 'TimeoutError' })
      }
      throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  return {
    client,
    attemptTimeoutMs,
    giveUpAfterMs,
    send: (request, call = {}) => queue.run(() => sendNow(request, call), call.signal),
    close: () => client.destroy(),
  }
}

/** Every attempt counts, as the store bills it. */
function countAttempts(client: S3Client, counts: RequestCounts): void {
  client.middlewareStack.add(
    (next, context) => args => {
      const kind = countedAs[context.commandName ?? '']
      if (kind !== undefined) counts[kind]++
      return next(args)
    },
    // Behind the retry middleware, which is of priority high.
    { step: 'finalizeRequest', priority: 'low', name: 'countAttempts' },
  )
}
