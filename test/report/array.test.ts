import { describe, expect, it } from 'vitest'
import type { ArrayChild, RunResult } from '../../src/model/run.ts'
import { renderReport } from '../../src/report/render.ts'
import { parseRun, serializeRun } from '../../src/report/run-json.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { goodRun, hostile, style } from '../support/runs.ts'

const child = (number: number, rest: Partial<ArrayChild> = {}): ArrayChild => ({
  child: number,
  status: 'done',
  contents: 3,
  bytes: 3_000_000,
  proven: 3,
  failed: 0,
  inconclusive: 0,
  left: 0,
  attempts: 1,
  owner: `machine-${number}:1`,
  startedAt: '2026-11-23T02:00:00.000Z',
  endedAt: '2026-11-23T02:10:00.000Z',
  forecastSeconds: 500,
  seconds: 600,
  reason: '',
  ...rest,
})
const lost = child(1, {
  status: 'lost',
  proven: 1,
  left: 2,
  endedAt: null,
  seconds: null,
  reason: 'it never said how it ended',
})
const withArray = (children: readonly ArrayChild[]): RunResult =>
  goodRun({ array: { plan: 's3://bucket/arrays/x/plan.json', plannedAt: '2026-11-23T01:59:00.000Z', children } })

describe('the machines of a run', () => {
  it('are told, the lost ones first, with what they leave', () => {
    const page = renderReport(withArray([child(0), lost]), style)
    expect(page).toContain('2 machines by the plan of')
    expect(page).toContain('<strong>1 did not</strong>')
    expect(page.indexOf('machine-1:1')).toBeLessThan(page.indexOf('machine-0:1'))
    expect(page).toContain('it never said how it ended')
    expect(renderSummary(withArray([child(0), lost]))).toContain(
      '2 machines, 1 did not come to the end (1 lost): 2 contents left as debt',
    )
  })

  it('are said to be through when they are, and not mentioned where there was one', () => {
    expect(renderReport(withArray([child(0)]), style)).toContain('Each came to its end.')
    expect(renderSummary(withArray([child(0)]))).toContain('1 machine, all came to their end')
    expect(renderReport(goodRun(), style)).not.toContain('id="array"')
    expect(renderSummary(goodRun())).not.toContain('array')
  })

  it('come back from run.json, and nothing half does', () => {
    const run = withArray([child(0), lost])
    expect(parseRun(serializeRun(run))).toEqual(run)
    const half = { ...run, array: { ...run.array, children: [{ child: 0 }] } }
    expect(() => parseRun(JSON.stringify(half))).toThrow(/array\.children\[0\]/)
  })

  it('cannot write into the page', () => {
    const page = renderReport(withArray([child(0, { owner: hostile, reason: hostile, left: 1 })]), style)
    expect(page).not.toContain('<script')
  })
})
