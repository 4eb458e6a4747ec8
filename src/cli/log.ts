/**
 * The Log port on stderr, in three styles:
 *
 * - `person`: lines, and one status line that is rewritten while work goes on; for a terminal;
 * - `plain`: lines only, progress now and then; for a file or a pipe;
 * - `json`: one JSON object per line through pino; for CI and collectors.
 *
 * Names of snapshots, indices and keys come from the repository and may hold terminal control sequences: every control
 * character is printed as an escape, in every style. Secrets are taken out.
 */
import { pino } from 'pino'
import { hideSecrets, looksLikeCredential } from '../config/secrets.ts'
import type { Log, LogFields } from '../log.ts'
import { type Clock, isoTime } from '../time.ts'

export const logStyles = ['person', 'plain', 'json'] as const
export type LogStyle = (typeof logStyles)[number]

/** What the flag says; else JSON in CI, a person's lines on a terminal that can rewrite one, plain lines elsewhere. */
export function chooseLogStyle(situation: {
  readonly isTTY: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly flag?: LogStyle | undefined
}): LogStyle {
  const { isTTY, environment, flag } = situation
  if (flag !== undefined) return flag
  if (environment.CI === 'true' || environment.CI === '1') return 'json'
  return isTTY && environment.TERM !== 'dumb' ? 'person' : 'plain'
}

/** What is written to: process.stderr, or a list in tests. `columns` is read anew for each status line. */
export interface LogSink {
  write(text: string): unknown
  readonly columns?: number
}

export interface CliLog extends Log {
  /** Takes the status line away. To be called before the result goes to stdout and at the end; more can follow. */
  clear(): void
}

export function createLog(style: LogStyle, sink: LogSink, clock: Clock): CliLog {
  if (style === 'json') return jsonLog(sink, clock)
  return style === 'person' ? personLog(sink, clock) : plainLog(sink, clock)
}

type Unit = Parameters<Log['progress']>[3]

const statusEveryMs = 100
const plainProgressEveryMs = 30_000
const jsonProgressEveryMs = 10_000
const eraseLine = '\r\u001b[2K'

function personLog(sink: LogSink, clock: Clock): CliLog {
  const rates = new Rates(clock)
  const due = new Due(clock, statusEveryMs)
  let status = ''
  const line = (text: string) => sink.write(`${status === '' ? '' : eraseLine}${text}\n${status}`)
  return {
    info: (message, fields) => line(sentence(message, fields)),
    warn: (message, fields) => line(`warning: ${sentence(message, fields)}`),
    progress: (what, done, total, unit) => {
      const step = rates.step(what, done, total)
      if (!due.now('status', done === total)) return
      // A terminal that does not know its width says 0. One column stays free: a full line would wrap, and the next rewrite would leave a copy of it behind.
      status = cut(progressText(what, done, total, unit, step), Math.max(20, (sink.columns || 80) - 1))
      sink.write(`${eraseLine}${status}`)
    },
    clear: () => {
      if (status !== '') sink.write(eraseLine)
      status = ''
    },
  }
}

function plainLog(sink: LogSink, clock: Clock): CliLog {
  const rates = new Rates(clock)
  const due = new Due(clock, plainProgressEveryMs)
  return {
    info: (message, fields) => sink.write(`${sentence(message, fields)}\n`),
    warn: (message, fields) => sink.write(`warning: ${sentence(message, fields)}\n`),
    progress: (what, done, total, unit) => {
      const step = rates.step(what, done, total)
      if (due.now(what, done === total)) sink.write(`${progressText(what, done, total, unit, step)}\n`)
    },
    clear: () => {},
  }
}

function jsonLog(sink: LogSink, clock: Clock): CliLog {
  const logger = pino(
    {
      base: null,
      timestamp: () => `,"time":"${isoTime(clock.nowMs())}"`,
      formatters: { level: label => ({ level: label }) },
    },
    { write: text => sink.write(text) },
  )
  const rates = new Rates(clock)
  const due = new Due(clock, jsonProgressEveryMs)
  return {
    info: (message, fields) => logger.info(safeFields(fields), safeText(message)),
    warn: (message, fields) => logger.warn(safeFields(fields), safeText(message)),
    progress: (what, done, total, unit) => {
      const { perSecond, secondsLeft } = rates.step(what, done, total)
      if (!due.now(what, done === total)) return
      const rounded = perSecond === null ? null : Math.round(perSecond * 10) / 10
      logger.info({ progress: safeText(what), done, total, unit, perSecond: rounded, secondsLeft }, 'progress')
    },
    clear: () => {},
  }
}

interface Step {
  /** Null until enough time has passed to say. */
  readonly perSecond: number | null
  readonly secondsLeft: number | null
}

/** How fast each work goes, since its first step; a count that falls is a new start. */
class Rates {
  readonly #clock: Clock
  readonly #works = new Map<string, { startMs: number; startDone: number; done: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  step(what: string, done: number, total: number | null): Step {
    const now = this.#clock.monotonicMs()
    let work = this.#works.get(what)
    if (work === undefined || done < work.done) {
      work = { startMs: now, startDone: done, done }
      this.#works.set(what, work)
    }
    work.done = done
    if (done === total) this.#works.delete(what)
    const seconds = (now - work.startMs) / 1000
    if (seconds < 1 || done === work.startDone) return { perSecond: null, secondsLeft: null }
    const perSecond = (done - work.startDone) / seconds
    return { perSecond, secondsLeft: total === null ? null : Math.ceil(Math.max(0, total - done) / perSecond) }
  }
}

/** At most one message per interval and topic; the last one of a work always, so that nobody is left at 97 %. */
class Due {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #lastMs = new Map<string, number>()

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock
    this.#everyMs = everyMs
  }

  now(topic: string, last: boolean): boolean {
    const now = this.#clock.monotonicMs()
    const previous = this.#lastMs.get(topic)
    if (!last && previous !== undefined && now - previous < this.#everyMs) return false
    if (last) this.#lastMs.delete(topic)
    else this.#lastMs.set(topic, now)
    return true
  }
}

function progressText(what: string, done: number, total: number | null, unit: Unit, step: Step): string {
  const amount = (value: number) => (unit === 'bytes' ? bytesText(value) : Math.round(value).toLocaleString('en-US'))
  const share = total === null || total === 0 ? '' : ` (${Math.floor((100 * done) / total)} %)`
  const of = total === null ? amount(done) : `${amount(done)} of ${amount(total)}`
  const rate = step.perSecond === null ? '' : `, ${rateText(step.perSecond, unit)}`
  const left = step.secondsLeft === null || done === total ? '' : `, ${durationText(step.secondsLeft)} left`
  return `${safeText(what)}: ${of}${unit === 'bytes' ? '' : ` ${unit}`}${share}${rate}${left}`
}

function rateText(perSecond: number, unit: Unit): string {
  if (unit === 'bytes') return `${bytesText(perSecond)}/s`
  return perSecond >= 10 ? `${Math.round(perSecond)}/s` : `${perSecond.toFixed(1)}/s`
}

function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 2 ** (10 * power)
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

function durationText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

function sentence(message: string, fields: LogFields = {}): string {
  const pairs = Object.entries(safeFields(fields)).map(([key, value]) => `${key}=${value}`)
  return [safeText(message), ...pairs].join(' ')
}

/** pino writes these itself; a second one of the name would make the line ambiguous. */
const reserved: ReadonlySet<string> = new Set(['level', 'time', 'msg'])

function safeFields(fields: LogFields = {}): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      const name = reserved.has(key) ? `${key}_` : safeText(key)
      if (looksLikeCredential(key) && value !== null) return [name, '[hidden]']
      return [name, typeof value === 'string' ? safeText(value) : value]
    }),
  )
}

/**
 * Text that a terminal shows and does not obey: control characters (C0, DEL, C1), line and paragraph separators,
 * invisible and direction-changing format characters, and lone surrogates become `\u{…}`.
 */
export function safeText(text: string): string {
  return hideSecrets(text).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    character => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}

/** At most `columns` wide; wide characters (from Hangul Jamo upwards) are counted as two. */
function cut(text: string, columns: number): string {
  const characters = [...text]
  const width = (character: string) => ((character.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1)
  if (characters.reduce((sum, character) => sum + width(character), 0) <= columns) return text
  let used = 1
  const kept = characters.findIndex(character => {
    used += width(character)
    return used > columns
  })
  return `${characters.slice(0, kept).join('')}…`
}
