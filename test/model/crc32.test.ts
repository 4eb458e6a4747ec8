import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { combineCrc32 } from '../../src/model/crc32.ts'

describe('combineCrc32', () => {
  it('equals the CRC-32 of the concatenation', () => {
    const bytes = fc.uint8Array({ maxLength: 3_000 })
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(combineCrc32(crc32(a), crc32(b), b.length)).toBe(crc32(Buffer.concat([a, b])))
      }),
      { seed: 32, numRuns: 300 },
    )
  })

  it('is associative over lengths beyond 2^32, where no concatenation can be held in memory', () => {
    const crc = fc.integer({ min: 0, max: 0xffffffff })
    const length = fc.integer({ min: 0, max: 2 ** 50 })
    fc.assert(
      fc.property(crc, crc, crc, length, length, (a, b, c, bytesB, bytesC) => {
        const left = combineCrc32(combineCrc32(a, b, bytesB), c, bytesC)
        const right = combineCrc32(a, combineCrc32(b, c, bytesC), bytesB + bytesC)
        expect(left).toBe(right)
      }),
      { seed: 33, numRuns: 300 },
    )
  })

  it('doubles: 2^32 zero bytes are 2^16 times 2^16 zero bytes', () => {
    // The CRC of n zero bytes after A, built up by squaring from pieces that zlib itself has computed.
    const start = crc32(Buffer.from('snapproof'))
    let zeros = crc32(Buffer.alloc(2 ** 16))
    for (let bytes = 2 ** 16; bytes < 2 ** 33; bytes *= 2) zeros = combineCrc32(zeros, zeros, bytes)
    const half = crc32(Buffer.alloc(2 ** 20))
    let stepwise = start
    for (let done = 0; done < 2 ** 33; done += 2 ** 20) stepwise = combineCrc32(stepwise, half, 2 ** 20)
    expect(combineCrc32(start, zeros, 2 ** 33)).toBe(stepwise)
  })

  it('refuses what is no length', () => {
    expect(() => combineCrc32(1, 2, -1)).toThrow(RangeError)
    expect(() => combineCrc32(1, 2, 2 ** 53)).toThrow(RangeError)
  })
})
