/** Where shards lie: hashes as real servers computed them, prefixes as they state them, and who is accused when nothing is there. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SnapproofError } from '../../src/errors.ts'
import {
  decodeStatedPaths,
  folderInMirror,
  folderOfShard,
  foldersOutside,
  hashOfShard,
} from '../../src/repository/shard-folders.ts'
import { readWhole } from '../support/catalogues.ts'
import { changedReader } from '../support/changedReader.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { type Files, filesOf, memoryReader } from '../support/memoryReader.ts'

const fixtures = repositoryFixtures()
const filesOfFixture = (name: string) => filesOf(fixtures.find(fixture => fixture.name === name)?.folder ?? '')
const prefixed = filesOfFixture('os-3.3-prefix')
const infixed = filesOfFixture('os-3.3-infix')

describe('pure', () => {
  test('hashes of shards that OpenSearch 3.3.0 computed', () => {
    expect(hashOfShard('9mD-0oy6TQG_URmepAtNDQ', 0)).toBe('m01010001101110')
    expect(hashOfShard('BV7oSSFkSTaYj-NaR02WlA', 0)).toBe('I01111101111010')
    expect(hashOfShard('BV7oSSFkSTaYj-NaR02WlA', 1)).toBe('s10010001010110')
  })

  test('every folder that states its paths', () => {
    for (const [files, basePath] of [
      [prefixed, ''],
      [infixed, ''],
    ] as const) {
      const stating = [...files].filter(([key]) => key.startsWith('snapshot_shard_paths/'))
      expect(stating.length).toBe(6)
      for (const [, bytes] of stating) {
        const { indexId: id, shard_path_type: shardPathType, paths } = JSON.parse(bytes.toString())
        const prefix = decodeStatedPaths(bytes, basePath)?.prefix ?? 'none'
        const folders = paths.map((_: string, shard: number) =>
          folderOfShard({ id, shardPathType }, shard, { prefix, basePath }),
        )
        expect(folders.map((folder: string) => `${folder}/`)).toEqual(paths)
      }
    }
  })

  test('inside and outside a base path', () => {
    const paths = { prefix: 'p-', basePath: 'base/path' }
    const hash = hashOfShard('IIIIIIIIIIIIIIIIIIIIIA', 0)
    expect(hash).toBe('O10010011010100')
    const at = (shardPathType: number) => folderOfShard({ id: 'IIIIIIIIIIIIIIIIIIIIIA', shardPathType }, 0, paths)
    expect(at(0)).toBe('indices/IIIIIIIIIIIIIIIIIIIIIA/0')
    expect(at(1)).toBe(`/p-${hash}/base/path/indices/IIIIIIIIIIIIIIIIIIIIIA/0`)
    expect(at(2)).toBe(`p-${hash}/indices/IIIIIIIIIIIIIIIIIIIIIA/0`)
    expect(at(3)).toBeNull()
    for (const type of [1, 2])
      expect(folderInMirror(at(type) ?? '', 'IIIIIIIIIIIIIIIIIIIIIA', 0)).toBe(
        `${hash}/indices/IIIIIIIIIIIIIIIIIIIIIA/0`,
      )
    expect(folderInMirror(at(0) ?? '', 'IIIIIIIIIIIIIIIIIIIIIA', 0)).toBe(at(0))
    expect(foldersOutside([at(1) ?? '', at(0) ?? '', at(2) ?? ''])).toEqual([`${at(1)}/`, `${at(2)}/`])
  })

  const stated = (paths: unknown, indexId: unknown = 'IIIIIIIIIIIIIIIIIIIIIA') =>
    Buffer.from(JSON.stringify({ indexId, paths }))

  test('a prefix is what stands before the hash, without the base path', () => {
    const tail = 'O10010011010100/base/indices/IIIIIIIIIIIIIIIIIIIIIA/0/'
    expect(decodeStatedPaths(stated([`snaps-${tail}`]), 'base')?.prefix).toBe('snaps-')
    expect(decodeStatedPaths(stated([`base/snaps-${tail}`]), 'base')?.prefix).toBe('snaps-')
    expect(decodeStatedPaths(stated([tail]), '')?.prefix).toBe('')
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['no JSON', Buffer.from('{')],
    ['no object', Buffer.from('null')],
    ['no paths', stated([])],
    ['no text', stated([7])],
    ['no id', stated(['x'], 7)],
    ['another hash', stated(['A00000000000000/indices/IIIIIIIIIIIIIIIIIIIIIA/0/'])],
    ['a way out', stated(['../O10010011010100/indices/IIIIIIIIIIIIIIIIIIIIIA/0/'])],
    ['a control character', stated(['a\nO10010011010100/indices/IIIIIIIIIIIIIIIIIIIIIA/0/'])],
    ['an empty segment', stated(['a//O10010011010100/indices/IIIIIIIIIIIIIIIIIIIIIA/0/'])],
  ])('paths are not learnt from %s', (_, bytes) => {
    expect(decodeStatedPaths(bytes, '')).toBeNull()
  })

  test('any bytes are understood or not, and never thrown at', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map(text => Buffer.from(text)),
        ),
        bytes => {
          decodeStatedPaths(Buffer.from(bytes), 'base')
        },
      ),
      { seed: 7, numRuns: 300 },
    )
  })
})

/** The repository at `base/path` of a bucket, as a server would have written it there. */
function moved(files: Files, basePath: string, type: 1 | 2): Files {
  const there: Files = new Map()
  for (const [key, bytes] of files) {
    const hashed = /^((?:snaps-)?[\w-]{15})\/(indices\/.*)$/.exec(key)
    if (hashed !== null && type === 1) there.set(`/${hashed[1]}/${basePath}/${hashed[2]}`, bytes)
    else if (key.startsWith('snapshot_shard_paths/')) {
      const root = JSON.parse(bytes.toString())
      root.paths = root.paths.map((path: string) =>
        type === 1 ? path.replace('/indices/', `/${basePath}/indices/`) : `${basePath}/${path}`,
      )
      there.set(key, Buffer.from(JSON.stringify(root)))
    } else there.set(key, bytes)
  }
  return there
}

const without = (files: Files, match: RegExp): Files => new Map([...files].filter(([key]) => !match.test(key)))
const statusesOf = (whole: Awaited<ReturnType<typeof readWhole>>) =>
  new Set(whole.indices.flatMap(({ copies }) => copies.flatMap(({ shards }) => shards.map(({ status }) => status))))

describe('repositories', () => {
  test.each([1, 2] as const)('of path type %i below a base path', async type => {
    const files = moved(type === 1 ? prefixed : infixed, 'base/path', type)
    const whole = await readWhole(memoryReader(files, 'base/path'))
    expect(whole.faults).toEqual([])
    expect(statusesOf(whole)).toEqual(new Set(['complete', 'failed-at-source']))
    const folders = whole.indices.flatMap(({ shardFolders }) => foldersOutside(shardFolders ?? []))
    // 2 orders, 3 growing, 2 recreated, 2 unassigned, empty and wide.
    expect(folders.length).toBe(11)
    for (const folder of folders) expect(folder.startsWith(type === 1 ? '/snaps-' : '')).toBe(true)
  })

  test('paths are asked for once, not for each index', async () => {
    const reader = changedReader(memoryReader(prefixed))
    await readWhole(reader)
    const stating = [...reader.reads.keys()].filter(key => key.startsWith('snapshot_shard_paths/'))
    expect(stating.length).toBe(1)
  })

  test('the prefix of most is not the prefix of all', async () => {
    // The setting changed while the repository was in use.
    const [first = ''] = [...prefixed.keys()].filter(key => key.startsWith('snapshot_shard_paths/')).sort()
    const other: Files = new Map(prefixed)
    const root = JSON.parse((prefixed.get(first) ?? '').toString())
    other.set(first, Buffer.from(JSON.stringify(root).replaceAll('snaps-', 'later-')))
    for (const [key, bytes] of prefixed)
      if (key.includes(`/indices/${root.indexId}/`) && key.startsWith('snaps-')) {
        other.delete(key)
        other.set(key.replace('snaps-', 'later-'), bytes)
      }
    const whole = await readWhole(memoryReader(other))
    expect(whole.faults).toEqual([])
    expect(statusesOf(whole)).toEqual(new Set(['complete', 'failed-at-source']))
  })

  test('a prefix that nothing tells: nobody is accused and nothing passes', async () => {
    const { faults, ...whole } = await readWhole(memoryReader(without(prefixed, /^snapshot_shard_paths/)))
    expect(faults.length).toBeGreaterThan(0)
    for (const { ours } of faults) expect(ours).toBe('layout-not-supported')
    const copies = whole.indices.filter(({ name }) => name !== 'unassigned').flatMap(record => record.copies)
    expect(new Set(copies.map(({ contentId }) => contentId))).toEqual(new Set([null]))
  })

  test('without a prefix nothing needs to tell it', async () => {
    expect((await readWhole(memoryReader(without(infixed, /^snapshot_shard_paths/)))).faults).toEqual([])
  })

  test('all shards of an index gone from where the repository says they are: missing', async () => {
    const orders = [...prefixed.keys()].find(key => key.includes('.orders.')) ?? ''
    const id = orders.slice('snapshot_shard_paths/snapshot_path_'.length).split('.')[0]
    const { faults } = await readWhole(memoryReader(without(prefixed, new RegExp(`/indices/${id}/`))))
    const accused = faults.filter(({ code, ours }) => code === 'missing-metadata-blob' && ours === null)
    expect(accused.length).toBe(6)
    expect(new Set(accused.map(({ index }) => index))).toEqual(new Set(['orders']))
  })

  test('one shard blob gone: it alone', async () => {
    const key = [...infixed.keys()].find(name => /^[\w-]{15}\/indices\/.*\/snap-/.test(name)) ?? ''
    const { faults } = await readWhole(memoryReader(new Map([...infixed].filter(([name]) => name !== key))))
    expect(faults).toMatchObject([{ code: 'missing-metadata-blob', key, ours: null }])
  })

  test('not allowed to read beside the base path: our permissions, nobody is accused', async () => {
    const files = moved(prefixed, 'base/path', 1)
    const reader = changedReader(memoryReader(files, 'base/path'), asked => {
      if (asked.startsWith('/')) throw new SnapproofError('access-denied', 'no')
      return null
    })
    const { faults } = await readWhole(reader)
    expect(faults.length).toBeGreaterThan(0)
    expect(new Set(faults.map(({ ours }) => ours))).toEqual(new Set(['not-read']))
    expect(faults[0]?.message).toContain('base path')
  })
})
