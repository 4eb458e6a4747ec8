/** What a plan will cost. */
import { describe, expect, test } from 'vitest'
import type { Plan } from '../../src/model/plan.ts'
import { assumedRates, forecast, measuredRates } from '../../src/plan/forecast.ts'
import { content } from '../support/contents.ts'

function planOf(...groups: readonly (readonly number[])[]): Plan {
  const made = groups.map(sizes => ({
    indexName: 'logs',
    indexId: 'I',
    shardCount: 1,
    engine: 'nine',
    contents: sizes.map(bytes => ({ content: content({ bytes }), kind: 'never' as const, snapshot: 0 })),
    restoreBytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
  }))
  const restoreBytes = made.reduce((sum, group) => sum + group.restoreBytes, 0)
  return { snapshots: groups.length === 0 ? [] : [0], groups: made, left: [], debt: [], restoreBytes }
}
const size = (fetchBytes: number, largestContentBytes: number) => ({
  fetchBytes,
  fetchRequests: 3,
  mirrorBytes: fetchBytes,
  largestContentBytes,
})

test('nothing costs nothing, not even the start of an engine', () => {
  expect(forecast(planOf(), [], assumedRates)).toMatchObject({
    contents: 0,
    seconds: 0,
    diskBytes: 0,
    basis: 'assumed',
  })
})

test('sums, and the disk of the worst group with the next one fetched beside it', () => {
  const made = forecast(planOf([100, 50], [70]), [size(120, 100), size(60, 70)], {
    bytesPerSecond: 10,
    secondsPerContent: 2,
    engineStartSeconds: 5,
    basis: 'measured',
  })
  expect(made).toEqual({
    snapshots: 1,
    contents: 3,
    groups: 2,
    restoreBytes: 220,
    fetchBytes: 180,
    fetchRequests: 6,
    diskBytes: 120 + 100 + 60,
    seconds: 5 + 3 * 2 + 22,
    basis: 'measured',
  })
})

describe('rates', () => {
  const passes = (count: number, bytes: number, seconds: number) =>
    Array.from({ length: count }, () => ({ bytes, seconds }))

  test('too few restores say nothing', () => {
    expect(measuredRates(passes(4, 1e9, 1))).toBe(assumedRates)
  })
  test.each([
    ['large', passes(10, 1e9, 10)],
    ['empty', passes(10, 0, 0)],
    ['no time at all', passes(10, 1e9, 0)],
  ])('%s: always a positive, finite rate', (_, list) => {
    const rates = measuredRates(list)
    expect(rates.basis).toBe('measured')
    expect(rates.bytesPerSecond).toBeGreaterThan(0)
    expect(Number.isFinite(rates.bytesPerSecond)).toBe(true)
    expect(rates.secondsPerContent).toBeGreaterThanOrEqual(0)
  })
})
