/** Planned runs as a calendar: one square each, weeks as columns. */
import { scaleBand } from 'd3-scale'
import type { PeriodSlot, SlotState } from '../model/period.ts'
import type { Chart } from './charts.ts'
import { count, counted } from './format.ts'
import { html } from './markup.ts'
import { table } from './table.ts'

const states = [
  ['done', 'did its work'],
  ['not-worked', 'ended without its work'],
  ['unfinished', 'never came to its end'],
  ['missed', 'no run'],
] as const
const perColumn = 7

/** Of the squares: the days of the week stand before them. */
const leftSide = 42

/** At most some hundred columns: a year has 53, and a longer period shows its last ones. */
const maxColumns = 54

export function calendarChart(all: readonly PeriodSlot[]): Chart {
  const daily = all.every(({ from, to }) => from.slice(0, 10) === to.slice(0, 10))
  // Weeks begin on Mondays; without a week there is nothing to align.
  const weekday = (slot: PeriodSlot | undefined) =>
    daily && slot !== undefined ? (new Date(slot.from).getUTCDay() + 6) % 7 : 0
  const room = maxColumns * perColumn
  const slots = all.slice(Math.max(0, all.length - room + perColumn))
  const before = weekday(slots[0])
  const columns = Math.ceil((before + slots.length) / perColumn)
  const x = scaleBand<number>()
    .domain(Array.from({ length: Math.max(columns, 14) }, (_, i) => i))
    .range([leftSide, 556])
    .paddingInner(0.12)
  const cell = Math.min(x.step(), 30)
  const side = cell * 0.88
  const height = perColumn * cell + 26
  const place = (i: number) => {
    const at = i + before
    return { left: leftSide + Math.floor(at / perColumn) * cell, top: 4 + (at % perColumn) * cell }
  }
  const months = slots.flatMap((slot, i) => {
    const isFirst = i === 0 || slot.from.slice(0, 7) !== slots[i - 1]?.from.slice(0, 7)
    return isFirst ? [{ i, label: slot.from.slice(0, 7) }] : []
  })
  const drawing = html`
${daily && ['Mon', 'Wed', 'Fri'].map((label, i) => html`<text class="tick end" x="${leftSide - 4}" y="${px(4 + (i * 2 + 0.7) * cell)}">${label}</text>`)}
${slots.map((slot, i) => {
  const { left, top } = place(i)
  return html`<rect class="slot-${slot.state}" x="${px(left)}" y="${px(top)}" width="${px(side)}" height="${px(side)}"/>${
    slot.state !== 'done' &&
    html`<path class="slot-mark" d="M${px(left + side * 0.3)} ${px(top + side * 0.3)}l${px(side * 0.4)} ${px(side * 0.4)}${
      slot.state === 'missed' && ` m0 ${px(-side * 0.4)}l${px(-side * 0.4)} ${px(side * 0.4)}`
    }"/>`
  }`
})}
${months.map(({ i, label }, at) => {
  const { left } = place(i)
  const previous = months[at - 1]
  // Labels that would overlap are left out; the table has every date.
  return (
    (previous === undefined || left - place(previous.i).left > 46) &&
    html`<text class="tick" x="${px(left)}" y="${px(height - 4)}">${label}</text>`
  )
})}`
  const number = (state: SlotState) => slots.filter(slot => slot.state === state).length
  return {
    id: 'calendar-chart',
    title: 'Planned runs, and what became of each',
    description: `${counted(slots.length, 'planned run')}: ${states.map(([state, words]) => `${count(number(state))} ${words}`).join(', ')}.`,
    // The two in the middle look the same: what is to be done is, too. The numbers tell them apart.
    legend: [
      { className: 'slot-done', label: 'did its work' },
      { className: 'slot-not-worked', label: 'ended without its work, or never came to its end' },
      { className: 'slot-missed', label: 'no run' },
    ],
    height,
    drawing,
    data: table<PeriodSlot>({
      caption: 'Planned runs by date',
      rows: slots,
      maxRows: 400,
      more: 'period.jsonl',
      columns: [
        { label: 'From', cell: slot => slot.from.slice(0, 10) },
        { label: 'To', cell: slot => slot.to.slice(0, 10) },
        { label: 'What happened', cell: slot => states.find(([state]) => state === slot.state)?.[1] ?? slot.state },
      ],
    }),
  }
}

function px(value: number): string {
  return String(Math.round(value * 100) / 100)
}
