/** The page that lists the reports of a folder or bucket, newest first, with the trend. */
import { chart, nightsChart } from './charts.ts'
import { age, bytesPerSecond, count, counted, minute } from './format.ts'
import { mark, toneShapes } from './marks.ts'
import { cut, html, key, type Markup, message, name, visible } from './markup.ts'
import { pageOf } from './page.ts'
import { addMonths, type IndexEntry, type IndexMonth, type RunsIndex } from './runsIndex.ts'
import { table } from './table.ts'

/**
 * Draws `index.html`. Pure.
 *
 * @param isThere whether the report of a run still lies beside the page; a link that leads nowhere is none
 */
export function renderIndex(index: RunsIndex, style: string, isThere: (runId: string) => boolean): string {
  const { repository, runs, months, writtenAt } = index
  const newest = runs.at(-1)
  const said = newest?.said ?? null
  const tone = said?.tone ?? 'open'
  const rows = [...runs].reverse()
  const byMonth = addMonths(months, runs).reverse()
  const body = html`<header class="masthead ${tone}">
<p class="eyebrow">Snapproof, all reports</p>
<p class="verdict">${mark(toneShapes[tone], tone, said?.word ?? 'Not known')}</p>
<h1>${message(said?.title ?? 'No run is known', 300)}</h1>
<p class="meta">Repository ${name(repository)}. The last run ended <time datetime="${writtenAt}">${minute(writtenAt)}</time>; whatever is older than your schedule says is no good news.</p>
</header>
<main>
<section id="trend">
<h2>Trend</h2>
${runs.length > 0 && chart(nightsChart(runs.slice(-60), `${counted(Math.min(60, runs.length), 'run')} up to ${minute(writtenAt)}.`))}
</section>
<section id="runs">
<h2>The newest runs</h2>
${table<IndexEntry>({
  caption: 'The newest runs, newest first',
  rows,
  columns: [
    {
      label: 'Ended',
      cell: entry => html`${minute(entry.endedAt)}<br><span class="note">${link(entry.runId, isThere)}</span>`,
    },
    {
      label: 'What it said',
      cell: ({ said: words }) =>
        words === null
          ? html`<span class="note">known from a later run alone</span>`
          : html`${mark(toneShapes[words.tone], words.tone, words.word)}<br><span class="note">${message(words.title, 160)}</span>`,
    },
    { label: 'Exit code', numeric: true, cell: entry => String(entry.exitCode) },
    {
      label: 'Snapshots proven',
      numeric: true,
      cell: ({ said: words }) => words !== null && `${count(words.snapshotsProven)} of ${count(words.snapshots)}`,
    },
    {
      label: 'Newest good',
      numeric: true,
      cell: ({ said: words }) =>
        words !== null && (words.goodAgeHours === null ? 'none' : `${age(words.goodAgeHours)} old`),
    },
    { label: 'Debt', numeric: true, cell: entry => count(entry.debtContents) },
    { label: 'Findings', numeric: true, cell: entry => count(entry.findings) },
    {
      label: 'Restore speed',
      numeric: true,
      cell: ({ said: words }) => words?.bytesPerSecond != null && bytesPerSecond(words.bytesPerSecond),
    },
  ],
})}
</section>
<section id="months">
<h2>By month</h2>
${table<IndexMonth>({
  caption: 'Runs by month, newest first',
  rows: byMonth,
  columns: [
    { label: 'Month', cell: month => month.month },
    { label: 'Runs', numeric: true, cell: month => count(month.runs) },
    { label: 'Did their work', numeric: true, cell: month => count(month.worked) },
    { label: 'With errors', numeric: true, cell: month => count(month.withErrors) },
    { label: 'Contents proven', numeric: true, cell: month => count(month.proven) },
    { label: 'Debt at its end', numeric: true, cell: month => count(month.debtContents) },
  ],
})}
<p class="note">For an auditor: “snapproof report --period ${byMonth[0]?.month ?? '2026-07'} --config FILE --out FOLDER”.</p>
</section>
</main>`
  return pageOf(`${said?.word ?? 'Reports'}: ${cut(visible(repository), 80)}, all reports`, style, body)
}

function link(runId: string, isThere: (runId: string) => boolean): Markup {
  // An id becomes a path: what is none of ours is shown and leads nowhere.
  if (!/^\w[\w.-]{0,99}$/.test(runId) || !isThere(runId)) return key(runId)
  return html`<a href="${runId}/report.html">${runId}</a>`
}
