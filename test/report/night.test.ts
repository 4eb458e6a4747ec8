/** The parts of the nightly report that answer at once: what changed, what a loss costs, how to look again, coverage over time. */
import { describe, expect, test } from 'vitest'
import { findingCodes } from '../../src/model/finding.ts'
import type { RunResult } from '../../src/model/run.ts'
import { changesSection } from '../../src/report/changes.ts'
import { lastGoodSection } from '../../src/report/findings.ts'
import { coverageChart } from '../../src/report/heatmap.ts'
import { renderReport } from '../../src/report/render.ts'
import { repeatCommand, shellWord } from '../../src/report/repeat.ts'
import { first, goodRun, hostile, sampleRun, style, withRestoreVerdict } from '../support/runs.ts'

describe('what changed', () => {
  test('new snapshots, new and old failures, debt, exit code', () => {
    const text = String(changesSection(sampleRun()))
    expect(text).toContain('What changed since 2026-11-22')
    expect(text).toContain('nightly-2026.11.23')
    expect(text).toContain('as many as before')
    expect(text).toMatch(/Exit code<\/dt><dd>1: .*; before 0: /)
  })
  test('no new snapshot since last night is said', () => {
    const { history } = sampleRun()
    const last = { ...history.at(-1), endedAt: '2026-11-23T02:00:00.000Z' } as RunResult['history'][number]
    expect(String(changesSection(sampleRun({ history: [last] })))).toMatch(/New snapshots<\/dt><dd><strong>none/)
  })
  test('the first night has nothing to compare', () => {
    expect(String(changesSection(sampleRun({ history: [] })))).toContain('first run')
  })
})

describe('what a loss costs', () => {
  test('the worst index in words', () => {
    expect(String(lastGoodSection(sampleRun()))).toMatch(/at most the last 3 days, in <bdi class="name">orders/)
  })
  test('an index without any good snapshot is worse than any', () => {
    const { lastGood } = sampleRun()
    const none = lastGood.map(row => (row.index === 'orders' ? { ...row, snapshot: null, endedAt: null } : row))
    expect(String(lastGoodSection(sampleRun({ lastGood: none })))).toContain('1 index could not be restored at all')
  })
})

describe('the command that looks again', () => {
  const names = new Map([['u', "it's; rm -rf /"]])
  const finding = { ...first(sampleRun().findings), snapshots: ['u'] }
  test.each([
    ['corrupt-data-blob', /^snapproof check s3:\S+ --level bytes$/],
    ['missing-data-blob', /--level presence$/],
    ['corrupt-metadata-blob', /--level catalogue$/],
    ['restore-refused', /^snapproof verify 'it'\\''s; rm -rf \/' --config FILE$/],
    ['index-shrunk', /^snapproof audit/],
  ] as const)('%s', (code, command) => {
    expect(repeatCommand(sampleRun(), { ...finding, code }, names)).toMatch(command)
  })
  test('every code has one, or is about no repository', () => {
    const without = Object.keys(findingCodes).filter(
      code => repeatCommand(sampleRun(), { ...finding, code: code as keyof typeof findingCodes }, names) === null,
    )
    expect(without).toEqual(['ledger-rolled-back', 'accepted-expired'])
  })
  test('what hides something, or would be a flag, is no word', () => {
    for (const text of ['', '--config', hostile, 'a\u202eb', 'a\nb', 'x'.repeat(301)])
      expect(shellWord(text)).toBeNull()
    expect([shellWord('a b'), shellWord('فهرس'), shellWord('$(x)')]).toEqual(["'a b'", "'فهرس'", "'$(x)'"])
  })
})

describe('coverage over time', () => {
  const days = (count: number, verdict: (i: number) => 'pass' | 'fail' | 'inconclusive') =>
    Array.from({ length: count }, (_, i) => {
      const endedAt = new Date(Date.UTC(2020, 0, 1 + i)).toISOString()
      return { ...withRestoreVerdict(first(sampleRun().snapshots), verdict(i)), uuid: `s${i}`, endedAt }
    })
  test('5,000 snapshots are few fields, and one that fails is seen among them', () => {
    const run = goodRun({ snapshots: days(5000, i => (i === 2500 ? 'fail' : 'pass')) })
    const chart = coverageChart(run)
    expect(String(chart?.drawing).match(/heat-fail/g)).toHaveLength(1)
    expect(chart?.description).toContain('restore: 4,999 pass, 1 fail, 0 not known')
    expect(String(chart?.data).match(/<tr>/g)?.length).toBeLessThanOrEqual(57)
    expect(Buffer.byteLength(renderReport(run, style))).toBeLessThan(1_000_000)
  })
  test('what is not known is not green; nights without a snapshot stay empty', () => {
    const [one, two] = [...days(1, () => 'inconclusive'), ...days(9, () => 'pass').slice(8)]
    const chart = coverageChart(goodRun({ snapshots: [one, two].flatMap(row => row ?? []) }))
    expect(String(chart?.drawing).match(/heat-none/g)).toHaveLength(1)
    expect(String(chart?.drawing).match(/<rect/g)).toHaveLength(6)
  })
  test('no snapshot, none with an end, years of one', () => {
    expect(coverageChart(goodRun({ snapshots: [] }))).toBeNull()
    const [one] = days(1, () => 'pass')
    expect(coverageChart(goodRun({ snapshots: one === undefined ? [] : [{ ...one, endedAt: null }] }))).toBeNull()
    const far = one === undefined ? [] : [one, { ...one, endedAt: '1970-01-01T00:00:00.000Z' }]
    expect(String(coverageChart(goodRun({ snapshots: far }))?.drawing)).not.toContain('NaN')
  })
})
