/** How much was restored, how fast, from when one could have restored, and what random draws say of all. */
import type { PeriodLastGood, PeriodProjection, PeriodSample } from '../../model/period.ts'
import { age, bytes, bytesPerSecond, count, counted, minute, seconds } from '../format.ts'
import { mark } from '../marks.ts'
import { html, key, type Markup, message, name } from '../markup.ts'
import { definitions, table } from '../table.ts'
import { morePlace, type Shown } from './shown.ts'

export function restoresSection({ restores, restoreTime, maxRows }: Shown): Markup {
  const { slowest } = restores
  const { targetSeconds, projections } = restoreTime
  const missed = projections.filter(({ within }) => within === false).length
  return html`<section id="restores">
<h2>Restores and their time</h2>
<p>${
    restores.attempts === 0
      ? html`<strong>Nothing was restored in this period.</strong>`
      : `${counted(restores.attempts, 'restore')} of ${counted(restores.indices, 'index', 'indices')} into throwaway servers: ${count(restores.pass)} pass, ${count(restores.fail)} fail, ${count(restores.inconclusive)} not judged. ${counted(restores.contents, 'distinct content')} proven.`
  }</p>
${
  restores.measured > 0 &&
  definitions([
    [
      'Measured',
      `${counted(restores.measured, 'restore')} into an empty target, ${bytes(restores.bytes)} in ${seconds(restores.seconds)}`,
    ],
    ['Rate', restores.seconds > 0 ? bytesPerSecond(restores.bytes / restores.seconds) : 'not known'],
    ['In the middle', restores.medianSeconds === null ? null : seconds(restores.medianSeconds)],
    [
      'Slowest',
      slowest === null
        ? null
        : html`${seconds(slowest.seconds)}: ${name(slowest.index, 60)} from ${name(slowest.snapshot, 60)}, ${bytes(slowest.bytes)}, ${minute(slowest.at)}`,
    ],
  ])
}
<h3>Against the target</h3>
<p>${
    targetSeconds === null
      ? html`<strong>No target was given</strong> (policy.restore.wholeWithin, or --restore-target), so none is compared.`
      : projections.length === 0
        ? html`The target is ${seconds(targetSeconds)}. <strong>No kept run forecast the restore of a whole snapshot.</strong>`
        : html`The target for a whole snapshot is ${seconds(targetSeconds)}. ${missed === 0 ? `All ${counted(projections.length, 'forecast')} keep it.` : html`<strong>${count(missed)} of ${counted(projections.length, 'forecast')} would miss it.</strong>`}`
  }</p>
${
  projections.length > 0 &&
  table<PeriodProjection>({
    caption: 'Restore of the newest whole snapshot, forecast by each run from what it measured',
    rows: [...projections].reverse(),
    maxRows,
    more: morePlace,
    columns: [
      {
        label: 'Run',
        cell: row =>
          html`${minute(row.at)}<br><span class="note">${name(row.snapshot, 60)}, ${bytes(row.bytes)}</span>`,
      },
      { label: 'About', numeric: true, cell: row => seconds(row.seconds) },
      { label: 'At most', numeric: true, cell: row => (row.slowest === null ? '–' : seconds(row.slowest)) },
      {
        label: 'Target',
        cell: row =>
          row.within === null ? 'none' : row.within ? mark('check', 'pass', 'kept') : mark('cross', 'fail', 'missed'),
      },
    ],
  })
}
</section>`
}

export function lastGoodSection({ lastGood, period, maxRows }: Shown): Markup {
  const rows = [...lastGood].sort(
    (a, b) =>
      Number(a.snapshot !== null) - Number(b.snapshot !== null) ||
      (b.hoursAtEnd ?? Infinity) - (a.hoursAtEnd ?? Infinity),
  )
  return html`<section id="last-good">
<h2>Last good snapshot of each index</h2>
<p>A loss of the cluster ${minute(period.reportedTo)} would have lost what was written since then.</p>
${
  rows.length === 0
    ? html`<p><strong>The ledger knows of no index.</strong></p>`
    : table<PeriodLastGood>({
        caption: 'Last good snapshot of each index at the end of the period',
        rows,
        maxRows,
        more: morePlace,
        columns: [
          { label: 'Index', cell: row => name(row.index, 60) },
          {
            label: 'Last good snapshot',
            cell: row => (row.snapshot === null ? mark('cross', 'fail', 'none') : name(row.snapshot, 60)),
          },
          { label: 'Taken', cell: row => row.endedAt !== null && minute(row.endedAt) },
          {
            label: 'Lost',
            numeric: true,
            cell: row =>
              row.snapshot === null ? 'everything' : row.hoursAtEnd === null ? 'not known' : age(row.hoursAtEnd),
          },
          { label: 'Level', cell: row => row.level },
        ],
      })
}
</section>`
}

export function samplesSection({ samples, maxRows }: Shown): Markup {
  const holding = samples.filter(({ holds }) => holds)
  const last = holding.at(-1)
  return html`<section id="samples">
<h2>Random samples</h2>
<p>${
    samples.length === 0
      ? 'No run of the period drew a random sample, so no statistical statement is made.'
      : last === undefined
        ? html`<strong>None of ${counted(samples.length, 'random draw')} supports a statement.</strong>`
        : html`${count(holding.length)} of ${counted(samples.length, 'random draw')} ${holding.length === 1 ? 'supports' : 'support'} a statement. The last one: <strong>${message(last.sentence, 600)}</strong> Each is about the contents that there were in its night; they are not added up.`
  }</p>
${
  samples.length > 0 &&
  table<PeriodSample>({
    caption: 'Random draws of the period',
    rows: [...samples].reverse(),
    maxRows,
    more: morePlace,
    columns: [
      { label: 'Run', cell: row => html`${minute(row.at)}<br><span class="note">seed ${key(row.seed, 40)}</span>` },
      { label: 'Drawn', numeric: true, cell: row => `${count(row.drawn)} of ${count(row.population)}` },
      { label: 'Bad', numeric: true, cell: row => count(row.failed) },
      { label: 'Not judged', numeric: true, cell: row => count(row.open) },
      { label: 'What it says', cell: row => message(row.sentence, 300) },
    ],
  })
}
</section>`
}
