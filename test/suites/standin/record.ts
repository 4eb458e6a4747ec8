/**
 * `tsx test/suites/standin/record.ts`: restores every index of every snapshot of a fixture with a real server and writes down what
 * it answered, with the files that each restore reads. Also what it answers where a blob is damaged or missing. The result is
 * `test/fixtures/standin/answers.json`; the stand-in (`server.mjs`) says nothing else.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { startSourceCluster } from '../../../infra/local/cluster.ts'
import { cacheFolder } from '../../../src/config/cache.ts'
import { ask } from '../../../src/engine/client.ts'
import { openCatalogue } from '../../../src/repository/catalogue.ts'
import { contentItems, ownersOf, rootItems } from '../../../src/run/expectation.ts'
import { openFolder } from '../../support/fixtures.ts'
import { flipBitOf } from '../../support/repositoryFiles.ts'

const fixture = join(import.meta.dirname, '../../fixtures/repositories/es-9.5/repository')
const folder = await mkdtemp(join(tmpdir(), 'snapproof-record-'))
const cluster = await startSourceCluster({ workFolder: folder, cacheFolder: cacheFolder(process.env) })
const { client, engine } = cluster
const { signal } = new AbortController()
const target = 'snapproof-target'

const get = (path: string, query: Record<string, string> = {}) => ask(client, { method: 'GET', path, query }, signal)

async function restore(snapshot: string, index: string) {
  await engine.deleteIndex(target, signal)
  const accepted = await engine.startRestore({ repository: 'snapproof', snapshot, index, target, signal })
  if (!accepted.accepted) return { accepted }
  for (;;) {
    const states = await engine.shardStates(target, signal)
    const rows = await engine.recovery(target, signal)
    const done = states.every(({ state, reason }) =>
      state === 'STARTED' ? rows.every(row => row.stage === 'DONE') : reason === 'ALLOCATION_FAILED',
    )
    if (states.length > 0 && done) break
    await delay(50)
  }
  const stats = await get(`/${target}/_stats`, { level: 'shards' })
  return {
    accepted,
    routing: (await get(`/_cluster/state/routing_table/${target}`, { ignore_unavailable: 'true' })).body,
    recovery: (await get(`/${target}/_recovery`)).body,
    stats: lessStats(stats.body),
    count: (await get(`/${target}/_count`)).body,
    mapping: (await get(`/${target}/_mapping`)).body,
  }
}

/** Of the statistics only what anybody reads; the rest is 20 KB a shard. */
function lessStats(body: unknown): unknown {
  type Copy = Record<string, unknown>
  const { _shards, indices } = body as { _shards: unknown; indices: Record<string, { shards: Record<string, Copy[]> }> }
  const few = Object.entries(indices[target]?.shards ?? {}).map(([shard, copies]) => [
    shard,
    copies.map(({ routing, docs, commit, seq_no }) => ({ routing, docs, commit, seq_no })),
  ])
  return { _shards, indices: few.length === 0 ? {} : { [target]: { shards: Object.fromEntries(few) } } }
}

try {
  const mirror = join(engine.repositoryFolder, 'mirror')
  await cp(fixture, mirror, { recursive: true })
  await engine.registerRepository('snapproof', mirror, signal)
  const catalogue = await openCatalogue(openFolder(fixture), { concurrency: 8, maxMetadataBytes: 1 << 28, signal })
  const { snapshots } = catalogue.repositoryData
  const contents = []
  for await (const record of catalogue.readIndices(signal)) {
    const owners = ownersOf(record, catalogue.repositoryData)
    for (const copy of record.copies) {
      const snapshot = snapshots[copy.snapshot]
      if (snapshot === undefined || copy.contentId === null) continue
      const items = [
        ...rootItems(catalogue.repositoryDataBlob),
        ...contentItems(record, copy, catalogue.repositoryData, owners),
      ]
      const needs = []
      for (const { key } of items.flatMap(item => item.parts)) {
        needs.push({ key, crc32: crc32(await readFile(join(fixture, key))) })
      }
      contents.push({
        snapshot: snapshot.name,
        index: record.name,
        needs,
        ...(await restore(snapshot.name, record.name)),
      })
    }
  }
  const first = contents.find(({ index }) => index === 'recreated')
  const key = first?.needs.find(need => /\/__[^/]+$/.test(need.key))?.key
  const meta = first?.needs.find(need => /\/meta-[^/]+$/.test(need.key))?.key
  if (first === undefined || key === undefined || meta === undefined) throw new Error('the fixture has no such index')
  await flipBitOf(join(mirror, key))
  const damagedData = await restore(first.snapshot, first.index)
  await rm(join(mirror, key))
  const missingData = await restore(first.snapshot, first.index)
  await rm(join(mirror, meta))
  const missingMetadata = await restore(first.snapshot, first.index)
  const nodes = (await get('/_nodes/_local')).body
  const { version, index_version } =
    Object.values((nodes as { nodes: Record<string, Record<string, unknown>> }).nodes)[0] ?? {}
  const answers = { version, index_version, target, contents, damagedData, missingData, missingMetadata }
  await writeFile(join(import.meta.dirname, '../../fixtures/standin/answers.json'), `${JSON.stringify(answers)}\n`)
  console.log(`${contents.length} contents`)
} finally {
  await cluster.stop()
  await rm(folder, { recursive: true, force: true })
}
