/**
 * The window in which the missed-run alarm looks for a heartbeat, from the schedule. Pure.
 *
 * One sliding period as long as two heartbeats may at most lie apart when all is well. CloudWatch looks back seven days at
 * most (`Period` × `EvaluationPeriods` ≤ 604,800 s, API reference of PutMetricAlarm), so a weekly schedule, whose
 * heartbeats are now and then a little more than a week apart, is judged by calendar weeks instead (`WallClockWindow`).
 */
import { firesBetween, ScheduleError } from './cron.ts'

export interface HeartbeatWindow {
  readonly kind: 'sliding' | 'calendar-week'
  readonly seconds: number
  /** Of calendar weeks; IANA. */
  readonly timeZone: string
}

export interface Timing {
  /** `cron(…)` or `rate(…)` of EventBridge Scheduler. */
  readonly expression: string
  /** IANA name. */
  readonly timeZone: string
  /** From the start of the flexible window until a run must have ended: flexible window, queue, the run itself. */
  readonly allowanceSeconds: number
}

const daySeconds = 86_400
const weekSeconds = 7 * daySeconds
/** A day with a change of the clock has 25 hours. */
const clockChangeSeconds = 3_600
/** 1 January 2024, a Monday; four years and a bit hold every pattern of days that a cron expression can make, but for leap centuries. */
const simulatedFrom = Date.UTC(2024, 0, 1) / 60_000
const simulatedMinutes = 1_500 * 1_440

/** @throws ScheduleError for an expression or zone that is wrong, and for a schedule too thin to watch */
export function heartbeatWindow({ expression, timeZone, allowanceSeconds }: Timing): HeartbeatWindow {
  requireTimeZone(timeZone)
  // Years may be named, so the simulation starts where the schedule can fire; a rate that is short needs no long look.
  const fires = firesBetween(
    expression,
    simulatedFrom,
    simulatedFrom + (expression.startsWith('rate') ? 30_240 : simulatedMinutes),
  )
  if (fires.length < 2) {
    throw new ScheduleError(
      `"${expression}" fires ${fires.length === 0 ? 'never' : 'once'} from 2024 on: a date that no month has, or a year?`,
    )
  }
  const gapSeconds = fires.reduce((longest, at, i) => Math.max(longest, at - (fires[i - 1] ?? at)), 0) * 60
  const shift = timeZone === 'UTC' ? 0 : clockChangeSeconds
  const seconds = Math.ceil((gapSeconds + allowanceSeconds + shift) / 3_600) * 3_600
  if (seconds <= weekSeconds) return { kind: 'sliding', seconds, timeZone }
  if (gapSeconds > weekSeconds) {
    throw new ScheduleError(
      `"${expression}" leaves ${Math.round(gapSeconds / daySeconds)} days between two runs: a missed run can be seen within seven days only, so run at least once a week`,
    )
  }
  if (!everyWeekHoldsARun(fires, allowanceSeconds)) {
    throw new ScheduleError(
      `"${expression}": a run and its ${Math.round(allowanceSeconds / 3_600)} h of time must lie within one calendar week, whether weeks start on Sunday or on Monday; start it earlier in the week or the day`,
    )
  }
  return { kind: 'calendar-week', seconds: weekSeconds, timeZone }
}

/** CloudWatch's page does not say whether weeks start on Sunday or on Monday, so it holds for both. */
function everyWeekHoldsARun(fires: readonly number[], allowanceSeconds: number): boolean {
  const weekMinutes = weekSeconds / 60
  const last = fires.at(-1) ?? simulatedFrom
  return [0, -1_440].every(shift => {
    const start = simulatedFrom + shift
    const weeks = Math.floor((last - start) / weekMinutes)
    const held = new Set(
      fires
        .filter(at => ((at - start) % weekMinutes) + allowanceSeconds / 60 <= weekMinutes)
        .map(at => Math.floor((at - start) / weekMinutes)),
    )
    // The first week and the last are cut off by the simulation.
    for (let week = 1; week < weeks; week++) if (!held.has(week)) return false
    return true
  })
}

/** @throws ScheduleError unless it is an IANA name; an offset such as +01:00 is none */
export function requireTimeZone(timeZone: string): void {
  const known = /^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(timeZone) && isKnown(timeZone)
  if (!known) throw new ScheduleError(`"${timeZone}" is no time zone: write an IANA name such as Europe/Berlin, or UTC`)
}

function isKnown(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
    return true
  } catch {
    return false // RangeError is how Intl says no
  }
}
