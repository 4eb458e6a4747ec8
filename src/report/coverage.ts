/** What is proven of what: snapshots by level, and why the rest is not. */
import type { RunResult, SnapshotSummary } from '../model/run.ts'
import { type Standing, standingsOf } from '../model/standing.ts'
import { type Level, levels, type VerdictRow } from '../model/verdict.ts'
import { chart } from './charts.ts'
import { bytes, count, counted, minute } from './format.ts'
import { coverageChart } from './heatmap.ts'
import { mark, verdictShapes } from './marks.ts'
import { html, type Markup, name } from './markup.ts'
import { definitions, table } from './table.ts'
import { reasonLabel, reasonText, verdictWords } from './words.ts'

const standingOrder: Readonly<Record<Standing, number>> = { failing: 0, open: 1, 'not-applicable': 2, proven: 2 }

export function coverageSection(run: RunResult): Markup {
  const shownLevels = levels.filter(
    level => level !== 'rules' || run.snapshots.some(row => row.levels.rules !== undefined),
  )
  const standings = standingsOf(run)
  // Newest first within a standing, so that what is cut at 5,000 snapshots is the old and good.
  const rows = [...run.snapshots].sort(
    (a, b) =>
      standingOrder[standings.bySnapshot.get(a) ?? 'open'] - standingOrder[standings.bySnapshot.get(b) ?? 'open'] ||
      (b.endedAt ?? '').localeCompare(a.endedAt ?? ''),
  )
  const heatmap = coverageChart(run)
  return html`<section id="coverage">
<h2>Snapshots and levels</h2>
${run.snapshots.length === 0 && html`<p>The repository holds no snapshot.</p>`}
${heatmap !== null && chart(heatmap)}
${
  run.snapshots.length > 0 &&
  table<SnapshotSummary>({
    caption: 'Snapshots by level',
    rows,
    maxRows: 500,
    columns: [
      {
        label: 'Snapshot',
        cell: row =>
          html`${name(row.name)}<br><span class="note">${row.endedAt === null ? 'end unknown' : minute(row.endedAt)}${
            row.state !== null && row.state !== 'SUCCESS' && html`, ${row.state}`
          }${row.chosen && ', chosen this night'}</span>`,
      },
      {
        label: 'Contents proven',
        numeric: true,
        cell: row =>
          html`${count(row.contentsProven)} of ${count(row.contents)}<br><span class="note">${bytes(row.bytes)}</span>`,
      },
      ...shownLevels.map(level => ({ label: level, cell: (row: SnapshotSummary) => levelCell(row, level) })),
    ],
  })
}
${reasonLegend(run)}
${contentDetails(run)}
</section>`
}

function levelCell(snapshot: SnapshotSummary, level: Level): Markup {
  const cell = snapshot.levels[level]
  if (cell === undefined) return html`<span class="note">not asked</span>`
  const { verdict, reason } = cell
  return html`${mark(verdictShapes[verdict], verdict, verdictWords[verdict])}<br><span class="note" title="${reasonText(reason)}">${reasonLabel(reason)}</span>`
}

function reasonLegend(run: RunResult): Markup | false {
  const used = new Set(run.snapshots.flatMap(row => Object.values(row.levels).map(level => level.reason)))
  if (used.size === 0) return false
  return html`<details><summary>What the reasons mean</summary>
${definitions([...used].sort().map(reason => [reasonLabel(reason), reasonText(reason)] as const))}
</details>`
}

/** Each index in each snapshot, with the restore that its verdict rests on. */
function contentDetails(run: RunResult): Markup | false {
  const rows = run.verdicts.filter(row => row.level === 'restore' && row.index !== null)
  if (rows.length === 0) return false
  return html`<details><summary>Each index in each snapshot</summary>
${table<VerdictRow>({
  caption: 'Each index in each snapshot at the level restore',
  rows,
  maxRows: 500,
  columns: [
    { label: 'Index', cell: row => name(row.index ?? '') },
    { label: 'Snapshot', cell: row => name(row.snapshot) },
    { label: 'Verdict', cell: row => mark(verdictShapes[row.verdict], row.verdict, verdictWords[row.verdict]) },
    { label: 'Rests on', cell: restsOn },
  ],
})}
</details>`
}

/** Credit is said in full, so that nobody takes a shared proof for a restore of this very snapshot. */
function restsOn(row: VerdictRow): Markup {
  if (row.verdict !== 'pass' || row.provenAt === null) return html`${reasonText(row.reason)}`
  const on = html`<time datetime="${row.provenAt}">${minute(row.provenAt)}</time>`
  const how = row.method === 'chained' ? ', chained' : ''
  return row.creditedFrom === null
    ? html`restored from this snapshot on ${on}${how}`
    : html`by the same content, restored from ${name(row.creditedFrom)} on ${on}${how}`
}

interface Gap {
  readonly verdict: VerdictRow['verdict']
  readonly reason: string
  readonly rows: readonly VerdictRow[]
}

/** Contents without a pass at `restore`, by reason. Nothing that is not proven is left out of this section. */
export function gapsSection(run: RunResult): Markup | false {
  const gaps = gapsOf(
    run.verdicts.filter(row => row.level === 'restore' && row.index !== null && row.verdict !== 'pass'),
  )
  if (gaps.length === 0) return false
  return html`<section id="gaps">
<h2>Not proven by a restore, and why</h2>
${table<Gap>({
  caption: 'Indices in snapshots without a pass at the level restore, by reason',
  rows: gaps,
  columns: [
    { label: 'Reason', cell: gap => reasonLabel(gap.reason) },
    { label: 'Verdict', cell: gap => mark(verdictShapes[gap.verdict], gap.verdict, verdictWords[gap.verdict]) },
    { label: 'Indices in snapshots', numeric: true, cell: gap => count(gap.rows.length) },
    { label: 'Meaning', cell: gap => reasonText(gap.reason) },
    { label: 'For example', cell: gap => examples(gap.rows) },
  ],
})}
</section>`
}

function examples(rows: readonly VerdictRow[]): Markup {
  const left = rows.length - 3
  return html`${rows.slice(0, 3).map((row, i) => html`${i > 0 && '; '}${name(row.index ?? '', 40)} in ${name(row.snapshot, 40)}`)}${
    left > 0 && html`; ${counted(left, 'more', 'more')}`
  }`
}

function gapsOf(rows: readonly VerdictRow[]): readonly Gap[] {
  const byReason = new Map<string, VerdictRow[]>()
  for (const row of rows) {
    const group = `${row.verdict} ${row.reason}`
    const known = byReason.get(group)
    if (known === undefined) byReason.set(group, [row])
    else known.push(row)
  }
  const order = { fail: 0, inconclusive: 1, 'not-applicable': 2, pass: 3 } as const
  return [...byReason.values()]
    .flatMap(group =>
      group[0] === undefined ? [] : [{ verdict: group[0].verdict, reason: group[0].reason, rows: group }],
    )
    .sort((a, b) => order[a.verdict] - order[b.verdict] || b.rows.length - a.rows.length)
}
