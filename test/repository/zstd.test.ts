/** Zstandard frames: those of a real OpenSearch are read with the fixtures; here is what no server writes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openEnvelope } from '../../src/repository/codec-footer.ts'
import { DecodeError } from '../../src/repository/decode-error.ts'
import { decodeMetadataBlob } from '../../src/repository/framing.ts'
import { decodeShardSnapshot } from '../../src/repository/shard-snapshot.ts'
import { unzstd } from '../../src/repository/zstd.ts'
import { envelope, reseal } from '../support/envelope.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { filesOf } from '../support/memoryReader.ts'
import { encodeSmile } from '../support/smile.ts'

const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
/** Window of 1 MiB, no checksum, no content size. */
const header = Buffer.concat([magic, Buffer.from([0, 10 << 3])])
type Kind = 'raw' | 'rle' | 'compressed' | 'reserved'
const kinds: readonly Kind[] = ['raw', 'rle', 'compressed', 'reserved']

function block(kind: Kind, length: number, content: Buffer, last = false): Buffer {
  const head = Buffer.alloc(3)
  head.writeUIntLE((length << 3) | (kinds.indexOf(kind) << 1) | (last ? 1 : 0), 0, 3)
  return Buffer.concat([head, content])
}
const raw = (text: string, last = false) => block('raw', text.length, Buffer.from(text, 'latin1'), last)
const rle = (byte: number, times: number, last = false) => block('rle', times, Buffer.from([byte]), last)
const frame = (...blocks: Buffer[]) => Buffer.concat([header, ...blocks])

function kindOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
    return (error as DecodeError).kind
  }
  return 'good'
}

describe('frames', () => {
  test('raw and repeated blocks', () => {
    expect(unzstd(frame(raw('abc'), rle(0x78, 5), raw('', true)), 8, 0).toString()).toBe('abcxxxxx')
  })

  test('with checksum, with content size, as a single segment', () => {
    const size = Buffer.concat([magic, Buffer.from([0x20, 3]), raw('abc', true)])
    expect(unzstd(size, 3, 0).toString()).toBe('abc')
    const summed = Buffer.concat([magic, Buffer.from([0x04, 10 << 3]), raw('abc', true), Buffer.alloc(4)])
    expect(unzstd(summed, 3, 0).toString()).toBe('abc')
    const two = Buffer.concat([magic, Buffer.from([0x60, 44, 0]), rle(0x61, 300, true)])
    expect(unzstd(two, 300, 0).toString()).toBe('a'.repeat(300))
  })

  test('never more than allowed, whatever the frame claims', () => {
    expect(kindOf(() => unzstd(frame(raw('abc'), raw('d', true)), 3, 0))).toBe('too-large')
    const huge = Buffer.concat([magic, Buffer.from([0xe0]), Buffer.alloc(8, 0x7f), raw('abc', true)])
    expect(kindOf(() => unzstd(huge, 1 << 20, 0))).toBe('too-large')
    const window = Buffer.concat([magic, Buffer.from([0, 0xff]), raw('abc', true)])
    expect(kindOf(() => unzstd(window, 1 << 20, 0))).toBe('too-large')
    // 128 KiB from four bytes, again and again: a bomb of 2 GiB in 64 KiB.
    const bomb = frame(...Array.from({ length: 16_000 }, () => rle(0, 1 << 17)), raw('', true))
    expect(kindOf(() => unzstd(bomb, 1 << 20, 0))).toBe('too-large')
    // Nothing from three bytes, a million times: a window is moved for each.
    const slow = frame(...Array.from({ length: 100_000 }, () => raw('')), raw('', true))
    expect(kindOf(() => unzstd(slow, 1 << 20, 0))).toBe('too-large')
  })

  test.each([
    ['no frame', Buffer.from('hello, world')],
    ['nothing', Buffer.alloc(0)],
    ['a block beyond the end', frame(block('raw', 100, Buffer.from('abc'), true))],
    ['no last block', frame(raw('abc'))],
    ['a block too long', frame(rle(0, (1 << 17) + 1, true))],
    ['a block of no kind', frame(block('reserved', 1, Buffer.from('a'), true))],
    ['bytes behind', Buffer.concat([frame(raw('abc', true)), Buffer.from('x')])],
    ['a second frame', Buffer.concat([frame(raw('abc', true)), frame(raw('abc', true))])],
    ['an empty compressed block', frame(block('compressed', 0, Buffer.alloc(0), true))],
    ['a compressed block of noise', frame(block('compressed', 20, Buffer.alloc(20, 0xff), true))],
  ])('%s is broken', (_, bytes) => {
    expect(kindOf(() => unzstd(bytes, 1 << 20, 0))).toBe('bad-framing')
  })

  test('bytes that keep the decoder going for ever are given up', () => {
    // Of a blob that OpenSearch 3.3.0 wrote, with the description of its Huffman codes changed: fzstd 0.1.1 never ends.
    const endless = readFileSync(join(import.meta.dirname, '../fixtures/zstd/endless.zst'))
    expect(kindOf(() => unzstd(endless, 1 << 22, 0))).toBe('too-large')
  })

  test('a dictionary is a layout that is not known', () => {
    const bytes = Buffer.concat([magic, Buffer.from([1, 10 << 3, 7]), raw('abc', true)])
    expect(kindOf(() => unzstd(bytes, 1 << 20, 0))).toBe('unknown-layout')
  })
})

describe('blobs', () => {
  const blob = (bytes: Buffer) => envelope('snapshot', Buffer.concat([Buffer.from('ZSTD\0', 'latin1'), bytes]))
  const smile = encodeSmile({ name: 'night-1' })

  test('a body of SMILE in a frame', () => {
    const good = blob(frame(raw(smile.toString('latin1')), raw('', true)))
    expect(kindOf(() => decodeMetadataBlob(good, ['snapshot']))).toBe('good')
    expect(decodeMetadataBlob(good, ['snapshot'])['name']).toBe('night-1')
  })

  test('the offset is that of the frame in the blob', () => {
    const body = openEnvelope(blob(Buffer.from('hello, world')), ['snapshot']).body
    const at = 5 + 'snapshot'.length + 4 + 5
    expect(body.length).toBe(5 + 'hello, world'.length)
    expect(() => decodeMetadataBlob(blob(Buffer.from('hello, world')), ['snapshot'])).toThrow(
      expect.objectContaining({ kind: 'bad-framing', offset: at }),
    )
  })

  test('real blobs with any byte of the frame changed and the CRC made to fit: a value or a DecodeError', () => {
    const fixture = repositoryFixtures().find(({ name }) => name === 'os-3.3')
    const real = [...filesOf(fixture?.folder ?? '')]
      .filter(([key, bytes]) => /\/\d+\/snap-/.test(key) && bytes.includes('ZSTD\0', 0, 'latin1'))
      .map(([, bytes]) => bytes)
    expect(real.length).toBeGreaterThan(4)
    for (const bytes of real) expect(decodeShardSnapshot(bytes).files).toBeDefined()
    fc.assert(
      fc.property(fc.constantFrom(...real), fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, position, flip) => {
        const changed = Buffer.from(bytes)
        const from = 22
        const at = from + (position % (bytes.length - from - 16))
        changed[at] = (changed[at] ?? 0) ^ flip
        kindOf(() => decodeShardSnapshot(reseal(changed), 1 << 22))
      }),
      { numRuns: 400, seed: 7 },
    )
  })
})
