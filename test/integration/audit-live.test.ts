/** Audits of a repository that a real cluster writes: counts as the server gave them, and writes while we read. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SourceCluster, startSourceCluster } from '../../infra/local/cluster.ts'
import type { BlobReader } from '../../src/blobs/port.ts'
import { cacheFolder } from '../../src/config/cache.ts'
import { SnapproofError } from '../../src/errors.ts'
import type { RunResult } from '../../src/model/run.ts'
import { type Bench, errorsOf, openBench, snapshotOf } from '../support/auditRun.ts'
import { inspectFolder } from '../support/repositoryFiles.ts'

let bench: Bench
let cluster: SourceCluster
beforeAll(async () => {
  bench = await openBench()
  cluster = await startSourceCluster({
    workFolder: join(bench.folder, 'source'),
    cacheFolder: cacheFolder(process.env),
  })
})
afterAll(async () => {
  await cluster?.stop()
  await bench.close()
})

function ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
  return cluster.client.transport.request<Answer>(
    { method, path, ...(body === undefined ? {} : { body }) },
    { requestTimeout: 60_000 },
  )
}

async function bulk(lines: readonly object[]): Promise<void> {
  const bulkBody = `${lines.map(line => JSON.stringify(line)).join('\n')}\n`
  const answer = await cluster.client.transport.request<{ errors: boolean }>(
    { method: 'POST', path: '/_bulk', querystring: { refresh: 'true' }, bulkBody },
    { requestTimeout: 60_000 },
  )
  if (answer.errors) throw new Error('the bulk had errors')
}

async function createIndex(index: string, shards: number, properties: object = {}): Promise<void> {
  const settings = { number_of_replicas: 0, number_of_shards: shards, refresh_interval: '-1' }
  await ask('PUT', `/${index}`, { settings, mappings: { properties } })
}

const put = (index: string, id: number, doc: object) => [{ index: { _index: index, _id: `d${id}` } }, doc]
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

interface ShardCounts {
  readonly commit: { readonly num_docs: number }
  readonly seq_no: { readonly max_seq_no: number }
}

/** `index shard` → what the server counts, of the same commit that a snapshot takes. */
async function serverCounts(): Promise<Record<string, { luceneDocs: number; maxSeqNo: number }>> {
  await ask('POST', '/*/_flush')
  const { indices } = await ask<{ indices: Record<string, { shards: Record<string, ShardCounts[]> }> }>(
    'GET',
    '/_stats?level=shards',
  )
  const counts: Record<string, { luceneDocs: number; maxSeqNo: number }> = {}
  for (const [index, { shards }] of Object.entries(indices)) {
    for (const [shard, [copy]] of Object.entries(shards)) {
      if (copy === undefined) throw new Error(`${index} ${shard} has no copy`)
      counts[`${index} ${shard}`] = { luceneDocs: copy.commit.num_docs, maxSeqNo: copy.seq_no.max_seq_no }
    }
  }
  return counts
}

describe('our counts and those of the server', () => {
  it('are equal for deletes, updates, nested documents, several shards and none; and all of it restores', async () => {
    const repository = await cluster.createRepository('counts')
    const nested = { lines: { type: 'nested', properties: { sku: { type: 'keyword' } } } }
    await createIndex('plain', 1)
    await createIndex('sharded', 4)
    await createIndex('nested', 2, nested)
    await createIndex('emptied', 1)
    await createIndex('empty', 1)
    await createIndex('empty-sharded', 3)
    const order = (id: number) => ({ id, lines: numbers(0, id % 4).map(line => ({ sku: `s${line}` })) })
    await bulk([
      ...numbers(0, 50).flatMap(id => put('plain', id, { id })),
      ...numbers(0, 200).flatMap(id => put('sharded', id, { id })),
      ...numbers(0, 40).flatMap(id => put('nested', id, order(id))),
      ...numbers(0, 10).flatMap(id => put('emptied', id, { id })),
    ])
    const counts: Record<string, Awaited<ReturnType<typeof serverCounts>>> = {}
    counts.one = await serverCounts()
    await cluster.snapshot('counts', 'one', '*')
    await bulk([
      ...numbers(20, 80).flatMap(id => put('plain', id, { id, again: true })),
      ...numbers(0, 200)
        .filter(id => id % 3 === 0)
        .map(id => ({ delete: { _index: 'sharded', _id: `d${id}` } })),
      ...numbers(0, 30).flatMap(id => [{ update: { _index: 'nested', _id: `d${id}` } }, { doc: order(id + 1) }]),
      ...numbers(0, 10).map(id => ({ delete: { _index: 'emptied', _id: `d${id}` } })),
      { delete: { _index: 'empty', _id: 'never-was' } },
    ])
    counts.two = await serverCounts()
    await cluster.snapshot('counts', 'two', '*')

    const inspection = await inspectFolder(repository)
    for (const { name, indices } of inspection.snapshots) {
      const ours = indices.flatMap(index =>
        (index.shards ?? []).map(({ shard, luceneDocs, maxSeqNo, status }) => {
          expect(status).toBe('known')
          return [`${index.name} ${shard}`, { luceneDocs, maxSeqNo }] as const
        }),
      )
      expect(ours).toHaveLength(12)
      expect(Object.fromEntries(ours)).toEqual(counts[name])
    }

    const { run } = await bench.night('counts', { repository: `file://${repository}` })
    expect(run.exit.code).toBe(0)
    expect(run.restores.map(row => [row.index, row.verdict, row.attempts]).filter(row => row[1] !== 'pass')).toEqual([])
    expect(new Set(run.restores.map(row => row.index)).size).toBe(6)
    const totals = (name: string, index: string) =>
      Object.entries(counts[name] ?? {})
        .filter(([key]) => key.startsWith(`${index} `))
        .reduce((sum, [, { luceneDocs }]) => sum + luceneDocs, 0)
    for (const row of run.restores)
      expect([row.index, row.foundDocs]).toEqual([row.index, totals(row.snapshot, row.index)])
    for (const name of ['one', 'two']) expect(snapshotOf(run, name).levels.restore?.verdict).toBe('pass')
  })
})

describe('a snapshot that is deleted while we read', () => {
  async function threeSnapshots(name: string): Promise<string> {
    const folder = await cluster.createRepository(name)
    const index = `${name}-data`
    await createIndex(index, 1)
    for (const round of [1, 2, 3]) {
      await bulk(numbers(round * 10, round * 10 + 10).flatMap(id => put(index, id, { id })))
      await cluster.snapshot(name, `s${round}`, index)
    }
    return folder
  }

  it('during the check makes no finding: the newer generation is judged', async () => {
    const folder = await threeSnapshots('during-check')
    let deleted = false
    const throughReader = (reader: BlobReader): BlobReader => ({
      ...reader,
      async *list(prefix, options) {
        if (prefix !== '' && !deleted) {
          deleted = true
          await ask('DELETE', '/_snapshot/during-check/s2')
        }
        yield* reader.list(prefix, options)
      },
    })
    const { run } = await bench.night('during-check', { repository: `file://${folder}`, throughReader })
    expect(deleted).toBe(true)
    expect(errorsOf(run)).toEqual([])
    expect(run.snapshots.map(snapshot => snapshot.name).sort()).toEqual(['s1', 's3'])
    expect(run.snapshots.every(snapshot => snapshot.levels.restore?.verdict === 'pass')).toBe(true)
    expect(run.repository.generation).toBe(run.finalGeneration)
    expect(run.exit.code).toBe(0)
  })

  it('after it was planned is expired, and nobody is accused', async () => {
    const folder = await threeSnapshots('during-work')
    let deleted = false
    const throughReader = (reader: BlobReader): BlobReader => ({
      ...reader,
      // The first data blob: the plan is made, the mirror has begun.
      get: async (key, options) => {
        if (/\/__/.test(key) && !deleted) {
          deleted = true
          await ask('DELETE', '/_snapshot/during-work/s2')
        }
        return await reader.get(key, options)
      },
    })
    const { run } = await bench.night('during-work', { repository: `file://${folder}`, throughReader })
    expect(deleted).toBe(true)
    expect(errorsOf(run)).toEqual([])
    expect(run.finalGeneration).toBe(run.repository.generation + 1)
    expect(snapshotOf(run, 's2').levels.restore).toMatchObject({ verdict: 'not-applicable', reason: 'expired' })
    expect(snapshotOf(run, 's1').levels.restore?.verdict).toBe('pass')
    expect(snapshotOf(run, 's3').levels.restore?.verdict).toBe('pass')
    expect(run.exit.code).toBe(0)

    const next = await bench.night('during-work', { repository: `file://${folder}` })
    expect(next.run.snapshots.map(snapshot => snapshot.name).sort()).toEqual(['s1', 's3'])
    expect(next.run.exit.code).toBe(0)
  })
})

describe('a snapshot that is taken while we are at work', () => {
  /**
   * `s1` is taken while the blobs of `s0` are fetched; with `another`, `s2` while those of `s1` are, whose root blob only a second look
   * reads; or that one cannot be read.
   */
  async function nightWith(
    name: string,
    then: 'nothing' | 'another' | 'unreadable',
    settings: Readonly<Record<string, string>> = {},
  ) {
    const folder = await cluster.createRepository(name)
    const index = `${name}-data`
    await createIndex(index, 1)
    const take = async (round: number) => {
      await bulk(numbers(round * 10, round * 10 + 10).flatMap(id => put(index, id, { id })))
      await cluster.snapshot(name, `s${round}`, index)
    }
    await take(0)
    const roots = new Set<string>()
    let taken = 0
    const look = async (key: string) => {
      if (then === 'unreadable' && taken === 1 && /^snap-/.test(key) && !roots.has(key)) {
        throw new SnapproofError('unavailable', 'planted: the store is away')
      }
      if (/^snap-/.test(key)) roots.add(key)
      if (!/\/__/.test(key) || taken >= (then === 'another' ? 2 : 1) || roots.size <= taken) return
      taken++
      await take(taken)
    }
    const throughReader = (reader: BlobReader): BlobReader => ({
      ...reader,
      get: async (key, options) => {
        await look(key)
        return await reader.get(key, options)
      },
      read: async (key, options) => {
        await look(key)
        return await reader.read(key, options)
      },
    })
    const repository = `file://${folder}`
    const { run } = await bench.night(name, { repository, throughReader, settings })
    expect(taken).toBe(then === 'another' ? 2 : 1)
    return { run, next: async () => (await bench.night(name, { repository })).run }
  }
  const restored = (run: RunResult) =>
    Object.fromEntries(run.snapshots.map(({ name, levels }) => [name, levels.restore?.verdict]))

  it('is judged and restored before the lease is given back', async () => {
    const { run, next } = await nightWith('second-look', 'nothing')
    expect(errorsOf(run)).toEqual([])
    expect(restored(run)).toEqual({ s0: 'pass', s1: 'pass' })
    expect(run.repository.generation).toBe(run.finalGeneration)
    expect(run.restores.map(({ snapshot, verdict }) => `${snapshot} ${verdict}`)).toEqual(['s0 pass', 's1 pass'])
    // What was owed at the beginning, at the generation that was judged: both.
    expect([run.debt.contentsBefore, run.debt.contents, run.exit.code]).toEqual([2, 0, 0])
    expect(run.snapshots.map(({ chosen }) => chosen)).toEqual([true, true])
    expect((await next()).restores).toEqual([])
  })

  it('is left to the next run when it comes after the second look has begun: nothing is claimed of it', async () => {
    const { run, next } = await nightWith('third', 'another')
    expect(restored(run)).toEqual({ s0: 'pass', s1: 'pass' })
    expect(run.finalGeneration).toBe(run.repository.generation + 1)
    expect(restored(await next())).toEqual({ s0: 'pass', s1: 'pass', s2: 'pass' })
  })

  it('is left to the next run when the store goes away: what the first look saw stands', async () => {
    const { run, next } = await nightWith('gone', 'unreadable')
    expect(restored(run)).toEqual({ s0: 'pass' })
    expect(run.finalGeneration).toBe(run.repository.generation + 1)
    expect([errorsOf(run), run.exit.code]).toEqual([[], 0])
    expect(restored(await next())).toEqual({ s0: 'pass', s1: 'pass' })
  })

  it('is looked at and not restored when the limits are used up', async () => {
    const { run } = await nightWith('used-up', 'nothing', { 'limits.snapshots': '1' })
    expect(restored(run)).toEqual({ s0: 'pass', s1: 'inconclusive' })
    expect(snapshotOf(run, 's1').levels.presence?.verdict).toBe('pass')
    expect(run.repository.generation).toBe(run.finalGeneration)
    expect(run.restores).toHaveLength(1)
    expect(run.exit.code).toBe(0)
  })
})
