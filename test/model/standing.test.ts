import { describe, expect, it } from 'vitest'
import { ageHours, openErrors, restoreSpeed, standingsOf } from '../../src/model/standing.ts'
import type { Level, VerdictValue } from '../../src/model/verdict.ts'
import { first, goodRun, sampleRun, withRestoreVerdict } from '../support/runs.ts'

describe('standingsOf', () => {
  it('counts every snapshot once', () => {
    expect(standingsOf(sampleRun()).count).toEqual({ failing: 3, open: 0, proven: 2, 'not-applicable': 0 })
    expect(standingsOf(goodRun()).count).toEqual({ failing: 0, open: 0, proven: 5, 'not-applicable': 0 })
  })

  it.each([
    [{}, 'open'],
    [{ restore: 'pass' }, 'proven'],
    [{ restore: 'inconclusive' }, 'open'],
    [{ restore: 'not-applicable' }, 'not-applicable'],
    [{ catalogue: 'pass', presence: 'pass' }, 'open'],
    [{ catalogue: 'inconclusive', restore: 'pass' }, 'open'],
    [{ presence: 'inconclusive', restore: 'pass' }, 'open'],
    [{ presence: 'inconclusive', restore: 'not-applicable' }, 'open'],
    [{ bytes: 'inconclusive', restore: 'pass' }, 'proven'],
    [{ bytes: 'fail', restore: 'pass' }, 'failing'],
    [{ rules: 'fail', restore: 'pass' }, 'failing'],
  ] as readonly [Partial<Record<Level, VerdictValue>>, string][])('%j stands as %s', (verdicts, standing) => {
    const levels = Object.fromEntries(
      Object.entries(verdicts).map(([level, verdict]) => [level, { verdict, reason: 'proven' as const }]),
    )
    const snapshot = { ...first(goodRun().snapshots), levels }
    expect(standingsOf(goodRun({ snapshots: [snapshot] })).bySnapshot.get(snapshot)).toBe(standing)
  })

  it('fails what an error names, whatever its levels say', () => {
    const snapshot = first(goodRun().snapshots)
    const finding = { ...first(sampleRun().findings), snapshots: [snapshot.uuid] }
    expect(standingsOf(goodRun({ findings: [finding] })).unaccepted.map(row => row.uuid)).toEqual([snapshot.uuid])
    const warning = { ...finding, severity: 'warning' } as const
    expect(standingsOf(goodRun({ findings: [warning] })).unaccepted).toEqual([])
    expect(openErrors(goodRun({ findings: [warning, finding] }))).toEqual([finding])
  })

  it('knows the newest, and the newest that is good, among those that are complete', () => {
    const standings = standingsOf(sampleRun())
    expect([standings.newest?.name, standings.newestGood?.name]).toEqual(['nightly-2026.11.23', 'nightly-2026.11.20'])
    const running = {
      ...first(goodRun().snapshots),
      state: 'IN_PROGRESS',
      endedAt: '2026-12-01T00:00:00.000Z',
    } as const
    const failed = { ...running, state: 'FAILED' } as const
    const open = [running, failed].map(row => withRestoreVerdict(row, 'not-applicable'))
    expect(standingsOf(goodRun({ snapshots: [...goodRun().snapshots, ...open] })).newest?.name).toBe(
      'nightly-2026.11.23',
    )
    const endless = { ...first(goodRun().snapshots), endedAt: null }
    expect(standingsOf(goodRun({ snapshots: [endless] })).newest).toBeNull()
  })
})

describe('ages and speed', () => {
  it('counts hours from the end, never below zero', () => {
    const snapshot = { ...first(goodRun().snapshots), endedAt: '2026-11-23T00:00:00.000Z' }
    expect(ageHours(snapshot, Date.parse('2026-11-23T06:30:00.000Z'))).toBe(6.5)
    expect(ageHours(snapshot, Date.parse('2026-11-22T00:00:00.000Z'))).toBe(0)
    expect(ageHours({ ...snapshot, endedAt: null }, 0)).toBeNull()
    expect(ageHours(null, 0)).toBeNull()
  })

  it('takes fetch and restore of what passed, and nothing else', () => {
    const row = first(goodRun().restores)
    const passed = { ...row, bytes: 100, seconds: { mirror: 1, restore: 3, questions: 50 } }
    const failed = { ...passed, verdict: 'fail', bytes: 9_000_000 } as const
    expect(restoreSpeed(goodRun({ restores: [passed, failed] }))).toBe(25)
    expect(restoreSpeed(goodRun({ restores: [failed] }))).toBeNull()
    expect(restoreSpeed(goodRun({ restores: [] }))).toBeNull()
  })
})
