/** Special indices as real servers snapshotted them: closed, sorted, hidden, dotted, emptied; and what is crafted because no bare server has it. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodeIndexMetadata } from '../../src/repository/index-metadata.ts'
import { readWhole } from '../support/catalogues.ts'
import { rewrite } from '../support/envelope.ts'
import { openFolder, repositoryFixtures } from '../support/fixtures.ts'
import { filesOf } from '../support/memoryReader.ts'

const fixtures = repositoryFixtures(join(import.meta.dirname, '../fixtures/kinds'))

test('there are fixtures', () => {
  expect(fixtures.length).toBe(3)
})

describe.each(fixtures)('$name', async ({ folder, expected }) => {
  const { faults, indices } = await readWhole(openFolder(folder))
  const metadataOf = (name: string) => indices.find(index => index.name === name)?.copies[0]?.metadata

  test('every shard is complete, with the counts of the server', () => {
    expect(faults).toEqual([])
    const found = indices.map(({ name, copies }) => [
      name,
      copies[0]?.shards.map(({ files }) => ({
        luceneDocs: files?.luceneDocs,
        maxSeqNo: files?.maxSeqNo,
        files: files?.files.length,
        bytes: files?.bytes,
      })),
    ])
    expect(Object.fromEntries(found)).toEqual(expected.snapshots['kinds']?.indices)
    expect(indices.length).toBe(7)
  })

  test('what is special about them is told', () => {
    expect(metadataOf('closed')?.state).toBe('close')
    expect(metadataOf('sorted')?.settings.get('index.sort.field')).toBe('level,@timestamp')
    expect(metadataOf('hidden')?.hidden).toBe(true)
    expect(metadataOf('.dotted')?.hidden).toBe(true)
    for (const name of ['sorted', 'all-deleted', 'no-mapping'])
      expect(metadataOf(name)).toMatchObject({ state: 'open', hidden: false, system: false, mounted: false })
    expect(metadataOf('no-mapping')?.fields.size).toBe(0)
  })
})

test('a system index is told by its metadata', () => {
  const files = filesOf(fixtures.at(-1)?.folder ?? '')
  const blob = [...files].find(([key, bytes]) => /\/meta-/.test(key) && decodeIndexMetadata(bytes).name === '.dotted')
  const system = rewrite(blob?.[1] ?? Buffer.alloc(0), root => Object.assign(root['.dotted'] ?? {}, { system: true }))
  expect(decodeIndexMetadata(system).metadata).toMatchObject({ system: true, hidden: true })
})
