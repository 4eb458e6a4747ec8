/** Finding and reading a repository that moves, a store that fails, and who is accused of what. */
import { describe, expect, test } from 'vitest'
import type { BlobReader } from '../../src/blobs/port.ts'
import { type ErrorCode, SnapproofError } from '../../src/errors.ts'
import { openCatalogue } from '../../src/repository/catalogue.ts'
import { DecodeError } from '../../src/repository/decode-error.ts'
import { currentGeneration } from '../../src/repository/generation.ts'
import { collect, readWhole } from '../support/catalogues.ts'
import { type Answer, changedReader } from '../support/changedReader.ts'
import { envelope, rewrite } from '../support/envelope.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { type Files, filesOf, memoryReader } from '../support/memoryReader.ts'
import { encodeSmile } from '../support/smile.ts'

const [fixture] = repositoryFixtures().slice(-1)
const files = filesOf(fixture?.folder ?? '')
const signal = AbortSignal.timeout(60_000)
const blobs = memoryReader(files)
const rootKey = [...files.keys()].find(key => /^index-\d+$/.test(key)) ?? ''
const generation = Number(rootKey.slice(6))
const whole = await readWhole(blobs)
const data = whole.catalogue.repositoryData
const positionOf = (name: string) => data.snapshots.findIndex(entry => entry.name === name)
const uuidOf = (name: string) => data.snapshots[positionOf(name)]?.uuid ?? ''
const indexOf = (name: string) => data.indices.findIndex(index => index.name === name)
const shardKey = (index: string, snapshot: string, shard = 0) =>
  `indices/${data.indices[indexOf(index)]?.id}/${shard}/snap-${uuidOf(snapshot)}.dat`

function change(changes: Readonly<Record<string, Buffer | null>>): Files {
  const changed: Files = new Map(files)
  for (const [key, bytes] of Object.entries(changes)) {
    if (bytes === null) changed.delete(key)
    else changed.set(key, bytes)
  }
  return changed
}

function latest(n: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(n))
  return bytes
}

async function codeOf(promise: Promise<unknown>): Promise<ErrorCode> {
  const error = await promise.then(
    () => null,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(SnapproofError)
  return (error as SnapproofError).code
}

describe('finding the repository', () => {
  test('nothing there', async () => {
    expect(await codeOf(openCatalogue(memoryReader(new Map()), { signal }))).toBe('no-repository')
    expect(await currentGeneration(memoryReader(new Map()), signal)).toBe(-1)
  })

  test('index-N is gone and index.latest still names it', async () => {
    expect(await codeOf(openCatalogue(memoryReader(change({ [rootKey]: null })), { signal }))).toBe(
      'unreadable-repository-data',
    )
  })

  test('the greatest number counts, not the last name; other names are passed over', async () => {
    const old = Buffer.from('{"snapshots":[],"indices":{}}')
    const more = change({ 'index-1': old, 'index-0': old, 'index-x': old, 'index-5.tmp': old, 'index-2/x': old })
    const { faults, catalogue } = await readWhole(memoryReader(more))
    expect(catalogue.repositoryData.identity.generation).toBe(generation)
    expect(faults).toEqual([])
    const newer = change({
      [`index-${generation + 95}`]: files.get(rootKey) ?? null,
      'index.latest': latest(generation + 95),
    })
    expect((await readWhole(memoryReader(newer))).catalogue.repositoryData.identity.generation).toBe(generation + 95)
  })

  test('a pinned generation is read though a newer one is there', async () => {
    const newer = change({ 'index-77': Buffer.from('{"snapshots":[],"indices":{}}') })
    const { repositoryData, repositoryFaults } = await openCatalogue(memoryReader(newer), { signal, generation })
    expect(repositoryData.snapshots.length).toBe(4)
    expect(repositoryFaults).toEqual([])
    expect(await codeOf(openCatalogue(blobs, { signal, generation: 9999 }))).toBe('not-found')
  })

  test('index-N that is replaced between listing and reading', async () => {
    const moved: Files = new Map(files)
    const moving: BlobReader = {
      ...memoryReader(moved),
      get: async (key, options) => {
        const bytes = moved.get(rootKey)
        if (key === rootKey && bytes !== undefined) {
          moved.delete(rootKey)
          moved.set(`index-${generation + 1}`, bytes)
          moved.set('index.latest', latest(generation + 1))
        }
        return memoryReader(moved).get(key, options)
      },
    }
    const { repositoryData, repositoryFaults } = await openCatalogue(moving, { signal })
    expect(repositoryData.identity.generation).toBe(generation + 1)
    expect(repositoryFaults).toEqual([])
  })

  test('an index-N that vanishes again and again ends with an error', async () => {
    let gets = 0
    const endless: BlobReader = {
      ...blobs,
      get: async () => {
        gets++
        throw new SnapproofError('not-found', 'gone')
      },
    }
    expect(await codeOf(openCatalogue(endless, { signal }))).toBe('not-found')
    expect(gets).toBeLessThan(10)
  })

  test('index-N cut off: the error names the offset; read twice first', async () => {
    const bytes = files.get(rootKey) ?? Buffer.alloc(0)
    const cut = memoryReader(change({ [rootKey]: bytes.subarray(0, 1000) }))
    const error = await openCatalogue(cut, { signal }).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'unreadable-repository-data' })
    expect((error as SnapproofError).message).toContain('1000')
    expect((error as SnapproofError).cause).toBeInstanceOf(DecodeError)
    let gets = 0
    const once: BlobReader = { ...blobs, get: (key, options) => (gets++ === 0 ? cut : blobs).get(key, options) }
    expect((await openCatalogue(once, { signal })).repositoryData.snapshots.length).toBe(4)
  })

  test('an index-N beyond the limit', async () => {
    expect(await codeOf(openCatalogue(blobs, { signal, maxRepositoryDataBytes: 100 }))).toBe('too-large')
  })

  test.each([
    ['stale', latest(1)],
    ['ahead', latest(99)],
    ['short', Buffer.alloc(3)],
    ['endless', Buffer.alloc(5000)],
  ])('index.latest %s is one fault that hits no snapshot', async (_, bytes) => {
    const { faults } = await readWhole(memoryReader(change({ 'index.latest': bytes })))
    expect(faults).toMatchObject([{ code: 'index-latest-mismatch', key: 'index.latest', snapshots: [], ours: null }])
  })

  test('index.latest of a snapshot that ended meanwhile is no fault', async () => {
    const next = memoryReader(
      change({ 'index.latest': latest(generation + 1), [`index-${generation + 1}`]: Buffer.alloc(1) }),
    )
    let lists = 0
    const moving: BlobReader = {
      ...next,
      list: (prefix, options) => (lists++ === 0 ? blobs : next).list(prefix, options),
    }
    expect((await openCatalogue(moving, { signal })).repositoryFaults).toEqual([])
  })

  test('no index.latest is normal', async () => {
    expect((await readWhole(memoryReader(change({ 'index.latest': null })))).faults).toEqual([])
  })

  test('references that do not meet become faults of the repository, once', async () => {
    const root = JSON.parse((files.get(rootKey) ?? '').toString())
    root.indices.growing.snapshots.push('GHOSTGHOSTGHOSTGHOST')
    const night1 = root.snapshots.find((entry: { name: string }) => entry.name === 'night-1')
    const identifier = night1.index_metadata_lookup[root.indices.recreated.id]
    delete root.index_metadata_identifiers[identifier]
    const { faults, indices } = await readWhole(memoryReader(change({ [rootKey]: Buffer.from(JSON.stringify(root)) })))
    expect(faults.map(({ code, index, snapshots, key }) => ({ code, index, snapshots, key }))).toEqual([
      { code: 'dangling-reference', index: 'growing', snapshots: [], key: rootKey },
      { code: 'dangling-reference', index: 'recreated', snapshots: [uuidOf('night-1')], key: rootKey },
    ])
    const copy = indices
      .find(({ name }) => name === 'recreated')
      ?.copies.find(c => c.snapshot === positionOf('night-1'))
    expect(copy).toEqual({
      snapshot: positionOf('night-1'),
      metadataKey: null,
      metadata: null,
      shards: [],
      contentId: null,
      remembered: false,
    })
  })
})

describe('a store that fails', () => {
  const key = shardKey('growing', 'night-1')
  const fails =
    (code: ErrorCode, until = Number.POSITIVE_INFINITY): Answer =>
    (asked, times) => {
      if (asked === key && times <= until) throw new SnapproofError(code, `answer of the store: ${code}`)
      return null
    }
  const statusOf = (result: Awaited<ReturnType<typeof readWhole>>) =>
    result.indices[indexOf('growing')]?.copies.find(copy => copy.snapshot === positionOf('night-1'))?.shards[0]?.status

  test.each([
    ['unavailable', 'store-unavailable'],
    ['deadline', 'store-unavailable'],
    ['too-large', 'not-read'],
    ['changed', 'unstable-read'],
  ] as const)('%s accuses nobody', async (code, reason) => {
    const result = await readWhole(changedReader(blobs, fails(code)))
    expect(result.faults.map(({ key, ours }) => ({ key, ours }))).toEqual([{ key, ours: reason }])
    expect(statusOf(result)).toBe('not-read')
  })

  test('a blob that is refused while others are given is unreadable', async () => {
    const result = await readWhole(changedReader(blobs, fails('access-denied')))
    expect(result.faults).toMatchObject([{ code: 'unreadable-blob', key, ours: null, snapshots: [uuidOf('night-1')] }])
    expect(statusOf(result)).toBe('missing-metadata')
  })

  test('an archived blob is the fault of the repository', async () => {
    const result = await readWhole(changedReader(blobs, fails('archived')))
    expect(result.faults).toMatchObject([{ code: 'archived-blob', key, ours: null, snapshots: [uuidOf('night-1')] }])
    expect(statusOf(result)).toBe('missing-metadata')
  })

  test('missing once is not missing', async () => {
    const result = await readWhole(changedReader(blobs, fails('not-found', 1)))
    expect(result.faults).toEqual([])
    expect(statusOf(result)).toBe('complete')
  })

  test('broken once is not broken; two different breaks are unstable', async () => {
    const good = files.get(key) ?? Buffer.alloc(0)
    const once = await readWhole(
      changedReader(blobs, (asked, times) => (asked === key && times === 1 ? good.subarray(9) : null)),
    )
    expect(once.faults).toEqual([])
    const twice = await readWhole(changedReader(blobs, (asked, times) => (asked === key ? good.subarray(times) : null)))
    expect(twice.faults).toMatchObject([{ key, ours: 'unstable-read' }])
    expect(statusOf(twice)).toBe('not-read')
  })

  test('a blob beyond our limits is not read, and not corrupt', async () => {
    const { faults } = await readWhole(blobs, { maxMetadataBytes: 300 })
    expect(faults.length).toBeGreaterThan(10)
    expect(new Set(faults.map(({ ours }) => ours))).toEqual(new Set(['not-read']))
  })

  test('what other programs throw is not swallowed', async () => {
    const broken = changedReader(blobs, asked => {
      if (asked === key) throw new TypeError('a bug')
      return null
    })
    await expect(readWhole(broken)).rejects.toThrow('a bug')
  })

  test('an abort ends it with its reason, accusing nobody', async () => {
    const controller = new AbortController()
    const reason = new SnapproofError('interrupted', 'stopped')
    const reader = changedReader(blobs, async asked => {
      if (asked === key) controller.abort(reason)
      return null
    })
    await expect(readWhole(reader, { signal: controller.signal })).rejects.toBe(reason)
  })
})

describe('what follows from what', () => {
  test('without the root blob a missing shard of a partial snapshot accuses nobody twice', async () => {
    const partial = data.snapshots.findIndex(entry => entry.state === 'PARTIAL')
    const uuid = data.snapshots[partial]?.uuid ?? ''
    const { faults, indices } = await readWhole(memoryReader(change({ [`snap-${uuid}.dat`]: null })))
    expect(faults).toMatchObject([{ code: 'missing-metadata-blob', key: `snap-${uuid}.dat`, snapshots: [uuid] }])
    const unassigned = indices[indexOf('unassigned')]?.copies[0]
    expect(unassigned?.shards.map(({ status }) => status)).toEqual(['not-read', 'not-read'])
  })

  test('without the root blob a missing shard of a whole snapshot is a second fault', async () => {
    const keys = [`snap-${uuidOf('night-1')}.dat`, shardKey('growing', 'night-1')]
    const { faults } = await readWhole(memoryReader(change(Object.fromEntries(keys.map(key => [key, null])))))
    expect(faults.map(({ key }) => key)).toEqual(keys)
  })

  test('global metadata that nobody needs hits no snapshot', async () => {
    const key = (name: string) => `meta-${uuidOf(name)}.dat`
    const { faults } = await readWhole(memoryReader(change({ [key('night-1')]: null, [key('night-2')]: null })))
    const bySnapshot = faults.map(({ key, snapshots }) => ({ key, snapshots }))
    expect(bySnapshot).toContainEqual({ key: key('night-1'), snapshots: [uuidOf('night-1')] })
    expect(bySnapshot).toContainEqual({ key: key('night-2'), snapshots: [] })
  })

  test('shard folders that are nowhere are not read and not missing', async () => {
    const root = JSON.parse((files.get(rootKey) ?? '').toString())
    root.indices.growing.shard_path_type = 1
    const { faults, indices } = await readWhole(memoryReader(change({ [rootKey]: Buffer.from(JSON.stringify(root)) })))
    expect(faults).toMatchObject([{ ours: 'layout-not-supported', index: 'growing' }])
    const { copies } = indices[indexOf('growing')] ?? { copies: [] }
    expect(new Set(copies.flatMap(({ shards }) => shards.map(({ status }) => status)))).toEqual(
      new Set(['not-verifiable-here']),
    )
    expect(copies.map(({ contentId }) => contentId)).toEqual([null, null, null, null])
  })

  describe('OpenSearch with a remote store', () => {
    const rootBlob = `snap-${uuidOf('night-1')}.dat`
    const rootWith = (fields: Record<string, unknown>) =>
      rewrite(files.get(rootBlob) ?? Buffer.alloc(0), root => Object.assign(root['snapshot'] ?? {}, fields))
    const shallow = rootWith({ remote_store_index_shallow_copy: true })
    const key = shardKey('wide', 'night-1')
    const shallowKey = key.replace('/snap-', '/shallow-snap-')
    const shallowBlob = (name = 'night-1') => envelope('snapshot', encodeSmile({ version: '2', name, file_names: [] }))
    const metadataKey = whole.indices[indexOf('wide')]?.copies.find(
      c => c.snapshot === positionOf('night-1'),
    )?.metadataKey
    const onRemote = rewrite(files.get(metadataKey ?? '') ?? Buffer.alloc(0), root => {
      const index = root['wide'] as { settings: Record<string, unknown> }
      Object.assign(index.settings, { 'index.remote_store.enabled': 'true' })
    })
    const read = async (changes: Readonly<Record<string, Buffer | null>>) => {
      const reader = changedReader(memoryReader(change(changes)))
      const { faults, indices } = await readWhole(reader)
      const wide = indices[indexOf('wide')]
      return { reads: reader.reads, faults, wide, copy: wide?.copies.find(c => c.snapshot === positionOf('night-1')) }
    }
    const elsewhere = { contentId: null, shards: [{ status: 'not-verifiable-here', files: null }] }

    test.each([
      ['an index that says so', { [metadataKey ?? '']: onRemote }, 1],
      ['one that does not', {}, 3],
    ])('a shallow copy of %s has another blob and no files here', async (_, changes, requests) => {
      const { faults, copy, wide, reads } = await read({
        ...changes,
        [rootBlob]: shallow,
        [key]: null,
        [shallowKey]: shallowBlob(),
      })
      expect(faults).toEqual([])
      expect(copy).toMatchObject(elsewhere)
      expect(wide?.metadataBlobs.map(blob => blob.key)).toContain(shallowKey)
      expect((reads.get(key) ?? 0) + (reads.get(shallowKey) ?? 0)).toBe(requests)
    })

    test.each([
      ['neither blob', null],
      ['the shallow blob of another snapshot', shallowBlob('night-2')],
      ['a broken one', shallowBlob().subarray(3)],
    ])('%s is a missing shard, whatever the snapshot is', async (_, bytes) => {
      const { faults, copy } = await read({ [rootBlob]: shallow, [key]: null, [shallowKey]: bytes })
      expect(faults).toMatchObject([{ code: 'missing-metadata-blob', key, ours: null, snapshots: [uuidOf('night-1')] }])
      expect(copy?.shards[0]?.status).toBe('missing-metadata')
    })

    test('an index beside it, whose data is here, is read as ever', async () => {
      const { faults, copy } = await read({ [rootBlob]: shallow })
      expect(faults).toEqual([])
      expect(copy?.contentId).not.toBeNull()
    })

    test('of a pinned snapshot no shard is looked for, and none passes', async () => {
      const { faults, copy, reads } = await read({
        [rootBlob]: rootWith({ pinned_timestamp: 1_790_000_000_000 }),
        [key]: null,
      })
      expect(faults).toEqual([])
      expect(copy).toMatchObject(elsewhere)
      expect(reads.get(key)).toBeUndefined()
    })

    test('a timestamp of zero pins nothing', async () => {
      const { copy } = await read({ [rootBlob]: rootWith({ pinned_timestamp: 0 }) })
      expect(copy?.contentId).not.toBeNull()
    })
  })

  describe('a mounted index', () => {
    const metadataKey = whole.indices[indexOf('wide')]?.copies[0]?.metadataKey ?? ''
    const mounted = (settings: Record<string, string>) =>
      rewrite(files.get(metadataKey) ?? Buffer.alloc(0), root => {
        const index = root['wide'] as { settings: Record<string, unknown> }
        Object.assign(index.settings, { 'index.store.type': 'snapshot' }, named(settings))
      })
    const named = (settings: Record<string, string>) =>
      Object.fromEntries(Object.entries(settings).map(([key, value]) => [`index.store.snapshot.${key}`, value]))
    const read = async (settings: Record<string, string>) => {
      const { faults, indices } = await readWhole(memoryReader(change({ [metadataKey]: mounted(settings) })))
      return { faults, copies: indices[indexOf('wide')]?.copies ?? [] }
    }
    const here = {
      repository_name: 'backups',
      repository_uuid: data.identity.uuid ?? '',
      snapshot_name: 'night-4',
      snapshot_uuid: uuidOf('night-4'),
      index_name: 'growing',
      index_uuid: data.indices[indexOf('growing')]?.id ?? '',
    }

    test('is fine as long as the snapshot that holds its data is there', async () => {
      const { faults, copies } = await read(here)
      expect(faults).toEqual([])
      expect(copies[0]?.metadata).toMatchObject({
        mounted: true,
        backing: { snapshotName: 'night-4', indexName: 'growing' },
      })
      expect(copies[0]?.backingElsewhere).toBeUndefined()
    })

    test.each([
      ['is gone', { ...here, snapshot_uuid: 'GONEGONEGONEGONEGONEGO' }],
      ['does not hold the index', { ...here, index_uuid: data.indices[indexOf('orders')]?.id ?? '' }],
      [
        'is known by its name alone, in a repository that is not named, and is gone',
        { snapshot_name: 'night-9', index_name: 'growing' },
      ],
    ])('does not restore when that snapshot %s', async (_, settings) => {
      const { faults, copies } = await read(settings)
      const uuids = copies.map(({ snapshot }) => data.snapshots[snapshot]?.uuid)
      expect(faults.map(fault => fault.code)).toEqual(uuids.map(() => 'backing-snapshot-missing'))
      expect(faults.flatMap(fault => fault.snapshots)).toEqual(uuids)
      expect(faults[0]).toMatchObject({ key: metadataKey, index: 'wide', ours: null })
    })

    test.each([
      ['another repository', { ...here, repository_uuid: 'ANOTHERANOTHERANOTHERA' }],
      [
        'a repository of which only the name is known',
        { repository_name: 'backups', snapshot_name: 'night-9', snapshot_uuid: 'GONE' },
      ],
    ])('whose data lies in %s is nobody’s fault, and says where', async (_, settings) => {
      const { faults, copies } = await read(settings)
      expect(faults).toEqual([])
      expect(copies[0]?.backingElsewhere).toContain('"backups"')
    })
  })

  test.each([0, 4])('snapshots of state %i are not read', async state => {
    const root = JSON.parse((files.get(rootKey) ?? '').toString())
    root.snapshots.find((s: { name: string }) => s.name === 'night-1').state = state
    const uuid = uuidOf('night-1')
    const changes = {
      [rootKey]: Buffer.from(JSON.stringify(root)),
      [`snap-${uuid}.dat`]: null,
      [`meta-${uuid}.dat`]: null,
    }
    const reader = changedReader(memoryReader(change(changes)))
    expect((await readWhole(reader)).faults).toEqual([])
    // Asked for once, in case the state is wrong; that it is not there is normal.
    const asked = [...reader.reads.keys()].filter(key => key.includes(uuid))
    expect(asked).toEqual(state === 0 ? [`snap-${uuid}.dat`] : [])
  })
})

test('of a failed snapshot the root blob is read, and none of its shards', async () => {
  const root = JSON.parse((files.get(rootKey) ?? '').toString())
  root.snapshots.find((s: { name: string }) => s.name === 'night-1').state = 2
  const rootBlob = `snap-${uuidOf('night-1')}.dat`
  const failed = rewrite(files.get(rootBlob) ?? Buffer.alloc(0), info =>
    Object.assign(info['snapshot'] ?? {}, { state: 'FAILED' }),
  )
  const changes = {
    [rootKey]: Buffer.from(JSON.stringify(root)),
    [rootBlob]: failed,
    [shardKey('growing', 'night-1')]: null,
  }
  const { faults, indices } = await readWhole(memoryReader(change(changes)))
  expect(faults).toEqual([])
  const copy = indices[indexOf('growing')]?.copies.find(({ snapshot }) => snapshot === positionOf('night-1'))
  expect(copy).toMatchObject({ metadata: null, shards: [], contentId: null })
})

describe('reading', () => {
  test('each blob once, at most as many at once as allowed', async () => {
    const reader = changedReader(blobs, async () => {
      await new Promise(done => setTimeout(done, 1))
      return null
    })
    const { snapshots, indices } = await readWhole(reader, { concurrency: 3 })
    const keys = [...snapshots, ...indices].flatMap(record => record.metadataBlobs.map(({ key }) => key))
    expect([...reader.reads].filter(([key]) => key !== 'index.latest').sort()).toEqual(keys.sort().map(key => [key, 1]))
    expect(reader.mostAtOnce()).toBe(3)
  })

  test('one index again costs no request; of some snapshots it is the same', async () => {
    const reader = changedReader(blobs)
    const { catalogue, indices } = await readWhole(reader)
    const before = [...reader.reads.values()].reduce((a, b) => a + b, 0)
    const wanted = [positionOf('night-1'), positionOf('night-4')]
    const record = await catalogue.readIndex(indexOf('growing'), wanted, signal)
    expect([...reader.reads.values()].reduce((a, b) => a + b, 0)).toBe(before)
    expect(record.copies.map(({ snapshot }) => snapshot)).toEqual([...wanted].sort((a, b) => a - b))
    const all = indices[indexOf('growing')]?.copies.filter(({ snapshot }) => wanted.includes(snapshot))
    expect(record.copies).toEqual(all)
    expect(record.faults).toEqual([])
  })

  test('an index without the snapshots before it: the same', async () => {
    const catalogue = await openCatalogue(blobs, { signal })
    const records = await collect(catalogue.readIndices(signal))
    expect(records).toEqual(whole.indices)
  })

  test('the only listing is that of the root', async () => {
    const prefixes: string[] = []
    const counting: BlobReader = {
      ...blobs,
      list: (prefix, options) => {
        prefixes.push(`${prefix} ${options?.depth}`)
        return blobs.list(prefix, options)
      },
    }
    await readWhole(counting)
    expect(prefixes).toEqual(['index- root'])
  })

  test('leaving early stops what is read ahead', async () => {
    const reader = changedReader(blobs, async () => {
      await new Promise(done => setTimeout(done, 1))
      return null
    })
    const catalogue = await openCatalogue(reader, { signal, concurrency: 1 })
    for await (const record of catalogue.readIndices(signal)) {
      expect(record.index).toBe(0)
      break
    }
    const ahead = whole.indices.slice(0, 3).flatMap(record => record.metadataBlobs).length
    expect(reader.reads.size).toBeLessThan(ahead)
    const reads = reader.reads.size
    await new Promise(done => setTimeout(done, 30))
    expect(reader.reads.size).toBe(reads)
  })
})
