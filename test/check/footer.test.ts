import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { BlobReader } from '../../src/blobs/port.ts'
import { sampleFooter } from '../../src/check/footer.ts'
import { SnapproofError } from '../../src/errors.ts'
import { memoryReader } from '../support/memoryReader.ts'

const signal = new AbortController().signal
const body = Buffer.concat([Buffer.from('lucene data'), Buffer.from('c02893e800000000', 'hex')])
const checksum = crc32(body)
const tail = Buffer.alloc(8)
tail.writeUInt32BE(checksum, 4)
const file = Buffer.concat([body, tail])

function splitAt(...lengths: number[]) {
  let at = 0
  const parts = [...lengths, file.length - lengths.reduce((a, b) => a + b, 0)].map((bytes, i) => {
    const piece = file.subarray(at, at + bytes)
    at += bytes
    return { key: `p${i}`, bytes, piece }
  })
  return { parts, files: new Map(parts.map(({ key, piece }) => [key, piece])) }
}
const sampleOf = (bytes: Buffer) =>
  sampleFooter([{ key: 'p', bytes: file.length }], checksum, memoryReader(new Map([['p', bytes]])), signal)

describe('sampleFooter', () => {
  it('agrees with the footer of the file, by one GET of 16 bytes', async () => {
    const asked: unknown[] = []
    const inner = memoryReader(new Map([['p', file]]))
    const reader: BlobReader = {
      ...inner,
      get: (key, options) => {
        asked.push([key, options?.start, options?.length])
        return inner.get(key, options)
      },
    }
    const sample = await sampleFooter([{ key: 'p', bytes: file.length }], checksum, reader, signal)
    expect(sample).toEqual({ key: 'p', state: 'agrees', message: '' })
    expect(asked).toEqual([['p', file.length - 16, 16]])
  })

  it('agrees wherever the file was split', async () => {
    for (let first = 0; first <= file.length; first++) {
      for (const second of [0, 1, 7]) {
        if (first + second > file.length) continue
        const { parts, files } = splitAt(first, second)
        const sample = await sampleFooter(parts, checksum, memoryReader(files), signal)
        expect(sample, `${first} ${second}`).toEqual({ key: 'p2', state: 'agrees', message: '' })
      }
    }
  })

  it('disagrees with any changed bit of the footer, and sees none before it', async () => {
    for (let bit = 0; bit < file.length * 8; bit++) {
      const changed = Buffer.from(file)
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect((await sampleOf(changed)).state).toBe(bit >> 3 < file.length - 16 ? 'agrees' : 'disagrees')
    }
  })

  it('disagrees when the object is shorter', async () => {
    for (let bytes = 0; bytes < file.length; bytes++) {
      expect((await sampleOf(file.subarray(0, bytes))).state).toBe('disagrees')
    }
    // What lies before an object that was cut off is not the end of the file, even if it looks like one.
    const cut = new Map([
      ['p0', file],
      ['p1', Buffer.alloc(0)],
    ])
    const whole = [
      { key: 'p0', bytes: file.length },
      { key: 'p1', bytes: 16 },
    ]
    expect((await sampleFooter(whole, checksum, memoryReader(cut), signal)).state).toBe('disagrees')
    const { parts, files } = splitAt(10)
    files.set('p1', Buffer.alloc(3))
    expect((await sampleFooter(parts, checksum, memoryReader(files), signal)).state).toBe('disagrees')
  })

  it.each([
    ['access-denied', 'unreadable'],
    ['archived', 'unreadable'],
    ['not-found', 'unknown'],
    ['changed', 'unknown'],
    ['unavailable', 'unknown'],
  ] as const)('is not the judge of %s: %s', async (code, state) => {
    const reader: BlobReader = {
      ...memoryReader(new Map()),
      get: async () => {
        throw new SnapproofError(code, 'words of the store')
      },
    }
    const sample = await sampleFooter([{ key: 'p', bytes: 20 }], checksum, reader, signal)
    expect(sample).toMatchObject({ key: 'p', state, message: expect.stringContaining('words of the store') })
  })
})
