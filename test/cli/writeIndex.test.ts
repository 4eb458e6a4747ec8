/** The page of all reports, in a folder and in a store, over nights; what goes wrong with it ends no night. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import type { CliContext } from '../../src/cli/context.ts'
import { writeIndex } from '../../src/cli/writeIndex.ts'
import { silentLog } from '../../src/log.ts'
import { parseIndex } from '../../src/report/runsIndex.ts'
import { systemClock } from '../../src/time.ts'
import { newFolder } from '../ledger/support.ts'
import { goodRun } from '../support/runs.ts'

function place() {
  const [folder, copies] = [newFolder(), newFolder()]
  const store = { url: pathToFileURL(copies).href, region: null, endpointUrl: null, pathStyle: null }
  const warned: string[] = []
  const context: CliContext = {
    environment: {},
    clock: systemClock,
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

test('what cannot be written is said and ends nothing', async () => {
  const { folder, warned, write } = place()
  mkdirSync(join(folder, 'index.html'))
  await write(1)
  expect(warned.join()).toMatch(/page of all reports could not be written/)
})
