/** How long a restore takes: what was measured, and what it means for the worst day. */
import type { RestoreTime } from '../model/restoreTime.ts'
import { bytes, bytesPerSecond, count, counted, seconds } from './format.ts'
import { mark } from './marks.ts'
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
${againstTarget(restoreTime)}
</section>`
}

function againstTarget({ targetSeconds, projection }: RestoreTime): Markup {
  if (targetSeconds == null)
    return html`<p>No target was set (<code>policy.restore.wholeWithin</code>), so none is compared.</p>`
  if (projection === null)
    return html`<p>The target for a whole snapshot is ${seconds(targetSeconds)}; <strong>no snapshot is complete, so nothing is forecast.</strong></p>`
  const within = (projection.slowest ?? projection.seconds) <= targetSeconds
  // The slow end decides, where there is one.
  const bySlowEnd = projection.slowest !== null && (within || projection.seconds <= targetSeconds)
  return html`<p>The target for a whole snapshot is ${seconds(targetSeconds)}: ${
    within ? mark('check', 'pass', 'kept') : mark('cross', 'fail', 'missed')
  } by ${bySlowEnd && 'the slow end of '}the forecast.</p>`
}

function projected(projection: NonNullable<RestoreTime['projection']>): Markup {
  const { fastest, slowest } = projection
  return html`<p>All ${counted(projection.indices, 'index', 'indices')} of ${name(projection.snapshot)}, ${bytes(projection.bytes)}, would take about <strong>${seconds(projection.seconds)}</strong>${
    fastest !== null && slowest !== null && html`, between ${seconds(fastest)} and ${seconds(slowest)}`
  }, ${count(projection.parallel)} at once. This assumes:</p>
<ul>${projection.assumptions.map(sentence => html`<li>${message(sentence, 1000)}</li>`)}</ul>`
}
