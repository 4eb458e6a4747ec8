/** The dated price table, `config/prices.yaml` or a user's own: read, checked like the configuration, one value. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { describeError, SnapproofError } from '../errors.ts'
import { type PriceTable, transferRoutes } from '../model/cost.ts'
import { parseConfigDocument } from './document.ts'
import { valueAt } from './layers.ts'
import { configurationError, dottedPath, gotAllowed, type Problem } from './problems.ts'
import { parseDate } from './units.ts'

/** Ours. This file is in src/config or dist/config. */
export const defaultPricesFile = fileURLToPath(new URL('../../config/prices.yaml', import.meta.url))

const amountAllowed = 'a number of USD from 0 to 1000000'
const usd = z.number({ error: amountAllowed }).min(0, { error: amountAllowed }).max(1_000_000, { error: amountAllowed })
const quantityAllowed = 'a number from 0 to 1000000'
const quantity = z
  .number({ error: quantityAllowed })
  .min(0, { error: quantityAllowed })
  .max(1_000_000, { error: quantityAllowed })
const dateAllowed = 'an ISO date such as 2026-03-31'
const date = z
  .string({ error: dateAllowed })
  .refine(text => text.length === 10 && parseDate(text) !== null, { error: dateAllowed })
const textAllowed = 'a text of 1 to 500 characters'
const text = z.string({ error: textAllowed }).min(1, { error: textAllowed }).max(500, { error: textAllowed })
const wholeSecondsAllowed = 'a whole number of seconds from 1 to 86400'
const wholeSeconds = z
  .int({ error: wholeSecondsAllowed })
  .min(1, { error: wholeSecondsAllowed })
  .max(86_400, { error: wholeSecondsAllowed })

function mapping<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, { error: `a mapping with the keys ${Object.keys(shape).join(', ')}` })
}

/** Where a line comes from; without a date of its own it has that of the table. */
const origin = { source: text, asOf: date.optional() }
const line = mapping({ usd, ...origin })
const storageClass = mapping({ storageGbMonth: usd, put1000: usd, get1000: usd, retrievalGb: usd, ...origin })
const compute = mapping({
  billedSeconds: wholeSeconds,
  parts: z
    .array(mapping({ what: text, quantity, usd }), { error: 'a list of parts' })
    .min(1, { error: 'at least one part' }),
  ...origin,
})
const routes = Object.fromEntries(transferRoutes.map(route => [route, line])) as Record<
  (typeof transferRoutes)[number],
  typeof line
>
const priceSchema = mapping({
  currency: z.literal('USD', { error: 'USD' }),
  region: text,
  asOf: date,
  storageClasses: z
    .record(text, storageClass, { error: 'a mapping from storage class to its prices' })
    .refine(classes => Object.hasOwn(classes, 'STANDARD'), { error: 'at least STANDARD' }),
  list1000: line,
  kms10000: line,
  transferGb: mapping(routes),
  compute: z.record(text, compute, { error: 'a mapping from name to the price of a machine' }),
  month: mapping({ metric: line, alarm: line, compositeAlarm: line, dashboard: line, kmsKey: line }),
})

/** @throws SnapproofError `configuration` with everything that is wrong in the file, or when it cannot be read */
export function readPriceTable(file: string = defaultPricesFile): PriceTable {
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch (error) {
    throw new SnapproofError('configuration', `cannot read the price table ${file}: ${describeError(error)}`, {
      advice: 'costs.prices names a file like config/prices.yaml; without it that one is used.',
      cause: error,
    })
  }
  return parsePriceTable(file, content)
}

/** `file`: for messages. @throws SnapproofError `configuration` */
export function parsePriceTable(file: string, content: string): PriceTable {
  const document = parseConfigDocument(file, content)
  if (document.problems.length > 0) throw configurationError(document.problems)
  const found = priceSchema.safeParse(document.value)
  if (!found.success) {
    const problems = found.error.issues.flatMap((issue): Problem[] => {
      const keys = issue.code === 'unrecognized_keys' ? issue.keys : [null]
      return keys.map(key => {
        const path = key === null ? issue.path : [...issue.path, key]
        const place = document.locate(path, key === null ? 'value' : 'key')
        const message = key === null ? gotAllowed(valueAt(document.value, path), issue.message) : 'no such key'
        return { ...place, path: dottedPath(path), message }
      })
    })
    throw configurationError(problems)
  }
  return dated(found.data)
}

function dated(table: z.output<typeof priceSchema>): PriceTable {
  const withDate = <Line extends { readonly asOf?: string | undefined }>(
    one: Line,
  ): Line & { readonly asOf: string } => ({
    ...one,
    asOf: one.asOf ?? table.asOf,
  })
  const all = <Key extends string, Line extends { readonly asOf?: string | undefined }>(lines: Record<Key, Line>) =>
    Object.fromEntries(Object.entries<Line>(lines).map(([key, one]) => [key, withDate(one)])) as Record<
      Key,
      Line & { readonly asOf: string }
    >
  return {
    ...table,
    storageClasses: all(table.storageClasses),
    list1000: withDate(table.list1000),
    kms10000: withDate(table.kms10000),
    transferGb: all(table.transferGb),
    compute: all(table.compute),
    month: all(table.month),
  }
}
