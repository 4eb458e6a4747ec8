/** Footers on request: good ones say nothing, a bad one is one finding with the snapshots that need the file. */
import { describe, expect, test } from 'vitest'
import { SnapproofError } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import { checkReport } from '../../src/run/checkReport.ts'
import { fakeClock } from '../support/fakes.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { type Files, filesOf, memoryReader } from '../support/memoryReader.ts'
import { firstNightMs, judgement, MapMemory, night, VersionedStore } from './nights.ts'

function run(files: Files, footers: boolean) {
  return checkReport({
    level: 'presence',
    maxBytes: null,
    maxSeconds: null,
    footers,
    blobs: memoryReader(files),
    counts: { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 },
    requests: 8,
    maxMetadataBytes: 1 << 28,
    clock: fakeClock(),
    log: silentLog,
    signal: new AbortController().signal,
  })
}

describe.each(repositoryFixtures())('$name', ({ folder }) => {
  const told = async (files: Files, footers = true) =>
    (await run(files, footers)).report.findings.filter(finding => finding.severity !== 'information')

  /** A data blob that a snapshot which passes needs: aborted and partial ones have others. */
  const neededBlob = async (files: Files): Promise<string> => {
    const { verdicts } = (await run(files, false)).report
    const passing = new Set(
      verdicts.filter(row => row.level === 'presence' && row.verdict === 'pass').map(row => row.uuid),
    )
    for (const key of [...files.keys()].filter(name => /\/__[^/.]+$/.test(name)).sort()) {
      const bytes = files.get(key) ?? Buffer.alloc(0)
      files.delete(key)
      const [finding] = await told(files, false)
      files.set(key, bytes)
      if (finding?.code === 'missing-data-blob' && finding.snapshots.some(uuid => passing.has(uuid))) return key
    }
    throw new Error('no data blob is needed')
  }

  test('good ones say nothing', async () => {
    expect(await told(filesOf(folder))).toEqual([])
  })

  test('a flipped bit in the checksum of a footer is one finding; without the sample nobody sees it', async () => {
    const files = filesOf(folder)
    const key = await neededBlob(files)
    const bytes = Buffer.from(files.get(key) ?? [])
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
    files.set(key, bytes)
    expect(await told(files, false)).toEqual([])
    const [finding, ...others] = await told(files)
    expect(others).toEqual([])
    expect(finding).toMatchObject({ code: 'corrupt-data-blob', key })
    const { report, exitCode } = await run(files, true)
    const failed = report.verdicts.filter(row => row.level === 'presence' && row.verdict === 'fail')
    expect(failed.length).toBeGreaterThan(0)
    expect(new Set(finding?.snapshots)).toEqual(new Set(failed.map(row => row.uuid)))
    expect(exitCode).toBe(1)
  })

  test('what could not be looked at stays open, that night only', async () => {
    const store = new VersionedStore(filesOf(folder))
    const memory = new MapMemory()
    const calm = await night(store, 'presence', firstNightMs, null, { footers: true })
    store.onRead = key => {
      if (/\/__/.test(key)) throw new SnapproofError('unavailable', 'throttled')
      return undefined
    }
    const told = await night(store, 'presence', firstNightMs, memory, { footers: true })
    expect(told.exitCode).toBe(4)
    const reasons = told.report.verdicts.filter(row => row.level === 'presence').map(row => row.reason)
    expect(reasons).toContain('store-unavailable')
    expect(told.report.findings.filter(one => one.severity === 'error')).toEqual([])
    store.onRead = () => undefined
    expect(judgement(await night(store, 'presence', firstNightMs, memory))).toEqual(judgement(calm))
  })

  test('a body without a footer too, and what is damaged before the footer is not seen', async () => {
    const files = filesOf(folder)
    const key = await neededBlob(files)
    const bytes = Buffer.from(files.get(key) ?? [])
    bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
    files.set(key, bytes)
    expect(await told(files)).toEqual([])
    files.set(key, Buffer.alloc(bytes.length))
    expect((await told(files)).map(finding => finding.code)).toEqual(['corrupt-data-blob'])
  })
})
