/** `report --period`: gathers what the ledger and the kept runs know of a period, and writes it down. Changes nothing of either. */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { diskError, type ExitCode, exitCodes, SnapproofError } from '../errors.ts'
import { askLedger } from '../ledger/questions.ts'
import type { ReadLedger } from '../ledger/read.ts'
import { missingRuns } from '../ledger/rollBack.ts'
import type { Question, Scope } from '../ledger/show/answer.ts'
import { show } from '../ledger/show/show.ts'
import type { PeriodReport, Span } from '../model/period.ts'
import { periodLines } from '../report/period/lines.ts'
import { renderPeriod } from '../report/period/page.ts'
import { spanBetween, spanOf } from '../report/period/span.ts'
import { periodSummary } from '../report/period/summary.ts'
import { type GatheredPeriod, tellPeriod } from '../report/period/tell.ts'
import { isSealSubject, rememberedHead } from '../seal/head.ts'
import { isoTime } from '../time.ts'
import type { CliContext, CommonFlags } from './context.ts'
import { readPackage, readStyle } from './files.ts'
import { openKeptRuns, readKeptRuns } from './keptRuns.ts'
import { withLedger } from './ledgerPlace.ts'
import { safeText } from './log.ts'
import { writePieces } from './writeLines.ts'

export interface PeriodFlags extends CommonFlags {
  readonly period?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** Folder or URL of the runs' folders. */
  readonly runs?: string | undefined
  readonly everyDays?: number | undefined
  readonly restoreTarget?: string | undefined
  readonly out?: string | undefined
  readonly html?: boolean | undefined
}

export async function periodCommand(context: CliContext, flags: PeriodFlags): Promise<ExitCode> {
  const span = spanFrom(flags)
  const nowMs = context.clock.nowMs()
  if (span.fromMs > nowMs)
    throw new SnapproofError(
      'usage',
      `${span.name} begins ${isoTime(span.fromMs)}, which lies ahead: nothing can be told of it`,
      {
        advice: `It is ${isoTime(nowMs)} now. Name a period that has begun.`,
      },
    )
  const everyDays = flags.everyDays ?? 1
  if (!Number.isInteger(everyDays) || everyDays < 1 || everyDays > 366)
    throw new SnapproofError('usage', `--every-days is ${everyDays}, expected a whole number from 1 to 366`)
  if (flags.html && flags.json) throw new SnapproofError('usage', 'both --html and --json are given: one of them')
  const restoreTargetSeconds = flags.restoreTarget === undefined ? null : targetOf(flags.restoreTarget)
  const { version } = await readPackage()
  const report = await withLedger(context, flags, async (ledger, { repositoryName }) => {
    const asked = askPeriod(ledger, span, nowMs)
    const inside = asked.runs.filter(row => isInside(String(row.endedAt), span, nowMs)).map(row => String(row.run))
    const places = await openKeptRuns(context, flags)
    try {
      const kept = await readKeptRuns(places, inside, context.signal, (done, all) =>
        context.log.progress('read run.json', done, all, 'runs'),
      )
      const gathered: GatheredPeriod = {
        span,
        nowMs,
        everyDays,
        restoreTargetSeconds,
        repository: repositoryName,
        toolVersion: version,
        ledger: asked,
        ...kept,
      }
      return tellPeriod(gathered)
    } finally {
      await places.close()
    }
  })
  context.log.clear()
  await deliver(context, flags, report)
  return exitCodes.good
}

function spanFrom({ period, from, to }: PeriodFlags): Span {
  if (period !== undefined && (from !== undefined || to !== undefined))
    throw new SnapproofError('usage', '--period and --from/--to are both given: one of them')
  if (period !== undefined) return spanOf(period)
  if (from === undefined || to === undefined)
    throw new SnapproofError(
      'usage',
      `--from and --to belong together: ${from === undefined ? '--from' : '--to'} is missing`,
    )
  return spanBetween(from, to)
}

const targetUnits: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

function targetOf(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text.trim()) ?? []
  const value = Number(amount) * (targetUnits[unit] ?? Number.NaN)
  if (!(value > 0))
    throw new SnapproofError('usage', `--restore-target is ${JSON.stringify(text)}, expected a time such as 4h or 30m`)
  return value
}

function isInside(endedAt: string, { fromMs, toMs }: Span, nowMs: number): boolean {
  const ms = Date.parse(endedAt)
  return ms >= fromMs && ms <= Math.min(toMs, nowMs)
}

/** What the ledger answers, by the same questions as `ledger show`. */
function askPeriod({ file }: ReadLedger, { fromMs, toMs }: Span, nowMs: number): GatheredPeriod['ledger'] {
  const ofPeriod: Scope = { atMs: null, nowMs, fromMs, toMs: Math.min(toMs, nowMs), snapshot: null, index: null }
  const atEnd: Scope = { ...ofPeriod, atMs: toMs < nowMs ? toMs : null, fromMs: null, toMs: null }
  const ever: Scope = { ...ofPeriod, fromMs: null, toMs: null }
  const rows = (question: Question, scope: Scope) => show(file, question, scope).rows
  const memory = askLedger(
    () => file,
    () => nowMs,
  )
  const prefix = 'seal '
  const heads = [...memory.memorySubjects()].filter(isSealSubject).flatMap(subject => {
    const chain = subject.slice(prefix.length)
    const head = rememberedHead(asked => memory.memory(asked), chain)
    return head === null ? [] : [{ chain, ...head }]
  })
  return {
    runs: rows('runs', ever),
    gaps: rows('gaps', ofPeriod),
    failures: rows('failures', ofPeriod),
    failuresAtEnd: rows('failures', { ...atEnd, fromMs }),
    restores: rows('restores', ofPeriod),
    snapshots: rows('snapshots', atEnd),
    good: rows('good', atEnd),
    lostRuns: missingRuns(file),
    heads,
  }
}

async function deliver(context: CliContext, flags: PeriodFlags, report: PeriodReport): Promise<void> {
  const json = `${JSON.stringify(report, null, 2)}\n`
  if (flags.out !== undefined) {
    const folder = resolve(flags.out)
    try {
      await mkdir(folder, { recursive: true })
      await writePieces(join(folder, 'period.html'), [renderPeriod(report, await readStyle())])
      await writePieces(join(folder, 'period.json'), [json])
      await writePieces(join(folder, 'period.jsonl'), periodLines(report))
    } catch (error) {
      throw error instanceof SnapproofError ? error : diskError(error, 'write the report into', folder)
    }
  }
  if (flags.json) return context.print(json.trimEnd())
  if (flags.html) return context.print(renderPeriod(report, await readStyle()).trimEnd())
  const files =
    flags.out === undefined
      ? 'Nothing is written: --out FOLDER writes period.html, period.json and period.jsonl; --html prints the page.'
      : `Report: ${join(resolve(flags.out), 'period.html')}\nData:   ${join(resolve(flags.out), 'period.json')}`
  context.print(`${periodSummary(report).split('\n').map(safeText).join('\n')}\n${files}`)
}
