/**
 * Makes the local ledger file what it must be: the stored ledger, or the one that lies there, with all journals folded in.
 * In place of a damaged or lost one comes the newest good version with the journals since then, or what all journals make; that is
 * said, and it is never silently an empty one.
 */
import { copyFileSync, existsSync, readdirSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import type { BlobWriter } from '../blobs/port.ts'
import { SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import { isoTime } from '../time.ts'
import type { JournalShelf } from './journals.ts'
import type { FileState } from './ledgerFile.ts'
import { headerState, inspectFile, LedgerFile, removeFile } from './ledgerFile.ts'
import { fetchLedger } from './ledgerObject.ts'
import { codeOf, localError } from './localErrors.ts'
import type { Pending } from './pending.ts'
import { foldPending } from './pending.ts'
import type { OlderLedger } from './rollBack.ts'
import { missingRuns, takeNewestGood } from './rollBack.ts'

export interface Home {
  readonly repositoryName: string
  /** Null: nothing but the local disk. */
  readonly store: BlobWriter | null
  readonly shelf: JournalShelf
  readonly log: Log
}

export interface TakenIn {
  readonly file: LedgerFile
  /** Of the ledger object that `file` is based on; null when there is none. */
  readonly etag: string | null
  readonly pending: Pending
  readonly warnings: readonly string[]
}

/**
 * The ledger of the store at `path`; what lay there is replaced once the new one is whole, after `beforeReplacing` has closed it.
 *
 * @throws SnapproofError `ledger-newer`, `disk-full`, those of the store; `path` is then as it was
 */
export async function takeFromStore(
  home: Home,
  store: BlobWriter,
  path: string,
  signal: AbortSignal,
  beforeReplacing: () => void = () => {},
): Promise<TakenIn> {
  const next = `${path}.next`
  try {
    refuseAlien(path)
    const { state, etag } = await fetchLedger(store, next, home.repositoryName, signal)
    const { repositoryName, log } = home
    const older =
      state.kind === 'good' ? null : await takeNewestGood(store, next, { repositoryName, badEtag: etag, log }, signal)
    const what = `the ledger in ${store.url}`
    const taken = await openAndFold(home, next, { state, older, what, durable: false }, signal)
    taken.file.close()
    beforeReplacing()
    // What a dead run left beside the old file would be taken for changes to the new one.
    removeFile(path)
    renameSync(next, path)
    return { ...taken, etag, file: LedgerFile.open(path, { repositoryName: home.repositoryName, durable: false }) }
  } catch (error) {
    signal.throwIfAborted()
    throw localError(error, 'fetch the ledger to', path)
  } finally {
    removeFile(next)
  }
}

/** The ledger that lies at `path` and nowhere else. @throws SnapproofError `ledger-newer`, `configuration`, `disk-full` */
export async function takeFromDisk(home: Home, path: string, nowMs: number, signal: AbortSignal): Promise<TakenIn> {
  const state = inspectFile(path, home.repositoryName, `the ledger ${path}`)
  refuseForeign(state, home, path)
  if (state.kind === 'damaged') {
    const aside = `${path}.damaged-${nowMs}`
    for (const suffix of ['-journal', '-wal', '-shm', ''])
      if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix)
    home.log.warn('the damaged ledger was moved aside', { file: aside })
  } else if (state.kind === 'missing') removeFile(path)
  const taken = await openAndFold(home, path, { state, older: null, what: `the ledger ${path}`, durable: true }, signal)
  return { ...taken, etag: null }
}

/** A copy of the ledger at `path` for a reader; the original and a run that is writing it are left alone. */
export async function copyFromDisk(home: Home, path: string, copy: string, signal: AbortSignal): Promise<TakenIn> {
  try {
    if (existsSync(path) && statSync(path).size > 0) await backUp(path, copy)
    const state = inspectFile(copy, home.repositoryName, `the ledger ${path}`)
    refuseForeign(state, home, path)
    if (state.kind !== 'good') removeFile(copy)
    return {
      ...(await openAndFold(home, copy, { state, older: null, what: `the ledger ${path}`, durable: false }, signal)),
      etag: null,
    }
  } catch (error) {
    removeFile(copy)
    signal.throwIfAborted()
    throw localError(error, 'copy the ledger', path)
  }
}

/** Copies that dead readers left; a day old, so that no living one is hit. */
export function sweepReaders(path: string, nowMs: number, log: Log): void {
  try {
    for (const name of readdirSync(dirname(path))) {
      const left = join(dirname(path), name)
      if (name.startsWith(`${basename(path)}.reader-`) && nowMs - statSync(left).mtimeMs > 86_400_000) removeFile(left)
    }
  } catch (error) {
    log.warn('could not look for copies that dead readers left', { folder: dirname(path), error: codeOf(error) })
  }
}

async function openAndFold(
  home: Home,
  path: string,
  { state, older, what, durable }: Found & { readonly durable: boolean },
  signal: AbortSignal,
): Promise<Omit<TakenIn, 'etag'>> {
  const file = LedgerFile.open(path, { repositoryName: home.repositoryName, durable })
  try {
    const pending = await foldPending(file, home.shelf, home.repositoryName, signal)
    const lost = missingRuns(file)
    return { file, pending, warnings: [...sayRecovery({ state, older, what }, pending, lost), ...pending.problems] }
  } catch (error) {
    file.close()
    throw error
  }
}

interface Found {
  readonly state: FileState
  /** The version that was taken instead; null: none. */
  readonly older: OlderLedger | null
  readonly what: string
}

/** What somebody must know when the ledger was not there as it should be. */
function sayRecovery({ state, older, what }: Found, pending: Pending, lostRuns: number): string[] {
  const { folded, holdsEndedRun, oldestMs } = pending
  if (state.kind === 'good' || state.kind === 'alien') return []
  // Journals without a ledger are normal where the first run died; one that ended has stored a ledger, or failed loudly.
  if (state.kind === 'missing' && older === null && !holdsEndedRun) return []
  const journals = `${folded} journal${folded === 1 ? '' : 's'}`
  const oldest = oldestMs === null ? '' : `, the oldest of ${isoTime(oldestMs)}`
  const instead =
    older === null
      ? `it was rebuilt from ${journals}${oldest}`
      : `its version ${older.versionId} of ${isoTime(older.modifiedMs)} was taken and ${journals} folded into it`
  const lost =
    lostRuns === 0
      ? ''
      : `; what ${lostRuns} earlier run${lostRuns === 1 ? '' : 's'} found out is lost: the journals are gone`
  return [`${what} ${whatIsWrong(state)}: ${instead}${lost}`]
}

function whatIsWrong(state: Exclude<FileState, { kind: 'good' | 'alien' }>): string {
  if (state.kind === 'damaged') return `is damaged (${state.why})`
  if (state.kind === 'foreign') return `is that of the repository ${JSON.stringify(state.repository)}`
  return 'is gone'
}

/** The local file is replaced by what is fetched; a typing error must not cost somebody a database. */
function refuseAlien(path: string): void {
  if (headerState(path) === 'alien') throw alien(path)
}

function alien(path: string): SnapproofError {
  return new SnapproofError('configuration', `${path} is a SQLite file of another program and no ledger`, {
    advice: 'Configure another path for the ledger file. Nothing was changed.',
  })
}

/** Two repositories were given one local file: replacing it would destroy the other's only ledger. */
function refuseForeign(state: FileState, home: Home, path: string): void {
  if (state.kind === 'alien') throw alien(path)
  if (state.kind !== 'foreign') return
  throw new SnapproofError(
    'configuration',
    `the ledger ${path} is that of the repository ${JSON.stringify(state.repository)}, not ${JSON.stringify(home.repositoryName)}`,
    { advice: 'Give each repository its own ledger file.' },
  )
}

/** Page by page, so that damage is copied too and found in the copy. */
async function backUp(path: string, copy: string): Promise<void> {
  let source: Database.Database | null = null
  try {
    source = new Database(path, { readonly: true, fileMustExist: true, timeout: 10_000 })
    await source.backup(copy)
  } catch (error) {
    const code = codeOf(error)
    if (code.startsWith('SQLITE_BUSY') || code === 'SQLITE_FULL') throw error
    // No SQLite file, or one that a dead run left in mid-commit and that SQLite may not repair in place: nobody writes it now.
    for (const suffix of ['-journal', '-wal', ''])
      if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix)
  } finally {
    source?.close()
  }
}
