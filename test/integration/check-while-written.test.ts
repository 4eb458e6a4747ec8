/**
 * A healthy repository that is written while it is checked is never accused: a real cluster takes and deletes snapshots
 * without a pause, and every check either holds or says that the repository moved.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SourceCluster, startSourceCluster } from '../../infra/local/cluster.ts'
import { openDirectoryStore } from '../../src/blobs/directory.ts'
import type { BlobReader, RequestCounts } from '../../src/blobs/port.ts'
import type { CheckMemory } from '../../src/check/memory.ts'
import { cacheFolder } from '../../src/config/cache.ts'
import { exitCodes } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import { currentGeneration } from '../../src/repository/generation.ts'
import { type CheckLevel, type CheckReport, checkReport } from '../../src/run/checkReport.ts'
import { systemClock } from '../../src/time.ts'

/** `npm run test:all -- healthy` asks for more. */
import { MapMemory } from '../check/nights.ts'

const rounds = Number(process.env.SNAPPROOF_HEALTHY_ROUNDS ?? 10)
const levels: readonly CheckLevel[] = ['presence', 'bytes']
/** Snapshots that are kept; older ones are deleted. */
const kept = 3
const indices = ['orders', 'sharded', 'reborn']
const signal = new AbortController().signal

let folder: string
let cluster: SourceCluster
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-written-'))
  cluster = await startSourceCluster({ workFolder: join(folder, 'source'), cacheFolder: cacheFolder(process.env) })
})
afterAll(async () => {
  await cluster?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function ask(method: string, path: string, body?: object): Promise<void> {
  await cluster.client.transport.request(
    { method, path, ...(body === undefined ? {} : { body }) },
    { requestTimeout: 60_000 },
  )
}

/** New documents and updates of old ones, so that segments merge and their blobs leave with the old snapshots. */
async function write(turn: number): Promise<void> {
  const lines = indices.flatMap(index =>
    Array.from({ length: 30 }, (_, i) => [
      { index: { _index: index, _id: `d${(turn * 20 + i) % 200}` } },
      { turn, text: `${index} ${i} `.repeat(20) },
    ]).flat(),
  )
  const answer = await cluster.client.transport.request<{ errors: boolean }>(
    {
      method: 'POST',
      path: '/_bulk',
      querystring: { refresh: 'true' },
      bulkBody: `${lines.map(line => JSON.stringify(line)).join('\n')}\n`,
    },
    { requestTimeout: 60_000 },
  )
  if (answer.errors) throw new Error('the bulk had errors')
}

async function create(index: string): Promise<void> {
  const number_of_shards = index === 'sharded' ? 3 : 1
  await ask('PUT', `/${index}`, { settings: { number_of_replicas: 0, number_of_shards } })
}

/** One turn of the writer: the generation moves by one for the snapshot and by one for the deletion. */
async function takeTurn(repository: string, turn: number, names: string[]): Promise<void> {
  if (turn % 4 === 3) {
    // Under a new id: the folder of the old one leaves the repository with its last snapshot.
    await ask('DELETE', '/reborn')
    await create('reborn')
  }
  await write(turn)
  if (turn % 5 === 4) await ask('POST', '/orders/_forcemerge?max_num_segments=1')
  await cluster.snapshot(repository, `s${turn}`, indices.join(','))
  names.push(`s${turn}`)
  if (names.length > kept) {
    const old = names.splice(0, turn % 3 === 2 ? 2 : 1)
    await ask('DELETE', `/_snapshot/${repository}/${old.join(',')}`)
  }
}

/** Writes until it is told to stop. `stop` rejects with what the cluster refused. */
function startWriter(repository: string): { stop(): Promise<number> } {
  let stopped = false
  async function run(): Promise<number> {
    const names: string[] = []
    let turn = 0
    for (; !stopped || turn < kept; turn++) await takeTurn(repository, turn, names)
    return turn
  }
  const running = run()
  // Told at the end, by whoever awaits `stop`.
  running.catch(() => undefined)
  return {
    stop: () => {
      stopped = true
      return running
    },
  }
}

/** Waits until the repository is at `generation`; the writer never pauses for long. */
async function reached(blobs: BlobReader, generation: number): Promise<void> {
  const deadline = systemClock.monotonicMs() + 20_000
  while ((await currentGeneration(blobs, signal)) < generation) {
    if (systemClock.monotonicMs() > deadline) throw new Error(`the writer did not come to generation ${generation}`)
    await systemClock.sleep(5, signal)
  }
}

/** A listing so slow that every snapshot of the generation that was read before it is gone. */
function lateLister(blobs: BlobReader): BlobReader {
  return {
    ...blobs,
    async *list(prefix, options) {
      await reached(blobs, (await currentGeneration(blobs, signal)) + 2 * (kept + 1))
      yield* blobs.list(prefix, options)
    },
  }
}

/** A slow way to the store: before every request whose number `isHeld`, a snapshot is taken and old ones are deleted. */
function heldReader(blobs: BlobReader, isHeld: (request: number) => boolean): BlobReader & { requests(): number } {
  let requests = 0
  async function pass(): Promise<void> {
    if (isHeld(requests++)) await reached(blobs, (await currentGeneration(blobs, signal)) + 2)
  }
  return {
    ...blobs,
    requests: () => requests,
    async *list(prefix, options) {
      await pass()
      yield* blobs.list(prefix, options)
    },
    head: async (key, options) => {
      await pass()
      return await blobs.head(key, options)
    },
    get: async (key, options) => {
      await pass()
      return await blobs.get(key, options)
    },
    read: async (key, options) => {
      await pass()
      return await blobs.read(key, options)
    },
  }
}

interface Checked {
  readonly report: CheckReport
  readonly exitCode: number
}

async function checkOnce(blobs: BlobReader, level: CheckLevel, memory: CheckMemory | null = null): Promise<Checked> {
  const counts: RequestCounts = { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 }
  return await checkReport({
    level,
    maxBytes: null,
    maxSeconds: null,
    memory,
    blobs,
    counts,
    requests: 4,
    maxMetadataBytes: 1 << 28,
    clock: systemClock,
    log: silentLog,
    signal,
  })
}

/** What a report says against the repository. */
function accusations({ findings, verdicts }: CheckReport): unknown[] {
  return [
    ...findings.filter(finding => finding.severity !== 'information'),
    ...verdicts.filter(row => row.verdict === 'fail'),
  ]
}

function expectNoAccusation({ report, exitCode }: Checked, level: CheckLevel): void {
  expect(accusations(report)).toEqual([])
  expect(report.verdicts.length).toBeGreaterThan(0)
  const open = report.verdicts.filter(row => row.verdict !== 'pass')
  for (const row of open) expect(row).toMatchObject({ verdict: 'inconclusive', reason: 'repository-moved' })
  const isOpen = open.some(row => row.level === level)
  expect(exitCode).toBe(isOpen ? exitCodes.debtBeyondPolicy : exitCodes.good)
}

describe('a healthy repository that is being written', () => {
  it(
    'is never accused, and passes whole once the writer rests',
    async () => {
      const blobs = openDirectoryStore({ folder: await cluster.createRepository('written'), clock: systemClock })
      for (const index of indices) await create(index)
      const writer = startWriter('written')
      let moved = 0
      const memory = new MapMemory()
      try {
        await reached(blobs, kept - 1)
        // Requests of one check that nobody holds: where in a check to hold it is taken from them.
        const free = heldReader(blobs, () => false)
        await checkOnce(free, 'presence')
        for (let round = 0; round < rounds; round++) {
          const level = levels[round % levels.length] ?? 'bytes'
          // Once, ever later in the check; in every third round again and again, so that it cannot settle.
          const at = Math.floor((round / rounds) * free.requests())
          const isHeld = (request: number) => (round % 3 === 2 ? request % 20 === 10 : request === at)
          const before = await currentGeneration(blobs, signal)
          // Every other round remembers what the rounds before it saw of a repository that never stood still.
          const checked = await checkOnce(heldReader(blobs, isHeld), level, round % 2 === 1 ? memory : null)
          if ((await currentGeneration(blobs, signal)) > before) moved++
          expectNoAccusation(checked, level)
        }
        for (const level of levels) {
          // Whatever these read, they lost: that is said, and still nobody is accused.
          const lost = await checkOnce(lateLister(blobs), level)
          expectNoAccusation(lost, level)
          expect(lost.exitCode).toBe(exitCodes.debtBeyondPolicy)
        }
      } finally {
        await writer.stop()
      }
      expect(moved).toBeGreaterThanOrEqual(rounds / 2)

      const rested = await checkOnce(blobs, 'bytes')
      expect(accusations(rested.report)).toEqual([])
      expect(memory.rows.size).toBeGreaterThan(0)
      const { report } = await checkOnce(blobs, 'bytes', memory)
      const told = (rows: CheckReport['verdicts']) => rows.map(row => [row.snapshot, row.level, row.verdict])
      expect(told(report.verdicts)).toEqual(told(rested.report.verdicts))
      expect(report.findings).toEqual(rested.report.findings)
      expect(rested.report.generation).toBe(await currentGeneration(blobs, signal))
      expect(new Set(rested.report.verdicts.map(row => row.verdict))).toEqual(new Set(['pass']))
      expect(rested.exitCode).toBe(exitCodes.good)
    },
    Math.max(240_000, rounds * 30_000),
  )
})
