/** Which snapshots there were, and what each reached. */
import type { LevelCounts, PeriodSnapshot } from '../../model/period.ts'
import { levels, type VerdictValue } from '../../model/verdict.ts'
import { count, counted, minute } from '../format.ts'
import { mark, verdictShapes } from '../marks.ts'
import { html, type Markup, name } from '../markup.ts'
import { table } from '../table.ts'
import { reasonLabel, verdictWords } from '../words.ts'
import { morePlace, type Shown } from './shown.ts'

const proves: Readonly<Record<string, string>> = {
  catalogue: 'the metadata of the snapshot is whole and agrees with itself',
  presence: 'every blob is there with the right length',
  bytes: 'every byte has the checksum that was recorded',
  restore: 'a real server recovered every expected shard',
  rules: 'the rules of the owner hold on the restored data',
}

export function populationSection(report: Shown): Markup {
  const { population, snapshots } = report
  if (population.asOf === null)
    return html`<section id="population">
<h2>Snapshots and levels</h2>
<p><strong>No run of the period says which snapshots there were.</strong></p>
</section>`
  const shown = population.levels.map(({ level }) => level)
  // What does not pass first, then the newest: what is cut off a long list is the old and good.
  const rank = (one: PeriodSnapshot) => (one.levels.restore?.verdict === 'fail' ? 0 : one.present ? 1 : 2)
  const rows = [...snapshots].sort(
    (a, b) => rank(a) - rank(b) || (b.endedAt ?? '').localeCompare(a.endedAt ?? '') || a.uuid.localeCompare(b.uuid),
  )
  return html`<section id="population">
<h2>Snapshots and levels</h2>
<p>${counted(population.seen, 'snapshot')} ${population.seen === 1 ? 'was' : 'were'} seen in the period; ${count(population.present)} ${population.present === 1 ? 'was' : 'were'} there when somebody looked last, ${minute(population.asOf)}. ${
    population.present < population.seen &&
    html`The others were deleted${
      population.goneUnproven > 0 &&
      html`, <strong>${count(population.goneUnproven)} without ever having been proven to restore</strong>`
    }. `
  }All of them are looked at; none was chosen.</p>
${table<LevelCounts>({
  caption: 'Snapshots at the end of the period, by level',
  rows: population.levels,
  columns: [
    { label: 'Level', cell: row => html`${row.level}<br><span class="note">${proves[row.level] ?? ''}</span>` },
    { label: 'Pass', numeric: true, cell: row => count(row.pass) },
    { label: 'Fail', numeric: true, cell: row => (row.fail > 0 ? html`<strong>${count(row.fail)}</strong>` : '0') },
    { label: 'Not known', numeric: true, cell: row => count(row.inconclusive + row.unknown) },
    { label: 'Not applicable', numeric: true, cell: row => count(row.notApplicable) },
    { label: 'Reached first in the period', numeric: true, cell: row => count(row.reachedInPeriod) },
  ],
})}
<h3>Each snapshot</h3>
${table<PeriodSnapshot>({
  caption: 'Each snapshot of the period and its levels',
  rows,
  maxRows: report.maxRows,
  more: morePlace,
  columns: [
    {
      label: 'Snapshot',
      cell: row =>
        html`${name(row.name, 60)}<br><span class="note">${row.endedAt === null ? 'end unknown' : minute(row.endedAt)}${!row.present && ', deleted since'}</span>`,
    },
    ...levels
      .filter(level => shown.includes(level))
      .map(level => ({ label: level, cell: (row: PeriodSnapshot) => levelCell(row.levels[level]) })),
  ],
})}
</section>`
}

function levelCell(cell: PeriodSnapshot['levels']['restore']): Markup {
  if (cell == null || cell.verdict === null) return html`<span class="note">no run has said</span>`
  const verdict: VerdictValue = cell.verdict
  const note =
    verdict === 'pass'
      ? cell.reachedAt === null
        ? ''
        : `since ${cell.reachedAt.slice(0, 10)}`
      : reasonLabel(cell.reason ?? '')
  return html`${mark(verdictShapes[verdict], verdict, verdictWords[verdict])}${note !== '' && html`<br><span class="note">${note}</span>`}`
}
