import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Share, type SharedGroup, shareGroups, weightOf } from '../../src/plan/children.ts'

const aGroup: fc.Arbitrary<SharedGroup> = fc
  .record({
    contents: fc.array(fc.record({ bytes: fc.oneof(fc.nat(100), fc.nat(1_000_000)), order: fc.nat(50) }), {
      minLength: 1,
      maxLength: 30,
    }),
    shared: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ contents, shared }) => ({
    contents,
    fetchBytes: Math.floor(contents.reduce((sum, { bytes }) => sum + bytes, 0) * shared),
  }))
const plans = fc.array(aGroup, { maxLength: 12 })
const machines = fc.integer({ min: 1, max: 40 })
const seed = { seed: 20261123 }

const wholeWeight = (group: SharedGroup) => weightOf(group, [...group.contents.keys()])
const total = (groups: readonly SharedGroup[]) => groups.reduce((sum, group) => sum + wholeWeight(group), 0)
const load = (groups: readonly SharedGroup[], shares: readonly Share[]) =>
  shares.reduce((sum, { group, contents }) => sum + weightOf(groups[group] as SharedGroup, contents), 0)

describe('sharing a plan', () => {
  test('gives every content to exactly one machine, and no machine nothing', () => {
    fc.assert(
      fc.property(plans, machines, (groups, count) => {
        const children = shareGroups(groups, count)
        expect(children.length).toBeLessThanOrEqual(count)
        const given = children.flatMap(shares =>
          shares.flatMap(({ group, contents }) => contents.map(position => `${group} ${position}`)),
        )
        const planned = groups.flatMap((group, i) => [...group.contents.keys()].map(position => `${i} ${position}`))
        expect(given.sort()).toEqual(planned.sort())
        for (const shares of children) {
          expect(shares.length).toBeGreaterThan(0)
          // One mirror for each group, in the order of the plan.
          expect(shares.map(({ group }) => group)).toEqual(
            [...new Set(shares.map(({ group }) => group))].sort((a, b) => a - b),
          )
          for (const { contents } of shares) expect(contents).toEqual([...contents].sort((a, b) => a - b))
        }
      }),
      seed,
    )
  })

  test('leaves every group whole that weighs a fair share or less', () => {
    fc.assert(
      fc.property(plans, machines, (groups, count) => {
        const fair = total(groups) / count
        const holders = new Map<number, number>()
        for (const shares of shareGroups(groups, count))
          for (const { group } of shares) holders.set(group, (holders.get(group) ?? 0) + 1)
        for (const [group, held] of holders) if (wholeWeight(groups[group] as SharedGroup) <= fair) expect(held).toBe(1)
      }),
      seed,
    )
  })

  test('keeps its bound: a share of all parts and the heaviest part, where cutting at most doubles what is restored', () => {
    fc.assert(
      fc.property(plans, machines, (groups, count) => {
        const fair = total(groups) / count
        const contents = groups.flatMap(group =>
          [...group.contents.keys()].map(position => weightOf(group, [position])),
        )
        const heaviest = Math.max(fair, ...contents)
        const loads = shareGroups(groups, count).map(shares => load(groups, shares))
        expect(Math.max(0, ...loads)).toBeLessThanOrEqual(2 * fair + heaviest + 1e-6)
        if (groups.every(group => wholeWeight(group) <= fair))
          expect(Math.max(0, ...loads)).toBeLessThanOrEqual(2 * fair + 1e-6)
      }),
      seed,
    )
  })

  test('gives the same answer to the same question', () => {
    fc.assert(
      fc.property(plans, machines, (groups, count) => {
        expect(shareGroups(structuredClone(groups), count)).toEqual(shareGroups(groups, count))
      }),
      seed,
    )
  })

  test('cuts what is larger than a fair share along the age of its snapshots', () => {
    const contents = [3, 0, 2, 1].map(order => ({ bytes: 100, order }))
    expect(shareGroups([{ contents, fetchBytes: 100 }], 2)).toEqual([
      [{ group: 0, contents: [0, 2] }],
      [{ group: 0, contents: [1, 3] }],
    ])
  })

  test('spreads contents without a byte too', () => {
    const empty = { contents: [{ bytes: 0, order: 0 }], fetchBytes: 0 }
    expect(shareGroups([empty, empty, empty], 2).map(shares => shares.length)).toEqual([2, 1])
  })

  test('needs no machine for nothing, and refuses no machine', () => {
    expect(shareGroups([], 4)).toEqual([])
    for (const count of [0, -1, 1.5, Number.NaN]) expect(() => shareGroups([], count)).toThrow(/whole number above 0/)
  })
})
