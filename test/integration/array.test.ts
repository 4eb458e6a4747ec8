/**
 * An array of real processes over one bucket: machines that are killed, tried again, doubled and late. Whom it happens to and when is
 * decided by the store, which holds the second result of a machine until the test lets it go. One array, in this order.
 */
import { cp, mkdtemp, readFile, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as batch from '../../infra/local/array/batch.ts'
import { type LocalS3, startLocalS3 } from '../../infra/local/s3/server.ts'
import type { ChildOutcome } from '../../src/run/array/child.ts'
import { type Listener, startListener } from '../notify/listener.ts'
import { standInDistribution } from '../suites/standin/distribution.ts'
import { fixture, readRun } from '../support/auditRun.ts'
import { noneLeftWith, writeSetup } from '../support/program.ts'
import { digestOf, filesOf } from '../support/repositoryFiles.ts'

let folder = ''
let ledger = ''
let s3: LocalS3
let listener: Listener
let options: batch.BatchOptions
const stop = new AbortController()
const out = (name: string) => join(folder, 'out', name)

/** The store keeps the first result of such a child, and is silent about its second until `released`. */
interface Held {
  first: string | null
  /** The second has come. */
  readonly reached: Signal
  readonly released: Signal
}

interface Signal {
  readonly promise: Promise<void>
  readonly resolve: () => void
}
const held = new Map<number, Held>()

function later(): Signal {
  let resolve = () => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}
function hold(child: number): Held {
  const one = { first: null, reached: later(), released: later() }
  held.set(child, one)
  return one
}

async function onRequest({ method, key }: { method: string; key: string }): Promise<undefined> {
  const child = /^ledger\/arrays\/[^/]+\/children\/(\d+)\/contents\//.exec(key)?.[1]
  const rule = child === undefined || method !== 'PUT' ? undefined : held.get(Number(child))
  if (rule === undefined) return
  rule.first ??= key
  if (rule.first === key) return
  rule.reached.resolve()
  await rule.released.promise
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-array-'))
  ledger = join(folder, 's3', 'bucket', 'ledger')
  await cp(fixture, join(folder, 's3', 'bucket', 'base'), { recursive: true })
  s3 = await startLocalS3({ root: join(folder, 's3'), readOnly: ['bucket/base'], hooks: { onRequest } })
  const home = await standInDistribution(join(folder, 'engine'))
  const config = await writeSetup(folder, {
    repository: 's3://bucket/base',
    endpointUrl: s3.endpointUrl,
    ledger: 's3://bucket/ledger',
    ledgerEndpointUrl: s3.endpointUrl,
    engine: `{ name: elasticsearch, kind: distribution, home: '${home}', version: 9.5.3 }`,
  })
  listener = await startListener()
  const environment = {
    SNAPPROOF_NOTIFY_PING_URL: `${listener.origin}/ping`,
    SNAPPROOF_NOTIFY_WEBHOOK_URL: `${listener.origin}/hook`,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    // No lease of this test expires, however slow the machine is.
    SNAPPROOF_LEDGER_LEASE_SECONDS: '10m',
  }
  options = { config, environment, signal: stop.signal }
})
afterAll(async () => {
  stop.abort(new Error('the test is over'))
  for (const { released } of held.values()) released.resolve()
  await s3?.close()
  await listener?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Passes by content, as the ledger of the machine that stored it last says. */
function passes(): Record<string, number> {
  const db = new Database(join(folder, 'ledger.sqlite'), { readonly: true, fileMustExist: true })
  try {
    const rows = db
      .prepare("SELECT indexName, contentId, count(*) AS count FROM content_row WHERE verdict = 'pass' GROUP BY 1, 2")
      .all() as { indexName: string; contentId: string; count: number }[]
    return Object.fromEntries(rows.map(row => [`${row.indexName} ${row.contentId}`, row.count]))
  } finally {
    db.close()
  }
}

/** Path, and run where it is said, of what was told since the last look. */
const whatWasTold = () =>
  listener.heard
    .splice(0)
    .map(({ path, body }) => (path === '/hook' ? `/hook ${JSON.parse(body).runId}` : path.replace(/\?.*/, '')))
    .sort()

const readText = (path: string) => readFile(path, 'utf8')
const arrayFolder = ({ runId }: batch.Planned) => join(ledger, 'arrays', runId)

const outcomeOf = ({ code, stdout, stderr }: batch.Ended): ChildOutcome => {
  if (code !== 0) throw new Error(`it ended with ${code}:\n${stderr}`)
  return JSON.parse(stdout) as ChildOutcome
}

describe('an array of three machines', () => {
  let planned: batch.Planned
  let late: batch.Started
  const given: number[] = []

  it('is planned once, and the plan keeps every other run out', async () => {
    planned = await batch.plan(options, 3)
    expect(planned).toMatchObject({ children: 3, contents: 9 })
    const size = JSON.parse(await readText(`${arrayFolder(planned)}/children.json`))
    expect(size).toMatchObject({ schemaVersion: 1, url: planned.url, children: 3 })
    const again = await batch.start(['plan', '--children', '7', '--out', planned.url, '--json'], options).ended
    expect(again.code).toBe(0)
    expect(JSON.parse(again.stdout)).toEqual(size)
    const [other, night] = await Promise.all([
      batch.start(['plan', '--children', '3', '--ledger', out('other.sqlite')], options).ended,
      batch.start(['audit', '--ledger', out('night.sqlite')], options).ended,
    ])
    for (const { code, stderr } of [other, night]) {
      expect(code).toBe(3)
      expect(stderr).toContain(`held by the plan ${planned.url}`)
      expect(stderr).toContain(`snapproof collect --plan ${planned.url}`)
    }
  })

  it('loses nothing of a machine that is killed: the next attempt restores the rest, and one more nothing', async () => {
    const { reached, released } = hold(0)
    const first = batch.work(options, planned.url, 0, 1)
    await reached.promise
    first.kill()
    expect((await first.ended).code).toBeNull()
    held.delete(0)
    released.resolve()
    const second = outcomeOf(await batch.work(options, planned.url, 0, 2).ended)
    given[0] = second.contents
    expect(second).toMatchObject({ finishedBefore: 1, proven: second.contents - 1, left: 0, trouble: null })
    const before = (await filesOf(ledger)).filter(name => !name.includes('/attempts/'))
    const third = outcomeOf(await batch.work(options, planned.url, 0, 1).ended)
    expect(third).toMatchObject({ finishedBefore: second.contents, proven: 0, left: 0 })
    expect((await filesOf(ledger)).filter(name => !name.includes('/attempts/'))).toEqual(before)
  })

  it('is collected although one machine was killed and one is late: what they owe is debt, and nothing passes that was not restored', async () => {
    const [lost, slow] = [hold(1), hold(2)]
    const killed = batch.work(options, planned.url, 1, 1)
    late = batch.work(options, planned.url, 2, 1)
    await Promise.all([lost.reached.promise, slow.reached.promise])
    killed.kill()
    await killed.ended
    held.delete(1)
    lost.released.resolve()

    // Neither the plan nor a machine, nor who left because of the plan.
    expect(whatWasTold()).toEqual([])
    const collected = await batch.collect(options, planned.url, out('collected')).ended
    expect(collected).toMatchObject({ code: 0 })
    expect(whatWasTold()).toEqual([`/hook ${planned.runId}`, '/ping', '/ping/start'])
    expect(collected.stderr).toContain('child 1 is lost')
    const run = await readRun(out('collected'))
    expect(run.runId).toBe(planned.runId)
    const children = run.array?.children ?? []
    expect(children.map(({ status, attempts }) => [status, attempts])).toEqual([
      ['done', 3],
      ['lost', 1],
      ['lost', 1],
    ])
    for (const child of [1, 2]) given[child] = children[child]?.contents ?? 0
    expect(children.map(({ proven, left }) => [proven, left])).toEqual([
      [given[0], 0],
      [1, (given[1] ?? 0) - 1],
      [1, (given[2] ?? 0) - 1],
    ])
    expect(children[1]?.reason).toContain('never said how it ended')
    const left = children.reduce((sum, child) => sum + child.left, 0)
    expect(run.debt).toMatchObject({ contents: left, contentsBefore: 9, overdue: 0 })
    expect(run.restores).toHaveLength(9 - left)
    expect(run.restores.every(row => row.verdict === 'pass' && row.evidence !== null)).toBe(true)
    for (const { evidence } of run.restores)
      expect(JSON.parse(await readText(join(out('collected'), evidence ?? '')))).toMatchObject({ schemaVersion: 1 })
    const open = run.verdicts.filter(row => row.level === 'restore' && row.reason === 'child-lost')
    expect(open.every(row => row.verdict === 'inconclusive')).toBe(true)
    expect(new Set(open.filter(row => row.index !== null).map(row => row.index)).size).toBeGreaterThan(0)
    expect(run.findings.filter(finding => finding.severity === 'error')).toEqual([])
    expect(Object.values(passes())).toEqual(Array.from({ length: 9 - left }, () => 1))
  })

  it('is collected once: a second time says so and changes nothing', async () => {
    const before = await digestOf(ledger)
    const again = await batch.collect(options, planned.url, out('again')).ended
    expect(again).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing was done: this plan was collected'),
    })
    expect(await digestOf(ledger)).toBe(before)
    expect(whatWasTold()).toEqual([])
  })

  it('takes the results of the late machine into the next night, which restores only what is still owed', async () => {
    held.get(2)?.released.resolve()
    held.delete(2)
    const outcome = outcomeOf(await late.ended)
    expect(outcome).toMatchObject({ proven: given[2], left: 0, trouble: null })
    const tooLate = await batch.work(options, planned.url, 1, 2).ended
    expect(tooLate).toMatchObject({ code: 0, stderr: expect.stringContaining('has been collected') })
    expect(outcomeOf(tooLate)).toMatchObject({ proven: 0, left: given[1] })

    const night = await batch.start(['audit', '--out', out('night')], options).ended
    expect(night).toMatchObject({ code: 0 })
    const run = await readRun(out('night'))
    expect(whatWasTold()).toEqual([`/hook ${run.runId}`, '/ping', '/ping/start'])
    expect(run.restores).toHaveLength((given[1] ?? 0) - 1)
    expect(run.debt.contents).toBe(0)
    expect(run.history.map(({ runId }) => runId)).toEqual([planned.runId])
    const proven = passes()
    expect(Object.keys(proven)).toHaveLength(9)
    expect(Object.values(proven)).toEqual(Array.from({ length: 9 }, () => 1))
    await noneLeftWith(folder)
    expect(await filesOf(join(folder, 'work'))).toEqual([])
  })

  it('that nobody collected by its deadline is collected by the next run, before its own night', async () => {
    const overdue = await batch.plan(options, 3)
    const twoDaysAgo = Date.now() / 1000 - 2 * 86_400
    await utimes(join(ledger, 'lease.json'), twoDaysAgo, twoDaysAgo)
    const next = await batch.start(['audit', '--out', out('after')], options).ended
    expect(next).toMatchObject({ code: 0, stderr: expect.stringContaining('was not collected by its deadline') })
    expect(JSON.parse(await readText(`${arrayFolder(overdue)}/collected.json`)).runId).toBe(overdue.runId)
    const { history, runId } = await readRun(out('after'))
    // One end and one start for the ping, those of tonight; the webhook hears of both.
    expect(whatWasTold()).toEqual([`/hook ${overdue.runId}`, `/hook ${runId}`, '/ping', '/ping/start'].sort())
    expect(history.map(row => row.runId)).toContain(overdue.runId)
  })
})
