/** Coverage of all snapshots over time: when they were taken across, the levels down, each field as good as the worst in it. */
import { scaleBand } from 'd3-scale'
import type { RunResult, SnapshotSummary } from '../model/run.ts'
import { type Level, levels, type VerdictValue } from '../model/verdict.ts'
import type { Chart } from './charts.ts'
import { count, counted, minute } from './format.ts'
import { html } from './markup.ts'
import { table } from './table.ts'

const maxColumns = 56
const dayMs = 86_400_000

interface Field {
  readonly pass: number
  readonly fail: number
  /** Not known. */
  readonly open: number
}

interface Column {
  readonly fromMs: number
  readonly toMs: number
  readonly snapshots: readonly SnapshotSummary[]
  readonly fields: ReadonlyMap<Level, Field>
}

/** Null: no snapshot has a known end. */
export function coverageChart(run: RunResult): Chart | null {
  const dated = run.snapshots.flatMap(one => {
    const endedMs = one.endedAt === null ? Number.NaN : Date.parse(one.endedAt)
    return Number.isFinite(endedMs) ? [{ one, endedMs }] : []
  })
  if (dated.length === 0) return null
  const shown = levels.filter(level => run.snapshots.some(one => isJudged(one.levels[level]?.verdict)))
  if (shown.length === 0) return null
  const columns = columnsOf(dated, shown)
  const [left, right, top, rowHeight] = [76, 556, 4, 26]
  const bottom = top + shown.length * rowHeight
  const x = scaleBand<number>()
    .domain(columns.map((_, i) => i))
    .range([left, right])
    .paddingInner(columns.length > 30 ? 0.08 : 0.04)
  // Two fields as wide as the plot would be no picture.
  const width = Math.min(x.bandwidth(), 60)
  const at = (i: number) => left + i * Math.min(x.step(), 62)
  const labelEvery = Math.max(1, Math.ceil(columns.length / Math.floor(480 / Math.max(56, 1))))
  const labels = columns.map((_, i) => i).filter(i => i % labelEvery === 0 && at(i) < right - 40)
  const drawing = html`
${shown.map((level, row) => html`<text class="tick end" x="${left - 8}" y="${top + row * rowHeight + 17}">${level}</text>`)}
${columns.map((column, i) =>
  shown.map((level, row) => {
    const field = column.fields.get(level)
    if (field === undefined || field.pass + field.fail + field.open === 0) return false
    const y = top + row * rowHeight
    const middle = at(i) + width / 2
    return html`<rect class="heat-${heatOf(field)}" x="${px(at(i))}" y="${y}" width="${px(width)}" height="${rowHeight - 2}"/>${
      field.fail > 0 && html`<path class="slot-mark" d="M${px(middle - 3)} ${y + 9}l6 6m0 -6l-6 6"/>`
    }`
  }),
)}
${labels.map(i => html`<text class="tick" x="${px(at(i))}" y="${bottom + 16}">${new Date(columns[i]?.fromMs ?? 0).toISOString().slice(2, 10)}</text>`)}`
  const all = (kind: keyof Field, level: Level) =>
    columns.reduce((sum, column) => sum + (column.fields.get(level)?.[kind] ?? 0), 0)
  const without = run.snapshots.length - dated.length
  return {
    id: 'coverage-chart',
    title: 'All snapshots by when they were taken, and what is proven of them',
    description: `${counted(dated.length, 'snapshot')}. ${shown.map(level => `${level}: ${count(all('pass', level))} pass, ${count(all('fail', level))} fail, ${count(all('open', level))} not known`).join('; ')}.${without > 0 ? ` ${count(without)} without a known end are not drawn.` : ''}`,
    legend: [
      { className: 'heat-all', label: 'all pass' },
      { className: 'heat-some', label: 'some not known' },
      { className: 'heat-none', label: 'none passes' },
      { className: 'heat-fail', label: 'one fails (×)' },
    ],
    height: bottom + 24,
    drawing,
    data: table<Column>({
      caption: 'Snapshots by when they were taken',
      rows: [...columns].reverse(),
      columns: [
        { label: 'Taken from', cell: column => minute(new Date(column.fromMs).toISOString()) },
        { label: 'Snapshots', numeric: true, cell: column => count(column.snapshots.length) },
        ...shown.map(level => ({
          label: `${level}: pass, fail, not known`,
          numeric: true,
          cell: (column: Column) => fieldWords(column.fields.get(level)),
        })),
      ],
    }),
  }
}

function fieldWords(field: Field | undefined): string {
  return field === undefined ? '' : `${count(field.pass)}, ${count(field.fail)}, ${count(field.open)}`
}

/** Whole days, as few as fit. Columns without a snapshot stay, empty: a hole in the snapshots is a hole in the picture. */
function columnsOf(
  dated: readonly { readonly one: SnapshotSummary; readonly endedMs: number }[],
  shown: readonly Level[],
): Column[] {
  const times = dated.map(({ endedMs }) => endedMs).sort((a, b) => a - b)
  const [firstMs = 0, lastMs = 0] = [times[0], times.at(-1)]
  const fromMs = Math.floor(firstMs / dayMs) * dayMs
  const days = Math.ceil((lastMs - fromMs + 1) / dayMs)
  const widthMs = Math.ceil(days / maxColumns) * dayMs
  const groups = Array.from({ length: Math.ceil(days / (widthMs / dayMs)) }, (): SnapshotSummary[] => [])
  for (const { one, endedMs } of dated) groups[Math.floor((endedMs - fromMs) / widthMs)]?.push(one)
  return groups.map((snapshots, i) => ({
    fromMs: fromMs + i * widthMs,
    toMs: fromMs + (i + 1) * widthMs - 1,
    snapshots,
    fields: new Map(shown.map(level => [level, fieldOf(snapshots, level)])),
  }))
}

function fieldOf(snapshots: readonly SnapshotSummary[], level: Level): Field {
  const number = (verdict: VerdictValue) => snapshots.filter(one => one.levels[level]?.verdict === verdict).length
  return { pass: number('pass'), fail: number('fail'), open: number('inconclusive') }
}

function isJudged(verdict: VerdictValue | undefined): boolean {
  return verdict !== undefined && verdict !== 'not-applicable'
}

function heatOf({ pass, fail, open }: Field): 'fail' | 'all' | 'some' | 'none' {
  if (fail > 0) return 'fail'
  if (open === 0) return 'all'
  return pass > 0 ? 'some' : 'none'
}

function px(value: number): string {
  return String(Math.round(value * 100) / 100)
}
