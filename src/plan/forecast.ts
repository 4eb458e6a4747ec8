/** What a plan will cost. Pure; rates come from the ledger, or are assumed on the first night. */
import type { Forecast, Plan } from '../model/plan.ts'

/** What a planned group takes. */
export interface GroupSize {
  /** From the store, by us or by the server. */
  readonly fetchBytes: number
  readonly fetchRequests: number
  /** Of it, what lies on the disk beside what is restored. */
  readonly mirrorBytes: number
  readonly largestContentBytes: number
}

export interface Rates {
  /** Mirror and restore together. */
  readonly bytesPerSecond: number
  readonly secondsPerContent: number
  readonly engineStartSeconds: number
  readonly basis: Forecast['basis']
}

/** First night: a modest disk and network; the ledger's own rates replace them. */
export const assumedRates: Rates = {
  bytesPerSecond: 30_000_000,
  secondsPerContent: 1,
  engineStartSeconds: 20,
  basis: 'assumed',
}

/** `passes`: seconds and bytes of restores that the ledger remembers. Fewer than five say too little. */
export function measuredRates(passes: readonly { readonly bytes: number; readonly seconds: number }[]): Rates {
  if (passes.length < 5) return assumedRates
  const bytes = passes.reduce((sum, pass) => sum + pass.bytes, 0)
  const seconds = passes.reduce((sum, pass) => sum + pass.seconds, 0)
  // Small restores are all overhead: the cheapest tenth says what one costs at least.
  const overhead = passes.map(pass => pass.seconds).sort((a, b) => a - b)[Math.floor(passes.length / 10)] ?? 1
  return {
    bytesPerSecond: Math.max(bytes / Math.max(seconds - overhead * passes.length, seconds / 10, 0.001), 1),
    secondsPerContent: overhead,
    engineStartSeconds: assumedRates.engineStartSeconds,
    basis: 'measured',
  }
}

/** `sizes` in the order of `plan.groups`. */
export function forecast(plan: Plan, sizes: readonly GroupSize[], rates: Rates): Forecast {
  const contents = plan.groups.reduce((sum, group) => sum + group.contents.length, 0)
  const disk = sizes.map((size, i) => size.mirrorBytes + size.largestContentBytes + (sizes[i + 1]?.mirrorBytes ?? 0))
  return {
    snapshots: plan.snapshots.length,
    contents,
    groups: plan.groups.length,
    restoreBytes: plan.restoreBytes,
    fetchBytes: sizes.reduce((sum, size) => sum + size.fetchBytes, 0),
    fetchRequests: sizes.reduce((sum, size) => sum + size.fetchRequests, 0),
    diskBytes: Math.max(0, ...disk),
    seconds:
      contents === 0
        ? 0
        : rates.engineStartSeconds + contents * rates.secondsPerContent + plan.restoreBytes / rates.bytesPerSecond,
    basis: rates.basis,
  }
}
