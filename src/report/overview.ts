/** The first screen: verdict in words, what and when, the few numbers that answer "from when, how fast". */
import type { RunResult } from '../model/run.ts'
import { ageHours, restoreSpeed, standingsOf } from '../model/standing.ts'
import { age, bytes, bytesPerSecond, count, counted, days, minute, seconds } from './format.ts'
import { headline, provenContents } from './headline.ts'
import { mark, toneShapes } from './marks.ts'
import { html, key, type Markup, name, type Value } from './markup.ts'
import { exitMeanings } from './words.ts'

export function masthead(run: RunResult): Markup {
  const verdict = headline(run)
  const engines = run.engines.map(engine => `${engine.product} ${engine.version}`)
  const moved = run.finalGeneration !== run.repository.generation
  return html`<header class="masthead ${verdict.tone}">
<p class="eyebrow">Snapproof, ${run.command === 'verify' ? 'restore of named snapshots' : 'nightly audit'}</p>
<p class="verdict">${mark(toneShapes[verdict.tone], verdict.tone, verdict.word)}</p>
<h1>${verdict.title}</h1>
${verdict.detail !== '' && html`<p class="lead">${verdict.detail}</p>`}
<p class="meta">Repository ${name(run.repository.name)} at ${key(run.repository.url)}, generation ${run.repository.generation}${
    moved && html` (written to meanwhile: ${run.finalGeneration} at the end)`
  }.<br>
<time datetime="${run.endedAt}">${minute(run.endedAt)}</time>, after ${seconds(run.seconds)}. ${
    engines.length === 0
      ? 'No server was started.'
      : html`Restored by a throwaway ${name(engines.join(', '))}, judged by Snapproof ${run.tool.version}.`
  }<br>
Exit code ${run.exit.code}: ${exitMeanings[run.exit.code]}.</p>
</header>`
}

export function strip(run: RunResult): Markup {
  const standings = standingsOf(run)
  const endMs = Date.parse(run.endedAt)
  const newestAge = ageHours(standings.newest, endMs)
  const goodAge = ageHours(standings.newestGood, endMs)
  const speed = restoreSpeed(run)
  const passed = run.restores.filter(row => row.verdict === 'pass')
  const { proven, total } = provenContents(run)
  const { debt } = run
  const others = [
    standings.count.failing > 0 && `${count(standings.count.failing)} failing`,
    standings.count.open > 0 && `${count(standings.count.open)} not proven yet`,
    standings.count['not-applicable'] > 0 && `${count(standings.count['not-applicable'])} not applicable`,
  ].filter(part => part !== false)
  return html`<section class="strip" aria-label="Key numbers">
${tile('Snapshots proven', `${count(standings.count.proven)} of ${count(run.snapshots.length)}`, others.join(', '))}
${tile(
  'Newest good snapshot',
  goodAge === null ? 'none' : `${age(goodAge)} old`,
  standings.newestGood === null
    ? 'no snapshot is proven to restore'
    : html`${name(standings.newestGood.name, 40)}${
        standings.newestGood === standings.newest
          ? ', the newest there is'
          : newestAge !== null && html`; the newest of all is ${age(newestAge)} old`
      }`,
)}
${tile(
  'Still to prove',
  counted(debt.contents, 'content'),
  html`${bytes(debt.bytes)}${
    debt.contents > 0 &&
    html`, ${debt.nightsToCatchUp === null ? 'no forecast' : `${counted(debt.nightsToCatchUp, 'night')} at this pace`}`
  }; ${count(proven)} of ${count(total)} proven${debt.oldestDays !== null && html`; oldest ${days(debt.oldestDays)}`}`,
)}
${tile(
  'Restore speed',
  speed === null ? 'not measured' : bytesPerSecond(speed),
  speed === null ? 'no content was restored in this run' : `${counted(passed.length, 'restore')}, fetching included`,
)}
</section>`
}

function tile(label: string, value: Value, note: Value): Markup {
  return html`<div class="tile"><h2>${label}</h2><p class="value">${value}</p><p class="note">${note}</p></div>`
}
