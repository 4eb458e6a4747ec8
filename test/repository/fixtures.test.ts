/** Repositories written by real servers, read whole, against what those servers said when they took the snapshots. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { blobParts, type IndexCopy, shardFolder } from '../../src/model/content.ts'
import { expectedCrc32 } from '../../src/repository/checksum.ts'
import { readWhole, type WholeCatalogue } from '../support/catalogues.ts'
import { openFolder, repositoryFixtures } from '../support/fixtures.ts'

const fixtures = repositoryFixtures()

/** Before 7.9 every snapshot has index metadata of its own, so that no content is that of another snapshot. */
const ownMetadata = (copies: readonly IndexCopy[]) =>
  new Set(copies.map(({ metadataKey }) => metadataKey)).size === copies.length

test('there are fixtures', () => {
  expect(fixtures.length).toBeGreaterThan(0)
})

describe.each(fixtures)('$name', ({ folder, expected }) => {
  let whole: WholeCatalogue
  beforeAll(async () => {
    whole = await readWhole(openFolder(folder))
  })

  test('nothing is wrong with it', () => {
    expect(whole.faults).toEqual([])
    expect(whole.catalogue.unknownKeys).toEqual([])
  })

  test('snapshots, indices and shards are those of the server, with its counts', () => {
    const found: Record<string, unknown> = {}
    for (const { snapshot, info } of whole.snapshots) {
      const entry = whole.catalogue.repositoryData.snapshots[snapshot]
      const indices = whole.indices.flatMap(({ name, copies }) =>
        copies
          .filter(copy => copy.snapshot === snapshot)
          .map(({ shards }) => [
            name,
            shards.map(({ files }, shard) => {
              if (files === null) return null
              const said = expected.snapshots[entry?.name ?? '']?.indices[name]?.[shard]
              return {
                luceneDocs: files.luceneDocs,
                maxSeqNo: files.maxSeqNo,
                files: said?.files === null ? null : files.files.length,
                bytes: said?.bytes === null ? null : files.bytes,
              }
            }),
          ]),
      )
      expect(info?.state).toBe(entry?.state)
      found[entry?.name ?? ''] = { uuid: entry?.uuid, state: info?.state, indices: Object.fromEntries(indices) }
    }
    expect(found).toEqual(expected.snapshots)
  })

  test('every shard is complete, but for those that failed at the source', () => {
    for (const { copies, name } of whole.indices)
      for (const { shards, contentId } of copies) {
        const status = name === 'unassigned' ? 'failed-at-source' : 'complete'
        expect(new Set(shards.map(shard => shard.status))).toEqual(new Set([status]))
        expect(contentId === null).toBe(status === 'failed-at-source')
      }
  })

  test('index metadata: shards, aliases, fields, nested', () => {
    const orders = whole.indices.find(({ name }) => name === 'orders')?.copies[0]?.metadata
    expect(orders).toMatchObject({ shardCount: 2, state: 'open', hidden: false, system: false, mounted: false })
    expect(orders?.aliases).toEqual(['orders-all', 'orders-eu'])
    expect(orders?.hasNested).toBe(true)
    expect(Object.fromEntries(orders?.fields ?? [])).toEqual({
      amount: 'float',
      customer: 'keyword',
      'customer.words': 'text',
      lines: 'nested',
      'lines.count': 'integer',
      'lines.sku': 'keyword',
    })
    const wide = whole.indices.find(({ name }) => name === 'wide')?.copies[0]?.metadata
    expect(wide?.fields.size).toBe(302)
    expect(wide?.fields.get('größe')).toBe('float')
    expect(wide?.hasNested).toBe(false)
  })

  test('an index that was made again under its name has other contents, equal copies have equal ones', () => {
    const recreated = whole.indices.find(({ name }) => name === 'recreated')?.copies ?? []
    expect(recreated.map(({ metadata }) => metadata?.shardCount).sort()).toEqual([1, 2, 2])
    expect(new Set(recreated.map(({ contentId }) => contentId)).size).toBe(ownMetadata(recreated) ? 3 : 2)
    const [empty] = whole.indices.filter(({ name }) => name === 'empty')
    expect(empty?.copies.length).toBe(4)
    expect(new Set(empty?.copies.map(({ contentId }) => contentId)).size).toBe(ownMetadata(empty?.copies ?? []) ? 4 : 1)
    const lists = empty?.copies.map(({ shards }) => shards[0]?.files)
    // Then, every small file is written again for each snapshot, too.
    expect(new Set(lists).size).toBe(ownMetadata(empty?.copies ?? []) ? 4 : 1)
  })

  test('blob keys, lengths and whole-object CRC-32 are those of the real objects, also in parts', () => {
    let blobs = 0
    let inParts = 0
    for (const record of whole.indices)
      for (const { shards } of record.copies)
        for (const { shard, files } of shards)
          for (const file of files?.files ?? []) {
            const parts = blobParts(file, shardFolder(record, shard))
            if (parts.length === 0) continue
            const bytes = parts.map(part => readFileSync(join(folder, part.key)))
            expect(bytes.map(({ length }) => length)).toEqual(parts.map(part => part.bytes))
            expect(crc32(Buffer.concat(bytes))).toBe(expectedCrc32(file.checksum ?? 0))
            blobs++
            if (parts.length > 1) inParts++
          }
    expect(blobs).toBeGreaterThan(20)
    expect(inParts).toBeGreaterThan(0)
  })

  test('every metadata blob in the folder is named, with who needs it', () => {
    const blobs = [...whole.snapshots, ...whole.indices].flatMap(record => record.metadataBlobs)
    for (const { key, kind, neededBy } of blobs) {
      expect(existsSync(join(folder, key))).toBe(true)
      if (kind === 'index-metadata' || kind === 'shard-snapshot') expect(neededBy.length).toBeGreaterThan(0)
      if (kind === 'shard-generation') expect(neededBy).toEqual([])
    }
    expect(new Set(blobs.map(({ key }) => key)).size).toBe(blobs.length)
  })
})
