/** The same verdict as plain lines for a terminal at three in the morning: no colour, no control characters. */
import type { RunResult } from '../model/run.ts'
import { ageHours, openErrors, restoreSpeed, standingsOf } from '../model/standing.ts'
import { arrayLine } from './array.ts'
import { pricesText, usd } from './costLines.ts'
import { age, bytes, bytesPerSecond, count, counted, seconds } from './format.ts'
import { headline, provenContents } from './headline.ts'
import { cut, visible } from './markup.ts'
import { sealSentences } from './seal.ts'
import { exitMeanings, findingTitle, reasonText } from './words.ts'

const maxFindings = 20
const maxSnapshots = 8

/** Lines with a line feed after each. Names of the repository are made visible, so they cannot steer the terminal. */
export function renderSummary(run: RunResult): string {
  return [...verdictLines(run), ...numberLines(run), ...findingLines(run), ...notProvenLines(run), ...lastLines(run)]
    .map(line => `${line}\n`)
    .join('')
}

function verdictLines(run: RunResult): string[] {
  const verdict = headline(run)
  const lines = [`${verdict.word.toUpperCase()}: ${verdict.title}.`]
  if (verdict.detail !== '') lines.push(plain(verdict.detail, 600))
  lines.push(
    `Repository ${plain(run.repository.name)} at ${plain(run.repository.url, 200)}, generation ${run.repository.generation}.`,
  )
  return lines
}

function numberLines(run: RunResult): string[] {
  const standings = standingsOf(run)
  const { failing, open, proven } = standings.count
  const goodAge = ageHours(standings.newestGood, Date.parse(run.endedAt))
  const contents = provenContents(run)
  const speed = restoreSpeed(run)
  const { debt } = run
  return [
    '',
    pair(
      'snapshots',
      `${count(proven)} proven, ${count(failing)} failing, ${count(open)} not proven yet, of ${count(run.snapshots.length)}`,
    ),
    pair(
      'newest good',
      standings.newestGood === null
        ? 'none'
        : `${plain(standings.newestGood.name)}${goodAge === null ? '' : `, ${age(goodAge)} old`}`,
    ),
    pair('contents', `${count(contents.proven)} of ${count(contents.total)} proven`),
    pair(
      'debt',
      debt.contents === 0
        ? 'none'
        : `${counted(debt.contents, 'content')}, ${bytes(debt.bytes)}, ${count(debt.overdue)} overdue; ${
            debt.nightsToCatchUp === null ? 'no forecast' : `${counted(debt.nightsToCatchUp, 'more night')}`
          }`,
    ),
    pair(
      'this run',
      `${counted(run.restores.length, 'restore')}, ${bytes(run.stats.bytesRead)} read, ${seconds(run.seconds)}${speed === null ? '' : `, ${bytesPerSecond(speed)}`}`,
    ),
    ...[arrayLine(run)].flatMap(line => (line === null ? [] : [pair('array', line)])),
    ...costLine(run),
  ]
}

function costLine({ costs, forecast }: RunResult): string[] {
  if (costs === undefined) return []
  const { measured } = costs
  const sums = `${usd(measured?.bill.usd ?? null)}, ${usd(forecast?.night?.bill.usd ?? null)} forecast`
  return [pair('cost', `${sums} (${plain(pricesText(costs, measured?.bill.unknown ?? []), 200)})`)]
}

function findingLines(run: RunResult): string[] {
  const errors = openErrors(run)
  const others = run.findings.filter(finding => finding.severity !== 'error')
  const names = new Map(run.snapshots.map(snapshot => [snapshot.uuid, snapshot.name]))
  const shown = [...errors, ...others.filter(finding => finding.severity === 'warning')].slice(0, maxFindings)
  const lines: string[] = []
  for (const finding of shown) {
    lines.push('', `${finding.severity.toUpperCase()} ${plain(finding.code)}: ${findingTitle(finding.code)}`)
    lines.push(`  ${plain(finding.message, 400)}`)
    if (finding.key !== null) lines.push(`  blob       ${plain(finding.key, 300)}`)
    if (finding.snapshots.length > 0)
      lines.push(`  snapshots  ${list(finding.snapshots.map(uuid => names.get(uuid) ?? uuid))}`)
    const good = finding.index === null ? undefined : run.lastGood.find(row => row.index === finding.index)
    if (good !== undefined)
      lines.push(
        `  last good  ${good.snapshot === null ? 'none known' : plain(good.snapshot)} for index ${plain(good.index)}`,
      )
    lines.push(`  do         ${plain(finding.advice, 400)}`)
  }
  const left = run.findings.length - shown.length
  if (left > 0) lines.push('', `${counted(left, 'further finding')} in run.json.`)
  if (run.accepted.length > 0)
    lines.push('', `${counted(run.accepted.length, 'accepted finding')}: shown in the report, raises no alarm.`)
  return lines
}

/** Restores of this run that gave no pass. */
function notProvenLines(run: RunResult): string[] {
  const rows = run.restores.filter(row => row.verdict !== 'pass')
  if (rows.length === 0) return []
  const lines = rows
    .slice(0, maxFindings)
    .map(
      row =>
        `  ${row.verdict === 'fail' ? 'fail     ' : 'not known'}  ${plain(row.index)} from ${plain(row.snapshot)}: ${plain(row.message === '' ? reasonText(row.reason) : row.message, 200)}`,
    )
  return [
    '',
    'Restored without a pass:',
    ...lines,
    ...(rows.length > maxFindings ? [`  and ${rows.length - maxFindings} more`] : []),
  ]
}

function sealLines({ seal }: RunResult): string[] {
  return seal === undefined ? [] : ['', ...sealSentences(seal).map(sentence => plain(sentence, 500))]
}

function lastLines(run: RunResult): string[] {
  const { exit } = run
  return [
    ...sealLines(run),
    '',
    `Exit code ${exit.code}: ${exitMeanings[exit.code]}.${exit.reason === '' || exit.code === 0 ? '' : ` ${plain(exit.reason, 400)}`}`,
  ]
}

function list(names: readonly string[]): string {
  const left = names.length - maxSnapshots
  return `${names
    .slice(0, maxSnapshots)
    .map(name => plain(name))
    .join(', ')}${left > 0 ? ` and ${count(left)} more` : ''}`
}

function pair(label: string, value: string): string {
  return `  ${label.padEnd(12)} ${value}`
}

function plain(text: string, max = 80): string {
  return cut(visible(text.replace(/\s+/g, ' ')), max)
}
