/**
 * A real `snapproof audit` is killed (SIGKILL) at a chosen request to its store, three times in a row, and then left to end. What it
 * proved before is kept and recorded once, the next run removes the folder and the server of the dead one, and of nobody else.
 *
 * The moment is a request and not a time: the request is never served, or it is served and its answer is lost. The server is the
 * stand-in (test/suites/standin), in SNAPPROOF_KILLS_REAL chains a real one. The same with the parts of an array of machines.
 * `npm run test:all -- kills`: 200 kills.
 */
import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LocalS3, startLocalS3 } from '../../infra/local/s3/server.ts'
import { seededRandom } from '../../src/repository/damage/random.ts'
import { buildProgram, type Machine, newMachine } from '../suites/built.ts'
import { type Gate, type Passage, startGate } from '../suites/gate.ts'
import { standInDistribution } from '../suites/standin/distribution.ts'
import { contentRows, wrongLedger } from '../suites/truth.ts'
import { fixture } from '../suites/wholeAudit.ts'

const kills = Number(process.env.SNAPPROOF_KILLS ?? '12')
const seed = Number(process.env.SNAPPROOF_SEED ?? '6')
/** Chains of three kills on a real server. */
const realChains = Number(process.env.SNAPPROOF_KILLS_REAL ?? '0')
const killsInAChain = 3
/** Arrays of machines, each part of which is killed once. */
const arrays = Number(process.env.SNAPPROOF_KILLS_ARRAYS ?? '1')

let folder = ''
let main = ''
let engine = ''
let s3: LocalS3
const random = seededRandom(seed)
const below = (limit: number) => Math.floor(random() * limit)
const counts = { kills: 0, real: 0, ofArrays: 0, resumes: 0, requests: 0, unserved: 0, lost: 0 }
/** `index content` of all that a night without a kill proves. */
let all: string[] = []

interface Chain {
  readonly folder: string
  readonly machine: Machine
  readonly ledgerFolder: string
  /** Kills the run at this request; null: never. */
  killAt: number | null
  how: 'hold' | 'lose'
  seen: number
  readonly gate: Gate
  end: () => void
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-kills-'))
  main = await buildProgram(folder)
  engine = await standInDistribution(join(folder, 'engine'))
  s3 = await startLocalS3({ root: join(folder, 's3') })
  const clean = await newChain('clean', false)
  const { code, stderr } = await clean.machine.audit('clean').ended
  expect([code, stderr]).toEqual([0, expect.any(String)])
  counts.requests = clean.seen
  all = (await provenIn(clean)).sort()
  await clean.gate.close()
  expect(all.length).toBeGreaterThan(8)
})

afterAll(async () => {
  const file = process.env.SNAPPROOF_KILLS_RESULT
  if (file !== undefined) await writeFile(file, JSON.stringify(counts))
  await s3?.close()
  await rm(folder, { recursive: true, force: true })
})

async function newChain(name: string, real: boolean): Promise<Chain> {
  const own = join(folder, name)
  // A bucket of its own behind the one name that the configuration has.
  const bucket = join(folder, 's3', `bucket-${name}`)
  await cp(fixture, join(bucket, 'base'), { recursive: true })
  await mkdir(join(bucket, 'ledger'))
  const gate = await startGate(`${s3.endpointUrl}`, ({ path }) => decide(path))
  const decide = (path: string): Passage => {
    void path
    chain.seen++
    if (chain.killAt === null || chain.seen < chain.killAt) return 'serve'
    // An answer that is lost is asked for again, or something else is: the run has died by then.
    if (chain.seen === chain.killAt && chain.how === 'lose') return 'lose'
    chain.end()
    return 'hold'
  }
  const endpointUrl = gate.endpointUrl
  const machine = await newMachine({
    main,
    folder: own,
    endpointUrl,
    engine: real ? null : engine,
    bucket: `bucket-${name}`,
  })
  const chain: Chain = {
    folder: own,
    machine,
    ledgerFolder: join(bucket, 'ledger'),
    killAt: null,
    how: 'hold',
    seen: 0,
    gate,
    end: () => {},
  }
  return chain
}

async function provenIn({ ledgerFolder }: Chain): Promise<string[]> {
  const rows = await contentRows(ledgerFolder)
  return rows.filter(({ verdict }) => verdict === 'pass').map(row => `${row.indexName} ${row.contentId}`)
}

/** A run that lives: its folder and its server must stay, whoever is killed beside it. */
async function neighbour(work: string) {
  const own = join(work, '20260101T000000Z-0123abcd')
  await mkdir(join(own, 'logs'), { recursive: true })
  await writeFile(join(own, 'owner.json'), JSON.stringify({ host: hostname(), pid: process.pid }))
  await writeFile(join(own, 'mirrored'), 'a blob')
  const command = join(engine, 'bin/elasticsearch')
  const server = spawn(command, [`-Epath.logs=${join(own, 'logs')}`], { stdio: 'ignore' })
  return { name: '20260101T000000Z-0123abcd', own, server }
}

async function chainOfKills(name: string, real: boolean): Promise<void> {
  const chain = await newChain(name, real)
  const { machine } = chain
  const beside = await neighbour(machine.work)
  const dead: number[] = []
  try {
    for (let run = 0; run <= killsInAChain; run++) {
      const last = run === killsInAChain
      const before = (await provenIn(chain)).sort()
      chain.seen = 0
      // Later runs ask for less: what a chosen moment lies beyond has ended well.
      chain.killAt = last ? null : 1 + below(Math.floor(counts.requests * (run === 0 ? 1 : 0.6)))
      chain.how = below(2) === 0 ? 'hold' : 'lose'
      const audit = machine.audit(`run-${run}`)
      chain.end = audit.kill
      const { code, stderr } = await audit.ended
      const where = `${name}, run ${run}, killed at request ${chain.killAt} (${chain.how}):\n${stderr}`
      // Whoever watches it: a server without its run ends by itself.
      await expectOnly(machine, beside.server.pid ?? 0, where)
      // The next run takes the lease over once it has expired, by the store's time.
      await expire(join(chain.ledgerFolder, 'lease.json'))
      const now = (await provenIn(chain)).sort()
      expect(now, where).toEqual([...new Set(now)])
      expect(now, where).toEqual(expect.arrayContaining(before))
      if (code === null) {
        counts.kills++
        counts[chain.how === 'hold' ? 'unserved' : 'lost']++
        if (real) counts.real++
        dead.push(run)
        continue
      }
      counts.resumes++
      expect(code, where).toBe(0)
      const restored = (await machine.runJson(`run-${run}`)).restores
      expect(
        restored.filter(({ verdict }) => verdict !== 'pass'),
        where,
      ).toEqual([])
      // What was journalled before is not restored again, all else is.
      expect([...before, ...restored.map(row => `${row.index} ${row.contentId}`)].sort(), where).toEqual(all)
      expect(await readdir(machine.work), where).toEqual([beside.name])
      expect(await wrongLedger(chain), where).toEqual([])
    }
    expect(dead.length).toBeGreaterThan(0)
    expect(beside.server.exitCode).toBeNull()
    expect(await readFile(join(beside.own, 'mirrored'), 'utf8')).toBe('a blob')
  } finally {
    beside.server.kill('SIGKILL')
    await chain.gate.close()
    await rm(chain.folder, { recursive: true, force: true })
  }
}

async function expectOnly(machine: Machine, neighbourPid: number, where: string): Promise<void> {
  await expect
    .poll(async () => (await machine.servers()).filter(pid => pid !== neighbourPid), {
      timeout: 30_000,
      message: where,
    })
    .toEqual([])
}

async function expire(lease: string): Promise<void> {
  const anHourAgo = Date.now() / 1000 - 3600
  await utimes(lease, anHourAgo, anHourAgo).catch(() => {}) // killed before it took one
}

test(
  `${kills} kills on the stand-in server`,
  async () => {
    for (let i = 0; counts.kills < kills; i++) await chainOfKills(`chain-${i}`, false)
    expect(counts.kills).toBeGreaterThanOrEqual(kills)
  },
  3_600_000 * 2,
)

test.skipIf(realChains === 0)(
  `${realChains} chains of kills on a real server`,
  async () => {
    for (let i = 0; i < realChains; i++) await chainOfKills(`real-${i}`, true)
  },
  3_600_000,
)

/** Requests of each part of an array in which nobody is killed. */
const parts = ['plan', 'work 0', 'work 1', 'collect'] as const

/** Each part is killed at `moment` (0 to 1) of its requests and done again. Null: nobody is killed, the answer says what they ask for. */
async function arrayOfMachines(name: string, requests: readonly number[] | null): Promise<readonly number[]> {
  const chain = await newChain(name, false)
  const { machine } = chain
  const url = `s3://bucket-${name}/ledger/arrays/a/plan.json`
  const start = (part: (typeof parts)[number], out: string) => {
    if (part === 'plan') return machine.start('plan', '--children', '2', '--out', url, '--deadline', '30m')
    if (part === 'collect') return machine.start('collect', '--plan', url, '--out', join(chain.folder, 'out', out))
    return machine.start('work', '--plan', url, '--child', part.slice(-1))
  }
  const asked: number[] = []
  try {
    for (const [i, part] of parts.entries()) {
      for (const isKilled of requests === null ? [false] : [true, false]) {
        chain.seen = 0
        chain.killAt = isKilled ? 1 + below(requests?.[i] ?? 1) : null
        chain.how = below(2) === 0 ? 'hold' : 'lose'
        const run = start(part, 'collected')
        chain.end = run.kill
        const { code, stderr, stdout } = await run.ended
        const where = `${name}, ${part}, killed at request ${chain.killAt} (${chain.how}):\n${stderr}\n${stdout}`
        expect(code, where).toBe(isKilled ? null : 0)
        if (isKilled) counts.ofArrays++
        else asked[i] = chain.seen
        await expectOnly(machine, 0, where)
        // Whoever plans or collects again takes over what the dead one held; machines hold nothing.
        if (isKilled && !part.startsWith('work')) await expire(join(chain.ledgerFolder, 'lease.json'))
      }
    }
    const collected = await machine.runJson('collected')
    expect(collected.restores.map(row => `${row.index} ${row.contentId} ${row.verdict}`).sort()).toEqual(
      all.map(one => `${one} pass`),
    )
    expect((await provenIn(chain)).sort()).toEqual(all)
    expect(await wrongLedger(chain)).toEqual([])
    const { code } = await machine.audit('after').ended
    expect([code, (await machine.runJson('after')).restores]).toEqual([0, []])
    expect(await readdir(machine.work)).toEqual([])
    return asked
  } finally {
    await chain.gate.close()
    await rm(chain.folder, { recursive: true, force: true })
  }
}

test(`${arrays} arrays, each part of them killed once`, async () => {
  const requests = await arrayOfMachines('array', null)
  for (let i = 0; i < arrays; i++) await arrayOfMachines(`array-${i}`, requests)
}, 3_600_000)
