/**
 * Nights of the real program that are stopped, killed and overtaken. What was proven before is kept, nothing is left
 * running, and the next night goes on from there. One ledger, in this order.
 */
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LocalS3, startLocalS3 } from '../../infra/local/s3/server.ts'
import { type Listener, startListener } from '../notify/listener.ts'
import { fixture, readRun } from '../support/auditRun.ts'
import { type Ended, noneLeftWith, type Running, runProgram, startProgram, writeSetup } from '../support/program.ts'
import { digestOf, filesOf } from '../support/repositoryFiles.ts'

interface PlanJson {
  readonly groups: readonly { readonly index: string; readonly contents: readonly { readonly contentId: string }[] }[]
}
const contentsOf = (plan: string) =>
  (JSON.parse(plan) as PlanJson).groups
    .flatMap(group => group.contents.map(({ contentId }) => `${group.index} ${contentId}`))
    .sort()

let folder = ''
let repository = ''
let ledger = ''
let config = ''
let s3: LocalS3
/** Who is told, and how the ledger was when he was. */
let listener: Listener
const told: { what: string; ledger: string }[] = []
const nights: Running[] = []
/** In this mood the store answers for the data of the index that is asked for first, and is silent about all others. */
let stalling: { first: string | null } | null = null

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-night-'))
  repository = join(folder, 's3', 'bucket', 'base')
  ledger = join(folder, 's3', 'bucket', 'ledger')
  await cp(fixture, repository, { recursive: true })
  await mkdir(ledger)
  s3 = await startLocalS3({
    root: join(folder, 's3'),
    readOnly: ['bucket/base'],
    hooks: {
      onRequest: ({ method, key }) => {
        const id = /^base\/indices\/([^/]+)\/\d+\/__/.exec(key)?.[1]
        if (stalling === null || method !== 'GET' || id === undefined) return undefined
        stalling.first ??= id
        return id === stalling.first ? undefined : { kind: 'silence' }
      },
    },
  })
  listener = await startListener(async ({ path }) => {
    told.push({ what: path.replace(/\?rid=.*/, ''), ledger: await digestOf(ledger) })
  })
  config = await writeSetup(folder, {
    repository: 's3://bucket/base',
    endpointUrl: s3.endpointUrl,
    ledger: 's3://bucket/ledger',
    ledgerEndpointUrl: s3.endpointUrl,
  })
})
afterAll(async () => {
  for (const night of nights) night.kill('SIGKILL')
  await s3?.close()
  await listener?.close()
  await rm(folder, { recursive: true, force: true })
})

const out = (name: string) => join(folder, 'out', name)
const auditArgs = (name: string) => ['audit', '--config', config, '--out', out(name)]
const work = () => join(folder, 'work')
const telling = () => ({
  SNAPPROOF_NOTIFY_PING_URL: `${listener.origin}/hush`,
  SNAPPROOF_NOTIFY_WEBHOOK_URL: `${listener.origin}/hook-hush`,
})
const whatWasTold = () =>
  told
    .splice(0)
    .map(({ what }) => what)
    .sort()
const passes = (stderr: string) => stderr.match(/: pass\b/g)?.length ?? 0

/** Lets a night prove something, and then wait for the store with its server running. */
async function stalledNight(name: string) {
  stalling = { first: null }
  const night = startProgram(auditArgs(name), telling())
  nights.push(night)
  await night.says(/: pass\b/)
  return night
}

/** A run that is told that another holds the lease waits until that has expired. */
async function afterLease(run: () => Promise<Ended>): Promise<Ended> {
  for (let round = 0; ; round++) {
    const ended = await run()
    if (ended.code !== 3 || round === 10) return ended
    await delay(3_000)
  }
}

describe('a night that does not end by itself', () => {
  let wanted: string[] = []
  let proven = 0
  let planned: string[] = []

  it('is planned without a trace', async () => {
    const before = [await digestOf(repository), await filesOf(ledger)]
    const plan = await runProgram(['plan', '--config', config, '--json'])
    expect(plan).toMatchObject({ code: 0 })
    wanted = contentsOf(plan.stdout)
    expect(wanted.length).toBeGreaterThan(8)
    expect([await digestOf(repository), await filesOf(ledger)]).toEqual(before)
    expect(await filesOf(work())).toEqual([])
  })

  it('keeps a second run out, and on SIGTERM keeps what it proved and leaves nothing', async () => {
    const night = await stalledNight('terminated')
    // On this machine by the local file, on another one by the lease in the bucket.
    for (const place of [[], ['--ledger', join(folder, 'elsewhere.sqlite')]]) {
      const second = await runProgram([...auditArgs('second'), ...place], telling())
      expect(second.code).toBe(3)
      expect(second.stderr).toMatch(/^snapproof: .*(in use|held) by .*\n {2}Wait for that run to end/m)
    }
    expect(whatWasTold()).toEqual(['/hush/start'])
    night.kill('SIGTERM')
    const { code, stderr } = await night.ended
    expect(code).toBe(2)
    expect(whatWasTold()).toEqual(['/hook-hush', '/hush/fail'])
    expect(stderr).toContain('SIGTERM: stopping; what is done is kept')
    await noneLeftWith(folder)
    expect(await filesOf(work())).toEqual([])
    const run = await readRun(out('terminated'))
    expect(run.exit).toMatchObject({ code: 2, reason: expect.stringContaining('SIGTERM') })
    expect(run.findings.filter(finding => finding.severity === 'error')).toEqual([])
    const good = run.restores.filter(row => row.verdict === 'pass').length
    expect(good).toBe(passes(stderr))
    expect(good).toBeGreaterThan(0)
    expect(run.restores.filter(row => row.verdict === 'fail')).toEqual([])
    expect((await filesOf(ledger)).filter(name => name.startsWith('journals/')).length).toBeGreaterThan(good)
    proven += good
  })

  it('does the same on SIGINT', async () => {
    const night = await stalledNight('interrupted')
    night.kill('SIGINT')
    const { code, stderr } = await night.ended
    expect(code).toBe(2)
    await noneLeftWith(folder)
    expect(await filesOf(work())).toEqual([])
    const good = (await readRun(out('interrupted'))).restores.filter(row => row.verdict === 'pass').length
    expect(good).toBe(passes(stderr))
    proven += good
  })

  it('leaves no server behind when it is killed', async () => {
    const night = await stalledNight('killed')
    told.splice(0)
    night.kill('SIGKILL')
    const { code, stderr } = await night.ended
    expect(code).toBeNull()
    // Nobody can: whoever waits for its end misses it.
    expect(told).toEqual([])
    await noneLeftWith(folder)
    proven += passes(stderr)
  })

  it('is followed by one that restores what is planned, and only that', async () => {
    stalling = null
    const before = [await digestOf(repository), await digestOf(ledger)]
    const plan = await runProgram(['plan', '--config', config, '--json'])
    planned = contentsOf(plan.stdout)
    expect([await digestOf(repository), await digestOf(ledger)]).toEqual(before)

    const night = await afterLease(() => runProgram(auditArgs('last'), telling()))
    expect(night.code).toBe(0)
    expect(told.map(({ what }) => what).sort()).toEqual(['/hook-hush', '/hush', '/hush/start'])
    expect(told[0]?.what).toBe('/hush/start')
    const stored = await digestOf(ledger)
    expect(told.map(one => one.ledger === stored)).toEqual([false, true, true])
    told.splice(0)
    expect(night.stderr).not.toContain('Warning:')
    const run = await readRun(out('last'))
    expect(run.restores.map(row => `${row.index} ${row.contentId}`).sort()).toEqual(planned)
    expect(planned.length + proven).toBe(wanted.length)
    expect(run.debt.contents).toBe(0)
    expect(await digestOf(repository)).toBe(before[0])
    await noneLeftWith(folder)
    expect(await filesOf(work())).toEqual([])
  })

  it('fails by metrics that cannot be put only after the ledger is stored', async () => {
    const setup = { repository: 's3://bucket/base', endpointUrl: s3.endpointUrl, ledger: 's3://bucket/ledger' }
    const more = 'metrics: { enabled: true, endpointUrl: "http://127.0.0.1:9" }'
    const file = await writeSetup(folder, { ...setup, ledgerEndpointUrl: s3.endpointUrl, more })
    const before = await digestOf(ledger)
    const { code, stdout } = await runProgram(['audit', '--config', file, '--out', out('unheard')], telling())
    expect(code).toBe(2)
    expect(whatWasTold()).toEqual(['/hook-hush', '/hush/fail', '/hush/start'])
    expect(stdout).toMatch(/metrics.*ECONNREFUSED/)
    expect(await digestOf(ledger)).not.toBe(before)
    const run = await readRun(out('unheard'))
    expect(run.exit.code).toBe(2)
    const next = await runProgram([...auditArgs('heard'), '--no-metrics', '--no-notify'], telling())
    expect(next.code).toBe(0)
    expect(told).toEqual([])
    expect((await readRun(out('heard'))).history.map(({ runId }) => runId)).toContain(run.runId)
  })

  it('wrote nowhere who was told', async () => {
    for (const name of await filesOf(folder))
      expect([name, (await readFile(join(folder, name))).includes('hush')]).toEqual([name, false])
    expect(nights.map(night => night.told()).join('\n')).not.toContain('hush')
  })
})

describe('doctor', () => {
  // The configuration that lies there now names a CloudWatch that nobody is.
  const quiet = { SNAPPROOF_METRICS_ENABLED: 'false' }

  it('is content with a repository that it cannot write', async () => {
    const { code, stdout } = await runProgram(['doctor', '--config', config, '--json'], quiet)
    const { diagnoses } = JSON.parse(stdout) as { diagnoses: { check: string; outcome: string; message: string }[] }
    expect(diagnoses.filter(({ outcome }) => outcome !== 'good')).toEqual([])
    expect(diagnoses.map(({ check }) => check)).toContain('repository cannot be written')
    expect(code).toBe(0)
  })

  it('warns of one that it can write, and leaves it as it is', async () => {
    const writable = await startLocalS3({ root: join(folder, 's3') })
    const before = [await digestOf(repository), await filesOf(ledger)]
    try {
      const args = ['doctor', '--config', config, '--json', '--endpoint-url', writable.endpointUrl]
      const { code, stdout } = await runProgram(args, quiet)
      const { diagnoses } = JSON.parse(stdout) as { diagnoses: { check: string; outcome: string }[] }
      expect(diagnoses.filter(({ outcome }) => outcome === 'bad')).toMatchObject([
        { check: 'repository cannot be written' },
      ])
      expect(code).toBe(2)
      expect([await digestOf(repository), await filesOf(ledger)]).toEqual(before)
    } finally {
      await writable.close()
    }
  })
})
