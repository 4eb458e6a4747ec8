/** `findings.csv` of a run: for a spreadsheet and for scripts, one row for each finding. */
import type { Finding } from '../model/finding.ts'
import type { RunResult } from '../model/run.ts'
import { csvText } from './csv.ts'
import { plainText } from './plain.ts'

const columns = [
  'id',
  'code',
  'severity',
  'key',
  'snapshots',
  'index',
  'shard',
  'message',
  'advice',
  'accepted_until',
  'accepted_by',
  'accepted_reason',
] as const

/** With a header, and a line end after the last row. `snapshots` are names, separated by a space; what has no name is its uuid. */
export function findingsCsv(run: RunResult): string {
  const names = new Map(run.snapshots.map(({ uuid, name }) => [uuid, name]))
  const row = (finding: Finding, accepted: Acceptance) => ({
    id: finding.id,
    code: finding.code,
    severity: finding.severity,
    key: plain(finding.key),
    snapshots: plain(finding.snapshots.map(uuid => names.get(uuid) ?? uuid).join(' ')),
    index: plain(finding.index),
    shard: finding.shard,
    message: plain(finding.message),
    advice: plain(finding.advice),
    accepted_until: accepted?.until ?? null,
    accepted_by: plain(accepted?.approver ?? null),
    accepted_reason: plain(accepted?.reason ?? null),
  })
  const rows = [
    ...run.findings.map(finding => row(finding, null)),
    ...run.accepted.map(accepted => row(accepted.finding, accepted)),
  ]
  return `${csvText(columns, rows)}\r\n`
}

type Acceptance = RunResult['accepted'][number] | null

function plain(text: string | null): string | null {
  return text === null ? null : plainText(text)
}
