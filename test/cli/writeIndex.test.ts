/** The page of all reports, in a folder and in a store, over nights; what goes wrong with it ends no night. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { CliContext } from '../../src/cli/context.ts'
import { writeIndex } from '../../src/cli/writeIndex.ts'
import { silentLog } from '../../src/log.ts'
import { parseIndex } from '../../src/report/runsIndex.ts'
import { type Clock, systemClock } from '../../src/time.ts'
import { type S3Lab, startLab } from '../blobs/support.ts'
import { newFolder } from '../ledger/support.ts'
import { fakeClock } from '../support/fakes.ts'
import { goodRun } from '../support/runs.ts'

function place(on: { readonly url: string; readonly endpointUrl: string } | null = null, clock: Clock = systemClock) {
  const [folder, copies] = [newFolder(), newFolder()]
  const store = {
    url: on?.url ?? pathToFileURL(copies).href,
    region: on === null ? null : 'us-east-1',
    endpointUrl: on?.endpointUrl ?? null,
    pathStyle: null,
  }
  const warned: string[] = []
  const context: CliContext = {
    environment: {},
    clock,
    log: { ...silentLog, warn: text => warned.push(text), clear: () => {} } as CliContext['log'],
    signal: new AbortController().signal,
    print: () => {},
  }
  const write = async (day: number, local = true) => {
    const runId = `run-${day}`
    if (local) mkdirSync(join(folder, runId), { recursive: true })
    const endedAt = `2026-11-${String(day).padStart(2, '0')}T03:00:00.000Z`
    await writeIndex(
      context,
      { output: { folder, store, keepEvidenceDays: null } },
      goodRun({ runId, endedAt, history: [] }),
      local,
    )
  }
  const runsIn = (where: string) =>
    parseIndex(readFileSync(join(where, 'index.json'), 'utf8'))?.runs.map(({ runId }) => runId)
  return { folder, copies, warned, write, runsIn }
}

test('each night adds itself to both', async () => {
  const { folder, copies, warned, write, runsIn } = place()
  await write(1)
  await write(2)
  await write(3, false)
  expect([runsIn(folder), runsIn(copies), warned]).toEqual([['run-1', 'run-2'], ['run-1', 'run-2', 'run-3'], []])
  expect(readdirSync(folder).sort()).toEqual(['index.html', 'index.json', 'run-1', 'run-2'])
  expect(readFileSync(join(copies, 'index.html'), 'utf8')).toContain('href="run-3/report.html"')
})

test('a report that was removed is named and leads nowhere; a spoilt index begins anew', async () => {
  const { folder, write, runsIn } = place()
  await write(1)
  rmSync(join(folder, 'run-1'), { recursive: true })
  await write(2)
  const page = readFileSync(join(folder, 'index.html'), 'utf8')
  expect(page).toContain('run-1')
  expect(page).not.toContain('href="run-1')
  writeFileSync(join(folder, 'index.json'), '{"schemaVersion":1,')
  await write(3)
  expect(runsIn(folder)).toEqual(['run-3'])
})

test('runs that end at the same moment all stay in it, and on the page', async () => {
  const { copies, warned, write, runsIn } = place()
  await write(1, false)
  // Each write that another forestalls is one that another has made: the rounds suffice for as many.
  await Promise.all([2, 3, 4, 5, 6].map(day => write(day, false)))
  const all = [1, 2, 3, 4, 5, 6].map(day => `run-${day}`)
  expect([runsIn(copies), warned]).toEqual([all, []])
  const page = readFileSync(join(copies, 'index.html'), 'utf8')
  expect(all.filter(runId => !page.includes(`href="${runId}/report.html"`))).toEqual([])
})

describe('in a bucket', () => {
  let lab: S3Lab
  beforeAll(async () => {
    lab = await startLab()
  })
  afterAll(() => lab.close())
  afterEach(() => {
    lab.hook = undefined
    rmSync(join(lab.root, 'bucket', 'reports'), { recursive: true, force: true })
  })
  const onBucket = (clock?: Clock) => place({ url: 's3://bucket/reports', endpointUrl: lab.server.endpointUrl }, clock)
  const stored = (name: string) => readFileSync(join(lab.root, 'bucket', 'reports', name), 'utf8')
  const runsStored = () => parseIndex(stored('index.json'))?.runs.map(({ runId }) => runId)

  test.each(['index.json', 'index.html'])('a run that comes between is kept in both (before %s)', async name => {
    const { warned, write } = onBucket()
    await write(1, false)
    lab.hook = async ({ method, key }) => {
      if (method !== 'PUT' || key !== `reports/${name}`) return undefined
      lab.hook = undefined
      await write(3, false)
      return undefined
    }
    await write(2, false)
    expect([runsStored(), warned]).toEqual([['run-1', 'run-2', 'run-3'], []])
    expect(stored('index.html')).toMatch(/href="run-3.*href="run-2.*href="run-1/s)
  })

  test('whoever may write there and not read begins anew, as the bucket cannot tell', async () => {
    const { warned, write } = onBucket()
    await write(1, false)
    lab.hook = ({ method, key }) =>
      method === 'GET' && key === 'reports/index.json'
        ? { kind: 'error', status: 403, code: 'AccessDenied' }
        : undefined
    await write(2, false)
    expect([runsStored(), warned]).toEqual([['run-2'], []])
  })

  test('an index that is another each time ends the rounds, and no night', async () => {
    const { warned, write } = onBucket(fakeClock())
    lab.hook = ({ method, key }) =>
      method === 'PUT' && key === 'reports/index.json'
        ? { kind: 'error', status: 412, code: 'PreconditionFailed' }
        : undefined
    await write(4, false)
    expect(warned.join()).toMatch(/was another each time/)
  })
})

test('what cannot be written is said and ends nothing', async () => {
  const { folder, warned, write } = place()
  mkdirSync(join(folder, 'index.html'))
  await write(1)
  expect(warned.join()).toMatch(/page of all reports could not be written/)
})
