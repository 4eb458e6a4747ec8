/** Limits leave things open and accuse nobody; with a memory, repeated runs get to the end; the next night costs what is new. */
import { describe, expect, test } from 'vitest'
import { generatedReader } from '../../infra/local/generate/reader.ts'
import { nextNight, type RepositoryShape, shapeOf } from '../../infra/local/generate/shape.ts'
import type { RequestCounts } from '../../src/blobs/port.ts'
import { SnapproofError } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import { type CheckLevel, type CheckReportOptions, checkReport, exitOf } from '../../src/run/checkReport.ts'
import { dayMs, firstNightMs, judgement, MapMemory, night, VersionedStore } from '../check/nights.ts'
import { fakeClock } from '../support/fakes.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { filesOf } from '../support/memoryReader.ts'

const fixtures = repositoryFixtures().map(({ name, folder }) => ({ name, files: filesOf(folder) }))
const newest = fixtures.at(-1)?.files ?? new Map()

describe.each(fixtures)('$name', ({ files }) => {
  test.each([
    ['requests', (step: number) => ({ maxRequests: 12 + step * 8 })],
    ['bytes', (step: number) => ({ maxBytes: 1 << (step * 2) })],
  ])('with ever fewer %s forbidden: open, nobody accused, nothing made up', async (_, limitOf) => {
    const store = new VersionedStore(files)
    const whole = await night(store, 'bytes', firstNightMs, null)
    let open = 0
    for (let step = 0; step < 5; step++) {
      const told = await night(store, 'bytes', firstNightMs, null, limitOf(step))
      expect(told.report.findings.filter(one => one.severity === 'error')).toEqual([])
      expect(told.exitCode).toBe(4)
      if (told.report.verdicts.some(row => row.reason === 'limit-reached')) open++
      for (const [i, row] of told.report.verdicts.entries()) {
        const all = whole.report.verdicts[i]
        expect([row.snapshot, row.level]).toEqual([all?.snapshot, all?.level])
        if (row.verdict === 'pass') expect(all?.verdict).toBe('pass')
        expect(row.verdict).not.toBe('fail')
      }
      // What was not listed to its end is nobody's only by mistake.
      for (const finding of told.report.findings) expect(whole.report.findings).toContainEqual(finding)
    }
    expect(open).toBeGreaterThan(0)
  })
})

describe('repeated runs with a memory', () => {
  test.each([
    ['bytes', { maxBytes: 20_000 }],
    ['requests', { maxRequests: 40 }],
  ] as const)('finish under a limit of %s, and say what one run without a limit says', async (_, limit) => {
    const store = new VersionedStore(newest)
    const memory = new MapMemory()
    const read = new Map<string, number>()
    for (let run = 1; ; run++) {
      const told = await night(store, 'bytes', firstNightMs + run * 60_000, memory, limit)
      for (const key of told.gets) read.set(key, (read.get(key) ?? 0) + 1)
      if (!told.report.verdicts.some(row => row.reason === 'limit-reached')) {
        expect(judgement(told)).toEqual(judgement(await night(store, 'bytes', firstNightMs, null)))
        expect(run).toBeGreaterThan(2)
        break
      }
      expect(run).toBeLessThan(60)
    }
    // A data blob that was read to its end is not read a second time.
    const again = [...read].filter(([key, times]) => /\/__/.test(key) && times > 1)
    expect(again).toEqual([])
  })
  test('a run that is stopped keeps what it saw', async () => {
    const store = new VersionedStore(newest)
    const memory = new MapMemory()
    const abort = new AbortController()
    const data = [...newest.keys()].filter(key => /\/__/.test(key))
    let seen = 0
    store.onRead = key => {
      if (/\/__/.test(key) && ++seen === data.length - 3) abort.abort(new Error('SIGTERM'))
      return undefined
    }
    await expect(night(store, 'bytes', firstNightMs, memory, { signal: abort.signal })).rejects.toThrow('SIGTERM')
    store.onRead = () => undefined
    const told = await night(store, 'bytes', firstNightMs + dayMs, memory)
    expect(told.gets.filter(key => /\/__/.test(key)).length).toBeLessThan(data.length)
    expect(judgement(told)).toEqual(judgement(await night(store, 'bytes', firstNightMs, null)))
  })
})

describe('a generated repository from night to night', () => {
  async function look(
    shape: RepositoryShape,
    level: CheckLevel,
    memory: MapMemory,
    nights: number,
    rest: Partial<CheckReportOptions> = {},
  ) {
    const counts: RequestCounts = { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 }
    const kinds = new Map<string, number>()
    const blobs = generatedReader(shape, counts, kind => kinds.set(kind, (kinds.get(kind) ?? 0) + 1))
    const { report, exitCode } = await checkReport({
      level,
      maxBytes: null,
      maxSeconds: null,
      memory,
      blobs,
      counts,
      requests: 4,
      maxMetadataBytes: 1 << 28,
      clock: fakeClock(Date.UTC(2030, 0, 1) + nights * dayMs),
      log: silentLog,
      signal: new AbortController().signal,
      ...rest,
    })
    return { report, exitCode, counts, kinds }
  }
  /** Keys with ETags, as a listing shows them. */
  async function keysOf(shape: RepositoryShape): Promise<Set<string>> {
    const keys = new Set<string>()
    for await (const { key, etag } of generatedReader(shape).list('')) keys.add(`${key} ${etag}`)
    return keys
  }
  const isMetadata = (key: string) => !/\/__/.test(key)

  test.each([
    ['one more snapshot', {}],
    ['one more, and the oldest gone', { deleteOldest: true }],
  ] as const)(
    '%s: GETs are at most 1.05 of the metadata blobs never read, and the data blobs never read',
    async (_, change) => {
      const memory = new MapMemory()
      let shape = shapeOf({ snapshots: 20, indices: 15, shards: 2, segments: 5, fresh: 0.1 })
      expect((await look(shape, 'bytes', memory, 0)).exitCode).toBe(0)
      const quiet = await look(shape, 'bytes', memory, 1)
      expect([quiet.exitCode, quiet.counts.head]).toEqual([0, 0])
      // index-N and index.latest.
      expect(quiet.counts.get).toBeLessThanOrEqual(2)
      for (const nights of [2, 3]) {
        const before = await keysOf(shape)
        shape = nextNight(shape, change)
        const fresh = [...(await keysOf(shape))].filter(key => !before.has(key))
        const told = await look(shape, 'bytes', memory, nights)
        expect(told.exitCode).toBe(0)
        const data = told.kinds.get('data') ?? 0
        expect(data).toBe(fresh.length - fresh.filter(isMetadata).length)
        expect(told.counts.get - data).toBeLessThanOrEqual(1.05 * fresh.filter(isMetadata).length)
      }
    },
  )
})

test('a level beneath the one asked for that stays open is not good', async () => {
  const files = fixtures.find(one => one.name === 'es-9.5')?.files ?? new Map()
  const store = new VersionedStore(files)
  // The global metadata of a snapshot: none of its indices needs them.
  store.onRead = key => {
    if (/^meta-/.test(key)) throw new SnapproofError('unavailable', 'throttled')
    return undefined
  }
  const { report } = await night(store, 'presence', firstNightMs, null)
  const verdicts = report.verdicts.filter(row => row.snapshot === 'night-1')
  expect(verdicts.map(row => row.verdict)).toEqual(['inconclusive', 'pass'])
  expect(exitOf({ ...report, verdicts })).toBe(4)
  expect(exitOf({ ...report, verdicts: verdicts.slice(1) })).toBe(0)
})
