/** Every failure: found, cured, accepted. */
import type { FindingState, PeriodFailure, PeriodFinding } from '../../model/period.ts'
import { count, counted, minute } from '../format.ts'
import { mark, type Shape, severityShapes } from '../marks.ts'
import { html, key, type Markup, message, name } from '../markup.ts'
import { table } from '../table.ts'
import { findingTitle, methodWords, reasonLabel, severityWords } from '../words.ts'
import { morePlace, type Shown } from './shown.ts'

export function failuresSection({ failures, period, maxRows }: Shown): Markup {
  const open = failures.filter(({ openAtEnd }) => openAtEnd).length
  const rows = [...failures].sort(
    (a, b) => Number(b.openAtEnd) - Number(a.openAtEnd) || (a.foundAt ?? '').localeCompare(b.foundAt ?? ''),
  )
  return html`<section id="failures">
<h2>Failures of snapshots</h2>
<p>${
    failures.length === 0
      ? 'No snapshot failed at any level that was looked at.'
      : html`${counted(failures.length, 'failure')} of a snapshot at a level; ${
          open === 0
            ? `none was open ${minute(period.reportedTo)}`
            : html`<strong>${count(open)} ${open === 1 ? 'was' : 'were'} open ${minute(period.reportedTo)}</strong>`
        }. Only a later pass at the same level cures.`
  }</p>
${
  failures.length > 0 &&
  table<PeriodFailure>({
    caption: 'Failures of snapshots',
    rows,
    maxRows,
    more: morePlace,
    columns: [
      { label: 'Snapshot', cell: row => name(row.snapshot, 60) },
      { label: 'Level', cell: row => row.level },
      {
        label: 'Found',
        cell: row =>
          html`${row.foundAt === null ? 'not known when' : minute(row.foundAt)}<br><span class="note">${reasonLabel(row.reason ?? '')}${row.foundBy !== null && html`, by ${key(row.foundBy)}`}</span>`,
      },
      { label: 'What became of it', cell: row => failureEnd(row, period.reportedTo) },
    ],
  })
}
</section>`
}

function failureEnd({ state, curedAt, curedBy, method }: PeriodFailure, endAt: string): Markup {
  if (curedAt !== null) {
    const how =
      method === null
        ? ''
        : `, by ${Object.hasOwn(methodWords, method) ? methodWords[method as keyof typeof methodWords] : method}`
    return html`${mark('check', 'pass', curedAt > endAt ? 'cured afterwards' : 'cured')}<br><span class="note">${minute(curedAt)}${how}${curedBy !== null && html`, ${key(curedBy)}`}</span>`
  }
  if (state === 'gone')
    return html`${mark('dash', 'not-applicable', 'snapshot deleted')}<br><span class="note">never cured</span>`
  if (state === 'not known')
    return html`${mark('ring', 'inconclusive', 'not known')}<br><span class="note">no standing verdict, and no pass since</span>`
  if (state === 'not applicable')
    return html`${mark('ring', 'inconclusive', 'not applicable now')}<br><span class="note">no pass since</span>`
  return mark('cross', 'fail', 'open')
}

const stateMarks: Readonly<Record<FindingState, readonly [Shape, string, string]>> = {
  open: ['cross', 'fail', 'open'],
  'not known': ['ring', 'inconclusive', 'not known'],
  accepted: ['triangle', 'warning', 'accepted'],
  cured: ['check', 'pass', 'cured'],
  gone: ['dash', 'not-applicable', 'snapshots deleted'],
}

export function findingsSection({ findings, documents, runs, information, maxRows }: Shown): Markup {
  const lacking = runs.length - documents.kept
  return html`<section id="findings">
<h2>Findings</h2>
<p>${counted(findings.length, 'error or warning', 'errors and warnings')} in the kept runs${
    information > 0 && html`; ${count(information)} more of the last one are information`
  }.${lacking > 0 && html` <strong>${counted(lacking, 'run')} left no run.json that could be read: their findings are missing.</strong>`}</p>
${
  findings.length > 0 &&
  table<PeriodFinding>({
    caption: 'Findings of the period',
    rows: findings,
    maxRows,
    more: morePlace,
    columns: [
      {
        label: 'Finding',
        cell: row =>
          html`${mark(severityShapes[row.severity], row.severity, severityWords[row.severity])} <code>${name(row.code)}</code><br><span class="note">${findingTitle(row.code)}${row.index !== null && html`, index ${name(row.index, 60)}`}: ${message(row.message, 200)}</span>`,
      },
      { label: 'Snapshots', numeric: true, cell: row => count(row.snapshots) },
      {
        label: 'Found',
        cell: row => html`${minute(row.firstSeenAt)}<br><span class="note">told by ${counted(row.runs, 'run')}</span>`,
      },
      { label: 'What became of it', cell: findingEnd },
    ],
  })
}
</section>`
}

function findingEnd({ state, curedAt, lastSeenAt, accepted }: PeriodFinding): Markup {
  const [shape, className, word] = stateMarks[state]
  const note =
    accepted !== null
      ? html`until ${minute(accepted.until)}, by ${name(accepted.approver, 60)}: ${message(accepted.reason, 200)}${state === 'open' && ' (that time is over)'}`
      : state === 'cured'
        ? html`by ${minute(curedAt ?? lastSeenAt)}`
        : html`last told ${minute(lastSeenAt)}`
  return html`${mark(shape, className, word)}<br><span class="note">${note}</span>`
}
