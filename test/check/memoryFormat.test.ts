/** Rows of the memory: what goes in comes out, anything else decodes to nothing, and the sizes are those that are promised. */
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  byteResults,
  type CalmContent,
  type CalmCopy,
  decodeIndexMemory,
  decodeSnapshotMemory,
  encodeIndexMemory,
  encodeSnapshotMemory,
  type IndexMemory,
} from '../../src/check/memoryFormat.ts'
import { type Reason, reasons } from '../../src/model/verdict.ts'
import { metadata, snapshotInfo } from '../support/records.ts'

const short = fc.uint8Array({ minLength: 8, maxLength: 8 }).map(bytes => Buffer.from(bytes).toString('latin1'))
const reason = fc.constantFrom<Reason[]>(...(Object.keys(reasons) as Reason[]))
const count = fc.nat(1_000_000)
const day = fc.nat(60_000)
const copy: fc.Arbitrary<CalmCopy> = fc.record({
  catalogue: reason,
  presence: reason,
  obstacle: fc.option(reason),
  bytes: count,
  content: fc.option(count),
})
const content: fc.Arbitrary<CalmContent> = fc.record({
  contentId: fc.string(),
  shardCount: count,
  createdVersion: fc.option(count),
  bytes: count,
  files: count,
  obstacle: fc.option(reason),
  witness: fc.option(fc.string()),
  bytesProvenMs: fc.option(count),
  bytesMethod: fc.option(fc.constantFrom('read', 'store-computed')),
})
const indexMemory: fc.Arbitrary<IndexMemory> = fc
  .record({
    readMs: fc.nat(),
    metadata: fc.dictionary(fc.string(), short, { maxKeys: 3, noNullPrototype: true }),
    lists: fc.array(short, { maxLength: 20 }),
    bytes: fc.uniqueArray(fc.record({ name: short, witness: short, day, result: fc.constantFrom(...byteResults) }), {
      maxLength: 20,
      selector: one => one.name,
    }),
    snapshots: fc.array(fc.string(), { maxLength: 3 }),
    looks: fc.array(fc.tuple(short, day, fc.option(fc.constantFrom('key-1', 'key-2'))), { maxLength: 5 }),
    calm: fc.option(
      fc.record({
        view: fc.string(),
        copies: fc.array(copy, { maxLength: 5 }),
        contents: fc.array(content, { maxLength: 3 }),
        shards: count,
      }),
    ),
  })
  .map(({ readMs, metadata: keys, lists, bytes, snapshots, looks, calm }) => ({
    readMs,
    metadata: new Map(
      Object.entries(keys).map(([key, witness]) => [
        key,
        { witness, metadata: metadata({ fields: new Map(), shardCount: key.length }) },
      ]),
    ),
    lists: new Set(lists),
    bytes: new Map(bytes.map(({ name, ...proof }) => [name, proof])),
    bad: bytes
      .filter(({ result }) => result === 'bad')
      .map(({ name }, shard) => ({ proof: name, key: `__${shard}`, shard, snapshots })),
    looks: new Map(looks.map(([name, at, kmsKeyId]) => [name, { day: at, kmsKeyId }])),
    calm,
  }))

const runs = { seed: 11, numRuns: 150 }

describe('what was kept comes back', () => {
  test('of an index', () => {
    fc.assert(
      fc.property(indexMemory, memory => {
        const encoded = encodeIndexMemory(memory)
        expect(decodeIndexMemory(encoded)).toEqual(memory)
        // The same memory, whatever order it grew in, is the same row: what has not changed is not written again.
        const turned = {
          ...memory,
          bytes: new Map([...memory.bytes].reverse()),
          lists: new Set([...memory.lists].reverse()),
        }
        expect(encodeIndexMemory(turned).equals(encoded)).toBe(true)
      }),
      runs,
    )
  })
  test('of a snapshot', () => {
    const info = snapshotInfo(0, {
      failures: [{ index: 'logs', shard: 3, reason: 'x' }],
      features: [{ name: 'f', indices: ['.f'] }],
    })
    const kept = { readMs: 5, witness: 'w', info }
    expect(decodeSnapshotMemory(encodeSnapshotMemory(kept))).toEqual(kept)
  })
  test('forgotten', () => {
    expect(decodeIndexMemory(Buffer.alloc(0))).toBeNull()
    expect(decodeSnapshotMemory(Buffer.alloc(0))).toBeNull()
  })
})

/** With a checksum that fits, as only somebody who means it writes it. */
function sealed(body: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32LE(crc32(body))
  return Buffer.concat([head, body])
}
function crafted(
  text: unknown,
  change: { version?: number; lists?: number; bytes?: number; looks?: number; tail?: Buffer } = {},
): Buffer {
  const json = Buffer.from(typeof text === 'string' ? text : JSON.stringify(text))
  const head = Buffer.alloc(17)
  head.writeUInt8(change.version ?? 2)
  head.writeUInt32LE(json.length, 1)
  head.writeUInt32LE(change.lists ?? 0, 5)
  head.writeUInt32LE(change.bytes ?? 0, 9)
  head.writeUInt32LE(change.looks ?? 0, 13)
  return sealed(Buffer.concat([head, json, change.tail ?? Buffer.alloc(0)]))
}
const plain = { readMs: 1, metadata: [], kmsKeys: [], bad: [], calm: null }
const kind = { catalogue: 'proven', presence: 'proven', obstacle: null, bytes: 1, content: null }

describe('what is not ours is nothing', () => {
  test('one flipped bit, or an end that is missing', () => {
    fc.assert(
      fc.property(indexMemory, fc.nat(), fc.nat(7), (memory, at, bit) => {
        for (const [encoded, decode] of [
          [encodeIndexMemory(memory), decodeIndexMemory],
          [encodeSnapshotMemory({ readMs: 1, witness: 'w', info: snapshotInfo(0) }), decodeSnapshotMemory],
        ] as const) {
          const changed = Buffer.from(encoded)
          changed[at % encoded.length] = (changed[at % encoded.length] ?? 0) ^ (1 << bit)
          expect(decode(changed)).toBeNull()
          expect(decode(encoded.subarray(0, at % encoded.length))).toBeNull()
          expect(decode(Buffer.concat([encoded, Buffer.alloc(1)]))).toBeNull()
        }
      }),
      runs,
    )
  })
  test('any bytes at all, with a checksum that fits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.json(), (bytes, json) => {
        for (const row of [
          Buffer.from(bytes),
          sealed(Buffer.from(bytes)),
          sealed(Buffer.concat([Buffer.from([2]), bytes])),
        ]) {
          expect(() => decodeIndexMemory(row)).not.toThrow()
          expect(() => decodeSnapshotMemory(row)).not.toThrow()
        }
        expect(() => decodeIndexMemory(crafted(json))).not.toThrow()
        expect(() => decodeSnapshotMemory(sealed(Buffer.from(json)))).not.toThrow()
      }),
      { seed: 12, numRuns: 2000 },
    )
  })
  test('the hand-made row of the tests below is read where it is right', () => {
    expect(decodeIndexMemory(crafted(plain))).toMatchObject({ readMs: 1, calm: null })
    const calm = { view: 'v', kinds: [kind], order: [0, 3], contents: [], shards: 1 }
    expect(decodeIndexMemory(crafted({ ...plain, calm }))?.calm?.copies).toHaveLength(3)
  })
  test.each([
    ['another version', crafted(plain, { version: 1 })],
    ['more lists than there are bytes', crafted(plain, { lists: 0xffffffff })],
    ['more proofs than there are bytes', crafted(plain, { bytes: 0xffffffff })],
    ['more looks than there are bytes', crafted(plain, { looks: 0xffffffff })],
    ['bytes beyond the end', crafted(plain, { tail: Buffer.alloc(7) })],
    ['a result that does not exist', crafted(plain, { bytes: 1, tail: Buffer.alloc(20, 9) })],
    ['a bad blob that nobody can tell of', crafted(plain, { bytes: 1, tail: Buffer.alloc(20) })],
    ['no JSON', crafted('{')],
    ['deep JSON', crafted('['.repeat(200_000))],
    ['no date', crafted({ ...plain, readMs: null })],
  ])('%s', (_, row) => {
    expect(decodeIndexMemory(row)).toBeNull()
  })
  test.each([
    [
      'a billion copies',
      { kinds: [kind], order: Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? 0 : 9_999_999)) },
    ],
    ['endless copies', { kinds: [kind], order: [0, 1e308] }],
    ['fewer than none', { kinds: [kind], order: [0, -1] }],
    ['a kind that is not there', { kinds: [kind], order: [1, 1] }],
    ['a kind by the name of a method', { kinds: [kind], order: ['at', 1] }],
    ['a kind that is null', { kinds: [null], order: [0, 1] }],
    ['a reason that does not exist', { kinds: [{ ...kind, presence: 'toString' }], order: [0, 1] }],
    ['a content that is null', { kinds: [kind], order: [0, 1], contents: [null] }],
  ])('calm: %s', (_, calm) => {
    const decoded = decodeIndexMemory(crafted({ ...plain, calm: { view: 'v', contents: [], shards: 1, ...calm } }))
    expect(decoded).toMatchObject({ readMs: 1, calm: null })
  })
  test('metadata with a billion shards', () => {
    const row = ['key', '00'.repeat(8), { ...metadata(), shardCount: 1e9 }]
    expect(
      decodeIndexMemory(crafted({ ...plain, metadata: [row, null, 7, ['key'], ['k', 'w', null]] }))?.metadata.size,
    ).toBe(0)
  })
  test.each([[{ failures: null }], [{ failures: [null] }], [{ dataStreams: 'x' }], [{ features: [{ name: 'f' }] }]])(
    'a snapshot with %o',
    change => {
      const kept = { version: 2, readMs: 1, witness: 'w', info: { ...snapshotInfo(0), ...change } }
      expect(decodeSnapshotMemory(sealed(Buffer.from(JSON.stringify(kept))))).toBeNull()
    },
  )
})

test('at most 24 bytes for the proof of a data blob, 8 for a shard in a snapshot', () => {
  const name = (i: number) => String.fromCharCode(...Buffer.from(`${i}`.padStart(8, '0')))
  const empty = {
    readMs: 1,
    metadata: new Map(),
    lists: new Set<string>(),
    bytes: new Map(),
    bad: [],
    looks: new Map(),
    calm: null,
  }
  const bytes = new Map(
    Array.from({ length: 10_000 }, (_, i) => [name(i), { witness: name(i), day: 20_000, result: 'read' as const }]),
  )
  const lists = new Set(Array.from({ length: 10_000 }, (_, i) => name(i)))
  const base = encodeIndexMemory(empty).length
  expect((encodeIndexMemory({ ...empty, bytes }).length - base) / 10_000).toBeLessThanOrEqual(24)
  expect((encodeIndexMemory({ ...empty, lists }).length - base) / 10_000).toBe(8)
})

test('a row that grows too large loses lists, then proofs, never what is bad, and stays below the limit', () => {
  const name = (i: number) => `${i}`.padStart(8, '0')
  const proofs = Array.from({ length: 1000 }, (_, i) => {
    const result = i % 100 === 99 ? ('bad' as const) : ('read' as const)
    return [name(i), { witness: name(i), day: 20_000, result }] as const
  })
  const bad = proofs.flatMap(([proof, { result }], shard) =>
    result === 'bad' ? [{ proof, key: 'k', shard, snapshots: [] }] : [],
  )
  const lists = new Set(Array.from({ length: 1000 }, (_, i) => name(i)))
  const calm = { view: 'v', copies: [], contents: [], shards: 1 }
  const memory = { readMs: 1, metadata: new Map(), lists, bytes: new Map(proofs), bad, looks: new Map(), calm }
  for (const [maxBytes, listsLeft, proofsLeft] of [
    [40_000, 1000, 1000],
    [25_000, 0, 1000],
    [10_000, 0, 450],
  ] as const) {
    const row = encodeIndexMemory(memory, maxBytes)
    expect(row.length).toBeLessThanOrEqual(maxBytes)
    const kept = decodeIndexMemory(row)
    expect([kept?.lists.size, kept?.bytes.size, kept?.calm]).toEqual([listsLeft, proofsLeft, calm])
    expect(kept?.bad).toEqual(bad)
  }
})
