/** The page of a period: bounded, hostile names as text, nothing let in; and its counts against `ledger show`. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StoredRow } from '../../../src/ledger/journalFormat.ts'
import { show } from '../../../src/ledger/show/show.ts'
import { periodLines } from '../../../src/report/period/lines.ts'
import { renderPeriod } from '../../../src/report/period/page.ts'
import { periodSummary } from '../../../src/report/period/summary.ts'
import { failingAtEnd } from '../../../src/report/period/verdict.ts'
import { contentRow, day, goodRow, reachedRow, runRow, snapshotRow } from '../../ledger/support.ts'
import { first, hostile, hostileRun, sampleRun, style } from '../../support/runs.ts'
import { everyNight, hour, july, later, ledgerOf, night, nightRun, span, tell } from './support.ts'

const scope = (rest: object) => ({
  atMs: null,
  nowMs: later,
  fromMs: null,
  toMs: null,
  snapshot: null,
  index: null,
  ...rest,
})

describe('the page', () => {
  test('50,000 findings and 5,000 snapshots stay below 1 MB, and the rest is in the lines', () => {
    const finding = first(sampleRun().findings)
    const findings = Array.from({ length: 50_000 }, (_, i) => ({
      ...finding,
      id: `f${i}`,
      snapshots: [`s${i % 5000}`],
    }))
    const snapshots = Array.from({ length: 5000 }, (_, i): StoredRow => {
      const atMs = july + 30 * day + 3 * hour
      return snapshotRow({
        snapshot: `${'n'.repeat(200)}-${i}`,
        snapshotUuid: `s${i}`,
        restore: 'fail',
        atMs,
        endedMs: july - i * hour,
      })
    })
    const report = tell({ file: ledgerOf([...night(30), ...snapshots]), runs: [nightRun(30, { findings })] })
    expect(report.findings.length).toBe(50_000)
    const page = renderPeriod(report, style)
    expect(Buffer.byteLength(page)).toBeLessThan(1_000_000)
    expect(page).toContain('49,800 more rows are in period.jsonl.')
    const longer = { ...report, findings: report.findings.map(one => ({ ...one, index: hostile })) }
    expect(Buffer.byteLength(renderPeriod(longer, style))).toBeLessThan(1_000_000)
    const kinds = new Map<string, number>()
    for (const line of periodLines(report)) {
      const { kind } = JSON.parse(line)
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    }
    expect([kinds.get('finding'), kinds.get('snapshot'), kinds.get('failure')]).toEqual([50_000, 5000, 4999])
  })

  const names = [hostile, 'فهرس-الطلبات', '订单索引', '📦🔥'.repeat(50), '"><img src=x onerror=alert(1)>']
  test.each(names)('hostile and foreign names are text: %#', called => {
    const rows = [
      ...night(1),
      contentRow({ runId: 'night-1', indexName: called, snapshot: called, seconds: 1e6, atMs: july + day + 3 * hour }),
      goodRow({ runId: 'night-1', index: called, snapshot: called, atMs: july + day + 3 * hour }),
      reachedRow({
        snapshot: called,
        snapshotUuid: 'x',
        verdict: 'fail',
        reason: 'found',
        atMs: july + day + 4 * hour,
      }),
    ]
    const run = { ...hostileRun(), runId: 'night-1', endedAt: new Date(july + day + 3 * hour).toISOString() }
    const report = tell({ file: ledgerOf(rows), runs: [run], rest: { repository: called } })
    const page = renderPeriod(report, style)
    expect(page).not.toMatch(/<script|<link|<img|<iframe|<[^>]*\s(?:style|on[a-z]+)=/i)
    expect(page).toContain("default-src 'none'")
    expect(page.match(/<bdi/g)?.length).toBeGreaterThan(10)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]/)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    expect(periodSummary(report)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]/)
  })

  test('a period without runs says so at the top', () => {
    const page = renderPeriod(tell({ file: ledgerOf([]) }), style)
    expect(/<h1>.*?<\/h1>/s.exec(page)?.[0]).toContain('nothing at all was tested')
    expect(page).toContain('No run of the period says which snapshots there were')
    expect(page).not.toContain('NaN')
  })

  test('is the same for the same facts', () => {
    const make = () => renderPeriod(tell({ file: ledgerOf(night(3)), runs: [nightRun(3)] }), style)
    expect(make()).toBe(make())
  })
})

describe('counts agree with the ledger', () => {
  const verdicts = ['pass', 'fail', 'inconclusive', 'not-applicable'] as const
  const levels = ['catalogue', 'presence', 'bytes', 'restore', 'rules'] as const
  const row = fc.oneof(
    fc
      .record({
        uuid: fc.nat(3),
        level: fc.constantFrom(...levels),
        verdict: fc.constantFrom(...verdicts),
        at: fc.integer({ min: -10, max: 45 }),
      })
      .map(({ uuid, level, verdict, at }): StoredRow => {
        const proof = verdict === 'pass' ? {} : { method: null, provenMs: null }
        return reachedRow({ snapshotUuid: `s${uuid}`, level, verdict, atMs: july + at * day + 3 * hour, ...proof })
      }),
    fc
      .record({ uuid: fc.nat(3), restore: fc.constantFrom(...verdicts), at: fc.integer({ min: -10, max: 45 }) })
      .map(
        ({ uuid, restore, at }): StoredRow =>
          snapshotRow({ snapshotUuid: `s${uuid}`, runId: `r${at}`, restore, atMs: july + at * day + 3 * hour }),
      ),
    fc
      .record({
        content: fc.nat(3),
        verdict: fc.constantFrom('pass' as const, 'fail' as const),
        at: fc.integer({ min: -10, max: 45 }),
      })
      .map(
        ({ content, verdict, at }): StoredRow =>
          contentRow({
            contentId: `c${content}`,
            snapshotUuid: `s${content}`,
            verdict,
            runId: `r${at}`,
            atMs: july + at * day + 2 * hour,
          }),
      ),
    fc
      .record({
        at: fc.integer({ min: -10, max: 45 }),
        exitCode: fc.constantFrom(0, 1, 2, 3, 4),
        planned: fc.nat(9),
        proven: fc.nat(9),
      })
      .map(
        ({ at, exitCode, planned, proven }): StoredRow =>
          runRow({
            runId: `r${at}`,
            startedMs: july + at * day,
            endedMs: july + at * day + hour,
            exitCode,
            planned,
            proven,
          }),
      ),
  )
  test('for any rows', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 25 }), rows => {
        const file = ledgerOf(rows)
        const report = tell({ file })
        const runs = show(file, 'runs', scope({ fromMs: span.fromMs, toMs: span.toMs })).rows
        expect(report.totals.runs).toBe(runs.length)
        expect(report.totals.planned).toBe(runs.reduce((sum, one) => sum + Number(one.planned), 0))
        expect(report.totals.proven).toBe(runs.reduce((sum, one) => sum + Number(one.proven), 0))
        const { planned, done, missed, notWorked, unfinished } = report.schedule
        expect([planned, done + missed + notWorked + unfinished]).toEqual([31, 31])
        const known = show(file, 'snapshots', scope({ atMs: span.toMs })).rows
        for (const { level, pass, fail, inconclusive, notApplicable, unknown } of report.population.levels) {
          expect(pass + fail + inconclusive + notApplicable + unknown).toBe(report.population.present)
          const there = new Set(report.snapshots.filter(({ present }) => present).map(({ uuid }) => uuid))
          const of = (verdict: string) =>
            known.filter(one => there.has(String(one.uuid)) && one.level === level && one.verdict === verdict)
          expect([pass, fail]).toEqual([of('pass').length, of('fail').length])
        }
        // Whatever was failing at the end is among the failures that were open then: nothing is forgotten.
        const open = new Set(
          report.failures.filter(({ openAtEnd }) => openAtEnd).map(({ uuid, level }) => `${uuid} ${level}`),
        )
        const present = new Set(report.snapshots.filter(one => one.present).map(({ uuid }) => uuid))
        for (const one of known)
          if (one.verdict === 'fail' && present.has(String(one.uuid)))
            expect(open).toContain(`${one.uuid} ${one.level}`)
        if (failingAtEnd(report) > 0) expect(['failing', 'blind']).toContain(report.verdict.tone)
        if (report.verdict.tone === 'good') expect(done).toBe(planned)
        expect(report.restores.attempts).toBe(
          show(file, 'restores', scope({ fromMs: span.fromMs, toMs: span.toMs })).rows.length,
        )
        file.close()
      }),
      { seed: 9, numRuns: 60 },
    )
  })
  test('every night', () => {
    const file = ledgerOf(everyNight.flatMap(days => night(days)))
    expect(tell({ file }).totals.runs).toBe(
      show(file, 'overview', scope({})).rows.find(({ fact }) => fact === 'runs')?.value,
    )
  })
})
