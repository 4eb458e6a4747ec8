/**
 * What the real program says when it is given something bad: one clear sentence on stderr with what to do, the documented
 * exit code, and repository and ledger as they were.
 */
import { spawnSync } from 'node:child_process'
import { appendFile, cp, mkdir, mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LocalS3, startLocalS3 } from '../../infra/local/s3/server.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { silentLog } from '../../src/log.ts'
import { systemClock } from '../../src/time.ts'
import { runRow } from '../ledger/support.ts'
import { fixture } from '../support/auditRun.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { noneLeftWith, runProgram, type Setup, writeSetup } from '../support/program.ts'
import { digestOf } from '../support/repositoryFiles.ts'

let folder = ''
let s3: LocalS3
let locked: LocalS3
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-input-'))
  await mkdir(join(folder, 's3/bucket'), { recursive: true })
  await cp(fixture, join(folder, 's3/bucket/base'), { recursive: true })
  s3 = await startLocalS3({ root: join(folder, 's3') })
  locked = await startLocalS3({ root: join(folder, 's3'), accessKeyId: 'somebody-else' })
})
afterAll(async () => {
  await s3?.close()
  await locked?.close()
  await rm(folder, { recursive: true, force: true })
})

interface Place {
  readonly folder: string
  /** A copy of the fixture; `setup.repository` points at it. */
  readonly repository: string
  /** Of an earlier run: with it a night starts no server before it needs one. */
  readonly ledgerFile: string
  readonly setup: Setup
}

let places = 0
async function newPlace(): Promise<Place> {
  const own = join(folder, `place-${++places}`)
  const repository = join(own, 'repository')
  await cp(fixture, repository, { recursive: true })
  const ledgerFile = join(own, 'ledger.sqlite')
  const { signal } = new AbortController()
  const ledger = await openLedger({
    repositoryName: 'test',
    store: null,
    file: ledgerFile,
    runId: 'earlier',
    owner: 'test',
    clock: systemClock,
    log: silentLog,
    leaseSeconds: 60,
    randomId: () => `id-${places}`,
    signal,
  })
  await ledger.journal('earlier', [runRow({ runId: 'earlier' })], signal)
  await ledger.store(signal)
  await ledger.close()
  return { folder: own, repository, ledgerFile, setup: { repository: `file://${repository}` } }
}

interface Case {
  readonly what: string
  readonly code: number
  /** Of the sentence, and of what to do. */
  readonly says: RegExp
  readonly args?: (config: string) => readonly string[]
  readonly arrange?: (place: Place) => Promise<Partial<Setup> | undefined> | Partial<Setup>
}

const indexN = (place: Place) => join(place.repository, 'index-5')

const cases: readonly Case[] = [
  {
    what: 'no such bucket',
    code: 2,
    says: /bucket/,
    arrange: () => ({ repository: 's3://no-such-bucket/base', endpointUrl: s3.endpointUrl }),
  },
  {
    what: 'credentials that the store does not take',
    code: 2,
    says: /credential|denied|refused/i,
    arrange: () => ({ repository: 's3://bucket/base', endpointUrl: locked.endpointUrl }),
  },
  {
    what: 'a bucket without a repository at that path',
    code: 2,
    says: /no (snapshot )?repository|index-N/i,
    arrange: () => ({ repository: 's3://bucket/elsewhere', endpointUrl: s3.endpointUrl }),
  },
  {
    what: 'an empty folder',
    code: 2,
    says: /no (snapshot )?repository|index-N/i,
    arrange: async ({ folder: own }) => {
      await mkdir(join(own, 'empty'))
      return { repository: `file://${own}/empty` }
    },
  },
  {
    what: 'a folder that is not there',
    code: 2,
    says: /nowhere/,
    arrange: ({ folder: own }) => ({ repository: `file://${own}/nowhere` }),
  },
  {
    what: 'an index-N that is cut off',
    code: 2,
    says: /index-5/,
    arrange: async place => {
      await truncate(indexN(place), 1000)
      return undefined
    },
  },
  {
    what: 'an index-N that is empty',
    code: 2,
    says: /index-5/,
    arrange: async place => {
      await truncate(indexN(place), 0)
      return undefined
    },
  },
  {
    what: 'an index-N that is not JSON',
    code: 2,
    says: /index-5/,
    arrange: async place => {
      await writeFile(indexN(place), '<html>Service Unavailable</html>')
      return undefined
    },
  },
  {
    what: 'a configuration with a key that is not known',
    code: 64,
    says: /snapproof\.yaml:\d+:\d+: .*limits\.snapshot\b.*did you mean snapshots\?/,
    arrange: () => ({ more: 'limits: { snapshot: 3 }' }),
  },
  {
    what: 'a configuration that is not there',
    code: 64,
    says: /nowhere\.yaml/,
    args: config => ['audit', '--config', `${config}.nowhere.yaml`],
  },
  {
    what: 'a ledger of a newer version',
    code: 2,
    says: /newer/,
    arrange: async ({ ledgerFile }) => {
      // SQLite: user_version is the big-endian number at byte 60 of the file.
      const file = await open(ledgerFile, 'r+')
      await file.write(Buffer.from([0, 0, 0x27, 0x0f]), 0, 4, 60)
      await file.close()
      return undefined
    },
  },
  {
    what: 'a ledger whose store cannot be reached',
    code: 2,
    says: /127\.0\.0\.1:9/,
    arrange: () => ({ ledger: 's3://bucket/ledger', ledgerEndpointUrl: 'http://127.0.0.1:9' }),
  },
  {
    what: 'the ledger file of another repository',
    code: 64,
    says: /ledger\.sqlite.*test/,
    arrange: () => ({ name: 'another' }),
  },
  {
    what: 'a snapshot to verify that is not there',
    code: 64,
    says: /no snapshot "night-9".*\n {2}The newest are: /,
    args: config => ['verify', 'night-9', '--config', config],
  },
  {
    what: 'a URL that is none',
    code: 64,
    says: /ftp:/,
    args: () => ['inspect', 'ftp://bucket/base'],
  },
  { what: 'a flag that is not known', code: 64, says: /max-snapshot/, args: () => ['audit', '--max-snapshot', '2'] },
]

describe.concurrent('bad input', () => {
  for (const { what, code, says, args, arrange } of cases) {
    it(what, async () => {
      const place = await newPlace()
      const setup = { ...place.setup, ...(await arrange?.(place)) }
      const config = await writeSetup(place.folder, setup)
      const before = [await digestOf(place.repository), await readFile(place.ledgerFile)]
      const { ledger } = setup
      const { code: got, stdout, stderr } = await runProgram(args?.(config) ?? ['audit', '--config', config])
      expect({ got, stderr }).toEqual({ got: code, stderr: expect.stringMatching(says) })
      expect(stdout).toBe('')
      // One sentence and what to do, no stack; other lines are the log's.
      expect(stderr.match(/^snapproof: /gm)).toHaveLength(1)
      expect(stderr).not.toMatch(/^ {4}at |Warning:/m)
      expect(await digestOf(place.repository)).toBe(before[0])
      if (ledger === undefined) expect((await readFile(place.ledgerFile)).equals(before[1] as Buffer)).toBe(true)
      await noneLeftWith(place.folder)
    })
  }
})

describe('trouble of our own in the middle of a night', () => {
  async function nightWith(place: Place, environment: Record<string, string> = {}) {
    const config = await writeSetup(place.folder, place.setup)
    const before = await digestOf(place.repository)
    const ended = await runProgram(['audit', '--config', config, '--out', join(place.folder, 'out')], environment)
    expect(await digestOf(place.repository)).toBe(before)
    await noneLeftWith(place.folder)
    expect(ended.stderr).not.toMatch(/^ {4}at |Warning:/m)
    return ended
  }

  it('without Maven and without an installation says what is needed and reports', async () => {
    const place = await newPlace()
    const { code, stdout } = await nightWith(place, { PATH: '/nowhere', XDG_CACHE_HOME: join(place.folder, 'cache') })
    expect(code).toBe(2)
    expect(stdout).toMatch(/needs the command mvn; it is not on PATH.*Install Apache Maven/)
  })

  const canMount = process.getuid?.() === 0 && process.platform === 'linux'
  it.runIf(canMount)('on a full disk accuses nobody and says so', async context => {
    const place = await newPlace()
    const work = join(place.folder, 'work')
    await mkdir(work)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', work]).status === 0
    if (!mounted) return context.skip('no tmpfs may be mounted here')
    try {
      const { code, stdout } = await nightWith(place)
      expect(code).toBe(2)
      expect(stdout).toMatch(/disk|bytes .*free/i)
      expect(stdout).not.toMatch(/corrupt|missing/)
    } finally {
      spawnSync('umount', [work])
    }
  })
})

describe('inspect', () => {
  const [es9] = repositoryFixtures().filter(({ name }) => name === 'es-9.5')
  if (es9 === undefined) throw new Error('the fixture es-9.5 is gone')

  it('prints the documented JSON, with the counts that the server gave', async () => {
    const { code, stdout, stderr } = await runProgram(['inspect', `file://${es9.folder}`, '--json'])
    expect({ code, problems: stderr.match(/^snapproof: /gm) }).toEqual({ code: 0, problems: null })
    const found = JSON.parse(stdout)
    expect(found).toMatchObject({
      schemaVersion: 1,
      repository: { uuid: expect.any(String), clusterId: expect.any(String), generation: 5, format: '7.12.0' },
      totals: {
        snapshots: 4,
        indices: 18,
        shards: expect.any(Number),
        blobs: 58,
        logicalBytes: expect.any(Number),
        uniqueBytes: expect.any(Number),
      },
    })
    expect(Object.keys(es9.expected.snapshots).sort()).toEqual(
      found.snapshots.map((s: { name: string }) => s.name).sort(),
    )
    for (const snapshot of found.snapshots) {
      const expected = es9.expected.snapshots[snapshot.name]
      expect(snapshot).toMatchObject({ uuid: expected?.uuid, state: expected?.state })
      for (const time of [snapshot.startedAt, snapshot.endedAt]) expect(new Date(time).toISOString()).toBe(time)
      expect(snapshot.version).toMatch(/^\d/)
      expect(snapshot.indices.map((index: { name: string }) => index.name).sort()).toEqual(
        Object.keys(expected?.indices ?? {}).sort(),
      )
      for (const index of snapshot.indices) {
        const shards = expected?.indices[index.name] ?? []
        const whole = !shards.includes(null)
        expect(index.contentId === null).toBe(!whole)
        expect(index.bytes).toBe(whole ? shards.reduce((sum, shard) => sum + (shard?.bytes ?? 0), 0) : null)
        expect(index.shards).toHaveLength(shards.length)
        for (const [shard, want] of shards.entries()) {
          const nothing = { files: null, bytes: null, luceneDocs: null, maxSeqNo: null, status: expect.any(String) }
          expect(index.shards[shard]).toEqual({ shard, ...(want === null ? nothing : { ...want, status: 'known' }) })
        }
      }
    }
  })

  it('prints the same in lines, and narrows', async () => {
    const url = `file://${es9.folder}`
    const [whole, lines, narrow] = await Promise.all([
      runProgram(['inspect', url, '--json']),
      runProgram(['inspect', url, '--jsonl']),
      runProgram(['inspect', url, '--json', '--snapshot', 'night-2', '--index', 'orders', '--no-shards']),
    ])
    const { snapshots, totals, ...head } = JSON.parse(whole.stdout)
    const [first, ...rest] = lines.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(first.repository).toEqual(head.repository)
    expect(rest.slice(0, -1)).toEqual(snapshots)
    expect(rest.at(-1).totals).toEqual(totals)
    const found = JSON.parse(narrow.stdout)
    expect(found.snapshots).toMatchObject([{ name: 'night-2', indices: [{ name: 'orders' }] }])
    expect(found.snapshots[0].indices[0]).not.toHaveProperty('shards')
    expect(found.totals).toMatchObject({ snapshots: 1, indices: 1, shards: 2 })
  })

  it('warns nobody of a repository with a byte too many behind index-N', async () => {
    const place = await newPlace()
    await appendFile(indexN(place), '\n')
    const { code } = await runProgram(['inspect', place.setup.repository, '--json'])
    expect(code).toBe(0)
  })
})
