/** CSV that a spreadsheet can open safely. */

/**
 * RFC 4180, lines end with CR LF. Texts that a spreadsheet would take for a formula (they begin with `=`, `+`, `-`, `@`, one of
 * these in full width, a tab or a line end) get an apostrophe before them; numbers are numbers. Null is empty.
 */
export function csvText(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, string | number | null>>[],
): string {
  const lines = [columns.map(cellText), ...rows.map(row => columns.map(name => cellText(row[name] ?? null)))]
  return lines.map(cells => cells.join(',')).join('\r\n')
}

function cellText(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@＝＋－＠\t\r\n]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
