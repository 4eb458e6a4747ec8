import { describe, expect, it } from 'vitest'
import type { RunResult } from '../../src/model/run.ts'
import { headline } from '../../src/report/headline.ts'
import { first, goodRun, sampleRun, withRestoreVerdict } from '../support/runs.ts'

const owing: RunResult['debt'] = { ...goodRun().debt, contents: 4, nightsToCatchUp: 2 }

describe('headline', () => {
  it('says how many snapshots fail, and which day is safe', () => {
    const said = headline(sampleRun())
    expect(said).toMatchObject({ tone: 'failing', title: '3 of 5 snapshots cannot be restored whole' })
    expect(said.detail).toContain('2026-11-20')
  })

  it('fails for an error that hits no snapshot', () => {
    const finding = { ...first(sampleRun().findings), snapshots: [] }
    expect(headline(goodRun({ findings: [finding] }))).toMatchObject({
      tone: 'failing',
      title: '1 error in the repository',
    })
  })

  it('fails for what an earlier run found and nothing has cured', () => {
    const [snapshot, ...rest] = goodRun().snapshots
    const failed = withRestoreVerdict(first(snapshot === undefined ? [] : [snapshot]), 'fail')
    const said = headline(goodRun({ snapshots: [failed, ...rest] }))
    expect(said.tone).toBe('failing')
    expect(said.detail).toContain('earlier run')
  })

  it('is good only when every snapshot is proven', () => {
    expect(headline(goodRun())).toMatchObject({ tone: 'good', title: 'All 5 snapshots are proven to restore' })
    for (const verdict of ['inconclusive', 'fail'] as const) {
      const snapshots = goodRun().snapshots.map((row, i) => (i === 2 ? withRestoreVerdict(row, verdict) : row))
      expect(headline(goodRun({ snapshots })).tone).not.toBe('good')
    }
  })

  it('does not call it good when nothing passed, when there is nothing, or when a lower level is open', () => {
    const outside = goodRun().snapshots.map(row => withRestoreVerdict(row, 'not-applicable'))
    expect(headline(goodRun({ snapshots: outside }))).toMatchObject({ tone: 'open', word: 'Nothing proven' })
    expect(headline(goodRun({ snapshots: [] }))).toMatchObject({ tone: 'open', word: 'Nothing to prove' })
    const unread = goodRun().snapshots.map(row => ({
      ...row,
      levels: { ...row.levels, catalogue: { verdict: 'inconclusive', reason: 'not-read' } as const },
    }))
    expect(headline(goodRun({ snapshots: unread })).tone).toBe('open')
    const notJudged = goodRun().snapshots.map(row => ({ ...row, levels: {} }))
    expect(headline(goodRun({ snapshots: notJudged })).tone).toBe('open')
  })

  it('says how far the catch-up is', () => {
    expect(headline(goodRun({ debt: owing, contents: { total: 14, proven: 10 } }))).toMatchObject({
      word: 'Catching up',
      title: '10 of 14 contents proven to restore, 2 nights to go',
    })
    const stuck = headline(goodRun({ debt: { ...owing, nightsToCatchUp: null } }))
    expect(stuck.title).toContain('no end in sight')
    expect(headline(goodRun({ debt: { ...owing, overdue: 3 } }))).toMatchObject({ word: 'Behind' })
  })

  it('says that a run could not work, and does not let that hide a failure', () => {
    const exit = { code: 2, applies: [2], reason: 'the disk was full' } as const
    expect(headline(goodRun({ exit }))).toMatchObject({ tone: 'blind', word: 'Not finished' })
    expect(headline(goodRun({ exit })).detail).toContain('the disk was full.')
    const both = headline(sampleRun({ exit }))
    expect(both.tone).toBe('failing')
    expect(both.detail).toContain('the disk was full.')
    expect(headline(goodRun({ exit: { code: 3, applies: [3], reason: '' } }))).toMatchObject({ word: 'Not audited' })
  })

  it('keeps accepted failures in sight without calling them failing or good', () => {
    const sample = sampleRun()
    const finding = first(sample.findings)
    const accepted = [{ finding, until: sample.endedAt, reason: 'known', approver: 'Kim' }]
    const base = goodRun({ snapshots: sample.snapshots, accepted, verdicts: sample.verdicts })
    expect(headline(base)).toMatchObject({ tone: 'open', word: 'Accepted' })
    // Another index of the same snapshot fails too: nobody answers for that one.
    const other = sample.verdicts.map(row => (row.index === 'products' ? { ...row, verdict: 'fail' as const } : row))
    expect(headline({ ...base, verdicts: other }).tone).toBe('failing')
  })
})
