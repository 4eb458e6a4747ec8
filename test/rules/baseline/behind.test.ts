import { expect, test } from 'vitest'
import type { Measure } from '../../../src/model/baseline.ts'
import { judgeBaselines } from '../../../src/rules/baseline/judge.ts'
import { config, dayMs, nightly, startMs, thresholds } from './support.ts'

const hourMs = 3_600_000
const known = (nights: number) => Array<number>(nights).fill(1 / 6)
const missed = (nights: number) => Array<null>(nights).fill(null)

/** Of a night each, how many hours the newest time lies before it; null: it was not restored. `laterMs`: the last one is taken so much later. */
function judge(hours: readonly (number | null)[], rest: Partial<Measure> = {}, own = thresholds, laterMs = 0) {
  const measures = hours.map((_, i) => nightly(i, i === hours.length - 1 ? rest : {}))
  const times = new Map(
    hours.flatMap((lag, i) => {
      const startedMs = startMs + i * dayMs + (i === hours.length - 1 ? laterMs : 0)
      return lag === null ? [] : [[`s${i}`, { startedMs, newestMs: startedMs - lag * hourMs }] as const]
    }),
  )
  return judgeBaselines([{ index: 'orders', measures, times }], {
    config: { ...config, thresholds: own },
    mappings: new Map(),
    present: new Set(measures.map(one => one.snapshotUuid)),
    newestMs: startMs + (hours.length - 1) * dayMs,
  }).rows
}

test('nothing to compare: not restored, or too little known', () => {
  expect(judge([...known(14), null])).toEqual([])
  expect(judge([...known(7), 26])).toEqual([])
  expect(judge([...Array<null>(10).fill(null), ...known(4), 100])).toEqual([])
})

test('as before: within twice its longest lag, less than 6 hours more, or always late', () => {
  expect(judge([...known(14), 6])).toEqual([])
  // Of two weeks ago it was as late.
  expect(judge([...Array<number>(14).fill(300), ...missed(12), 590])).toEqual([])
  // A weekend a week.
  expect(judge([8, 8, 8, 8, 8, 32, 56, 8, 8, 8, 8, 8, 32, 56])).toEqual([])
})

test('it stands still: told with its numbers', () => {
  const [row, ...others] = judge([...known(14), 26])
  expect(others).toEqual([])
  expect(row).toMatchObject({ kind: 'behind', severity: 'warning', since: 's14', lastWithin: 'nightly-13' })
  expect(row?.message).toBe(
    'orders: newest time 2026-11-14T00:00Z, 26 hours before the snapshot of 2026-11-15T02:00Z; at most 10 minutes before in 14 restored snapshots before. The last one as before is nightly-13. If it stays so it counts as normal from 2026-11-22.',
  )
})

test('several: one row for all its nights, and two where it was well between', () => {
  expect(judge([...known(14), 24, 48, 72])[0]?.snapshots).toHaveLength(3)
  expect(judge([...known(14), 24, 1, 24]).map(row => row.snapshots.length)).toEqual([1, 1])
})

test('it stays so for a week: that is normal from then on', () => {
  const late = (nights: number) => [...known(14), ...Array.from({ length: nights }, () => 100)]
  expect(judge(late(7))[0]?.snapshots).toHaveLength(7)
  // Seven days after the first one it is told no more, and is what later ones are compared with.
  expect(judge([...late(8), ...Array<number>(7).fill(100)])).toEqual([])
  expect(judge([...late(8), ...Array<number>(7).fill(100), ...missed(6), 244])).toHaveLength(1)
})

test('each night a little later than the one before is no excuse for it', () => {
  const week = [8, 8, 8, 8, 8, 32, 56]
  const stopped = (nights: number) => Array.from({ length: nights }, (_, i) => 32 + 24 * i)
  expect(judge([...week, ...week, ...week, 8, ...stopped(4)])).toEqual([])
  expect(judge([...week, ...week, ...week, 8, ...stopped(8)])[0]?.snapshots).toHaveLength(4)
  // Loaded once, or once a month: nobody knows yet how late that may be.
  expect(judge([8, ...stopped(30)])).toEqual([])
  expect(judge([...stopped(12), 8, ...stopped(24)])).toEqual([])
})

test('three times as late before is its habit', () => {
  const week = [...known(5), 23, 47]
  const toldOn = (hours: readonly number[]) => judge(hours).flatMap(row => row.snapshots.map(({ uuid }) => uuid))
  expect(toldOn([...known(5), ...week, ...week, 1])).toEqual(['s17', 's18'])
  const habit = [...known(5), ...week, ...week, ...week]
  expect(toldOn([...habit, ...known(5), 23, 47])).toEqual([])
  // Twice as late as that is none.
  expect(toldOn([...habit, ...known(5), 23, 47, 71, 95])).toEqual(['s34'])
})

test('it went back: a day or more, and not taken out of it as out of a queue', () => {
  const fell = (hours: number) => [...Array<number>(14).fill(72), 96 + hours]
  const [row, ...others] = judge(fell(30))
  expect(others).toEqual([])
  expect(row?.message).toContain(
    'newest time 2026-11-09T20:00Z, 30 hours earlier than the 2026-11-11T02:00Z that was there in 14 restored snapshots before',
  )
  // It stays told until it comes up again.
  expect(judge([...fell(30), 145, 72]).map(({ snapshots }) => snapshots.length)).toEqual([2])
  expect(judge(fell(23))).toEqual([])
  // It fell as far before, and came up again.
  expect(judge([...Array<number>(9).fill(72), 126, 72, 72, 72, 72, 126])).toEqual([
    expect.objectContaining({ since: 's9', snapshots: [expect.objectContaining({ uuid: 's9' })] }),
  ])
  expect(judge([...Array<number>(9).fill(72), 126, ...Array<number>(9).fill(72), 126])).toEqual([])
})

test('a day of the week of which nothing is known may follow a weekend', () => {
  const weekly = Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 8 : null))
  expect(judge([...weekly, ...missed(4), 100])).toEqual([])
  expect(judge([...weekly, ...missed(4), 113])).toHaveLength(1)
})

test('at another hour of the day than ever, what is loaded once a day may be as old as a day', () => {
  const before = known(14)
  expect(judge([...before, 20], {}, thresholds, 20 * hourMs)).toEqual([])
  expect(judge([...before, 31], {}, thresholds, 20 * hourMs)).toHaveLength(1)
  expect(judge([...before, 20], {}, thresholds, 22 * hourMs)).toHaveLength(1)
})

test('a time of the future is left out, and hides no later lag', () => {
  expect(judge([...known(14), -80_000])).toEqual([])
  expect(judge([...known(14), -20])).toEqual([])
  expect(judge([...known(10), -80_000, ...known(3), 26])).toHaveLength(1)
  expect(judge(Array<number>(20).fill(-80_000))).toEqual([])
  // One that was ahead by hours is taken out again: nothing was lost.
  expect(judge([...known(13), -23, 6])).toEqual([])
})

test.each(['closed', 'read-only', 'rolled-over'] as const)('%s: it has reason to stand still', resting => {
  expect(judge([...known(14), 26], { resting })).toEqual([])
})

test('told once: frozen or emptied say it already', () => {
  expect(judge([...known(14), 26], { documents: 0 }).map(row => row.kind)).toEqual(['emptied'])
  expect(judge([...known(14), 26], { documents: 20_000 }).map(row => row.kind)).toEqual(['behind', 'shrunk'].reverse())
  const still = { sequence: 7, documents: 1000 }
  const measures = [...known(14), 0, 0].map((_, i) => nightly(i, i > 12 ? still : {}))
  const times = new Map(
    measures.map(({ snapshotUuid, endedMs: startedMs }, i) => [
      snapshotUuid,
      { startedMs, newestMs: startMs + Math.min(i, 13) * dayMs },
    ]),
  )
  const present = new Set(measures.map(one => one.snapshotUuid))
  const context = { config, mappings: new Map(), present, newestMs: startMs + 16 * dayMs }
  const rows = judgeBaselines([{ index: 'orders', measures, times }], context).rows.map(row => row.kind)
  expect(rows).toContain('frozen')
  expect(rows).not.toContain('behind')
})

test('not where nobody looks for it', () => {
  expect(judge([...known(14), 26], {}, { ...thresholds, behindTimes: null })).toEqual([])
})

test('a habit of the documents excuses no lag', () => {
  const purges = Array.from({ length: 15 }, (_, i) => nightly(i, { documents: [48_000, 30_000][i % 2] ?? 0 }))
  const times = new Map(
    purges.map(({ snapshotUuid, endedMs: startedMs }, i) => [
      snapshotUuid,
      { startedMs, newestMs: startedMs - (i === 13 ? 26 : 1) * hourMs },
    ]),
  )
  const present = new Set(['s13', 's14'])
  const context = { config, mappings: new Map(), present, newestMs: startMs + 14 * dayMs }
  const rows = judgeBaselines([{ index: 'orders', measures: purges, times }], context).rows
  expect(rows.map(row => row.kind)).toEqual(['behind'])
})
