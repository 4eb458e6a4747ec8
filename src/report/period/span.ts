/** A period by its name. Days, months, quarters and years are those of UTC. */
import { SnapproofError } from '../../errors.ts'
import type { Span } from '../../model/period.ts'

const forms = 'Write a month (2026-07), a quarter (2026-Q3), a year (2026), or --from 2026-07-01 --to 2026-07-14.'
const dayMs = 86_400_000

/** @throws SnapproofError `usage` for what is no period */
export function spanOf(text: string): Span {
  const [, years = '', month, quarter] = /^(\d{4})(?:-(\d\d)|-[Qq]([1-4]))?$/.exec(text.trim()) ?? []
  const year = Number(years)
  const first = quarter !== undefined ? (Number(quarter) - 1) * 3 : month !== undefined ? Number(month) - 1 : 0
  const months = quarter !== undefined ? 3 : month !== undefined ? 1 : 12
  // Before 1970 there are no times of ours, and Date.UTC takes two figures for a year of the last century.
  if (years === '' || year < 1970 || first < 0 || first > 11)
    throw new SnapproofError('usage', `--period is ${JSON.stringify(text.slice(0, 60))}, which is no period`, {
      advice: forms,
    })
  return {
    name: text.trim().toUpperCase(),
    fromMs: Date.UTC(year, first, 1),
    toMs: Date.UTC(year, first + months, 1) - 1,
  }
}

/** From the start of one day to the end of another. @throws SnapproofError `usage` */
export function spanBetween(from: string, to: string): Span {
  const [fromMs, toMs] = [dayOf('--from', from), dayOf('--to', to) + dayMs - 1]
  if (fromMs > toMs)
    throw new SnapproofError('usage', `--from ${from} is after --to ${to}`, { advice: 'The earlier day comes first.' })
  return { name: `${from} to ${to}`, fromMs, toMs }
}

function dayOf(flag: string, text: string): number {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN
  // Date.parse takes the 31st of February for a day in March.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text)
    throw new SnapproofError(
      'usage',
      `${flag} is ${JSON.stringify(text.slice(0, 60))}, expected a day such as 2026-07-01`,
    )
  return ms
}
