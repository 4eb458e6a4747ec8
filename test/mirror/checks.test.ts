import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defectOf, type Reading, ReadingBuilder } from '../../src/mirror/checks.ts'
import type { MirrorItem } from '../../src/mirror/port.ts'
import { framed } from './blobs.ts'

function readingOf(bytes: Buffer, cuts: readonly number[] = []): Reading {
  const builder = new ReadingBuilder()
  let from = 0
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    builder.add(bytes.subarray(from, cut))
    from = cut
  }
  return builder.result()
}

function item(parts: MirrorItem['parts'], crc: number | null = null): MirrorItem {
  return { parts, crc32: crc, snapshots: [], index: null, shard: null }
}

describe('ReadingBuilder', () => {
  it('gives the same for any cut into chunks, and sees the footer', () => {
    const input = fc.record({ body: fc.uint8Array({ maxLength: 90 }), cuts: fc.array(fc.nat(110), { maxLength: 20 }) })
    fc.assert(
      fc.property(input, ({ body, cuts }) => {
        const blob = framed(Buffer.from(body))
        const inside = cuts.filter(cut => cut <= blob.length)
        expect(readingOf(blob, inside)).toEqual({ bytes: blob.length, crc32: crc32(blob), footer: true })
      }),
      { seed: 1, numRuns: 500 },
    )
  })

  it('refuses the footer of a blob in which any one bit is flipped', () => {
    const blob = framed(Buffer.from('some metadata'))
    for (let bit = 0; bit < blob.length * 8; bit++) {
      const damaged = Buffer.from(blob)
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(readingOf(damaged, [5, 20]).footer, `bit ${bit}`).toBe(false)
    }
  })

  it('refuses a right checksum behind a wrong magic number', () => {
    const body = Buffer.from('some metadata, and 8 bytes that are no footer')
    const checksum = Buffer.alloc(8)
    checksum.writeBigUInt64BE(BigInt(crc32(body)))
    expect(readingOf(Buffer.concat([body, checksum])).footer).toBe(false)
  })

  it('refuses the footer of every cut-off blob', () => {
    const blob = framed(Buffer.from('some metadata'))
    for (let bytes = 0; bytes < blob.length; bytes++) expect(readingOf(blob.subarray(0, bytes)).footer).toBe(false)
  })
})

describe('defectOf', () => {
  const bytes = Buffer.from('Lucene bytes, split over three parts')
  const keys = [0, 1, 2].map(n => `indices/i/0/__x.part${n}`)
  const pieces = [bytes.subarray(0, 10), bytes.subarray(10, 20), bytes.subarray(20)]
  const parts = keys.map((key, i) => ({ key, bytes: pieces[i]?.length ?? 0 }))

  it('combines the parts of a split file', () => {
    const readings = pieces.map(piece => readingOf(piece))
    expect(defectOf(item(parts, crc32(bytes)), readings)).toBeNull()
    expect(defectOf(item(parts, crc32(bytes) ^ 1), readings)).toMatchObject({ kind: 'bytes' })
    expect(defectOf(item(parts, crc32(bytes)), [...readings].reverse())).not.toBeNull()
  })

  it('takes a length of null for unknown, and every other one exactly', () => {
    const reading = readingOf(bytes)
    const key = 'indices/i/0/__x'
    expect(defectOf(item([{ key, bytes: null }]), [reading])).toBeNull()
    expect(defectOf(item([{ key, bytes: bytes.length + 1 }]), [reading])).toMatchObject({ kind: 'length', key })
  })

  it('asks for a footer of framed blobs only', () => {
    const reading = readingOf(bytes)
    for (const key of [
      'snap-x.dat',
      'meta-x.dat',
      'indices/i/meta-x.dat',
      'indices/i/0/snap-x.dat',
      'indices/i/0/index-x',
    ]) {
      expect(defectOf(item([{ key, bytes: null }]), [reading]), key).toMatchObject({ kind: 'bytes', key })
      expect(defectOf(item([{ key, bytes: null }]), [readingOf(framed(bytes))]), key).toBeNull()
    }
    expect(defectOf(item([{ key: 'index-7', bytes: null }]), [reading])).toBeNull()
  })
})
