/** SMILE against documents written by Jackson 2.17.2, and against an encoder of our own. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DecodeError } from '../../src/repository/decode-error.ts'
import { decodeSmile, type SmileValue } from '../../src/repository/smile.ts'
import { encodeSmile } from '../support/smile.ts'

const folder = join(import.meta.dirname, '../fixtures/smile')
const golden = readdirSync(folder)
  .filter(name => name.endsWith('.smile'))
  .map(file => ({ name: file.slice(0, -6), bytes: readFileSync(join(folder, file)) }))

/** JSON with `{"$": kind, "v": text}` for what JSON lacks. */
function fromJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromJson)
  if (typeof value !== 'object' || value === null) return value
  const { $: kind, v: text } = value as { $?: string; v?: string }
  if (kind === 'int') return BigInt(text ?? '')
  if (kind === 'bytes') return Buffer.from(text ?? '', 'hex')
  if (kind === 'double') return Number(text)
  const object = {}
  for (const [key, entry] of Object.entries(value))
    Object.defineProperty(object, key, { value: fromJson(entry), enumerable: true })
  return object
}

function failureOf(bytes: Buffer, limits = {}): DecodeError {
  try {
    decodeSmile(bytes, limits)
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
  throw new Error('it decoded')
}

describe.each(golden)('Jackson: $name', ({ name, bytes }) => {
  test('decodes to the values that were written', () => {
    const expected = fromJson(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')))
    expect(decodeSmile(bytes)).toEqual(expected)
  })

  test('every truncation is told', () => {
    const step = Math.max(1, Math.floor(bytes.length / 300))
    for (let length = 0; length < bytes.length; length += step) {
      const error = failureOf(bytes.subarray(0, length))
      expect(error.kind).toBe('truncated')
      expect(error.offset).toBeLessThanOrEqual(length)
    }
  })

  test('one byte more is told, but for the end marker', () => {
    expect(failureOf(Buffer.concat([bytes, Buffer.from([0x21])])).kind).toBe('trailing-bytes')
    expect(decodeSmile(Buffer.concat([bytes, Buffer.from([0xff])]))).toEqual(decodeSmile(bytes))
  })
})

const wellFormed = (text: string) => Buffer.from(text).toString() === text
const anything = fc.letrec<{ value: SmileValue }>(tie => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom<SmileValue>(null, true, false, ''),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: false }),
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).filter(n => !Number.isSafeInteger(Number(n))),
    fc.string({ unit: 'binary', maxLength: 80 }).filter(wellFormed),
    fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
    fc.array(tie('value')),
    fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 70 }).filter(wellFormed), tie('value'))).map(entries => {
      const object = {}
      for (const [key, value] of entries)
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
      return object
    }),
  ),
})).value

describe('properties', () => {
  test('what was encoded is decoded', () => {
    fc.assert(
      fc.property(anything, fc.boolean(), fc.boolean(), (value, sharedNames, sharedValues) => {
        expect(decodeSmile(encodeSmile(value, { sharedNames, sharedValues }))).toEqual(value)
      }),
      { seed: 20261123, numRuns: 500 },
    )
  })

  test('thousands of repeated names and values, table after table', () => {
    const row = (from: number) =>
      Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`n${(from + i) % 1700}`, `v${(from + i) % 1700}`]))
    const value = Array.from({ length: 12 }, (_, i) => row(i * 311))
    expect(decodeSmile(encodeSmile(value, { sharedNames: true, sharedValues: true }))).toEqual(value)
  })

  test('random changes give a value or a DecodeError', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...golden.filter(({ bytes }) => bytes.length < 40_000)),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 }),
        ({ bytes }, changes) => {
          const changed = Buffer.from(bytes)
          for (const [at, byte] of changes) changed[at % changed.length] = byte
          try {
            decodeSmile(changed, { maxValues: 100_000 })
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError)
          }
        },
      ),
      { seed: 20261123, numRuns: 3000 },
    )
  })
})

describe('bad documents', () => {
  const header = Buffer.from(':)\n\x05', 'latin1')
  const document = (...bytes: number[]) => Buffer.concat([header, Buffer.from(bytes)])
  test.each([
    ['no SMILE', Buffer.from('{"a":1}'), 'bad-magic', 0],
    ['a version to come', Buffer.from(':)\n\x15\x20', 'latin1'), 'bad-version', 3],
    ['a reference to no name', document(0xfa, 0x41, 0x21, 0xfb), 'bad-reference', 5],
    ['a reference to no value', document(0x01), 'bad-reference', 4],
    ['an unknown token', document(0x00), 'bad-token', 4],
    ['an unknown name token', document(0xfa, 0xf8, 0xfb), 'bad-token', 5],
    ['an end where a value belongs', document(0xfa, 0x80, 0x61, 0xfb), 'bad-token', 7],
    ['more bytes announced than there are', document(0xfd, 0x01, 0x80), 'truncated', 5],
    ['an integer without end', document(0x25, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 'bad-value', 5],
    ['a string that is not UTF-8', document(0x80, 0xff, 0xff), 'bad-value', 5],
  ])('%s', (_, bytes, kind, offset) => {
    expect(failureOf(bytes)).toMatchObject({ kind, offset })
  })

  test('depth and number of values are bounded', () => {
    expect(failureOf(document(...Array(1001).fill(0xf8))).kind).toBe('too-deep')
    expect(failureOf(document(0xf8, ...Array(101).fill(0x21), 0xf9), { maxValues: 100 }).kind).toBe('too-large')
  })

  test('a name of the prototype is a name', () => {
    const value = decodeSmile(encodeSmile(JSON.parse('{"__proto__":{"polluted":1}}') as SmileValue))
    expect(Object.keys(value as object)).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})
