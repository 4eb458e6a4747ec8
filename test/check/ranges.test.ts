/** The listing in parallel ranges: every key in exactly one, no more requests than they cost, and the same judgement however many. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { generatedReader } from '../../infra/local/generate/reader.ts'
import { shapeOf } from '../../infra/local/generate/shape.ts'
import type { RequestCounts } from '../../src/blobs/port.ts'
import { check } from '../../src/check/check.ts'
import { FolderCursor } from '../../src/check/listing.ts'
import { indexRanges } from '../../src/check/ranges.ts'
import { silentLog } from '../../src/log.ts'
import type { IndexEntry } from '../../src/model/repository.ts'
import { openCatalogue } from '../../src/repository/catalogue.ts'
import { fakeClock } from '../support/fakes.ts'
import { listed, listedStore } from '../support/records.ts'

const signal = new AbortController().signal
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

function entryOf(id: string, shards = 1, snapshots = 1): IndexEntry {
  return {
    name: id,
    id,
    snapshots: Int32Array.from({ length: snapshots }, (_, i) => i),
    shardGenerations: Array.from({ length: shards }, () => null),
    shardPathType: 0,
  }
}

describe('ranges', () => {
  // Also ids that begin another one, which no server makes.
  const id = fc.string({ unit: fc.constantFrom('a', 'B', '-', '_', '0'), minLength: 1, maxLength: 3 })
  const name = fc.string({ unit: fc.constantFrom('a', 'z', '-', '/', '~', '!', '0'), maxLength: 6 })

  test('every key below indices/ lies in exactly one, in order, and every folder whole in its own', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(id, { minLength: 1, maxLength: 12 }),
        fc.array(fc.tuple(id, name), { maxLength: 40 }),
        fc.integer({ min: 1, max: 15 }),
        async (ids, names, wanted) => {
          // In the order of the reader.
          const indices = [...ids].sort((a, b) => byBytes(`${a}/`, `${b}/`)).map(one => entryOf(one))
          const keys = [...new Set(names.map(([folder, rest]) => `indices/${folder}${rest}`))].sort(byBytes)
          const store = listedStore(keys.map(key => listed(key, 1)))
          const reader = {
            ...store,
            async *list(prefix: string, { startAfter = '' } = {}) {
              for await (const blob of store.list(prefix)) if (byBytes(blob.key, startAfter) > 0) yield blob
            },
          }
          const ranges = indexRanges({ indices }, wanted)
          expect(ranges.flatMap(range => range.indices)).toEqual([...indices.keys()])
          const seen: string[] = []
          for (const range of ranges) {
            const cursor = new FolderCursor(reader, range, Number.MAX_SAFE_INTEGER, signal)
            const before = seen.length
            for (const position of range.indices) {
              const folder = `indices/${indices[position]?.id}/`
              seen.push(...(await cursor.take(folder)).keys())
            }
            await cursor.finish()
            expect(cursor.blobs).toBeLessThanOrEqual(keys.length)
            expect(seen.length - before + cursor.unreferenced.blobs).toBe(cursor.blobs)
          }
          const cursors = await Promise.all(
            ranges.map(async range => {
              const cursor = new FolderCursor(reader, range, Number.MAX_SAFE_INTEGER, signal)
              await cursor.finish()
              return cursor.blobs
            }),
          )
          expect(cursors.reduce((sum, blobs) => sum + blobs, 0)).toBe(keys.length)
        },
      ),
      { seed: 31, numRuns: 300 },
    )
  })
  test('one for each hundred thousand promised blobs, at most eight', () => {
    const of = (indices: number, shards: number, snapshots: number) =>
      indexRanges({
        indices: Array.from({ length: indices }, (_, i) => entryOf(`${i}`.padStart(6, '0'), shards, snapshots)),
      }).length
    expect([of(10, 1, 9), of(100, 10, 199), of(100, 10, 299), of(1000, 10, 999)]).toEqual([1, 2, 3, 8])
    expect(indexRanges({ indices: [] })).toEqual([{ prefix: 'indices/', after: null, until: null, indices: [] }])
  })
})

test('at a quarter of a million keys: LIST at most 1.05 of a page for each thousand', {
  timeout: 120_000,
}, async () => {
  const shape = shapeOf({
    snapshots: 2,
    indices: 100,
    shards: 2,
    segments: 100,
    filesPerSegment: 12,
    fresh: 0.001,
    data: false,
    compress: false,
  })
  const counts: RequestCounts = { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 }
  const blobs = generatedReader(shape, counts)
  const catalogue = await openCatalogue(blobs, { concurrency: 8, maxMetadataBytes: 1 << 28, signal })
  const { indices } = catalogue.repositoryData
  let keys = 0
  for await (const _ of blobs.list('indices/')) keys++
  expect(keys).toBeGreaterThan(200_000)
  for (const wanted of [1, 8]) {
    const ranges = indexRanges({ indices }, wanted)
    counts.list = 0
    let seen = 0
    for (const range of ranges) {
      const cursor = new FolderCursor(blobs, range, 0, signal)
      await cursor.finish()
      seen += cursor.blobs
    }
    expect(seen).toBe(keys)
    expect(counts.list).toBeLessThanOrEqual((1.05 * keys) / 1000)
  }
})

test('a check gives the same result however many ranges there are', async () => {
  const shape = shapeOf({ snapshots: 4, indices: 12, shards: 2 })
  const results = []
  for (const ranges of [1, 2, 5, 12]) {
    const blobs = generatedReader(shape)
    const catalogue = await openCatalogue(blobs, { concurrency: 8, maxMetadataBytes: 1 << 28, signal })
    results.push(
      await check({
        catalogue,
        blobs,
        credit: 'shared',
        collect: 'all',
        requests: 4,
        ranges,
        nowMs: Date.UTC(2030, 0, 1),
        clock: fakeClock(),
        log: silentLog,
        signal,
      }),
    )
  }
  expect(results[0]?.snapshots.every(one => one.presence.verdict === 'pass')).toBe(true)
  for (const result of results) expect(result).toEqual(results[0])
})
