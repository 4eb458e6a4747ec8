import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseBytes, parseDate, parseDuration } from '../../src/config/units.ts'

const seeded = { seed: 20260101 }

describe('parseBytes', () => {
  test.each([
    ['500GiB', 500 * 2 ** 30],
    ['20 MB', 20_000_000],
    ['20mb', 20_000_000],
    ['1.5 KiB', 1536],
    ['0.3 B', 0],
    ['1024', 1024],
    [1024, 1024],
    [0, 0],
  ])('%j is %d bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes)
  })

  test.each([
    '',
    ' ',
    '5 GiBB',
    '-1',
    '1e3',
    '1.5',
    'GiB',
    '5 toString',
    '9007199254740993',
    '9 PB PB',
    1.5,
    -1,
    Number.NaN,
  ])('%j is refused', text => {
    expect(parseBytes(text)).toBeNull()
  })

  test('never yields anything but a safe whole number', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double(), fc.stringMatching(/^\d{1,20}(\.\d)? ?[KMGTP]?i?B?$/)), text => {
        const bytes = parseBytes(text)
        expect(bytes === null || (Number.isSafeInteger(bytes) && bytes >= 0)).toBe(true)
      }),
      seeded,
    )
  })
})

describe('parseDuration', () => {
  test.each([
    ['4h', 14_400],
    ['90m', 5_400],
    ['7d', 604_800],
    ['2w', 1_209_600],
    ['1h30m', 5_400],
    ['1h 30m 5s', 5_405],
    ['0.5d', 43_200],
    ['120', 120],
    [90, 90],
  ])('%j is %d seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds)
  })

  test.each(['', 'h', '4 hours', '30m1h', '1h1h', '-4h', '1.5', '4H!', -1, Number.NaN, Number.POSITIVE_INFINITY])(
    '%j is refused',
    text => {
      expect(parseDuration(text)).toBeNull()
    },
  )

  test('a sum of descending units is the sum of its parts', () => {
    fc.assert(
      fc.property(fc.nat(999), fc.nat(999), fc.nat(999), (d, h, s) => {
        expect(parseDuration(`${d}d${h}h ${s}s`)).toBe(d * 86_400 + h * 3_600 + s)
      }),
      seeded,
    )
  })
})

describe('parseDate', () => {
  test('a date is its first instant, a last day ends with the next one', () => {
    expect(parseDate('2026-03-31')).toBe(Date.UTC(2026, 2, 31))
    expect(parseDate('2026-03-31', { endOfDay: true })).toBe(Date.UTC(2026, 3, 1))
    expect(parseDate('2026-03-31T12:00:00Z', { endOfDay: true })).toBe(Date.UTC(2026, 2, 31, 12))
    expect(parseDate('2024-02-29')).toBe(Date.UTC(2024, 1, 29))
  })

  test.each([
    '2026-02-30',
    '2026-02-30T00:00:00Z',
    '2026-13-01',
    '31.03.2026',
    '2026-03-31T12:00',
    '2026-03-31T25:00:00Z',
    '',
    '2026',
  ])('%j is refused', text => {
    expect(parseDate(text)).toBeNull()
  })
})
