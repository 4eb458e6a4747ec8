/** A KMS key that is refused makes every object of the folder doubtful; a sample that says nothing of the key does not speak for it. */
import { expect, test } from 'vitest'
import type { BlobReader } from '../../src/blobs/port.ts'
import { lookAtFolder } from '../../src/check/looks.ts'
import { SnapproofError } from '../../src/errors.ts'
import type { ListedBlob } from '../../src/model/blob.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { filesOf, memoryReader } from '../support/memoryReader.ts'
import { firstNightMs, night, VersionedStore } from './nights.ts'

const nowMs = Date.UTC(2026, 10, 23, 2)
const names = ['a/__1', 'a/__2', 'a/__3', 'b/__1', 'b/__2', 'b/__3']
const blobOf = (key: string): ListedBlob => ({
  key,
  bytes: 1,
  etag: '"e"',
  storageClass: 'STANDARD',
  modifiedMs: nowMs - 1000 + Number(key.at(-1)),
})
const folder = (name: string) =>
  new Map(names.filter(key => key.startsWith(`${name}/`)).map(key => [key, blobOf(key)] as const))

function look(refuse: (key: string) => SnapproofError | null) {
  const blobs: BlobReader = {
    ...memoryReader(new Map(names.map(key => [key, Buffer.from('x')]))),
    basePath: 'base',
    head: async key => ({ ...blobOf(key), kmsKeyId: 'K' }),
    async get(key) {
      const error = refuse(key)
      if (error !== null) throw error
      return {
        bytes: 1,
        etag: null,
        modifiedMs: null,
        body: (async function* () {
          yield Buffer.from('x')
        })(),
      }
    },
  }
  const probes = new Map()
  const options = { blobs, requests: 4, nowMs, signal: new AbortController().signal }
  return (name: string) => lookAtFolder(folder(name), new Map(), probes, options)
}

test('all objects of a folder are doubtful where the key of its samples is refused, not the samples alone', async () => {
  const at = look(() => new SnapproofError('access-denied', 'KMS.DisabledException'))
  expect([...(await at('a')).suspects].sort()).toEqual(['a/__1', 'a/__2', 'a/__3'])
  expect([...(await at('b')).suspects].sort()).toEqual(['b/__1', 'b/__2', 'b/__3'])
})

test('a key whose first sample went or is archived is tried by another one', async () => {
  const at = look(key => new SnapproofError(key.startsWith('a/') ? 'archived' : 'access-denied', key))
  await at('a')
  expect((await at('b')).suspects.size).toBe(3)
})

test('a key that is allowed makes nobody doubtful', async () => {
  expect((await look(() => null)('a')).suspects.size).toBe(0)
})

test('what the listing did not show yet and lies in an archive class is archived, not there', async () => {
  const files = filesOf(repositoryFixtures().find(one => one.name === 'es-9.5')?.folder ?? '')
  for (const key of [...files.keys()].filter(one => /\/__[^/.]+$/.test(one)).slice(0, 3)) {
    const store = new VersionedStore(files, 'base')
    store.archive(key)
    const whole = store.reader()
    const blobs: BlobReader = {
      ...whole,
      async *list(prefix, options) {
        for await (const blob of whole.list(prefix, options)) if (blob.key !== key) yield blob
      },
    }
    const { report } = await night(store, 'presence', firstNightMs, null, { blobs })
    expect(report.findings.map(({ code, key: named }) => [code, named])).toContainEqual(['archived-blob', key])
  }
})
