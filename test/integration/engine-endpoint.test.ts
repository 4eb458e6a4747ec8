/** Kind `endpoint` on a real cluster that somebody else runs: what it is refused for, and that it is left as it was. */
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type SourceCluster, sourceVersion, startSourceCluster } from '../../infra/local/cluster.ts'
import { cacheFolder as engineCache } from '../../src/config/cache.ts'
import { thisProcess } from '../../src/engine/options.ts'
import { ownPrefix } from '../../src/engine/ownNames.ts'
import { type EngineOptions, startEngine } from '../../src/engine/start.ts'
import { silentLog } from '../../src/log.ts'
import { EngineHolder } from '../../src/run/engines.ts'
import { systemClock } from '../../src/time.ts'
import { repositoryFixtures } from '../support/fixtures.ts'

const signal = new AbortController().signal
let root: string
let shared: string
let asSeen: string
let cluster: SourceCluster
let url: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'snapproof-endpoint-'))
  shared = join(root, 'shared')
  asSeen = join(root, 'as-the-server-sees-it')
  await mkdir(shared)
  await symlink(shared, asSeen)
  cluster = await startSourceCluster({
    workFolder: join(root, 'work'),
    cacheFolder: engineCache(process.env),
    settings: new Map([
      ['cluster.name', 'audit-cluster'],
      ['path.repo', asSeen],
    ]),
  })
  const [connection] = cluster.client.connectionPool.connections
  url = String(connection?.url.origin)
  const fixture = repositoryFixtures().find(({ name }) => name === 'es-9.5')
  if (fixture === undefined) throw new Error('no fixture es-9.5')
  await cp(fixture.folder, join(shared, 'copy'), { recursive: true })
})
afterAll(async () => {
  await cluster?.stop()
  await rm(root, { recursive: true, force: true })
})

function options(over: Partial<EngineOptions> = {}): EngineOptions {
  return {
    name: 'theirs',
    kind: 'endpoint',
    version: sourceVersion,
    url,
    clusterName: 'audit-cluster',
    repositoryFolder: shared,
    serverRepositories: asSeen,
    workFolder: join(root, 'unused'),
    heapMb: 512,
    startTimeoutMs: 30_000,
    environment: process.env,
    signal,
    log: silentLog,
    clock: systemClock,
    ...over,
  }
}

async function held(): Promise<string[]> {
  const { client } = cluster
  const indices = Object.keys(await client.indices.getSettings({ index: '_all', expand_wildcards: 'all' }))
  return [...indices, ...Object.keys(await client.snapshot.getRepository())].sort()
}

it('restores under names of this run, and leaves the cluster as it was', async () => {
  const owner = { ...thisProcess(), runId: '20261123T194254Z-1a2b3c4d' }
  const prefix = await ownPrefix(owner)
  expect(prefix).toMatch(/^snapproof-20261123t194254z1a2b3c4d\.[0-9a-f]{8}\.\d+\.$/)
  const engine = await startEngine(options({ owner }))
  expect(engine.facts).toMatchObject({ kind: 'endpoint', product: 'elasticsearch', egressBlocked: false })
  await engine.registerRepository('snapproof', join(shared, 'copy'), signal)
  const restore = { repository: 'snapproof', snapshot: 'night-1', index: 'orders', target: 'audit-1', signal }
  expect(await engine.startRestore(restore)).toEqual({ accepted: true })
  await expect.poll(() => engine.count('audit-1', signal).catch(() => 0), { timeout: 60_000 }).toBeGreaterThan(0)
  expect((await engine.recovery('audit-1', signal)).every(({ snapshot }) => snapshot === 'night-1')).toBe(true)
  expect(await held()).toEqual([`${prefix}audit-1`, `${prefix}snapproof`])
  await engine.stop()
  expect(await held()).toEqual([])
  expect(await readdir(shared)).toEqual(['copy'])
})

it.each([
  ['another name', { clusterName: 'production' }, 'endpoint-refused', /its name is "audit-cluster", not "production"/],
  ['another product', { product: 'opensearch' }, 'endpoint-refused', /it is elasticsearch, not opensearch/],
  ['another version', { version: '9.4.0' }, 'endpoint-refused', /a node of it is version 9\.5\.3, not 9\.4\.0/],
  [
    'nobody there',
    { url: 'http://127.0.0.1:1', startTimeoutMs: 1_000 },
    'engine-start',
    /127\.0\.0\.1:1 did not answer/,
  ],
  [
    'a variable that is not set',
    { authorizationVariable: 'NO_SUCH_VARIABLE' },
    'configuration',
    /NO_SUCH_VARIABLE is not set/,
  ],
] as const)('%s: refused, and nothing is touched', async (_, over, code, message) => {
  await expect(startEngine(options(over))).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  expect(await held()).toEqual([])
})

it('holding an index or a repository that is not ours: refused', async () => {
  const { client } = cluster
  await client.indices.create({ index: 'orders', settings: { number_of_replicas: 0 } })
  await expect(startEngine(options())).rejects.toMatchObject({
    code: 'endpoint-refused',
    message: expect.stringMatching(/holds what is not ours: orders/),
  })
  await client.indices.delete({ index: 'orders' })
  // Ours would say whose it is.
  await client.indices.create({ index: 'snapproof-orders', settings: { number_of_replicas: 0, hidden: true } })
  await expect(startEngine(options())).rejects.toMatchObject({
    message: expect.stringMatching(/not ours: snapproof-orders/),
  })
  await client.indices.delete({ index: 'snapproof-orders' })
  const repository = { type: 'fs', settings: { location: join(asSeen, 'theirs'), readonly: true } }
  await client.transport.request({
    method: 'PUT',
    path: '/_snapshot/theirs',
    querystring: { verify: 'false' },
    body: repository,
  })
  await expect(startEngine(options())).rejects.toMatchObject({ message: expect.stringMatching(/not ours: theirs/) })
  expect(await held()).toEqual(['theirs'])
  await client.snapshot.deleteRepository({ name: 'theirs' })
})

it('what a dead run left goes, and only that', async () => {
  const { client } = cluster
  const own = thisProcess()
  const dead = await ownPrefix({ ...own, pid: 2 ** 22 + 1 })
  const living = await ownPrefix({ ...own, pid: process.ppid })
  const elsewhere = await ownPrefix({ ...own, host: 'elsewhere', pid: 2 ** 22 + 1 })
  for (const prefix of [dead, living, elsewhere])
    await client.indices.create({ index: `${prefix}x`, settings: { number_of_replicas: 0 } })
  const engine = await startEngine(options({ owner: own }))
  expect(await held()).toEqual([`${living}x`, `${elsewhere}x`].sort())
  await engine.stop()
  for (const prefix of [living, elsewhere]) await client.indices.delete({ index: `${prefix}x` })
})

it('that does not see our folder accuses nobody: it does not start', async () => {
  const other = join(root, 'other')
  await mkdir(other)
  await expect(startEngine(options({ repositoryFolder: other }))).rejects.toMatchObject({
    code: 'engine-start',
    message: expect.stringMatching(/does not see what this machine writes into .*: it sees nothing there/),
  })
  await expect(startEngine(options({ serverRepositories: '/not/in/path.repo' }))).rejects.toMatchObject({
    code: 'engine-start',
    message: expect.stringMatching(/path\.repo/),
  })
  expect(await held()).toEqual([])
})

it('has no fresh process: a run does not claim one', async () => {
  const holder = new EngineHolder({
    start: () => startEngine(options()),
    mirrorFolder: join(shared, 'copy'),
    freshStarts: 2,
    log: silentLog,
    signal,
  })
  try {
    await holder.get('theirs')
    await expect(holder.fresh('theirs')).rejects.toMatchObject({
      message: expect.stringMatching(/cannot be started afresh/),
    })
  } finally {
    await holder.stop()
  }
})

it('gets its credentials in the header alone', async () => {
  const seen: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers)
    response
      .writeHead(401, { 'content-type': 'application/json' })
      .end('{"error":{"type":"security_exception","reason":"who?"}}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const file = join(root, 'authorization')
    await writeFile(file, 'auditor:s3cr3t-word\n')
    await chmod(file, 0o600)
    const error = await startEngine(options({ url: here, authorizationFile: file })).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'endpoint-refused',
      message: expect.stringMatching(/does not know us: 401 security_exception/),
    })
    expect(JSON.stringify(error)).not.toContain('s3cr3t')
    expect(String(error)).not.toContain('s3cr3t')
    expect(seen[0]?.authorization).toBe(`Basic ${Buffer.from('auditor:s3cr3t-word').toString('base64')}`)
    const environment = { ...process.env, SEARCH_KEY: 'ApiKey a2V5' }
    await startEngine(options({ url: here, authorizationVariable: 'SEARCH_KEY', environment })).catch(() => {})
    expect(seen.at(-1)?.authorization).toBe('ApiKey a2V5')
    await writeFile(file, 's3cr3t-word')
    const unclear = await startEngine(options({ url: here, authorizationFile: file })).catch(
      (thrown: unknown) => thrown,
    )
    expect(unclear).toMatchObject({ code: 'configuration' })
    expect(String(unclear)).not.toContain('s3cr3t')
  } finally {
    server.close()
  }
})
