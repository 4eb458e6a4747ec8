/** The engine port on a real Elasticsearch. */
import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SourceCluster, sourceVersion, startSourceCluster } from '../../infra/local/cluster.ts'
import { cacheFolder as engineCache } from '../../src/config/cache.ts'
import type { Engine } from '../../src/engine/port.ts'
import { startEngine } from '../../src/engine/start.ts'
import { silentLog } from '../../src/log.ts'
import { systemClock } from '../../src/time.ts'
import { fakeDistribution } from './engine/fake-distribution.ts'

const cacheFolder = engineCache(process.env)
const signal = new AbortController().signal
const documents = 40
let root: string
let cluster: SourceCluster
let engine: Engine
/** A repository with one snapshot `s1` of the index `logs`: two shards, 40 documents with two nested children each. */
let repository: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'snapproof-engine-'))
  cluster = await startSourceCluster({ workFolder: join(root, 'work'), cacheFolder })
  engine = cluster.engine
  const { client } = cluster
  repository = await cluster.createRepository('source')
  await client.indices.create({
    index: 'logs',
    settings: { number_of_shards: 2, number_of_replicas: 1, 'index.routing.allocation.require.box': 'elsewhere' },
    mappings: {
      properties: {
        message: { type: 'text', fields: { raw: { type: 'keyword' } } },
        items: { type: 'nested', properties: { price: { type: 'long' } } },
      },
    },
    aliases: { 'logs-alias': {} },
    wait_for_active_shards: 0,
  })
  await client.indices.putSettings({ index: 'logs', settings: { 'index.routing.allocation.require.box': null } })
  for (let round = 0; round < 4; round++) {
    const operations = Array.from({ length: documents / 4 }, (_, i) => [
      { index: { _index: 'logs', _id: `${round}-${i}` } },
      { message: `document ${i} of round ${round}`, items: [{ price: i }, { price: i + 1 }] },
    ]).flat()
    const answer = await client.bulk({ operations, refresh: true })
    expect(answer.errors).toBe(false)
  }
  await client.indices.putSettings({
    index: 'logs',
    settings: { 'index.routing.rebalance.enable': 'none', 'index.refresh_interval': '5s' },
  })
  await cluster.snapshot('source', 's1', 'logs')
})
afterAll(async () => {
  await cluster?.stop()
  await rm(root, { recursive: true, force: true })
})

async function registerCopy(name: string): Promise<string> {
  const folder = join(engine.repositoryFolder, name)
  await cp(repository, folder, { recursive: true })
  await engine.registerRepository(name, folder, signal)
  return folder
}

async function settled(target: string): Promise<Awaited<ReturnType<Engine['shardStates']>>> {
  const done = async () => {
    const states = await engine.shardStates(target, signal)
    return states.length > 0 && states.every(s => s.state === 'STARTED' || s.reason === 'ALLOCATION_FAILED')
  }
  await expect.poll(done, { timeout: 30_000, interval: 50 }).toBe(true)
  return engine.shardStates(target, signal)
}

describe('a restore under another name', () => {
  it('is accepted, recovers every shard, and answers every question', async () => {
    await registerCopy('copy')
    expect(engine.facts).toMatchObject({ product: 'elasticsearch', version: sourceVersion, kind: 'maven' })
    expect(engine.facts.indexVersion).toBeGreaterThan(9_000_000)
    const restore = { repository: 'copy', snapshot: 's1', index: 'logs', target: 'audit-1', signal }
    expect(await engine.startRestore(restore)).toEqual({ accepted: true })
    expect(await settled('audit-1')).toEqual([
      { shard: 0, state: 'STARTED', reason: null, details: null, allocation: null },
      { shard: 1, state: 'STARTED', reason: null, details: null, allocation: null },
    ])
    const recovery = await engine.recovery('audit-1', signal)
    expect(recovery.map(row => row.shard).toSorted()).toEqual([0, 1])
    for (const row of recovery) {
      expect(row).toMatchObject({
        type: 'SNAPSHOT',
        stage: 'DONE',
        primary: true,
        repository: 'copy',
        snapshot: 's1',
        index: 'logs',
      })
      expect(row.recoveredBytes).toBe(row.bytes)
      expect(row.bytes).toBeGreaterThan(0)
      expect(row.restoreUuid).toMatch(/^[\w-]{22}$/)
    }
    const stats = await engine.shardStats('audit-1', signal)
    const expected = await engine.shardStats('logs', signal)
    const numbers = (rows: typeof stats) =>
      rows.filter(r => r.primary).map(r => [r.shard, r.maxSeqNo, r.localCheckpoint])
    expect(numbers(stats)).toEqual(numbers(expected))
    expect(stats.reduce((sum, row) => sum + (row.luceneDocs ?? 0), 0)).toBe(documents * 3)
    expect(await engine.count('audit-1', signal)).toBe(documents)
    expect(await engine.fields('audit-1', signal)).toEqual({
      message: 'text',
      'message.raw': 'keyword',
      items: 'nested',
      'items.price': 'long',
    })
    const { client } = cluster
    expect(Object.keys(await client.indices.getAlias({ name: 'logs-alias' }))).toEqual(['logs'])
    const settings = await client.indices.getSettings({ index: 'audit-1', flat_settings: true })
    expect(settings['audit-1']?.settings).toMatchObject({
      'index.number_of_replicas': '0',
      'index.allocation.max_retries': '0',
    })

    expect(await engine.startRestore(restore)).toMatchObject({ accepted: false, type: 'snapshot_restore_exception' })
    await engine.deleteIndex('audit-1', signal)
    await engine.deleteIndex('audit-1', signal)
    expect(await engine.shardStates('audit-1', signal)).toEqual([])
    expect(await engine.recovery('audit-1', signal)).toEqual([])
    await expect(engine.count('audit-1', signal)).rejects.toMatchObject({ code: 'engine-request' })
    await engine.removeRepository('copy', signal)
    await engine.removeRepository('copy', signal)
  })

  it('of what is not there is refused in the server’s words; of what is no name, in ours', async () => {
    await registerCopy('copy')
    const restore = { repository: 'copy', snapshot: 's1', index: 'logs', target: 'audit-2', signal }
    expect(await engine.startRestore({ ...restore, index: 'nothing' })).toEqual({
      accepted: false,
      status: 404,
      type: 'index_not_found_exception',
      reason: 'no such index [nothing]',
    })
    expect(await engine.startRestore({ ...restore, snapshot: 's9' })).toMatchObject({ accepted: false, status: 500 })
    for (const index of ['log*', '*', 'logs,other', '-logs', '_all', '']) {
      expect(await engine.startRestore({ ...restore, index })).toMatchObject({ status: 0, type: 'unsafe_name' })
    }
    await expect(engine.startRestore({ ...restore, target: 'a$1' })).rejects.toMatchObject({ code: 'internal' })
    await expect(engine.registerRepository('outside', root, signal)).rejects.toMatchObject({ code: 'internal' })
    expect(await engine.shardStates('audit-2', signal)).toEqual([])
    await engine.removeRepository('copy', signal)
  })
})

describe('a repository that is damaged', () => {
  async function largestDataBlob(folder: string, shard: number): Promise<string> {
    const [index = ''] = await readdir(join(folder, 'indices'))
    const shardFolder = join(folder, 'indices', index, String(shard))
    const blobs = (await readdir(shardFolder)).filter(name => name.startsWith('__'))
    const sizes = await Promise.all(
      blobs.map(async name => [name, (await readFile(join(shardFolder, name))).length] as const),
    )
    const [largest] = sizes.toSorted((a, b) => b[1] - a[1])
    if (largest === undefined) throw new Error(`no data blob in ${shardFolder}`)
    return join(shardFolder, largest[0])
  }

  it('leaves the shard of a flipped bit unassigned, with the server’s words, and never DONE', async () => {
    const folder = await registerCopy('flipped')
    const blob = await largestDataBlob(folder, 1)
    const bytes = await readFile(blob)
    const middle = bytes.length >> 1
    bytes[middle] = (bytes[middle] ?? 0) ^ 1
    await writeFile(blob, bytes)
    const restore = { repository: 'flipped', snapshot: 's1', index: 'logs', target: 'audit-3', signal }
    expect(await engine.startRestore(restore)).toEqual({ accepted: true })
    const states = await settled('audit-3')
    expect(states[0]).toMatchObject({ shard: 0, state: 'STARTED' })
    expect(states[1]).toMatchObject({ shard: 1, state: 'UNASSIGNED', reason: 'ALLOCATION_FAILED' })
    expect(states[1]?.details).toMatch(/checksum|corrupt|verification failed/i)
    const rows = await engine.recovery('audit-3', signal)
    expect(rows.filter(row => row.shard === 1 && row.stage === 'DONE')).toEqual([])
    // A count over the shards that are left would be a wrong number.
    await expect(engine.count('audit-3', signal)).rejects.toMatchObject({ code: 'engine-request' })
    await engine.deleteIndex('audit-3', signal)
    await engine.removeRepository('flipped', signal)
  })

  it('leaves the shard of a missing blob unassigned', async () => {
    const folder = await registerCopy('missing')
    await rm(await largestDataBlob(folder, 0))
    const restore = { repository: 'missing', snapshot: 's1', index: 'logs', target: 'audit-4', signal }
    expect(await engine.startRestore(restore)).toEqual({ accepted: true })
    const states = await settled('audit-4')
    expect(states[0]).toMatchObject({ shard: 0, state: 'UNASSIGNED', reason: 'ALLOCATION_FAILED' })
    expect(states[0]?.details).toMatch(/NoSuchFile|missing/i)
    await engine.deleteIndex('audit-4', signal)
    await engine.removeRepository('missing', signal)
  })
})

describe('the end of a server', () => {
  const options = (work: string) => ({
    name: 'e',
    version: sourceVersion,
    cacheFolder,
    workFolder: join(root, work),
    heapMb: 512,
    startTimeoutMs: 120_000,
    environment: process.env,
    signal,
    log: silentLog,
    clock: systemClock,
  })

  it('that was killed is told by death, died and every call; its folder goes at stop', async () => {
    const { engine: victim, pid, client } = await startSourceCluster({ workFolder: join(root, 'killed'), cacheFolder })
    expect(victim.death()).toBeNull()
    const died = victim.died.catch((error: unknown) => error)
    process.kill(pid, 'SIGKILL')
    expect(await died).toMatchObject({ code: 'engine-died', message: expect.stringContaining('signal SIGKILL') })
    expect(victim.death()).toContain('signal SIGKILL')
    await expect(victim.count('x', signal)).rejects.toMatchObject({ code: 'engine-died' })
    expect(victim.logTail(5).join('\n')).not.toBe('')
    await victim.stop()
    await victim.stop()
    await client.close()
    expect(await readdir(join(root, 'killed'))).toEqual([])
  })

  it('of kind distribution answers, and stops with all its children', async () => {
    const home = await fakeDistribution(join(root, 'distribution'), cacheFolder, sourceVersion)
    const repositoryFolder = join(root, 'kept')
    await mkdir(repositoryFolder)
    const started = await startEngine({ ...options('distribution-work'), kind: 'distribution', home, repositoryFolder })
    expect(started.facts).toMatchObject({ kind: 'distribution', product: 'elasticsearch', version: sourceVersion })
    await cp(repository, join(repositoryFolder, 'r'), { recursive: true })
    await started.registerRepository('r', join(repositoryFolder, 'r'), signal)
    const restore = { repository: 'r', snapshot: 's1', index: 'logs', target: 'audit-1', signal }
    expect(await started.startRestore(restore)).toEqual({ accepted: true })
    await expect.poll(() => started.count('audit-1', signal).catch(() => null), { timeout: 30_000 }).toBe(documents)
    expect(await processesOf(join(root, 'distribution-work'))).not.toEqual([])
    await started.stop()
    expect(await processesOf(join(root, 'distribution-work'))).toEqual([])
    expect(await readdir(join(root, 'distribution-work'))).toEqual([])
    expect(await readdir(repositoryFolder)).toEqual(['r'])
  })

  it('of another version than configured is refused', async () => {
    const home = await fakeDistribution(join(root, 'other-version'), cacheFolder, sourceVersion)
    const start = startEngine({ ...options('other-work'), version: '9.4.0', kind: 'distribution', home })
    await expect(start).rejects.toMatchObject({
      code: 'no-distribution',
      message: expect.stringContaining(sourceVersion),
    })
    expect(await processesOf(join(root, 'other-work'))).toEqual([])
  })

  it.each(['maven', 'distribution'])(
    'of kind %s follows when its parent is killed without a chance to act',
    async kind => {
      const work = join(root, `orphan-${kind}`)
      const home = kind === 'maven' ? '' : await fakeDistribution(join(root, 'orphans'), cacheFolder, sourceVersion)
      const script = fileURLToPath(new URL('./engine/child.ts', import.meta.url))
      const child = spawn(process.execPath, ['--import', 'tsx', script, work, cacheFolder, home], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      try {
        const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
        const pid = Number((await lines.next()).value)
        const before = await processesOf(work)
        expect(before).toContain(pid)
        expect(await livingInGroup(pid)).toContain(pid)
        child.kill('SIGKILL')
        await expect.poll(() => processesOf(work), { timeout: 20_000 }).toEqual([])
        await expect.poll(() => livingInGroup(pid), { timeout: 5_000 }).toEqual([])
      } finally {
        child.kill('SIGKILL')
      }
    },
  )
})

/** Server processes and their helpers whose command line names the folder. Linux only, as are these tests. */
async function processesOf(folder: string): Promise<number[]> {
  const pids: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (command.includes(`${folder}/`)) pids.push(Number(name))
  }
  return pids
}

/** Members of a process group that are more than zombies waiting to be reaped. `stat`: pid (name) state ppid pgrp … */
async function livingInGroup(group: number): Promise<number[]> {
  const pids: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (Number(pgrp) === group && state !== 'Z') pids.push(Number(name))
  }
  return pids
}
