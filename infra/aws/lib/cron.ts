/**
 * Schedule expressions of EventBridge Scheduler, read well enough to refuse a wrong one at synth and to know when the
 * others fire. Pure. Syntax: "Schedule types in EventBridge Scheduler", `rate(value unit)` and
 * `cron(minutes hours day-of-month month day-of-week year)`.
 */

/** Minutes since 1970-01-01T00:00 on the wall clock of the schedule's time zone; ascending. */
export type WallMinutes = number

export class ScheduleError extends Error {
  override readonly name = 'ScheduleError'
}

const minuteMs = 60_000
const dayMinutes = 1_440
const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
/** 1 is Sunday. */
const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

/**
 * When it fires in `[from, to)`. A rate fires from `from` on.
 *
 * @throws ScheduleError for what Scheduler would refuse, and for `at(…)`, which fires once
 */
export function firesBetween(expression: string, from: WallMinutes, to: WallMinutes): WallMinutes[] {
  const cron = /^cron\((.*)\)$/s.exec(expression)
  if (cron !== null) return cronFires(fieldsOf(cron[1] ?? ''), from, to)
  const every = rateMinutes(expression)
  const fires: WallMinutes[] = []
  for (let at = from; at < to; at += every) fires.push(at)
  return fires
}

function rateMinutes(expression: string): number {
  const match = /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(expression)
  const value = Number(match?.[1])
  if (match === null || value < 1) {
    throw new ScheduleError(
      `"${expression}" is no schedule: write cron(0 1 * * ? *) or rate(1 day); at(…) fires once and is no audit every night`,
    )
  }
  return value * { minute: 1, hour: 60, day: dayMinutes }[match[2] as 'minute' | 'hour' | 'day']
}

interface Fields {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly years: ReadonlySet<number>
  dayMatches(date: Date): boolean
}

function fieldsOf(body: string): Fields {
  const parts = body.trim().split(/\s+/)
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = '', year = ''] = parts
  if (parts.length !== 6) {
    throw new ScheduleError(
      `cron(${body}) has ${parts.length} fields where 6 are needed: minutes hours day month weekday year`,
    )
  }
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) {
    throw new ScheduleError(`cron(${body}): exactly one of day of month and day of week is "?"`)
  }
  return {
    minutes: numbers(minute, 0, 59, 'minutes'),
    hours: numbers(hour, 0, 23, 'hours'),
    months: numbers(month, 1, 12, 'month', months),
    years: numbers(year, 1970, 2199, 'year'),
    dayMatches: dayOfWeek === '?' ? dayOfMonthMatcher(dayOfMonth) : dayOfWeekMatcher(dayOfWeek),
  }
}

/** `*`, `1,5`, `1-5`, `0/6`, `MON-FRI`. */
function numbers(text: string, low: number, high: number, field: string, names: readonly string[] = []): Set<number> {
  const found = new Set<number>()
  for (const part of text.split(',')) {
    const match = /^(\*|[A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?(?:\/(\d+))?$/.exec(part)
    const step = match?.[3] === undefined ? 1 : Number(match[3])
    const numberOf = (word: string) => {
      const named = names.indexOf(word.toUpperCase())
      return named >= 0 ? named + low : /^\d+$/.test(word) ? Number(word) : Number.NaN
    }
    const start = match === null ? Number.NaN : match[1] === '*' ? low : numberOf(match[1] ?? '')
    const end =
      match?.[2] !== undefined ? numberOf(match[2]) : match?.[1] === '*' || match?.[3] !== undefined ? high : start
    if (!(start >= low && end <= high && start <= end && step >= 1)) {
      throw new ScheduleError(`"${part}" in the field ${field}: allowed are ${low} to ${high}, ranges, lists and steps`)
    }
    for (let value = start; value <= end; value += step) found.add(value)
  }
  return found
}

function dayOfMonthMatcher(text: string): (date: Date) => boolean {
  if (text === 'L') return date => date.getUTCDate() === daysIn(date)
  const nearest = /^(\d{1,2}|L)W$/.exec(text)
  if (nearest !== null) {
    if (nearest[1] !== 'L') numbers(nearest[1] ?? '', 1, 31, 'day of month')
    return date => date.getUTCDate() === nearestWeekday(date, nearest[1] === 'L' ? daysIn(date) : Number(nearest[1]))
  }
  const days = numbers(text, 1, 31, 'day of month')
  return date => days.has(date.getUTCDate())
}

function dayOfWeekMatcher(text: string): (date: Date) => boolean {
  const nth = /^([A-Za-z0-9]+)#([1-5])$/.exec(text)
  const last = /^([A-Za-z0-9]+)L$/.exec(text)
  const plain = nth?.[1] ?? last?.[1] ?? (text === 'L' ? '7' : text)
  const days = numbers(plain, 1, 7, 'day of week', weekdays)
  return date => {
    if (!days.has(date.getUTCDay() + 1)) return false
    if (nth !== null) return Math.ceil(date.getUTCDate() / 7) === Number(nth[2])
    return last === null || date.getUTCDate() > daysIn(date) - 7
  }
}

function nearestWeekday(date: Date, wanted: number): number {
  const day = Math.min(wanted, daysIn(date))
  const weekday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), day)).getUTCDay()
  if (weekday === 6) return day === 1 ? 3 : day - 1
  if (weekday === 0) return day === daysIn(date) ? day - 2 : day + 1
  return day
}

function daysIn(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
}

function cronFires(fields: Fields, from: WallMinutes, to: WallMinutes): WallMinutes[] {
  const fires: WallMinutes[] = []
  for (let day = Math.floor(from / dayMinutes) * dayMinutes; day < to; day += dayMinutes) {
    const date = new Date(day * minuteMs)
    if (!fields.years.has(date.getUTCFullYear()) || !fields.months.has(date.getUTCMonth() + 1)) continue
    if (!fields.dayMatches(date)) continue
    for (const hour of fields.hours) {
      for (const minute of fields.minutes) {
        const at = day + hour * 60 + minute
        if (at >= from && at < to) fires.push(at)
      }
    }
  }
  return fires.sort((a, b) => a - b)
}
