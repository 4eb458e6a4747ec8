/**
 * The two plots, as SVG of our own on d3-scale and d3-shape: no renderer, no browser DOM, no style attributes (the
 * content security policy forbids them). Each has a title, a description and its numbers as a table.
 */
import { scaleBand, scaleLinear } from 'd3-scale'
import { line, stack } from 'd3-shape'
import type { RestoreRow, RunResult } from '../model/run.ts'
import { bytes, count, counted, minute, seconds } from './format.ts'
import { cut, html, type Markup, name, visible } from './markup.ts'
import { table } from './table.ts'

export interface Chart {
  /** Unique on the page; letters and dashes. */
  readonly id: string
  readonly title: string
  /** What one sees, in a sentence. */
  readonly description: string
  readonly legend: readonly { readonly className: string; readonly label: string }[]
  readonly height: number
  readonly drawing: Markup
  readonly data: Markup
}

const width = 560

export function chart(value: Chart): Markup {
  return html`<figure class="chart">
<figcaption>${value.title}</figcaption>
<p class="legend" aria-hidden="true">${value.legend.map(
    entry =>
      html`<span><svg viewBox="0 0 16 10" width="16" height="10"><rect class="${entry.className}" width="16" height="10"/></svg> ${entry.label}</span>`,
  )}</p>
<svg role="img" viewBox="0 0 ${width} ${value.height}" aria-labelledby="${value.id}-title ${value.id}-desc">
<title id="${value.id}-title">${value.title}</title>
<desc id="${value.id}-desc">${value.description}</desc>
${value.drawing}
</svg>
<details><summary>The numbers</summary>${value.data}</details>
</figure>`
}

interface Night {
  readonly endedAt: string
  readonly debtContents: number
  readonly proven: number
  readonly exitCode: number
  readonly findings: number
}

const maxNights = 60

/** Debt after each night as bars, contents proven in it as a line. */
export function debtChart(run: RunResult): Chart {
  const thisNight: Night = {
    endedAt: run.endedAt,
    debtContents: run.debt.contents,
    proven: run.restores.filter(row => row.verdict === 'pass').length,
    exitCode: run.exit.code,
    findings: run.findings.length,
  }
  const nights = [...run.history.slice(1 - maxNights), thisNight]
  const description = `${counted(nights.length, 'run')} up to ${minute(run.endedAt)}. Debt ends at ${counted(run.debt.contents, 'content')}; this run proved ${thisNight.proven}.`
  return nightsChart(nights, description)
}

/** `nights`: at least one, oldest first. */
export function nightsChart(nights: readonly Night[], description: string): Chart {
  const height = 250
  const [left, right, top, bottom] = [44, width - 12, 12, height - 34]
  const highest = Math.max(1, ...nights.map(night => Math.max(night.debtContents, night.proven)))
  const x = scaleBand<number>()
    .domain(nights.map((_, i) => i))
    .range([left, right])
    .paddingInner(0.25)
    .paddingOuter(0.15)
  const y = scaleLinear().domain([0, highest]).nice(4).range([bottom, top])
  const ticks = y.ticks(4).filter(Number.isInteger)
  // A bar as wide as the plot would be no bar: two nights are drawn slim and centred.
  const barWidth = Math.min(x.bandwidth(), 56)
  const centre = (i: number) => (x(i) ?? left) + x.bandwidth() / 2
  const path = line<Night>(
    (_, i) => centre(i),
    night => y(night.proven),
  )(nights)
  const labelled = labelPositions(nights.length, 6)
  const drawing = html`
${ticks.map(tick => html`<line class="grid" x1="${left}" x2="${right}" y1="${px(y(tick))}" y2="${px(y(tick))}"/><text class="tick end" x="${left - 6}" y="${px(y(tick) + 4)}">${count(tick)}</text>`)}
${nights.map(
  (night, i) =>
    html`<rect class="series-debt" x="${px(centre(i) - barWidth / 2)}" width="${px(barWidth)}" y="${px(y(night.debtContents))}" height="${px(bottom - y(night.debtContents))}"/>`,
)}
<path class="series-proven-line" d="${path ?? ''}"/>
${nights.map((night, i) => html`<circle class="series-proven-dot" cx="${px(centre(i))}" cy="${px(y(night.proven))}" r="${nights.length > 30 ? 2.5 : 4}"/>`)}
<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
${labelled.map(i => {
  const night = nights[i]
  return (
    night !== undefined &&
    html`<text class="tick middle" x="${px(centre(i))}" y="${bottom + 20}">${night.endedAt.slice(5, 10)}</text>`
  )
})}`
  return {
    id: 'debt-chart',
    title: 'Debt after each night, and contents proven in it',
    description,
    legend: [
      { className: 'series-debt', label: 'contents in debt after the night' },
      { className: 'series-proven', label: 'contents proven in the night' },
    ],
    height,
    drawing,
    data: table<Night>({
      caption: 'Debt by night',
      rows: [...nights].reverse(),
      columns: [
        { label: 'Ended', cell: night => minute(night.endedAt) },
        { label: 'Debt', numeric: true, cell: night => count(night.debtContents) },
        { label: 'Proven', numeric: true, cell: night => count(night.proven) },
        { label: 'Findings', numeric: true, cell: night => count(night.findings) },
        { label: 'Exit code', numeric: true, cell: night => String(night.exitCode) },
      ],
    }),
  }
}

const parts = ['mirror', 'restore', 'questions'] as const
const partWords = { mirror: 'fetch', restore: 'restore', questions: 'questions' } as const
const maxBars = 20

/** Seconds of each restore, longest first, by part. */
export function restoreChart(run: RunResult): Chart {
  const rows = [...run.restores].sort((a, b) => total(b) - total(a))
  const shown = rows.slice(0, maxBars)
  const rowHeight = 34
  const [left, right, top] = [2, width - 62, 2]
  const bottom = top + shown.length * rowHeight
  const height = bottom + 28
  const x = scaleLinear()
    .domain([0, Math.max(0.1, ...shown.map(total))])
    .range([left, right])
  const layers = stack<unknown, RestoreRow, (typeof parts)[number]>()
    .keys([...parts])
    .value((row, part) => row.seconds[part])(shown)
  const drawing = html`
${x.ticks(5).map(tick => html`<line class="grid" x1="${px(x(tick))}" x2="${px(x(tick))}" y1="${top}" y2="${bottom}"/><text class="tick middle" x="${px(Math.max(x(tick), 10))}" y="${bottom + 18}">${axisSeconds(tick)}</text>`)}
${layers.map(layer =>
  layer.map((segment, i) => {
    const from = x(segment[0])
    const to = x(segment[1])
    return html`<rect class="series-${layer.key}" x="${px(from)}" width="${px(Math.max(0, to - from))}" y="${top + i * rowHeight + 17}" height="11"/>`
  }),
)}
${shown.map((row, i) => {
  const label = visible(`${row.index}, from ${row.snapshot}`)
  return html`<text class="label" x="${left + 4}" y="${top + i * rowHeight + 12}"><title>${cut(label, 1000)}</title>${cut(label, 60)}</text>
<text class="tick" x="${px(x(total(row)) + 6)}" y="${top + i * rowHeight + 27}">${seconds(total(row))}</text>`
})}
<line class="axis" x1="${left}" x2="${left}" y1="${top}" y2="${bottom}"/>`
  return {
    id: 'restore-chart',
    title: 'Time of each restore of this run',
    description: `${counted(rows.length, 'restore')}, longest first${rows.length > maxBars ? `, the ${maxBars} longest drawn` : ''}; each bar is the time to fetch, to restore and to ask questions.`,
    legend: parts.map(part => ({ className: `series-${part}`, label: partWords[part] })),
    height,
    drawing,
    data: table<RestoreRow>({
      caption: 'Time of each restore',
      rows,
      columns: [
        { label: 'Index', cell: row => name(row.index) },
        { label: 'Snapshot', cell: row => name(row.snapshot) },
        ...parts.map(part => ({
          label: `Seconds, ${partWords[part]}`,
          numeric: true,
          cell: (row: RestoreRow) => row.seconds[part].toFixed(1),
        })),
        { label: 'Size', numeric: true, cell: row => bytes(row.bytes) },
      ],
    }),
  }
}

function total(row: RestoreRow): number {
  return row.seconds.mirror + row.seconds.restore + row.seconds.questions
}

/** Ticks of a time axis are round already. */
function axisSeconds(value: number): string {
  return value >= 120 ? `${Math.round((value / 60) * 10) / 10} min` : `${Math.round(value * 100) / 100} s`
}

/** At most `max` positions out of `length`, always the last one, evenly spaced back from it. */
function labelPositions(length: number, max: number): readonly number[] {
  const step = Math.max(1, Math.ceil(length / max))
  return Array.from({ length: Math.ceil(length / step) }, (_, i) => length - 1 - i * step)
}

/** Two decimals are enough for a pixel, and keep the file the same on every machine. */
function px(value: number): string {
  return String(Math.round(value * 100) / 100)
}
