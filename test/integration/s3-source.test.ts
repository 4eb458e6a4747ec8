/** A real OpenSearch 3.3 reads the bucket itself, with its own repository-s3, from our local S3 server. */
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Fault, SeenRequest } from '../../infra/local/s3/faults.ts'
import { type LocalS3, startLocalS3 } from '../../infra/local/s3/server.ts'
import { cacheFolder } from '../../src/config/cache.ts'
import { type Grown, grow, twinBlob, verdictsOf, verifyNights } from '../support/nights.ts'

let work = ''
let grown: Grown
let s3: LocalS3
let fault: (request: SeenRequest) => Fault | undefined = () => undefined
/** Keys that a server has asked for, and those that we have. */
let asked = { server: new Set<string>(), us: new Set<string>() }

const isServer = ({ headers }: SeenRequest) => /aws-sdk-java/.test(`${headers['user-agent']}`)
const keys = { AWS_ACCESS_KEY_ID: 'reader', AWS_SECRET_ACCESS_KEY: 'a-secret-that-must-not-be-seen' }

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'snapproof-s3-source-'))
  Object.assign(process.env, keys)
  const made = await grow({
    workFolder: join(work, 'source'),
    cacheFolder: cacheFolder(process.env),
    product: 'opensearch',
    version: '3.3.0',
  })
  await mkdir(join(work, 's3/bucket'), { recursive: true })
  await rename(made.folder, join(work, 's3/bucket/base'))
  grown = { ...made, folder: join(work, 's3/bucket/base') }
  await made.stop()
  s3 = await startLocalS3({
    root: join(work, 's3'),
    // The server's credentials come through the relay.
    accessKeyId: keys.AWS_ACCESS_KEY_ID,
    hooks: {
      onRequest: request => {
        asked[isServer(request) ? 'server' : 'us'].add(request.key)
        return fault(request)
      },
    },
  })
}, 600_000)
afterEach(() => {
  asked = { server: new Set(), us: new Set() }
  fault = () => undefined
})
afterAll(async () => {
  await s3?.close()
  for (const name of Object.keys(keys)) delete process.env[name]
  await rm(work, { recursive: true, force: true })
})

function night(name: string) {
  return verifyNights(
    `repository: { name: ${name}, url: 's3://bucket/base', region: eu-central-1, endpointUrl: '${s3.endpointUrl}' }
engines: [ { name: open, kind: maven, product: opensearch, version: 3.3.0, heapMb: 512 } ]
work: { folder: work, source: s3, chainFrom: 65536, freshStarts: 1 }`,
    work,
  )
}
const data = (seen: ReadonlySet<string>) => [...seen].filter(key => key.includes('/__')).map(key => key.slice(5))

test('credentials that expire are our trouble: nothing fails, nothing passes', async () => {
  fault = request =>
    isServer(request) && request.key.includes('/0/')
      ? { kind: 'error', status: 400, code: 'ExpiredToken', message: 'The provided token has expired.' }
      : undefined
  const seen = await night('expired')
  expect(Object.values(verdictsOf(seen))).toEqual(['inconclusive', 'inconclusive', 'inconclusive'])
  expect(seen.run.findings).toEqual([])
  expect(new Set(seen.run.restores.map(({ reason }) => reason))).toEqual(new Set(['store-unavailable']))
}, 600_000)

test('the server reads each blob once, and we read none of them; nothing stays on the disk', async () => {
  const seen = await night('chained')
  expect(seen.run.findings).toEqual([])
  expect(verdictsOf(seen)).toEqual({ 'night-1': 'pass', 'night-2': 'pass', 'night-3': 'pass' })
  expect(['night-3', 'night-2', 'night-1'].map(name => seen.evidence[name]?.method)).toEqual([
    'restore',
    'chained',
    'chained',
  ])
  expect(seen.evidence['night-2']?.snapshotSeen).toEqual({
    before: grown.uuids['night-2'],
    after: grown.uuids['night-2'],
  })
  const blobs = (await readdir(grown.folder, { recursive: true })).filter(name => name.includes('/__'))
  expect(data(asked.server).sort()).toEqual(blobs.sort())
  // What was foretold: each blob once, though three contents rest on some; nothing of it on our disk.
  const sizes = await Promise.all(blobs.map(async name => (await stat(join(grown.folder, name))).size))
  expect(seen.run.forecast?.fetchBytes).toBe(sizes.reduce((sum, size) => sum + size, 0))
  expect(seen.run.forecast?.diskBytes).toBe(Math.max(...seen.run.restores.map(({ bytes }) => bytes)))
  // Where the metadata do not hold the commit, we read it: small blobs.
  expect(data(asked.us).length).toBeLessThanOrEqual(3)
  expect(await readdir(join(work, 'work'))).toEqual([])
  expect(JSON.stringify(seen)).not.toContain(keys.AWS_SECRET_ACCESS_KEY)
}, 600_000)

test('a damaged blob that the server keeps a good file of is read by us, and accused', async () => {
  const twin = await twinBlob(grown, { night: 'night-2' })
  const seen = await night('twin')
  expect(data(asked.server)).not.toContain(twin)
  expect(data(asked.us)).toContain(twin)
  expect(verdictsOf(seen)).toEqual({ 'night-1': 'pass', 'night-2': 'fail', 'night-3': 'pass' })
  const errors = seen.run.findings.filter(({ severity }) => severity === 'error')
  expect(errors).toMatchObject([{ code: 'corrupt-data-blob', key: twin }])
}, 600_000)
