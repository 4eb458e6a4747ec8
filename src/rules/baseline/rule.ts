/** What one kind of departure from a baseline is. One file for each; judge.ts holds the list. */
import type { BaselineKind, MappingFields, Measure, Thresholds } from '../../model/baseline.ts'

/** Mappings by digest; what is not there is not known. */
export type Mappings = Pick<ReadonlyMap<string, MappingFields>, 'get'>

export interface BaselineRule {
  readonly kind: BaselineKind
  /**
   * What it is compared with. `level`: the snapshots before that are within the baseline, so that what is outside does not become the
   * measure of itself. `lag`: the same, and no habit of the documents excuses it. `pace`: all snapshots before, as they followed each other.
   */
  readonly against: 'level' | 'lag' | 'pace'
  /**
   * The numbers in words where `now` departs; null where it does not, or where nothing can be said.
   *
   * @param before oldest first; at least one
   * @param enough measures that must be known
   */
  readonly differs: (
    now: Measure,
    before: readonly Measure[],
    wants: Thresholds,
    enough: number,
    mappings: Mappings,
  ) => string | null
}

/** Snapshots whose numbers are the baseline: few enough that an index which grows is compared with what it is now. */
const recentSnapshots = 7

export interface Recent {
  readonly lowest: number
  readonly highest: number
  /** `48,211 to 48,900 in the 7 snapshots before` */
  readonly words: string
}

/** The last known values; null: fewer than enough are known. */
export function recentOf(
  before: readonly Measure[],
  amountOf: (measure: Measure) => number | null,
  enough: number,
): Recent | null {
  const known = before.map(amountOf).filter(value => value !== null)
  if (known.length < enough) return null
  const recent = known.slice(-recentSnapshots)
  const [lowest, highest] = [Math.min(...recent), Math.max(...recent)]
  const range = lowest === highest ? number(lowest) : `${number(lowest)} to ${number(highest)}`
  return { lowest, highest, words: `${range} in the ${recent.length} snapshots before` }
}

export function number(value: number): string {
  return value.toLocaleString('en-US')
}

/** Day in UTC. */
export function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** `12 documents on 2026-11-23` */
export function amountOn(value: number, unit: string, { endedMs }: Measure): string {
  return `${number(value)} ${value === 1 ? unit.replace(/s$/, '') : unit} on ${day(endedMs)}`
}
