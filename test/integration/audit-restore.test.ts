/**
 * Audits on a real server that is tampered with between the mirror and the verdict: what the server did not positively show
 * is never a pass, and what is our own trouble accuses nobody.
 */
import { join } from 'node:path'
import process from 'node:process'
import type { Client } from '@elastic/elasticsearch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engine/port.ts'
import type { Expectation } from '../../src/model/evidence.ts'
import { judge } from '../../src/rules/judge.ts'
import { type Bench, errorsOf, fixture, openBench, restoreOf, type Server, snapshotOf } from '../support/auditRun.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { dataBlobs, filesOf, flipBitOf, indexIdOf, inspectFolder } from '../support/repositoryFiles.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

/** `growing` has three shards and another content in each of the first two snapshots. */
const index = 'growing'
const snapshot = 'night-1'
const repository = `file://${fixture}`

/** Remembers under which target `growing` is restored. */
function watchTarget(engine: Engine, onStart: (target: string) => Promise<void> = async () => {}) {
  const targets = new Set<string>()
  const startRestore: Engine['startRestore'] = async request => {
    if (request.index === index) {
      targets.add(request.target)
      await onStart(request.target)
    }
    return await engine.startRestore(request)
  }
  return { targets, startRestore }
}

describe('a server that restores fewer documents than promised', () => {
  async function loseDocument(client: Client, target: string): Promise<void> {
    const request = (method: string, path: string, body?: object) =>
      client.transport.request<{ hits: { hits: { _id: string }[] } }>({ method, path, ...(body ? { body } : {}) })
    const found = await request('POST', `/${target}/_search`, { size: 1 })
    const id = found.hits.hits[0]?._id
    if (id === undefined) throw new Error(`${target} holds no document`)
    await request('DELETE', `/${target}/_doc/${id}`)
    await request('POST', `/${target}/_flush?force=true`)
    await request('POST', `/${target}/_refresh`)
  }

  it('is a fail after the repeat in a fresh server, names the index, exits with 1, and is cured by a good restore', async () => {
    const lost: string[] = []
    const throughServer = ({ engine, client }: Server): Engine => {
      const { targets, startRestore } = watchTarget(engine)
      const shardStats: Engine['shardStats'] = async (target, signal) => {
        if (targets.has(target)) {
          await loseDocument(client, target)
          lost.push(target)
        }
        return await engine.shardStats(target, signal)
      }
      return { ...engine, startRestore, shardStats }
    }
    const { run, pids, evidence } = await bench.night('fewer', { repository, only: [snapshot], throughServer })
    expect(lost).toHaveLength(2)
    expect(new Set(pids).size).toBe(2)
    expect(run.exit.code).toBe(1)
    expect(errorsOf(run)).toMatchObject([
      { code: 'document-count-mismatch', index, snapshots: [snapshotOf(run, snapshot).uuid] },
    ])
    const row = run.restores.find(one => one.index === index)
    expect(row).toMatchObject({ verdict: 'fail', attempts: 2, expectedDocs: 60, foundDocs: 59 })
    expect((await evidence(index, snapshot)).count).toBe(59)
    expect(restoreOf(run, snapshot, index)).toBe('fail found')
    expect(snapshotOf(run, snapshot).levels.restore?.verdict).toBe('fail')
    const others = run.restores.filter(one => one.index !== index)
    expect(others.every(one => one.verdict === 'pass' && one.attempts === 1)).toBe(true)

    const next = await bench.night('fewer', { repository, only: [snapshot] })
    expect(next.run.exit.code).toBe(0)
    expect(snapshotOf(next.run, snapshot).levels.restore?.verdict).toBe('pass')
  })
})

describe('a server that is killed in mid-restore', () => {
  it('is inconclusive, still debt, accuses nobody; the rest goes on in a fresh server, the next run proves it', async () => {
    let killed = 0
    const throughServer = ({ engine, pid }: Server): Engine => ({
      ...engine,
      startRestore: async request => {
        const answer = await engine.startRestore(request)
        if (request.index === index && killed++ === 0) process.kill(-pid, 'SIGKILL')
        return answer
      },
    })
    const { run, pids } = await bench.night('killed', { repository, throughServer })
    expect(pids).toHaveLength(2)
    expect(run.findings.filter(finding => finding.severity !== 'information')).toEqual([])
    const died = run.restores.filter(row => row.verdict !== 'pass')
    expect(died).toMatchObject([{ index, verdict: 'inconclusive', reason: 'engine-died' }])
    expect(run.restores.length).toBeGreaterThan(5)
    expect(run.debt.contents).toBe(1)
    const victim = died[0]?.snapshot ?? ''
    expect(restoreOf(run, victim, index)).toBe('inconclusive engine-died')
    expect(snapshotOf(run, victim).levels.restore?.verdict).toBe('inconclusive')
    expect(run.exit.code).toBe(0)

    const next = await bench.night('killed', { repository })
    expect(next.run.restores).toMatchObject([{ contentId: died[0]?.contentId, index, verdict: 'pass' }])
    expect(next.run.debt.contents).toBe(0)
  })
})

describe('a shard that fails', () => {
  /** The blobs of shard 1 are bad whenever the server looks, and good whenever we do. */
  function withBadShard({ engine, mirrorFolder }: Server, id: string): Engine {
    let spoiled: string[] = []
    const { targets, startRestore } = watchTarget(engine, async () => {
      const folder = join(mirrorFolder, 'indices', id, '1')
      spoiled = (await dataBlobs(folder)).map(name => join(folder, name))
      for (const path of spoiled) await flipBitOf(path)
    })
    return {
      ...engine,
      startRestore,
      deleteIndex: async (target, signal) => {
        await engine.deleteIndex(target, signal)
        if (!targets.has(target)) return
        for (const path of spoiled) await flipBitOf(path)
        spoiled = []
      },
    }
  }

  it('vanishes from _recovery and is a fail after the repeat, never a pass', async () => {
    const id = indexIdOf(await inspectFolder(fixture), snapshot, index)
    const { run, pids, evidence } = await bench.night('shard', {
      repository,
      only: [snapshot],
      throughServer: server => withBadShard(server, id),
    })
    expect(pids).toHaveLength(2)
    expect(run.exit.code).toBe(1)
    expect(errorsOf(run)).toMatchObject([{ code: 'restore-shard-failed', index, shard: 1 }])
    expect(errorsOf(run)[0]?.message).toMatch(/^shard 1: .*CorruptIndexException: verification failed/)
    expect(errorsOf(run)[0]?.message).not.toMatch(/\n|\bat org\./)
    expect(restoreOf(run, snapshot, index)).toBe('fail found')
    const seen = await evidence(index, snapshot)
    expect(seen.attempt).toBe(2)
    const shardsOf = (rows: readonly { shard: number }[]) => rows.map(row => row.shard).sort()
    expect(shardsOf(seen.stats)).toEqual([0, 2])
    expect(shardsOf(seen.unstarted)).toEqual([1])
    // The trap of the server: judged by these rows alone everything is done.
    expect(shardsOf(seen.recovery)).toEqual([0, 2])
    expect(seen.recovery.every(row => row.stage === 'DONE')).toBe(true)

    const expected = await expectationOf(seen.contentId, seen.snapshotUuid)
    expect(judge(expected, seen).verdict).toBe('fail')
    expect(judge(expected, { ...seen, unstarted: [] })).toMatchObject({ verdict: 'inconclusive' })
    expect(judge(expected, { ...seen, unstarted: [], count: 37, fields: expected.fields }).verdict).not.toBe('pass')
  })

  it('on blobs that went bad in the mirror, again and again, is our own disk: nobody is accused', async () => {
    const id = indexIdOf(await inspectFolder(fixture), snapshot, index)
    const throughServer = ({ engine, mirrorFolder }: Server): Engine => {
      const { startRestore } = watchTarget(engine, async () => {
        const folder = join(mirrorFolder, 'indices', id)
        for (const name of await dataBlobs(folder)) await flipBitOf(join(folder, name))
      })
      return { ...engine, startRestore }
    }
    const { run } = await bench.night('disk', { repository, only: [snapshot], throughServer })
    expect(errorsOf(run)).toEqual([])
    expect(restoreOf(run, snapshot, index)).toBe('inconclusive not-repeated')
    expect(run.exit.code).not.toBe(1)
  })

  async function expectationOf(contentId: string, snapshotUuid: string): Promise<Expectation> {
    const shards = repositoryFixtures().find(one => one.name === 'es-9.5')?.expected.snapshots[snapshot]?.indices[index]
    return {
      contentId,
      snapshotUuid,
      indexName: index,
      snapshot,
      shards: (shards ?? []).flatMap((one, shard) =>
        one === null ? [] : [{ ...one, shard, files: one.files ?? 0, bytes: one.bytes ?? 0 }],
      ),
      hasNested: false,
      fields: {},
    }
  }
})

describe('a blob of the mirror that is damaged after it was fetched', () => {
  it('is seen, fetched again and restored in a fresh server; nobody is accused', async () => {
    const id = indexIdOf(await inspectFolder(fixture), snapshot, index)
    const fetched: string[] = []
    let damaged = ''
    const { run, pids } = await bench.night('mirror', {
      repository,
      only: [snapshot],
      throughServer: ({ engine, mirrorFolder }, start) => {
        const { startRestore } = watchTarget(engine, async () => {
          if (start > 1) return
          const folder = join(mirrorFolder, 'indices', id)
          const [largest = ''] = await dataBlobs(folder)
          await flipBitOf(join(folder, largest))
          damaged = `indices/${id}/${largest}`
        })
        return { ...engine, startRestore }
      },
      throughReader: reader => ({
        ...reader,
        get: async (key, options) => {
          fetched.push(key)
          return await reader.get(key, options)
        },
      }),
    })
    expect(fetched.filter(key => key === damaged)).toHaveLength(2)
    expect(pids).toHaveLength(2)
    expect(errorsOf(run)).toEqual([])
    expect(run.restores.find(row => row.index === index)).toMatchObject({ verdict: 'pass', attempts: 2 })
    expect(run.exit.code).toBe(0)
    expect(await filesOf(join(bench.folder, 'work'))).toEqual([])
  })
})
