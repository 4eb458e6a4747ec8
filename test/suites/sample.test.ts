/** Whole audits with a random draw: what was proven the night before is drawn again, and what is damaged is said to be bad. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseRun, serializeRun } from '../../src/report/run-json.ts'
import { FaultPoint } from './faultPoint.ts'
import { damaged, damagedRepository, newWorld, noFault } from './wholeAudit.ts'

let folder = ''
let repository = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-sample-'))
  repository = await damagedRepository(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** More than there are: all of them are drawn, the damaged one too. */
const settings = { 'policy.sample.contents': 1000 }

test.each(['audit', 'array'] as const)(
  '%s: all that can be restored is drawn, proven or not, and the bad one is bad',
  async as => {
    const world = await newWorld(join(folder, as), repository)
    const first = await world.night()
    expect(first.run?.sample).toBeUndefined()
    const { run, error } = await world.night(noFault(), { as, settings })
    expect(error).toBeNull()
    if (run === null) throw new Error('there is no run')
    const { sample } = parseRun(serializeRun(run))
    if (sample === undefined) throw new Error('nothing was drawn')
    expect(sample).toEqual(run.sample)
    expect(sample.population).toBeGreaterThan(4)
    expect(sample).toMatchObject({ wanted: 1000, confidence: 95, failed: 1, open: 0, cut: 0 })
    expect(sample.passed).toBe(sample.population - 1)
    expect(sample.statement).toEqual({ atLeast: 1, atMost: 1 })
    const bad = sample.contents.filter(one => one.verdict === 'fail')
    expect(bad).toMatchObject([{ index: damaged.index, snapshot: damaged.snapshot }])
    // Proven last night, and restored again for the draw alone.
    expect(run.restores.filter(row => row.kind === 'refresh' && row.verdict === 'pass').length).toBe(sample.passed)
    expect(run.exit.code).toBe(1)
  },
)

test('what no engine could judge is open, and nothing is said of it', async () => {
  const world = await newWorld(join(folder, 'open'), repository)
  const point = new FaultPoint({ port: 'engine', kind: '500', call: 1, lasting: true })
  const { run } = await world.night(point, { settings })
  expect(run?.sample).toMatchObject({ passed: 0, cut: 0 })
  expect(run?.sample?.open).toBe((run?.sample?.population ?? 0) - (run?.sample?.failed ?? 0))
  expect(run?.sample?.contents.map(one => one.verdict)).not.toContain('pass')
  expect(run?.sample?.statement?.atMost ?? run?.sample?.population).toBe(run?.sample?.population)
})
