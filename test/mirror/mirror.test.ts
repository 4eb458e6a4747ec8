import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ErrorCode, SnapproofError } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import { openMirror } from '../../src/mirror/mirror.ts'
import type { Mirror, MirrorItem } from '../../src/mirror/port.ts'
import { systemClock } from '../../src/time.ts'
import { flipped, framed } from './blobs.ts'
import { type MemoryReader, memoryReader } from './memory-reader.ts'

const a = Buffer.from('the bytes of a Lucene file')
const b = Buffer.from('another Lucene file, in two parts')
const snap = framed(Buffer.from('files of a shard'))
const keys = {
  a: 'indices/I/0/__a',
  b0: 'indices/I/0/__b.part0',
  b1: 'indices/I/0/__b.part1',
  snap: 'indices/I/0/snap-S.dat',
}

function item(parts: [string, number | null][], crc: number | null): MirrorItem {
  return { parts: parts.map(([key, bytes]) => ({ key, bytes })), crc32: crc, snapshots: ['S'], index: 'logs', shard: 0 }
}
const itemA = item([[keys.a, a.length]], crc32(a))
const itemB = item(
  [
    [keys.b0, 20],
    [keys.b1, b.length - 20],
  ],
  crc32(b),
)
const itemSnap = item([[keys.snap, null]], null)

let folder: string
let source: MemoryReader
let mirror: Mirror
const signal = new AbortController().signal

function open(options: Partial<Parameters<typeof openMirror>[0]> = {}): Mirror {
  return openMirror({
    source,
    folder: join(folder, 'mirror'),
    concurrency: 3,
    signal,
    log: silentLog,
    clock: systemClock,
    freeBytesFloor: 0,
    ...options,
  })
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-mirror-'))
  source = memoryReader({
    [keys.a]: a,
    [keys.b0]: b.subarray(0, 20),
    [keys.b1]: b.subarray(20),
    [keys.snap]: snap,
    'index-7': Buffer.from('{}'),
    'index-8': Buffer.from('{"a":1}'),
    'index.latest': Buffer.from('stale!!!'),
  })
  mirror = open()
})
afterEach(async () => {
  await mirror.close()
  await rm(folder, { recursive: true })
})

const local = (key: string) => readFile(join(mirror.folder, key))
const incoming = () => readdir(`${mirror.folder}.incoming`)

describe('fetch', () => {
  it('lays good blobs at their keys, each read once', async () => {
    const result = await mirror.fetch([itemA, itemB, itemSnap, itemA], signal)
    expect(result.faults).toEqual([])
    expect(await local(keys.a)).toEqual(a)
    expect(Buffer.concat([await local(keys.b0), await local(keys.b1)])).toEqual(b)
    expect(await local(keys.snap)).toEqual(snap)
    expect(source.gets.toSorted()).toEqual(Object.values(keys).toSorted())
    expect(result).toMatchObject({ requests: 4, bytes: a.length + b.length + snap.length })
    expect(await incoming()).toEqual([])

    const again = await mirror.fetch([itemA, itemB], signal)
    expect(again).toMatchObject({ requests: 0, bytes: 0, faults: [] })
  })

  it('reads a blob once when two calls want it at the same time', async () => {
    await Promise.all([mirror.fetch([itemA, itemB], signal), mirror.fetch([itemB, itemA], signal)])
    expect(source.gets.toSorted()).toEqual([keys.a, keys.b0, keys.b1])
  })

  it('writes index.latest itself and keeps one generation', async () => {
    await mirror.fetch([item([['index.latest', 8]], null), item([['index-7', 2]], null)], signal)
    expect(await local('index.latest')).toEqual(Buffer.from('0000000000000007', 'hex'))
    expect(source.gets).toEqual(['index-7'])
    await mirror.fetch([item([['index-8', null]], null)], signal)
    expect(await local('index.latest')).toEqual(Buffer.from('0000000000000008', 'hex'))
    expect((await readdir(mirror.folder)).toSorted()).toEqual(['index-8', 'index.latest'])
  })

  it('keeps no more than its concurrency of bodies open', async () => {
    const many: Record<string, Buffer> = {}
    for (let i = 0; i < 40; i++) many[`indices/I/0/__m${i}`] = a
    source = memoryReader(many)
    mirror = open({ concurrency: 4 })
    const items = Object.keys(many).map(key => item([[key, a.length]], crc32(a)))
    expect((await mirror.fetch(items, signal)).faults).toEqual([])
    expect(source.mostOpen).toBe(4)
  })
})

describe('a bad blob', () => {
  it('that is good when read again accuses nobody', async () => {
    source.fault = (key, time) => (key === keys.a && time === 1 ? flipped(a, 3) : undefined)
    const result = await mirror.fetch([itemA], signal)
    expect(result.faults).toEqual([])
    expect(result.requests).toBe(2)
    expect(await local(keys.a)).toEqual(a)
  })

  it.each([
    ['a flipped bit in data', keys.a, flipped(a, 3), 'corrupt-data-blob'],
    ['a short data blob', keys.a, a.subarray(1), 'wrong-length'],
    ['a flipped bit in metadata', keys.snap, flipped(snap, 2), 'corrupt-metadata-blob'],
    ['metadata cut off', keys.snap, snap.subarray(0, 9), 'corrupt-metadata-blob'],
    ['an empty metadata blob', keys.snap, Buffer.alloc(0), 'corrupt-metadata-blob'],
  ])('%s is a fault after two equal reads', async (_, key, bytes, code) => {
    source.blobs.set(key, bytes)
    const bad = key === keys.a ? itemA : itemSnap
    const { faults } = await mirror.fetch([bad, itemB], signal)
    expect(faults).toMatchObject([
      { item: bad, fault: { code, ours: null, key, snapshots: ['S'], index: 'logs', shard: 0 } },
    ])
    expect(source.gets.filter(got => got === key)).toHaveLength(2)
    expect(existsSync(join(mirror.folder, key))).toBe(false)
    expect(existsSync(join(mirror.folder, keys.b0))).toBe(true)
    expect(await incoming()).toEqual([])
  })

  it('in one part of a split file is seen by the checksum of the whole', async () => {
    source.blobs.set(keys.b1, flipped(b.subarray(20), 0))
    const { faults } = await mirror.fetch([itemB], signal)
    expect(faults).toMatchObject([{ fault: { code: 'corrupt-data-blob', ours: null } }])
    expect(existsSync(join(mirror.folder, keys.b0))).toBe(false)
  })

  it('that differs from read to read is our doubt, not the repository’s fault', async () => {
    source.fault = (key, time) => (key === keys.a ? flipped(a, time) : undefined)
    expect((await mirror.fetch([itemA], signal)).faults).toMatchObject([
      { fault: { ours: 'unstable-read', key: keys.a } },
    ])
  })

  it('in the eyes of one item only is read again, and stays where another item found it good', async () => {
    await mirror.fetch([itemA], signal)
    const other = item([[keys.a, a.length]], crc32(a) ^ 1)
    const result = await mirror.fetch([other], signal)
    expect(result).toMatchObject({
      requests: 1,
      faults: [{ item: other, fault: { code: 'corrupt-data-blob', ours: null } }],
    })
    expect(await local(keys.a)).toEqual(a)
  })

  it('that is missing only the first time is fetched; missing twice is a fault', async () => {
    source.fault = (key, time) => {
      if (key === keys.a && time === 1) throw new SnapproofError('not-found', 'gone')
      return undefined
    }
    source.blobs.delete(keys.snap)
    source.blobs.delete(keys.b1)
    const { faults } = await mirror.fetch([itemA, itemB, itemSnap], signal)
    expect(faults.map(({ fault }) => [fault.code, fault.key, fault.ours]).toSorted()).toEqual([
      ['missing-data-blob', keys.b1, null],
      ['missing-metadata-blob', keys.snap, null],
    ])
    expect(await local(keys.a)).toEqual(a)
    expect(await incoming()).toEqual([])
  })

  it('with a key that is no key of a repository is refused without being asked for', async () => {
    source.blobs.set('../../outside', a)
    const { faults } = await mirror.fetch([item([['../../outside', a.length]], crc32(a))], signal)
    expect(faults).toMatchObject([{ fault: { code: 'corrupt-metadata-blob', ours: null } }])
    expect(source.gets).toEqual([])
    expect(existsSync(join(folder, 'outside'))).toBe(false)
  })
})

describe('a store that says no', () => {
  const refuse = (code: ErrorCode, only?: string) => {
    source.fault = key => {
      if (only === undefined || key === only) throw new SnapproofError(code, `${code}: ${key}`)
      return undefined
    }
  }

  it('archived is a fault of that blob', async () => {
    refuse('archived', keys.a)
    expect((await mirror.fetch([itemA], signal)).faults).toMatchObject([
      { fault: { code: 'archived-blob', ours: null } },
    ])
  })

  it('access denied to one blob accuses it; to all, our credentials', async () => {
    refuse('access-denied', keys.a)
    expect((await mirror.fetch([itemA, itemB], signal)).faults).toMatchObject([
      { fault: { code: 'unreadable-blob', ours: null } },
    ])
    refuse('access-denied')
    expect((await mirror.fetch([itemA, itemSnap], signal)).faults).toMatchObject([
      { fault: { ours: 'store-unavailable' } },
      { fault: { ours: 'store-unavailable' } },
    ])
  })

  it('unavailable is ours, and is not asked again and again', async () => {
    refuse('unavailable')
    const items = Array.from({ length: 40 }, (_, i) => item([[`indices/I/0/__m${i}`, 1]], 1))
    const { faults } = await mirror.fetch(items, signal)
    expect(faults).toHaveLength(40)
    expect(faults.every(({ fault }) => fault.ours === 'store-unavailable')).toBe(true)
    expect(source.gets.length).toBeLessThan(10)
  })

  it('a missing bucket ends the fetch', async () => {
    refuse('no-such-bucket')
    await expect(mirror.fetch([itemA, itemB], signal)).rejects.toMatchObject({ code: 'no-such-bucket' })
  })

  it('changed while it was read, twice, is an unstable read', async () => {
    refuse('changed', keys.a)
    expect((await mirror.fetch([itemA], signal)).faults).toMatchObject([{ fault: { ours: 'unstable-read' } }])
  })
})

describe('our own trouble', () => {
  it('says how many bytes are needed before it fetches what does not fit', async () => {
    const { bavail, bsize } = await statfs(folder)
    mirror = open({ freeBytesFloor: bavail * bsize * 2 })
    const error = await mirror.fetch([itemA, itemB], signal).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'disk-full' })
    expect(String(error)).toContain(`needs ${a.length + b.length} bytes`)
    expect(source.gets).toEqual([])
  })

  it('stops when asked to, with the reason, and leaves no half blob', async () => {
    const stop = new AbortController()
    const reason = new SnapproofError('interrupted', 'Ctrl-C')
    source.fault = key => {
      if (key === keys.b1) stop.abort(reason)
      return undefined
    }
    await expect(mirror.fetch([itemB, itemA, itemSnap], stop.signal)).rejects.toBe(reason)
    expect(await incoming()).toEqual([])
    expect(existsSync(join(mirror.folder, keys.b0))).toBe(false)
    source.fault = null
    expect((await mirror.fetch([itemB], signal)).faults).toEqual([])
  })

  it('an abort is no word of the store about a blob', async () => {
    const stop = new AbortController()
    source.fault = () => {
      stop.abort(new SnapproofError('interrupted', 'Ctrl-C'))
      throw new SnapproofError('unavailable', 'the connection was closed')
    }
    mirror = open({ concurrency: 1 })
    await expect(mirror.fetch([itemA], stop.signal)).rejects.toBeInstanceOf(SnapproofError)
  })

  it('a damaged or lost local copy is named by verify, dropped, and fetched again', async () => {
    await mirror.fetch([itemA, itemB, itemSnap], signal)
    expect(await mirror.verify([itemA, itemB, itemSnap], signal)).toEqual([])
    await writeFile(join(mirror.folder, keys.a), flipped(a, 1))
    await rm(join(mirror.folder, keys.b1))
    const bad = await mirror.verify([itemA, itemB, itemSnap], signal)
    expect(new Set(bad)).toEqual(new Set([itemA, itemB]))
    expect(existsSync(join(mirror.folder, keys.a))).toBe(false)
    expect((await mirror.fetch(bad, signal)).faults).toEqual([])
    expect(await mirror.verify([itemA, itemB, itemSnap], signal)).toEqual([])
  })

  it('drop and close remove what was fetched', async () => {
    await mirror.fetch([itemA, itemB], signal)
    await mirror.drop([itemA])
    expect(existsSync(join(mirror.folder, keys.a))).toBe(false)
    expect((await mirror.fetch([itemA], signal)).requests).toBe(1)
    await mirror.close()
    expect(await readdir(folder)).toEqual([])
    await expect(mirror.fetch([itemA], signal)).rejects.toMatchObject({ code: 'interrupted' })
  })
})
