/** Real file lists, changed one thing at a time: counted, unknown, or inconsistent. */
import { describe, expect, test } from 'vitest'
import type { FileEntry } from '../../src/model/content.ts'
import { checkVirtual, countCommit } from '../../src/repository/commit-counts.ts'
import { contentIdOf, FileLists, fingerprintOf } from '../../src/repository/file-list.ts'
import { decodeShardSnapshot } from '../../src/repository/shard-snapshot.ts'
import { reseal } from '../support/envelope.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { filesOf } from '../support/memoryReader.ts'

const [fixture] = repositoryFixtures().slice(-1)
const copies = [...filesOf(fixture?.folder ?? '')]
  .filter(([key]) => /\/\d+\/snap-/.test(key))
  .map(([, bytes]) => decodeShardSnapshot(bytes).files)
/** A shard with deletes, in several segments, and another shard. */
const files = copies.find(list => list.some(({ physicalName }) => physicalName.endsWith('.fnm'))) ?? []
const other =
  copies.find(list => list.length > 1 && !list.some(file => files.some(({ name }) => name === file.name))) ?? []

const isInfo = ({ physicalName }: FileEntry) => physicalName.endsWith('.si')
const isCommit = ({ physicalName }: FileEntry) => physicalName.startsWith('segments_')
const without = (test: (file: FileEntry) => boolean) => files.filter(file => !test(file))
const change = (test: (file: FileEntry) => boolean, changed: (file: FileEntry) => Partial<FileEntry>) =>
  files.map(file => (test(file) ? { ...file, ...changed(file) } : file))

test('the shard is worth the tests', () => {
  expect(files.filter(isInfo).length).toBeGreaterThan(1)
  expect(other.filter(isInfo).length).toBeGreaterThan(0)
  expect(countCommit(files)).toMatchObject({ countStatus: 'known', problem: null })
})

describe('inconsistent', () => {
  test.each<[string, readonly FileEntry[]]>([
    ['no commit', without(isCommit)],
    ['two commits', [...files, ...other.filter(isCommit).map(file => ({ ...file, physicalName: 'segments_z' }))]],
    ['a segment without its info', without(file => file.physicalName === '_0.si')],
    ['a data file that the commit needs is not there', without(({ physicalName }) => physicalName.endsWith('.cfs'))],
    ['updated fields without their file', without(({ physicalName }) => physicalName.endsWith('.fnm'))],
    ['a file that is not part of the commit', [...files, { ...(files[0] as FileEntry), physicalName: '_9.cfs' }]],
    [
      'the segment info of another shard',
      change(isInfo, () => ({ ...other.find(isInfo), physicalName: '_0.si' })).filter(
        (file, i, all) => all.findIndex(({ physicalName }) => physicalName === file.physicalName) === i,
      ),
    ],
    ['the commit under another name', change(isCommit, () => ({ physicalName: 'segments_zz' }))],
  ])('%s', (_, changed) => {
    const counts = countCommit(changed)
    expect(counts).toMatchObject({ countStatus: 'inconsistent', luceneDocs: null, maxSeqNo: null })
    expect(counts.problem).not.toBeNull()
  })

  test('a foreign segment info is told by its id', () => {
    const info = other.find(isInfo)
    const changed = change(
      ({ physicalName }) => physicalName === '_0.si',
      () => ({ ...info, physicalName: '_0.si' }),
    )
    expect(countCommit(changed).problem).toMatch(/_0\.si has id/)
  })

  test('a missing file is named', () => {
    const [gone] = files.filter(({ physicalName }) => physicalName.endsWith('.cfs'))
    expect(countCommit(without(file => file === gone)).problem).toContain(`needs ${gone?.physicalName}`)
  })
})

describe('unknown, and nobody is accused', () => {
  test.each<[string, readonly FileEntry[], string]>([
    ['no files', [], 'empty-file-list'],
    ['the commit is not in the metadata', change(isCommit, () => ({ metaHash: null })), 'no-commit-in-metadata'],
    [
      'the commit is cut off at a MiB',
      change(isCommit, ({ bytes }) => ({ bytes: bytes + 5 })),
      'no-commit-in-metadata',
    ],
    ['a segment info is not in the metadata', change(isInfo, () => ({ metaHash: null })), 'no-commit-in-metadata'],
    [
      'a real blob with other bytes in the metadata',
      change(isCommit, ({ metaHash }) => ({ name: '__real', metaHash: Buffer.alloc(metaHash?.length ?? 0) })),
      'no-commit-in-metadata',
    ],
    [
      'a segment info of a codec to come',
      change(isInfo, ({ metaHash }) => {
        const bytes = Buffer.from(metaHash ?? Buffer.alloc(0))
        bytes.write('Lucene77', 5, 'latin1')
        return { metaHash: reseal(bytes) }
      }),
      'unknown-segment-format',
    ],
  ])('%s', (_, changed, countStatus) => {
    expect(countCommit(changed)).toEqual({ luceneDocs: null, maxSeqNo: null, countStatus, problem: null })
  })
})

test('virtual files: length, footer and recorded checksum', () => {
  const file = files.find(isCommit) as FileEntry
  const hash = file.metaHash ?? Buffer.alloc(0)
  expect(checkVirtual(file)).toBeNull()
  expect(checkVirtual({ ...file, checksum: null })).toBeNull()
  expect(checkVirtual({ ...file, checksum: (file.checksum ?? 0) ^ 1 })).toContain('recorded is')
  expect(checkVirtual({ ...file, metaHash: null })).toContain('0 bytes in the metadata')
  expect(checkVirtual({ ...file, bytes: file.bytes + 1 })).toContain('its length is')
  expect(checkVirtual({ ...file, metaHash: Buffer.alloc(hash.length) })).toContain('no footer')
})

describe('fingerprints', () => {
  test('do not depend on order, and on each of name, blob, length and checksum', () => {
    const fingerprint = fingerprintOf(files)
    expect(fingerprint).toMatch(/^[0-9a-f]{32}$/)
    expect(fingerprintOf([...files].reverse())).toBe(fingerprint)
    const others: Partial<FileEntry>[] = [
      { name: '__other' },
      { physicalName: '_x.cfs' },
      { bytes: 1 },
      { checksum: 1 },
      { checksum: null },
    ]
    const changed = others.map(other => fingerprintOf(files.map((file, i) => (i === 0 ? { ...file, ...other } : file))))
    expect(new Set([fingerprint, ...changed]).size).toBe(6)
  })

  test('equal lists are one value; lists cut into other parts are not', () => {
    const lists = new FileLists()
    const { list } = lists.intern(files)
    expect(lists.intern(files.map(file => ({ ...file }))).list).toBe(list)
    const cut = lists.intern(files.map(file => ({ ...file, partBytes: 100 }))).list
    expect(cut).not.toBe(list)
    expect(cut.fingerprint).toBe(list.fingerprint)
    expect(lists.intern(files.map(file => ({ ...file, partBytes: 10 ** 12 }))).list).toBe(
      lists.intern(files.map(file => ({ ...file, partBytes: null }))).list,
    )
  })

  test('a content is its metadata blob, its shard count and every shard', () => {
    const lists = new FileLists()
    const copy = (list: readonly FileEntry[], shard: number) => ({
      shard,
      status: 'complete' as const,
      files: lists.intern(list).list,
    })
    const [a, b] = [copy(files, 0), copy(other, 1)]
    const ids = [
      contentIdOf('m', 2, [a, b]),
      contentIdOf('n', 2, [a, b]),
      contentIdOf('m', 2, [b, a]),
      contentIdOf('m', 1, [a]),
    ]
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect(new Set(ids).size).toBe(4)
    expect(contentIdOf('m', 2, [a])).toBeNull()
    expect(contentIdOf('m', 2, [a, { shard: 1, status: 'not-read', files: null }])).toBeNull()
  })
})
