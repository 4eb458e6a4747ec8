import { describe, expect, it } from 'vitest'
import { age, bytes, bytesPerSecond, count, counted, days, minute, seconds } from '../../src/report/format.ts'

describe('numbers as people read them', () => {
  it('counts', () => {
    expect([0, 12, 999, 1000, 1234567].map(count)).toEqual(['0', '12', '999', '1,000', '1,234,567'])
    expect([counted(1, 'snapshot'), counted(2, 'snapshot'), counted(0, 'index', 'indices')]).toEqual([
      '1 snapshot',
      '2 snapshots',
      '0 indices',
    ])
  })

  it('sizes with three figures', () => {
    expect([0, 999, 1000, 171_468, 999_499, 999_500, 1.83e9, 27.6e9, 2.5e18].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1.00 kB',
      '171 kB',
      '999 kB',
      '1.00 MB',
      '1.83 GB',
      '27.6 GB',
      '2.50 EB',
    ])
    expect(bytesPerSecond(26e6)).toBe('26.0 MB/s')
  })

  it('durations and ages', () => {
    expect([0, 9.94, 9.96, 119.4, 120, 7199.4, 7200, 7500].map(seconds)).toEqual([
      '0.0 s',
      '9.9 s',
      '10 s',
      '119 s',
      '2 min 0 s',
      '119 min 59 s',
      '2 h 0 min',
      '2 h 5 min',
    ])
    expect([0.5, 1, 47, 49, 24 * 400].map(age)).toEqual(['30 min', '1 h', '47 h', '2 days', '400 days'])
    expect([1, 2.14, 12.6].map(days)).toEqual(['1 day', '2.1 days', '13 days'])
    expect(minute('2026-11-23T02:08:44.902Z')).toBe('2026-11-23 02:08 UTC')
  })
})
