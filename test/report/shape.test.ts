import { describe, expect, it } from 'vitest'
import {
  amount,
  arrayOf,
  bool,
  type Check,
  object,
  oneOf,
  orAbsent,
  orNull,
  ShapeError,
  string,
  time,
  whole,
} from '../../src/report/shape.ts'

const accepts = (check: Check, value: unknown) => {
  try {
    check(value, 'x')
    return true
  } catch (error) {
    if (error instanceof ShapeError) return false
    throw error
  }
}

describe('shapes', () => {
  it.each([
    ['string', string, ['', 'a'], [1, null, undefined, []]],
    ['bool', bool, [true, false], [0, 'true', null]],
    ['amount', amount, [0, 1.5], [-1, Number.NaN, Number.POSITIVE_INFINITY, '1', null]],
    ['whole', whole, [-1, 0, 7], [1.5, 2 ** 60, '1', null]],
    [
      'time',
      time,
      ['2026-11-23T02:00:00Z', '2026-11-23T02:00:00.123Z'],
      ['2026-11-23', '2026-13-01T00:00:00Z', 'now', 0, null],
    ],
    ['oneOf', oneOf('a', 1), ['a', 1], ['b', '1', null]],
    ['orNull', orNull(string), [null, 'a'], [undefined, 1]],
    ['orAbsent', orAbsent(string), [undefined, 'a'], [null, 1]],
    ['arrayOf', arrayOf(string), [[], ['a']], [['a', 1], {}, 'a', null]],
    ['object', object({ a: string }), [{ a: '' }, { a: '', b: 1 }], [{}, { a: 1 }, [], null, 'a']],
  ] as readonly [string, Check, readonly unknown[], readonly unknown[]][])('%s', (_, check, good, bad) => {
    for (const value of good) expect([value, accepts(check, value)]).toEqual([value, true])
    for (const value of bad) expect([value, accepts(check, value)]).toEqual([value, false])
  })

  it('says where, what was expected and what it got, and keeps a long value short', () => {
    const check = object({ rows: arrayOf(object({ n: amount })) })
    expect(() => check({ rows: [{ n: 1 }, { n: 'z'.repeat(500) }] }, '')).toThrow(
      /^rows\[1\]\.n must be a number of at least 0, got "z{58}…$/,
    )
  })

  it('does not take an inherited member for one of the document', () => {
    expect(accepts(object({ toString: string }), {})).toBe(false)
    expect(accepts(object({ constructor: orAbsent(string) }), {})).toBe(true)
  })
})
