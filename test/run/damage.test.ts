/**
 * `check --level bytes` on repositories of real servers with one blob damaged: exactly one finding, of the right code,
 * naming the blob, and exactly the snapshots that need it fail. In a row over every blob of the newest fixture and some
 * of the others.
 */
import { describe, expect, it } from 'vitest'
import type { BlobReader } from '../../src/blobs/port.ts'
import { SnapproofError } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import { blobParts, type IndexRecord } from '../../src/model/content.ts'
import { openCatalogue } from '../../src/repository/catalogue.ts'
import { type CheckLevel, checkReport } from '../../src/run/checkReport.ts'
import { systemClock } from '../../src/time.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { type Files, filesOf, memoryReader } from '../support/memoryReader.ts'

const signal = new AbortController().signal
const run = (blobs: BlobReader, level: CheckLevel = 'bytes', maxBytes: number | null = null) =>
  checkReport({
    level,
    maxBytes,
    maxSeconds: null,
    blobs,
    counts: { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 },
    requests: 8,
    maxMetadataBytes: 1 << 28,
    clock: systemClock,
    log: silentLog,
    signal,
  })

interface Needed {
  readonly key: string
  readonly snapshots: readonly string[]
}

/** Every blob of a healthy repository whose loss is an error, with the uuids of the snapshots that need it. */
async function neededBlobs(files: Files): Promise<{ data: Needed[]; metadata: Needed[] }> {
  const catalogue = await openCatalogue(memoryReader(files), { concurrency: 8, maxMetadataBytes: 1 << 28, signal })
  const uuid = (position: number) => catalogue.repositoryData.snapshots[position]?.uuid ?? ''
  const metadata: Needed[] = []
  const data = new Map<string, Set<string>>()
  for await (const record of catalogue.readSnapshots(signal)) {
    for (const blob of record.metadataBlobs) {
      if (blob.kind === 'root-snapshot') metadata.push({ key: blob.key, snapshots: blob.neededBy.map(uuid) })
    }
  }
  for await (const record of catalogue.readIndices(signal)) {
    for (const blob of record.metadataBlobs) {
      if (blob.kind !== 'shard-generation') metadata.push({ key: blob.key, snapshots: blob.neededBy.map(uuid) })
    }
    for (const [key, uuids] of dataBlobs(record, uuid)) data.set(key, uuids)
  }
  return { metadata, data: [...data].map(([key, uuids]) => ({ key, snapshots: [...uuids] })) }
}

function dataBlobs(record: IndexRecord, uuid: (position: number) => string): Map<string, Set<string>> {
  const blobs = new Map<string, Set<string>>()
  for (const copy of record.copies) {
    for (const { shard, files } of copy.shards) {
      for (const part of (files?.files ?? []).flatMap(file => blobParts(file, `indices/${record.id}/${shard}`))) {
        blobs.set(part.key, (blobs.get(part.key) ?? new Set()).add(uuid(copy.snapshot)))
      }
    }
  }
  return blobs
}

const flip = (at: (length: number) => number) => (bytes: Buffer) => {
  const changed = Buffer.from(bytes)
  const offset = at(changed.length)
  changed.writeUInt8(changed.readUInt8(offset) ^ 0x20, offset)
  return changed
}
const dataFaults: Readonly<Record<string, { code: string; damage: (bytes: Buffer) => Buffer | null }>> = {
  missing: { code: 'missing-data-blob', damage: () => null },
  empty: { code: 'wrong-length', damage: () => Buffer.alloc(0) },
  truncated: { code: 'wrong-length', damage: bytes => bytes.subarray(0, -1) },
  longer: { code: 'wrong-length', damage: bytes => Buffer.concat([bytes, Buffer.from([0])]) },
  'flipped in the header': { code: 'corrupt-data-blob', damage: flip(() => 0) },
  'flipped in the body': { code: 'corrupt-data-blob', damage: flip(length => length >> 1) },
  'flipped in the footer': { code: 'corrupt-data-blob', damage: flip(length => length - 1) },
}

const fixtures = repositoryFixtures()
describe.each(fixtures)('$name', fixture => {
  const files = filesOf(fixture.folder)
  const withChange = (key: string, bytes: Buffer | null): BlobReader => {
    const changed: Files = new Map(files)
    if (bytes === null) changed.delete(key)
    else changed.set(key, bytes)
    return memoryReader(changed)
  }
  const some = <Item>(items: readonly Item[]) =>
    fixture === fixtures.at(-1) ? items : items.filter((_, i) => i % 7 === 0)

  async function expectOneFinding(reader: BlobReader, needed: Needed, code: string): Promise<void> {
    const { report, exitCode } = await run(reader)
    const told = report.findings.filter(finding => finding.severity !== 'information')
    // The recorded sum is that of the whole file: it cannot tell which part is wrong.
    const named = (key: string | null) => (code === 'corrupt-data-blob' ? key?.replace(/\.part\d+$/, '') : key)
    expect(told.map(finding => [finding.code, named(finding.key)])).toEqual([[code, named(needed.key)]])
    expect([...(told[0]?.snapshots ?? [])].sort()).toEqual([...needed.snapshots].sort())
    const failing = report.verdicts.filter(row => row.verdict === 'fail').map(row => row.uuid)
    expect([...new Set(failing)].sort()).toEqual([...needed.snapshots].sort())
    expect(exitCode).toBe(1)
    for (const row of report.lastGood)
      expect(needed.snapshots.includes(row.uuid ?? '') && failing.length === 0).toBe(false)
  }

  it('healthy: nobody is accused', async () => {
    const { report } = await run(memoryReader(files))
    expect(report.findings.filter(finding => finding.severity !== 'information')).toEqual([])
    expect(report.verdicts.filter(row => row.verdict === 'fail')).toEqual([])
  })

  it.each(Object.keys(dataFaults))('a data blob %s', async name => {
    const fault = dataFaults[name]
    const { data } = await neededBlobs(files)
    expect(data.length).toBeGreaterThan(5)
    for (const needed of some(data)) {
      const bytes = files.get(needed.key) ?? Buffer.alloc(0)
      if (fault !== undefined) await expectOneFinding(withChange(needed.key, fault.damage(bytes)), needed, fault.code)
    }
  })

  it('a data blob swapped with another one', async () => {
    const { data } = await neededBlobs(files)
    for (const needed of some(data)) {
      const own = files.get(needed.key)
      const other = data.find(one => one.key !== needed.key && !files.get(one.key)?.equals(own ?? Buffer.alloc(0)))
      const bytes = files.get(other?.key ?? '') ?? Buffer.alloc(0)
      const code = bytes.length === own?.length ? 'corrupt-data-blob' : 'wrong-length'
      await expectOneFinding(withChange(needed.key, bytes), needed, code)
    }
  })

  it.each([
    ['missing', 'missing-metadata-blob', () => null],
    ['truncated', 'corrupt-metadata-blob', (bytes: Buffer) => bytes.subarray(0, -3)],
    ['flipped in the body', 'corrupt-metadata-blob', flip(length => length >> 1)],
  ] as const)('a metadata blob %s', async (_name, code, damage) => {
    const { metadata } = await neededBlobs(files)
    for (const needed of some(metadata)) {
      await expectOneFinding(withChange(needed.key, damage(files.get(needed.key) ?? Buffer.alloc(0))), needed, code)
    }
  })

  it('index-N cut off or no JSON is one finding about the whole repository', async () => {
    const key = [...files.keys()].filter(name => /^index-\d+$/.test(name)).at(-1) ?? ''
    for (const bytes of [files.get(key)?.subarray(0, -5) ?? Buffer.alloc(0), Buffer.from('no JSON'), Buffer.alloc(0)]) {
      const { report, exitCode } = await run(withChange(key, bytes))
      expect(report.findings.map(finding => finding.code)).toEqual(['unreadable-repository-data'])
      expect([report.generation, report.verdicts, exitCode]).toEqual([null, [], 1])
    }
  })

  it('one blob that the store refuses is unreadable, and a store that is away accuses nobody', async () => {
    const { data } = await neededBlobs(files)
    const needed = data[0]
    if (needed === undefined) throw new Error('the fixture has no data blob')
    const failing = (code: 'access-denied' | 'unavailable'): BlobReader => {
      const reader = memoryReader(files)
      return {
        ...reader,
        get: (key, options) =>
          key === needed.key
            ? Promise.reject(new SnapproofError(code, `the store said ${code}`))
            : reader.get(key, options),
      }
    }
    await expectOneFinding(failing('access-denied'), needed, 'unreadable-blob')
    const { report, exitCode } = await run(failing('unavailable'))
    expect(report.findings.filter(finding => finding.severity !== 'information')).toEqual([])
    const open = report.verdicts.filter(row => row.level === 'bytes' && row.reason === 'store-unavailable')
    expect(open.map(row => [row.verdict, row.uuid]).sort()).toEqual(
      needed.snapshots
        .filter(uuid => open.some(row => row.uuid === uuid))
        .map(uuid => ['inconclusive', uuid])
        .sort(),
    )
    expect([open.length > 0, exitCode]).toEqual([true, 4])
  })

  it('two reads that differ accuse nobody', async () => {
    const { data } = await neededBlobs(files)
    const needed = data.find(one => (files.get(one.key)?.length ?? 0) > 100)
    const reader = memoryReader(files)
    let reads = 0
    const shaky: BlobReader = {
      ...reader,
      get: (key, options) => {
        if (key !== needed?.key) return reader.get(key, options)
        reads++
        return withChange(key, flip(() => 20 + reads)(files.get(key) ?? Buffer.alloc(0))).get(key, options)
      },
    }
    const { report } = await run(shaky)
    expect(reads).toBe(2)
    expect(report.findings.filter(finding => finding.severity !== 'information')).toEqual([])
    expect(report.verdicts.some(row => row.reason === 'unstable-read')).toBe(true)
  })

  it('bytes beyond the limit are unfinished, never passed', async () => {
    const { report, exitCode } = await run(memoryReader(files), 'bytes', 1000)
    const bytes = report.verdicts.filter(row => row.level === 'bytes')
    expect(bytes.filter(row => row.verdict === 'pass')).toEqual([])
    expect(bytes.some(row => row.reason === 'limit-reached')).toBe(true)
    expect(exitCode).toBe(4)
  })

  it.each(['catalogue', 'presence'] as const)('level %s reads no data blob', async level => {
    const reader = memoryReader(files)
    const guarded: BlobReader = {
      ...reader,
      get: (key, options) =>
        key.includes('/__') ? Promise.reject(new Error(`${key} was read`)) : reader.get(key, options),
    }
    const { report } = await run(guarded, level)
    expect(new Set(report.verdicts.map(row => row.level))).toEqual(
      new Set(level === 'presence' ? ['catalogue', 'presence'] : ['catalogue']),
    )
  })
})
