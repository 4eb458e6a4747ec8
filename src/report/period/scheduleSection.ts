/** Planned against executed, with every gap; and each run by itself. */
import type { PeriodReport, PeriodRun, PeriodSlot, SlotState } from '../../model/period.ts'
import { calendarChart } from '../calendar.ts'
import { chart } from '../charts.ts'
import { count, counted, minute } from '../format.ts'
import { mark, type Shape } from '../marks.ts'
import { html, key, type Markup, message } from '../markup.ts'
import { definitions, table } from '../table.ts'
import { morePlace, type Shown } from './shown.ts'

const slotWords: Readonly<Record<SlotState, readonly [string, string, Shape]>> = {
  done: ['did its work', 'pass', 'check'],
  'not-worked': ['ended without its work', 'blind', 'triangle'],
  unfinished: ['never came to its end', 'blind', 'triangle'],
  missed: ['no run', 'fail', 'cross'],
}

export function scheduleSection(report: Shown): Markup {
  const { schedule, gaps, unfinished } = report
  const lacking = schedule.slots.filter(({ state }) => state !== 'done')
  const long = gaps.filter(({ hours }) => hours > schedule.everyDays * 24)
  return html`<section id="schedule">
<h2>Planned and executed runs</h2>
<p>Planned is one run ${schedule.everyDays === 1 ? 'a day (UTC)' : `every ${count(schedule.everyDays)} days`}: ${counted(schedule.planned, 'run')} in what is over of the period. ${
    schedule.planned === 0
      ? html`<strong>Nothing was due yet.</strong>`
      : lacking.length === 0
        ? 'Every one of them did its work.'
        : html`<strong>${counted(lacking.length, 'run')} did not happen, or not do the work.</strong>`
  }</p>
${definitions([
  ['Did their work', count(schedule.done)],
  ['No run at all', count(schedule.missed)],
  ['Ended without the work', count(schedule.notWorked)],
  ['Never came to the end', count(schedule.unfinished)],
])}
${schedule.slots.length > 0 && chart(calendarChart(schedule.slots))}
${
  lacking.length > 0 &&
  table<PeriodSlot>({
    caption: 'Planned runs that did not do their work',
    rows: lacking,
    maxRows: report.maxRows,
    more: morePlace,
    columns: [
      { label: 'Planned for', cell: slot => day(slot) },
      { label: 'What happened', cell: ({ state }) => slotMark(state) },
      {
        label: 'Runs',
        cell: ({ runs }) => (runs.length === 0 ? 'none' : runs.map((run, i) => html`${i > 0 && ', '}${key(run)}`)),
      },
    ],
  })
}
${
  long.length > 0 &&
  html`<h3>Longer without anybody looking than planned</h3>${table<PeriodReport['gaps'][number]>({
    caption: 'Times in which nobody looked, longest first',
    rows: long,
    maxRows: report.maxRows,
    more: morePlace,
    columns: [
      { label: 'From', cell: gap => minute(gap.from) },
      { label: 'To', cell: gap => minute(gap.to) },
      { label: 'Hours', numeric: true, cell: gap => gap.hours.toFixed(1) },
      { label: 'After', cell: gap => gap.afterRun !== null && key(gap.afterRun) },
    ],
  })}`
}
${
  unfinished.length > 0 &&
  html`<h3>Runs that left no end</h3><p class="note">They were killed, or still run. What they had finished counts.</p>${table<
    PeriodReport['unfinished'][number]
  >({
    caption: 'Runs that left no end',
    rows: unfinished,
    maxRows: report.maxRows,
    more: morePlace,
    columns: [
      { label: 'Run', cell: row => key(row.runId) },
      { label: 'First restore', cell: row => minute(row.from) },
      { label: 'Last restore', cell: row => minute(row.to) },
      { label: 'Restores', numeric: true, cell: row => count(row.restores) },
    ],
  })}`
}
</section>`
}

function day({ from, to }: PeriodSlot): string {
  const [first, last] = [from.slice(0, 10), to.slice(0, 10)]
  return first === last ? first : `${first} to ${last}`
}

function slotMark(state: SlotState): Markup {
  const [word, className, shape] = slotWords[state]
  return mark(shape, className, word)
}

export function runsSection({ runs, totals, period, maxRows }: Shown): Markup {
  return html`<section id="runs">
<h2>Runs</h2>
${
  runs.length === 0
    ? html`<p><strong>No run ended between ${minute(period.from)} and ${minute(period.reportedTo)}.</strong> Nothing was tested.</p>`
    : html`<p>${counted(totals.runs, 'run')}, of which ${count(totals.worked)} did their work. Contents planned: ${count(totals.planned)}; restored: ${count(totals.executed)}, of which ${count(totals.proven)} good, ${count(totals.failed)} bad, ${count(totals.inconclusive)} not judged.</p>`
}
${
  runs.length > 0 &&
  table<PeriodRun>({
    caption: 'Runs of the period, oldest first',
    rows: runs,
    maxRows,
    more: morePlace,
    columns: [
      { label: 'Ended', cell: run => html`${minute(run.endedAt)}<br><span class="note">${key(run.runId)}</span>` },
      { label: 'Command', cell: run => run.command },
      {
        label: 'Result',
        cell: run =>
          html`${run.worked ? mark('check', 'pass', 'did its work') : mark('triangle', 'blind', 'did not')}<br><span class="note">exit code ${run.exitCode}</span>`,
      },
      { label: 'Planned', numeric: true, cell: run => count(run.planned) },
      { label: 'Restored', numeric: true, cell: run => count(run.executed) },
      { label: 'Bad', numeric: true, cell: run => count(run.failed) },
      { label: 'Debt after', numeric: true, cell: run => count(run.debtContents) },
      {
        label: 'Its report',
        cell: run =>
          run.document === 'kept'
            ? 'kept'
            : html`<strong>${run.document}</strong><br><span class="note">${message(run.problem, 120)}</span>`,
      },
    ],
  })
}
</section>`
}
