/** `ledger show`: one question, as a table for a person, JSON or CSV. */
import { type ExitCode, exitCodes, SnapproofError } from '../errors.ts'
import { csvText } from '../formats/csv.ts'
import type { Answer, Cell, Column, Question, Scope } from '../ledger/show/answer.ts'
import { show } from '../ledger/show/show.ts'
import { type Clock, isoTime } from '../time.ts'
import type { CliContext, CommonFlags } from './context.ts'
import { withLedger } from './ledgerPlace.ts'
import { bytesText, countText, secondsText, tableText } from './words.ts'

export interface ShowFlags extends CommonFlags {
  readonly question: Question
  readonly csv?: boolean | undefined
  readonly at?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly index?: string | undefined
  readonly snapshot?: string | undefined
}

export async function showCommand(context: CliContext, flags: ShowFlags): Promise<ExitCode> {
  if (flags.csv && flags.json) throw new SnapproofError('usage', 'both --csv and --json are given: one of them')
  const scope = scopeOf(flags, context.clock)
  await withLedger(context, flags, ({ file, folded }, { repositoryName }) => {
    const answer = show(file, flags.question, scope)
    context.log.clear()
    if (flags.csv) {
      const names = answer.columns.map(column => column.name)
      return context.print(csvText(names, answer.rows))
    }
    if (flags.json) {
      const { question } = flags
      const at = isoTime(scope.atMs ?? scope.nowMs)
      const value = {
        schemaVersion: 1,
        question,
        repository: repositoryName,
        at,
        unfoldedJournals: folded,
        rows: answer.rows,
      }
      return context.print(JSON.stringify(value, null, 2))
    }
    context.print(
      answer.rows.length === 0
        ? `Nothing is known: ${repositoryName}, ${flags.question}`
        : answerText(flags.question, answer),
    )
  })
  return exitCodes.good
}

/** @throws SnapproofError `usage` for what is no date, or lies ahead */
function scopeOf({ at, from, to, index, snapshot }: ShowFlags, clock: Clock): Scope {
  const nowMs = clock.nowMs()
  const atMs = at === undefined ? null : timeOf('--at', at, 'end')
  if (atMs !== null && atMs > nowMs) {
    // Of the day that is not over yet what is known now.
    if (Date.parse(at ?? '') > nowMs) throw new SnapproofError('usage', `--at ${at} lies ahead`)
    return scopeOf({ question: 'overview', at: isoTime(nowMs), from, to, index, snapshot }, clock)
  }
  return {
    atMs,
    nowMs,
    fromMs: from === undefined ? null : timeOf('--from', from, 'start'),
    toMs: to === undefined ? null : timeOf('--to', to, 'end'),
    snapshot: snapshot ?? null,
    index: index ?? null,
  }
}

/** A day (UTC) is meant from its start or to its end. */
function timeOf(flag: string, text: string, of: 'start' | 'end'): number {
  const day = /^\d{4}-\d\d-\d\d$/.test(text)
  const ms = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z)?$/.test(text) ? Date.parse(text) : Number.NaN
  // Date.parse takes the 31st of February for a day in March.
  if (Number.isNaN(ms) || isoTime(ms).slice(0, 10) !== text.slice(0, 10))
    throw new SnapproofError(
      'usage',
      `${flag} is ${JSON.stringify(text)}, expected a date such as 2026-11-01 or 2026-11-01T03:00Z`,
    )
  return day && of === 'end' ? ms + 86_400_000 - 1 : ms
}

/** Columns that a person does not need at a glance; JSON and CSV have them. */
const leftOut: Readonly<Partial<Record<Question, readonly string[]>>> = {
  runs: ['command', 'generation', 'toolVersion', 'startedAt', 'debtBytes'],
  snapshots: ['uuid', 'run', 'lastSeenAt', 'provenAt'],
  failures: ['uuid', 'lastSeenAt'],
  restores: ['indexId', 'content', 'run'],
  index: ['content', 'engine', 'luceneDocs'],
  good: ['uuid', 'run'],
}

function answerText(question: Question, { columns, rows }: Answer): string {
  const shown = columns.filter(({ name }) => !(leftOut[question] ?? []).includes(name))
  const head = shown.map(({ name }) => name.replace(/[A-Z]/g, letter => ` ${letter}`).toUpperCase())
  if (question === 'overview') {
    return tableText(
      rows.map(({ fact, value }) => [wordsOf(String(fact)), cellText(value ?? null, kindOf(String(fact)))]),
    )
  }
  return tableText([head, ...rows.map(row => shown.map(({ name, kind }) => cellText(row[name] ?? null, kind)))])
}

function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)
}

function kindOf(fact: string): Column['kind'] {
  if (fact.endsWith('At') || fact.endsWith('From')) return 'time'
  return fact.endsWith('Bytes') ? 'bytes' : fact.endsWith('Hours') ? 'hours' : 'count'
}

function cellText(value: Cell, kind: Column['kind']): string {
  if (value === null) return '-'
  if (typeof value === 'string') return kind === 'time' ? value.replace(/\.\d+Z$/, 'Z') : value
  if (kind === 'bytes') return bytesText(value)
  if (kind === 'seconds') return secondsText(value)
  return kind === 'hours' ? `${countText(value)} h` : countText(value)
}
