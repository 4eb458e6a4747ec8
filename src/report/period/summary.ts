/** A report for a period for a terminal: plain lines. */
import type { PeriodReport } from '../../model/period.ts'
import { age, count, counted, minute, seconds } from '../format.ts'
import { cut, visible } from '../markup.ts'
import { failingAtEnd } from './verdict.ts'

export function periodSummary(report: PeriodReport): string {
  const { period, schedule, population, restores, verdict, totals } = report
  const none = report.lastGood.filter(({ snapshot }) => snapshot === null)
  const hours = report.lastGood.map(({ hoursAtEnd }) => hoursAtEnd ?? 0)
  const facts: readonly (readonly [string, string])[] = [
    ['Planned runs', `${count(schedule.planned)}, of which ${count(schedule.done)} did their work`],
    [
      'Gaps',
      `${count(schedule.missed)} without any run, ${count(schedule.notWorked + schedule.unfinished)} without its work`,
    ],
    ['Runs', `${count(totals.runs)}; contents restored ${count(totals.executed)} of ${count(totals.planned)} planned`],
    ...population.levels.map(
      ({ level, pass }) => [`Snapshots, ${level}`, `${count(pass)} of ${count(population.present)} pass`] as const,
    ),
    [
      'Failures',
      `${counted(report.failures.length, 'failure')}, ${counted(failingAtEnd(report), 'snapshot')} failing at the end`,
    ],
    [
      'Findings',
      `${count(report.findings.length)}, ${count(report.findings.filter(({ state }) => state === 'open').length)} open`,
    ],
    [
      'Restores',
      `${count(restores.pass)} pass, ${count(restores.fail)} fail, ${count(restores.inconclusive)} not judged`,
    ],
    ['Slowest restore', restores.slowest === null ? 'none' : seconds(restores.slowest.seconds)],
    [
      'Oldest good snapshot',
      hours.length === 0
        ? 'no index is known'
        : none.length > 0
          ? `${counted(none.length, 'index', 'indices')} without any`
          : age(hours.reduce((most, one) => Math.max(most, one), 0)),
    ],
    ['Run.json kept', `${count(report.documents.kept)} of ${count(totals.runs)}`],
    ['Seals', report.seals.heads.map(({ number, hash }) => `${number}:${hash}`).join(', ') || 'none'],
  ]
  const width = facts.reduce((widest, [label]) => Math.max(widest, label.length), 0)
  return [
    `${verdict.word.toUpperCase()}: ${verdict.title}`,
    ...verdict.detail,
    '',
    `${cut(visible(report.repository), 100)}, ${period.name}: ${minute(period.from)} to ${minute(period.reportedTo)}`,
    ...facts.map(([label, value]) => `${label.padEnd(width)}  ${value}`),
    '',
  ].join('\n')
}
