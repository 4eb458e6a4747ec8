/** Sizes, durations and dates as people write them. Each parser returns null for what it does not understand. */

const byteUnits: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  pb: 1e15,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  pib: 2 ** 50,
}
export const bytesAllowed = 'a size such as 500GiB, 20 MB (1 MB is 1,000,000 bytes) or a whole number of bytes'

const durationUnits: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }
export const durationAllowed = 'a duration such as 30s, 90m, 4h, 1h30m, 7d, 2w or a number of seconds'

export const dateAllowed = 'an ISO date such as 2026-03-31, or a UTC time such as 2026-03-31T12:00:00Z'

/** Bytes, a whole number; fractions of a unit are rounded down. */
export function parseBytes(text: string | number): number | null {
  if (typeof text === 'number') return wholeNumber(text)
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim())
  if (match === null) return null
  const [, amount = '', unit = ''] = match
  if (unit === '' && amount.includes('.')) return null
  const factor = unit === '' ? 1 : own(byteUnits, unit.toLowerCase())
  return factor === null ? null : wholeNumber(Math.floor(Number(amount) * factor))
}

/** Seconds. Units must descend, each at most once: `1h30m`, not `30m1h`. */
export function parseDuration(text: string | number): number | null {
  if (typeof text === 'number') return Number.isFinite(text) && text >= 0 ? text : null
  const trimmed = text.trim().toLowerCase()
  if (/^\d+$/.test(trimmed)) return wholeNumber(Number(trimmed))
  if (!/^(?:\d+(?:\.\d+)?\s*[smhdw]\s*)+$/.test(trimmed)) return null
  let seconds = 0
  let previous = Number.POSITIVE_INFINITY
  for (const [, amount = '', unit = ''] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([smhdw])/g)) {
    const factor = own(durationUnits, unit)
    if (factor === null || factor >= previous) return null
    previous = factor
    seconds += Number(amount) * factor
  }
  return seconds <= Number.MAX_SAFE_INTEGER / 1000 ? seconds : null
}

/** UTC epoch milliseconds. A date alone is its first instant, or with `endOfDay` the first instant after it. */
export function parseDate(text: string, options: { readonly endOfDay?: boolean } = {}): number | null {
  const match = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?Z)?$/.exec(text)
  if (match === null) return null
  const [, day = '', time] = match
  const ms = Date.parse(time === undefined ? `${day}T00:00:00Z` : text)
  // Date.parse rolls 2026-02-30 over into March; the day must come back as it was written.
  if (Number.isNaN(ms) || new Date(Date.parse(`${day}T00:00:00Z`)).toISOString().slice(0, 10) !== day) return null
  return time === undefined && options.endOfDay === true ? ms + 86_400_000 : ms
}

function wholeNumber(value: number): number | null {
  return Number.isSafeInteger(value) && value >= 0 ? value : null
}

function own(table: Readonly<Record<string, number>>, key: string): number | null {
  return Object.hasOwn(table, key) ? (table[key] ?? null) : null
}
