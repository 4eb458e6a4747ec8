/** The stream of events against `JSON.parse`: the same values, whatever the chunks, and never more lenient. */
import { isUtf8 } from 'node:buffer'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DecodeError } from '../../src/repository/decode-error.ts'
import { JsonEvents, type JsonScalar, type JsonSink } from '../../src/repository/json-events.ts'

// Compared by Node: the matchers of vitest ask a value for its constructor, which here may be a name.
const settings = { seed: 20261123, numRuns: 1500 }

/** Builds the value again; keeps where each one began. */
class Builder implements JsonSink {
  value: unknown
  readonly offsets: number[] = []
  private readonly open_: (unknown[] | object)[] = []

  open(kind: 'object' | 'array', key: string | null, offset: number): void {
    const inside = kind === 'object' ? {} : []
    this.put(inside, key, offset)
    this.open_.push(inside)
  }

  close(kind: 'object' | 'array'): void {
    expect(Array.isArray(this.open_.pop())).toBe(kind === 'array')
  }

  scalar(value: JsonScalar, key: string | null, offset: number): void {
    this.put(value, key, offset)
  }

  private put(value: unknown, key: string | null, offset: number): void {
    this.offsets.push(offset)
    const place = this.open_.at(-1)
    if (place === undefined) this.value = value
    else if (Array.isArray(place)) place.push(value)
    else Object.defineProperty(place, key ?? '', { value, enumerable: true, configurable: true, writable: true })
  }
}

/** `cuts`: lengths of the chunks, over and over. */
function build(bytes: Buffer, cuts: readonly number[]): Builder {
  const builder = new Builder()
  const events = new JsonEvents(builder)
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const length = cuts[i % cuts.length] ?? bytes.length
    // Memory that is used again, as some streams do.
    const chunk = Buffer.from(bytes.subarray(at, at + length))
    events.write(chunk)
    chunk.fill(0x21)
    at += length
  }
  events.end()
  return builder
}

function failureOf(run: () => unknown): DecodeError | null {
  try {
    run()
    return null
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
    return error as DecodeError
  }
}

const chunks = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })
const word = fc.constantFrom(
  '__proto__',
  'constructor',
  '',
  'a',
  'IDXID_-0123456789abcd',
  'é',
  '\ud800',
  '\u0000',
  'x'.repeat(120),
)
const documents = fc.letrec<{ node: unknown }>(tie => ({
  node: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: 'binary' }),
      word,
      fc.constantFrom(null, true, false, -0, 1e300),
    ),
    fc.array(tie('node'), { maxLength: 6 }),
    fc
      .array(fc.tuple(fc.oneof(word, fc.string()), tie('node')), { maxLength: 6 })
      .map(entries => Object.fromEntries(entries)),
  ),
})).node

/** With white space wherever it may be. */
function text(value: unknown, spaces: string): Buffer {
  return Buffer.from(JSON.stringify(value, null, spaces === '' ? undefined : spaces))
}

describe('as JSON.parse', () => {
  test('any document, in any chunks', () => {
    fc.assert(
      fc.property(documents, chunks, fc.constantFrom('', ' ', '\t'), (value, cuts, spaces) => {
        const bytes = text(value, spaces)
        expect(isDeepStrictEqual(build(bytes, cuts).value, JSON.parse(bytes.toString()))).toBe(true)
      }),
      settings,
    )
  })

  test.each([
    '-0',
    '0',
    '0.5',
    '1E5',
    '-12e-3',
    '123456789012345678',
    '999999999999999',
    '1000000000000000',
    '0e1',
    '5e-324',
    '1e400',
    'true',
    ' null ',
    '""',
    '"\\u0041\\n\\/\\ud83d\\ude00"',
    '[]',
    '{}',
    '[[],{}]',
    '{"":0}',
    '"\u007f\u2028"',
    '{"a":1,"a":2}',
  ])('%j', written => {
    for (const size of [1, 2, 1000])
      expect(build(Buffer.from(written), [size]).value).toStrictEqual(JSON.parse(written))
  })

  test('texts that come again, and others of the same length in their place', () => {
    const row = (i: number) => ({ a: `text-${i % 3}`, b: 'same', c: `other-${i % 7 === 0 ? 'A' : 'B'}`, d: '' })
    const value = Array.from({ length: 200 }, (_, i) => row(i))
    for (const size of [3, 64, 100_000]) expect(build(text(value, ''), [size]).value).toStrictEqual(value)
  })

  test('changed documents: what JSON.parse refuses is refused, what it takes is taken', () => {
    const change = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      remove: fc.integer({ min: 0, max: 3 }),
      insert: fc.oneof(
        fc.constantFrom('"', '{', '}', '[', ']', ',', ':', '\\', '0', '-', '.', 'e', 'true', ' ', '\u0001', 'é'),
        fc.string({ maxLength: 3 }),
      ),
    })
    let refused = 0
    fc.assert(
      fc.property(documents, fc.array(change, { minLength: 1, maxLength: 3 }), chunks, (value, changes, cuts) => {
        let bytes = text(value, '')
        for (const { at, remove, insert } of changes) {
          const place = Math.floor(at * bytes.length)
          bytes = Buffer.concat([bytes.subarray(0, place), Buffer.from(insert), bytes.subarray(place + remove)])
        }
        let parsed: unknown
        let good = isUtf8(bytes)
        try {
          parsed = JSON.parse(bytes.toString())
        } catch {
          good = false
        }
        let built: Builder | null = null
        const failure = failureOf(() => {
          built = build(bytes, cuts)
        })
        if (!good) {
          refused++
          expect(failure?.kind).toMatch(/^(?:bad-token|truncated)$/)
          expect(failure?.offset).toBeLessThanOrEqual(bytes.length)
        } else {
          expect(failure).toBeNull()
          expect(isDeepStrictEqual((built as Builder | null)?.value, parsed)).toBe(true)
        }
      }),
      settings,
    )
    expect(refused).toBeGreaterThan(500)
  })

  test('the same failure at the same place, whatever the chunks', () => {
    fc.assert(
      fc.property(documents, fc.nat(200), fc.integer({ min: 0, max: 255 }), chunks, (value, at, byte, cuts) => {
        const bytes = text(value, '')
        if (at < bytes.length) bytes[at] = byte
        const whole = failureOf(() => build(bytes, [bytes.length + 1]))
        const cut = failureOf(() => build(bytes, cuts))
        expect([cut?.kind, cut?.offset]).toEqual([whole?.kind, whole?.offset])
      }),
      settings,
    )
  })
})

describe('places', () => {
  test('every value begins where it is said to', () => {
    const written = '{"a": [1, "é", {"b":null}] , "c":-2}'
    const { offsets } = build(Buffer.from(written), [1])
    const bytes = Buffer.from(written)
    expect(offsets.map(offset => String.fromCharCode(bytes[offset] ?? 0))).toEqual(['{', '[', '1', '"', '{', 'n', '-'])
  })

  test.each([
    ['{"a":1,}', 7],
    ['[1 2]', 3],
    ['[nulL]', 4],
    ['["a\u0001"]', 3],
    ['[01]', 1],
    ['["\\x"]', 1],
    ['{1:2}', 1],
    ['[]]', 2],
    ['\ufeff[]', 0],
    ['[+1]', 1],
    ["['a']", 1],
  ])('%j at byte %i', (written, offset) => {
    for (const size of [1, 100]) {
      const failure = failureOf(() => build(Buffer.from(written), [size]))
      expect([failure?.kind, failure?.offset]).toEqual(['bad-token', offset])
    }
  })
})

describe('limits', () => {
  const mebibyte = 1024 ** 2

  test.each([
    ['a text', `["${'x'.repeat(mebibyte + 10)}"]`],
    ['a key', `{"${'x'.repeat(mebibyte + 10)}":1}`],
    ['a number', `[${'1'.repeat(mebibyte + 10)}]`],
    ['a text that never ends', `["${'\\n'.repeat(mebibyte)}`],
  ])('%s of more than a mebibyte', (_, written) => {
    for (const size of [1000, 65_536, 10 * mebibyte]) {
      const failure = failureOf(() => build(Buffer.from(written), [size]))
      expect([failure?.kind, failure?.offset]).toEqual(['too-large', 1])
    }
  })

  test('a text without end takes no more memory than the limit, and no more than linear time', () => {
    const events = new JsonEvents(new Builder())
    const chunk = Buffer.alloc(100, 0x61)
    events.write(Buffer.from('["'))
    let written = 0
    const failure = failureOf(() => {
      for (; written < 100 * mebibyte; written += chunk.length) events.write(chunk)
    })
    expect(failure?.kind).toBe('too-large')
    expect(written).toBeLessThan(3 * mebibyte)
  })

  test('100 deep and no deeper', () => {
    const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))
    expect(failureOf(() => build(nested(100), [7]))).toBeNull()
    const failure = failureOf(() => build(nested(101), [7]))
    expect([failure?.kind, failure?.offset]).toEqual(['too-deep', 100])
  })
})
