/** Scope, who looked with what, the seals, the limits, and the place for signatures. */
import type { PeriodExclusion, PeriodReport } from '../../model/period.ts'
import { count, counted, minute } from '../format.ts'
import { html, key, keys, type Markup, message, name } from '../markup.ts'
import { definitions, table } from '../table.ts'
import { morePlace, type Shown } from './shown.ts'

export function exclusionsSection({ exclusions, population, documents, identity, maxRows }: Shown): Markup {
  return html`<section id="scope">
<h2>Scope and exclusions</h2>
<p>In scope is every snapshot of the repository: ${counted(population.seen, 'snapshot')}. ${
    documents.kept === 0
      ? html`<strong>No run.json is kept, so what was left out is not known.</strong>`
      : `What the last kept run left out of judgement, and what somebody accepted:`
  }</p>
${documents.kept > 0 && exclusions.length === 0 && html`<p>Nothing.</p>`}
${
  exclusions.length > 0 &&
  table<PeriodExclusion>({
    caption: 'Exclusions',
    rows: exclusions,
    maxRows,
    more: morePlace,
    columns: [
      { label: 'What', cell: row => message(row.what, 200) },
      { label: 'How many', numeric: true, cell: row => count(row.count) },
      { label: 'Reason', cell: row => message(row.reason, 300) },
      {
        label: 'Approved by',
        cell: row => (row.approver === null ? 'nobody: a rule of the program' : name(row.approver)),
      },
      { label: 'Until', cell: row => row.until !== null && minute(row.until) },
    ],
  })
}
${definitions([['Policy', identity.policies.length === 0 ? 'not known' : identity.policies.map((text, i) => html`${i > 0 && '; then '}${message(text)}`)]])}
</section>`
}

export function identitySection({ identity, debt }: PeriodReport): Markup {
  const { selfChecks, generations, egressBlocked } = identity
  return html`<section id="identity">
<h2>Identity</h2>
<div class="columns">
${definitions([
  ['Repository', identity.urls.length === 0 ? 'not known' : keys(identity.urls)],
  ['Repository uuid', identity.uuids.length === 0 ? 'not stated' : keys(identity.uuids)],
  ['Written by cluster', identity.clusterIds.length === 0 ? 'not stated' : keys(identity.clusterIds)],
  [
    'Generations',
    generations === null ? 'not known' : `${generations.first} in the first run, ${generations.last} in the last`,
  ],
])}
${definitions([
  ['Snapproof', identity.tools.length === 0 ? 'no run' : html`${name(identity.tools.join(', '))}`],
  [
    'Servers',
    identity.engines.length === 0
      ? 'not known'
      : identity.engines.map((text, i) => html`${i > 0 && '; '}${name(text)}`),
  ],
  [
    'Segregation',
    egressBlocked === null
      ? 'not known'
      : egressBlocked
        ? 'every throwaway server was cut off from other networks'
        : 'not every throwaway server was cut off from other networks',
  ],
  [
    'Self-checks',
    selfChecks.runs === 0
      ? 'not known'
      : `${counted(selfChecks.runs, 'run')} planted ${count(selfChecks.planted)} things and judged ${count(selfChecks.found)} of them as they must be`,
  ],
  [
    'Debt',
    `${debt.before === null ? 'not known' : count(debt.before)} before the period, ${debt.most === null ? 'not known' : count(debt.most)} at most, ${debt.end === null ? 'not known' : count(debt.end)} at its end`,
  ],
])}
</div>
</section>`
}

export function sealsSection({ seals, generatedAt }: PeriodReport): Markup {
  return html`<section id="seals">
<h2>Seals</h2>
${
  seals.heads.length === 0
    ? html`<p><strong>The ledger knows no seal of these runs.</strong> Nothing but the place where they are kept shows whether they were altered.</p>`
    : html`<p>The end of the chain of seals as the ledger knew it ${minute(generatedAt)}. Whoever keeps this page sees later whether the end was cut: “snapproof seal verify CHAIN --public-key KEY.pub --head NUMBER:HASH”.</p>
${definitions(seals.heads.map(({ chain, number, hash }) => [`Seal ${number}`, html`${key(hash)}<br><span class="note">${key(chain)}</span>`] as const))}`
}
${seals.unsealed.length > 0 && html`<p><strong>${counted(seals.unsealed.length, 'run')} without a seal:</strong> ${keys(seals.unsealed, 20)}</p>`}
</section>`
}

export function limitsSection({ limits }: PeriodReport): Markup {
  return html`<section id="limits">
<h2>What this report does not say</h2>
<ul>${limits.map(sentence => html`<li>${message(sentence, 1000)}</li>`)}</ul>
</section>`
}

const signatures = ['Prepared by', 'Reviewed by', 'Approved by'] as const

export function signOffSection({ period, repository }: PeriodReport): Markup {
  return html`<section id="sign-off">
<h2>Sign-off</h2>
<p>For the tests of restores of ${name(repository)} in ${period.name}. With a signature each gap above is known to the person who signs.</p>
<div class="signatures">${signatures.map(
    role => html`<div class="signature"><h3>${role}</h3>
<dl><div><dt>Name</dt><dd class="blank"></dd></div><div><dt>Role</dt><dd class="blank"></dd></div><div><dt>Date</dt><dd class="blank"></dd></div><div><dt>Signature</dt><dd class="blank tall"></dd></div></dl></div>`,
  )}</div>
<p class="note">Corrective action for each gap and open failure, with who does it and until when:</p>
<div class="blank page"></div>
</section>`
}
