/** What the owner's rules said of the restored data. */
import type { RuleOutcomeRow, RuleSummary } from '../model/ownerRule.ts'
import type { RunResult } from '../model/run.ts'
import { count, counted } from './format.ts'
import { mark, verdictShapes } from './marks.ts'
import { html, type Markup, message, name } from './markup.ts'
import { table } from './table.ts'
import { verdictWords } from './words.ts'

const maxOutcomes = 300
const order = { fail: 0, inconclusive: 1, pass: 2 } as const

/** Nothing where no rule is configured. */
export function rulesSection({ rules }: RunResult): Markup | false {
  if (rules === undefined) return false
  const failing = rules.rules.filter(rule => rule.judged.fail > 0)
  const outcomes = [...rules.outcomes].sort((a, b) => order[a.verdict] - order[b.verdict])
  return html`<section id="rules">
<h2>Rules of the owner</h2>
<p>${counted(rules.rules.length, 'rule')}: ${
    failing.length === 0
      ? 'none fails.'
      : html`<strong>${count(failing.length)} ${failing.length === 1 ? 'fails' : 'fail'}</strong>.`
  }</p>
${table<RuleSummary>({
  caption: 'Rules',
  rows: [...rules.rules].sort((a, b) => Number(b.judged.fail > 0) - Number(a.judged.fail > 0)),
  columns: [
    {
      label: 'Rule',
      cell: row => html`${name(row.name)}<br><span class="note">${name([...row.index].join(', '), 120)}</span>`,
    },
    { label: 'Wants', cell: row => html`${message(row.wants, 200)}${row.severity === 'warning' && ' (warning)'}` },
    {
      label: 'Indices',
      numeric: true,
      cell: row => (row.indices === 0 ? html`<strong>matches nothing</strong>` : count(row.indices)),
    },
    { label: 'Holds', numeric: true, cell: row => count(row.judged.pass) },
    { label: 'Does not', numeric: true, cell: row => count(row.judged.fail) },
    { label: 'Not known', numeric: true, cell: row => count(row.judged.inconclusive) },
  ],
})}
${
  outcomes.length > 0 &&
  table<RuleOutcomeRow>({
    caption: 'What does not hold, and the newest of each index',
    rows: outcomes,
    maxRows: maxOutcomes,
    columns: [
      {
        label: 'Index',
        cell: row =>
          html`${row.index === null ? 'the whole snapshot' : name(row.index)}<br><span class="note">in ${name(row.snapshot)}</span>`,
      },
      { label: 'Rule', cell: row => name(row.rule) },
      { label: 'Verdict', cell: row => mark(verdictShapes[row.verdict], row.verdict, verdictWords[row.verdict]) },
      { label: 'Got', cell: row => (row.got === null ? 'no answer' : message(row.got, 120)) },
      { label: 'What', cell: row => message(row.message, 240) },
    ],
  })
}
${rules.more > 0 && html`<p class="note">${counted(rules.more, 'further outcome')} ${rules.more === 1 ? 'is' : 'are'} not listed.</p>`}
</section>`
}
