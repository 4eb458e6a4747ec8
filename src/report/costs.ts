/** What the run cost: forecast against measured, as a whole and by line. */
import { allReads, type UsageBill } from '../model/cost.ts'
import type { RunResult } from '../model/run.ts'
import { type CostRow, costRows, pricesText, quantityText, usd } from './costLines.ts'
import { bytes, count, seconds } from './format.ts'
import { html, type Markup, message, name } from './markup.ts'
import { table } from './table.ts'

/** Nothing where the run is older than that it knew of costs. */
export function costsSection(run: RunResult): Markup | false {
  const { costs } = run
  if (costs === undefined) return false
  const forecast = run.forecast?.night ?? null
  const { measured } = costs
  const unknown = [...new Set([...(forecast?.bill.unknown ?? []), ...(measured?.bill.unknown ?? [])])]
  const limit = run.limits.costUsd ?? null
  return html`<section id="costs">
<h2>Costs</h2>
<p><strong>${usd(measured?.bill.usd ?? null)}</strong> measured, ${usd(forecast?.bill.usd ?? null)} forecast when the look was over${
    limit !== null && html`, ${usd(limit)} allowed`
  }; ${message(pricesText(costs, unknown), 400)}. Nobody has billed this: check the prices before you rely on the sum.${
    measured === null && ' Several machines worked, and what they used together was not measured.'
  }</p>
<div class="columns">
${table<Whole>({
  caption: 'Forecast and measured',
  rows: wholes,
  columns: [
    { label: 'What', cell: row => row.label },
    { label: 'Forecast', numeric: true, cell: row => (forecast === null ? 'unknown' : row.of(forecast)) },
    { label: 'Measured', numeric: true, cell: row => (measured === null ? 'unknown' : row.of(measured)) },
  ],
})}
</div>
${table<CostRow>({
  caption: 'By line: quantity × price',
  rows: costRows(forecast, measured, costs),
  columns: [
    { label: 'Line', cell: row => name(row.label) },
    { label: 'Forecast', numeric: true, cell: row => side(row, row.forecast) },
    { label: 'Measured', numeric: true, cell: row => side(row, row.measured) },
    { label: 'Price in USD', numeric: true, cell: row => row.price },
  ],
})}
</section>`
}

interface Whole {
  readonly label: string
  readonly of: (side: UsageBill) => string
}

const wholes: readonly Whole[] = [
  { label: 'Requests', of: ({ usage }) => count(usage.list + usage.put + allReads(usage).requests) },
  { label: 'Bytes read', of: ({ usage }) => bytes(allReads(usage).bytes) },
  { label: 'Time', of: side => seconds(side.usage.seconds) },
  { label: 'Cost', of: side => usd(side.bill.usd) },
]

function side(row: CostRow, found: CostRow['forecast']): Markup | string {
  if (found === null) return 'unknown'
  return html`${usd(found.amount)}<br><span class="note">${quantityText(found.quantity, row.unit)}</span>`
}
