/** Commits beyond the first MiB, which older servers and OpenSearch keep in a blob of their own. */
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { FileEntry } from '../../src/model/content.ts'
import { openCatalogue } from '../../src/repository/catalogue.ts'
import { filesToRead } from '../../src/repository/commit-blobs.ts'
import { decodeShardSnapshot } from '../../src/repository/shard-snapshot.ts'
import { collect, readWhole } from '../support/catalogues.ts'
import { changedReader } from '../support/changedReader.ts'
import { rewrite } from '../support/envelope.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { type Files, filesOf, memoryReader } from '../support/memoryReader.ts'

const fixture = repositoryFixtures().find(({ name }) => name === 'es-7.17')
const files = filesOf(fixture?.folder ?? '')
const whole = await readWhole(memoryReader(files))
const wide = whole.indices.find(({ name }) => name === 'wide')
const folder = `indices/${wide?.id}/0`
const shardBlobs = [...files.keys()].filter(key => key.startsWith(`${folder}/snap-`))
const commit = decodeShardSnapshot(files.get(shardBlobs[0] ?? '') ?? Buffer.alloc(0)).files.find(file =>
  file.physicalName.startsWith('segments_'),
)
const content = commit?.metaHash ?? Buffer.alloc(0)

/** The repository with the commit in `__commit`, of which the metadata keeps the first bytes only. */
function outside(blob: Buffer | null, partBytes?: number, kept = 30): Files {
  const changed: Files = new Map(files)
  const move = (list: unknown) => {
    for (const file of list as Record<string, unknown>[])
      if (file['physical_name'] === commit?.physicalName) {
        file['name'] = '__commit'
        file['meta_hash'] = Buffer.from(content.subarray(0, kept))
        if (partBytes !== undefined) file['part_size'] = partBytes
      }
  }
  const generation = [...files.keys()].filter(key => key.startsWith(`${folder}/index-`))
  for (const key of shardBlobs)
    changed.set(
      key,
      rewrite(files.get(key) ?? Buffer.alloc(0), root => move(root['files'])),
    )
  for (const key of generation)
    changed.set(
      key,
      rewrite(files.get(key) ?? Buffer.alloc(0), root => {
        move(root['files'])
        for (const snapshot of Object.values(root['snapshots'] ?? {}) as { files: string[] }[])
          snapshot.files = snapshot.files.map(name => (name === commit?.name ? '__commit' : name))
      }),
    )
  if (blob !== null && partBytes === undefined) changed.set(`${folder}/__commit`, blob)
  else if (blob !== null && partBytes !== undefined)
    for (let part = 0; part * partBytes < blob.length; part++)
      changed.set(`${folder}/__commit.part${part}`, blob.subarray(part * partBytes, (part + 1) * partBytes))
  return changed
}

async function read(changed: Files) {
  const reader = changedReader(memoryReader(changed))
  const catalogue = await openCatalogue(reader, { signal: AbortSignal.timeout(30_000) })
  const records = await collect(catalogue.readIndices(AbortSignal.timeout(30_000)))
  const record = records.find(({ name }) => name === 'wide')
  return { faults: records.flatMap(one => one.faults), list: record?.copies[0]?.shards[0]?.files, reads: reader.reads }
}

describe('a commit in a blob of its own', () => {
  test.each([
    ['whole', undefined],
    ['in parts', 100],
  ])('%s is read for its counts, once', async (_, partBytes) => {
    const { faults, list, reads } = await read(outside(content, partBytes))
    expect(faults).toEqual([])
    expect(list).toMatchObject({ countStatus: 'known', luceneDocs: 3, maxSeqNo: 2 })
    const asked = [...reads].filter(([key]) => key.includes('/__'))
    expect(asked.map(([, times]) => times)).toEqual(asked.map(() => 1))
    expect(asked.length).toBe(partBytes === undefined ? 1 : Math.ceil(content.length / partBytes))
  })

  const flipped = Buffer.from(content)
  flipped[40] = (flipped[40] ?? 0) ^ 1
  test.each([
    ['is not there', null],
    ['is cut off', content.subarray(0, 60)],
    ['has a flipped bit', flipped],
  ])('that %s leaves the count unknown and accuses nobody here', async (_, blob) => {
    const { faults, list } = await read(outside(blob))
    expect(faults).toEqual([])
    expect(list).toMatchObject({ countStatus: 'commit-not-readable', luceneDocs: null, maxSeqNo: null })
  })

  test('nothing is read where the metadata holds it', async () => {
    const { list, reads } = await read(outside(content, undefined, content.length))
    expect(list?.countStatus).toBe('known')
    expect([...reads.keys()].filter(key => key.includes('/__'))).toEqual([])
  })

  test('what is too large for a count is not read', () => {
    const entry = (bytes: number): FileEntry => ({
      name: '__commit',
      physicalName: 'segments_9',
      bytes,
      checksum: crc32(''),
      partBytes: null,
      metaHash: null,
    })
    expect(filesToRead([entry(64 * 1024 ** 2)]).length).toBe(1)
    expect(filesToRead([entry(64 * 1024 ** 2 + 1)])).toEqual([])
  })
})
