/**
 * A small S3 server over a folder, for demo and tests: `{root}/{bucket}/{key}`. Files that another process writes (the `fs`
 * repository of an Elasticsearch) are objects at once. Path style only, 127.0.0.1 only, signatures are not checked.
 * What it speaks: README.md beside this file.
 */
import { mkdir, readdir, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { openDirectoryStore } from '../../../src/blobs/directory.ts'
import type { BlobWriter } from '../../../src/blobs/port.ts'
import { type Clock, systemClock } from '../../../src/time.ts'
import type { ObjectFacts } from './facts.ts'
import { type Fault, type FaultHook, sendFaulty } from './faults.ts'
import { listObjects } from './list.ts'
import { deleteObject, getObject, headObject, putObject } from './objects.ts'
import { readPutBody } from './put-body.ts'
import { S3Refusal, sendError, sendXml, xml } from './wire.ts'

export interface LocalS3Options {
  /** Folder of buckets. */
  readonly root: string
  /** @default one that is free */
  readonly port?: number
  /** When given, requests signed with another key id are refused; the signature itself is not looked at. */
  readonly accessKeyId?: string
  /** Writes and deletes of keys below these `bucket/prefix` strings are refused with 403. */
  readonly readOnly?: readonly string[]
  readonly hooks?: {
    readonly onRequest?: FaultHook
    /** What a folder cannot say of an object. Undefined: a plain object. */
    readonly factsOf?: (bucket: string, key: string) => ObjectFacts | undefined
  }
  readonly clock?: Clock
}

export interface LocalS3 {
  readonly endpointUrl: string
  readonly port: number
  /** Requests by method, and how many answers had a status of 400 or above. */
  readonly requests: {
    list: number
    GET: number
    HEAD: number
    PUT: number
    DELETE: number
    refused: number
    bytesSent: number
    connections: number
  }
  /** Ends open connections too. Idempotent. */
  close(): Promise<void>
}

/** What a handler needs of one request. */
export interface S3Request {
  readonly method: string
  readonly bucket: string
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly store: BlobWriter
  readonly signal: AbortSignal
  readonly factsOf: (key: string) => ObjectFacts
}

export async function startLocalS3(options: LocalS3Options): Promise<LocalS3> {
  const { root, clock = systemClock, hooks = {}, readOnly = [], accessKeyId } = options
  await mkdir(root, { recursive: true })
  const requests = { list: 0, GET: 0, HEAD: 0, PUT: 0, DELETE: 0, refused: 0, bytesSent: 0, connections: 0 }
  const server = createServer((message, response) => {
    const gone = new AbortController()
    response.once('close', () => gone.abort(new Error('the client went away')))
    handle(message, response, gone.signal).catch((error: unknown) => {
      if (!response.headersSent) sendError(message.method, response, refusalFor(error))
      else response.destroy()
    })
  })
  server.on('connection', () => {
    requests.connections++
  })
  // A client that keeps its connection longer than we do would meet a reset.
  server.keepAliveTimeout = 60_000
  server.requestTimeout = 300_000

  const stores = new Map<string, BlobWriter>()
  function storeOf(folder: string): BlobWriter {
    const store = stores.get(folder) ?? openDirectoryStore({ folder, clock })
    stores.set(folder, store)
    return store
  }

  async function handle(message: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const { method = 'GET', headers } = message
    const { bucket, key, query } = splitTarget(message.url ?? '/')
    const fault = await hooks.onRequest?.({ method, bucket, key, query, headers })
    response.once('finish', () => {
      if (response.statusCode >= 400) requests.refused++
    })
    if (method === 'GET' && key === '') requests.list++
    else if (method === 'GET' || method === 'HEAD' || method === 'PUT' || method === 'DELETE') requests[method]++
    if (fault?.kind === 'delay') await clock.sleep(fault.ms, signal)
    if (fault !== undefined && fault.kind !== 'delay' && (await sendFaulty(fault, message, response))) return
    checkIdentity(headers.authorization, accessKeyId)
    if (bucket === '') return await listBuckets(root, response)
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/.test(bucket))
      throw new S3Refusal(400, 'InvalidBucketName', 'The specified bucket is not valid.')
    const folder = join(root, bucket)
    if (method === 'PUT' && key === '') {
      await mkdir(folder, { recursive: true })
      response.writeHead(200, { location: `/${bucket}` }).end()
      return
    }
    await requireBucket(folder)
    if (key === '' && method === 'HEAD') {
      response.writeHead(200).end()
      return
    }
    const isWrite = method === 'PUT' || method === 'DELETE'
    if (isWrite && readOnly.some(prefix => `${bucket}/${key}`.startsWith(prefix))) {
      throw new S3Refusal(
        403,
        'AccessDenied',
        `User is not authorized to perform: s3:${method === 'PUT' ? 'Put' : 'Delete'}Object`,
      )
    }
    const store = storeOf(folder)
    const factsOf = (name: string) => hooks.factsOf?.(bucket, name) ?? {}
    const request: S3Request = { method, bucket, key, query, headers, store, signal, factsOf }
    await route(request, message, response, fault)
  }

  async function route(
    request: S3Request,
    message: IncomingMessage,
    response: ServerResponse,
    fault: Fault | undefined,
  ): Promise<void> {
    const { method, key, query } = request
    const sent = (bytes: number) => {
      requests.bytesSent += bytes
    }
    if (key === '' && method === 'GET' && query.get('list-type') === '2')
      return await listObjects(request, join(root, request.bucket), response)
    const unknown = [...query.keys()].find(name => name !== 'x-id')
    if (key === '' || unknown !== undefined || headersNotServed.some(name => request.headers[name] !== undefined)) {
      throw new S3Refusal(
        501,
        'NotImplemented',
        `This small server does not serve ${method} with ${unknown ?? 'these headers or no key'}.`,
      )
    }
    if (method === 'GET') return await getObject(request, response, fault, sent)
    if (method === 'HEAD') return await headObject(request, response)
    if (method === 'DELETE') return await deleteObject(request, response)
    if (method === 'PUT') return await putObject(request, await readPutBody(message), response)
    throw new S3Refusal(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.')
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    endpointUrl: `http://127.0.0.1:${port}`,
    port,
    requests,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const headersNotServed = ['x-amz-copy-source', 'x-amz-server-side-encryption-customer-algorithm']

/** The path is split before it is decoded, and never normalised: `..` is a part of a key like any other. */
function splitTarget(target: string): { bucket: string; key: string; query: URLSearchParams } {
  const [path = '/', search = ''] = target.split(/\?(.*)/s)
  const [bucket = '', ...rest] = path.slice(1).split('/')
  try {
    return {
      bucket: decodeURIComponent(bucket),
      key: decodeURIComponent(rest.join('/')),
      query: new URLSearchParams(search),
    }
  } catch {
    throw new S3Refusal(400, 'InvalidURI', 'Couldn’t parse the specified URI.')
  }
}

function checkIdentity(authorization: string | undefined, accessKeyId: string | undefined): void {
  if (accessKeyId === undefined) return
  const given = /Credential=([^/,\s]+)\//.exec(authorization ?? '')?.[1]
  if (given === undefined) throw new S3Refusal(403, 'AccessDenied', 'Access Denied')
  if (given !== accessKeyId)
    throw new S3Refusal(403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.')
}

async function requireBucket(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null)
  if (!found?.isDirectory()) throw new S3Refusal(404, 'NoSuchBucket', 'The specified bucket does not exist')
}

async function listBuckets(root: string, response: ServerResponse): Promise<void> {
  const names = (await readdir(root, { withFileTypes: true }))
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
  const buckets = names.sort().map(name => xml`<Bucket><Name>${name}</Name></Bucket>`)
  sendXml(response, 200, `<ListAllMyBucketsResult><Buckets>${buckets.join('')}</Buckets></ListAllMyBucketsResult>`)
}

function refusalFor(error: unknown): S3Refusal {
  if (error instanceof S3Refusal) return error
  return new S3Refusal(
    500,
    'InternalError',
    error instanceof Error ? error.message : 'We encountered an internal error.',
  )
}
