/** A check down to the bytes of every layout that servers write: the healthy pass, and what is not here is never a pass. */
import { describe, expect, it } from 'vitest'
import type { BlobReader } from '../../src/blobs/port.ts'
import { silentLog } from '../../src/log.ts'
import { openCatalogue } from '../../src/repository/catalogue.ts'
import { type CheckReport, checkReport } from '../../src/run/checkReport.ts'
import { systemClock } from '../../src/time.ts'
import { rewrite } from '../support/envelope.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { type Files, filesOf, memoryReader } from '../support/memoryReader.ts'

const signal = new AbortController().signal
const check = (blobs: BlobReader): Promise<{ report: CheckReport; exitCode: number }> =>
  checkReport({
    level: 'bytes',
    maxBytes: null,
    maxSeconds: null,
    blobs,
    counts: { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 },
    requests: 8,
    maxMetadataBytes: 1 << 28,
    clock: systemClock,
    log: silentLog,
    signal,
  })

const verdictsOf = ({ verdicts }: CheckReport, snapshot: string) =>
  verdicts.filter(row => row.snapshot === snapshot).map(({ level, verdict, reason }) => `${level} ${verdict} ${reason}`)
const all = (text: string) => ['catalogue', 'presence', 'bytes'].map(level => `${level} ${text}`)

/** Hashed prefixes as they lie below a base path: beside it. */
function beside(files: Files, basePath: string): Files {
  return new Map(
    [...files].map(([key, bytes]) => {
      const hashed = /^(snaps-[\w-]{15})\/(indices\/.*)$/.exec(key)
      return [hashed === null ? key : `/${hashed[1]}/${basePath}/${hashed[2]}`, bytes]
    }),
  )
}

const prefixed = filesOf(repositoryFixtures().find(({ name }) => name === 'os-3.3-prefix')?.folder ?? '')

describe('healthy', () => {
  it.each([
    ...repositoryFixtures().map(({ name, folder }): [string, BlobReader] => [name, memoryReader(filesOf(folder))]),
    ['os-3.3-prefix below a base path', memoryReader(beside(prefixed, 'base/path'), 'base/path')] as const,
  ])('%s', async (_, blobs) => {
    const { report } = await check(blobs)
    expect(report.findings).toEqual([])
    const names = new Set(report.verdicts.map(row => row.snapshot))
    expect(names.size).toBe(4)
    for (const name of names)
      expect(verdictsOf(report, name)).toEqual(
        all(name.startsWith('nächtlich') ? 'inconclusive partial-at-source' : 'pass proven'),
      )
  })

  it.each([
    ['os-3.3-prefix', prefixed, null],
    ['os-3.3-prefix below a base path', beside(prefixed, 'base/path'), 'base/path'],
  ])('%s, and one blob of a hashed folder is gone', async (_, files, basePath) => {
    const key = [...files.keys()].find(name => /snaps-.*\/__/.test(name)) ?? ''
    const { report, exitCode } = await check(memoryReader(without(files, [key]), basePath))
    expect(report.findings).toMatchObject([{ code: 'missing-data-blob', key }])
    expect(exitCode).toBe(1)
  })
})

function without(files: Files, keys: readonly string[]): Files {
  return new Map([...files].filter(([key]) => !keys.includes(key)))
}

describe('data that lies elsewhere', async () => {
  const files = filesOf(repositoryFixtures().find(({ name }) => name === 'es-9.5')?.folder ?? '')
  const { repositoryData } = await openCatalogue(memoryReader(files), { signal })
  const uuid = repositoryData.snapshots.find(({ name }) => name === 'night-4')?.uuid ?? ''
  const idOf = (index: string) => repositoryData.indices.find(({ name }) => name === index)?.id ?? ''
  const shardKeys = (index: string) =>
    [...files.keys()].filter(key => key.startsWith(`indices/${idOf(index)}/`) && key.endsWith(`/snap-${uuid}.dat`))
  const changed = (fields: Record<string, unknown>): Files => {
    const key = `snap-${uuid}.dat`
    const bytes = rewrite(files.get(key) ?? Buffer.alloc(0), root => Object.assign(root['snapshot'] ?? {}, fields))
    return new Map(files).set(key, bytes)
  }

  it('a pinned snapshot is not verifiable here, and nobody is accused', async () => {
    const pinned = changed({ pinned_timestamp: 1_790_000_000_000 })
    const { report } = await check(memoryReader(without(pinned, [...shardKeys('growing'), ...shardKeys('empty')])))
    expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(verdictsOf(report, 'night-4')).toEqual(all('not-applicable not-verifiable-here'))
    expect(verdictsOf(report, 'night-1')).toEqual(all('pass proven'))
  })

  const shallow = changed({ remote_store_index_shallow_copy: true })
  const [shardKey = ''] = shardKeys('empty')

  it('a snapshot with a shallow copy never passes, though its other indices are here', async () => {
    const copied = without(shallow, [shardKey])
    copied.set(shardKey.replace('/snap-', '/shallow-snap-'), shallow.get(shardKey) ?? Buffer.alloc(0))
    const { report } = await check(memoryReader(copied))
    expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(verdictsOf(report, 'night-4')).toEqual(all('not-applicable not-verifiable-here'))
  })

  it('and fails when a shard of it has neither kind of copy', async () => {
    const { report, exitCode } = await check(memoryReader(without(shallow, [shardKey])))
    expect(report.findings).toMatchObject([{ code: 'missing-metadata-blob', key: shardKey, snapshots: [uuid] }])
    expect(verdictsOf(report, 'night-4')[0]).toBe('catalogue fail found')
    expect(exitCode).toBe(1)
  })
})
