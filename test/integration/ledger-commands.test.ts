/** `snapproof ledger …` on a bucket that keeps versions, and on a local file. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureMoto, type Moto } from '../../infra/local/moto.ts'
import { openS3Store } from '../../src/blobs/s3.ts'
import type { Store } from '../../src/blobs/write-probe.ts'
import type { CliContext } from '../../src/cli/context.ts'
import { createProgram } from '../../src/cli/program.ts'
import { ledgerKey } from '../../src/ledger/ledgerObject.ts'
import { silentLog } from '../../src/log.ts'
import { systemClock } from '../../src/time.ts'
import { fakeCredentials } from '../blobs/support.ts'
import { contentRow, day, goodRow, openTest, runRow, signal, snapshotRow, start, testClock } from '../ledger/support.ts'

fakeCredentials()

let moto: Moto
let store: Store
let folder = ''
let config = ''

async function run(...args: string[]) {
  const printed: string[] = []
  const said: string[] = []
  const context: CliContext = {
    environment: {},
    clock: { ...systemClock, nowMs: () => start + 10 * day },
    log: { ...silentLog, warn: text => said.push(text), clear: () => {} } as CliContext['log'],
    signal: new AbortController().signal,
    print: text => printed.push(text),
  }
  const code = await createProgram(context, text => said.push(text), '1.2.3').run(['ledger', ...args])
  return { code, out: printed.join('\n'), said: said.join('') }
}
const onBucket = (...args: string[]) => run(...args, '--config', config)
async function json(...args: string[]) {
  const { out, code, said } = await onBucket(...args, '--json')
  expect([code, said]).toEqual([0, ''])
  return JSON.parse(out)
}

async function night(target: Store | null, days: number, name: string, rest: { file?: string; dies?: boolean } = {}) {
  const clock = testClock(start + days * day)
  const { file = join(folder, 'work.sqlite'), dies = false } = rest
  const session = await openTest(target, clock, { file })
  const atMs = clock.now
  await session.journal(
    name,
    [
      contentRow({ contentId: name, runId: name, snapshot: name, atMs }),
      snapshotRow({ runId: name, snapshotUuid: name, snapshot: name, atMs, endedMs: atMs }),
      goodRow({ runId: name, contentId: name, snapshot: name, snapshotUuid: name, atMs, endedMs: atMs }),
      runRow({ runId: name, startedMs: atMs, endedMs: atMs, planned: 3 }),
    ],
    signal,
  )
  if (!dies) await session.store(signal)
  await session.close()
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-ledger-commands-'))
  moto = await ensureMoto()
  const client = new S3Client({ endpoint: moto.endpointUrl, region: 'us-east-1', forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: 'kept' }))
  const VersioningConfiguration = { Status: 'Enabled' as const }
  await client.send(new PutBucketVersioningCommand({ Bucket: 'kept', VersioningConfiguration }))
  client.destroy()
  store = openS3Store({ bucket: 'kept', basePath: 'prod', endpointUrl: moto.endpointUrl, clock: systemClock })
  config = join(folder, 'snapproof.yaml')
  await writeFile(
    config,
    `repository: { name: prod, url: "s3://kept/repository", endpointUrl: "${moto.endpointUrl}" }
ledger: { url: "s3://kept/prod", endpointUrl: "${moto.endpointUrl}", file: ${join(folder, 'ledger.sqlite')} }
engines: [ { name: es, kind: maven, version: 9.5.3 } ]
`,
  )
  await night(store, 0, '=night-1')
  await night(store, 1, 'night-2')
}, 300_000)
afterAll(async () => {
  await store?.close()
  await moto?.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('on a bucket that keeps versions', () => {
  test('shows what it knows, as text, JSON and CSV, now and as it was', async () => {
    expect((await onBucket('show')).out).toMatch(/^runs +2\n/)
    expect((await onBucket('show', 'runs')).out).toMatch(/PLANNED +EXECUTED/)
    const good = await json('show', 'good', '--at', '2026-11-01')
    expect(good).toMatchObject({ schemaVersion: 1, question: 'good', repository: 'prod', unfoldedJournals: 0 })
    expect(good.rows).toMatchObject([{ index: 'logs', snapshot: '=night-1' }])
    expect((await json('show', 'good')).rows).toMatchObject([{ snapshot: 'night-2' }])
    const { out } = await onBucket('show', 'good', '--at', '2026-11-01T12:00Z', '--csv')
    expect(out).toMatch(/^index,snapshot,uuid,.*\r\nlogs,'=night-1,/)
    expect((await json('show', 'runs', '--from', '2026-11-02', '--to', '2026-11-02')).rows).toMatchObject([
      { run: 'night-2', planned: 3, executed: 1 },
    ])
  })
  test('refuses what it does not understand', async () => {
    for (const args of [
      [],
      ['shwo'],
      ['show', 'everything'],
      ['show', '--at', 'yesterday'],
      ['show', '--at', '2027-01-01'],
      ['show', 'index'],
      ['show', '--csv', '--json'],
      ['restore'],
      ['versions', '--limit', '0'],
    ]) {
      const { code, out } = await onBucket(...args)
      expect([args, code, out]).toEqual([args, 64, ''])
    }
    expect(await run('show')).toMatchObject({ code: 64, said: expect.stringMatching(/which ledger/) })
  })
  test('folds what a dead run left', async () => {
    await night(store, 2, 'night-3', { dies: true })
    expect((await json('show', 'runs')).unfoldedJournals).toBe(1)
    expect(await json('fold')).toMatchObject({ folded: 1 })
    expect((await onBucket('fold')).out).toMatch(/^Nothing to fold/)
    expect((await json('show', 'runs')).unfoldedJournals).toBe(0)
  })
  test('lists versions, and puts one back; a run that holds the lease keeps it', async () => {
    const { versions } = await json('versions')
    expect(versions.map((row: { runs: number; good: boolean }) => [row.runs, row.good])).toEqual([
      [3, true],
      [2, true],
      [1, true],
    ])
    const first = versions[2].versionId
    expect((await json('restore', '--version', first, '--dry-run')).written).toBe(false)
    const held = await openTest(store, testClock(start + 3 * day), {
      owner: 'elsewhere:9',
      file: join(folder, 'other.sqlite'),
    })
    expect(await onBucket('restore', '--version', first)).toMatchObject({
      code: 3,
      said: expect.stringMatching(/elsewhere:9/),
    })
    expect(await onBucket('unlock')).toMatchObject({ code: 3, said: expect.stringMatching(/--owner "elsewhere:9"/) })
    expect((await onBucket('unlock', '--owner', 'elsewhere:9')).out).toMatch(/is taken from it/)
    await held.close()
    expect(await json('restore', '--version', first)).toMatchObject({ written: true, runs: 1, runsThen: 3 })
    expect((await onBucket('versions', '--limit', '2')).out).toMatch(/good, current/)
    expect((await json('show', 'runs')).rows).toHaveLength(3)
  })
  test('falls back by itself when the current one is damaged; a rebuild says the same', async () => {
    await store.put(ledgerKey, Buffer.from('damaged'))
    const shown = await onBucket('show', 'runs', '--json')
    expect(shown.said).toMatch(/is damaged .* its version .* was taken/)
    expect(JSON.parse(shown.out).rows).toHaveLength(3)
    const dry = JSON.parse((await onBucket('rebuild', '--dry-run', '--json')).out)
    expect(dry).toMatchObject({ written: false, rows: { runs: 3 }, lacks: { runs: 0 } })
    expect((await onBucket('rebuild')).out).toMatch(/^The ledger is what 3 journals say/)
    expect((await json('show', 'runs')).rows).toHaveLength(3)
  })
  test('exports', async () => {
    const file = join(folder, 'export.db')
    expect((await onBucket('export', file)).out).toMatch(/runs +3/)
    expect((await onBucket('export', file)).code).toBe(64)
  })
})

test('on a local file alone', async () => {
  const file = join(folder, 'local.sqlite')
  await night(null, 0, 'night-1', { file })
  const here = (...args: string[]) => run(...args, '--ledger', file)
  expect(JSON.parse((await here('show', 'runs', '--json')).out)).toMatchObject({
    repository: 'prod',
    rows: [{ run: 'night-1' }],
  })
  expect((await here('versions')).out).toBe(`${file} keeps no versions.`)
  expect((await here('rebuild')).out).toMatch(/of before lies at/)
  expect((await here('fold')).out).toMatch(/^Nothing to fold/)
  for (const args of [['unlock'], ['restore', '--version', 'x']]) expect((await here(...args)).code).toBe(64)
  expect((await run('show', '--ledger', join(folder, 'none.sqlite'))).said).toMatch(/there is no ledger/)
})
