/** Indices that are not what they were in the snapshots before. */
import type { BaselineKind, BaselineRow } from '../model/baseline.ts'
import type { RunResult } from '../model/run.ts'
import { count, counted, days } from './format.ts'
import { mark, severityShapes } from './marks.ts'
import { html, type Markup, message, name } from './markup.ts'
import { table } from './table.ts'
import { severityWords } from './words.ts'

const kindWords: Readonly<Record<BaselineKind, string>> = {
  emptied: 'lost its documents',
  shrunk: 'shrunk',
  frozen: 'frozen',
  jumped: 'jumped',
  mapping: 'mapping changed',
  behind: 'behind',
}

/** Nothing where the run is older than that it compared. */
export function baselinesSection({ baselines }: RunResult): Markup | false {
  if (baselines === undefined) return false
  const { outside, judged, tooYoung, after, settleDays } = baselines
  return html`<section id="baselines">
<h2>Compared with the snapshots before</h2>
<p>${counted(judged, 'index', 'indices')} compared: ${
    outside.length === 0
      ? 'documents, bytes, pace and mapping are as before.'
      : html`<strong>${counted(outside.length, 'departure')}</strong> of the last ${days(settleDays)}.`
  }${tooYoung > 0 && html` Of ${counted(tooYoung, 'further index', 'further indices')} fewer than ${count(after)} earlier snapshots are known.`}</p>
${
  outside.length > 0 &&
  table<BaselineRow>({
    caption: 'Indices that are not what they were',
    rows: outside,
    maxRows: 300,
    columns: [
      { label: 'Index', cell: row => name(row.index) },
      {
        label: 'What',
        cell: row =>
          html`${mark(severityShapes[row.severity], row.severity, kindWords[row.kind])}<br><span class="note">${severityWords[row.severity]}</span>`,
      },
      { label: 'Numbers', cell: row => message(row.message, 500) },
      {
        label: 'In',
        cell: row =>
          html`${name(row.snapshots[0]?.name ?? '')}${row.snapshots.length > 1 && html` and ${count(row.snapshots.length - 1)} more`}`,
      },
      { label: 'As before last in', cell: row => (row.lastWithin === null ? 'not known' : name(row.lastWithin)) },
    ],
  })
}
</section>`
}
