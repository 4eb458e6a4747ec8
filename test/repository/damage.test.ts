/**
 * Every kind of metadata blob of a real repository missing, cut off or flipped: exactly one fault, with the right code
 * and exactly the snapshots that need the blob.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Fault, MetadataBlob } from '../../src/model/content.ts'
import { readWhole, type WholeCatalogue } from '../support/catalogues.ts'
import { rewrite } from '../support/envelope.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { type Files, filesOf, memoryReader } from '../support/memoryReader.ts'

/** Shards that lie elsewhere: shard-folders.test.ts. */
const fixtures = repositoryFixtures().filter(({ name }) => !/-(?:prefix|infix)$/.test(name))
const kinds = ['root-snapshot', 'global-metadata', 'index-metadata', 'shard-generation', 'shard-snapshot'] as const
const damages = {
  missing: () => null,
  'cut off': (bytes: Buffer) => bytes.subarray(0, -7),
  empty: () => Buffer.alloc(0),
  'one bit flipped': (bytes: Buffer) => {
    const changed = Buffer.from(bytes)
    const at = changed.length >> 1
    changed[at] = (changed[at] ?? 0) ^ 4
    return changed
  },
} satisfies Record<string, (bytes: Buffer) => Buffer | null>

describe.each(fixtures)('$name', fixture => {
  let whole: WholeCatalogue
  let blobs: MetadataBlob[]
  const files = filesOf(fixture.folder)
  const bytesOf = (key: string): Buffer => files.get(key) ?? Buffer.alloc(0)
  const readChanged = (changes: readonly (readonly [string, Buffer | null])[]) => {
    const changed: Files = new Map(files)
    for (const [key, bytes] of changes) {
      if (bytes === null) changed.delete(key)
      else changed.set(key, bytes)
    }
    return readWhole(memoryReader(changed))
  }
  beforeAll(async () => {
    whole = await readWhole(memoryReader(files))
    blobs = [...whole.snapshots, ...whole.indices].flatMap(record => record.metadataBlobs)
  })
  const uuids = (positions: readonly number[]) =>
    positions.map(position => whole.catalogue.repositoryData.snapshots[position]?.uuid)

  describe.each(kinds)('%s', kind => {
    test.each(Object.entries(damages))('%s', async (name, damage) => {
      const all = blobs.filter(blob => blob.kind === kind)
      expect(all.length).toBeGreaterThan(0)
      // Every blob of the newest fixture, some of the others.
      const chosen = fixture === fixtures.at(-1) ? all : all.filter((_, i) => i % 5 === 0)
      for (const blob of chosen) {
        const { faults, indices } = await readChanged([[blob.key, damage(bytesOf(blob.key))]])
        const code =
          kind === 'shard-generation'
            ? 'shard-generation-missing'
            : name === 'missing'
              ? 'missing-metadata-blob'
              : 'corrupt-metadata-blob'
        // Before 7.6 nothing names a generation: one that is not there has no key.
        const numbered = /\/index-\d+$/.test(blob.key) && name === 'missing'
        expect(faults.map(({ code, key, ours }) => ({ code, key, ours }))).toEqual([
          { code, key: numbered ? null : blob.key, ours: null },
        ])
        expect(faults[0]?.snapshots).toEqual(uuids(blob.neededBy))
        if (name !== 'missing') expect(faults[0]?.offset).not.toBeNull()
        expectStatus(indices, blob, name)
      }
    })
  })

  /** A broken copy is not complete and has no content, though the shard generation would know its files. */
  function expectStatus(indices: WholeCatalogue['indices'], blob: MetadataBlob, damage: string): void {
    if (blob.kind !== 'shard-snapshot') return
    const [, id, shard] = blob.key.split('/')
    const copies = indices.find(index => index.id === id)?.copies.filter(copy => blob.neededBy.includes(copy.snapshot))
    expect(copies?.length).toBe(1)
    expect(copies?.[0]?.contentId).toBeNull()
    expect(copies?.[0]?.shards[Number(shard)]).toEqual({
      shard: Number(shard),
      status: damage === 'missing' ? 'missing-metadata' : 'corrupt-metadata',
      files: null,
    })
  }

  /** The one fault after a CRC-good change of `key`. */
  async function faultAfter(key: string, change: Parameters<typeof rewrite>[1]): Promise<Fault | undefined> {
    const { faults } = await readChanged([[key, rewrite(bytesOf(key), change)]])
    expect(faults.length).toBe(1)
    return faults[0]
  }
  // biome-ignore lint/suspicious/noExplicitAny: the decoded tree is changed at known places
  const tree = (value: unknown) => value as any
  const night = (name: string) => whole.catalogue.repositoryData.snapshots.findIndex(entry => entry.name === name)
  const uuidOf = (name: string) => whole.catalogue.repositoryData.snapshots[night(name)]?.uuid ?? ''
  const shardBlob = (index: string, snapshot: string, shard = 0) => {
    const record = whole.indices.find(({ name }) => name === index)
    return `indices/${record?.id}/${shard}/snap-${uuidOf(snapshot)}.dat`
  }

  /** Older formats and OpenSearch state less of what could be wrong: no totals, or no identifiers. */
  if (!/^es-(?:7\.17|8|9)/.test(fixture.name)) return
  describe('good by its CRC and wrong all the same', () => {
    test('rewriting without a change is no fault', async () => {
      const { faults } = await readChanged(blobs.map(({ key }) => [key, rewrite(bytesOf(key), () => {})] as const))
      expect(faults).toEqual([])
    })

    test('a snapshot that lists another index', async () => {
      const fault = await faultAfter(`snap-${uuidOf('night-1')}.dat`, root => {
        tree(root).snapshot.indices.push('surprise')
      })
      expect(fault).toMatchObject({ code: 'snapshot-contents-mismatch', snapshots: [uuidOf('night-1')] })
      expect(fault?.message).toContain('surprise')
    })

    test('whose indices differ, and where', async () => {
      const unmatchedAfter = async (change: (indices: string[]) => void) => {
        const key = `snap-${uuidOf('night-1')}.dat`
        const { snapshots } = await readChanged([
          [key, rewrite(bytesOf(key), root => change(tree(root).snapshot.indices))],
        ])
        return snapshots.map(({ unmatched }) => unmatched)
      }
      const onlyFirst = (unmatched: object) =>
        whole.snapshots.map((_, at) => (at === night('night-1') ? unmatched : undefined))
      expect(await unmatchedAfter(() => {})).toEqual(onlyFirst({}).map(() => undefined))
      expect(await unmatchedAfter(indices => indices.push('surprise'))).toEqual(
        onlyFirst({ inSnapshot: true, inIndexN: false }),
      )
      expect(await unmatchedAfter(indices => indices.pop())).toEqual(onlyFirst({ inSnapshot: false, inIndexN: true }))
    })

    test('a snapshot of another state', async () => {
      const fault = await faultAfter(`snap-${uuidOf('night-1')}.dat`, root => {
        tree(root).snapshot.state = 'PARTIAL'
      })
      expect(fault).toMatchObject({ code: 'snapshot-contents-mismatch', snapshots: [uuidOf('night-1')] })
    })

    test('the root blob of another snapshot', async () => {
      const [from, to] = [`snap-${uuidOf('night-1')}.dat`, `snap-${uuidOf('night-2')}.dat`]
      const { faults } = await readChanged([[to, bytesOf(from)]])
      expect(faults).toMatchObject([{ code: 'corrupt-metadata-blob', key: to, snapshots: [uuidOf('night-2')] }])
    })

    test('the shard blob of another snapshot', async () => {
      const to = shardBlob('growing', 'night-2')
      const { faults } = await readChanged([[to, bytesOf(shardBlob('growing', 'night-1'))]])
      expect(faults).toMatchObject([{ code: 'corrupt-metadata-blob', key: to, snapshots: [uuidOf('night-2')] }])
    })

    test('the metadata of an earlier index of the same name', async () => {
      const recreated = whole.indices.find(({ name }) => name === 'recreated')
      const keys = [...new Set(recreated?.copies.map(copy => copy.metadataKey ?? ''))]
      const [old, young] = keys[0] === recreated?.copies.at(-1)?.metadataKey ? [keys[1], keys[0]] : keys
      const { faults } = await readChanged([[young ?? '', bytesOf(old ?? '')]])
      expect(faults).toMatchObject([{ code: 'corrupt-metadata-blob', key: young, index: 'recreated' }])
    })

    test('the metadata of an index of another name', async () => {
      const key = whole.indices.find(({ name }) => name === 'wide')?.copies[0]?.metadataKey ?? ''
      const fault = await faultAfter(key, root => {
        tree(root).narrow = tree(root).wide
        delete tree(root).wide
      })
      expect(fault).toMatchObject({ code: 'corrupt-metadata-blob', key, index: 'wide' })
      expect(fault?.snapshots.length).toBe(3)
    })

    test('totals that are not those of the files', async () => {
      const fault = await faultAfter(`snap-${uuidOf('night-1')}.dat`, root => {
        tree(root).snapshot.index_details.growing.size_in_bytes += 1
      })
      expect(fault).toMatchObject({ code: 'totals-mismatch', index: 'growing', snapshots: [uuidOf('night-1')] })
    })

    test('totals with another number of shards', async () => {
      const fault = await faultAfter(`snap-${uuidOf('night-1')}.dat`, root => {
        tree(root).snapshot.index_details.orders.shard_count = 5
      })
      expect(fault).toMatchObject({ code: 'totals-mismatch', index: 'orders' })
    })

    test('a shard generation that lacks a snapshot', async () => {
      const key = blobs.find(blob => blob.kind === 'shard-generation' && blob.key.includes(growing()))?.key ?? ''
      const fault = await faultAfter(key, root => {
        delete tree(root).snapshots['night-2']
      })
      expect(fault).toMatchObject({ code: 'shard-generation-inconsistent', key, snapshots: [uuidOf('night-2')] })
    })

    test('a shard generation that lacks a blob of a snapshot', async () => {
      const key = blobs.find(blob => blob.kind === 'shard-generation' && blob.key.includes(growing()))?.key ?? ''
      const fault = await faultAfter(key, root => {
        tree(root).snapshots['night-2'].files.pop()
      })
      expect(fault).toMatchObject({ code: 'shard-generation-inconsistent', key, snapshots: [uuidOf('night-2')] })
      expect(fault?.message).toContain('alone has')
    })

    test.each([
      ['a checksum beyond 32 bits', { checksum: 'zzzzzzz' }],
      ['a checksum of no kind', { checksum: '-1' }],
      ['a negative length', { length: -1 }],
      ['a million parts', { length: 2 ** 40, part_size: 1 }],
    ])('%s', async (_, wrong) => {
      const fault = await faultAfter(shardBlob('wide', 'night-1'), root => {
        Object.assign(tree(root).files[0], wrong)
      })
      expect(fault).toMatchObject({ code: 'corrupt-metadata-blob', index: 'wide', snapshots: [uuidOf('night-1')] })
    })

    test('a file that is listed twice', async () => {
      const fault = await faultAfter(shardBlob('wide', 'night-1'), root => {
        tree(root).files.push(tree(root).files[0])
      })
      expect(fault).toMatchObject({ code: 'corrupt-metadata-blob', index: 'wide', snapshots: [uuidOf('night-1')] })
    })

    test('totals of zero say nothing', async () => {
      const key = `snap-${uuidOf('night-1')}.dat`
      const changed = rewrite(bytesOf(key), root => {
        Object.assign(tree(root).snapshot.index_details.growing, { shard_count: 0, size_in_bytes: 0 })
      })
      expect((await readChanged([[key, changed]])).faults).toEqual([])
    })

    test('a shard generation with another length of a file', async () => {
      const key = blobs.find(blob => blob.kind === 'shard-generation' && blob.key.includes(growing()))?.key ?? ''
      const fault = await faultAfter(key, root => {
        for (const file of tree(root).files) file.length += 1
      })
      expect(fault?.code).toBe('shard-generation-inconsistent')
      expect(fault?.snapshots.length).toBe(4)
    })

    test('a shard blob that lacks a file of its commit', async () => {
      const key = shardBlob('growing', 'night-1')
      const changed = rewrite(bytesOf(key), root => {
        const { files } = tree(root)
        tree(root).files = files.filter((file: { physical_name: string }) => !/\.(si|cfs)$/.test(file.physical_name))
      })
      const { faults, indices } = await readChanged([[key, changed]])
      // Two things are wrong now: the files miss the commit, and the generation and the totals know more.
      expect(faults.map(({ code }) => code).sort()).toEqual([
        'segment-files-inconsistent',
        'shard-generation-inconsistent',
        'totals-mismatch',
      ])
      const copy = indices
        .find(({ name }) => name === 'growing')
        ?.copies.find(copy => copy.snapshot === night('night-1'))
      expect(copy?.shards[0]?.files).toMatchObject({ countStatus: 'inconsistent', luceneDocs: null })
    })

    test('bytes of a virtual file that are not what was written', async () => {
      const fault = await faultAfter(shardBlob('orders', 'night-2', 1), root => {
        const file = tree(root).files.find(({ name }: { name: string }) => name.startsWith('v__'))
        file.meta_hash[file.meta_hash.length - 30] ^= 1
      })
      expect(fault).toMatchObject({
        code: 'corrupt-metadata-blob',
        index: 'orders',
        shard: 1,
        snapshots: [uuidOf('night-2')],
      })
    })

    test.each([
      ['a way out of the folder', '__../../../etc/passwd', 'physical_name', '_0.cfs'],
      ['a physical name with a slash', null, 'physical_name', '../x'],
      ['a blob name of another kind', 'snap-x.dat', 'name', null],
    ])('%s', async (_, name, field, physical) => {
      const fault = await faultAfter(shardBlob('wide', 'night-1'), root => {
        const [file] = tree(root).files
        if (name !== null) file.name = name
        if (physical !== null) file[field] = physical
      })
      expect(fault).toMatchObject({ code: 'corrupt-metadata-blob', index: 'wide', snapshots: [uuidOf('night-1')] })
    })

    function growing(): string {
      return `${whole.indices.find(({ name }) => name === 'growing')?.id}/0/`
    }
  })
})
