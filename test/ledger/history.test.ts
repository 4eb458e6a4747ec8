import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StoredContentRow } from '../../src/ledger/journalFormat.ts'
import { judgeHistory } from '../../src/ledger/questions.ts'
import { memoryStore } from '../support/memoryStore.ts'
import { contentRow, day, openTest, runRow, signal, snapshotRow, start, testClock } from './support.ts'

const now = start + 10 * day
const pass = (days: number, rest: Partial<StoredContentRow> = {}): StoredContentRow => ({
  ...contentRow({ atMs: start + days * day, runId: `pass-${days}` }),
  ...rest,
})
const fail = (days: number, rest: Partial<StoredContentRow> = {}) =>
  pass(days, { verdict: 'fail', reason: 'found', runId: `fail-${days}`, ...rest })
const unsure = (days: number, rest: Partial<StoredContentRow> = {}) =>
  pass(days, { verdict: 'inconclusive', reason: 'engine-died', runId: `unsure-${days}`, ...rest })
const chained = { method: 'chained' } as const

/** Run and reason of what was decided, in short. */
function decided(...rows: StoredContentRow[]) {
  const { proof, lastInconclusive } = judgeHistory(rows, now)
  return [proof?.runId ?? null, lastInconclusive?.runId ?? null]
}

describe('the latest pass or fail decides', () => {
  test.each<[string, StoredContentRow[], (string | null)[]]>([
    ['nothing', [], [null, null]],
    ['a pass', [pass(1)], ['pass-1', null]],
    ['a later pass', [pass(2), pass(1)], ['pass-2', null]],
    ['a fail after a pass', [fail(2), pass(1)], ['fail-2', null]],
    ['a pass cures an earlier fail', [pass(2), fail(1)], ['pass-2', null]],
    ['a fail and a pass at the same time: the fail', [fail(1), pass(1)], ['fail-1', null]],
    ['an inconclusive alone', [unsure(1)], [null, 'unsure-1']],
    ['a later inconclusive hides no fail', [fail(1), unsure(2)], ['fail-1', 'unsure-2']],
    ['a later inconclusive hides no pass', [pass(1), unsure(2), unsure(3)], ['pass-1', 'unsure-3']],
    ['an earlier inconclusive is over', [unsure(1), pass(2)], ['pass-2', null]],
    ['an earlier inconclusive is over after a fail', [unsure(1), fail(2)], ['fail-2', null]],
    ['a chained pass is a pass', [pass(1, chained)], ['pass-1', null]],
    ['a chained pass cures no fail by restore', [fail(1), pass(2, chained)], ['fail-1', null]],
    ['what follows a pass that cures nothing', [fail(1), unsure(2), pass(3, chained)], ['fail-1', 'unsure-2']],
    ['a chained pass cures a chained fail', [fail(1, chained), pass(2, chained)], ['pass-2', null]],
    ['a pass by restore cures both', [fail(1), fail(2, chained), pass(3)], ['pass-3', null]],
    ['a chained pass cures its own only', [fail(1), fail(2, chained), pass(3, chained)], ['fail-1', null]],
    ['the later of two open fails', [fail(1), fail(2, chained)], ['fail-2', null]],
  ])('%s', (_, rows, expected) => {
    expect(decided(...rows)).toEqual(expected)
    expect(decided(...rows.toReversed())).toEqual(expected)
  })
})

describe('times of the future', () => {
  test('a pass dated after now is no proof, and leaves the earlier one its age', () => {
    expect(decided(pass(1), pass(11))).toEqual(['pass-1', null])
    expect(decided(pass(11))).toEqual([null, null])
  })
  test('it cures a fail all the same', () => {
    expect(decided(pass(1), fail(2), pass(11))).toEqual([null, null])
  })
  test('a fail dated after now counts, as of now', () => {
    const history = judgeHistory([pass(1), fail(11)], now)
    expect(history.proof).toMatchObject({ runId: 'fail-11', provenMs: now })
  })
  test('five minutes of skew are tolerated and make no row younger than now', () => {
    const history = judgeHistory([pass(0, { atMs: now + 240_000 }), unsure(0, { atMs: now + 241_000 })], now)
    expect(history.proof?.provenMs).toBe(now)
    expect(history.lastInconclusive?.atMs).toBe(now)
  })
  test('the order that a run knew beats the clock', () => {
    const future = fail(300)
    expect(decided(future, pass(9, { orderMs: future.atMs + 1 }))).toEqual(['pass-9', null])
    expect(decided(pass(9), fail(8, { orderMs: start + 9 * day + 1 }))).toEqual(['fail-8', null])
  })
})

test('no history passes while its last decisive row by restore is a fail', () => {
  const attempt = fc
    .record({
      days: fc.integer({ min: 0, max: 12 }),
      verdict: fc.constantFrom('pass', 'fail', 'inconclusive'),
      method: fc.constantFrom('restore', 'chained'),
    })
    .map(({ days, verdict, method }) => pass(days, { verdict, method }))
  fc.assert(
    fc.property(fc.array(attempt, { maxLength: 8 }), fc.nat(), (rows, turn) => {
      const history = judgeHistory(rows, now)
      const at = turn % (rows.length + 1)
      expect(judgeHistory([...rows.slice(at), ...rows.slice(0, at)], now)).toEqual(history)
      const lastFail = Math.max(...rows.filter(r => r.verdict === 'fail' && r.method === 'restore').map(r => r.atMs))
      const cured = rows.some(r => r.verdict === 'pass' && r.method === 'restore' && r.atMs > lastFail)
      if (lastFail > 0 && !cured) expect(history.proof?.verdict).toBe('fail')
      if (history.proof?.verdict === 'pass') expect(history.proof.provenMs).toBeLessThanOrEqual(now)
    }),
    { seed: 5, numRuns: 500 },
  )
})

test('a session gives its rows the order in which it knows them, whatever its clock says', async () => {
  const clock = testClock(start + 400 * day)
  const store = memoryStore(() => clock.now)
  const ahead = await openTest(store, clock)
  await ahead.journal(
    'ahead',
    [contentRow({ runId: 'ahead', verdict: 'fail', reason: 'found', atMs: clock.now })],
    signal,
  )
  await ahead.close()

  clock.now = start
  const right = await openTest(store, clock)
  expect(right.contentHistory('i1', 'c1', null).proof).toMatchObject({ runId: 'ahead', provenMs: start })
  await right.journal('right', [contentRow({ runId: 'right' })], signal)
  expect(right.contentHistory('i1', 'c1', null).proof).toMatchObject({ runId: 'right', verdict: 'pass' })
  await right.close()

  clock.now = start - day
  const behind = await openTest(store, clock)
  const failed = contentRow({ runId: 'behind', verdict: 'fail', reason: 'found', atMs: clock.now })
  await behind.journal('behind', [failed], signal)
  await behind.journal('behind', [failed], signal)
  clock.now = start + day
  expect(behind.contentHistory('i1', 'c1', null).proof).toMatchObject({ runId: 'behind', verdict: 'fail' })
  await behind.journal('behind', [contentRow({ runId: 'a', atMs: 1 }), contentRow({ runId: 'b', atMs: 1 })], signal)
  expect(behind.contentHistory('i1', 'c1', null).proof).toMatchObject({ runId: 'b', verdict: 'pass' })
  await behind.close()
})

test('answers about runs and snapshots', async () => {
  const clock = testClock(now)
  const session = await openTest(null, clock)
  const run = (days: number, rest = {}) =>
    runRow({ runId: `run-${days}`, startedMs: start + days * day, generation: days, ...rest })
  await session.journal('r', [run(3), run(1), run(2, { repositoryUuid: null }), run(30)], signal)
  await session.journal('r', [snapshotRow({ runId: 'b', atMs: start + day }), snapshotRow({ runId: 'a' })], signal)
  await session.journal('r', [pass(1), pass(5, chained), pass(3), pass(11), fail(4)], signal)
  expect(session.runs(2).map(r => r.runId)).toEqual(['run-3', 'run-30'])
  expect(session.runs(9).map(r => r.runId)).toEqual(['run-1', 'run-2', 'run-3', 'run-30'])
  expect(session.lastIdentity()).toEqual({ repositoryUuid: 'u1', clusterId: 'k1', generation: 3 })
  expect(session.firstRunMs()).toBe(start + day)
  expect(session.snapshotHistory('s1').map(r => r.runId)).toEqual(['a', 'b'])
  expect(session.snapshotHistory('none')).toEqual([])
  expect(session.recentPasses(9).map(r => r.runId)).toEqual(['pass-3', 'pass-1'])
  expect(session.recentPasses(1)).toEqual([pass(3)])
  await session.close()
})
