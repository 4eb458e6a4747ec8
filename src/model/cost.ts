/** What a run uses that somebody bills, what it costs by the list, and the sum. Plain values; `plan/cost.ts` does the arithmetic. */

/** Requests that read (GET, HEAD) and the bytes that they brought. */
export interface ReadUsage {
  readonly requests: number
  readonly bytes: number
}

/** Quantities that are billed; requests with every attempt, as the store counts them. */
export interface Usage {
  readonly list: number
  readonly put: number
  /** By storage class of the object. */
  readonly reads: Readonly<Record<string, ReadUsage>>
  /** Of the machine. */
  readonly seconds: number
}

export function allReads({ reads }: Usage): ReadUsage {
  const all = Object.values(reads)
  return {
    requests: all.reduce((sum, read) => sum + read.requests, 0),
    bytes: all.reduce((sum, read) => sum + read.bytes, 0),
  }
}

/** A store may call a class anything; names that are none are one class, which has no price. */
export function billedClass(name: string | null | undefined): string {
  if (name === null || name === undefined) return 'STANDARD'
  return /^[A-Z][A-Z0-9_]{0,39}$/.test(name) ? name : 'OTHER'
}

export interface StorageClassPrices {
  /** USD for a GB of 10^9 bytes kept for a month. */
  readonly storageGbMonth: number
  /** USD for 1,000 PUT. */
  readonly put1000: number
  /** USD for 1,000 GET or HEAD. */
  readonly get1000: number
  /** USD for a GB of 10^9 bytes read. */
  readonly retrievalGb: number
  readonly source: string
  readonly asOf: string
}

export interface UnitPrice {
  readonly usd: number
  readonly source: string
  readonly asOf: string
}

export interface ComputePrices {
  /** What an hour of the machine is made of; its price is the sum of `quantity × usd`. */
  readonly parts: readonly { readonly what: string; readonly quantity: number; readonly usd: number }[]
  /** Time is billed in steps of so many seconds. */
  readonly billedSeconds: number
  readonly source: string
  readonly asOf: string
}

/** How the bytes reach the machine. */
export const transferRoutes = ['same-region', 'nat', 'other-region', 'internet'] as const
export type TransferRoute = (typeof transferRoutes)[number]

/** How often the objects' KMS key is asked. */
export const kmsUses = ['none', 'bucket-key', 'every-object'] as const
export type KmsUse = (typeof kmsUses)[number]

/** Dated list prices; `config/prices.yaml` holds ours. */
export interface PriceTable {
  readonly currency: 'USD'
  readonly region: string
  /** ISO date. */
  readonly asOf: string
  readonly storageClasses: Readonly<Record<string, StorageClassPrices>>
  /** USD for 1,000 LIST, whatever the class. */
  readonly list1000: UnitPrice
  /** USD for 10,000 requests to KMS. */
  readonly kms10000: UnitPrice
  /** USD for a GB of 10^9 bytes. */
  readonly transferGb: Readonly<Record<TransferRoute, UnitPrice>>
  readonly compute: Readonly<Record<string, ComputePrices>>
  /** USD a month for what stands between the nights. */
  readonly month: Readonly<Record<'metric' | 'alarm' | 'compositeAlarm' | 'dashboard' | 'kmsKey', UnitPrice>>
}

/** The part of the configuration that says what a run costs. */
export interface CostConfig {
  readonly prices: PriceTable
  /** Name in `prices.compute`; null: the machine is not counted. */
  readonly compute: string | null
  readonly transfer: TransferRoute
  readonly kms: KmsUse
  /** `file`: nobody bills requests and bytes. */
  readonly store: 's3' | 'file'
}

/** What a bill says of itself: `CostConfig` without the prices. */
export interface CostTerms extends Omit<CostConfig, 'prices'> {
  readonly prices: Pick<PriceTable, 'currency' | 'region' | 'asOf'>
}

/** One line of a bill: `amount = quantity / per × usd`. */
export interface BillLine {
  /** Stable: `list`, `put`, `read STANDARD_IA`, `retrieval STANDARD_IA`, `kms`, `transfer`, `compute`. */
  readonly line: string
  readonly quantity: number
  readonly unit: 'requests' | 'GB' | 'hours'
  readonly per: number
  /** Price of `per` units; null: the table has none. */
  readonly usd: number | null
  readonly amount: number | null
}

export interface Bill {
  readonly lines: readonly BillLine[]
  /** Sum of the amounts that are known. */
  readonly usd: number
  /** Lines whose price is not known, and `compute` where no machine is configured: not in the sum. */
  readonly unknown: readonly string[]
}

export interface UsageBill {
  readonly usage: Usage
  readonly bill: Bill
}

export interface NightForecast extends UsageBill {
  /** What the sum is made of. `look`: measured while planning. */
  readonly parts: Readonly<Record<'look' | 'bytes' | 'restores' | 'end', Usage>>
  /** What the assumptions rest on: `measured` rates of the ledger or `assumed` ones. */
  readonly basis: 'measured' | 'assumed'
  /** Planned contents that `limits.costUsd` would leave, by this forecast; 0 without a limit. */
  readonly contentsBeyondLimit: number
}
