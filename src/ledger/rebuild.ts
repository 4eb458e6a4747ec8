/** Makes the ledger again from its journals alone, says how it differs from the current one, and puts it in its place. */
import { existsSync, renameSync } from 'node:fs'
import { SnapproofError } from '../errors.ts'
import { isoTime } from '../time.ts'
import type { LeaseOptions } from './lease.ts'
import { acquireLease } from './lease.ts'
import { headerState, LedgerFile, removeFile } from './ledgerFile.ts'
import { ledgerKey, putLedger } from './ledgerObject.ts'
import { localError } from './localErrors.ts'
import { lockLocally } from './localLock.ts'
import { foldPending } from './pending.ts'
import { homeOf, type Place, takeCopy } from './read.ts'
import { missingRuns } from './rollBack.ts'

/** Rows by kind; memory by its subjects. */
export interface RowCounts {
  readonly runs: number
  readonly contents: number
  readonly snapshots: number
  readonly reached: number
  readonly good: number
  readonly answers: number
  readonly measures: number
  readonly memory: number
}

export interface Rebuilt {
  readonly journals: number
  readonly oldestJournalAt: string | null
  /** Journals that could not be read, as sentences. */
  readonly problems: readonly string[]
  readonly rows: RowCounts
  /** What the current ledger holds and the journals do not say: theirs are gone. */
  readonly lacks: RowCounts
  /** Runs that some run knew of and that nobody knows now. */
  readonly missingRuns: number
  /** About the current ledger. */
  readonly warnings: readonly string[]
  readonly written: boolean
  /** Where the local ledger of before lies now; null: nowhere. */
  readonly aside: string | null
}

/**
 * @param holder null: a dry run, nothing is written
 * @param force take it although it lacks rows of the current ledger
 * @throws SnapproofError `lease-held`, `usage` (it lacks rows, no `force`), `ledger-conflict`, `ledger-newer`, `disk-full`
 */
export async function rebuild(
  place: Place,
  holder: Omit<LeaseOptions, 'store'> | null,
  force: boolean,
  signal: AbortSignal,
): Promise<Rebuilt> {
  if (holder === null) return rebuildNow(place, null, force, signal)
  const { owner, runId, clock } = holder
  const lock = lockLocally(place.file, { owner, runId, nowMs: clock.nowMs() })
  try {
    const held = place.store === null ? null : await acquireLease({ ...holder, store: place.store }, signal)
    try {
      return await rebuildNow(place, clock.nowMs(), force, signal)
    } finally {
      await held?.release()
    }
  } finally {
    lock.release()
  }
}

async function rebuildNow(place: Place, nowMs: number | null, force: boolean, signal: AbortSignal): Promise<Rebuilt> {
  const { repositoryName, store, file, randomId } = place
  // Another program's file is refused before anything is read.
  if (store === null && headerState(file) === 'alien')
    throw new SnapproofError('configuration', `${file} is a SQLite file of another program and no ledger`)
  const path = `${file}.reader-${randomId()}`
  try {
    const etag = store === null ? null : ((await store.head(ledgerKey, { signal }))?.etag ?? null)
    const found = await foldAll(place, path, signal)
    const lost = Object.values(found.lacks).reduce((sum, count) => sum + count, 0)
    if (nowMs === null) return { ...found, written: false, aside: null }
    if (lost > 0 && !force)
      throw new SnapproofError('usage', `the journals lack ${lost} rows that the current ledger holds`, {
        advice: 'Nothing was changed. --dry-run says what they are; --force takes what the journals say all the same.',
      })
    const aside = store === null ? replaceLocal(path, file, nowMs) : null
    if (store !== null && !(await putLedger(store, path, etag, signal)).written)
      throw new SnapproofError('ledger-conflict', `another run stored the ledger in ${store.url} meanwhile`, {
        advice: `Nothing was written, and nothing of ${repositoryName} is lost. Try again.`,
      })
    return { ...found, written: true, aside }
  } finally {
    removeFile(path)
  }
}

async function foldAll(place: Place, path: string, signal: AbortSignal): Promise<Omit<Rebuilt, 'written' | 'aside'>> {
  const { repositoryName } = place
  const made = LedgerFile.open(path, { repositoryName, durable: place.store === null })
  try {
    const pending = await foldPending(made, homeOf(place).shelf, repositoryName, signal)
    const { path: copy, taken } = await takeCopy(place, signal)
    taken.file.close()
    try {
      return {
        journals: pending.folded,
        oldestJournalAt: isoTime(pending.oldestMs),
        problems: pending.problems,
        rows: countRows(made, ''),
        lacks: lacking(made, copy),
        missingRuns: missingRuns(made),
        warnings: taken.warnings.filter(warning => !pending.problems.includes(warning)),
      }
    } finally {
      removeFile(copy)
    }
  } finally {
    made.close()
  }
}

const tables: Readonly<Record<keyof RowCounts, string>> = {
  runs: 'SELECT runId FROM %run_row',
  contents: 'SELECT contentId, indexId, orderMs, atMs, runId, snapshotUuid, verdict, method FROM %content_row',
  snapshots: 'SELECT snapshotUuid, runId FROM %snapshot_row',
  reached: 'SELECT snapshotUuid, level, orderMs, runId FROM %reached_row',
  good: 'SELECT "index", orderMs, runId FROM %good_row',
  answers: 'SELECT contentId, indexId, snapshotUuid, question FROM %answer_row',
  measures: 'SELECT "index", snapshotUuid FROM %measure_row',
  memory: 'SELECT subject FROM %memory WHERE length(data) > 0',
}

function counts(count: (rows: string) => number): RowCounts {
  const { runs, contents, snapshots, reached, good, answers, measures, memory } = tables
  return {
    runs: count(runs),
    contents: count(contents),
    snapshots: count(snapshots),
    reached: count(reached),
    good: count(good),
    answers: count(answers),
    measures: count(measures),
    memory: count(memory),
  }
}

function countRows({ db }: LedgerFile, schema: string): RowCounts {
  return counts(rows =>
    Number(
      db
        .prepare(`SELECT count(*) FROM (${rows.replace('%', schema)})`)
        .pluck()
        .get(),
    ),
  )
}

/** Natural keys that the file at `other` has and `file` has not. */
function lacking({ db, path }: LedgerFile, other: string): RowCounts {
  try {
    db.prepare('ATTACH ? AS other').run(other)
    try {
      const missing = (rows: string) => `${rows.replace('%', 'other.')} EXCEPT ${rows.replace('%', 'main.')}`
      return counts(rows =>
        Number(
          db
            .prepare(`SELECT count(*) FROM (${missing(rows)})`)
            .pluck()
            .get(),
        ),
      )
    } finally {
      db.exec('DETACH other')
    }
  } catch (error) {
    throw localError(error, 'compare the ledger with', path)
  }
}

/** Where the ledger that lay there is now; null: none lay there. */
function replaceLocal(path: string, file: string, nowMs: number): string | null {
  const aside = `${file}.before-rebuild-${nowMs}`
  const had = existsSync(file)
  for (const suffix of ['-journal', '-wal', '-shm', ''])
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix)
  renameSync(path, file)
  return had ? aside : null
}
