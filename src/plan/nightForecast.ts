/**
 * What a whole night will use and cost: the look (measured when the plan was made), bytes that are due to be read, restores, and the
 * end. Pure; more work never costs less.
 */
import type { CostConfig, NightForecast, ReadUsage, Usage } from '../model/cost.ts'
import type { Group } from '../model/plan.ts'
import type { Reason } from '../model/verdict.ts'
import { addUsage, billOf, nothingUsed, withBill } from './cost.ts'
import type { GroupSize, Rates } from './forecast.ts'

/** Where a run writes to, as far as somebody bills it. */
export interface WritesTo {
  /** Does the ledger lie in a store, and not only in a local file? */
  readonly ledger: boolean
  /** Are the report and the evidence copied to a store? */
  readonly output: boolean
  readonly leaseSeconds: number
}

export interface NightInput {
  /** Index-N, listing, metadata, whatever was asked before anything is restored. */
  readonly look: Usage
  /** What a run will do before it looks that a plan did not: take the lease, keep what it sees. Null: it is done and counted. */
  readonly opening: Usage | null
  /** Reading bytes that no restore proves in time. */
  readonly bytes: Usage
  /** Length of `index-N`, which is fetched once more for the mirror. */
  readonly rootBytes: number
  /** Of each planned group, in their order. */
  readonly groups: readonly { readonly contents: number; readonly usage: Usage }[]
  readonly rates: Rates
  readonly writesTo: WritesTo
  readonly costs: CostConfig
  /** USD; null: none. */
  readonly limitUsd: number | null
}

/** Looking at the generation again, drawing the report, putting metrics. */
const endSeconds = 3
// Counted on a local S3 (test/integration/audit-cost.test.ts).
/** `index-N` is looked for once more. */
const endOfNight = { list: 1 }
/** Journals are listed; the run's own, the ledger and the lease are written. */
const endOfLedger = { list: 1, put: 3 }
/** The lease is looked for and taken; a journal keeps what was seen. */
const openingOfLedger = { put: 2, gets: 2 }
/** The lease is renewed three times in its life. */
const renewals = 3

export function forecastNight(input: NightInput): NightForecast {
  const { bytes, rates, costs, limitUsd } = input
  const look = input.opening === null ? input.look : addUsage(input.look, input.opening)
  const contents = input.groups.reduce((sum, group) => sum + group.contents, 0)
  const root = { STANDARD: { requests: 1, bytes: input.rootBytes } }
  const start = contents === 0 ? nothingUsed : { ...nothingUsed, reads: root, seconds: rates.engineStartSeconds }
  const restores = addUsage(start, ...input.groups.map(group => group.usage))
  const before = addUsage(look, bytes, restores)
  const end = usageOfEnd(before.seconds, input.writesTo)
  return {
    ...withBill(addUsage(before, end), costs),
    parts: { look, bytes, restores, end },
    basis: rates.basis,
    contentsBeyondLimit:
      limitUsd === null ? 0 : countBeyond({ ...input, look }, addUsage(look, bytes, start, end), limitUsd),
  }
}

/** The way of the work itself: a group that is too dear is left, a cheaper one behind it may still be begun. */
function countBeyond({ groups, look, costs }: NightInput, fixed: Usage, limitUsd: number): number {
  let spent = fixed
  let beyond = 0
  for (const { contents, usage } of groups) {
    if (beyondLimit({ spent, next: usage, look, costs, limitUsd }) === null) spent = addUsage(spent, usage)
    else beyond += contents
  }
  return beyond
}

/** `mix`: data blobs and bytes by storage class of its index, which stand for its own; null: all STANDARD. */
export function usageOfGroup(
  group: Pick<Group, 'contents' | 'restoreBytes'>,
  size: GroupSize,
  {
    rates,
    writesTo,
    mix,
    metadata,
  }: {
    readonly rates: Rates
    readonly writesTo: WritesTo
    readonly mix: ReadonlyMap<string, ReadUsage> | null
    /** What reading its metadata again takes. */
    readonly metadata: Usage
  },
): Usage {
  const contents = group.contents.length
  const journals = writesTo.ledger ? contents : 0
  const evidence = writesTo.output ? contents : 0
  const fetched = byMix({ requests: size.fetchRequests, bytes: size.fetchBytes }, mix)
  return {
    list: 0,
    put: journals + evidence,
    reads: addUsage({ ...nothingUsed, reads: fetched }, { ...nothingUsed, reads: metadata.reads }).reads,
    seconds: contents * rates.secondsPerContent + group.restoreBytes / rates.bytesPerSecond,
  }
}

/** Before the look, as far as only a run does it. */
export function usageOfOpening({ ledger }: WritesTo): Usage {
  if (!ledger) return nothingUsed
  return { ...nothingUsed, put: openingOfLedger.put, reads: { STANDARD: { requests: openingOfLedger.gets, bytes: 0 } } }
}

/** What follows `seconds` of work. */
export function usageOfEnd(seconds: number, { ledger, output, leaseSeconds }: WritesTo): Usage {
  const leases = ledger ? Math.floor((seconds * renewals) / leaseSeconds) : 0
  return {
    list: endOfNight.list + (ledger ? endOfLedger.list : 0),
    // run.json and report.html.
    put: (ledger ? endOfLedger.put + leases : 0) + (output ? 2 : 0),
    reads: {},
    seconds: endSeconds,
  }
}

/**
 * May `next` be begun? Null: it may. `does-not-fit`: no night of this limit can do it, because looking and it alone cost more.
 * `spent` is what was measured, with what is certain to come.
 */
export function beyondLimit({
  spent,
  next,
  look,
  costs,
  limitUsd,
}: {
  readonly spent: Usage
  readonly next: Usage
  readonly look: Usage
  readonly costs: CostConfig
  readonly limitUsd: number
}): Extract<Reason, 'limit-reached' | 'does-not-fit'> | null {
  if (billOf(addUsage(spent, next), costs).usd <= limitUsd) return null
  return billOf(addUsage(look, next), costs).usd > limitUsd ? 'does-not-fit' : 'limit-reached'
}

/** Shares by objects and bytes; what is left by rounding stays with the last class. */
function byMix(all: ReadUsage, mix: ReadonlyMap<string, ReadUsage> | null): Record<string, ReadUsage> {
  if (mix === null || mix.size === 0) return { STANDARD: all }
  const objects = [...mix.values()].reduce((sum, one) => sum + one.requests, 0)
  const bytes = [...mix.values()].reduce((sum, one) => sum + one.bytes, 0)
  return Object.fromEntries(
    [...mix].map(([name, one]) => [
      name,
      {
        requests: objects === 0 ? 0 : (all.requests * one.requests) / objects,
        bytes: bytes === 0 ? 0 : (all.bytes * one.bytes) / bytes,
      },
    ]),
  )
}
