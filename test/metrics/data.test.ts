import { describe, expect, it } from 'vitest'
import { toMetricData } from '../../src/metrics/data.ts'
import { metrics } from '../../src/metrics/names.ts'
import type { RestoreTime } from '../../src/model/restoreTime.ts'
import type { RunResult } from '../../src/model/run.ts'
import { first, goodRun, sampleRun, withRestoreVerdict } from '../support/runs.ts'

const nowMs = Date.parse('2026-11-23T02:35:24.000Z')

function values(run: RunResult): Record<string, number> {
  return Object.fromEntries(toMetricData(run, nowMs).map(datum => [datum.MetricName ?? '', datum.Value ?? Number.NaN]))
}

describe('toMetricData', () => {
  it('puts the gauges of a night with a damaged blob', () => {
    expect(values(sampleRun())).toMatchObject({
      ErrorFindings: 1,
      FailedSnapshots: 3,
      FailedContents: 2,
      SnapshotsProven: 2,
      SnapshotsInconclusive: 0,
      DebtContents: 4,
      DebtOverdue: 0,
      OldestDebtDays: 2.1,
      NightsToCatchUp: 1,
      BytesRead: 3_611_902_448,
      Heartbeat: 1,
    })
    expect(values(sampleRun()).NewestSnapshotAgeHours).toBeCloseTo(2, 1)
    expect(values(sampleRun()).NewestGoodSnapshotAgeHours).toBeCloseTo(74.05, 1)
  })

  it('returns to normal by itself', () => {
    expect(values(goodRun())).toMatchObject({
      ErrorFindings: 0,
      FailedSnapshots: 0,
      FailedContents: 0,
      DebtContents: 0,
      OldestDebtDays: 0,
      NightsToCatchUp: 0,
      Heartbeat: 1,
    })
  })

  it('uses declared names and units, one dimension, one time, the heartbeat last', () => {
    const projection = {
      snapshot: 'night',
      indices: 1,
      bytes: 9,
      seconds: 60,
      fastest: null,
      slowest: null,
      parallel: 1,
    }
    const phase = { seconds: 1, bytesPerSecond: 9 }
    const restoreTime: RestoreTime = {
      samples: 1,
      chained: 0,
      bytes: 9,
      phases: { fetch: phase, restore: phase, questions: phase },
      projection: { ...projection, assumptions: [] },
    }
    const data = toMetricData({ ...sampleRun(), restoreTime }, nowMs)
    for (const datum of data) {
      expect(metrics).toHaveProperty(datum.MetricName ?? '')
      expect(datum.Unit).toBe(metrics[datum.MetricName as keyof typeof metrics].unit)
      expect(datum.Dimensions).toEqual([{ Name: 'Repository', Value: 'production' }])
      expect(datum.Timestamp).toEqual(new Date(nowMs))
    }
    expect(data.map(datum => datum.MetricName)).toEqual(Object.keys(metrics))
    expect(data.at(-1)?.MetricName).toBe('Heartbeat')
  })

  it('tells how the debt moves: by how much a run, over the last seven', () => {
    const night = (i: number, debtContents: number) => ({ ...run.history[0], runId: `run-${i}`, debtContents }) as const
    const run = sampleRun()
    const trend = (debts: readonly number[], contents: number) =>
      values({
        ...run,
        debt: { ...run.debt, contents },
        history: debts.map((debt, i) => night(i, debt)) as typeof run.history,
      }).DebtTrend
    expect(trend([], 4)).toBeUndefined()
    expect(trend([100, 90, 80, 70, 60, 50, 40, 30], 20)).toBe(-10)
    expect(trend([3], 10)).toBe(7)
    expect(trend([5, 9], 5)).toBe(0)
    // A collect after one that died finds its own run among the earlier ones.
    expect(
      values({
        ...run,
        debt: { ...run.debt, contents: 4 },
        history: [{ ...night(0, 9), runId: run.runId } as (typeof run.history)[number]],
      }).DebtTrend,
    ).toBeUndefined()
  })

  it('leaves out what is not known', () => {
    const run = goodRun({
      restores: [],
      snapshots: [],
      debt: { ...goodRun().debt, contents: 3, nightsToCatchUp: null },
    })
    const names = Object.keys(values(run))
    for (const name of [
      'NewestSnapshotAgeHours',
      'NewestGoodSnapshotAgeHours',
      'RestoreBytesPerSecond',
      'NightsToCatchUp',
      'OldestDebtDays',
    ]) {
      expect(names).not.toContain(name)
    }
    const unproven = goodRun({ snapshots: goodRun().snapshots.map(row => withRestoreVerdict(row, 'inconclusive')) })
    expect(values(unproven)).not.toHaveProperty('NewestGoodSnapshotAgeHours')
    expect(values(unproven).SnapshotsInconclusive).toBe(5)
  })

  it.each([2, 3, 64] as const)('puts bad news only when exit code %i applies, and no heartbeat', code => {
    const exit = { code, applies: [code], reason: 'trouble' }
    // Another run at work (3) and a wrong command line (64) say nothing about what can be seen.
    const blind = code === 2 ? { AuditorBlind: 1 } : {}
    expect(values(goodRun({ exit }))).toEqual(blind)
    expect(values(sampleRun({ exit }))).toEqual({ ErrorFindings: 1, FailedSnapshots: 3, FailedContents: 2, ...blind })
    // Below the first rank it counts as well.
    expect(values(goodRun({ exit: { code: 1, applies: [1, code], reason: '' } }))).toEqual(blind)
    expect(values(goodRun({ command: 'verify', exit }))).toEqual({})
  })

  it('does not let a verify of named snapshots stand for the night', () => {
    expect(values(goodRun({ command: 'verify' }))).toEqual({})
    expect(values(sampleRun({ command: 'verify' }))).toMatchObject({ FailedSnapshots: 3 })
  })

  it('puts no heartbeat when nothing came to a conclusion, and still the gauges', () => {
    const restores = goodRun().restores.map(
      row => ({ ...row, verdict: 'inconclusive', reason: 'engine-died' }) as const,
    )
    expect(values(goodRun({ restores }))).not.toHaveProperty('Heartbeat')
    expect(values(goodRun({ restores }))).toMatchObject({ DebtContents: 0, AuditorBlind: 1 })
    expect(values(goodRun())).toMatchObject({ AuditorBlind: 0 })
    const unread = goodRun().snapshots.map(row => ({
      ...row,
      levels: { catalogue: { verdict: 'inconclusive', reason: 'not-read' } as const },
    }))
    expect(values(goodRun({ restores: [], snapshots: unread }))).not.toHaveProperty('Heartbeat')
    // A quiet night with nothing to restore did its work.
    expect(values(goodRun({ restores: [] }))).toHaveProperty('Heartbeat')
  })

  it('does not page for what somebody answers for, and does for an error without a snapshot', () => {
    const sample = sampleRun()
    const finding = first(sample.findings)
    const accepted = [{ finding, until: sample.endedAt, reason: 'known', approver: 'Kim' }]
    expect(values(sampleRun({ accepted, findings: [] }))).toMatchObject({ ErrorFindings: 0, FailedSnapshots: 0 })
    const rootless = goodRun({ findings: [{ ...finding, snapshots: [] }] })
    expect(values(rootless)).toMatchObject({ ErrorFindings: 1, FailedSnapshots: 0 })
  })
})
