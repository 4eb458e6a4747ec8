/**
 * The newest time in the restored data is far further behind its snapshot than it used to be, or went back. What was not restored is not
 * known and no case; what was always late is not late.
 *
 * A content that stays as it is answers the same every night, and is further behind in each snapshot that holds it.
 */
import type { Measure } from '../../model/baseline.ts'
import { type BaselineRule, number } from './rule.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Less is no news: shops are quiet at night. */
const leastMs = 6 * hourMs
/** So that a weekend is among what is known. */
const leastSpanMs = 8 * dayMs
/** Of a day of the week of which nothing is known: it may lie behind a weekend and a holiday. */
const unknownDayMs = 4 * dayMs
/** At an hour of which nothing is known, such as before an upgrade: what is loaded once a day may be as old as a day. */
const unknownHourMs = dayMs
const sameHourMs = 2 * hourMs
/** How often an index must have been so late before it is its habit. */
const habitTimes = 3

/** Of one snapshot, UTC epoch milliseconds. */
export interface TimeInSnapshot {
  /** Start of the snapshot; where it is not known any more its end, which makes what was normal no smaller. */
  readonly startedMs: number
  /** Newest time in the restored content that it holds. */
  readonly newestMs: number
}

/** By uuid of the snapshot, oldest first. */
export type TimesInSnapshots = ReadonlyMap<string, TimeInSnapshot>

/** Clocks and local times differ by less than a day. What is later says nothing of when somebody wrote last. */
export function isOfItsTime(time: TimeInSnapshot): boolean {
  return lagOf(time) >= -dayMs
}

/** For measures that all have a time, of its time. */
export function behindOf(times: TimesInSnapshots): BaselineRule {
  const at = (measure: Measure) => times.get(measure.snapshotUuid)
  return {
    kind: 'behind',
    against: 'lag',
    differs(now, before, { behindTimes }, enough) {
      const own = at(now)
      if (behindTimes === null || now.resting !== null || own === undefined) return null
      const all = [...times.values()]
      const past = all.slice(0, all.indexOf(own))
      const last = lastBeforeStandstill(own, past)
      const known = before.flatMap(measure => at(measure) ?? []).filter(({ startedMs }) => startedMs <= last.startedMs)
      const first = known[0]
      if (first === undefined || known.length < enough || last.startedMs - first.startedMs < leastSpanMs) return null
      const newest = `newest time ${minute(own.newestMs)}`
      const among = `in ${number(known.length)} restored snapshots before`
      const highestMs = Math.max(...known.map(writtenBy))
      const backMs = highestMs - own.newestMs
      if (backMs >= dayMs && backMs > deepestFall(past) * behindTimes)
        return `${newest}, ${span(backMs)} earlier than the ${minute(highestMs)} that was there ${among}`
      const usualMs = Math.max(0, ...known.map(lagOf), habitOf(past))
      const allowedMs = Math.max(usualMs * behindTimes, usualMs + leastMs) + unknownMs(own, known)
      if (lagOf(own) <= allowedMs) return null
      return `${newest}, ${span(lagOf(own))} before the snapshot of ${minute(own.startedMs)}; at most ${span(usualMs)} before ${among}`
    },
  }
}

function lagOf({ startedMs, newestMs }: TimeInSnapshot): number {
  return startedMs - newestMs
}

/** A time ahead of its snapshot was not written then; taken out again it is no loss. */
function writtenBy({ startedMs, newestMs }: TimeInSnapshot): number {
  return Math.min(startedMs, newestMs)
}

/** Since when it falls back: night by night what is being judged would become the measure of itself. `own` where it does not. */
function lastBeforeStandstill(own: TimeInSnapshot, past: readonly TimeInSnapshot[]): TimeInSnapshot {
  let last = own
  for (const before of past.toReversed()) {
    const grownMs = lagOf(last) - lagOf(before)
    if (grownMs <= 0 || grownMs < (last.startedMs - before.startedMs) / 2) break
    last = before
  }
  return last
}

/** How far the newest time went back below its highest, and came up again: out of a queue documents are taken. */
function deepestFall(past: readonly TimeInSnapshot[]): number {
  let [highestMs, fallMs, deepestMs] = [Number.NEGATIVE_INFINITY, 0, 0]
  for (const time of past) {
    const newestMs = writtenBy(time)
    if (newestMs >= highestMs) {
      deepestMs = Math.max(deepestMs, fallMs)
      highestMs = newestMs
      fallMs = 0
    } else fallMs = Math.max(fallMs, highestMs - newestMs)
  }
  return deepestMs
}

/** What it was late by three times, with something newer after each; 0: it has no such habit. */
function habitOf(past: readonly TimeInSnapshot[]): number {
  const lags = past.map(lagOf)
  const peaks = lags.filter((lag, i) => lag > (lags[i + 1] ?? lag))
  return peaks.sort((a, b) => b - a)[habitTimes - 1] ?? 0
}

function unknownMs({ startedMs }: TimeInSnapshot, known: readonly TimeInSnapshot[]): number {
  const weekday = (ms: number) => new Date(ms).getUTCDay()
  if (!known.some(one => weekday(one.startedMs) === weekday(startedMs))) return unknownDayMs
  const apartMs = (one: TimeInSnapshot) => Math.abs(startedMs - one.startedMs) % dayMs
  return known.some(one => Math.min(apartMs(one), dayMs - apartMs(one)) <= sameHourMs) ? 0 : unknownHourMs
}

function minute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -8)}Z`
}

function span(ms: number): string {
  if (ms < 2 * hourMs) return `${number(Math.round(ms / 60_000))} minutes`
  return ms < 3 * dayMs ? `${number(Math.round(ms / hourMs))} hours` : `${number(Math.round(ms / dayMs))} days`
}
