/**
 * Nights replayed against the alarms of the synthesized templates: what alarms, when, and what keeps still. Each timeline holds for
 * every way in which CloudWatch may look back (`Unknowns`).
 */
import { describe, expect, it, test } from 'vitest'
import { alarmDefinitions } from './alarm-definitions.ts'
import { type AlarmDefinition, type Change, type Datum, replay, type Unknowns } from './evaluator.ts'
import { plainTemplate, synth } from './templates.ts'

const hour = 3_600_000
const day = 24 * hour
/** Monday noon: the stack is deployed, its first run is due 13 h later. */
const deployed = Date.UTC(2026, 10, 23, 12)
const firstStart = deployed + 13 * hour

const nightly = alarmDefinitions(synth({ restoreTargetBytesPerSecond: 50_000_000 }))
const weekly = alarmDefinitions(plainTemplate('codebuild-weekly'))

const ways: readonly Unknowns[] = [0, 1, 2, 5].flatMap(extraPeriods =>
  [true, false].flatMap(fillsEmpty =>
    (['Sunday', 'Monday'] as const).map(weekStartsOn => ({ extraPeriods, fillsEmpty, weekStartsOn })),
  ),
)
/** Weeks do not matter where periods slide. */
const slidingWays = ways.filter(({ weekStartsOn }) => weekStartsOn === 'Monday')

const good: Readonly<Record<string, number>> = {
  ErrorFindings: 0,
  FailedSnapshots: 0,
  AuditorBlind: 0,
  DebtOverdue: 0,
  NewestSnapshotAgeHours: 2,
  RestoreBytesPerSecond: 200_000_000,
  Heartbeat: 1,
}

/** What a run puts at its end; `null`: no run, or none whose metrics arrived. */
function night(startMs: number, hoursLater: number, values: Readonly<Record<string, number>> | null): Datum[] {
  const atMs = startMs + hoursLater * hour
  return Object.entries(values ?? {}).map(([metric, value]) => ({ metric, atMs, value }))
}

/** A run each `every`, `what(i)` decides on it. */
function nights(
  count: number,
  every: number,
  what: (i: number) => {
    readonly hours?: number
    readonly values?: Readonly<Record<string, number>> | null
  } = () => ({}),
): Datum[] {
  return Array.from({ length: count }, (_, i) => {
    const { hours = 2, values = good } = what(i)
    return night(firstStart + i * every, hours, values)
  }).flat()
}

const of = (changes: readonly Change[], id: string) => changes.filter(change => change.id === id)
const alarmsOf = (changes: readonly Change[]) => changes.filter(({ state }) => state === 'ALARM').map(({ id }) => id)
const replayNights = (data: readonly Datum[], days: number, way: Unknowns, alarms = nightly) =>
  replay(alarms, data, deployed, deployed + days * day, way)

describe.each(slidingWays)('a nightly audit ($extraPeriods periods more, FILL of nothing: $fillsEmpty)', way => {
  it('is quiet for a fortnight whose runs take from minutes to the whole of their time, moved by the flexible window', () => {
    const data = nights(14, day, i => ({ hours: [0.1, 6, 0.2, 8.9, 0.1, 3, 6.2][i % 7] ?? 1 }))
    expect(alarmsOf(replayNights(data, 14, way))).toEqual([])
  })

  it('pages for a missed night before the next one, and heals with the next heartbeat', () => {
    const data = nights(8, day, i => ({ values: i === 4 ? null : good }))
    const changes = replayNights(data, 8, way)
    const missed = of(changes, 'missed-run')
    const lastBeat = firstStart + 3 * day + 2 * hour
    expect(alarmsOf(changes)).toEqual(['missed-run', 'page'])
    const [, alarm, healed] = missed
    expect(alarm?.state).toBe('ALARM')
    expect(alarm?.atMs).toBeLessThan(firstStart + 5 * day)
    expect(alarm?.atMs).toBeGreaterThan(lastBeat + day)
    expect(healed?.state).toBe('OK')
    expect(healed?.atMs).toBeLessThanOrEqual(firstStart + 5 * day + 2 * hour + hour / 6)
  })

  it('waits for a late run as long as the schedule allows, and not longer', () => {
    // Flexible window, retries, queue and timeout: 9.25 h after the start.
    const inTime = nights(6, day, i => ({ hours: i === 3 ? 9.2 : 0.1 }))
    expect(alarmsOf(replayNights(inTime, 6, way))).toEqual([])
    const tooLate = nights(6, day, i => ({ hours: i === 3 ? 14 : 0.1 }))
    expect(alarmsOf(replayNights(tooLate, 6, way))).toEqual(['missed-run', 'page'])
  })

  it('pages for a failed verification at once, once for two in a row, until a run finds it cured', () => {
    const failing = { ...good, FailedSnapshots: 2, ErrorFindings: 1 }
    const data = nights(8, day, i => ({ values: i === 3 || i === 4 ? failing : good }))
    const changes = replayNights(data, 8, way)
    const found = firstStart + 3 * day + 2 * hour
    const cured = firstStart + 5 * day + 2 * hour
    const page = of(changes, 'page').slice(1)
    expect(page.map(({ state }) => state)).toEqual(['ALARM', 'OK'])
    expect(page[0]?.atMs).toBeLessThanOrEqual(found + hour / 6)
    expect(page[1]?.atMs).toBeGreaterThanOrEqual(cured)
    expect(page[1]?.atMs).toBeLessThanOrEqual(cured + 1.5 * hour)
    expect(alarmsOf(changes).sort()).toEqual(['error-findings', 'failed-verification', 'page'])
  })

  it('stays red through nights that are missed', () => {
    const data = nights(10, day, i => ({ values: i === 3 ? { ...good, FailedSnapshots: 1 } : i < 3 ? good : null }))
    const changes = replayNights(data, 10, way)
    expect(of(changes, 'failed-verification').map(({ state }) => state)).toEqual(['OK', 'ALARM'])
    expect(of(changes, 'page').at(-1)?.state).toBe('ALARM')
  })

  it('takes lost metrics for a missed run, and turns nothing green', () => {
    const data = nights(8, day, i => ({ values: i < 4 ? { ...good, DebtOverdue: 3 } : null }))
    const changes = replayNights(data, 8, way)
    expect(alarmsOf(changes)).toEqual(['debt-beyond-policy', 'ticket', 'missed-run', 'page'])
    expect(of(changes, 'debt-beyond-policy')).toHaveLength(1)
  })

  it('keeps still until the first night, and pages when there was none', () => {
    const first = replayNights(
      nights(1, day, () => ({ hours: 6 })),
      1,
      way,
    )
    expect(alarmsOf(first)).toEqual([])
    const none = replayNights([], 3, way)
    expect(alarmsOf(none)).toEqual(['missed-run', 'page'])
    expect(of(none, 'missed-run')[0]?.atMs).toBeLessThanOrEqual(deployed + 2 * day)
  })

  it('hides no new failure behind an old debt', () => {
    const data = nights(8, day, i => ({ values: { ...good, DebtOverdue: 5, FailedSnapshots: i === 6 ? 1 : 0 } }))
    const changes = replayNights(data, 8, way)
    expect(of(changes, 'ticket').map(({ state }) => state)).toEqual(['OK', 'ALARM'])
    const page = of(changes, 'page').find(({ state }) => state === 'ALARM')
    expect(page?.atMs).toBeLessThanOrEqual(firstStart + 6 * day + 2 * hour + hour / 6)
  })
})

test.each([
  ['auditor-blind', 'page', { AuditorBlind: 1 }],
  ['newest-snapshot-too-old', 'page', { ...good, NewestSnapshotAgeHours: 36.1 }],
  ['restore-too-slow', 'ticket', { ...good, RestoreBytesPerSecond: 49_000_000 }],
  ['debt-beyond-policy', 'ticket', { ...good, DebtOverdue: 1 }],
  ['error-findings', 'page', { ...good, ErrorFindings: 1 }],
] as const)('%s is a %s, and heals with the next good night', (id, level, values) => {
  for (const way of slidingWays) {
    const data = nights(6, day, i => ({ values: i === 3 ? values : good }))
    const changes = replayNights(data, 6, way).filter(change => change.id === id || change.id === level)
    expect(of(changes, id).map(({ state }) => state)).toEqual(['OK', 'ALARM', 'OK'])
    expect(of(changes, level).map(({ state }) => state)).toEqual(['OK', 'ALARM', 'OK'])
  }
})

test('a failed execution is a ticket for the day, and no run means no failure', () => {
  for (const way of slidingWays) {
    const failed = { metric: 'FailedBuilds', atMs: firstStart + 3 * day, value: 1 }
    const changes = replayNights([...nights(14, day), failed], 14, way)
    expect(alarmsOf(changes)).toEqual(['failed-executions', 'ticket'])
    const [, alarm, healed] = of(changes, 'failed-executions')
    expect(alarm?.atMs).toBeLessThanOrEqual(failed.atMs + hour / 6)
    expect((healed?.atMs ?? 0) - failed.atMs).toBeGreaterThanOrEqual(day)
  }
})

test('a dead letter is a ticket until the queue is empty', () => {
  const name = 'ApproximateNumberOfMessagesVisible'
  const data = [
    ...nights(6, day),
    { metric: name, atMs: firstStart + day, value: 0 },
    { metric: name, atMs: firstStart + 2 * day, value: 1 },
    { metric: name, atMs: firstStart + 4 * day, value: 0 },
  ]
  for (const way of slidingWays) {
    expect(of(replayNights(data, 6, way), 'dead-letters').map(({ state }) => state)).toEqual(['OK', 'ALARM', 'OK'])
  }
})

describe('a weekly audit', () => {
  /** Sundays 01:00. */
  const sundays = (weeks: number, what: (i: number) => number | null) =>
    Array.from({ length: weeks }, (_, i) => {
      const hours = what(i)
      return night(Date.UTC(2026, 10, 29 + 7 * i, 1), hours ?? 0, hours === null ? null : good)
    }).flat()
  const missedRun = (changes: readonly Change[]) => of(changes, 'missed-run').map(({ state }) => state)

  test.each(ways)(
    'is quiet while every week has its run, however long it takes, and sees a week without one (%o)',
    way => {
      const alarms = weekly.filter(({ id }) => id === 'missed-run')
      const quiet = sundays(8, i => (i % 2 === 0 ? 0.1 : 9))
      // Behind it a complete week with a run, whenever weeks start.
      const from = Date.UTC(2026, 11, 7)
      expect(missedRun(replay(alarms, quiet, from, from + 41 * day, way, hour))).toEqual(['OK'])
      const missing = sundays(8, i => (i === 4 ? null : 2))
      const changes = of(replay(alarms, missing, from, from + 41 * day, way, hour), 'missed-run')
      expect(changes.map(({ state }) => state)).toEqual(['OK', 'ALARM', 'OK'])
      // Run 4 was due on Sunday, 27 December; the week ends at most seven days after that.
      expect(changes[1]?.atMs).toBeLessThanOrEqual(Date.UTC(2027, 0, 3, 1))
    },
  )

  it('pages once for the weeks before its first run, as infra/README.md says', () => {
    const alarms = weekly.filter(({ id }) => id === 'missed-run')
    const from = Date.UTC(2026, 10, 23, 12)
    for (const way of ways) {
      const states = missedRun(
        replay(
          alarms,
          sundays(4, () => 2),
          from,
          from + 28 * day,
          way,
          hour,
        ),
      )
      expect(states).toEqual(['ALARM', 'OK'])
    }
  })

  it('would be a false alarm every other week in seven sliding days', () => {
    const sliding: AlarmDefinition[] = weekly
      .filter(({ id }) => id === 'missed-run')
      .map(alarm => ({ ...alarm, calendarWeeks: false }))
    const quiet = sundays(8, i => (i % 2 === 0 ? 0.1 : 9))
    const way = { extraPeriods: 0, fillsEmpty: true, weekStartsOn: 'Monday' } as const
    expect(alarmsOf(replay(sliding, quiet, Date.UTC(2026, 11, 1), Date.UTC(2027, 0, 10), way, hour))).toContain(
      'missed-run',
    )
  })
})

test('without FILL the heartbeat of the night before would answer for a missed one', () => {
  const bare = nightly.map(alarm => ({ ...alarm, fillZero: false }))
  const data = nights(8, day, i => ({ values: i === 4 ? null : good }))
  const seen = (extraPeriods: number) =>
    alarmsOf(replayNights(data, 8, { extraPeriods, fillsEmpty: true, weekStartsOn: 'Monday' }, bare))
  expect(seen(0)).toContain('missed-run')
  expect(seen(1)).not.toContain('missed-run')
})
