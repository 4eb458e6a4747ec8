/** A planned group against a real repository: only the very content that was planned is restored. */
import { expect, it } from 'vitest'
import type { Group } from '../../src/model/plan.ts'
import { openCatalogue } from '../../src/repository/catalogue.ts'
import { type LoadedGroup, type LoadOptions, loadGroup } from '../../src/run/group.ts'
import { content } from '../support/contents.ts'
import { fakeMirror } from '../support/fakes.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { filesOf, memoryReader } from '../support/memoryReader.ts'

const signal = new AbortController().signal

async function groupOf(contentId: (real: string) => string) {
  const [fixture] = repositoryFixtures()
  if (fixture === undefined) throw new Error('there is no fixture')
  const reader = memoryReader(filesOf(fixture.folder))
  const catalogue = await openCatalogue(reader, { concurrency: 4, maxMetadataBytes: 1 << 28, signal })
  for await (const record of catalogue.readIndices(signal)) {
    const copy = record.copies.find(one => one.contentId !== null)
    if (copy === undefined) continue
    const planned = content({
      contentId: contentId(copy.contentId ?? ''),
      indexId: record.id,
      indexName: record.name,
      snapshots: [copy.snapshot],
    })
    const group: Group = {
      indexName: record.name,
      indexId: record.id,
      shardCount: copy.shards.length,
      engine: 'es',
      contents: [{ content: planned, kind: 'never', snapshot: copy.snapshot }],
      restoreBytes: planned.bytes,
    }
    return { catalogue, group }
  }
  throw new Error('the fixture holds no content')
}

const options = {
  room: { bytes: null, alone: true, sources: ['mirror'], parallel: 2 },
  chains: { fromBytes: null, product: 'elasticsearch', major: 9 },
  takenBytes: 0,
} as const

async function load(group: Group, rest: Pick<LoadOptions, 'catalogue' | 'mirror'>): Promise<LoadedGroup> {
  const loaded = await loadGroup(group, { ...options, ...rest, signal })
  if (loaded === 'wait') throw new Error('it waits')
  return loaded
}

const contentIds = ({ chains }: LoadedGroup) =>
  chains.flatMap(chain => chain.map(({ content: { expected } }) => expected.contentId))

it('restores the content that was planned', async () => {
  const { catalogue, group } = await groupOf(real => real)
  const loaded = await load(group, { catalogue, mirror: fakeMirror() })
  expect(contentIds(loaded)).toEqual(group.contents.map(one => one.content.contentId))
  expect(loaded.unloadable).toEqual([])
})

it('restores and fetches nothing in the name of a content that is another one by now', async () => {
  const { catalogue, group } = await groupOf(() => 'planned-before-it-moved')
  const mirror = fakeMirror()
  const loaded = await load(group, { catalogue, mirror })
  expect(loaded.chains).toEqual([])
  expect(loaded.unloadable.map(one => one.reason)).toEqual(['repository-moved'])
  expect(mirror.fetches.flat()).toEqual([])
})
