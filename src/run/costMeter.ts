/** What this run has used until now, and whether it may use more. */
import type { RequestCounts } from '../blobs/port.ts'
import type { DueFile } from '../check/fileProof.ts'
import type { Log } from '../log.ts'
import type { AuditConfig } from '../model/config.ts'
import { billedClass, type ReadUsage, type Usage } from '../model/cost.ts'
import type { Group, Plan } from '../model/plan.ts'
import { addUsage, billOf, nothingUsed, usageOf } from '../plan/cost.ts'
import { beyondLimit, usageOfEnd, type WritesTo } from '../plan/nightForecast.ts'
import type { Clock } from '../time.ts'
import type { Survey } from './survey.ts'
import type { WorkOptions } from './work.ts'

export interface CostMeter {
  /** Since the run began. */
  used(): Usage
  /** Nothing more can be begun: what was used and the end of the night cost as much as the limit. Never without a limit. */
  isOver(): boolean
  /** Of a file whose bytes are to be read: at most half of the limit, the other half is for restores. A yes is counted. */
  affords(file: DueFile): boolean
  /** Bytes that `affords` said yes to, by storage class. */
  afforded(): Record<string, ReadUsage>
}

export interface CostMeterOptions {
  readonly counts: RequestCounts
  readonly config: Pick<AuditConfig, 'costs' | 'ledger' | 'output'>
  readonly clock: Clock
  /** USD; null: none. */
  readonly limitUsd: number | null
}

export function writesToOf({ ledger, output }: CostMeterOptions['config']): WritesTo {
  return { ledger: ledger.store !== null, output: output.store !== null, leaseSeconds: ledger.leaseSeconds }
}

export function costMeter({ counts, config, clock, limitUsd }: CostMeterOptions): CostMeter {
  const { costs } = config
  const startedMs = clock.monotonicMs()
  const writesTo = writesToOf(config)
  const dueReads = new Map<string, ReadUsage>()
  /** Used when the first file was asked for: what is in flight is not in the counters yet. */
  let base: Usage | null = null
  const used = () => usageOf(counts, (clock.monotonicMs() - startedMs) / 1000)
  const afforded = () => Object.fromEntries(dueReads)
  const costOf = (usage: Usage) => billOf(addUsage(usage, usageOfEnd(usage.seconds, writesTo)), costs).usd
  return {
    used,
    afforded,
    isOver: () => limitUsd !== null && costOf(used()) >= limitUsd,
    affords({ bytes, requests, storageClass }) {
      const name = billedClass(storageClass)
      const file: Usage = { ...nothingUsed, reads: { [name]: { requests, bytes } } }
      if (limitUsd !== null) {
        const now = used()
        base ??= now
        const reserved: Usage = { ...addUsage(base, { ...nothingUsed, reads: afforded() }), seconds: now.seconds }
        const cost = Math.max(costOf(addUsage(now, file)), costOf(addUsage(reserved, file)))
        if (cost > limitUsd / 2) return false
      }
      const before = dueReads.get(name) ?? { requests: 0, bytes: 0 }
      dueReads.set(name, { requests: before.requests + requests, bytes: before.bytes + bytes })
      return true
    },
  }
}

export interface CostGateOptions extends Omit<CostMeterOptions, 'counts' | 'clock'> {
  readonly meter: Pick<CostMeter, 'used'>
  readonly plan: Plan
  readonly usage: Survey['usage']
  readonly log: Log
}

/**
 * Decides before each group, by what was measured until then: with the group's own forecast, what is left to do for the group beside
 * it, and the end of the night, the run must stay within its limit.
 */
export function costGate({
  meter,
  config,
  limitUsd,
  plan,
  usage,
  log,
}: CostGateOptions): NonNullable<WorkOptions['mayBegin']> {
  if (limitUsd === null) return () => null
  const writesTo = writesToOf(config)
  const usageOfGroup = (group: Group) => usage.groups[plan.groups.indexOf(group)] ?? nothingUsed
  return (group, beside) => {
    const used = meter.used()
    // Their blobs are here and counted; what is left of them is time.
    const seconds = beside.reduce((sum, one) => sum + usageOfGroup(one).seconds, 0)
    const rest = { ...nothingUsed, seconds }
    const certain = addUsage(used, rest)
    const spent = addUsage(certain, usageOfEnd(certain.seconds, writesTo))
    const next = usageOfGroup(group)
    const { costs } = config
    const reason = beyondLimit({ spent, next, look: usage.look, costs, limitUsd })
    // Asked again when one beside it is done.
    if (reason !== null && beside.length === 0) {
      const alone = billOf(next, costs).usd
      log.warn(`${group.indexName} is left for its cost`, {
        limitUsd,
        usedUsd: cents(billOf(used, costs).usd),
        forecastUsd: cents(alone),
        reason,
      })
    }
    return reason
  }
}

function cents(usd: number): number {
  return Math.round(usd * 10_000) / 10_000
}
