/** What is other than after the run before: of all that `run.json` says, so that nobody has to lay two reports side by side. */
import type { RunResult } from '../model/run.ts'
import { count, counted, minute } from './format.ts'
import { html, type Markup, name, type Value } from './markup.ts'
import { definitions } from './table.ts'
import { exitMeanings } from './words.ts'

const maxNames = 8

export function changesSection(run: RunResult): Markup {
  const before = run.history.at(-1)
  if (before === undefined)
    return html`<section id="changes">
<h2>What changed</h2>
<p>This is the first run that the ledger knows: there is nothing to compare it with.</p>
</section>`
  const taken = run.snapshots.filter(({ endedAt }) => endedAt !== null && endedAt > before.endedAt)
  const failing = run.snapshots.filter(({ levels }) => Object.values(levels).some(({ verdict }) => verdict === 'fail'))
  const isNew = ({ levels }: RunResult['snapshots'][number]) =>
    Object.values(levels).some(({ verdict, reason }) => verdict === 'fail' && reason === 'found')
  const found = failing.filter(isNew)
  const proven = run.restores.filter(({ verdict }) => verdict === 'pass').length
  const exit = before.exitCode
  const { code } = run.exit
  return html`<section id="changes">
<h2>What changed since ${minute(before.endedAt)}</h2>
${definitions([
  ['New snapshots', taken.length === 0 ? html`<strong>none</strong>` : named(taken)],
  ['Accused by this run', found.length === 0 ? 'none' : html`<strong>${named(found)}</strong>`],
  ['Failing from before', failing.length === found.length ? 'none' : named(failing.filter(one => !isNew(one)))],
  ['Contents proven', `${count(proven)} in this run, ${count(before.proven)} in the one before`],
  ['Debt', `${counted(run.debt.contents, 'content')}, ${trend(run.debt.contents - before.debtContents)}`],
  ['Findings', `${count(run.findings.length)}, ${trend(run.findings.length - before.findings)}`],
  [
    'Exit code',
    code === exit
      ? `${code}, as before`
      : html`${code}: ${exitMeanings[code]}; before ${exit}${isKnown(exit) && html`: ${exitMeanings[exit]}`}`,
  ],
])}
</section>`
}

function named(snapshots: readonly RunResult['snapshots'][number][]): Value {
  const left = snapshots.length - maxNames
  return html`${snapshots.slice(0, maxNames).map((one, i) => html`${i > 0 && ', '}${name(one.name)}`)}${left > 0 && html` and ${count(left)} more`}`
}

function trend(change: number): string {
  if (change === 0) return 'as many as before'
  return change > 0 ? `${count(change)} more than before` : `${count(-change)} fewer than before`
}

function isKnown(code: number): code is keyof typeof exitMeanings {
  return Object.hasOwn(exitMeanings, code)
}
