/** Compares indices with their past. Pure: the same measures and thresholds give the same rows in every night. */
import {
  type BaselineConfig,
  type BaselineKind,
  type BaselineRow,
  baselineKinds,
  type Measure,
  type Thresholds,
} from '../../model/baseline.ts'
import { isoTime } from '../../time.ts'
import { behindOf, isOfItsTime, type TimesInSnapshots } from './behind.ts'
import { emptied } from './emptied.ts'
import { frozen } from './frozen.ts'
import { jumped } from './jumped.ts'
import { mapping } from './mapping.ts'
import { type BaselineRule, day, type Mappings, number } from './rule.ts'
import { shrunk } from './shrunk.ts'
import { type Departure, type Walked, walk } from './walk.ts'

/** Of those of one list the first that speaks is told: an index that is empty has shrunk, too. */
export const baselineRules: readonly (readonly BaselineRule[])[] = [[emptied, shrunk, jumped], [mapping], [frozen]]

export interface IndexPast {
  readonly index: string
  /** All that is known, oldest first. */
  readonly measures: readonly Measure[]
  /** Of the snapshots whose content answered; absent: none did. */
  readonly times?: TimesInSnapshots
}

export interface BaselineContext {
  readonly config: BaselineConfig
  readonly mappings: Mappings
  /** End of the newest snapshot of the repository, UTC epoch milliseconds. */
  readonly newestMs: number
  /** Uuids of the snapshots that are there. */
  readonly present: ReadonlySet<string>
}

export interface JudgedBaselines {
  readonly rows: readonly BaselineRow[]
  /** Indices whose newest snapshot could be compared, and those of which too little is known. */
  readonly judged: number
  readonly tooYoung: number
}

export function judgeBaselines(pasts: Iterable<IndexPast>, context: BaselineContext): JudgedBaselines {
  const rows: BaselineRow[] = []
  let [judged, tooYoung] = [0, 0]
  for (const past of pasts) {
    if (past.measures.length === 0) continue
    const thresholds = thresholdsOf(past.index, context.config)
    const walks = baselineRules.map(rules =>
      walk(past.measures, { rules, thresholds, config: context.config, mappings: context.mappings }),
    )
    if (walks.some(one => one.judged)) judged++
    else tooYoung++
    for (const walked of [...walks, walkTimes(past, walks, thresholds, context)])
      rows.push(...rowsOf(past.index, walked, thresholds, context))
  }
  return { rows: rows.sort(worstFirst), judged, tooYoung }
}

/** Of the restored contents alone. What is told as emptied or frozen is behind, too, and not told twice. */
function walkTimes(
  { measures, times = new Map() }: IndexPast,
  others: readonly Walked[],
  thresholds: Thresholds,
  { config, mappings }: BaselineContext,
): Walked {
  const usable = new Map(
    measures.flatMap(({ snapshotUuid }) => {
      const time = times.get(snapshotUuid)
      return time !== undefined && isOfItsTime(time) ? [[snapshotUuid, time] as const] : []
    }),
  )
  const timed = measures.filter(measure => usable.has(measure.snapshotUuid))
  const walked = walk(timed, { rules: [behindOf(usable)], thresholds, config, mappings })
  const told = others
    .flatMap(({ departures }) => departures)
    .filter(({ kind }) => kind === 'emptied' || kind === 'frozen')
    .map(({ measure }) => measure.snapshotUuid)
  const twice = new Set(
    walked.departures.filter(({ measure }) => told.includes(measure.snapshotUuid)).map(({ since }) => since),
  )
  return { ...walked, departures: walked.departures.filter(({ since }) => !twice.has(since)) }
}

export function thresholdsOf(index: string, { patterns, thresholds }: BaselineConfig): Thresholds {
  return patterns.find(one => fits(one.index, index))?.thresholds ?? thresholds
}

/** `*` stands for any text. Takes time by length alone, whatever the pattern. */
export function fits(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return pattern === text
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false
  const middle = text.slice(first.length, text.length - last.length)
  let at = 0
  for (const part of rest) {
    const found = middle.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return true
}

/** One row for each kind in each stretch that still is to be told: of snapshots that were judged, are there, and are younger than `settleMs`. */
function rowsOf(index: string, walked: Walked, { severity }: Thresholds, context: BaselineContext): BaselineRow[] {
  const { config, newestMs, present } = context
  const told = walked.departures.filter(
    ({ measure }) =>
      measure.judged && present.has(measure.snapshotUuid) && measure.endedMs > newestMs - config.settleMs,
  )
  const stretches = new Map<string, Departure[]>()
  for (const departure of told) {
    const key = `${departure.kind} ${departure.since.snapshotUuid}`
    stretches.set(key, [...(stretches.get(key) ?? []), departure])
  }
  return [...stretches.values()].flatMap(departures => {
    const latest = departures.at(-1)
    if (latest === undefined) return []
    const { kind, since, lastWithin } = latest
    const isOpen = walked.open?.snapshotUuid === since.snapshotUuid
    const normalMs = isOpen && kind !== 'frozen' ? since.endedMs + config.settleMs : null
    const row: BaselineRow = {
      index,
      kind,
      severity: severity[kind],
      since: since.snapshotUuid,
      snapshots: departures.map(({ measure }) => ({
        name: measure.snapshot,
        uuid: measure.snapshotUuid,
        endedAt: isoTime(measure.endedMs),
      })),
      message: messageOf(index, latest, departures.length, normalMs),
      lastWithin: lastWithin?.snapshot ?? null,
      normalFrom: normalMs === null ? null : isoTime(normalMs),
    }
    return [row]
  })
}

function messageOf(index: string, latest: Departure, count: number, normalMs: number | null): string {
  const { numbers, since, lastWithin, kind } = latest
  return [
    `${index}: ${numbers}.`,
    ...(count > 1 ? [`So in ${number(count)} snapshots, from ${since.snapshot} on.`] : []),
    ...(lastWithin === null || kind === 'frozen' ? [] : [`The last one as before is ${lastWithin.snapshot}.`]),
    ...(normalMs === null ? [] : [`If it stays so it counts as normal from ${day(normalMs)}.`]),
  ].join(' ')
}

const severityOrder = { error: 0, warning: 1, information: 2 } as const

function worstFirst(a: BaselineRow, b: BaselineRow): number {
  const kind = (row: { readonly kind: BaselineKind }) => baselineKinds.indexOf(row.kind)
  return (
    severityOrder[a.severity] - severityOrder[b.severity] ||
    kind(a) - kind(b) ||
    (a.index < b.index ? -1 : a.index > b.index ? 1 : 0)
  )
}
