/** What is remembered says so, with its date; what is bad stays known; what cannot be known again is not remembered. */
import { describe, expect, test } from 'vitest'
import type { CheckMemory } from '../../src/check/memory.ts'
import { type IndexView, isDue, snapshotWitnesses, viewOf } from '../../src/check/memory.ts'
import { decodeIndexMemory } from '../../src/check/memoryFormat.ts'
import { repositoryOf, snapshotEntry } from '../support/contents.ts'
import { rewrite } from '../support/envelope.ts'
import { fakeClock } from '../support/fakes.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { filesOf } from '../support/memoryReader.ts'
import { listed } from '../support/records.ts'
import { dayMs, firstNightMs, MapMemory, type Night, night, VersionedStore } from './nights.ts'

const fixtures = repositoryFixtures()
const files = filesOf(fixtures.at(-1)?.folder ?? '')
const later = (days: number): number => firstNightMs + days * dayMs
const firstDay = new Date(firstNightMs).toISOString().slice(0, 10)

/** The largest of the newest repository, in a snapshot that passes. */
const dataKey =
  [...files].filter(([key]) => /\/__[^/]+$/.test(key)).sort((a, b) => b[1].length - a[1].length)[0]?.[0] ?? ''

function flipped(bytes: Buffer, at = bytes.length >> 1): Buffer {
  const changed = Buffer.from(bytes)
  changed[at] = (changed[at] ?? 0) ^ 1
  return changed
}
function rot(store: VersionedStore, key = dataKey): void {
  store.rot(key, flipped(store.bytesOf(key)))
}
const codes = ({ report }: Night): string[] =>
  report.findings.filter(one => one.severity === 'error').map(one => one.code)
const rows = ({ report }: Night, level: string) => report.verdicts.filter(row => row.level === level)

describe('bytes that rot while the store shows nothing', () => {
  const kinds = [
    ['data blob', /^indices\/[^/]+\/\d+\/__/],
    ['shard snapshot', /^indices\/[^/]+\/\d+\/snap-/],
    ['shard generation', /^indices\/[^/]+\/\d+\/index-/],
    ['index metadata', /^indices\/[^/]+\/meta-/],
    ['root snapshot', /^snap-/],
    ['global metadata', /^meta-/],
  ] as const

  test.each(kinds)('%s: remembered with the date of the reading, and found within the age', async (_, kind) => {
    const key = [...files.keys()].filter(one => kind.test(one)).at(-1) ?? ''
    const store = new VersionedStore(new Map(files))
    const memory = new MapMemory(90)
    const first = await night(store, 'bytes', firstNightMs, memory)
    expect(codes(first)).toEqual([])
    rot(store, key)
    for (const days of [1, 30, 67]) {
      const told = await night(store, 'bytes', later(days), memory)
      expect(told.exitCode).toBe(first.exitCode)
      for (const row of [...rows(told, 'catalogue'), ...rows(told, 'bytes')]) {
        expect(row.reason).not.toBe('proven')
        if (row.verdict === 'pass') expect([row.reason, row.provenAt?.slice(0, 10)]).toEqual(['remembered', firstDay])
      }
    }
    const due = await night(store, 'bytes', later(90), memory)
    expect(due.report.findings.map(one => one.key)).toContain(key)
  })

  test('nothing is due twice in one age, and everything is by its end', () => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      expect(isDue(name, firstNightMs, later(67), 90 * dayMs)).toBe(false)
      expect(isDue(name, firstNightMs, later(90), 90 * dayMs)).toBe(true)
      // Written by a clock that was wrong: no proof.
      expect(isDue(name, later(1), firstNightMs, 90 * dayMs)).toBe(true)
      expect(isDue(name, firstNightMs + 60_000, firstNightMs, 90 * dayMs)).toBe(false)
    }
  })

  test('a snapshot that shares index metadata with older ones does not say that they were read tonight', async () => {
    const store = new VersionedStore(new Map(files))
    const key = [...files.keys()].find(one => /^index-\d+$/.test(one)) ?? ''
    const whole = JSON.parse(store.bytesOf(key).toString('utf8'))
    const newest = whole.snapshots.at(-1)
    const without = structuredClone(whole)
    without.snapshots.pop()
    for (const index of Object.values<{ snapshots: string[] }>(without.indices))
      index.snapshots = index.snapshots.filter(uuid => uuid !== newest.uuid)
    for (const [name, index] of Object.entries<{ snapshots: string[] }>(without.indices))
      if (index.snapshots.length === 0) delete without.indices[name]
    const memory = new MapMemory()
    store.put(key, Buffer.from(JSON.stringify(without)))
    await night(store, 'presence', firstNightMs, memory)
    const blobsRead = new Set(store.gets)
    store.put(key, Buffer.from(JSON.stringify(whole)))
    const told = await night(store, 'presence', later(1), memory)
    const shared = [...blobsRead].filter(one => /^indices\/[^/]+\/meta-/.test(one))
    expect(shared.length).toBeGreaterThan(0)
    expect(told.gets.filter(one => shared.includes(one))).toEqual([])
    const third = await night(store, 'presence', later(2), memory)
    for (const one of [told, third])
      expect(rows(one, 'catalogue').find(row => row.uuid === newest.uuid)).toMatchObject({
        verdict: 'pass',
        reason: 'remembered',
        provenAt: new Date(firstNightMs).toISOString(),
      })
  })
})

describe('a blob that is known to be bad', () => {
  /** Found on the first night. */
  async function withBad(memory: MapMemory = new MapMemory()) {
    const store = new VersionedStore(new Map(files))
    rot(store)
    const first = await night(store, 'bytes', firstNightMs, memory)
    expect([first.exitCode, codes(first)]).toEqual([1, ['corrupt-data-blob']])
    return { store, memory, first }
  }
  const accused = ({ report }: Night) => report.verdicts.filter(row => row.level === 'bytes' && row.verdict === 'fail')

  test.each([
    ['no byte may be read', { maxBytes: 0 }],
    ['no time is left', { maxSeconds: -1 }],
    ['no request may be made', { maxRequests: 1 }],
    ['the limit is reached on the way', { maxRequests: 12 }],
  ])('is told when %s', async (_, limit) => {
    const { store, memory, first } = await withBad()
    let seen = firstNightMs
    for (const days of [1, 2]) {
      const told = await night(store, 'bytes', later(days), memory, limit)
      if (told.gets.includes(dataKey)) seen = later(days)
      expect([told.exitCode, codes(told)]).toEqual([1, ['corrupt-data-blob']])
      expect(told.report.findings.find(one => one.code === 'corrupt-data-blob')).toMatchObject({
        id: first.report.findings.find(one => one.code === 'corrupt-data-blob')?.id,
        key: dataKey,
      })
      expect(accused(told).map(row => row.uuid)).toEqual(accused(first).map(row => row.uuid))
    }
    // The date is that of the last look at it.
    const proofs = [...memory.rows.values()].flatMap(row => [...(decodeIndexMemory(row)?.bytes.values() ?? [])])
    expect(proofs.filter(one => one.result === 'bad').map(one => one.day)).toEqual([Math.floor(seen / dayMs)])
  })
  test('is told after a look at presence, at any age', async () => {
    const { store, memory } = await withBad()
    for (const days of [1, 100, 300]) expect(codes(await night(store, 'presence', later(days), memory))).toEqual([])
    for (const limit of [{ maxBytes: 0 }, {}]) {
      expect(codes(await night(store, 'bytes', later(301), memory, limit))).toEqual(['corrupt-data-blob'])
    }
  })
  test('is told when something else was wrong with its snapshots meanwhile', async () => {
    const { store, memory } = await withBad()
    const folder = dataKey.slice(0, dataKey.lastIndexOf('/') + 1)
    const others = [...files.keys()].filter(key => key.startsWith(`${folder}__`) && key !== dataKey)
    for (const key of others) store.blobs.delete(key)
    const told = await night(store, 'bytes', later(1), memory)
    expect(new Set(codes(told))).toEqual(new Set(['missing-data-blob']))
    expect(told.gets).not.toContain(dataKey)
    for (const key of others) store.put(key, files.get(key) ?? Buffer.alloc(0))
    expect(codes(await night(store, 'bytes', later(2), memory, { maxBytes: 0 }))).toEqual(['corrupt-data-blob'])
  })
  test('is told when its metadata could not be read meanwhile', async () => {
    const { store, memory } = await withBad()
    const folder = dataKey.slice(0, dataKey.lastIndexOf('/') + 1)
    const metadata = [...files.keys()].filter(key => key.startsWith(`${folder}snap-`))
    for (const key of metadata) store.put(key, flipped(store.bytesOf(key)))
    expect(codes(await night(store, 'bytes', later(1), memory))).toContain('corrupt-metadata-blob')
    for (const key of metadata) store.put(key, files.get(key) ?? Buffer.alloc(0))
    expect(codes(await night(store, 'bytes', later(2), memory, { maxBytes: 0 }))).toEqual(['corrupt-data-blob'])
  })
  test('is told when the store does not answer, or answers otherwise every time', async () => {
    const { store, memory } = await withBad()
    const good = files.get(dataKey) ?? Buffer.alloc(0)
    let times = 0
    store.onRead = key => {
      if (key === dataKey) store.rot(dataKey, flipped(good, times++))
      return undefined
    }
    const told = await night(store, 'bytes', later(1), memory)
    expect(codes(told)).toEqual(['corrupt-data-blob'])
  })
  test('is cured by the right bytes under another ETag, and by them under the same', async () => {
    const { store, memory } = await withBad()
    const again = new MapMemory()
    for (const [subject, data] of memory.rows) again.rows.set(subject, data)
    store.rot(dataKey, files.get(dataKey) ?? Buffer.alloc(0))
    expect(codes(await night(store, 'bytes', later(1), memory))).toEqual([])
    store.put(dataKey, files.get(dataKey) ?? Buffer.alloc(0))
    expect(codes(await night(store, 'bytes', later(1), again))).toEqual([])
    for (const one of [memory, again])
      expect(codes(await night(store, 'bytes', later(2), one, { maxBytes: 0 }))).toEqual([])
  })
  test('is accused at once although only one reading of it fits the limit', async () => {
    const store = new VersionedStore(new Map(files))
    const memory = new MapMemory()
    await night(store, 'bytes', firstNightMs, memory)
    const bad = flipped(store.bytesOf(dataKey))
    store.put(dataKey, bad)
    const told = await night(store, 'bytes', later(1), memory, { maxBytes: bad.length })
    expect(codes(told)).toEqual(['corrupt-data-blob'])
  })
})

describe('objects that are not those of the listing', () => {
  const wholeMemory = (memory: CheckMemory) =>
    [...memory.subjects()]
      .map(subject => memory.recall(subject))
      .flatMap(data => (data === null ? [] : (decodeIndexMemory(data) ?? [])))

  test('without ETags nothing is remembered, and nothing is said of it', async () => {
    const store = new VersionedStore(new Map(files))
    for (const blob of store.blobs.values()) blob.etag = null
    const memory = new MapMemory()
    const first = await night(store, 'bytes', firstNightMs, memory)
    for (const days of [1, 2]) {
      const told = await night(store, 'bytes', later(days), memory)
      expect(told.gets.length).toBe(first.gets.length)
      expect(told.report.verdicts.filter(row => row.reason === 'remembered')).toEqual([])
    }
    for (const { lists, bytes, calm, metadata } of wholeMemory(memory))
      expect([lists.size, bytes.size, metadata.size, calm]).toEqual([0, 0, 0, null])
  })
  test.each([
    ['the listing has none', null],
    ['the body had another one', '"another"'],
    ['the body had none', null],
  ])('where %s, it is read again the next night', async (what, etag) => {
    const store = new VersionedStore(new Map(files))
    const wrong = [...files.keys()].filter((key, i) => !/^index/.test(key) && i % 2 === 0)
    if (what.startsWith('the listing'))
      for (const key of wrong) {
        const blob = store.blobs.get(key)
        if (blob !== undefined) blob.etag = null
      }
    else store.onRead = key => (wrong.includes(key) ? { etag } : undefined)
    const memory = new MapMemory()
    const first = await night(store, 'bytes', firstNightMs, memory)
    store.onRead = () => undefined
    // What is read again is seen: rot that nothing shows.
    const told = await night(store, 'bytes', later(1), memory)
    const read = wrong.filter(key => first.gets.includes(key))
    expect(read.length).toBeGreaterThan(10)
    expect(read.filter(key => !told.gets.includes(key))).toEqual([])
    expect(told.exitCode).toBe(first.exitCode)
  })
  test.each([
    ['replaced after it was listed', 'after'],
    ['listed as the new one and read as the old one', 'before'],
  ])('a data blob that was %s: the proof is not of what is listed', async (_, order) => {
    const store = new VersionedStore(new Map(files))
    const memory = new MapMemory()
    const good = files.get(dataKey) ?? Buffer.alloc(0)
    const bad = flipped(good)
    if (order === 'after') {
      // Bad when it was listed, good when it was read; then the bad one comes back under the ETag of the listing.
      store.put(dataKey, bad)
      const listed = { ...store.blobs.get(dataKey), bytes: bad }
      store.onRead = key => {
        if (key === dataKey) store.put(dataKey, good)
        return undefined
      }
      await night(store, 'bytes', firstNightMs, memory)
      const { etag = null, modifiedMs = 0, storageClass = '' } = listed
      store.blobs.set(dataKey, { bytes: bad, etag, modifiedMs, storageClass })
    } else {
      store.put(dataKey, bad)
      const now = store.blobs.get(dataKey)
      store.onRead = key => {
        if (key !== dataKey) return undefined
        store.rot(dataKey, good)
        return { etag: '"the old one"' }
      }
      await night(store, 'bytes', firstNightMs, memory)
      if (now !== undefined) store.rot(dataKey, bad)
    }
    store.onRead = () => undefined
    expect(codes(await night(store, 'bytes', later(1), memory))).toEqual(['corrupt-data-blob'])
  })
  test('a bad body that was not the listed object accuses the listed one only while it is read', async () => {
    const store = new VersionedStore(new Map(files))
    const memory = new MapMemory()
    const good = files.get(dataKey) ?? Buffer.alloc(0)
    store.onRead = key => {
      if (key !== dataKey) return undefined
      store.rot(dataKey, flipped(good))
      return { etag: '"another"' }
    }
    expect(codes(await night(store, 'bytes', firstNightMs, memory))).toEqual(['corrupt-data-blob'])
    store.onRead = () => undefined
    store.rot(dataKey, good)
    expect(codes(await night(store, 'bytes', later(1), memory, { maxBytes: 0 }))).toEqual([])
  })
})

describe.each(fixtures.map(({ name, folder }) => [name, filesOf(folder)] as const))('%s', (_, own) => {
  test('a quiet second night reads the root and nothing else', async () => {
    const store = new VersionedStore(new Map(own), '')
    const memory = new MapMemory()
    const first = await night(store, 'bytes', firstNightMs, memory)
    const told = await night(store, 'bytes', later(1), memory)
    expect(told.exitCode).toBe(first.exitCode)
    // Of hashed folders the repository is asked each night where they are.
    const allowed = /^(index-\d+|index\.latest|snapshot_shard_paths\/.+)$/
    expect(told.gets.filter(key => !allowed.test(key))).toEqual([])
    expect(told.gets.length).toBeLessThanOrEqual(3)
    expect(told.counts.head).toBe(0)
    const keeps = memory.keeps
    await night(store, 'bytes', later(2), memory)
    expect(memory.keeps).toBe(keeps)
  })
})

describe('what a judgement was made from', () => {
  const entries = [snapshotEntry(0), snapshotEntry(1)]
  const repository = repositoryOf(entries, ['logs'])
  const [entry] = repository.indices
  if (entry === undefined) throw new Error('no index')
  const key = 'indices/INDEX-LOGS/0/__a'
  const blob = listed(key, 7)
  const view: IndexView = {
    entry,
    index: 0,
    repository,
    listed: new Map([[key, blob]]),
    epochs: [0, 1].map(position => ({ witness: `epoch-${position}`, readMs: 1 })),
    circumstances: ['shared', [null, null]],
  }
  const epoch = (witness: string) => ({ witness, readMs: 1 })

  test.each<[string, Partial<IndexView>]>([
    ['the name of the index', { entry: { ...entry, name: 'other' } }],
    ['a shard generation', { entry: { ...entry, shardGenerations: ['g'] } }],
    ['where shards lie', { entry: { ...entry, shardPathType: 1 } }],
    ['a snapshot less', { entry: { ...entry, snapshots: Int32Array.of(0) } }],
    ['the metadata blob of a snapshot', { repository: { ...repository, indexMetadataBlobId: one => `META-${one}` } }],
    ['a root blob', { epochs: [epoch('epoch-0'), epoch('another')] }],
    ['how credit is given', { circumstances: ['strict', [null, null]] }],
    ['what the whole snapshot is blamed for', { circumstances: ['shared', [null, 'found']] }],
    ['a blob less', { listed: new Map() }],
    [
      'a blob more',
      {
        listed: new Map([
          [key, blob],
          ['x', listed('x', 1)],
        ]),
      },
    ],
    ['the length of a blob', { listed: new Map([[key, { ...blob, bytes: 8 }]]) }],
    ['the ETag of a blob', { listed: new Map([[key, { ...blob, etag: '"other"' }]]) }],
    ['the time of a blob', { listed: new Map([[key, { ...blob, modifiedMs: 1 }]]) }],
    ['the storage class of a blob', { listed: new Map([[key, { ...blob, storageClass: 'GLACIER' }]]) }],
  ])('%s', (_, change) => {
    expect(viewOf({ ...view, ...change })).not.toBe(viewOf(view))
    expect(viewOf({ ...view, ...change })).toMatch(/^[0-9a-f]{32}$/)
  })
  test.each<[string, Partial<IndexView>]>([
    ['a blob without an ETag', { listed: new Map([[key, { ...blob, etag: null }]]) }],
    ['a root blob that was not seen to be good', { epochs: [null, epoch('epoch-1')] }],
  ])('%s: not to be relied on', (_, change) => {
    expect(viewOf({ ...view, ...change })).toBeNull()
  })

  const root = new Map(
    ['snap-UUID-0.dat', 'meta-UUID-0.dat', 'snap-UUID-1.dat', 'meta-UUID-1.dat'].map(one => [one, listed(one, 5)]),
  )
  const [own] = snapshotWitnesses(repository, root)
  const withEntry = (change: Parameters<typeof snapshotEntry>[1]) => ({
    ...repository,
    snapshots: [snapshotEntry(0, change), snapshotEntry(1)],
  })
  test.each([
    ['its name', withEntry({ name: 'x' }), root],
    ['its state', withEntry({ state: 'PARTIAL' }), root],
    ['its version', withEntry({ indexVersion: 1 }), root],
    ['its start', withEntry({ startedMs: 1 }), root],
    ['its end', withEntry({ endedMs: 1 }), root],
    ['an index less', { ...repository, indices: [] }, root],
    ['an index of another id', { ...repository, indices: [{ ...entry, id: 'other' }] }, root],
    ['an index of another name', { ...repository, indices: [{ ...entry, name: 'other' }] }, root],
    [
      'its root blob',
      repository,
      new Map([...root, ['snap-UUID-0.dat', listed('snap-UUID-0.dat', 5, { etag: 'x' })] as const]),
    ],
    ['its global metadata', repository, new Map([...root, ['meta-UUID-0.dat', listed('meta-UUID-0.dat', 6)] as const])],
  ])('of a whole snapshot: %s', (_, changed, blobs) => {
    expect(own).toMatch(/^[0-9a-f]{32}$/)
    expect(snapshotWitnesses(changed, blobs)[0]).not.toBe(own)
  })
})

describe('what a reader said once', () => {
  test('totals that are not those of the files are told every night, although the root blob is remembered', async () => {
    const changed = new Map(files)
    const root = [...changed.keys()].filter(key => /^snap-/.test(key)).sort()
    for (const key of root) {
      changed.set(
        key,
        rewrite(changed.get(key) ?? Buffer.alloc(0), value => {
          const tree = value as { snapshot: { index_details?: Record<string, { size_in_bytes: number }> } }
          const [detail] = Object.values(tree.snapshot.index_details ?? {}).filter(one => one.size_in_bytes > 0)
          if (detail !== undefined) detail.size_in_bytes += 1
        }),
      )
    }
    const store = new VersionedStore(changed)
    const memory = new MapMemory(90)
    const told = ({ report }: Night) => report.findings.filter(one => one.code === 'totals-mismatch')
    const first = await night(store, 'presence', firstNightMs, memory)
    expect(told(first).length).toBeGreaterThan(0)
    for (const days of [1, 2]) {
      const next = await night(store, 'presence', later(days), memory)
      expect(told(next)).toEqual(told(first))
      expect(next.gets.length).toBeLessThan(first.gets.length)
    }
  })

  test('byte proofs inside one index are kept while it is being read', async () => {
    const store = new VersionedStore(new Map(files))
    const memory = new MapMemory(90)
    const abort = new AbortController()
    const clock = fakeClock(firstNightMs)
    const data: string[] = []
    store.onRead = key => {
      if (!/\/__/.test(key)) return undefined
      clock.advance(31_000)
      data.push(key)
      // As if the process were killed: what is not kept by now is lost.
      if (data.length === 16) memory.freeze()
      if (data.length === 17) abort.abort(new Error('killed'))
      return undefined
    }
    await expect(
      night(store, 'bytes', firstNightMs, memory, { clock, requests: 1, signal: abort.signal }),
    ).rejects.toThrow()
    memory.thaw()
    store.onRead = () => undefined
    const again = await night(store, 'bytes', later(1), memory)
    const read = again.gets.filter(key => /\/__/.test(key))
    // A file in parts is proven with its last one.
    const whole = data.slice(0, 12).filter(key => !key.includes('.part'))
    expect(whole.length).toBeGreaterThan(1)
    expect(whole.filter(key => read.includes(key))).toEqual([])
    expect(codes(again)).toEqual([])
  })
})
