/** How long a restore takes, from those that were whole. */
import { describe, expect, it, test } from 'vitest'
import { type RestoreTimeInput, restoreTimeOf } from '../../src/plan/restoreTime.ts'

type Row = RestoreTimeInput['restores'][number]
const row = (change: Partial<Row> = {}): Row => ({
  verdict: 'pass',
  engine: 'elasticsearch 9.5.3',
  bytes: 100_000_000,
  seconds: { mirror: 2, restore: 4, questions: 1 },
  ...change,
})
const newest = { name: 'night-9', indices: 10, bytes: 1_000_000_000 }
const five = [1, 2, 4, 8, 10].map(restore => row({ seconds: { mirror: 2, restore, questions: 1 } }))

it('carries the target that the policy names', () => {
  expect(restoreTimeOf({ restores: five, newest, parallel: 2, targetSeconds: 60 })).toMatchObject({ targetSeconds: 60 })
})

test('phases of all samples, and the newest snapshot by their pace', () => {
  const time = restoreTimeOf({ restores: five, newest, parallel: 2, targetSeconds: null })
  expect(time).toMatchObject({
    samples: 5,
    bytes: 500_000_000,
    phases: {
      fetch: { seconds: 10, bytesPerSecond: 50_000_000 },
      restore: { seconds: 25, bytesPerSecond: 20_000_000 },
      questions: { seconds: 5, bytesPerSecond: null },
    },
    // 50 s one after the other.
    projection: { snapshot: 'night-9', seconds: 25, fastest: 5, slowest: 50, parallel: 2 },
  })
  expect(time?.projection?.assumptions.join(' ')).toMatch(/2 indices at once/)
})

describe('is no sample', () => {
  it.each([
    ['a chained restore', { method: 'chained' as const }],
    ['one that failed', { verdict: 'fail' }],
    ['one that is open', { verdict: 'inconclusive' }],
    ['an empty index', { bytes: 0 }],
  ])('%s', (_, change) => {
    expect(restoreTimeOf({ restores: [row(change)], newest, parallel: 2, targetSeconds: null })).toBeNull()
    expect(restoreTimeOf({ restores: [...five, row(change)], newest, parallel: 2, targetSeconds: null })?.samples).toBe(
      5,
    )
  })
})

it('gives no range from few samples, and says so', () => {
  const projection = restoreTimeOf({ restores: [row()], newest, parallel: 2, targetSeconds: null })?.projection
  expect(projection).toMatchObject({ seconds: 20, fastest: null, slowest: null })
  expect(projection?.assumptions.join(' ')).toMatch(/Only 1 of the restores/)
})
it('never counts more at once than there are indices', () => {
  expect(
    restoreTimeOf({ restores: [row()], newest: { ...newest, indices: 1 }, parallel: 8, targetSeconds: null })
      ?.projection?.seconds,
  ).toBe(40)
})
it('has no fetch where the server read the store', () => {
  expect(
    restoreTimeOf({ restores: [row({ source: 's3' })], newest, parallel: 1, targetSeconds: null })?.phases.fetch,
  ).toBeNull()
})
it('projects nothing where no snapshot is complete', () => {
  expect(restoreTimeOf({ restores: five, newest: null, parallel: 2, targetSeconds: null })?.projection).toBeNull()
})
