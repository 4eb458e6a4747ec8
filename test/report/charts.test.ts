import { describe, expect, it } from 'vitest'
import { chart, debtChart, restoreChart } from '../../src/report/charts.ts'
import { first, goodRun, sampleRun } from '../support/runs.ts'

const rects = (svg: string, className: string) =>
  [
    ...svg.matchAll(
      new RegExp(`<rect class="${className}" x="([\\d.]+)" width="([\\d.]+)" y="([\\d.]+)" height="([\\d.]+)"`, 'g'),
    ),
  ].map(match => match.slice(1).map(Number))

describe('debtChart', () => {
  it('draws a bar for each earlier night and for this one, as high as its debt', () => {
    const run = sampleRun()
    const bars = rects(debtChart(run).drawing.toString(), 'series-debt')
    const debts = [...run.history.map(night => night.debtContents), run.debt.contents]
    expect(bars).toHaveLength(debts.length)
    const unit = (bars[0]?.[3] ?? 0) / (debts[0] ?? 1)
    for (const [i, debt] of debts.entries()) expect(bars[i]?.[3]).toBeCloseTo(debt * unit, 0)
  })

  it('draws the first night and a night without debt', () => {
    const drawing = debtChart(goodRun({ history: [], restores: [] })).drawing.toString()
    expect(rects(drawing, 'series-debt')).toHaveLength(1)
    expect(drawing).not.toMatch(/NaN|undefined/)
  })

  it('keeps to the last sixty nights', () => {
    const night = first(sampleRun().history)
    const run = goodRun({ history: Array.from({ length: 500 }, (_, i) => ({ ...night, debtContents: i })) })
    const value = debtChart(run)
    expect(rects(value.drawing.toString(), 'series-debt')).toHaveLength(60)
    expect(value.description).toContain('60 runs')
    expect(value.data.toString()).toContain('>499<')
    expect(value.data.toString()).not.toContain('>440<')
  })
})

describe('restoreChart', () => {
  it('stacks the parts of each restore end to end, longest first', () => {
    const drawing = restoreChart(sampleRun()).drawing.toString()
    const [mirror, restore] = [rects(drawing, 'series-mirror'), rects(drawing, 'series-restore')]
    expect(mirror).toHaveLength(sampleRun().restores.length)
    for (const [i, [x = 0, width = 0]] of mirror.entries()) expect(restore[i]?.[0]).toBeCloseTo(x + width, 1)
    expect((mirror[0]?.[1] ?? 0) + (restore[0]?.[1] ?? 0)).toBeGreaterThan(
      (mirror.at(-1)?.[1] ?? 0) + (restore.at(-1)?.[1] ?? 0),
    )
  })

  it('draws twenty at most, and says so; the table holds the rest', () => {
    const row = first(sampleRun().restores)
    const restores = Array.from({ length: 45 }, (_, i) => ({ ...row, index: `index-${i}-` }))
    const value = restoreChart(goodRun({ restores }))
    expect(rects(value.drawing.toString(), 'series-mirror')).toHaveLength(20)
    expect(value.description).toContain('the 20 longest drawn')
    expect(new Set(value.data.toString().match(/index-\d+-/g)).size).toBe(45)
  })

  it('draws restores that took no time at all', () => {
    const row = { ...first(sampleRun().restores), seconds: { mirror: 0, restore: 0, questions: 0 } }
    expect(chart(restoreChart(goodRun({ restores: [row] }))).toString()).not.toMatch(/NaN|undefined|Infinity/)
  })
})
