/** A bill as people read it: forecast beside measured, line by line. For the report, the summary, and `plan`. */
import type { BillLine, CostTerms, UsageBill } from '../model/cost.ts'
import { count, figures } from './format.ts'

export interface CostRow {
  readonly label: string
  readonly unit: BillLine['unit']
  /** `0.005 for 1,000`, `0.01 a GB`; `unknown`. */
  readonly price: string
  /** Null: the side as a whole is not known. */
  readonly forecast: Pick<BillLine, 'quantity' | 'amount'> | null
  readonly measured: Pick<BillLine, 'quantity' | 'amount'> | null
}

type Terms = Pick<CostTerms, 'compute' | 'transfer' | 'kms'>

/** Every line that either side has; a side without the line used nothing of it. */
export function costRows(forecast: UsageBill | null, measured: UsageBill | null, terms: Terms): CostRow[] {
  const lines = new Map<string, BillLine>()
  for (const side of [forecast, measured])
    for (const line of side?.bill.lines ?? []) if (!lines.has(line.line)) lines.set(line.line, line)
  const of = (side: UsageBill | null, line: string) =>
    side === null ? null : (side.bill.lines.find(one => one.line === line) ?? { quantity: 0, amount: 0 })
  return [...lines.values()].map(line => ({
    label: costLabel(line.line, terms),
    unit: line.unit,
    price: priceText(line),
    forecast: of(forecast, line.line),
    measured: of(measured, line.line),
  }))
}

export function costLabel(line: string, { compute, transfer, kms }: Terms): string {
  const [kind = '', storageClass = ''] = line.split(' ')
  switch (kind) {
    case 'list':
      return 'LIST'
    case 'put':
      return 'PUT'
    case 'read':
      return `GET and HEAD, ${storageClass}`
    case 'retrieval':
      return `Retrieved from ${storageClass}`
    case 'kms':
      return kms === 'bucket-key' ? 'KMS, with bucket keys (assumed: 1 in 100 requests)' : 'KMS, for every object'
    case 'transfer':
      return `Transfer, ${transfer}`
    case 'compute':
      return compute === null ? 'Machine, none is named' : `Machine, ${compute}`
    default:
      return line
  }
}

/** `0.0203 USD`, `1,204.50 USD`, `< 0.0001 USD`. Null: `unknown`. */
export function usd(value: number | null): string {
  if (value === null) return 'unknown'
  if (value === 0) return '0 USD'
  if (value < 0.0001) return '< 0.0001 USD'
  return `${value < 1 ? value.toFixed(4) : grouped(value.toFixed(2))} USD`
}

/** `170 requests`, `0.000199 GB`, `0.0167 hours`. */
export function quantityText(value: number, unit: BillLine['unit']): string {
  const text = unit === 'requests' || value === 0 || value >= 1000 ? count(value) : figures(value)
  return `${text} ${unit}`
}

/** `list prices of us-east-1, 2025-06-30`, and what is not in the sum. */
export function pricesText({ prices, compute, store }: CostTerms, unknown: readonly string[]): string {
  const left = [
    compute === null && 'the machine (costs.compute names none)',
    store === 'file' && 'requests (the repository is a folder)',
    ...unknown.filter(line => line !== 'compute').map(line => `${line} (no price)`),
  ].filter(part => part !== false)
  return `list prices of ${prices.region}, ${prices.asOf}${left.length === 0 ? '' : `; without ${left.join(', ')}`}`
}

function priceText({ usd, per, unit }: BillLine): string {
  if (usd === null) return 'unknown'
  return `${trimmed(usd)} ${per > 1 ? `for ${count(per)}` : unit === 'hours' ? 'an hour' : `a ${unit}`}`
}

/** Without zeros at the end, and never with an exponent. */
function trimmed(value: number): string {
  return value.toFixed(8).replace(/\.?0+$/, '')
}

function grouped(text: string): string {
  const [whole = '', rest = ''] = text.split('.')
  return `${count(Number(whole))}.${rest}`
}
