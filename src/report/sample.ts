/** The random draw of the run, and the statement that it supports. */
import type { RunResult } from '../model/run.ts'
import type { SampleOfRun } from '../model/sample.ts'
import { count } from './format.ts'
import { mark, verdictShapes } from './marks.ts'
import { html, key, type Markup, message, name } from './markup.ts'
import { definitions, table } from './table.ts'
import { verdictWords } from './words.ts'

/** Nothing where none was drawn. */
export function sampleSection({ sample }: RunResult): Markup | false {
  if (sample === undefined) return false
  return html`<section id="sample">
<h2>A random sample</h2>
<p><strong>${message(sample.sentence, 600)}</strong></p>
<div class="columns">
${definitions([
  [
    'Drawn',
    `${count(sample.contents.length)} of ${count(sample.population)} contents that can be restored, each as likely as another`,
  ],
  ['Beyond the limits', sample.cut === 0 ? null : `${count(sample.cut)}, in the order of the draw`],
  ['Good', count(sample.passed)],
  ['Bad', count(sample.failed)],
  ['Not judged', count(sample.open)],
  ['Seed', key(sample.seed)],
])}
${table<SampleOfRun['contents'][number]>({
  caption: 'Drawn contents, in the order of the draw',
  rows: sample.contents,
  maxRows: 100,
  columns: [
    {
      label: 'Index',
      cell: row => html`${name(row.index)}<br><span class="note">from ${name(row.snapshot)}</span>`,
    },
    { label: 'Verdict', cell: row => mark(verdictShapes[row.verdict], row.verdict, verdictWords[row.verdict]) },
  ],
})}
</div>
</section>`
}
