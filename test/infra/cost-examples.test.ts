/** The examples of the chapter Costs: by the program's own functions, and in the order that anybody expects. */
import { expect, test } from 'vitest'
import { assumptions, catchUp, costExamples, standingMonth, steadyNight } from '../../infra/local/cost-examples.ts'
import { readPriceTable } from '../../src/config/prices.ts'
import { metrics } from '../../src/metrics/names.ts'
import { allReads, type CostConfig } from '../../src/model/cost.ts'
import { billOf } from '../../src/plan/cost.ts'

const costs: CostConfig = {
  prices: readPriceTable(),
  compute: 'codebuild-large',
  transfer: 'same-region',
  kms: 'bucket-key',
  store: 's3',
}

test('a catch-up reads every byte once, and a steady night a small part', () => {
  const stored = 2 ** 40
  expect(allReads(catchUp(1)).bytes / stored).toBeCloseTo(1, 2)
  expect(allReads(catchUp(1)).requests).toBeGreaterThan(stored / assumptions.blobBytes)
  expect(allReads(steadyNight(1)).bytes / stored).toBeLessThan(0.05)
})

test('more is dearer: size, catch-up before steady night, colder classes', () => {
  for (const tib of [1, 10]) {
    expect(billOf(catchUp(tib * 10), costs).usd).toBeGreaterThan(billOf(catchUp(tib), costs).usd)
    expect(billOf(catchUp(tib), costs).usd).toBeGreaterThan(billOf(steadyNight(tib), costs).usd)
    expect(billOf(catchUp(tib, 'STANDARD_IA'), costs).usd).toBeGreaterThan(billOf(catchUp(tib), costs).usd)
  }
})

test('the retrieval of 10 TiB by hand: 10 × 2^40 bytes, a cent for 10^9', () => {
  const line = billOf(catchUp(10, 'STANDARD_IA'), costs).lines.find(one => one.line === 'retrieval STANDARD_IA')
  expect(line?.amount).toBeGreaterThan(109.95)
  expect(line?.amount).toBeLessThan(110.05)
})

test('what stands between the nights by hand', () => {
  const { usd, text } = standingMonth()
  expect(usd).toBeCloseTo(Object.keys(metrics).length * 0.3 + 8 * 0.1 + 2 * 0.5 + 3 + 2, 6)
  expect(text).toContain('8 alarms × 0.10')
})

test('the sums of the text are those of the functions', () => {
  const text = costExamples()
  for (const tib of [1, 10, 60]) {
    const usd = billOf(catchUp(tib), costs).usd
    expect(text).toContain(`**${usd.toFixed(2)} USD**`)
  }
})
