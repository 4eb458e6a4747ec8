/**
 * Goes through what is known of one index, oldest snapshot first, and says which snapshots are outside of the baseline.
 *
 * What is outside does not become part of the baseline: tomorrow is compared with what was before, too. It becomes the new baseline
 * once it has been so for `settleMs` without an end and for as many snapshots as a baseline needs. What an index has done three times
 * in what is known of it (a purge every week) is its habit, and within.
 *
 * Nothing is remembered but the measures: the same measures give the same answer in every night.
 */
import type { BaselineConfig, BaselineKind, Measure, Thresholds } from '../../model/baseline.ts'
import type { BaselineRule, Mappings } from './rule.ts'

/** One snapshot that is outside. */
export interface Departure {
  readonly measure: Measure
  readonly kind: BaselineKind
  readonly numbers: string
  /** Snapshots outside without a break belong to one stretch; this is its first. */
  readonly since: Measure
  /** The newest snapshot within the baseline before the stretch. */
  readonly lastWithin: Measure | null
}

export interface Walked {
  readonly departures: readonly Departure[]
  /** Of the stretch that the newest measure belongs to; null: the newest is within. */
  readonly open: Measure | null
  /** Was there enough before the newest measure? */
  readonly judged: boolean
}

export interface WalkOptions {
  readonly rules: readonly BaselineRule[]
  readonly thresholds: Thresholds
  readonly config: Pick<BaselineConfig, 'after' | 'settleMs'>
  readonly mappings: Mappings
}

/** `measures`: of one index name, oldest first. All rules are of one `against`. */
export function walk(measures: readonly Measure[], options: WalkOptions): Walked {
  const { rules, config } = options
  const against = rules[0]?.against
  const againstLevel = against !== 'pace'
  let within: Measure[] = []
  let stretch: Departure[] = []
  const departures: Departure[] = []
  let judged = false
  measures.forEach((measure, i) => {
    const before = againstLevel ? within : measures.slice(0, i)
    judged = before.length >= config.after
    const told = judged ? firstTold(measure, before, options) : null
    const isHabit = told !== null && against === 'level' && stretch.length === 0 && hasHabit(measures, i)
    if (told === null || isHabit) {
      within.push(measure)
      stretch = []
      return
    }
    const since = stretch[0]?.measure ?? measure
    const lastWithin = stretch[0]?.lastWithin ?? within.at(-1) ?? null
    const departure = { measure, ...told, since, lastWithin }
    const isSettled = measure.endedMs - since.endedMs >= config.settleMs && stretch.length + 1 >= config.after
    if (isSettled && againstLevel) {
      within = [...stretch.map(one => one.measure), measure]
      stretch = []
      return
    }
    stretch.push(departure)
    // A pace has no level to get used to: it is told for as long, and then no more.
    if (!isSettled) departures.push(departure)
  })
  return { departures, open: stretch[0]?.measure ?? null, judged }
}

function firstTold(now: Measure, before: readonly Measure[], { rules, thresholds, config, mappings }: WalkOptions) {
  for (const { kind, differs } of rules) {
    const numbers = differs(now, before, thresholds, config.after, mappings)
    if (numbers !== null) return { kind, numbers }
  }
  return null
}

const habitTimes = 3
/** Documents as a multiple of those before: what lies between is no step, and every index takes it each day. */
const fall = 0.75
const rise = 2

/** Have its documents fallen or risen as much from one snapshot to the next, so often, before measure `i`? */
function hasHabit(measures: readonly Measure[], i: number): boolean {
  const steps = measures.slice(0, i + 1).map((measure, at) => stepTo(measures[at - 1], measure))
  const now = steps[i] ?? null
  if (now === null || (now > fall && now < rise)) return false
  const asMuch = (step: number | null) => step !== null && (now <= fall ? step <= now + 0.1 : step >= now * 0.8)
  return steps.slice(0, i).filter(asMuch).length >= habitTimes
}

/** Documents as a multiple of those before; null: not known. */
function stepTo(before: Measure | undefined, { documents }: Measure): number | null {
  if (before?.documents == null || documents === null || before.documents === 0) return null
  return documents / before.documents
}
