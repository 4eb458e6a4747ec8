/** Checks of the real program that are killed and stopped in the middle: the next one goes on where they were. */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type LocalS3, startLocalS3 } from '../../infra/local/s3/server.ts'
import { fixture } from '../support/auditRun.ts'
import { type Ended, type Running, runProgram, startProgram } from '../support/program.ts'

let folder = ''
let s3: LocalS3
/** GETs since the last program was started, by key. */
let gets: string[] = []
let slowMs = 0
const running: Running[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-resume-'))
  await mkdir(join(folder, 's3', 'bucket'), { recursive: true })
  await cp(fixture, join(folder, 's3', 'bucket', 'base'), { recursive: true })
  s3 = await startLocalS3({
    root: join(folder, 's3'),
    readOnly: ['bucket/base'],
    hooks: {
      onRequest: ({ method, key }) => {
        if (method !== 'GET' || key === '') return undefined
        gets.push(key)
        return slowMs > 0 && isData(key) ? { kind: 'delay', ms: slowMs } : undefined
      },
    },
  })
})
afterAll(async () => {
  for (const one of running) one.kill('SIGKILL')
  await s3?.close()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(() => {
  gets = []
  slowMs = 0
})

const isData = (key: string) => /\/\d+\/__[^/]+$/.test(key)
const args = (ledger: string, ...more: readonly string[]) => [
  ...['check', 's3://bucket/base', '--endpoint-url', s3.endpointUrl, '--level', 'bytes', '--json'],
  ...['--ledger', join(folder, ledger), ...more],
]
interface Row {
  readonly snapshot: string
  readonly level: string
  readonly verdict: string
  readonly reason: string
  readonly provenAt: string | null
}
const verdicts = ({ stdout }: Ended): Row[] => JSON.parse(stdout).verdicts
const bare = (ended: Ended) => verdicts(ended).map(({ snapshot, level, verdict }) => [snapshot, level, verdict])

let wholes = 0
/** Of a ledger of its own, by a run that nobody disturbs. */
async function whole(): Promise<{ ended: Ended; data: number }> {
  const ended = await runProgram(args(`whole-${++wholes}.sqlite`))
  const data = new Set(gets.filter(isData)).size
  gets = []
  return { ended, data }
}

describe.each([
  ['SIGKILL', 'killed.sqlite'],
  ['SIGTERM', 'stopped.sqlite'],
] as const)('%s in the middle of a check of bytes', (signal, ledger) => {
  it('loses little, and the next check reads the rest', async () => {
    const { ended: expected, data } = await whole()
    slowMs = 1500
    const first = startProgram(args(ledger, '--log', 'plain'))
    running.push(first)
    while (new Set(gets.filter(isData)).size < data * 0.9) await delay(20)
    first.kill(signal)
    const { code, stdout } = await first.ended
    expect(code).not.toBe(0)
    expect(stdout).toBe('')

    slowMs = 0
    gets = []
    const second = await runProgram(args(ledger))
    const left = new Set(gets.filter(isData)).size
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThan(data)
    expect(bare(second)).toEqual(bare(expected))
    expect(second.code).toBe(expected.code)
    expect(verdicts(second).map(row => row.reason)).toContain('remembered')

    gets = []
    const third = await runProgram(args(ledger))
    expect(bare(third)).toEqual(bare(expected))
    expect(gets.filter(key => !/\/index(-\d+|\.latest)$/.test(key))).toEqual([])
  })
})

describe('limits of one run after the other', () => {
  it('end at the whole of it', async () => {
    const { ended: expected } = await whole()
    for (let run = 1; ; run++) {
      const told = await runProgram(args('limits.sqlite', '--max-requests', '40'))
      const open = verdicts(told).filter(row => row.reason === 'limit-reached')
      expect(JSON.parse(told.stdout).findings).toEqual(open.length > 0 ? [] : JSON.parse(expected.stdout).findings)
      if (open.length === 0) {
        expect(bare(told)).toEqual(bare(expected))
        expect(run).toBeGreaterThan(1)
        return
      }
      expect(told.code).toBe(4)
      expect(run).toBeLessThan(15)
    }
  })
})
