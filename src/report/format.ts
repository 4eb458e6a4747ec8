/** Numbers, times and sizes as people read them. Pure; no locale of the machine has a say. */

/** 12,345. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1 snapshot`, `2 snapshots`; irregular plurals are given. */
export function counted(value: number, singular: string, plural = `${singular}s`): string {
  return `${count(value)} ${value === 1 ? singular : plural}`
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']

/** Decimal units, three figures: `171 kB`, `1.83 GB`. */
export function bytes(value: number): string {
  let scaled = value
  let unit = 0
  // 999.5 would print as 1000 of the smaller unit.
  while (scaled >= 999.5 && unit < byteUnits.length - 1) {
    scaled /= 1000
    unit++
  }
  return `${unit === 0 ? count(scaled) : figures(scaled)} ${byteUnits[unit]}`
}

export function bytesPerSecond(value: number): string {
  return `${bytes(value)}/s`
}

/** Three significant figures without exponent, for values below 1000; at most eight decimals. */
export function figures(value: number): string {
  if (value > 0 && value < 0.995) return value.toFixed(Math.min(8, 2 - Math.floor(Math.log10(value))))
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return value.toFixed(digits)
}

/** `0.4 s`, `47 s`, `12 min 3 s`, `2 h 5 min`. */
export function seconds(value: number): string {
  if (value < 9.95) return `${value.toFixed(1)} s`
  const whole = Math.round(value)
  if (whole < 120) return `${whole} s`
  if (whole < 7200) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  const minutes = Math.round(value / 60)
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** An age in hours: `40 min`, `7 h`, `12 days`. */
export function age(hours: number): string {
  if (hours < 1) return `${Math.round(hours * 60)} min`
  if (hours < 48) return `${Math.round(hours)} h`
  return `${count(hours / 24)} days`
}

/** Days with one decimal below ten. */
export function days(value: number): string {
  const text = value < 10 ? String(Math.round(value * 10) / 10) : count(value)
  return `${text} ${text === '1' ? 'day' : 'days'}`
}

/** ISO time to the minute: `2026-11-22 03:14 UTC`. */
export function minute(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`
}
