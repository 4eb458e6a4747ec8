/** How long a restore takes: what was measured, and what it means for the worst day. */
import type { RestoreTime } from '../model/restoreTime.ts'
import { bytes, bytesPerSecond, count, counted, seconds } from './format.ts'
import { html, type Markup, message, name } from './markup.ts'
import { table } from './table.ts'

export function restoreTimeSection({ restoreTime }: { readonly restoreTime?: RestoreTime | null }): Markup | null {
  if (restoreTime == null) return null
  const { samples, chained, phases, projection } = restoreTime
  const rows = [
    ['Fetch into the mirror', phases.fetch],
    ['Restore', phases.restore],
    ['Questions', phases.questions],
  ] as const
  return html`<section id="restore-time">
<h2>How long a restore takes</h2>
<p>Measured on ${counted(samples, 'restore')} of ${bytes(restoreTime.bytes)} into empty targets${
    chained > 0 && html`; ${count(chained)} chained, which copied only what differed, are no measure`
  }.</p>
${table({
  caption: 'Time of these restores, by phase',
  rows: rows.filter(([, phase]) => phase !== null),
  columns: [
    { label: 'Phase', cell: ([label]) => label },
    { label: 'Time', numeric: true, cell: ([, phase]) => seconds(phase?.seconds ?? 0) },
    {
      label: 'Rate',
      numeric: true,
      cell: ([, phase]) => (phase?.bytesPerSecond == null ? '–' : bytesPerSecond(phase.bytesPerSecond)),
    },
  ],
})}
${projection !== null && projected(projection)}
</section>`
}

function projected(projection: NonNullable<RestoreTime['projection']>): Markup {
  const { fastest, slowest } = projection
  return html`<p>All ${counted(projection.indices, 'index', 'indices')} of ${name(projection.snapshot)}, ${bytes(projection.bytes)}, would take about <strong>${seconds(projection.seconds)}</strong>${
    fastest !== null && slowest !== null && html`, between ${seconds(fastest)} and ${seconds(slowest)}`
  }, ${count(projection.parallel)} at once. This assumes:</p>
<ul>${projection.assumptions.map(sentence => html`<li>${message(sentence, 1000)}</li>`)}</ul>`
}
