/** The machines of an array: which did what, what they were forecast to take, and what the lost ones leave as debt. */
import type { ArrayChild, RunResult } from '../model/run.ts'
import { bytes, count, counted, minute, seconds } from './format.ts'
import { html, key, type Markup, message, name } from './markup.ts'
import { table } from './table.ts'

export const childWords: Readonly<Record<ArrayChild['status'], string>> = {
  done: 'came to its end',
  stopped: 'ended before its end',
  lost: 'lost',
  absent: 'never began',
}

/** Nothing where one machine did it all. */
export function arraySection({ array, forecast }: RunResult): Markup | false {
  if (array === undefined) return false
  const { children } = array
  const lost = children.filter(child => child.left > 0)
  const slowest = Math.max(0, ...children.map(child => child.seconds ?? 0))
  return html`<section id="array">
<h2>The machines of this run</h2>
<p>${counted(children.length, 'machine')} by the plan of <time datetime="${array.plannedAt}">${minute(array.plannedAt)}</time>, ${key(array.plan)}. ${
    forecast !== null && html`Forecast for the slowest: ${seconds(forecast.seconds)}; it took ${seconds(slowest)}. `
  }${
    lost.length === 0
      ? 'Each came to its end.'
      : html`<strong>${count(lost.length)} did not</strong>: what they owe is debt, and the next run restores it.`
  }</p>
${
  children.length > 0 &&
  table<ArrayChild>({
    caption: 'Machines of this run',
    // Who did not come to the end first.
    rows: [...children].sort((a, b) => Number(b.left > 0) - Number(a.left > 0) || a.child - b.child),
    columns: [
      {
        label: 'Machine',
        cell: row => html`${row.child}${row.owner !== null && html`<br><span class="note">${name(row.owner)}</span>`}`,
      },
      {
        label: 'What became of it',
        cell: row =>
          html`${childWords[row.status]}${row.attempts > 1 && html`, ${counted(row.attempts, 'attempt')}`}${
            row.reason !== '' && html`<br><span class="note">${message(row.reason, 240)}</span>`
          }`,
      },
      {
        label: 'Given',
        numeric: true,
        cell: row => html`${count(row.contents)}<br><span class="note">${bytes(row.bytes)}</span>`,
      },
      { label: 'Proven', numeric: true, cell: row => count(row.proven) },
      { label: 'Failed', numeric: true, cell: row => count(row.failed) },
      { label: 'Not judged', numeric: true, cell: row => count(row.inconclusive) },
      { label: 'Left', numeric: true, cell: row => count(row.left) },
      {
        label: 'Time, of forecast',
        numeric: true,
        cell: row => `${row.seconds === null ? 'unknown' : seconds(row.seconds)} of ${seconds(row.forecastSeconds)}`,
      },
    ],
  })
}
</section>`
}

/** One line for a terminal; none where one machine did it all. */
export function arrayLine({ array }: RunResult): string | null {
  if (array === undefined) return null
  const lost = array.children.filter(child => child.left > 0)
  const left = lost.reduce((sum, child) => sum + child.left, 0)
  const told =
    lost.length === 0
      ? 'all came to their end'
      : `${count(lost.length)} did not come to the end (${lost
          .slice(0, 8)
          .map(child => `${child.child} ${childWords[child.status]}`)
          .join(', ')}): ${counted(left, 'content')} left as debt`
  return `${counted(array.children.length, 'machine')}, ${told}`
}
