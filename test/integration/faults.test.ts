/**
 * A sample of the fault suite (test/suites/faults.test.ts) on a real server: the store fails in the middle of a night, and the server dies under
 * a restore. Nobody is accused, no pass is invented, and the next night makes up for it.
 */
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Engine } from '../../src/engine/port.ts'
import type { RunResult } from '../../src/model/run.ts'
import { FaultPoint } from '../suites/faultPoint.ts'
import { faultyReader } from '../suites/portFaults.ts'
import { type Truth, truthOf, wrongAfter, wrongIn } from '../suites/truth.ts'
import { damaged } from '../suites/wholeAudit.ts'
import { type Bench, fixture, type NightOptions, openBench, type Server } from '../support/auditRun.ts'
import { flipBitOf } from '../support/repositoryFiles.ts'

let bench: Bench
let repository = ''
let truth: Truth
let reads = 0
const never = /^never$/

beforeAll(async () => {
  bench = await openBench()
  const folder = join(bench.folder, 'damaged')
  await cp(fixture, folder, { recursive: true })
  await flipBitOf(join(folder, damaged.blob))
  repository = `file://${folder}`
  const point = new FaultPoint({ port: 'repository', kind: 'refused', call: 0, lasting: false })
  const { run } = await night('clean', { throughReader: reader => faultyReader(reader, point, 'repository') })
  truth = truthOf(run)
  reads = point.calls
})
afterAll(() => bench.close())

const night = (ledger: string, options: Partial<NightOptions> = {}) => bench.night(ledger, { repository, ...options })

function outcome(run: RunResult) {
  return { run, error: null, exitCode: run.exit.code, metrics: [], left: [], unlike: [] }
}

it.each([
  ['refused', 0.2, false],
  ['refused', 0.7, true],
  ['flipped', 0.6, false],
  ['truncated', 0.8, false],
] as const)('the store: %s after %d of the reads, lasting %s', async (kind, part, lasting) => {
  const name = `${kind}-${part}`
  const point = new FaultPoint({ port: 'repository', kind, call: Math.ceil(reads * part), lasting })
  const { run } = await night(name, { throughReader: reader => faultyReader(reader, point, 'repository') })
  expect(point.fired).toBeGreaterThan(0)
  expect(wrongIn(outcome(run), truth, never)).toEqual([])
  expect(wrongAfter(outcome((await night(name)).run), truth, false)).toEqual([])
})

it('the server dies under its third restore', async () => {
  const dying = (server: Server, start: number): Engine => {
    let restores = 0
    return {
      ...server.engine,
      startRestore: async request => {
        const answer = await server.engine.startRestore(request)
        if (start === 1 && ++restores === 3) process.kill(-server.pid, 'SIGKILL')
        return answer
      },
    }
  }
  const { run, pids } = await night('dying', { throughServer: dying })
  expect(pids).toHaveLength(2)
  expect(wrongIn(outcome(run), truth, never)).toEqual([])
  // The next night restores what was lost, with the server that is there.
  expect(wrongAfter(outcome((await night('dying')).run), truth, false)).toEqual([])
})
