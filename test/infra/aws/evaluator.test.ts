/** The evaluator against the tables that AWS publishes; see evaluator.ts for the page. */
import { describe, expect, it, test } from 'vitest'
import { type AlarmDefinition, judge, type Missing, type Point, replay, type State } from './evaluator.ts'

/** Columns: MISSING, IGNORE, BREACHING, NOT BREACHING. `keep`: retain current state. */
const columns: readonly Missing[] = ['missing', 'ignore', 'breaching', 'notBreaching']
const none = 'INSUFFICIENT_DATA'

const threeOfThree: readonly (readonly [string, ...(State | 'keep')[]])[] = [
  ['0 - X - X', 'OK', 'OK', 'OK', 'OK'],
  ['0 - - - -', 'OK', 'OK', 'OK', 'OK'],
  ['- - - - -', none, 'keep', 'ALARM', 'OK'],
  ['0 X X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  ['- - - - X', none, 'keep', 'ALARM', 'OK'],
]
const twoOfThree: readonly (readonly [string, ...(State | 'keep')[]])[] = [
  ['0 - X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  ['0 0 X 0 X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  ['0 - X - -', 'OK', 'OK', 'ALARM', 'OK'],
  ['- - - - 0', 'OK', 'OK', 'ALARM', 'OK'],
  ['- - - - X', none, 'keep', 'ALARM', 'OK'],
]

describe.each([
  ['3 out of 3', 3, threeOfThree],
  ['2 out of 3', 2, twoOfThree],
] as const)('the published table for %s', (_, toAlarm, table) => {
  const cases = table.flatMap(([points, ...states]) =>
    states.map((state, i) => [points, columns[i] ?? 'missing', state] as const),
  )
  test.each(cases)('%s, %s → %s', (points, missing, expected) => {
    for (const current of ['OK', 'ALARM', 'INSUFFICIENT_DATA'] as const) {
      const state = judge(points.split(' ') as Point[], 3, toAlarm, missing, current)
      expect(state).toBe(expected === 'keep' ? current : expected)
    }
  })
})

describe('replay', () => {
  const alarm: AlarmDefinition = {
    id: 'a',
    level: 'page',
    metric: 'm',
    statistic: 'Maximum',
    comparison: 'GreaterThanThreshold',
    threshold: 1,
    periodMs: 600_000,
    periods: 1,
    toAlarm: 1,
    missing: 'notBreaching',
    fillZero: false,
    calendarWeeks: false,
    warmUpMs: 0,
  }
  const unknowns = { extraPeriods: 2, fillsEmpty: true, weekStartsOn: 'Monday' } as const
  const data = [{ metric: 'm', atMs: 1_200_000, value: 2 }]

  it('lets an old datum answer for the missing ones until it is out of sight, and composites follow', () => {
    expect(replay([alarm], data, 0, 6_000_000, unknowns)).toEqual([
      { atMs: 0, id: 'a', state: 'OK' },
      { atMs: 0, id: 'page', state: 'OK' },
      { atMs: 0, id: 'ticket', state: 'OK' },
      { atMs: 1_200_000, id: 'a', state: 'ALARM' },
      { atMs: 1_200_000, id: 'page', state: 'ALARM' },
      { atMs: 3_000_000, id: 'a', state: 'OK' },
      { atMs: 3_000_000, id: 'page', state: 'OK' },
    ])
  })

  it('looks at nothing during the warm-up', () => {
    const changes = replay([{ ...alarm, warmUpMs: 2_400_000 }], data, 0, 2_400_000, unknowns)
    expect(changes.filter(({ id }) => id === 'a')).toEqual([{ atMs: 2_400_000, id: 'a', state: 'ALARM' }])
  })

  it('judges complete calendar weeks only', () => {
    const week = 7 * 86_400_000
    const monday = Date.UTC(2026, 10, 23)
    const weekly = {
      ...alarm,
      statistic: 'Sum',
      comparison: 'LessThanThreshold',
      missing: 'breaching',
      calendarWeeks: true,
      periodMs: week,
    } as const
    const beats = [{ metric: 'm', atMs: monday + 3_600_000, value: 1 }]
    const changes = replay(
      [weekly],
      beats,
      monday - week,
      monday + 2 * week,
      { ...unknowns, extraPeriods: 0 },
      3_600_000,
    )
    expect(changes.filter(({ id }) => id === 'a')).toEqual([
      { atMs: monday - week, id: 'a', state: 'ALARM' },
      { atMs: monday + week, id: 'a', state: 'OK' },
      { atMs: monday + 2 * week, id: 'a', state: 'ALARM' },
    ])
  })
})
