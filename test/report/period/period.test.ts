/** What a report for a period says: by hand, and where it must not say that all is well. */
import { describe, expect, test } from 'vitest'
import type { Finding } from '../../../src/model/finding.ts'
import { spanBetween, spanOf } from '../../../src/report/period/span.ts'
import { contentRow, day, goodRow, reachedRow, runRow, snapshotRow } from '../../ledger/support.ts'
import { everyNight, hour, july, later, ledgerOf, night, nightRun, tell } from './support.ts'

const iso = (ms: number) => new Date(ms).toISOString()
const finding = (rest: Partial<Finding> = {}): Finding => ({
  id: 'f1',
  code: 'corrupt-data-blob',
  severity: 'error',
  key: 'k',
  snapshots: ['s1'],
  index: 'logs',
  shard: 0,
  message: 'bad bytes',
  advice: 'repair',
  ...rest,
})
const allNights = () => everyNight.flatMap(days => night(days))
const allRuns = () => everyNight.map(days => nightRun(days))

describe('a name of a period', () => {
  test.each([
    ['2026-07', '2026-07-01T00:00:00.000Z', '2026-07-31T23:59:59.999Z'],
    ['2026-q3', '2026-07-01T00:00:00.000Z', '2026-09-30T23:59:59.999Z'],
    ['2026-Q4', '2026-10-01T00:00:00.000Z', '2026-12-31T23:59:59.999Z'],
    ['2024-02', '2024-02-01T00:00:00.000Z', '2024-02-29T23:59:59.999Z'],
    ['2026', '2026-01-01T00:00:00.000Z', '2026-12-31T23:59:59.999Z'],
  ])('%s', (text, from, to) => {
    const { fromMs, toMs } = spanOf(text)
    expect([iso(fromMs), iso(toMs)]).toEqual([from, to])
  })
  test.each(['', '2026-13', '2026-00', '2026-Q5', '26', 'last', '0001', '2026-07-01'])('not %s', text => {
    expect(() => spanOf(text)).toThrow(expect.objectContaining({ code: 'usage' }))
  })
  test('from and to, both whole days', () => {
    const { fromMs, toMs, name } = spanBetween('2026-07-01', '2026-07-01')
    expect([toMs - fromMs + 1, name]).toEqual([day, '2026-07-01 to 2026-07-01'])
    expect(() => spanBetween('2026-07-02', '2026-07-01')).toThrow(/is after/)
    expect(() => spanBetween('2026-02-31', '2026-07-01')).toThrow(/--from/)
  })
})

describe('planned against executed', () => {
  test('a whole month of good nights is complete', () => {
    const report = tell({ file: ledgerOf(allNights()), runs: allRuns() })
    expect(report.schedule).toMatchObject({ planned: 31, done: 31, missed: 0, notWorked: 0, unfinished: 0 })
    expect(report.totals).toEqual({
      runs: 31,
      worked: 31,
      planned: 93,
      executed: 93,
      proven: 62,
      failed: 0,
      inconclusive: 31,
    })
    expect(report.verdict).toMatchObject({ tone: 'good', word: 'Complete' })
    expect(report.documents).toEqual({ kept: 31, missing: 0, unreadable: 0 })
    expect(report.population).toMatchObject({ present: 1, seen: 1, goneUnproven: 0 })
  })
  test('one night without a run is a gap, and the report is not complete', () => {
    const nights = everyNight.filter(days => days !== 12)
    const report = tell({
      file: ledgerOf(nights.flatMap(days => night(days))),
      runs: nights.map(days => nightRun(days)),
    })
    expect(report.schedule).toMatchObject({ planned: 31, done: 30, missed: 1 })
    expect(report.schedule.slots.filter(({ state }) => state !== 'done')).toMatchObject([
      { from: iso(july + 12 * day) },
    ])
    expect(report.verdict.tone).toBe('open')
    expect(report.gaps[0]).toMatchObject({ hours: 47, afterRun: 'night-11', beforeRun: 'night-13' })
  })
  test.each([2, 3, 64])('a run that ended with %i did not do its work', exitCode => {
    const report = tell({ file: ledgerOf(everyNight.flatMap(days => night(days, days === 3 ? { exitCode } : {}))) })
    expect(report.schedule).toMatchObject({ done: 30, notWorked: 1 })
    expect(report.totals.worked).toBe(30)
  })
  test('a verification is no audit', () => {
    const report = tell({
      file: ledgerOf(everyNight.flatMap(days => night(days, days === 3 ? { command: 'verify' } : {}))),
    })
    expect(report.schedule).toMatchObject({ done: 30, missed: 1 })
  })
  test('a run that was killed left restores and no end', () => {
    const rows = allNights().filter(row => !(row.kind === 'run' && row.runId === 'night-5'))
    const report = tell({ file: ledgerOf(rows) })
    expect(report.unfinished).toMatchObject([{ runId: 'night-5', restores: 1 }])
    expect(report.schedule).toMatchObject({ done: 30, unfinished: 1, missed: 0 })
    expect(report.verdict.tone).toBe('open')
  })
  test('a run over midnight belongs to the day in which it began, and covers no other', () => {
    const late = (days: number) => {
      const startedMs = july + days * day + 23 * hour
      return runRow({ runId: `late-${days}`, startedMs, endedMs: startedMs + 2 * hour })
    }
    const report = tell({ file: ledgerOf(everyNight.filter(days => days !== 9).map(late)) })
    expect(report.schedule).toMatchObject({ planned: 31, done: 30, missed: 1 })
    // By its end it is one of August, as `ledger show runs` says.
    expect(report.totals.runs).toBe(29)
  })
  test('a plan of every seven days', () => {
    const file = ledgerOf([0, 7, 14, 21].flatMap(days => night(days)))
    expect(tell({ file, rest: { everyDays: 7 } }).schedule).toMatchObject({ planned: 4, done: 4 })
  })
})

describe('bad periods', () => {
  test('without runs it says so, loudly', () => {
    const report = tell({ file: ledgerOf([runRow({ startedMs: july - 9 * day, endedMs: july - 9 * day + 1 })]) })
    expect(report.verdict).toMatchObject({ tone: 'blind', word: 'Nothing was tested' })
    expect(report.schedule).toMatchObject({ planned: 31, missed: 31 })
    expect(report.population.asOf).toBeNull()
    expect(report.clauses.every(({ gaps }) => gaps.length > 1)).toBe(true)
  })
  test('what is known of snapshots from before the period is nothing about it', () => {
    const before = night(-3)
    const report = tell({ file: ledgerOf(before) })
    expect([report.population.asOf, report.population.present, report.snapshots]).toEqual([null, 0, []])
  })
  test('an empty ledger', () => {
    expect(tell({ file: ledgerOf([]) }).verdict.word).toBe('Nothing was tested')
  })
  test('only runs that did not do their work', () => {
    const report = tell({ file: ledgerOf([runRow({ startedMs: july + hour, endedMs: july + 2 * hour, exitCode: 2 })]) })
    expect(report.verdict).toMatchObject({ tone: 'blind', title: 'None of 1 run in 2026-07 did its work' })
  })
  test('a period that is not over is no complete one, and tonight is not missed yet', () => {
    const nights = everyNight.slice(0, 10)
    const nowMs = july + 9 * day + 12 * hour
    const report = tell({
      file: ledgerOf(nights.flatMap(days => night(days))),
      runs: nights.map(days => nightRun(days)),
      nowMs,
    })
    expect(report.schedule).toMatchObject({ planned: 9, done: 9 })
    expect(report.period).toMatchObject({ over: false, reportedTo: iso(nowMs) })
    expect(report.verdict).toMatchObject({ tone: 'open', word: 'So far' })
  })
  test('runs whose run.json is gone are said', () => {
    const report = tell({ file: ledgerOf(allNights()), runs: allRuns().slice(5) })
    expect(report.documents).toMatchObject({ kept: 26, missing: 5 })
    expect(report.verdict).toMatchObject({ tone: 'open', word: 'Not all known' })
    expect(report.limits.join()).toContain('5 of 31 runs left no run.json')
  })
})

describe('failures', () => {
  const fail = (days: number, rest = {}) =>
    reachedRow({
      runId: `night-${days}`,
      verdict: 'fail',
      reason: 'found',
      method: null,
      provenMs: null,
      atMs: july + days * day + 4 * hour,
      ...rest,
    })
  const pass = (days: number, rest = {}) =>
    reachedRow({ runId: `night-${days}`, atMs: july + days * day + 4 * hour, ...rest })

  test('found, cured', () => {
    const report = tell({ file: ledgerOf([...allNights(), fail(4)]) })
    expect(report.failures).toMatchObject([
      {
        snapshot: 'nightly-1',
        level: 'restore',
        state: 'cured',
        foundBy: 'night-4',
        curedBy: 'night-5',
        openAtEnd: false,
      },
    ])
  })
  test('cured after the period was open at its end', () => {
    const report = tell({
      file: ledgerOf([...allNights(), fail(30, { atMs: july + 30 * day + 20 * hour }), pass(40)]),
      runs: allRuns(),
    })
    expect(report.failures).toMatchObject([{ state: 'cured', openAtEnd: true }])
    expect(report.verdict.tone).toBe('failing')
  })
  test('what is not known any more is not cured', () => {
    const lapsed = reachedRow({
      verdict: 'inconclusive',
      reason: 'lapsed',
      method: null,
      provenMs: null,
      atMs: july + 30.95 * day,
    })
    const report = tell({
      file: ledgerOf([...allNights(), fail(30, { atMs: july + 30.9 * day }), lapsed]),
      runs: allRuns(),
    })
    expect(report.failures).toMatchObject([{ state: 'not known', curedAt: null, openAtEnd: true }])
    expect(report.verdict.tone).toBe('failing')
  })
  test('one that was cured before the period is not of it, one that was open is', () => {
    const other = { snapshotUuid: 's2', snapshot: 'other' }
    const rows = [...allNights(), fail(-9), pass(-8), fail(-9, other)]
    expect(tell({ file: ledgerOf(rows) }).failures).toMatchObject([{ uuid: 's2', openAtEnd: true }])
  })
  test('a snapshot that was deleted is gone, and not cured', () => {
    const gone = { snapshot: 'old', snapshotUuid: 's2' }
    const seen = snapshotRow({
      ...gone,
      runId: 'night-4',
      atMs: july + 4 * day + 3 * hour,
      restore: 'fail',
      endedMs: july - 9 * day,
    })
    const report = tell({
      file: ledgerOf([...allNights(), fail(4, { ...gone, atMs: july + 4 * day + 3 * hour }), seen]),
      runs: allRuns(),
    })
    expect(report.failures).toMatchObject([{ uuid: 's2', state: 'gone', curedAt: null, openAtEnd: false }])
    expect(report.population).toMatchObject({ present: 1, seen: 2, goneUnproven: 1 })
  })
  test('a content that failed and whose run never concluded counts', () => {
    const row = contentRow({
      runId: 'dead',
      contentId: 'bad',
      snapshot: 'daily',
      snapshotUuid: 's1',
      verdict: 'fail',
      reason: 'found',
      atMs: july + 31 * day - hour,
    })
    const report = tell({ file: ledgerOf([...allNights(), row]), runs: allRuns() })
    expect(report.failures).toMatchObject([{ uuid: 's1', level: 'restore', state: 'open', openAtEnd: true }])
    expect(report.verdict.tone).toBe('failing')
  })
})

describe('findings', () => {
  const with1 = (from: number, to: number, rest: Partial<Finding> = {}) =>
    everyNight.map(days => nightRun(days, days >= from && days < to ? { findings: [finding(rest)] } : { findings: [] }))

  test('told by some nights, and cured when what it hits is proven', () => {
    const report = tell({ file: ledgerOf(allNights()), runs: with1(3, 6) })
    expect(report.findings).toMatchObject([
      { state: 'cured', firstRun: 'night-3', lastRun: 'night-5', curedBy: 'night-6', runs: 3 },
    ])
  })
  test('told by the last one it is open', () => {
    const report = tell({ file: ledgerOf(allNights()), runs: with1(3, 31) })
    expect(report.findings).toMatchObject([{ state: 'open' }])
    expect(report.verdict.tone).toBe('failing')
  })
  test('not told again is not cured while what it hits fails, or is not known', () => {
    const failing = reachedRow({ snapshotUuid: 's1', verdict: 'fail', reason: 'found', atMs: july + 31 * day - hour })
    expect(tell({ file: ledgerOf([...allNights(), failing]), runs: with1(3, 6) }).findings).toMatchObject([
      { state: 'open' },
    ])
    const lapsed = { ...failing, verdict: 'inconclusive', reason: 'lapsed' } as const
    expect(tell({ file: ledgerOf([...allNights(), lapsed]), runs: with1(3, 6) }).findings).toMatchObject([
      { state: 'not known' },
    ])
    expect(
      tell({ file: ledgerOf(allNights()), runs: with1(3, 6, { snapshots: ['never-seen'] }) }).findings,
    ).toMatchObject([{ state: 'not known' }])
  })
  test('a run that did not do its work, or a verification, cures nothing', () => {
    const runs = with1(3, 4).map(run =>
      run.runId > 'night-3' || run.runId.length > 7
        ? { ...run, exit: { code: 2 as const, applies: [2 as const], reason: '' } }
        : run,
    )
    expect(tell({ file: ledgerOf(allNights()), runs: runs.slice(3) }).findings).toMatchObject([
      { state: 'open', curedAt: null },
    ])
    const verified = with1(3, 4)
      .slice(3, 5)
      .map((run, i) => (i === 1 ? { ...run, command: 'verify' as const } : run))
    expect(tell({ file: ledgerOf(allNights()), runs: verified }).findings).toMatchObject([{ state: 'open' }])
  })
  test('accepted by somebody until a day', () => {
    const accepted = (until: string) =>
      everyNight.map(days =>
        nightRun(days, { accepted: [{ finding: finding(), until, reason: 'known', approver: 'Ada' }] }),
      )
    const file = ledgerOf(allNights())
    expect(tell({ file, runs: accepted('2027-01-01T00:00:00.000Z') }).findings).toMatchObject([
      { state: 'accepted', accepted: { approver: 'Ada', reason: 'known' } },
    ])
    expect(tell({ file, runs: accepted('2026-07-31T12:00:00.000Z') }).findings).toMatchObject([{ state: 'open' }])
  })
})

describe('times, samples, exclusions', () => {
  const projection = {
    snapshot: 'daily',
    indices: 1,
    bytes: 5e9,
    seconds: 3000,
    fastest: 2000,
    slowest: 4000,
    parallel: 1,
    assumptions: [],
  }
  const restoreTime = {
    samples: 3,
    chained: 0,
    bytes: 1,
    phases: {
      fetch: null,
      restore: { seconds: 1, bytesPerSecond: 1 },
      questions: { seconds: 1, bytesPerSecond: null },
    },
    projection,
  }

  test('the slow end of a forecast is compared with the target', () => {
    const ask = (restoreTargetSeconds: number | null) =>
      tell({ file: ledgerOf(allNights()), runs: [nightRun(1, { restoreTime })], rest: { restoreTargetSeconds } })
        .restoreTime
    expect(ask(3600).projections).toMatchObject([{ within: false }])
    expect(ask(4000).projections).toMatchObject([{ within: true }])
    expect(ask(null).projections).toMatchObject([{ within: null }])
  })
  test('without one it is the newest that a run was given', () => {
    const run = (night: number, targetSeconds: number | null) =>
      nightRun(night, { restoreTime: { ...restoreTime, targetSeconds } })
    const ask = (restoreTargetSeconds: number | null) =>
      tell({
        file: ledgerOf(allNights()),
        runs: [run(1, 100), run(2, 5000), run(3, null)],
        rest: { restoreTargetSeconds },
      }).restoreTime
    expect(ask(null)).toMatchObject({
      targetSeconds: 5000,
      projections: [{ within: true }, { within: true }, { within: true }],
    })
    expect(ask(3600)).toMatchObject({
      targetSeconds: 3600,
      projections: [{ within: false }, { within: false }, { within: false }],
    })
  })
  test('restores of the period, chained ones as no measure', () => {
    const chained = contentRow({
      runId: 'night-1',
      contentId: 'x',
      method: 'chained',
      seconds: 1,
      atMs: july + day + 3 * hour,
    })
    const { restores } = tell({ file: ledgerOf([...allNights(), chained]) })
    expect(restores).toMatchObject({ attempts: 32, pass: 32, measured: 31, contents: 32, medianSeconds: 25 })
    expect(restores.slowest).toMatchObject({ seconds: 40, index: 'logs' })
  })
  test('what a loss at the end would have cost', () => {
    const none = goodRow({ index: 'none', snapshot: null, snapshotUuid: null, endedMs: null, atMs: july + 5 * day })
    const { lastGood } = tell({ file: ledgerOf([...allNights(), none]) })
    expect(lastGood).toMatchObject([
      { index: 'logs', snapshot: 'daily' },
      { index: 'none', snapshot: null, hoursAtEnd: null },
    ])
    expect(Math.round(lastGood[0]?.hoursAtEnd ?? 0)).toBe(32 * 24)
  })
  test('a month of a clause that wants a quarter is a gap, and PCI DSS is named nowhere', () => {
    const { clauses } = tell({ file: ledgerOf(allNights()), runs: allRuns(), nowMs: later })
    expect(clauses.map(({ id }) => id)).toEqual([
      'soc2-a1.3',
      'iso27001-a.8.13',
      'nist-cp-9-1',
      'nist-cp-9-2',
      'nist-cp-10',
      'dora-12',
      'nis2-4.2',
      'cis-11.5',
      'hipaa-164.308',
    ])
    expect(JSON.stringify(clauses)).not.toMatch(/pci/i)
    expect(clauses.find(({ id }) => id === 'cis-11.5')?.gaps).toContain('It covers less than a quarter.')
    const soc = clauses.find(({ id }) => id === 'soc2-a1.3')
    expect(soc?.gaps.join()).not.toContain('planned run')
    const [first, ...others] = allNights().filter(row => row.kind !== 'run')
    expect(first !== undefined && tell({ file: ledgerOf([first, ...others]) }).clauses[0]?.gaps.join()).toContain(
      '31 planned runs did not happen',
    )
  })
})
