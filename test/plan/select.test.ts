/** The choice of a run: limits, engines, and nothing that gets lost. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ContentRecord, DebtItem, Plan } from '../../src/model/plan.ts'
import type { Limits } from '../../src/model/policy.ts'
import { byRisk } from '../../src/plan/debt.ts'
import { type SelectInput, selectPlan } from '../../src/plan/select.ts'
import { content, dailySnapshots, dayMs, debtItem, nowMs } from '../support/contents.ts'

const noLimits: Limits = { snapshots: null, restoreBytes: null, durationSeconds: null, costUsd: null }
const nine = { name: 'nine', product: 'elasticsearch', version: '9.5.3' } as const
const eight = { name: 'eight', product: 'elasticsearch', version: '8.19.0' } as const
const seven = { name: 'seven', product: 'elasticsearch', version: '7.17.29' } as const

function select(debt: readonly DebtItem[], change: Partial<SelectInput> = {}): Plan {
  const snapshots = change.snapshots ?? dailySnapshots(10)
  const snapshotVersions = snapshots.map(() => 9_009_000)
  return selectPlan({ debt, snapshots, snapshotVersions, engines: [nine], limits: noLimits, only: null, ...change })
}
function of(id: string, snapshots: readonly number[], change: Partial<ContentRecord> = {}): DebtItem {
  return debtItem(content({ contentId: id, snapshots, ...change }))
}
function restored(plan: Plan): [string, number][] {
  return plan.groups.flatMap(group =>
    group.contents.map(one => [one.content.contentId, one.snapshot] as [string, number]),
  )
}
function leftOf(plan: Plan): [string, string][] {
  return plan.left.map(({ item, reason }) => [item.content.contentId, reason])
}

describe('by snapshot', () => {
  test('all debt of the chosen snapshot is taken', () => {
    const plan = select([of('a', [1, 2]), of('b', [2, 3], { indexId: 'J' }), of('c', [3], { indexId: 'K' })])
    // 2 and 3 hold two each; 3 is newer but does not hold the worst.
    expect(plan.snapshots).toEqual([2, 3])
    expect(restored(plan)).toEqual([
      ['a', 2],
      ['b', 2],
      ['c', 3],
    ])
  })
  test('ties go to the newest', () => {
    expect(select([of('a', [1, 7, 4])]).snapshots).toEqual([7])
  })
  test('nothing is owed', () => {
    expect(select([])).toEqual({ snapshots: [], groups: [], left: [], debt: [], restoreBytes: 0 })
  })
})

describe('groups', () => {
  test('contents of one index together, in the order of the worst', () => {
    const plan = select([of('a', [1]), of('x', [1], { indexId: 'J' }), of('b', [2])])
    expect(plan.groups.map(group => [group.indexId, group.contents.length, group.restoreBytes])).toEqual([
      ['INDEX-LOGS', 2, 2000],
      ['J', 1, 1000],
    ])
  })
  test('another shard count or another engine is another group', () => {
    const plan = select([of('a', [1]), of('b', [2], { shardCount: 2 }), of('c', [3], { createdVersion: 8_536_000 })], {
      engines: [nine, eight],
      snapshotVersions: [0, 9_009_000, 9_009_000, 8_536_000],
    })
    expect(plan.groups.map(group => [group.shardCount, group.engine])).toEqual([
      [1, 'nine'],
      [2, 'nine'],
      [1, 'eight'],
    ])
  })
})

describe('limits', () => {
  test('snapshots', () => {
    const plan = select([of('a', [1]), of('b', [2]), of('c', [3])], { limits: { ...noLimits, snapshots: 2 } })
    expect(restored(plan).map(([id]) => id)).toEqual(['a', 'b'])
    expect(leftOf(plan)).toEqual([['c', 'limit-reached']])
  })
  test('a snapshot from which nothing is restored does not count', () => {
    const plan = select([of('huge', [1], { bytes: 5000 }), of('a', [2])], {
      limits: { ...noLimits, snapshots: 1, restoreBytes: 1000 },
    })
    expect(restored(plan)).toEqual([['a', 2]])
    expect(leftOf(plan)).toEqual([['huge', 'does-not-fit']])
  })
  test('bytes: what does not fit any more is left, what is smaller still goes', () => {
    const plan = select([of('a', [1], { bytes: 600 }), of('b', [2], { bytes: 600 }), of('c', [3], { bytes: 400 })], {
      limits: { ...noLimits, restoreBytes: 1000 },
    })
    expect(restored(plan).map(([id]) => id)).toEqual(['a', 'c'])
    expect(leftOf(plan)).toEqual([['b', 'limit-reached']])
    expect(plan.restoreBytes).toBe(1000)
  })
  test('what is larger than the whole limit says so, whatever other limit is reached', () => {
    const plan = select([of('a', [1]), of('huge', [2], { bytes: 5000 })], {
      limits: { ...noLimits, snapshots: 1, restoreBytes: 2000 },
    })
    expect(leftOf(plan)).toEqual([['huge', 'does-not-fit']])
  })
  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('%s is no limit', value => {
    expect(() => select([], { limits: { ...noLimits, snapshots: value } })).toThrow(
      /limits\.snapshots must be a positive/,
    )
  })
})

describe('engines', () => {
  test('no engine for the version', () => {
    expect(leftOf(select([of('a', [1])], { engines: [eight] }))).toEqual([['a', 'no-engine-for-version']])
    expect(leftOf(select([of('a', [1])], { engines: [] }))).toEqual([['a', 'no-engine-for-version']])
  })
  test('the engine fits the snapshot that is restored from, not another one with the same content', () => {
    // After an upgrade from 7 to 8 the same content lies in snapshots of both.
    const shared = of('a', [0, 1], { createdVersion: 7_172_999 })
    const plan = select([shared], { engines: [seven, eight], snapshotVersions: [7_172_999, 8_536_000] })
    expect(plan.groups).toMatchObject([{ engine: 'eight', contents: [{ snapshot: 1 }] }])
  })
  test('of several snapshots, one that an engine can restore', () => {
    const shared = of('a', [0, 1], { createdVersion: 7_172_999 })
    const plan = select([shared], { engines: [seven], snapshotVersions: [7_172_999, 8_536_000] })
    expect(plan.groups).toMatchObject([{ engine: 'seven', contents: [{ snapshot: 0 }] }])
  })
  test('a snapshot that does not say its version goes by the index', () => {
    expect(select([of('a', [1])], { snapshotVersions: [null, null] }).groups).toMatchObject([{ engine: 'nine' }])
  })
})

test('what cannot be judged here is left with its own reason', () => {
  expect(leftOf(select([of('a', [1], { obstacle: 'count-unknown' })]))).toEqual([['a', 'count-unknown']])
})

describe('only these snapshots', () => {
  test('contents of others are not asked, and those of several come from the named one', () => {
    const plan = select([of('a', [1, 2, 9]), of('b', [9])], { only: new Set([1, 2]) })
    expect(restored(plan)).toEqual([['a', 2]])
    expect(leftOf(plan)).toEqual([['b', 'not-asked']])
  })
})

describe('for any debt', () => {
  const item = fc
    .record({
      contentId: fc.stringMatching(/^[a-z]{3}$/),
      indexId: fc.constantFrom('I', 'J', 'K'),
      shardCount: fc.constantFrom(1, 2),
      bytes: fc.integer({ min: 0, max: 5000 }),
      createdVersion: fc.constantFrom(7_172_999, 8_536_000, 9_009_000, null),
      obstacle: fc.constantFrom(null, null, null, 'count-unknown' as const),
      snapshots: fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 5 }),
    })
    .chain(change =>
      fc.record({ content: fc.constant(content(change)), dueMs: fc.integer({ min: nowMs - 9 * dayMs, max: nowMs }) }),
    )
    .map(({ content: one, dueMs }) => debtItem(one, { dueMs }))
  const debts = fc
    .uniqueArray(item, { maxLength: 15, selector: one => `${one.content.contentId} ${one.content.indexId}` })
    .map(list => list.sort(byRisk))
  const inputs = fc.record({
    debt: debts,
    snapshotVersions: fc.array(fc.constantFrom(7_172_999, 8_536_000, 9_009_000, null), {
      minLength: 10,
      maxLength: 10,
    }),
    engines: fc.subarray([nine, eight, seven]),
    limits: fc.record({
      snapshots: fc.option(fc.integer({ min: 1, max: 4 })),
      restoreBytes: fc.option(fc.integer({ min: 1, max: 9000 })),
      durationSeconds: fc.constant(null),
      costUsd: fc.constant(null),
    }),
    only: fc.option(fc.uniqueArray(fc.nat(9)).map(list => new Set(list))),
  })

  test('every item comes back exactly once, within the limits, from a snapshot that holds it and was asked', () => {
    fc.assert(
      fc.property(inputs, change => {
        const plan = select(change.debt, change)
        const planned = plan.groups.flatMap(group => group.contents)
        const back = [...planned.map(one => one.content), ...plan.left.map(left => left.item.content)]
        expect(back).toHaveLength(change.debt.length)
        expect(new Set(back)).toEqual(new Set(change.debt.map(one => one.content)))
        for (const one of planned) {
          expect(one.content.snapshots).toContain(one.snapshot)
          expect(plan.snapshots).toContain(one.snapshot)
          expect(one.content.obstacle).toBeNull()
          if (change.only !== null) expect(change.only.has(one.snapshot)).toBe(true)
        }
        expect(new Set(plan.snapshots).size).toBe(plan.snapshots.length)
        expect(new Set(planned.map(one => one.snapshot))).toEqual(new Set(plan.snapshots))
        const bytes = planned.reduce((sum, one) => sum + one.content.bytes, 0)
        expect(plan.restoreBytes).toBe(bytes)
        expect(plan.groups.reduce((sum, group) => sum + group.restoreBytes, 0)).toBe(bytes)
        expect(bytes).toBeLessThanOrEqual(change.limits.restoreBytes ?? Number.POSITIVE_INFINITY)
        expect(plan.snapshots.length).toBeLessThanOrEqual(change.limits.snapshots ?? Number.POSITIVE_INFINITY)
      }),
      { seed: 3, numRuns: 500 },
    )
  })

  test('an engine at least as new as both versions, by major', () => {
    const major = { nine: 9, eight: 8, seven: 7 }
    fc.assert(
      fc.property(inputs, change => {
        for (const group of select(change.debt, change).groups) {
          const engine = major[group.engine as keyof typeof major]
          for (const one of group.contents) {
            const version = change.snapshotVersions[one.snapshot] ?? one.content.createdVersion ?? 0
            expect(engine).toBeGreaterThanOrEqual(Math.floor(version / 1_000_000))
          }
        }
      }),
      { seed: 3, numRuns: 500 },
    )
  })

  test('without limits nothing is left for a limit', () => {
    fc.assert(
      fc.property(inputs, change => {
        const reasons = select(change.debt, { ...change, limits: noLimits }).left.map(left => left.reason)
        expect(reasons).not.toContain('limit-reached')
        expect(reasons).not.toContain('does-not-fit')
      }),
      { seed: 3 },
    )
  })

  test('the order of snapshots in a content and of engines does not matter', () => {
    fc.assert(
      fc.property(inputs, change => {
        const turned = {
          ...change,
          debt: change.debt.map(one => ({
            ...one,
            content: { ...one.content, snapshots: [...one.content.snapshots].reverse() },
          })),
          engines: [...change.engines].reverse(),
        }
        const plan = select(change.debt, change)
        expect(restored(select(turned.debt, turned))).toEqual(restored(plan))
        expect(leftOf(select(turned.debt, turned))).toEqual(leftOf(plan))
      }),
      { seed: 3 },
    )
  })
})
