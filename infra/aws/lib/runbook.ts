/** The table of alarms as a runbook: for infra/README.md and for a tile of the dashboard. Pure. */
import type { AlarmRow } from './alarm-table.ts'

/** One section each: meaning, first look, fix. */
export function runbookSections(rows: readonly AlarmRow[]): string {
  return rows
    .map(row =>
      [
        `### ${row.id}`,
        '',
        `**${row.level === 'page' ? 'Page' : 'Ticket'}.** ${row.meaning}`,
        '',
        `- Alarm: ${ruleText(row)}`,
        `- First look: ${row.firstLook}`,
        `- Fix: ${row.fix}`,
      ].join('\n'),
    )
    .join('\n\n')
}

/** One line each. */
export function runbookTable(rows: readonly AlarmRow[]): string {
  const lines = rows.map(row => `| ${row.id} | ${row.level} | ${row.firstLook} | ${row.fix} |`)
  return ['| alarm | level | first look | fix |', '| --- | --- | --- | --- |', ...lines].join('\n')
}

/** `Sum of Heartbeat < 1 in 33 h, sliding; missing data: breaching`. */
export function ruleText(row: AlarmRow): string {
  const sign = { 'at-least': '≥', 'more-than': '>', 'less-than': '<' }[row.when]
  const hours = row.periodSeconds / 3_600
  const span = row.calendarZone === null ? `${hours} h, sliding` : `each calendar week (${row.calendarZone})`
  return `${row.statistic} of ${row.source.name} ${sign} ${row.threshold} in ${span}; missing data: ${row.missing}`
}
