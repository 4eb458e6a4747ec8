/** Checks while a writer moves the repository: what is his is not held against the repository, what is not his is. */
import { describe, expect, it } from 'vitest'
import type { BlobReader } from '../../src/blobs/port.ts'
import { SnapproofError } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import { checkReport } from '../../src/run/checkReport.ts'
import { fakeClock } from '../support/fakes.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { type Files, filesOf, memoryReader } from '../support/memoryReader.ts'

const folder = repositoryFixtures().at(-1)?.folder ?? ''
const rootOf = (files: Files): number =>
  Math.max(...[...files.keys()].flatMap(key => (/^index-\d+$/.test(key) ? [Number(key.slice(6))] : [])))

function run(blobs: BlobReader, clock = fakeClock()) {
  return checkReport({
    level: 'presence',
    maxBytes: null,
    maxSeconds: null,
    blobs,
    counts: { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 },
    requests: 8,
    maxMetadataBytes: 1 << 28,
    clock,
    log: silentLog,
    signal: new AbortController().signal,
  })
}

function latest(generation: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(generation))
  return bytes
}

/** The root moves on while the indices are listed, in every check of it. */
function everMoving(files: Files): BlobReader {
  const reader = memoryReader(files)
  return {
    ...reader,
    async *list(prefix, options) {
      yield* reader.list(prefix, options)
      if (prefix !== 'indices/') return
      const before = rootOf(files)
      files.set(`index-${before + 1}`, files.get(`index-${before}`) ?? Buffer.alloc(0))
      files.set('index.latest', latest(before + 1))
      files.delete(`index-${before}`)
    },
  }
}

const told = (findings: Awaited<ReturnType<typeof run>>['report']['findings']) =>
  findings.filter(finding => finding.severity !== 'information').map(finding => finding.code)

describe('a repository that moves in every round', () => {
  it('is not warned of a shard generation that was superseded', async () => {
    const files = filesOf(folder)
    const key = [...files.keys()].find(name => /^indices\/[^/]+\/\d+\/index-/.test(name)) ?? ''
    files.delete(key)
    const still = await run(memoryReader(files))
    expect(told(still.report.findings)).toEqual(['shard-generation-missing'])

    const { report } = await run(everMoving(files))
    expect(told(report.findings)).toEqual([])
    expect(report.findings).toMatchObject([{ code: 'shard-generation-missing', key }])
    expect(report.verdicts.filter(row => row.verdict === 'fail')).toEqual([])
  })

  it('stays open where a blob is gone', async () => {
    const files = filesOf(folder)
    const key = [...files.keys()].find(name => /^snap-/.test(name)) ?? ''
    files.delete(key)
    expect((await run(memoryReader(files))).exitCode).toBe(1)

    const { report, exitCode } = await run(everMoving(files))
    expect(told(report.findings)).toEqual([])
    const open = report.verdicts.filter(row => row.reason === 'repository-moved')
    expect([...new Set(open.map(row => `snap-${row.uuid}.dat`))]).toEqual([key])
    expect([new Set(report.verdicts.map(row => row.verdict)).has('fail'), exitCode]).toEqual([false, 4])
  })

  it('is still accused of what index-N itself gets wrong', async () => {
    const files = filesOf(folder)
    const key = `index-${rootOf(files)}`
    const root = JSON.parse(files.get(key)?.toString() ?? '')
    const [index] = Object.values<{ snapshots: string[] }>(root.indices)
    index?.snapshots.push('GHOSTGHOSTGHOSTGHOST')
    files.set(key, Buffer.from(JSON.stringify(root)))
    const { report, exitCode } = await run(everMoving(files))
    expect(told(report.findings)).toEqual(['dangling-reference'])
    expect(exitCode).toBe(1)
  })
})

describe('index.latest', () => {
  it('that is written after index-N is no mismatch', async () => {
    const files = filesOf(folder)
    const generation = rootOf(files)
    files.set('index.latest', latest(generation - 1))
    const clock = fakeClock()
    const late = {
      ...clock,
      sleep: async (ms: number, signal?: AbortSignal) => {
        await clock.sleep(ms, signal)
        files.set('index.latest', latest(generation))
      },
    }
    const { report } = await run(memoryReader(files), { ...clock, ...late })
    expect(told(report.findings)).toEqual([])
  })

  it('that stays behind is one', async () => {
    const files = filesOf(folder)
    files.set('index.latest', latest(rootOf(files) - 1))
    const clock = fakeClock()
    expect(told((await run(memoryReader(files), clock)).report.findings)).toEqual(['index-latest-mismatch'])
    expect(clock.monotonicMs()).toBeLessThan(10_000)
  })
})

it('a listing that misses index-N once is looked at again', async () => {
  const files = filesOf(folder)
  const reader = memoryReader(files)
  let lists = 0
  const blind: BlobReader = {
    ...reader,
    list: (prefix, options) => (lists++ === 0 ? memoryReader(new Map()) : reader).list(prefix, options),
  }
  const { report } = await run(blind)
  expect(report.generation).toBe(rootOf(files))
  expect(told(report.findings)).toEqual([])
})

describe('a refusal', () => {
  const refusing = (files: Files, isRefused: (key: string, reads: number) => boolean): BlobReader => {
    const reader = memoryReader(files)
    let reads = 0
    const pass = (key: string) => {
      if (isRefused(key, ++reads)) throw new SnapproofError('access-denied', `${key}: AccessDenied`)
    }
    return {
      ...reader,
      get: async (key, options) => {
        pass(key)
        return await reader.get(key, options)
      },
      read: async (key, options) => {
        pass(key)
        return await reader.read(key, options)
      },
    }
  }

  it('of one blob accuses it', async () => {
    const files = filesOf(folder)
    const bad = [...files.keys()].find(name => /^snap-/.test(name)) ?? ''
    const { report, exitCode } = await run(refusing(files, key => key === bad))
    expect(told(report.findings)).toEqual(['unreadable-blob'])
    expect(exitCode).toBe(1)
  })
  it('of everything from some time on is our own trouble: nobody is accused', async () => {
    const refused = run(refusing(filesOf(folder), (_, reads) => reads > 6))
    await expect(refused).rejects.toMatchObject({ code: 'access-denied' })
  })
})
