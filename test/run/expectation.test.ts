/** What a restore is told to expect and to fetch, held against the blobs of repositories that real servers wrote. */
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { blobKind } from '../../src/mirror/names.ts'
import { type IndexRecord, shardFolder } from '../../src/model/content.ts'
import { openCatalogue } from '../../src/repository/catalogue.ts'
import {
  contentItems,
  contentsResting,
  distinctItems,
  expectationOf,
  featureItems,
  ownersOf,
  rootItems,
} from '../../src/run/expectation.ts'
import { repositoryOf, snapshotEntry } from '../support/contents.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { filesOf, memoryReader } from '../support/memoryReader.ts'
import { snapshotInfo } from '../support/records.ts'

const signal = new AbortController().signal

describe.each(repositoryFixtures())('$name', fixture => {
  const files = filesOf(fixture.folder)
  async function readAll() {
    const catalogue = await openCatalogue(memoryReader(files), { concurrency: 8, maxMetadataBytes: 1 << 28, signal })
    for await (const _ of catalogue.readSnapshots(signal));
    const records: IndexRecord[] = []
    for await (const record of catalogue.readIndices(signal)) records.push(record)
    return { repository: catalogue.repositoryData, records }
  }

  it('every data file is asked for with the length of each part and the CRC-32 of its bytes', async () => {
    const { repository, records } = await readAll()
    let compared = 0
    for (const record of records) {
      const owners = ownersOf(record, repository)
      for (const copy of record.copies.filter(one => one.contentId !== null)) {
        for (const item of contentItems(record, copy, repository, owners)) {
          const parts = item.parts.map(part => files.get(part.key))
          expect(parts).not.toContain(undefined)
          if (!item.parts[0]?.key.includes('/__')) continue
          expect(item.parts.map(part => part.bytes)).toEqual(parts.map(bytes => bytes?.length))
          expect(item.crc32).toBe(crc32(Buffer.concat(parts.map(bytes => bytes ?? Buffer.alloc(0)))))
          compared++
        }
      }
    }
    expect(compared).toBeGreaterThan(20)
  })

  it('with the blobs of the snapshot itself, and the snapshots that share each file', async () => {
    const { repository, records } = await readAll()
    const uuid = (position: number) => repository.snapshots[position]?.uuid ?? ''
    let shared = 0
    for (const record of records) {
      const owners = ownersOf(record, repository)
      for (const copy of record.copies.filter(one => one.contentId !== null)) {
        const items = contentItems(record, copy, repository, owners)
        const keys = items.flatMap(item => item.parts.map(part => part.key))
        const own = `snap-${uuid(copy.snapshot)}.dat`
        const shardKeys = copy.shards.map(({ shard }) => `${shardFolder(record, shard)}/${own}`)
        expect(keys).toEqual(expect.arrayContaining([own, copy.metadataKey, ...shardKeys]))
        for (const { parts, shard, snapshots } of items) {
          const name =
            parts[0]?.key
              .split('/')
              .at(-1)
              ?.replace(/\.part\d+$/, '') ?? ''
          if (!name.startsWith('__')) continue
          const holders = record.copies.filter(other =>
            other.shards.some(one => one.shard === shard && one.files?.files.some(file => file.name === name)),
          )
          expect([...snapshots].sort()).toEqual(holders.map(other => uuid(other.snapshot)).sort())
          if (holders.length > 1) shared++
          const resting = contentsResting(record, new Set([parts[0]?.key ?? '']))
          expect(resting).toEqual(new Set(holders.flatMap(other => other.contentId ?? [])))
        }
      }
    }
    expect(shared).toBeGreaterThan(0)
  })

  it('laid out for a server without base path and prefix', async () => {
    const { repository, records } = await readAll()
    const paths = new Set<string>()
    for (const record of records) {
      const owners = ownersOf(record, repository)
      for (const copy of record.copies.filter(one => one.contentId !== null))
        for (const { parts } of contentItems(record, copy, repository, owners))
          for (const { key, path = key } of parts) {
            expect(blobKind(path)).not.toBeNull()
            paths.add(path.replace(/[^/]*$/, ''))
          }
    }
    const hashed = [...paths].filter(path => /^[\w-][01]{14}\/indices\//.test(path))
    const fixed = [...paths].filter(path => /^indices\/[^/]*\/\d/.test(path))
    expect([hashed.length > 0, fixed.length > 0]).toEqual(
      /-(?:pre|in)fix$/.test(fixture.name) ? [true, false] : [false, true],
    )
  })

  it('and the counts, files and bytes that the server itself reported', async () => {
    const { repository, records } = await readAll()
    for (const record of records) {
      for (const copy of record.copies.filter(one => one.contentId !== null)) {
        const entry = repository.snapshots[copy.snapshot]
        if (entry === undefined) throw new Error('a copy of no snapshot')
        const told = fixture.expected.snapshots[entry.name]?.indices[record.name]
        const { shards } = expectationOf(record, copy, entry)
        expect(
          shards.map(({ files, bytes, luceneDocs, maxSeqNo }, i) => ({
            luceneDocs,
            maxSeqNo,
            // Servers before 6.4 do not tell.
            files: told?.[i]?.files === null ? null : files,
            bytes: told?.[i]?.bytes === null ? null : bytes,
          })),
        ).toEqual(told)
      }
    }
  })
})

it('of a feature, the metadata of what comes along: its indices, and of system data streams what describes them', () => {
  const names = ['.a', '.b', '.b-in-none', 'logs', '.ds-.fleet-1', '.ds-logs-1']
  const repository = {
    ...repositoryOf([snapshotEntry(0)], names),
    indexMetadataBlobId: (_: number, index: number) => (names[index] === '.b-in-none' ? null : `M${index}`),
  }
  const feature = { name: 'f', indices: ['.a', '.b', '.b-in-none'] }
  const keysOf = (dataStreams: readonly string[]) =>
    featureItems(0, snapshotInfo(0, { features: [feature], dataStreams }), feature, repository).map(
      ({ parts, snapshots, index }) => [parts[0]?.key, ...snapshots, index],
    )
  const own = [
    ['indices/INDEX-.A/meta-M0.dat', 'UUID-0', '.a'],
    ['indices/INDEX-.B/meta-M1.dat', 'UUID-0', '.b'],
  ]
  expect(keysOf(['logs'])).toEqual(own)
  expect(keysOf(['logs', '.fleet'])).toEqual([
    ['meta-UUID-0.dat', 'UUID-0', null],
    ...own,
    ['indices/INDEX-.DS-.FLEET-1/meta-M4.dat', 'UUID-0', '.ds-.fleet-1'],
  ])
})

it('the root is index-N as it was read, and each item is fetched once', () => {
  const blob = { key: 'index-7', bytes: 3, crc32: 9 }
  const items = rootItems(blob)
  expect(items[0]).toMatchObject({ parts: [{ key: 'index-7', bytes: 3 }], crc32: 9 })
  expect(items.map(item => item.parts[0]?.key)).toEqual(['index-7', 'index.latest'])
  expect(distinctItems([...items, ...rootItems(blob)])).toEqual(items)
})
