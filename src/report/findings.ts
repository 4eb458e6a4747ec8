/** Findings: what is wrong, what it hits, the last good state, what to do. The page holds a bounded number of them. */
import type { Finding } from '../model/finding.ts'
import type { LastGood, RunResult } from '../model/run.ts'
import { standingsOf } from '../model/standing.ts'
import { age, count, counted, minute } from './format.ts'
import { mark, severityShapes } from './marks.ts'
import { html, key, type Markup, message, name } from './markup.ts'
import { repeatCommand } from './repeat.ts'
import { definitions, table } from './table.ts'
import { findingTitle, isAboutData, methodWords, severityWords } from './words.ts'

const severityOrder = { error: 0, warning: 1, information: 2 } as const
/** Written out in full; the rest up to `maxRows` is a table. */
const maxArticles = 40
export const maxFindingRows = 250

export function findingsSection(run: RunResult): Markup {
  const findings = bySeverity(run.findings)
  const errors = findings.filter(finding => finding.severity === 'error').length
  const names = snapshotNames(run)
  const rest = findings.slice(maxArticles, maxFindingRows)
  const left = Math.max(0, findings.length - maxFindingRows)
  return html`<section id="findings">
<h2>Findings</h2>
${findings.length === 0 && html`<p>None in what this run looked at.</p>`}
${findings.length > 0 && html`<p>${counted(findings.length, 'finding')}, ${errors === 0 ? 'no error' : html`${counted(errors, 'error')}`}.</p>`}
${findings.slice(0, maxArticles).map(finding => article(run, finding, names))}
${
  rest.length > 0 &&
  table<Finding>({
    caption: 'Further findings',
    rows: rest,
    maxRows: maxFindingRows,
    columns: [
      { label: 'Code', cell: finding => key(finding.code) },
      { label: 'Severity', cell: severityMark },
      { label: 'Blob', cell: finding => finding.key !== null && key(finding.key, 120) },
      { label: 'Snapshots', numeric: true, cell: finding => count(finding.snapshots.length) },
      { label: 'What', cell: finding => message(finding.message, 160) },
    ],
  })
}
${left > 0 && html`<p class="note">${counted(left, 'further finding')} ${left === 1 ? 'is' : 'are'} in run.json only.</p>`}
</section>`
}

function article(run: RunResult, finding: Finding, names: ReadonlyMap<string, string>): Markup {
  return html`<article class="finding ${finding.severity}">
<h3>${severityMark(finding)} <code>${name(finding.code)}</code></h3>
<p class="title">${findingTitle(finding.code)}</p>
<p>${message(finding.message)}</p>
${definitions([
  ['Blob', finding.key === null ? null : key(finding.key)],
  [
    'Index',
    finding.index === null
      ? null
      : html`${name(finding.index)}${finding.shard !== null && html`, shard ${finding.shard}`}`,
  ],
  [
    finding.severity === 'error' && !isAboutData(finding.code)
      ? 'Snapshots that do not restore'
      : 'Snapshots that it touches',
    finding.snapshots.length === 0 ? 'none' : snapshotList(finding.snapshots, names),
  ],
  finding.severity === 'error' ? ['Last good', lastGoodOf(run, finding)] : ['Last good', null],
  ['What to do', html`<strong>${message(finding.advice)}</strong>`],
  ['Look again', repeated(run, finding, names)],
])}
</article>`
}

function repeated(run: RunResult, finding: Finding, names: ReadonlyMap<string, string>): Markup | null {
  const command = repeatCommand(run, finding, names)
  return command === null ? null : key(command, 400)
}

function severityMark(finding: Finding): Markup {
  return mark(severityShapes[finding.severity], finding.severity, severityWords[finding.severity])
}

/** Of the index that it is about; of the whole repository when it is about no index. */
function lastGoodOf(run: RunResult, finding: Finding): Markup {
  if (finding.index === null) {
    const good = standingsOf(run).newestGood
    if (good === null) return html`No snapshot is proven to restore.`
    return html`${name(good.name)}${good.endedAt !== null && html`, ${minute(good.endedAt)}`}`
  }
  const row = run.lastGood.find(candidate => candidate.index === finding.index)
  if (row === undefined || row.snapshot === null) return html`No snapshot of this index is known to be good.`
  return html`${name(row.snapshot)}${row.endedAt !== null && html`, ${minute(row.endedAt)}`} (level ${row.level})`
}

const maxNames = 12

export function snapshotList(uuids: readonly string[], names: ReadonlyMap<string, string>): Markup {
  const left = uuids.length - maxNames
  return html`${uuids.slice(0, maxNames).map((uuid, i) => html`${i > 0 && ', '}${name(names.get(uuid) ?? uuid)}`)}${
    left > 0 && html` and ${count(left)} more`
  }`
}

/** Name by uuid. */
export function snapshotNames(run: RunResult): ReadonlyMap<string, string> {
  return new Map(run.snapshots.map(snapshot => [snapshot.uuid, snapshot.name]))
}

function bySeverity(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort((a, b) => severityOrder[a.severity] - severityOrder[b.severity])
}

export function acceptedSection(run: RunResult): Markup | false {
  if (run.accepted.length === 0) return false
  const names = snapshotNames(run)
  return html`<section id="accepted">
<h2>Accepted findings</h2>
<p>Somebody answers for these until the day given; they raise no alarm, and the snapshots still do not restore.</p>
${table<RunResult['accepted'][number]>({
  caption: 'Accepted findings',
  rows: run.accepted,
  columns: [
    { label: 'Code', cell: row => key(row.finding.code) },
    { label: 'Severity', cell: row => severityMark(row.finding) },
    { label: 'What', cell: row => message(row.finding.message, 200) },
    { label: 'Snapshots', cell: row => snapshotList(row.finding.snapshots, names) },
    { label: 'Until', cell: row => minute(row.until) },
    { label: 'Reason', cell: row => message(row.reason, 300) },
    { label: 'Approved by', cell: row => name(row.approver) },
  ],
})}
</section>`
}

export function lastGoodSection(run: RunResult): Markup | false {
  if (run.lastGood.length === 0) return false
  const endMs = Date.parse(run.endedAt)
  const rows = [...run.lastGood].sort((a, b) => Number(a.snapshot !== null) - Number(b.snapshot !== null))
  return html`<section id="last-good">
<h2>Last good snapshot of each index</h2>
<p>${lossSentence(rows, endMs)}</p>
${table<LastGood>({
  caption: 'Last good snapshot of each index',
  rows,
  columns: [
    { label: 'Index', cell: row => name(row.index) },
    {
      label: 'Last good snapshot',
      cell: row => (row.snapshot === null ? mark('ring', 'inconclusive', 'none known') : name(row.snapshot)),
    },
    {
      label: 'Taken',
      cell: row => row.endedAt !== null && html`<time datetime="${row.endedAt}">${minute(row.endedAt)}</time>`,
    },
    {
      label: 'A loss now costs',
      cell: row =>
        row.snapshot === null
          ? html`<strong>everything</strong>`
          : row.endedAt === null
            ? 'not known'
            : `what was written in the last ${ageOf(row.endedAt, endMs)}`,
    },
    { label: 'Proven at level', cell: row => row.snapshot !== null && provenAt(row) },
  ],
})}
</section>`
}

/** The worst first: it is what one has to answer for. */
function lossSentence(rows: readonly LastGood[], endMs: number): Markup {
  const none = rows.filter(row => row.snapshot === null)
  if (none.length > 0)
    return html`If the cluster were lost now, <strong>${counted(none.length, 'index', 'indices')} could not be restored at all</strong>, as far as is proven.`
  const dated = rows.flatMap(row => (row.endedAt === null ? [] : [{ ...row, endedAt: row.endedAt }]))
  const oldest = dated.sort((a, b) => a.endedAt.localeCompare(b.endedAt))[0]
  if (oldest === undefined) return html`When these snapshots were taken is not known.`
  return html`If the cluster were lost now, what was written since these snapshots would be lost: at most the last ${ageOf(oldest.endedAt, endMs)}, in ${name(oldest.index)}.`
}

/** The level, and how where that is not the level's own word. */
function provenAt(row: LastGood): string {
  const method = row.method === null ? '' : methodWords[row.method]
  return method === '' || method === row.level ? row.level : `${row.level}, by ${method}`
}

function ageOf(endedAt: string, endMs: number): string {
  return age(Math.max(0, (endMs - Date.parse(endedAt)) / 3_600_000))
}
