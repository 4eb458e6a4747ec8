/** The S3 driver. Contract: port.ts; the only user of the S3 SDK, with its `s3-*` neighbours. */
import { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import type { ListedBlob } from '../model/blob.ts'
import { basePrefix, compareKeys, isFromRoot, keyProblem, printableKey } from './keys.ts'
import type { BlobBody, ConditionalWrite, GetOptions, ListOptions } from './port.ts'
import { collect, requireRange, requireWritableKey } from './requests.ts'
import { resumableBody } from './s3-body.ts'
import { type CallOptions, connectS3, type S3ClientOptions, type SendOptions } from './s3-client.ts'
import { describe, isLostRace, isMissingKey, readFailure, type S3Operation, type S3Verb, s3Error } from './s3-errors.ts'
import { listPage } from './s3-list.ts'
import type { Store, WriteAnswer } from './write-probe.ts'

export interface S3StoreOptions extends S3ClientOptions {
  readonly bucket: string
  /** Leading slashes are not part of the key; a slash at the end makes no difference. */
  readonly basePath: string
}

interface OpenBody {
  readonly stream: Readable
  readonly bytes: number
  readonly etag: string | null
  readonly modifiedMs: number | null
}

/** Opens nothing yet: the first call connects. */
export function openS3Store(options: S3StoreOptions): Store {
  const { bucket, clock, counts } = options
  const base = basePrefix(options.basePath)
  const url = `s3://${bucket}/${base}`.replace(/\/$/, '')
  const connection = connectS3(options)
  const { client } = connection
  /** HEAD answers 404 without saying of what; once the bucket has answered it is known to exist. */
  let bucketSeen = false
  /** Key in the bucket. */
  const full = (key: string) => (isFromRoot(key) ? key.slice(1) : base + key)
  /** Why nothing can be read under this key; null when something can. */
  const problemOf = (key: string) => keyProblem(isFromRoot(key) ? key.slice(1) : key)

  async function call<T>(
    verb: S3Verb,
    key: string,
    request: (options: SendOptions) => Promise<T>,
    callOptions: CallOptions = {},
  ): Promise<T> {
    try {
      const answer = await connection.send(request, callOptions)
      bucketSeen = true
      return answer
    } catch (error) {
      callOptions.signal?.throwIfAborted()
      throw s3Error(error, { verb, bucket, key })
    }
  }

  async function* list(
    prefix: string,
    { startAfter, depth = 'all', signal }: ListOptions = {},
  ): AsyncGenerator<ListedBlob> {
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
      const page = await call(
        'list',
        full(prefix),
        send =>
          client.send(
            new ListObjectsV2Command({
              Bucket: bucket,
              Prefix: full(prefix),
              EncodingType: 'url',
              ...(depth === 'root' ? { Delimiter: '/' } : {}),
              ...(after !== undefined && token === undefined ? { StartAfter: full(after) } : {}),
              ...(token === undefined ? {} : { ContinuationToken: token }),
            }),
            send,
          ),
        { signal },
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

  async function head(key: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<ListedBlob | null> {
    signal?.throwIfAborted()
    if (problemOf(key) !== null) return null
    try {
      const answer = await call(
        'head',
        full(key),
        send => client.send(new HeadObjectCommand({ Bucket: bucket, Key: full(key) }), send),
        { signal },
      )
      return {
        key,
        bytes: byteCount(answer.ContentLength, { verb: 'head', bucket, key: full(key) }),
        etag: answer.ETag ?? null,
        storageClass: answer.StorageClass ?? 'STANDARD',
        modifiedMs: answer.LastModified?.getTime() ?? 0,
      }
    } catch (error) {
      if (!isSnapproofError(error, 'not-found')) throw error
      await requireBucket(signal)
      return null
    }
  }

  /** @throws SnapproofError `no-such-bucket` when a 404 without a body was about the bucket */
  async function requireBucket(signal: AbortSignal | undefined): Promise<void> {
    if (bucketSeen) return
    try {
      await call('head', '', send => client.send(new HeadBucketCommand({ Bucket: bucket }), send), { signal })
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
  }

  /** One GET; `last` is the last byte wanted, null for the end. Null: nothing lies at or behind `first`. */
  async function open(
    key: string,
    first: number,
    last: number | null,
    ifMatch: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<OpenBody | null> {
    const operation: S3Operation = { verb: 'get', bucket, key: full(key) }
    const ranged = first > 0 || last !== null
    let answer: GetObjectCommandOutput
    try {
      answer = await connection.send(
        send =>
          client.send(
            new GetObjectCommand({
              Bucket: bucket,
              Key: full(key),
              ...(ranged ? { Range: `bytes=${first}-${last ?? ''}` } : {}),
              ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
            }),
            send,
          ),
        { signal },
      )
    } catch (error) {
      signal?.throwIfAborted()
      if (readFailure(error).status === 416) return null
      throw s3Error(error, operation)
    }
    bucketSeen = true
    const stream = answer.Body
    if (!(stream instanceof Readable)) throw new SnapproofError('internal', `${describe(operation)} gave no stream`)
    // Until it is read, a dying body must not take the process down.
    stream.on('error', () => {})
    try {
      const bytes = byteCount(answer.ContentLength, operation)
      if (ranged) requireContentRange(answer.ContentRange, first, bytes, operation)
      return { stream, bytes, etag: answer.ETag ?? null, modifiedMs: answer.LastModified?.getTime() ?? null }
    } catch (error) {
      stream.destroy()
      throw error
    }
  }

  async function get(key: string, options: GetOptions = {}): Promise<BlobBody> {
    const { signal, ifMatch } = options
    signal?.throwIfAborted()
    const { start, length } = requireRange(options)
    const problem = problemOf(key)
    const operation: S3Operation = { verb: 'get', bucket, key: full(key) }
    if (problem !== null)
      throw new SnapproofError('not-found', `${describe(operation)} failed: no object can have this key, ${problem}`)
    if (length === 0) return await nothing(key, options)
    const opened = await open(key, start, length === null ? null : start + length - 1, ifMatch, signal)
    if (opened === null) return await nothing(key, options)
    const { stream, bytes, etag, modifiedMs } = opened
    if (length !== null && bytes > length) {
      stream.destroy()
      throw new SnapproofError(
        'unavailable',
        `${describe(operation)} failed: the store promised ${bytes} bytes where ${length} were asked for`,
      )
    }
    const end = start + bytes - 1
    const reopen =
      etag === null
        ? null
        : async (offset: number): Promise<Readable> => {
            const rest = await reopenSame(() => open(key, start + offset, end, etag, signal), operation)
            if (rest.bytes === bytes - offset && rest.etag === etag) return rest.stream
            rest.stream.destroy()
            throw changed(operation)
          }
    const onAbort = () => stream.destroy()
    signal?.addEventListener('abort', onAbort, { once: true })
    stream.once('close', () => signal?.removeEventListener('abort', onAbort))
    const body = resumableBody({
      first: stream,
      bytes,
      what: describe(operation),
      reopen,
      chunkTimeoutMs: connection.attemptTimeoutMs,
      giveUpAfterMs: connection.giveUpAfterMs,
      clock,
      signal,
      onBytes: count => {
        if (counts !== undefined) counts.bytesRead += count
      },
    })
    return { bytes, etag, modifiedMs, body }
  }

  /** A range of no bytes: S3 has no words for it, but the object must exist and be the one that was meant. */
  async function nothing(key: string, { ifMatch, signal }: GetOptions): Promise<BlobBody> {
    const operation: S3Operation = { verb: 'get', bucket, key: full(key) }
    const blob = await head(key, signal === undefined ? {} : { signal })
    if (blob === null) throw new SnapproofError('not-found', `${describe(operation)} failed: there is no such object`)
    if (ifMatch !== undefined && blob.etag !== ifMatch) throw changed(operation)
    return { bytes: 0, etag: blob.etag, modifiedMs: blob.modifiedMs, body: noBytes() }
  }

  async function read(key: string, { maxBytes, signal }: { readonly maxBytes: number; readonly signal?: AbortSignal }) {
    const blob = await get(key, signal === undefined ? {} : { signal })
    return await collect(blob, maxBytes, describe({ verb: 'get', bucket, key: full(key) }))
  }

  async function write(
    key: string,
    bytes: Buffer,
    condition: { readonly IfNoneMatch?: '*'; readonly IfMatch?: string },
    { signal, contentType }: { readonly signal?: AbortSignal; readonly contentType?: string },
  ): Promise<ConditionalWrite> {
    signal?.throwIfAborted()
    requireWritableKey(key, keyProblem(key), url)
    const conditional = condition.IfNoneMatch !== undefined || condition.IfMatch !== undefined
    try {
      const answer = await connection.send(
        send =>
          client.send(
            new PutObjectCommand({
              Bucket: bucket,
              Key: base + key,
              Body: bytes,
              ...(contentType === undefined ? {} : { ContentType: contentType }),
              ...condition,
            }),
            send,
          ),
        { signal, uploadBytes: bytes.length },
      )
      bucketSeen = true
      return { written: true, etag: answer.ETag ?? null }
    } catch (error) {
      signal?.throwIfAborted()
      const failure = readFailure(error)
      if (conditional && isLostRace(failure, condition.IfMatch !== undefined)) {
        // Was it we who wrote, in an earlier attempt whose answer was lost? Then our bytes are there.
        return failure.attempts > 1 ? await settle(key, bytes, signal) : { written: false }
      }
      throw s3Error(error, { verb: 'put', bucket, key: base + key })
    }
  }

  async function settle(key: string, bytes: Buffer, signal: AbortSignal | undefined): Promise<ConditionalWrite> {
    try {
      const found = await read(key, { maxBytes: bytes.length, ...(signal === undefined ? {} : { signal }) })
      return found.bytes.equals(bytes) ? { written: true, etag: found.etag } : { written: false }
    } catch (error) {
      if (isSnapproofError(error, 'not-found', 'too-large', 'changed')) return { written: false }
      throw error
    }
  }

  return {
    url,
    basePath: base.replace(/\/$/, ''),
    list,
    head,
    get,
    read,
    async put(key, bytes, options = {}) {
      await write(key, bytes, {}, options)
    },
    putIfAbsent: (key, bytes, options = {}) => write(key, bytes, { IfNoneMatch: '*' }, options),
    putIfMatch: (key, bytes, etag, options = {}) => write(key, bytes, { IfMatch: etag }, options),
    async delete(key, { signal } = {}) {
      signal?.throwIfAborted()
      requireWritableKey(key, keyProblem(key), url)
      try {
        await call(
          'delete',
          base + key,
          send => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: base + key }), send),
          { signal },
        )
      } catch (error) {
        if (!isSnapproofError(error, 'not-found')) throw error
      }
    },
    async tryWrite(key, signal): Promise<WriteAnswer> {
      signal?.throwIfAborted()
      try {
        await connection.send(
          send =>
            client.send(
              new PutObjectCommand({
                Bucket: bucket,
                Key: base + key,
                Body: Buffer.alloc(0),
                IfMatch: '"00000000000000000000000000000000"',
              }),
              send,
            ),
          { signal },
        )
      } catch (error) {
        signal?.throwIfAborted()
        return judgeRefusal(error, { verb: 'put', bucket, key: base + key })
      }
      const removed = await this.delete(key).then(
        () => true,
        () => false,
      )
      return { kind: 'written', said: 'it answered 200 to a condition that cannot hold', removed }
    },
    async close() {
      connection.close()
    },
  }
}

/** Only AccessDenied says something about permissions; other 403s are about credentials or clocks. */
function judgeRefusal(error: unknown, operation: S3Operation): WriteAnswer {
  const failure = readFailure(error)
  const said = `the store answered ${failure.status ?? 'nothing'} ${failure.name}`
  if (failure.status === 403 && failure.name === 'AccessDenied') return { kind: 'refused', said }
  if (failure.status === 412 || isMissingKey(failure, 'put')) return { kind: 'allowed', said }
  return { kind: 'unclear', said: s3Error(error, operation).message }
}

async function reopenSame(open: () => Promise<OpenBody | null>, operation: S3Operation): Promise<OpenBody> {
  try {
    const rest = await open()
    if (rest !== null) return rest
  } catch (error) {
    // It was there a moment ago: whoever asks again will see whether it is gone or replaced.
    if (!isSnapproofError(error, 'changed', 'not-found')) throw error
  }
  throw changed(operation)
}

function changed(operation: S3Operation): SnapproofError {
  return new SnapproofError('changed', `${describe(operation)} failed: the object changed meanwhile`, {
    advice: 'Somebody wrote or deleted it; read it again.',
  })
}

/** Some stores ignore Range or answer with another one; such bytes must not be taken for those asked for. */
function requireContentRange(
  contentRange: string | undefined,
  first: number,
  bytes: number,
  operation: S3Operation,
): void {
  const match = /^bytes (\d+)-(\d+)\//.exec(contentRange ?? '')
  if (match !== null && Number(match[1]) === first && Number(match[2]) === first + bytes - 1) return
  throw new SnapproofError(
    'unavailable',
    `${describe(operation)} failed: byte ${first} on was asked for and the store answered "${printableKey(contentRange ?? 'no range')}" with ${bytes} bytes`,
  )
}

function byteCount(length: number | undefined, operation: S3Operation): number {
  if (length !== undefined && Number.isSafeInteger(length) && length >= 0) return length
  throw new SnapproofError('unavailable', `${describe(operation)} failed: the store did not say how long the object is`)
}

async function* noBytes(): AsyncGenerator<Buffer> {}
