/** The forecast of a whole night: its parts, its limit, and that more work never costs less. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readPriceTable } from '../../src/config/prices.ts'
import { allReads, type CostConfig, type Usage } from '../../src/model/cost.ts'
import type { Group } from '../../src/model/plan.ts'
import { addUsage, billOf, nothingUsed } from '../../src/plan/cost.ts'
import type { Rates } from '../../src/plan/forecast.ts'
import {
  beyondLimit,
  forecastNight,
  type NightInput,
  usageOfGroup,
  usageOfOpening,
} from '../../src/plan/nightForecast.ts'
import { content } from '../support/contents.ts'

const prices = readPriceTable()
const costs: CostConfig = {
  prices,
  compute: 'ec2-c7i.2xlarge',
  transfer: 'same-region',
  kms: 'none',
  store: 's3',
}
const rates: Rates = { bytesPerSecond: 1e8, secondsPerContent: 1, engineStartSeconds: 20, basis: 'measured' }
const writesTo = { ledger: true, output: true, leaseSeconds: 120 }
const look: Usage = { list: 5, put: 0, reads: { STANDARD: { requests: 100, bytes: 1e6 } }, seconds: 30 }

/** USD of STANDARD_IA retrieval: a GB is a cent. */
const groupOf = (gigabytes: number, contents = 1) => ({
  contents,
  usage: { ...nothingUsed, reads: { STANDARD_IA: { requests: 0, bytes: gigabytes * 1e9 } } },
})
const input = (change: Partial<NightInput> = {}): NightInput => ({
  look,
  opening: null,
  bytes: nothingUsed,
  rootBytes: 1000,
  groups: [],
  rates,
  writesTo,
  costs: { ...costs, compute: null },
  limitUsd: null,
  ...change,
})

describe('a night', () => {
  test('is the sum of look, bytes, restores and end', () => {
    const bytes = { ...nothingUsed, reads: { STANDARD: { requests: 7, bytes: 7e9 } }, seconds: 70 }
    const opening = usageOfOpening(writesTo)
    const night = forecastNight(input({ bytes, opening, groups: [groupOf(3, 2)] }))
    const { parts, usage, bill } = night
    expect(usage).toEqual(addUsage(parts.look, parts.bytes, parts.restores, parts.end))
    expect(parts.look.put).toBe(opening.put)
    expect(parts.bytes).toEqual(bytes)
    // The engine starts, and index-N is fetched for the mirror.
    expect(parts.restores).toMatchObject({ seconds: 20, reads: { STANDARD: { requests: 1, bytes: 1000 } } })
    expect(bill).toEqual(billOf(usage, input().costs))
    expect(night.basis).toBe('measured')
  })

  test('without a restore starts nothing', () => {
    expect(forecastNight(input()).parts.restores).toEqual(nothingUsed)
  })

  test('that writes only to disk puts nothing', () => {
    const disk = { ledger: false, output: false, leaseSeconds: 120 }
    expect(forecastNight(input({ writesTo: disk, opening: usageOfOpening(disk) })).usage.put).toBe(0)
  })

  test('a group is spread over the storage classes of its index, its metadata over their own', () => {
    const contents = [{ content: content(), kind: 'never' as const, snapshot: 0 }]
    const group = { contents, restoreBytes: 2e8 } as unknown as Group
    const size = { fetchRequests: 100, fetchBytes: 1e9, mirrorBytes: 1e9, largestContentBytes: 0 }
    const mix = new Map([
      ['STANDARD', { requests: 1, bytes: 10 }],
      ['STANDARD_IA', { requests: 3, bytes: 90 }],
    ])
    const metadata = { ...nothingUsed, reads: { GLACIER_IR: { requests: 4, bytes: 40 } } }
    const usage = usageOfGroup(group, size, { rates, writesTo, mix, metadata })
    expect(usage.reads).toEqual({
      STANDARD: { requests: 25, bytes: 1e8 },
      STANDARD_IA: { requests: 75, bytes: 9e8 },
      GLACIER_IR: { requests: 4, bytes: 40 },
    })
    expect(usage).toMatchObject({ put: 2, seconds: 1 + 2 })
    const plain = usageOfGroup(group, size, { rates, writesTo, mix: null, metadata: nothingUsed })
    expect(plain.reads).toEqual({ STANDARD: { requests: 100, bytes: 1e9 } })
  })
})

describe('a limit', () => {
  const config = input().costs
  const decide = (spentGb: number, nextGb: number, limitUsd: number) =>
    beyondLimit({
      spent: groupOf(spentGb).usage,
      next: groupOf(nextGb).usage,
      look: nothingUsed,
      costs: config,
      limitUsd,
    })

  test('lets begin what still fits, to the cent', () => {
    expect(decide(50, 50, 1)).toBeNull()
    expect(decide(50, 50.1, 1)).toBe('limit-reached')
  })
  test('says of what no night can pay that it does not fit', () => {
    expect(decide(0, 101, 1)).toBe('does-not-fit')
    expect(decide(99, 101, 1)).toBe('does-not-fit')
  })
  test('counts the look of every night against what fits', () => {
    const next = groupOf(60).usage
    const dearLook = groupOf(50).usage
    expect(beyondLimit({ spent: dearLook, next, look: dearLook, costs: config, limitUsd: 1 })).toBe('does-not-fit')
  })
  test('is told beforehand: a dear group is left, a cheaper one behind it is not', () => {
    const groups = [groupOf(40, 3), groupOf(90, 5), groupOf(30, 7)]
    expect(forecastNight(input({ groups, limitUsd: 1 })).contentsBeyondLimit).toBe(5)
    expect(forecastNight(input({ groups, limitUsd: null })).contentsBeyondLimit).toBe(0)
    expect(forecastNight(input({ groups, limitUsd: 0.0001 })).contentsBeyondLimit).toBe(15)
  })
})

test('more to do never costs less, in requests, bytes, seconds and money; nothing is below zero', () => {
  const group = fc
    .record({
      contents: fc.integer({ min: 1, max: 100 }),
      requests: fc.nat(1e6),
      bytes: fc.nat(1e13),
      seconds: fc.nat(1e5),
    })
    .map(({ contents, requests, bytes, seconds }) => ({
      contents,
      usage: { list: 0, put: contents, reads: { STANDARD_IA: { requests, bytes } }, seconds },
    }))
  fc.assert(
    fc.property(fc.array(group, { maxLength: 6 }), group, fc.option(fc.nat(100)), (groups, more, limit) => {
      const config = { ...input({ costs, limitUsd: limit === null ? null : limit + 0.01 }) }
      const less = forecastNight({ ...config, groups })
      const all = forecastNight({ ...config, groups: [...groups, more] })
      for (const [a, b] of [
        [less.bill.usd, all.bill.usd],
        [less.usage.put, all.usage.put],
        [less.usage.list, all.usage.list],
        [allReads(less.usage).requests, allReads(all.usage).requests],
        [allReads(less.usage).bytes, allReads(all.usage).bytes],
        [less.usage.seconds, all.usage.seconds],
        [less.contentsBeyondLimit, all.contentsBeyondLimit],
      ] as const) {
        expect(a).toBeGreaterThanOrEqual(0)
        expect(b).toBeGreaterThanOrEqual(a)
      }
    }),
    { seed: 7, numRuns: 300 },
  )
})
