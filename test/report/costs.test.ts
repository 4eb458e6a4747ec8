/** Forecast beside measured: what is not known says so, and old runs are drawn as before. */
import { describe, expect, it } from 'vitest'
import type { RunCosts } from '../../src/model/run.ts'
import { costRows, quantityText, usd } from '../../src/report/costLines.ts'
import { costsSection } from '../../src/report/costs.ts'
import { parseRun, serializeRun } from '../../src/report/run-json.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { sampleRun } from '../support/runs.ts'

const read = (markup: { toString(): string } | false) =>
  String(markup)
    .replace(/<[^>]*>/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/\s+/g, ' ')
const run = sampleRun()
const costs = run.costs as RunCosts

describe('costs in the report', () => {
  it('shows both sides, each line with quantity, price and amount', () => {
    const text = read(costsSection(run))
    expect(text).toContain('0.2146 USD measured, 0.2346 USD forecast')
    expect(text).toContain('2.50 USD allowed')
    expect(text).toContain('list prices of us-east-1, 2025-06-30')
    expect(text).toContain('Requests 559 561')
    expect(text).toContain('Retrieved from STANDARD_IA 0.0340 USD 3.40 GB 0.0340 USD 3.40 GB 0.01 a GB')
    expect(text).toContain('Machine, codebuild-large 0.2000 USD 0.167 hours 0.1800 USD 0.150 hours 1.2 an hour')
  })

  it('calls unknown what nobody measured or forecast', () => {
    const text = read(costsSection({ ...run, costs: { ...costs, measured: null }, forecast: null }))
    expect(text).toContain('unknown measured, unknown forecast')
    expect(text).toContain('Several machines worked')
  })

  it('says what is not in the sum', () => {
    const text = read(costsSection({ ...run, costs: { ...costs, compute: null, store: 'file' } }))
    expect(text).toContain('without the machine (costs.compute names none), requests (the repository is a folder)')
  })

  it('is left out of a run that knew nothing of costs, which is still read', () => {
    const { costs: _, ...old } = run
    const { costUsd: __, ...limits } = old.limits
    const parsed = parseRun(serializeRun({ ...old, limits }))
    expect(costsSection(parsed)).toBe(false)
    expect(renderSummary(parsed)).not.toContain('cost ')
  })

  it('is read back as it was written, and refused where it is not what it must be', () => {
    expect(parseRun(serializeRun(run)).costs).toEqual(costs)
    const bad = { ...run, costs: { ...costs, transfer: 'pigeon' } }
    expect(() => parseRun(JSON.stringify(bad))).toThrow(/costs\.transfer must be one of same-region/)
    const text = serializeRun(run).replace('"requests": 418', '"requests": -1')
    expect(() => parseRun(text)).toThrow(/costs\.measured\.usage\.reads\.STANDARD_IA\.requests must be a number/)
  })
})

describe('in the summary', () => {
  it('is one line', () => {
    expect(renderSummary(run)).toContain(
      '  cost         0.2146 USD, 0.2346 USD forecast (list prices of us-east-1, 2025-06-30)\n',
    )
  })
})

describe('words', () => {
  it.each([
    [null, 'unknown'],
    [0, '0 USD'],
    [0.00001, '< 0.0001 USD'],
    [0.02, '0.0200 USD'],
    [12.345, '12.35 USD'],
    [1234567.891, '1,234,567.89 USD'],
  ])('usd %s', (value, text) => expect(usd(value)).toBe(text))

  it.each([
    [1234.4, 'requests', '1,234 requests'],
    [0, 'GB', '0 GB'],
    [0.000199, 'GB', '0.000199 GB'],
    [0.0000000001, 'GB', '0.00000000 GB'],
    [3.4, 'GB', '3.40 GB'],
    [0.25, 'hours', '0.250 hours'],
  ] as const)('quantity %s %s', (value, unit, text) => expect(quantityText(value, unit)).toBe(text))

  it('a side without a line used nothing of it', () => {
    const side = costs.measured
    if (side === null) throw new Error('the sample is measured')
    const none = { ...side, bill: { ...side.bill, lines: [] } }
    for (const row of costRows(none, side, costs)) expect(row.forecast).toEqual({ quantity: 0, amount: 0 })
    for (const row of costRows(null, side, costs)) expect(row.forecast).toBeNull()
  })
})
