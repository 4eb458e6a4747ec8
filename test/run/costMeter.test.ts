/** A run's money while it runs: what was counted, what is promised, and when nothing more is begun. */
import { describe, expect, test } from 'vitest'
import type { RequestCounts } from '../../src/blobs/port.ts'
import { readPriceTable } from '../../src/config/prices.ts'
import { silentLog } from '../../src/log.ts'
import type { CostConfig } from '../../src/model/cost.ts'
import type { Group, Plan } from '../../src/model/plan.ts'
import { nothingUsed } from '../../src/plan/cost.ts'
import { costGate, costMeter } from '../../src/run/costMeter.ts'
import { fakeClock } from '../support/fakes.ts'

/** A GB of STANDARD_IA is a cent; an hour of the machine 1.20 USD in whole minutes. */
const costs: CostConfig = { prices: readPriceTable(), compute: null, transfer: 'same-region', kms: 'none', store: 's3' }
const disk = {
  ledger: { store: null, file: '', leaseSeconds: 60 },
  output: { folder: '', store: null, keepEvidenceDays: null },
}

function openMeter(limitUsd: number | null, change: Partial<CostConfig> = {}) {
  const counts: RequestCounts = { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0, reads: {} }
  const clock = fakeClock()
  const config = { ...disk, costs: { ...costs, ...change } }
  const read = (gigabytes: number) => {
    counts.bytesRead += gigabytes * 1e9
    const before = counts.reads?.STANDARD_IA?.bytes ?? 0
    counts.reads = { STANDARD_IA: { requests: 0, bytes: before + gigabytes * 1e9 } }
  }
  return { counts, clock, config, read, meter: costMeter({ counts, clock, config, limitUsd }) }
}

const file = (gigabytes: number) => ({ bytes: gigabytes * 1e9, requests: 0, storageClass: 'STANDARD_IA' })

describe('the meter', () => {
  test('counts from where the run began', () => {
    const { meter, counts, clock } = openMeter(null)
    counts.list = 4
    clock.advance(5000)
    expect(meter.used()).toMatchObject({ list: 4, seconds: 5 })
    expect(meter.isOver()).toBe(false)
  })

  test('is over when what was used and the end of the night reach the limit', () => {
    const { meter, read } = openMeter(1)
    read(99)
    expect(meter.isOver()).toBe(false)
    read(1)
    expect(meter.isOver()).toBe(true)
  })

  test('the time of the machine counts too', () => {
    const { meter, clock } = openMeter(0.1, { compute: 'codebuild-large' })
    clock.advance(200_000)
    expect(meter.isOver()).toBe(false)
    clock.advance(100_000)
    expect(meter.isOver()).toBe(true)
  })

  test('bytes that are only compared get half of it, those in flight included', () => {
    const { meter, read } = openMeter(1)
    expect(meter.affords(file(30))).toBe(true)
    // Nothing of the first has arrived, and it is spent all the same.
    expect(meter.affords(file(30))).toBe(false)
    expect(meter.affords(file(15))).toBe(true)
    read(45)
    expect(meter.affords(file(10))).toBe(false)
    expect(meter.afforded()).toEqual({ STANDARD_IA: { requests: 0, bytes: 45e9 } })
  })

  test('what was read beside them counts too', () => {
    const { meter, read } = openMeter(1)
    expect(meter.affords(file(1))).toBe(true)
    read(48)
    expect(meter.affords(file(3))).toBe(false)
    expect(meter.affords(file(1))).toBe(true)
  })

  test('without a limit everything is afforded, and counted', () => {
    const { meter } = openMeter(null)
    expect(meter.affords(file(1e6))).toBe(true)
    expect(meter.afforded()).toEqual({ STANDARD_IA: { requests: 0, bytes: 1e15 } })
  })
})

describe('the gate', () => {
  const group = (indexName: string) => ({ indexName }) as unknown as Group
  const groups = [group('a'), group('b')] as const
  const plan = { groups } as unknown as Plan
  const reads = (gigabytes: number, seconds = 0) => ({
    ...nothingUsed,
    seconds,
    reads: { STANDARD_IA: { requests: 0, bytes: gigabytes * 1e9 } },
  })

  function openGate(limitUsd: number | null, usages: readonly [number, number], change: Partial<CostConfig> = {}) {
    const opened = openMeter(limitUsd, change)
    const said: unknown[] = []
    const log = { ...silentLog, warn: (text: string, facts: unknown) => said.push([text, facts]) }
    const usage = { look: nothingUsed, groups: [reads(usages[0], 600), reads(usages[1])] }
    const mayBegin = costGate({ meter: opened.meter, config: opened.config, limitUsd, plan, usage, log })
    return { ...opened, mayBegin, said }
  }

  test('decides by what was measured, not by what was forecast', () => {
    const { mayBegin, read } = openGate(1, [60, 60])
    expect(mayBegin(groups[0], [])).toBeNull()
    // The first took less than it was to.
    read(30)
    expect(mayBegin(groups[1], [])).toBeNull()
    read(11)
    expect(mayBegin(groups[1], [])).toBe('limit-reached')
  })

  test('counts the time that the group beside it will still take', () => {
    const { mayBegin } = openGate(0.15, [1, 1], { compute: 'codebuild-large' })
    expect(mayBegin(groups[1], [])).toBeNull()
    expect(mayBegin(groups[1], groups.slice(0, 1))).toBe('limit-reached')
  })

  test('says why, once the group beside it is done', () => {
    const { mayBegin, said } = openGate(0.5, [1, 60])
    expect(mayBegin(groups[1], groups.slice(0, 1))).toBe('does-not-fit')
    expect(said).toEqual([])
    expect(mayBegin(groups[1], [])).toBe('does-not-fit')
    expect(said).toEqual([
      ['b is left for its cost', { limitUsd: 0.5, usedUsd: 0, forecastUsd: 0.6, reason: 'does-not-fit' }],
    ])
  })

  test('is open without a limit', () => {
    expect(openGate(null, [1e9, 1e9]).mayBegin(groups[0], [])).toBeNull()
  })
})
