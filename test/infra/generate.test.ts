/** Generated repositories are valid: our reader finds no fault, and what the listing says is what is read. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { generatedReader } from '../../infra/local/generate/reader.ts'
import { repositoryDataBytes, repositoryDataChunks } from '../../infra/local/generate/repository-data.ts'
import { countBlobs, nextNight, type RepositoryShape, shapeOf } from '../../infra/local/generate/shape.ts'
import { writeRepository } from '../../infra/local/generate/write.ts'
import { openDirectoryStore } from '../../src/blobs/directory.ts'
import { isSnapproofError } from '../../src/errors.ts'
import { blobParts } from '../../src/model/content.ts'
import { expectedCrc32 } from '../../src/repository/checksum.ts'
import { systemClock } from '../../src/time.ts'
import { collect, readWhole } from '../support/catalogues.ts'

const signal = AbortSignal.timeout(60_000)
const folder = mkdtempSync(join(tmpdir(), 'snapproof-generate-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const shapes: [string, RepositoryShape][] = [
  ['as it is', shapeOf()],
  ['uncompressed', shapeOf({ compress: false, snapshots: 12, fresh: 0.1, seed: 2 })],
  ['nothing ever new', shapeOf({ fresh: 0, snapshots: 5, deleted: 2 })],
  ['all new every night', shapeOf({ fresh: 1, filesPerSegment: 12, segments: 3, deleted: 1 })],
  ['oldest deleted', shapeOf({ snapshots: 40, deleted: 33, fresh: 0.4, segments: 5, compress: false })],
  ['many shards', shapeOf({ shards: 12, indices: 2, segments: 1, filesPerSegment: 1 })],
]

describe.each(shapes)('%s', (_, shape) => {
  const reader = generatedReader(shape)

  test('the reader finds no fault and knows every count', async () => {
    const { faults, indices, catalogue } = await readWhole(reader)
    expect(faults).toEqual([])
    const held = shape.snapshots - shape.deleted
    expect(catalogue.repositoryData.snapshots.length).toBe(held)
    expect(catalogue.repositoryData.identity).toMatchObject({
      format: '7.12.0',
      generation: shape.snapshots + shape.deleted - 1,
    })
    const shards = indices.flatMap(index => index.copies.flatMap(copy => copy.shards))
    expect(shards.length).toBe(held * shape.indices * shape.shards)
    for (const { files } of shards) {
      expect(files?.countStatus).toBe('known')
      expect(files?.files.length).toBe(shape.segments * (shape.filesPerSegment + 1) + 1)
    }
  })

  test('the listing is sorted, complete, and says the lengths that reads have', async () => {
    const listed = await collect(reader.list('', { signal }))
    const keys = listed.map(({ key }) => key)
    expect(keys).toEqual([...new Set(keys)].sort())
    for (const { key, bytes, etag } of listed) {
      const read = await reader.read(key, { maxBytes: 1e9, signal })
      expect([key, read.bytes.length, read.etag]).toEqual([key, bytes, etag])
      expect((await reader.head(key))?.bytes).toBe(bytes)
    }
    const { data, metadata } = countBlobs(shape)
    expect(keys.length).toBe(data + metadata)
    expect(keys.filter(key => key.includes('/__')).length).toBe(data)
  })

  test('the data blobs are those of the file lists, with the checksums recorded', async () => {
    const { indices } = await readWhole(reader)
    const wanted = new Set<string>()
    for (const { id, copies } of indices) {
      for (const { shard, files } of copies.flatMap(copy => copy.shards)) {
        for (const file of files?.files ?? []) {
          for (const { key, bytes } of blobParts(file, `indices/${id}/${shard}`)) {
            if (wanted.has(key)) continue
            wanted.add(key)
            const read = await reader.read(key, { maxBytes: 1e9, signal })
            expect(read.bytes.length).toBe(bytes)
            expect(crc32(read.bytes)).toBe(expectedCrc32(file.checksum ?? 0))
          }
        }
      }
    }
    const listed = (await collect(reader.list('indices/', { signal }))).map(({ key }) => key)
    expect(listed.filter(key => key.includes('/__'))).toEqual([...wanted].sort())
  })
})

describe('the blob port', () => {
  const shape = shapeOf({ snapshots: 6, deleted: 1, seed: 9 })
  const reader = generatedReader(shape)

  test('prefix, startAfter and depth narrow as a filter would', async () => {
    const all = (await collect(reader.list('', { signal }))).map(({ key }) => key)
    const [index = ''] = all.filter(key => key.startsWith('indices/')).map(key => key.split('/')[1] ?? '')
    const prefixes = [
      '',
      'index-',
      'indices',
      'indices/',
      `indices/${index}/`,
      `indices/${index}/1/__`,
      'snap-',
      'zzz',
      '/x',
    ]
    const after = ['', 'index.latest', 'indices/', `indices/${index}/0/index`, all[40] ?? '', 'snap-']
    for (const prefix of prefixes) {
      for (const startAfter of after) {
        for (const depth of ['all', 'root'] as const) {
          const got = (await collect(reader.list(prefix, { startAfter, depth, signal }))).map(({ key }) => key)
          const inDepth = (key: string) => depth === 'all' || !key.slice(prefix.length).includes('/')
          expect(got).toEqual(all.filter(key => key.startsWith(prefix) && key > startAfter && inDepth(key)))
        }
      }
    }
  })

  test('what is not there is not found; ranges are ranges; requests are counted', async () => {
    const counts = { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 }
    const counted = generatedReader(shape, counts)
    expect(await counted.head('snap-nobody.dat')).toBeNull()
    await expect(counted.read('indices/x/0/__y', { maxBytes: 1, signal })).rejects.toSatisfy(e =>
      isSnapproofError(e, 'not-found'),
    )
    const { bytes } = await counted.read('index-6', { maxBytes: 1e9, signal })
    const { body } = await counted.get('index-6', { start: 10, length: 25 })
    expect(Buffer.concat(await collect(body)).toString()).toBe(bytes.subarray(10, 35).toString())
    for await (const _ of counted.list('', { signal }));
    expect(counts).toEqual({ list: 1, get: 2, head: 1, put: 0, delete: 0, bytesRead: bytes.length + 25 })
  })

  test('a repository without data lists it and refuses to read it', async () => {
    const bare = generatedReader(shapeOf({ data: false }))
    expect((await readWhole(bare)).faults).toEqual([])
    const listed = await collect(bare.list('indices/', { signal }))
    const key = listed.find(blob => blob.key.includes('/__'))?.key ?? ''
    await expect(bare.read(key, { maxBytes: 1e9, signal })).rejects.toSatisfy(e => isSnapproofError(e, 'unavailable'))
  })
})

describe('the next night', () => {
  const first = shapeOf({ snapshots: 8, deleted: 2, fresh: 0.25, segments: 4, compress: false })
  const contents = async (shape: RepositoryShape) => {
    const reader = generatedReader(shape)
    const blobs = new Map<string, string>()
    for (const { key, etag, modifiedMs } of await collect(reader.list('', { signal })))
      blobs.set(
        key,
        `${etag} ${modifiedMs} ${(await reader.read(key, { maxBytes: 1e9, signal })).bytes.toString('base64')}`,
      )
    return blobs
  }

  test('adds one snapshot, deletes the oldest, and leaves every other blob as it was', async () => {
    const second = nextNight(first, { deleteOldest: true })
    const [before, after] = [await contents(first), await contents(second)]
    const kept = [...before].filter(([key]) => after.has(key) && key !== 'index.latest')
    expect(kept.filter(([key, blob]) => after.get(key) !== blob)).toEqual([])
    const gone = [...before.keys()].filter(key => !after.has(key))
    const shards = first.indices * first.shards
    // Root snap- and meta-, index-N; a snap- and the shard generation of each shard; the data of one segment of each.
    expect(gone.length).toBe(3 + shards * (2 + first.filesPerSegment))
    const born = [...after.keys()].filter(key => !before.has(key))
    expect(born.length).toBe(3 + shards * (2 + first.filesPerSegment))
    expect((await readWhole(generatedReader(second))).faults).toEqual([])
  })

  test('written into a folder over the last one, it is what a server leaves', async () => {
    const store = openDirectoryStore({ folder, clock: systemClock })
    await writeRepository(first, store, signal)
    const second = nextNight(first, { deleteOldest: true })
    const { blobs } = await writeRepository(second, store, signal)
    const keys = (await collect(store.list('', { signal }))).map(({ key }) => key)
    expect(keys).toEqual([...(await contents(second)).keys()])
    expect(blobs).toBe(keys.length)
    expect((await readWhole(store)).faults).toEqual([])
    await store.close()
  })
})

test('index-N in chunks is one JSON document of the length that is listed', () => {
  const shape = shapeOf({ indices: 300, snapshots: 20, data: false })
  const bytes = Buffer.concat([...repositoryDataChunks(shape)])
  expect(bytes.length).toBe(repositoryDataBytes(shape))
  expect(bytes.length).toBeGreaterThan(200_000)
  expect(Object.keys(JSON.parse(bytes.toString()).indices).length).toBe(300)
})

test.each([{ snapshots: 0 }, { deleted: 3 }, { fresh: 2 }, { filesPerSegment: 13 }, { shards: 1.5 }])(
  '%j makes no repository',
  bad => {
    expect(() => shapeOf(bad)).toThrow(RangeError)
  },
)
