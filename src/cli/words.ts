/** Numbers and tables for a person at a terminal. */
import { safeText } from './log.ts'

export function bytesText(bytes: number | null): string {
  if (bytes === null) return '-'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

export function countText(count: number | null): string {
  return count === null ? '-' : count.toLocaleString('en-US')
}

export function secondsText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  if (seconds < 5400) return `${Math.ceil(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}

/** Columns padded to their widest cell; control characters of the cells are escaped. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const safe = rows.map(row => row.map(safeText))
  const widths = (safe[0] ?? []).map((_, column) => Math.max(...safe.map(row => row[column]?.length ?? 0)))
  return safe
    .map(row =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
