/**
 * `index.json`: the runs whose reports lie in one folder or bucket, for the page that lists them. Bounded: the newest runs one by one, what
 * is older by month. Each run adds itself; what a lost copy forgot comes back from the history that every run carries.
 */
import type { RunResult } from '../model/run.ts'
import { ageHours, restoreSpeed, standingsOf } from '../model/standing.ts'
import { headline, type Tone } from './headline.ts'
import { didWork } from './period/schedule.ts'
import { amount, arrayOf, object, oneOf, orNull, ShapeError, string, time, whole } from './shape.ts'

export interface IndexEntry {
  readonly runId: string
  readonly endedAt: string
  readonly exitCode: number
  readonly debtContents: number
  readonly proven: number
  readonly findings: number
  /** Null: known by the history of a later run alone. */
  readonly said: {
    readonly tone: Tone
    readonly word: string
    readonly title: string
    readonly snapshots: number
    readonly snapshotsProven: number
    /** Of the newest snapshot that is proven to restore; null: there is none. */
    readonly goodAgeHours: number | null
    readonly bytesPerSecond: number | null
  } | null
}

export interface IndexMonth {
  /** `2026-07`. */
  readonly month: string
  readonly runs: number
  readonly worked: number
  readonly withErrors: number
  readonly proven: number
  /** After its last run. */
  readonly debtContents: number
  readonly lastEndedAt: string
}

export interface RunsIndex {
  readonly schemaVersion: 1
  readonly repository: string
  readonly writtenAt: string
  /** Oldest first. */
  readonly runs: readonly IndexEntry[]
  /** Of runs that are no longer in `runs`; oldest first. */
  readonly months: readonly IndexMonth[]
}

export const maxIndexRuns = 120
export const maxIndexMonths = 120

const shape = object({
  schemaVersion: oneOf(1),
  repository: string,
  writtenAt: time,
  runs: arrayOf(
    object({
      runId: string,
      endedAt: time,
      exitCode: whole,
      debtContents: amount,
      proven: amount,
      findings: amount,
      said: orNull(
        object({
          tone: oneOf('failing', 'blind', 'open', 'good'),
          word: string,
          title: string,
          snapshots: amount,
          snapshotsProven: amount,
          goodAgeHours: orNull(amount),
          bytesPerSecond: orNull(amount),
        }),
      ),
    }),
  ),
  months: arrayOf(
    object({
      month: string,
      runs: amount,
      worked: amount,
      withErrors: amount,
      proven: amount,
      debtContents: amount,
      lastEndedAt: time,
    }),
  ),
})

/** Null: it is no index of ours; the next one begins with the history of the run. */
export function parseIndex(text: string): RunsIndex | null {
  try {
    const value: unknown = JSON.parse(text)
    shape(value, '')
    // The shape was just checked member by member.
    return value as RunsIndex
  } catch (error) {
    if (error instanceof ShapeError || error instanceof SyntaxError) return null
    throw error
  }
}

/** With one more run. The same run twice is there once, as it was said last. */
export function withRun(index: RunsIndex | null, run: RunResult): RunsIndex {
  const before = index !== null && index.repository === run.repository.name ? index : null
  const byId = new Map((before?.runs ?? []).map(entry => [entry.runId, entry]))
  // What is counted in a month already must not come back as a run.
  const countedUntil = before?.months.at(-1)?.lastEndedAt ?? ''
  for (const { runId, endedAt, exitCode, debtContents, proven, findings } of run.history)
    if (!byId.has(runId) && endedAt > countedUntil)
      byId.set(runId, { runId, endedAt, exitCode, debtContents, proven, findings, said: null })
  byId.set(run.runId, entryOf(run))
  const all = [...byId.values()].sort((a, b) => a.endedAt.localeCompare(b.endedAt) || (a.runId < b.runId ? -1 : 1))
  const older = all.slice(0, Math.max(0, all.length - maxIndexRuns))
  return {
    schemaVersion: 1,
    repository: run.repository.name,
    writtenAt: run.endedAt,
    runs: all.slice(older.length),
    months: addMonths(before?.months ?? [], older).slice(-maxIndexMonths),
  }
}

function entryOf(run: RunResult): IndexEntry {
  const { tone, word, title } = headline(run)
  const standings = standingsOf(run)
  return {
    runId: run.runId,
    endedAt: run.endedAt,
    exitCode: run.exit.code,
    debtContents: run.debt.contents,
    proven: run.restores.filter(({ verdict }) => verdict === 'pass').length,
    findings: run.findings.length,
    said: {
      tone,
      word,
      title,
      snapshots: run.snapshots.length,
      snapshotsProven: standings.count.proven,
      goodAgeHours: ageHours(standings.newestGood, Date.parse(run.endedAt)),
      bytesPerSecond: restoreSpeed(run),
    },
  }
}

/** Months with these entries added; for those that leave `runs`, and for the page with all. */
export function addMonths(months: readonly IndexMonth[], entries: readonly IndexEntry[]): IndexMonth[] {
  const byMonth = new Map(months.map(month => [month.month, month]))
  for (const entry of entries) {
    const month = entry.endedAt.slice(0, 7)
    const known = byMonth.get(month)
    const isLater = known === undefined || entry.endedAt >= known.lastEndedAt
    byMonth.set(month, {
      month,
      runs: (known?.runs ?? 0) + 1,
      worked: (known?.worked ?? 0) + Number(didWork(entry.exitCode)),
      withErrors: (known?.withErrors ?? 0) + Number(entry.exitCode === 1),
      proven: (known?.proven ?? 0) + entry.proven,
      debtContents: isLater ? entry.debtContents : known.debtContents,
      lastEndedAt: isLater ? entry.endedAt : known.lastEndedAt,
    })
  }
  return [...byMonth.values()].sort((a, b) => a.month.localeCompare(b.month))
}
