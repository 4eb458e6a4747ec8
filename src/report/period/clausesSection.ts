/** The clause map: what a regime asks in our own words, what of it this report shows, what it does not. */
import type { PeriodReport } from '../../model/period.ts'
import { counted } from '../format.ts'
import { html, type Markup } from '../markup.ts'

export function clausesSection({ clauses }: PeriodReport): Markup {
  return html`<section id="clauses">
<h2>Clauses that this report speaks to</h2>
<p>What each asks is said in our own words and is no legal advice. No clause is called fulfilled: that is for the auditor to say. PCI DSS is not here, for it has no clause that asks for tests of restores.</p>
${clauses.map(
  ({ id, regime, clause, asks, caveat, shown, gaps }) => html`<article class="clause" id="clause-${id}">
<h3>${regime}: ${clause}</h3>
<p>${asks}</p>
<p class="note">${caveat}</p>
<div class="columns"><div><h4>Shown here</h4><ul>${shown.map(({ section, sentence }) => html`<li>${section}: ${sentence}</li>`)}</ul></div>
<div><h4>${counted(gaps.length, 'gap')}</h4><ul>${gaps.map(gap => html`<li>${gap}</li>`)}</ul></div></div>
</article>`,
)}
</section>`
}
