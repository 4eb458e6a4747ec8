/**
 * Quantities × prices → money, line by line. Pure; what is forecast and what is measured go through the same functions, so that
 * the two can be compared.
 */
import {
  allReads,
  type Bill,
  type BillLine,
  type ComputePrices,
  type CostConfig,
  type CostTerms,
  type KmsUse,
  type ReadUsage,
  type Usage,
  type UsageBill,
} from '../model/cost.ts'

const gigabyte = 1e9
/** With bucket keys S3 asks KMS for up to 99 % less: "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys", S3 user guide. */
const readsPerKmsRequest: Readonly<Record<KmsUse, number>> = { none: Infinity, 'bucket-key': 100, 'every-object': 1 }
/** Of objects that the listing gives no class. */
const usualClass = 'STANDARD'

export const nothingUsed: Usage = { list: 0, put: 0, reads: {}, seconds: 0 }

/** Counters of stores: all requests, and of `reads` those whose class is not STANDARD. */
export interface Counted {
  readonly list: number
  readonly get: number
  readonly head: number
  readonly put: number
  readonly bytesRead: number
  readonly reads?: Readonly<Record<string, ReadUsage>>
}

/** A copy: the counters go on. */
export function usageOf(counts: Counted, seconds: number): Usage {
  const reads = Object.fromEntries(
    Object.entries(counts.reads ?? {})
      .filter(([name]) => name !== usualClass)
      .map(([name, { requests, bytes }]) => [name, { requests, bytes }]),
  )
  const others = sumReads(Object.values(reads))
  // Everything else: STANDARD, requests that failed, the bucket itself.
  const usual = {
    requests: Math.max(0, counts.get + counts.head - others.requests),
    bytes: Math.max(0, counts.bytesRead - others.bytes),
  }
  return { list: counts.list, put: counts.put, reads: withoutEmpty({ [usualClass]: usual, ...reads }), seconds }
}

export function addUsage(...usages: readonly Usage[]): Usage {
  const reads = new Map<string, ReadUsage>()
  for (const usage of usages)
    for (const [name, read] of Object.entries(usage.reads)) reads.set(name, sumReads([reads.get(name) ?? none, read]))
  return {
    list: sumOf(usages, usage => usage.list),
    put: sumOf(usages, usage => usage.put),
    reads: Object.fromEntries([...reads].sort(([a], [b]) => (a < b ? -1 : 1))),
    seconds: sumOf(usages, usage => usage.seconds),
  }
}

/** What was used since `before`; never below zero. */
export function usageSince(before: Usage, now: Usage): Usage {
  const reads = Object.entries(now.reads).map(([name, { requests, bytes }]) => {
    const old = before.reads[name] ?? none
    return [name, { requests: Math.max(0, requests - old.requests), bytes: Math.max(0, bytes - old.bytes) }] as const
  })
  return {
    list: Math.max(0, now.list - before.list),
    put: Math.max(0, now.put - before.put),
    reads: withoutEmpty(Object.fromEntries(reads)),
    seconds: Math.max(0, now.seconds - before.seconds),
  }
}

export function termsOf({ prices, ...rest }: CostConfig): CostTerms {
  const { currency, region, asOf } = prices
  return { ...rest, prices: { currency, region, asOf } }
}

export function withBill(usage: Usage, costs: CostConfig): UsageBill {
  return { usage, bill: billOf(usage, costs) }
}

export function billOf(usage: Usage, costs: CostConfig): Bill {
  const lines = [...(costs.store === 's3' ? storeLines(usage, costs) : []), computeLine(usage.seconds, costs)]
  return {
    lines,
    usd: sumOf(lines, line => line.amount ?? 0),
    unknown: lines.filter(line => line.amount === null && line.quantity > 0).map(({ line }) => line),
  }
}

/** USD for an hour; null: no machine is configured, or none of that name has a price. */
export function computeHour({ compute, prices }: Pick<CostConfig, 'compute' | 'prices'>): number | null {
  const machine = machineOf({ compute, prices })
  return machine === null ? null : sumOf(machine.parts, ({ quantity, usd }) => quantity * usd)
}

function storeLines(usage: Usage, { prices, kms, transfer }: CostConfig): BillLine[] {
  const { storageClasses, list1000, kms10000, transferGb } = prices
  const classes = Object.entries(usage.reads)
  const all = allReads(usage)
  const asked = Math.ceil((all.requests + usage.put) / readsPerKmsRequest[kms])
  return [
    lineOf('list', usage.list, 'requests', 1000, list1000.usd),
    // The ledger and the reports: what we write is STANDARD.
    lineOf('put', usage.put, 'requests', 1000, storageClasses[usualClass]?.put1000 ?? null),
    ...classes.map(([name, { requests }]) =>
      lineOf(`read ${name}`, requests, 'requests', 1000, storageClasses[name]?.get1000 ?? null),
    ),
    ...classes
      .filter(([name]) => storageClasses[name]?.retrievalGb !== 0)
      .map(([name, { bytes }]) =>
        lineOf(`retrieval ${name}`, bytes / gigabyte, 'GB', 1, storageClasses[name]?.retrievalGb ?? null),
      ),
    ...(kms === 'none' ? [] : [lineOf('kms', asked, 'requests', 10_000, kms10000.usd)]),
    lineOf('transfer', all.bytes / gigabyte, 'GB', 1, transferGb[transfer].usd),
  ]
}

function computeLine(seconds: number, costs: CostConfig): BillLine {
  const step = machineOf(costs)?.billedSeconds ?? 1
  return lineOf('compute', (Math.ceil(seconds / step) * step) / 3600, 'hours', 1, computeHour(costs))
}

function machineOf({ compute, prices }: Pick<CostConfig, 'compute' | 'prices'>): ComputePrices | null {
  return compute === null ? null : (prices.compute[compute] ?? null)
}

function lineOf(line: string, quantity: number, unit: BillLine['unit'], per: number, usd: number | null): BillLine {
  return { line, quantity, unit, per, usd, amount: usd === null ? null : (quantity / per) * usd }
}

const none: ReadUsage = { requests: 0, bytes: 0 }

function sumReads(reads: readonly ReadUsage[]): ReadUsage {
  return { requests: sumOf(reads, read => read.requests), bytes: sumOf(reads, read => read.bytes) }
}

function withoutEmpty(reads: Readonly<Record<string, ReadUsage>>): Record<string, ReadUsage> {
  return Object.fromEntries(Object.entries(reads).filter(([, { requests, bytes }]) => requests > 0 || bytes > 0))
}

function sumOf<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0)
}
