/**
 * Two and five real runs at once, each a process with a disk of its own, on our S3 server and on one of another maker. Nothing is left to
 * luck: doors before the store (test/suites/gate.ts) hold each run until all have come as far, so that they meet every time.
 *
 * - `lease`: all see that nobody holds the lease before one may write it. One works, the others leave with 3 while it works.
 * - `fold`: all believe to hold it, for each lease is taken for expired once it is taken. All journal side by side and all want to store the
 *   ledger at the same time; one is first and the others fold again.
 *
 * `npm run test:all -- races`: 100 rounds.
 */
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalS3 } from '../../infra/local/s3/server.ts'
import { startVersitygw, versitygwMissing } from '../../infra/local/versitygw.ts'
import { openS3Store } from '../../src/blobs/s3.ts'
import { systemClock } from '../../src/time.ts'
import { fakeCredentials } from '../blobs/support.ts'
import { buildProgram, newMachine } from '../suites/built.ts'
import { startGate } from '../suites/gate.ts'
import { Latch, Meeting } from '../suites/meeting.ts'
import { standInDistribution } from '../suites/standin/distribution.ts'
import { contentRows, wrongLedger } from '../suites/truth.ts'
import { fixture } from '../suites/wholeAudit.ts'
import { keysOf } from '../support/fixtures.ts'

fakeCredentials()
const missing = await versitygwMissing()
const rounds = Number(process.env.SNAPPROOF_RACES ?? '10')

let folder = ''
let main = ''
let engine = ''
const counts: Record<string, number> = {}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-races-'))
  main = await buildProgram(folder)
  engine = await standInDistribution(join(folder, 'engine'))
})
afterAll(async () => {
  const file = process.env.SNAPPROOF_RACES_RESULT
  if (file !== undefined) await writeFile(file, JSON.stringify(counts))
  await rm(folder, { recursive: true, force: true })
})

interface Server {
  readonly endpointUrl: string
  /** Folder of the buckets. */
  readonly root: string
  stop(): Promise<void>
}

const servers: readonly (readonly [string, () => Promise<Server>])[] = [
  [
    'our S3 server',
    async () => {
      const root = join(folder, 's3')
      const { endpointUrl, close } = await startLocalS3({ root })
      return { endpointUrl, root, stop: close }
    },
  ],
  ['versitygw', () => startVersitygw(join(folder, 'versitygw'))],
]

interface Race {
  readonly folder: string
  readonly bucket: string
  readonly ledgerFolder: string
  readonly lease: string
}

async function newRace(server: Server, name: string): Promise<Race> {
  const bucket = `race-${name}`
  await mkdir(join(server.root, bucket))
  // Through S3, so that every object has what the server gives it.
  const store = openS3Store({ bucket, basePath: 'base', endpointUrl: server.endpointUrl, clock: systemClock })
  await Promise.all(keysOf(fixture).map(async key => store.put(key, await readFile(join(fixture, key)))))
  await store.close()
  const ledgerFolder = join(server.root, bucket, 'ledger')
  return { folder: join(folder, bucket), bucket, ledgerFolder, lease: join(ledgerFolder, 'lease.json') }
}

type Door = (who: number, request: { readonly method: string; readonly name: string }) => Promise<void>

/** As many runs at once as asked for, each behind its own door, once it may start; resolves with how they ended. */
async function runAtOnce(
  server: Server,
  race: Race,
  count: number,
  door: Door,
  ended: (who: number) => void,
  starts: (who: number) => Promise<void> = async () => {},
) {
  const runs = Array.from({ length: count }, async (_, who) => {
    const gate = await startGate(server.endpointUrl, async ({ method, path }) => {
      await door(who, { method, name: path.split('/ledger/')[1] ?? '' })
      return 'serve' as const
    })
    const { endpointUrl } = gate
    const machine = await newMachine({
      main,
      folder: join(race.folder, `${who}`),
      endpointUrl,
      bucket: race.bucket,
      engine,
    })
    await starts(who)
    const end = await machine.audit('out').ended
    ended(who)
    await gate.close()
    return { ...end, run: end.code === 0 ? await machine.runJson('out') : null, left: await machine.servers() }
  })
  return await Promise.all(runs)
}

async function expire({ lease }: Race): Promise<void> {
  const anHourAgo = Date.now() / 1000 - 3600
  await utimes(lease, anHourAgo, anHourAgo)
}

/** The ledger is whole, and the next run has nothing to do. */
async function expectAllKept(server: Server, race: Race, expected: readonly string[]): Promise<void> {
  expect(await wrongLedger(race)).toEqual([])
  const proven = (await contentRows(race.ledgerFolder)).map(row => `${row.indexName} ${row.contentId} ${row.verdict}`)
  expect(proven.sort()).toEqual([...expected].sort())
  const [next] = await runAtOnce(
    server,
    race,
    1,
    async () => {},
    () => {},
  )
  expect([next?.code, next?.run?.restores]).toEqual([0, []])
  expect(next?.run?.findings.filter(({ severity }) => severity !== 'information')).toEqual([])
}

const rowsOf = (run: Awaited<ReturnType<typeof runAtOnce>>[number]) =>
  (run.run?.restores ?? []).map(row => `${row.index} ${row.contentId} ${row.verdict}`)

async function raceForLease(server: Server, race: Race, count: number): Promise<void> {
  const looked = new Meeting(count)
  const writes = new Meeting(count)
  const othersLeft = new Latch()
  let left = 0
  const door: Door = async (who, { method, name }) => {
    if (name === 'lease.json' && method !== 'PUT') await looked.join(who)
    if (name === 'lease.json' && method === 'PUT') await writes.join(who)
    if (name === 'ledger.sqlite.gz' && method === 'PUT') await othersLeft.pass('the others did not leave')
  }
  const ended = await runAtOnce(server, race, count, door, () => {
    if (++left === count - 1) othersLeft.open()
  })
  const said = ended.map(({ stderr }) => stderr).join('\n\n')
  expect([looked.isOver, writes.isOver], said).toEqual([true, true])
  expect(ended.map(({ code }) => code).sort(), said).toEqual([0, ...Array.from({ length: count - 1 }, () => 3)])
  for (const { code, stderr } of ended) if (code === 3) expect(stderr).toMatch(/is held by .* since .*\n {2}Wait for/)
  expect(ended.flatMap(({ left: pids }) => pids)).toEqual([])
  const winner = ended.find(({ code }) => code === 0)
  if (winner === undefined) throw new Error('nobody won')
  expect(rowsOf(winner).length).toBeGreaterThan(8)
  await expectAllKept(server, race, rowsOf(winner))
}

async function raceToFold(server: Server, race: Race, count: number): Promise<void> {
  const work = new Meeting(count)
  const stores = new Meeting(count)
  /** Who may start; each in turn, once the one before holds the lease. A request that is held for so long would be given up. */
  const turns = Array.from({ length: count + 1 }, () => new Latch())
  turns[0]?.open()
  const holds = new Set<number>()
  const door: Door = async (who, { method, name }) => {
    // The lease is written by now: what it wants next is the ledger.
    if (name === 'ledger.sqlite.gz' && method !== 'PUT' && !holds.has(who)) {
      holds.add(who)
      if (who < count - 1) await expire(race)
      turns[who + 1]?.open()
    }
    if (name.startsWith('journals/') && method === 'PUT') await work.join(who)
    if (name === 'ledger.sqlite.gz' && method === 'PUT') await stores.join(who)
  }
  const starts = (who: number) => turns[who]?.pass('no turn came') ?? Promise.resolve()
  const ended = await runAtOnce(server, race, count, door, () => {}, starts)
  const said = ended.map(({ stderr }) => stderr).join('\n\n')
  expect([work.isOver, stores.isOver], said).toEqual([true, true])
  expect(ended.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual(ended.map(() => 0))
  // All but one were too late at least once.
  const again = ended.filter(({ stderr }) => stderr.includes('another run stored the ledger first'))
  expect(again).toHaveLength(count - 1)
  expect(ended.flatMap(({ left }) => left)).toEqual([])
  await expectAllKept(server, race, ended.flatMap(rowsOf))
}

describe.each(servers)('%s', (where, start) => {
  if (where === 'versitygw' && missing !== null) {
    test.skip(missing, () => {})
    return
  }
  let server: Server
  beforeAll(async () => {
    server = await start()
  }, 900_000)
  afterAll(() => server?.stop())

  const half = Array.from({ length: Math.ceil(rounds / 2) }, (_, round) => round)
  test.each(half)(
    'round %i',
    async round => {
      const count = round % 4 < 2 ? 2 : 5
      const kind = round % 2 === 0 ? 'lease' : 'fold'
      const race = await newRace(server, `${where === 'versitygw' ? 'v' : 's'}-${round}`)
      await (kind === 'lease' ? raceForLease : raceToFold)(server, race, count)
      const name = `${where}: ${count} at once, ${kind}`
      counts[name] = (counts[name] ?? 0) + 1
      await rm(race.folder, { recursive: true, force: true })
    },
    1_800_000,
  )
})
