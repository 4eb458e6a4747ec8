/** The price table that is shipped, tables of users, and what a configuration says of them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { defaultPricesFile, parsePriceTable, readPriceTable } from '../../src/config/prices.ts'

const shipped = readFileSync(defaultPricesFile, 'utf8')

describe('config/prices.yaml', () => {
  const table = readPriceTable()

  test('is dated and says where each line is from', () => {
    expect(table.asOf).toMatch(/^20\d\d-\d\d-\d\d$/)
    const lines = [
      ...Object.values(table.storageClasses),
      ...Object.values(table.transferGb),
      ...Object.values(table.compute),
      ...Object.values(table.month),
      table.list1000,
      table.kms10000,
    ]
    expect(lines.length).toBeGreaterThan(20)
    for (const { source, asOf } of lines) {
      expect(source).toMatch(/^https:\/\/aws\.amazon\.com\/.+\/pricing\//)
      expect(asOf).toBe(table.asOf)
    }
  })

  test('tells its reader to check it', () => {
    expect(shipped).toContain('from memory')
    expect(shipped).toContain('CHECK THEM')
  })

  // So written on the price page of S3: colder classes cost more to read.
  test('has the order of the classes', () => {
    const { STANDARD, STANDARD_IA, GLACIER_IR } = table.storageClasses
    expect(STANDARD?.get1000).toBeLessThan(STANDARD_IA?.get1000 ?? 0)
    expect(STANDARD_IA?.retrievalGb).toBeLessThan(GLACIER_IR?.retrievalGb ?? 0)
    expect(table.storageClasses.INTELLIGENT_TIERING?.retrievalGb).toBe(0)
    expect(table.transferGb['same-region'].usd).toBe(0)
  })
})

describe('a table of a user', () => {
  test('may date a line of its own', () => {
    const text = shipped.replace('kms10000: { usd: 0.03,', 'kms10000: { usd: 0.04, asOf: 2026-02-01,')
    expect(parsePriceTable('mine.yaml', text).kms10000).toMatchObject({ usd: 0.04, asOf: '2026-02-01' })
  })

  test.each([
    [
      'a price below zero',
      'usd: 0.03,',
      'usd: -1,',
      /mine\.yaml:\d+:\d+: kms10000\.usd: got -1; allowed: a number of USD/,
    ],
    ['another currency', 'currency: USD', 'currency: EUR', /currency: got "EUR"; allowed: USD/],
    ['no date', 'asOf: 2025-06-30', 'asOf: last summer', /asOf: got "last summer"; allowed: an ISO date/],
    ['an unknown key', 'get1000: 0.0004', 'get100: 0.0004', /storageClasses\.STANDARD\.get100: no such key/],
    ['no STANDARD', '  STANDARD:', '  STANDAR:', /at least STANDARD/],
    ['no YAML', 'currency: USD', 'currency: [', /not YAML/],
  ])('is refused: %s', (_, before, after, message) => {
    expect(() => parsePriceTable('mine.yaml', shipped.replace(before, after))).toThrow(message)
  })
})

describe('costs in a configuration', () => {
  const file = (more: string) => `
repository: { name: a, url: 's3://bucket/a' }
ledger: { sync: none }
engines: [{ name: a, kind: maven, version: 9.5.3 }]
${more}`
  const load = (more: string, environment: Record<string, string> = {}) =>
    loadConfig({ file: join(import.meta.dirname, 'a.yaml'), environment, readFile: async () => file(more) })

  test('the limit takes fractions, from the environment too', async () => {
    expect((await load('limits: { costUsd: 0.75 }')).limits.costUsd).toBe(0.75)
    expect((await load('', { SNAPPROOF_LIMITS_COST_USD: '2.50' })).limits.costUsd).toBe(2.5)
    expect((await load('limits: { costUsd: 1 }', { SNAPPROOF_LIMITS_COST_USD: 'none' })).limits.costUsd).toBeNull()
  })

  test.each(['0', '-1', '"2 USD"', '.inf'])('the limit refuses %s', async value => {
    await expect(load(`limits: { costUsd: ${value} }`)).rejects.toThrow(/limits\.costUsd: .*allowed: an amount of USD/)
  })

  test('a table is found from the folder of the file', async () => {
    const { costs } = await load('costs: { prices: ../../config/prices.yaml, compute: codebuild-large }')
    expect(costs).toMatchObject({ compute: 'codebuild-large', store: 's3', prices: { region: 'us-east-1' } })
  })

  test('a machine that the table does not know is refused with those that it knows', async () => {
    await expect(load('costs: { compute: mainframe }')).rejects.toThrow(
      /a\.yaml:5:\d+: costs\.compute: got "mainframe"; allowed: codebuild-small, /,
    )
  })

  test('a table that is not there is named', async () => {
    await expect(load('costs: { prices: nowhere.yaml }')).rejects.toThrow(/cannot read the price table .*nowhere\.yaml/)
  })
})
