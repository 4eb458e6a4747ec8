/**
 * CloudWatch's evaluation of alarms, as far as its user guide tells it: `awsdocs/amazon-cloudwatch-user-guide:
 * doc_source/AlarmThatSendsEmail.md @ cd4004c`, "How Alarm State is Evaluated When Data is Missing" (today
 * docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html), and for windows and warm-up
 * alarm-evaluation-window.html and alarm-warm-up.html. How far it looks back beyond `EvaluationPeriods` is not
 * published, so whoever replays a timeline does it for several depths.
 */

export type State = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA'
/** A data point of one period: within the threshold, beyond it, or none. */
export type Point = '0' | 'X' | '-'
export type Missing = 'missing' | 'ignore' | 'breaching' | 'notBreaching'

/** @param points oldest first; may be more than `periods` */
export function judge(points: readonly Point[], periods: number, toAlarm: number, missing: Missing, now: State): State {
  const real = points.filter(point => point !== '-')
  const verdict = (looked: readonly Point[]): State =>
    looked.filter(point => point === 'X').length >= toAlarm ? 'ALARM' : 'OK'
  if (real.length >= periods) return verdict(real.slice(-periods))
  if (missing === 'breaching' || missing === 'notBreaching') {
    const filler: Point = missing === 'breaching' ? 'X' : '0'
    return verdict([...real, ...Array.from({ length: periods - real.length }, () => filler)])
  }
  // Nothing, or too few that are all beyond the threshold: not enough to say.
  if (!real.includes('0') && verdict(real) === 'OK') return missing === 'ignore' ? now : 'INSUFFICIENT_DATA'
  return verdict(real)
}

export interface AlarmDefinition {
  readonly id: string
  readonly level: 'page' | 'ticket' | null
  readonly metric: string
  readonly statistic: 'Sum' | 'Maximum' | 'Minimum'
  readonly comparison: string
  readonly threshold: number
  readonly periodMs: number
  readonly periods: number
  readonly toAlarm: number
  readonly missing: Missing
  readonly fillZero: boolean
  readonly calendarWeeks: boolean
  readonly warmUpMs: number
}

export interface Datum {
  readonly metric: string
  readonly atMs: number
  readonly value: number
}

/** What is not published, or not the same everywhere. */
export interface Unknowns {
  /** Periods looked at beyond `EvaluationPeriods`. */
  readonly extraPeriods: number
  /** FILL of a metric without any datum in sight: a series of zeros, or nothing. */
  readonly fillsEmpty: boolean
  readonly weekStartsOn: 'Sunday' | 'Monday'
}

export interface Change {
  readonly atMs: number
  readonly id: string
  readonly state: State
}

const weekMs = 7 * 86_400_000

/** Replays data against alarms, which are created at `fromMs`; a step each `stepMs`. Composites go by their level. */
export function replay(
  alarms: readonly AlarmDefinition[],
  data: readonly Datum[],
  fromMs: number,
  toMs: number,
  unknowns: Unknowns,
  stepMs = 600_000,
): Change[] {
  const changes: Change[] = []
  const states = new Map<string, State>()
  const set = (atMs: number, id: string, state: State) => {
    if ((states.get(id) ?? 'INSUFFICIENT_DATA') !== state) changes.push({ atMs, id, state })
    states.set(id, state)
  }
  const ofMetric = new Map(alarms.map(({ metric }) => [metric, data.filter(datum => datum.metric === metric)]))
  for (let now = fromMs; now <= toMs; now += stepMs) {
    for (const alarm of alarms) {
      if (now < fromMs + alarm.warmUpMs) continue
      const points = pointsOf(alarm, ofMetric.get(alarm.metric) ?? [], now, unknowns)
      const state = states.get(alarm.id) ?? 'INSUFFICIENT_DATA'
      set(now, alarm.id, judge(points, alarm.periods, alarm.toAlarm, alarm.missing, state))
    }
    for (const level of ['page', 'ticket'] as const) {
      const red = alarms.some(alarm => alarm.level === level && states.get(alarm.id) === 'ALARM')
      set(now, level, red ? 'ALARM' : 'OK')
    }
  }
  return changes
}

function pointsOf(alarm: AlarmDefinition, data: readonly Datum[], now: number, unknowns: Unknowns): Point[] {
  const end = alarm.calendarWeeks ? weekStart(now, unknowns.weekStartsOn) : now
  const count = alarm.periods + unknowns.extraPeriods
  const seen = data.filter(({ atMs }) => atMs <= now)
  const buckets = Array.from({ length: count }, (_, i) => {
    const to = end - (count - 1 - i) * alarm.periodMs
    const values = seen.filter(({ atMs }) => atMs > to - alarm.periodMs && atMs <= to).map(({ value }) => value)
    if (values.length === 0) return null
    if (alarm.statistic === 'Sum') return values.reduce((sum, value) => sum + value, 0)
    return alarm.statistic === 'Maximum' ? Math.max(...values) : Math.min(...values)
  })
  const fills = alarm.fillZero && (unknowns.fillsEmpty || buckets.some(value => value !== null))
  return buckets.map(value => {
    const known = value ?? (fills ? 0 : null)
    return known === null ? '-' : breaches(known, alarm) ? 'X' : '0'
  })
}

function breaches(value: number, { comparison, threshold }: AlarmDefinition): boolean {
  if (comparison === 'GreaterThanOrEqualToThreshold') return value >= threshold
  if (comparison === 'GreaterThanThreshold') return value > threshold
  if (comparison === 'LessThanThreshold') return value < threshold
  throw new Error(`unknown comparison ${comparison}`)
}

/** Of the week that `now` lies in; the weeks before it are complete. UTC. */
function weekStart(now: number, startsOn: Unknowns['weekStartsOn']): number {
  const anchor = startsOn === 'Monday' ? Date.UTC(2024, 0, 1) : Date.UTC(2023, 11, 31)
  return anchor + Math.floor((now - anchor) / weekMs) * weekMs
}
