/** What `ledger show` answers: by hand, as it was at a past date, and from any order and grouping of the same journals. */
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { fold } from '../../src/ledger/fold.ts'
import type { StoredRow } from '../../src/ledger/journalFormat.ts'
import { LedgerFile } from '../../src/ledger/ledgerFile.ts'
import { type Question, questions, type Scope } from '../../src/ledger/show/answer.ts'
import { show } from '../../src/ledger/show/show.ts'
import { isoTime } from '../../src/time.ts'
import { contentRow, day, goodRow, newFolder, reachedRow, runRow, snapshotRow, start } from './support.ts'

const folder = newFolder()
const opened: LedgerFile[] = []
afterAll(() => {
  for (const file of opened) file.close()
})

function ledgerOf(...journals: (readonly StoredRow[])[]): LedgerFile {
  const path = join(folder, `show-${opened.length}.sqlite`)
  const file = LedgerFile.open(path, { repositoryName: 'prod', durable: false })
  opened.push(file)
  const frame = { schemaVersion: 1, repository: 'prod', runId: 'r', createdMs: start } as const
  for (const [i, rows] of journals.entries()) fold(file, [{ ...frame, journalId: `j${i}`, rows }])
  return file
}
const nowMs = start + 20 * day
const at = (days: number | null, rest: Partial<Scope> = {}): Scope => ({
  atMs: days === null ? null : start + days * day,
  nowMs,
  fromMs: null,
  toMs: null,
  snapshot: null,
  index: null,
  ...rest,
})
const iso = (days: number) => isoTime(start + days * day)
const run = (days: number, rest = {}) =>
  runRow({ runId: `run-${days}`, startedMs: start + days * day, endedMs: start + days * day + 3_600_000, ...rest })

describe('runs', () => {
  const file = ledgerOf([
    run(1, { planned: 5, proven: 2, failed: 1, inconclusive: 1, debtContents: 9 }),
    run(2, { debtContents: 7 }),
    run(6, { debtContents: 8 }),
  ])
  test('planned against executed, in a period', () => {
    expect(show(file, 'runs', at(null)).rows[0]).toMatchObject({ run: 'run-1', planned: 5, executed: 4, seconds: 3600 })
    const period = at(null, { fromMs: start + 1.5 * day, toMs: start + 3 * day })
    expect(show(file, 'runs', period).rows.map(row => row.run)).toEqual(['run-2'])
  })
  test('debt and its trend', () => {
    const rows = show(file, 'debt', at(null)).rows.map(row => [row.debtContents, row.change])
    expect(rows).toEqual([
      [9, null],
      [7, -2],
      [8, 1],
    ])
    const since = at(null, { fromMs: start + 5 * day })
    expect(show(file, 'debt', since).rows).toMatchObject([{ debtContents: 8, change: 1 }])
  })
  test('longest gap first, the one since the last run too, and those of a period within it', () => {
    const gaps = (scope: Scope) => show(file, 'gaps', scope).rows.map(row => [row.afterRun, row.beforeRun, row.hours])
    expect(gaps(at(null))).toEqual([
      ['run-6', null, 335],
      ['run-2', 'run-6', 95],
      ['run-1', 'run-2', 23],
    ])
    expect(gaps(at(6.5))[0]).toEqual(['run-2', 'run-6', 95])
    const period = at(null, { fromMs: start, toMs: start + 3 * day })
    expect(gaps(period)).toEqual([
      [null, 'run-1', 24],
      ['run-1', 'run-2', 23],
      ['run-2', null, 23],
    ])
    const inside = at(null, { fromMs: start + 3 * day, toMs: start + 5 * day })
    expect(gaps(inside)).toEqual([['run-2', null, 48]])
    expect(show(ledgerOf(), 'gaps', at(null)).rows).toEqual([])
    expect(show(ledgerOf(), 'gaps', at(null, { fromMs: start })).rows).toMatchObject([{ hours: 480 }])
  })
  test('one run within another leaves no gap', () => {
    const nested = ledgerOf([
      runRow({ runId: 'long', startedMs: start, endedMs: start + 3 * day }),
      runRow({ runId: 'short', startedMs: start + day, endedMs: start + 2 * day }),
    ])
    expect(show(nested, 'gaps', at(4)).rows).toMatchObject([{ afterRun: 'long', hours: 24 }])
  })
})

describe('snapshots', () => {
  const seen = (days: number, rest = {}) => snapshotRow({ runId: `run-${days}`, atMs: start + days * day, ...rest })
  const file = ledgerOf([
    seen(1),
    seen(2, { restore: 'pass' }),
    seen(3, { restore: 'fail' }),
    reachedRow({ level: 'presence', method: 'listing', runId: 'run-1', atMs: start + day, provenMs: start + day }),
    reachedRow({
      runId: 'run-1',
      verdict: 'inconclusive',
      reason: 'not-yet-verified',
      method: null,
      provenMs: null,
      atMs: start + day,
    }),
    reachedRow({
      runId: 'run-2',
      reason: 'credited',
      creditedFrom: ['nightly-0'],
      provenMs: start + day,
      atMs: start + 2 * day,
    }),
    reachedRow({
      runId: 'run-3',
      verdict: 'fail',
      reason: 'failed-before',
      method: null,
      provenMs: null,
      atMs: start + 3 * day,
    }),
  ])
  const level = (name: string, days: number | null) =>
    show(file, 'snapshots', at(days)).rows.find(row => row.level === name)
  test('when each level was reached, by which proof, and what it is now', () => {
    expect(level('restore', 2)).toMatchObject({
      reachedAt: iso(2),
      method: 'restore',
      provenAt: iso(1),
      creditedFrom: 'nightly-0',
      verdict: 'pass',
      run: 'run-2',
    })
    expect(level('restore', null)).toMatchObject({
      reachedAt: iso(2),
      verdict: 'fail',
      reason: 'failed-before',
      since: iso(3),
      lastSeenAt: iso(3),
    })
    expect(level('restore', 1.5)).toMatchObject({ reachedAt: null, verdict: 'inconclusive', creditedFrom: null })
    expect(level('presence', null)).toMatchObject({ reachedAt: iso(1), method: 'listing', verdict: 'pass' })
    expect(level('bytes', null)).toMatchObject({ reachedAt: null, verdict: null })
  })
  test('a snapshot is found by name and uuid', () => {
    for (const snapshot of ['nightly-1', 's1'])
      expect(show(file, 'snapshots', at(null, { snapshot })).rows).toHaveLength(4)
    expect(show(file, 'snapshots', at(null, { snapshot: 'other' })).rows).toEqual([])
  })
  test('of rows of before, that it passed is known and not by what; a pass of then is no pass of now', () => {
    const old = ledgerOf([seen(1, { restore: 'pass' }), seen(2, { restore: 'inconclusive' })])
    const restore = show(old, 'snapshots', at(null)).rows.find(row => row.level === 'restore')
    expect(restore).toMatchObject({ reachedAt: iso(1), method: null, verdict: 'inconclusive', reason: null })
  })
})

describe('what failed since the latest conclusion', () => {
  const passed = [
    snapshotRow({ runId: 'run-2', atMs: start + 2 * day, restore: 'pass' }),
    reachedRow({ runId: 'run-2', atMs: start + 2 * day, provenMs: start + 2 * day }),
  ]
  const restore = (file: LedgerFile, days: number | null) =>
    show(file, 'snapshots', at(days)).rows.find(row => row.level === 'restore' && row.uuid === 's1')
  const failed = contentRow({ atMs: start + 3 * day, verdict: 'fail', reason: 'found', snapshotUuid: 's1' })

  test('a content that failed is told of its snapshot, and no more once it is cured', () => {
    const file = ledgerOf([...passed, failed])
    expect(restore(file, 2.5)).toMatchObject({ verdict: 'pass' })
    expect(restore(file, null)).toMatchObject({ verdict: 'fail', reason: 'found', since: iso(3) })
    expect(Object.fromEntries(show(file, 'overview', at(null)).rows.map(row => [row.fact, row.value]))).toMatchObject({
      snapshotsRestorePass: 0,
      snapshotsRestoreFail: 1,
    })
    const cured = ledgerOf([...passed, failed, contentRow({ atMs: start + 4 * day, snapshotUuid: 's2' })])
    expect(restore(cured, null)).toMatchObject({ verdict: 'pass' })
  })
  test('a snapshot that no run has concluded about is there with what is known', () => {
    const bad = reachedRow({ snapshotUuid: 's9', verdict: 'fail', reason: 'found', method: null, provenMs: null })
    const file = ledgerOf([...passed, bad])
    const rows = show(file, 'snapshots', at(null)).rows.filter(row => row.uuid === 's9')
    expect(rows.map(row => [row.level, row.verdict])).toContainEqual(['restore', 'fail'])
    expect(rows.every(row => row.lastSeenAt === null)).toBe(true)
    const facts = Object.fromEntries(show(file, 'overview', at(null)).rows.map(row => [row.fact, row.value]))
    expect(facts).toMatchObject({ snapshots: 2, snapshotsRestorePass: 1, snapshotsRestoreFail: 1 })
  })
  test('what stands in for a good snapshot that was taken back is none whose bytes are bad', () => {
    const rows = [
      contentRow({ contentId: 'c1', snapshotUuid: 's1', snapshot: 'nightly-1' }),
      contentRow({ contentId: 'c2', snapshotUuid: 's2', snapshot: 'nightly-2' }),
      snapshotRow({ runId: 'run-2', snapshotUuid: 's1', atMs: start + 2 * day }),
      snapshotRow({ runId: 'run-2', snapshotUuid: 's2', atMs: start + 2 * day }),
      goodRow({ runId: 'run-2', atMs: start + 2 * day, contentId: 'c2', snapshotUuid: 's2', snapshot: 'nightly-2' }),
      contentRow({ contentId: 'c2', snapshotUuid: 's2', atMs: start + 3 * day, verdict: 'fail', reason: 'found' }),
    ]
    const good = (more: readonly StoredRow[]) => show(ledgerOf([...rows, ...more]), 'good', at(null)).rows[0]?.snapshot
    expect(good([])).toBe('nightly-1')
    const bytes = { level: 'bytes', method: null, provenMs: null, snapshotUuid: 's1', runId: 'run-3' } as const
    expect(good([reachedRow({ ...bytes, verdict: 'fail', reason: 'found', atMs: start + 3 * day })])).toBe(null)
  })
})

describe('the last good snapshot of an index', () => {
  const good = (days: number, rest = {}) =>
    goodRow({
      runId: `run-${days}`,
      atMs: start + days * day,
      snapshot: `nightly-${days}`,
      snapshotUuid: `s${days}`,
      contentId: `c${days}`,
      endedMs: start + days * day,
      ...rest,
    })
  const tried = (days: number, rest = {}) =>
    contentRow({
      runId: `run-${days}`,
      atMs: start + days * day,
      snapshot: `nightly-${days}`,
      snapshotUuid: `s${days}`,
      contentId: `c${days}`,
      ...rest,
    })
  const seen = (days: number, uuid: string, rest = {}) =>
    snapshotRow({
      runId: `run-${days}`,
      atMs: start + days * day,
      snapshotUuid: uuid,
      endedMs: start + Number(uuid.slice(1)) * day,
      ...rest,
    })
  const answer = (file: LedgerFile, days: number | null) =>
    show(file, 'good', at(days)).rows.map(row => [row.index, row.snapshot, row.failedSince])

  test('is what the latest run by then concluded', () => {
    const file = ledgerOf([good(1), good(3), good(5, { snapshot: null, snapshotUuid: null, contentId: null })])
    expect(answer(file, 0)).toEqual([])
    expect(answer(file, 1)).toEqual([['logs', 'nightly-1', null]])
    expect(answer(file, 4)).toEqual([['logs', 'nightly-3', null]])
    expect(answer(file, null)).toEqual([['logs', null, null]])
  })
  test('is taken back by a failure after it; then the newest other that was restored and is there', () => {
    const rows = [
      tried(1),
      tried(2),
      good(2),
      seen(2, 's1'),
      seen(2, 's2'),
      tried(2, { atMs: start + 3 * day, verdict: 'fail', reason: 'found' }),
    ]
    const file = ledgerOf(rows)
    expect(answer(file, 2.5)).toEqual([['logs', 'nightly-2', null]])
    expect(answer(file, null)).toEqual([['logs', 'nightly-1', 'nightly-2']])
    expect(answer(ledgerOf([...rows, seen(4, 's2')]), null)).toEqual([['logs', null, 'nightly-2']])
    expect(answer(ledgerOf([...rows, seen(4, 's1', { presence: 'fail' })]), null)).toEqual([
      ['logs', null, 'nightly-2'],
    ])
  })
  test('of rows of before: the newest that was restored and is not failing', () => {
    const rows = [tried(1), tried(2), seen(2, 's1'), seen(2, 's2')]
    expect(answer(ledgerOf(rows), null)).toEqual([['logs', 'nightly-2', null]])
    expect(answer(ledgerOf(rows), 1.5)).toEqual([['logs', null, null]])
    expect(answer(ledgerOf([...rows, tried(3, { contentId: 'c2', verdict: 'fail', reason: 'found' })]), null)).toEqual([
      ['logs', 'nightly-1', null],
    ])
  })
  test('is not what a clock that is ahead concluded, and is what was concluded after that', () => {
    const ahead = good(300)
    const file = ledgerOf([good(1), ahead])
    expect(answer(file, null)).toEqual([['logs', 'nightly-1', null]])
    const after = ledgerOf([good(1), ahead, good(2, { orderMs: ahead.atMs + 1 })])
    expect(answer(after, null)).toEqual([['logs', 'nightly-2', null]])
    expect(answer(after, 301)).toEqual([['logs', 'nightly-2', null]])
  })
})

test('the history of one index', () => {
  const file = ledgerOf([
    contentRow({ atMs: start }),
    goodRow({ atMs: start + 1 }),
    contentRow({ atMs: start + 2, verdict: 'fail', reason: 'found', message: 'no' }),
    contentRow({ atMs: start, indexName: 'other', contentId: 'other' }),
    goodRow({ atMs: start + 3, snapshot: null, contentId: null }),
  ])
  const rows = show(file, 'index', at(null, { index: 'logs' })).rows
  expect(rows.map(row => [row.event, row.verdict])).toEqual([
    ['restored', 'pass'],
    ['last good', 'restore'],
    ['restored', 'fail'],
    ['last good', 'none'],
  ])
  expect(() => show(file, 'index', at(null))).toThrow(expect.objectContaining({ code: 'usage' }))
})

test('the overview', () => {
  const file = ledgerOf([
    run(1, { debtContents: 9 }),
    run(9, { debtContents: 4 }),
    run(10, { debtContents: 3, knownRuns: 4 }),
    snapshotRow({ runId: 'run-1', snapshotUuid: 'gone', atMs: start + day, restore: 'pass' }),
    snapshotRow({ runId: 'run-10', atMs: start + 10 * day, restore: 'fail' }),
    goodRow(),
    goodRow({ index: 'other', snapshot: null }),
  ])
  const facts = Object.fromEntries(show(file, 'overview', at(null)).rows.map(row => [row.fact, row.value]))
  expect(facts).toMatchObject({
    runs: 3,
    lastRun: 'run-10',
    debtContents: 3,
    debtContentsAWeekBefore: 9,
    longestGapHours: 239,
    snapshots: 1,
    snapshotsRestoreFail: 1,
    snapshotsRestorePass: 0,
    indices: 2,
    indicesWithoutGoodSnapshot: 1,
    runsWhoseJournalsAreLost: 2,
  })
  expect(show(ledgerOf(), 'overview', at(null)).rows).toContainEqual({ fact: 'lastRun', value: null })
})

/** Rows as runs write them: one of each kind for a run, few values so that keys and times meet. */
const few = (prefix: string) => fc.integer({ min: 1, max: 3 }).map(n => `${prefix}${n}`)
const time = fc.integer({ min: 0, max: 9 }).map(n => start + n * day)
const later = fc.option(fc.integer({ min: 0, max: 3 }), { freq: 1 })
const verdict = fc.constantFrom('pass', 'fail', 'inconclusive')
const withOrder = <Row extends { atMs: number }>(row: Row, by: number | null) =>
  by === null || by === 0 ? row : { ...row, orderMs: row.atMs + by * day }
const unnamed: fc.Arbitrary<StoredRow> = fc.oneof(
  fc
    .record({ startedMs: time, hours: fc.nat(60), debtContents: fc.nat(9), proven: fc.nat(3) })
    .map(({ hours, ...rest }) => runRow({ ...rest, endedMs: rest.startedMs + hours * 3_600_000 })),
  fc
    .record({ contentId: few('c'), indexName: few('index-'), snapshotUuid: few('s'), verdict, atMs: time, by: later })
    .map(({ by, ...rest }) => withOrder(contentRow(rest), by)),
  fc
    .record({
      snapshotUuid: few('s'),
      atMs: time,
      catalogue: verdict,
      presence: verdict,
      restore: verdict,
      endedMs: fc.option(time),
    })
    .map(rest => snapshotRow(rest)),
  fc
    .record({
      snapshotUuid: few('s'),
      level: fc.constantFrom('presence', 'bytes', 'restore'),
      verdict,
      atMs: time,
      by: later,
    })
    .map(({ by, ...rest }) => withOrder(reachedRow(rest), by)),
  fc
    .record({
      index: few('index-'),
      contentId: few('c'),
      snapshot: fc.option(few('nightly-')),
      snapshotUuid: few('s'),
      atMs: time,
      by: later,
    })
    .map(({ by, ...rest }) => withOrder(goodRow(rest), by)),
)
const history = fc
  .array(unnamed, { maxLength: 24 })
  .map(rows =>
    rows.map(
      (row, i): StoredRow => (row.kind === 'memory' || row.kind === 'mapping' ? row : { ...row, runId: `run-${i}` }),
    ),
  )
function dateOf(row: StoredRow): number {
  return row.kind === 'run' ? row.endedMs : row.atMs
}
function everyAnswer(file: LedgerFile, scope: Scope): Record<Question, unknown> {
  const entries = questions.map(question => [
    question,
    show(file, question, { ...scope, index: question === 'index' ? 'index-1' : null }).rows,
  ])
  return Object.fromEntries(entries)
}

test('an answer about the past uses no row of later', () => {
  fc.assert(
    fc.property(history, fc.integer({ min: -1, max: 11 }), (rows, days) => {
      const then = at(days)
      const known = rows.filter(row => dateOf(row) <= (then.atMs ?? 0))
      expect(everyAnswer(ledgerOf(rows), then)).toEqual(everyAnswer(ledgerOf(known), then))
    }),
    { seed: 31, numRuns: 60 },
  )
})

test('any order and grouping of the same rows gives the same answers', () => {
  fc.assert(
    fc.property(history, fc.nat(), fc.option(fc.integer({ min: 0, max: 10 })), (rows, cut, days) => {
      const split = cut % (rows.length + 1)
      const other = ledgerOf(rows.slice(split).toReversed(), rows.slice(0, split), rows)
      expect(everyAnswer(other, at(days))).toEqual(everyAnswer(ledgerOf(rows), at(days)))
    }),
    { seed: 32, numRuns: 40 },
  )
})
