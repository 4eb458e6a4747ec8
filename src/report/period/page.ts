/**
 * The report for a period as one page for an outside auditor: what should have been tested and was, what failed and was cured, what is not
 * known, and who answers for it. Bounded, whatever a period holds: long lists are cut and go on in `period.jsonl`.
 */
import type { PeriodReport } from '../../model/period.ts'
import { count, counted, days, minute } from '../format.ts'
import { mark, toneShapes } from '../marks.ts'
import { cut, html, keys, type Markup, message, name, type Value, visible } from '../markup.ts'
import { pageOf } from '../page.ts'
import { clausesSection } from './clausesSection.ts'
import { failuresSection, findingsSection } from './failuresSection.ts'
import { exclusionsSection, identitySection, limitsSection, sealsSection, signOffSection } from './identitySection.ts'
import { populationSection } from './populationSection.ts'
import { lastGoodSection, restoresSection, samplesSection } from './restoresSection.ts'
import { runsSection, scheduleSection } from './scheduleSection.ts'
import type { Shown } from './shown.ts'
import { failingAtEnd } from './verdict.ts'

/** Rows of each list; the most that fit are shown. */
const rowLimits = [400, 200, 100, 50, 20, 5] as const
export const maxPageBytes = 950_000

/** Draws `period.html`. Pure. @throws SnapproofError `usage` for a style that would end its element */
export function renderPeriod(report: PeriodReport, style: string): string {
  let page = ''
  for (const maxRows of rowLimits) {
    page = draw({ ...report, maxRows }, style)
    if (Buffer.byteLength(page) <= maxPageBytes) break
  }
  return page
}

function draw(report: Shown, style: string): string {
  const { period, repository, verdict } = report
  const title = `${verdict.word}: ${cut(visible(repository), 80)}, ${period.name}`
  const body = html`${masthead(report)}
<main>
${strip(report)}
${scheduleSection(report)}
${populationSection(report)}
${failuresSection(report)}
${findingsSection(report)}
${restoresSection(report)}
${lastGoodSection(report)}
${samplesSection(report)}
${exclusionsSection(report)}
${runsSection(report)}
${identitySection(report)}
${sealsSection(report)}
${clausesSection(report)}
${limitsSection(report)}
${signOffSection(report)}
</main>`
  return pageOf(title, style, body)
}

function masthead({ verdict, period, repository, identity, generatedAt, toolVersion }: PeriodReport): Markup {
  return html`<header class="masthead ${verdict.tone}">
<p class="eyebrow">Snapproof, tests of restores in ${period.name}</p>
<p class="verdict">${mark(toneShapes[verdict.tone], verdict.tone, verdict.word)}</p>
<h1>${message(verdict.title, 300)}</h1>
${verdict.detail.length > 0 && html`<p class="lead">${message(verdict.detail.join(' '), 1200)}</p>`}
<p class="meta">Repository ${name(repository)}${identity.urls.length > 0 && html` at ${keys(identity.urls)}`}.<br>
From ${minute(period.from)} to ${minute(period.to)}${!period.over && html`, <strong>reported up to ${minute(period.reportedTo)}</strong>`}.<br>
Drawn ${minute(generatedAt)} from the ledger and the kept runs, by Snapproof ${toolVersion}.</p>
</header>`
}

function strip(report: PeriodReport): Markup {
  const { schedule, population, lastGood, failures } = report
  const restore = population.levels.find(({ level }) => level === 'restore')
  const cured = failures.filter(({ curedAt }) => curedAt !== null).length
  const ages = lastGood.flatMap(({ hoursAtEnd }) => hoursAtEnd ?? [])
  const none = lastGood.filter(({ snapshot }) => snapshot === null).length
  const oldest = ages.length === 0 ? null : ages.reduce((most, hours) => Math.max(most, hours), 0)
  const failing = failingAtEnd(report)
  return html`<section class="strip" aria-label="Key numbers">
${tile(
  'Planned runs that did their work',
  `${count(schedule.done)} of ${count(schedule.planned)}`,
  schedule.planned === 0 ? 'none is over yet' : `${count(schedule.planned - schedule.done)} did not`,
)}
${tile(
  'Snapshots proven at the end',
  restore === undefined ? 'not known' : `${count(restore.pass)} of ${count(population.present)}`,
  population.asOf === null ? 'nobody looked' : `as seen ${minute(population.asOf)}`,
)}
${tile('Snapshots failing at the end', count(failing), `${counted(failures.length, 'failure')} in the period, ${count(cured)} cured`)}
${tile(
  'Most data lost by a loss at the end',
  none > 0 ? 'all' : oldest === null ? 'not known' : days(oldest / 24),
  none > 0
    ? `of ${counted(none, 'index', 'indices')} no snapshot is good`
    : 'of the index whose good snapshot is oldest',
)}
</section>`
}

function tile(label: string, value: Value, note: Value): Markup {
  return html`<div class="tile"><h2>${label}</h2><p class="value">${value}</p><p class="note">${note}</p></div>`
}
