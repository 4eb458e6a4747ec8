/** What a repository holds: the streamed lines say what the collected value says, and nothing large is collected. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { generatedReader } from '../../infra/local/generate/reader.ts'
import { countBlobs, shapeOf } from '../../infra/local/generate/shape.ts'
import type { BlobReader } from '../../src/blobs/port.ts'
import { isSnapproofError } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import { type InspectOptions, inspect, inspectLines } from '../../src/run/inspect.ts'
import { collect } from '../support/catalogues.ts'
import { changedReader } from '../support/changedReader.ts'
import { openFolder, repositoryFixtures } from '../support/fixtures.ts'

const temporaryFolder = mkdtempSync(join(tmpdir(), 'snapproof-inspect-'))
afterAll(() => rmSync(temporaryFolder, { recursive: true, force: true }))

const all: InspectOptions = {
  snapshot: null,
  index: null,
  shards: true,
  requests: 8,
  maxMetadataBytes: 2 ** 28,
  log: silentLog,
  signal: AbortSignal.timeout(60_000),
}

async function linesOf(blobs: BlobReader, options: InspectOptions = all) {
  const lines = (await collect(inspectLines(blobs, { ...options, temporaryFolder }))).map(line => JSON.parse(line))
  const head = lines.shift()
  const last = lines.pop()
  return { ...head, snapshots: lines, ...last }
}

const shape = shapeOf({ snapshots: 9, deleted: 2, indices: 7, shards: 3, compress: false })
const repositories: [string, BlobReader][] = [
  ...repositoryFixtures().map(({ name, folder }): [string, BlobReader] => [name, openFolder(folder)]),
  ['generated', generatedReader(shape)],
]

describe.each(repositories)('%s', (_, blobs) => {
  test.each([
    {},
    { shards: false },
    { snapshot: 'night-2' },
    { snapshot: 'nightly-000005', index: 'logs-000003' },
    { index: 'orders' },
  ])('lines and value agree: %j', async narrow => {
    const options = { ...all, ...narrow }
    const value = await inspect(blobs, options).catch((error: unknown) => error)
    const lines = await linesOf(blobs, options).catch((error: unknown) => error)
    if (value instanceof Error) expect(isSnapproofError(value, 'usage')).toBe(true)
    expect(lines).toEqual(value)
  })

  test('every metadata blob is read once', async () => {
    const counted = changedReader(blobs)
    await linesOf(counted)
    const reads = [...counted.reads].filter(([key]) => key !== 'index.latest')
    expect(reads.length).toBeGreaterThan(10)
    expect(reads.filter(([, times]) => times !== 1)).toEqual([])
  })
})

test('totals of a generated repository', async () => {
  const { totals, faults, snapshots } = await linesOf(generatedReader(shape))
  const held = shape.snapshots - shape.deleted
  expect(faults).toEqual([])
  expect(totals).toMatchObject({
    snapshots: held,
    indices: held * shape.indices,
    shards: held * shape.indices * shape.shards,
    blobs: countBlobs(shape).data,
  })
  const bytes = snapshots.flatMap((s: { indices: { bytes: number }[] }) => s.indices.map(index => index.bytes))
  expect(totals.logicalBytes).toBe(bytes.reduce((sum: number, one: number) => sum + one, 0))
  expect(totals.uniqueBytes).toBeLessThan(totals.logicalBytes)
})

describe('more rows than fit', () => {
  const blobs = generatedReader(shape)
  const rows = 7 * 7 * 3

  test.each([
    ['shards', rows, true, null],
    ['shards', rows - 1, true, /more than 146 rows of shards/],
    ['indices', 49, false, null],
    ['indices', 48, false, /more than 48 rows of indices/],
  ])('%s, allowed are %i', async (_, maxRows, shards, refusal) => {
    const found = inspect(blobs, { ...all, shards }, maxRows)
    if (refusal === null) await expect(found).resolves.toMatchObject({ totals: { shards: rows } })
    else await expect(found).rejects.toThrow(refusal)
  })

  test('is told before a shard is read where index-N tells', async () => {
    const counted = changedReader(blobs)
    await expect(inspect(counted, all, 48)).rejects.toSatisfy(error => isSnapproofError(error, 'usage'))
    expect([...counted.reads.keys()].filter(key => key.startsWith('indices/'))).toEqual([])
  })
})

test('nothing is left in the temporary folder, also by a reader who goes away', async () => {
  for await (const _ of inspectLines(generatedReader(shape), { ...all, temporaryFolder })) break
  let lines = 0
  for await (const _ of inspectLines(generatedReader(shape), { ...all, temporaryFolder })) if (++lines === 3) break
  expect(readdirSync(temporaryFolder)).toEqual([])
})

test('a temporary folder that takes no file is said', async () => {
  const lines = inspectLines(generatedReader(shape), { ...all, temporaryFolder: join(temporaryFolder, 'none') })
  await expect(collect(lines)).rejects.toSatisfy(error => isSnapproofError(error, 'disk-full'))
})
