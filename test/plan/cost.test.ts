/** Quantities × prices: every line by hand, and what must hold of every bill. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readPriceTable } from '../../src/config/prices.ts'
import { allReads, billedClass, type CostConfig, kmsUses, transferRoutes, type Usage } from '../../src/model/cost.ts'
import { addUsage, billOf, computeHour, nothingUsed, usageOf, usageSince } from '../../src/plan/cost.ts'

const prices = readPriceTable()
const costs: CostConfig = {
  prices,
  compute: 'codebuild-large',
  transfer: 'same-region',
  kms: 'bucket-key',
  store: 's3',
}
const night: Usage = {
  list: 10_000,
  put: 200,
  reads: { STANDARD: { requests: 50_000, bytes: 1e9 }, STANDARD_IA: { requests: 1_000_000, bytes: 500e9 } },
  seconds: 3601,
}

describe('a bill', () => {
  test('names each quantity, its price, and the product', () => {
    const { lines, usd, unknown } = billOf(night, costs)
    const amounts = Object.fromEntries(lines.map(line => [line.line, Number(line.amount?.toFixed(6))]))
    expect(amounts).toEqual({
      list: 0.05, // 10 × 0.005
      put: 0.001, // 0.2 × 0.005
      'read STANDARD': 0.02, // 50 × 0.0004
      'read STANDARD_IA': 1, // 1000 × 0.001
      'retrieval STANDARD_IA': 5, // 500 × 0.01
      kms: 0.031506, // (1,050,200 / 100) / 10,000 × 0.03
      transfer: 0,
      compute: 1.22, // 61 minutes are begun, each 0.02
    })
    expect(usd).toBeCloseTo(7.322506, 6)
    expect(unknown).toEqual([])
    for (const { quantity, per, usd: price, amount } of lines) expect(amount).toBe((quantity / per) * (price ?? NaN))
  })

  test('asks KMS for every object, or never', () => {
    const asked = (kms: CostConfig['kms']) =>
      billOf(night, { ...costs, kms }).lines.find(line => line.line === 'kms')?.quantity
    expect(asked('every-object')).toBe(1_050_200)
    expect(asked('none')).toBeUndefined()
  })

  test.each([
    ['nat', 501 * 0.045],
    ['other-region', 501 * 0.02],
    ['internet', 501 * 0.09],
  ] as const)('counts the bytes on their way: %s', (transfer, amount) => {
    const line = billOf(night, { ...costs, transfer }).lines.find(one => one.line === 'transfer')
    expect(line?.amount).toBeCloseTo(amount, 6)
  })

  test('says what it does not know, and leaves it out of the sum', () => {
    const strange = { ...night, reads: { OTHER: { requests: 1000, bytes: 1e9 } } }
    const { unknown, lines } = billOf(strange, { ...costs, compute: null })
    expect(unknown).toEqual(['read OTHER', 'retrieval OTHER', 'compute'])
    expect(lines.find(line => line.line === 'compute')).toMatchObject({ usd: null, amount: null })
  })

  test('of a folder is that of the machine alone', () => {
    expect(billOf(night, { ...costs, store: 'file' }).lines.map(line => line.line)).toEqual(['compute'])
  })

  test('an hour of a machine is the sum of its parts', () => {
    expect(computeHour({ prices, compute: 'codebuild-large' })).toBeCloseTo(1.2, 9)
    expect(computeHour({ prices, compute: 'fargate-4vcpu-16gb' })).toBeCloseTo(
      4 * 0.04048 + 16 * 0.004445 + 180 * 0.000111 + 0.005,
      9,
    )
    expect(computeHour({ prices, compute: null })).toBeNull()
  })
})

describe('usage', () => {
  const counts = { list: 3, get: 10, head: 5, put: 2, bytesRead: 1000 }

  test('what no class was counted of is STANDARD', () => {
    expect(usageOf({ ...counts, reads: { GLACIER_IR: { requests: 4, bytes: 900 } } }, 7)).toEqual({
      list: 3,
      put: 2,
      reads: { STANDARD: { requests: 11, bytes: 100 }, GLACIER_IR: { requests: 4, bytes: 900 } },
      seconds: 7,
    })
    expect(usageOf({ ...counts, get: 0, head: 0, bytesRead: 0 }, 0).reads).toEqual({})
  })

  test('what was used since, and the sum again', () => {
    const before = usageOf(counts, 1)
    const now = usageOf({ ...counts, list: 5, get: 20, reads: { STANDARD_IA: { requests: 3, bytes: 30 } } }, 9)
    expect(addUsage(before, usageSince(before, now))).toMatchObject({ list: 5, put: 2, seconds: 9 })
    expect(usageSince(now, now)).toEqual(nothingUsed)
    expect(usageSince(now, before)).toMatchObject({ list: 0, put: 0, seconds: 0 })
  })

  test('names that are no class are one class', () => {
    expect(['STANDARD_IA', '__proto__', 'constructor', '', 'x'.repeat(99)].map(billedClass)).toEqual([
      'STANDARD_IA',
      'OTHER',
      'OTHER',
      'OTHER',
      'OTHER',
    ])
    expect(billedClass(undefined)).toBe('STANDARD')
  })
})

const read = fc.record({ requests: fc.nat(1e9), bytes: fc.nat(1e15) })
const usage: fc.Arbitrary<Usage> = fc.record({
  list: fc.nat(1e6),
  put: fc.nat(1e6),
  reads: fc.dictionary(fc.constantFrom(...Object.keys(prices.storageClasses), 'OTHER'), read),
  seconds: fc.nat(1e6),
})
const anyCosts: fc.Arbitrary<CostConfig> = fc.record({
  prices: fc.constant(prices),
  compute: fc.constantFrom(null, ...Object.keys(prices.compute)),
  transfer: fc.constantFrom(...transferRoutes),
  kms: fc.constantFrom(...kmsUses),
  store: fc.constantFrom('s3', 'file'),
})

describe('always', () => {
  test('a bill is finite, not below zero, and the sum of its lines', () => {
    fc.assert(
      fc.property(usage, anyCosts, (used, config) => {
        const { lines, usd } = billOf(used, config)
        for (const line of lines) {
          expect(line.quantity).toBeGreaterThanOrEqual(0)
          if (line.amount !== null) expect(line.amount).toBeGreaterThanOrEqual(0)
        }
        expect(Number.isFinite(usd)).toBe(true)
        expect(usd).toBeCloseTo(
          lines.reduce((sum, line) => sum + (line.amount ?? 0), 0),
          6,
        )
      }),
      { seed: 5, numRuns: 300 },
    )
  })

  test('more work never costs less, and reads add up', () => {
    fc.assert(
      fc.property(usage, usage, anyCosts, (a, b, config) => {
        const both = addUsage(a, b)
        expect(billOf(both, config).usd).toBeGreaterThanOrEqual(billOf(a, config).usd)
        expect(allReads(both).requests).toBe(allReads(a).requests + allReads(b).requests)
      }),
      { seed: 6, numRuns: 300 },
    )
  })
})
