/** The generated parts of infra/README.md: the runbook and the settings of the app. Pure. */
import { alarmTable } from './alarm-table.ts'
import { contextKeys } from './context.ts'
import { heartbeatWindow } from './heartbeat-window.ts'
import { runbookSections } from './runbook.ts'

/** The alarms of a stack with all defaults and a restore target, as an example. */
const rows = alarmTable({
  heartbeat: heartbeatWindow({ expression: 'cron(0 1 * * ? *)', timeZone: 'UTC', allowanceSeconds: 9.25 * 3_600 }),
  compute: 'codebuild',
  newestSnapshotMaxAgeHours: 36,
  restoreTargetBytesPerSecond: 50_000_000,
})

const parts: Readonly<Record<string, string>> = {
  runbook: runbookSections(rows),
  settings: [
    '| `-c key=…` | what |',
    '| --- | --- |',
    ...Object.entries(contextKeys).map(([key, meaning]) => `| \`${key}\` | ${meaning} |`),
  ].join('\n'),
}

/** The text with its generated parts as they should be. @throws Error when a marker is missing */
export function withGeneratedParts(text: string): string {
  return Object.entries(parts).reduce((before, [name, part]) => {
    const [start, end] = [`<!-- infra:${name} -->`, `<!-- /infra:${name} -->`]
    const [from, to] = [before.indexOf(start), before.indexOf(end)]
    if (from < 0 || to < from) throw new Error(`infra/README.md lacks ${start} … ${end}`)
    return `${before.slice(0, from)}${start}\n\n${part}\n\n${before.slice(to)}`
  }, text)
}
