/**
 * Makes the local ledger file what it must be: the stored ledger, or the one that lies there, with all journals folded in.
 * A damaged or lost one is rebuilt from the journals, which are kept, and said; it is never silently an empty one.
 */
import { copyFileSync, existsSync, readdirSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import type { BlobWriter } from '../blobs/port.ts'
import { SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { JournalShelf } from './journals.ts'
import type { FileState } from './ledgerFile.ts'
import { headerState, inspectFile, LedgerFile, removeFile } from './ledgerFile.ts'
import { fetchLedger } from './ledgerObject.ts'
import { codeOf, localError } from './localErrors.ts'
import type { Pending } from './pending.ts'
import { foldPending } from './pending.ts'

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
    if (state.kind !== 'good') removeFile(next)
    const taken = await openAndFold(home, next, { state, what: `the ledger in ${store.url}`, durable: false }, signal)
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
  const taken = await openAndFold(home, path, { state, what: `the ledger ${path}`, durable: true }, signal)
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
      ...(await openAndFold(home, copy, { state, what: `the ledger ${path}`, durable: false }, signal)),
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
  { state, what, durable }: { state: FileState; what: string; durable: boolean },
  signal: AbortSignal,
): Promise<Omit<TakenIn, 'etag'>> {
  const file = LedgerFile.open(path, { repositoryName: home.repositoryName, durable })
  try {
    const pending = await foldPending(file, home.shelf, home.repositoryName, signal)
    return { file, pending, warnings: [...rebuilt(state, what, pending), ...pending.problems] }
  } catch (error) {
    file.close()
    throw error
  }
}

/** What somebody must know when the ledger was not there as it should be. */
function rebuilt(state: FileState, what: string, { folded, holdsEndedRun }: Pending): string[] {
  const from = `it was rebuilt from ${folded} journal${folded === 1 ? '' : 's'}`
  if (state.kind === 'damaged') return [`${what} is damaged (${state.why}): ${from}`]
  if (state.kind === 'foreign')
    return [`${what} is that of the repository ${JSON.stringify(state.repository)}: ${from} of this one`]
  // Journals without a ledger are normal where the first run died; one that ended has stored a ledger, or failed loudly.
  if (state.kind === 'missing' && holdsEndedRun) return [`${what} is gone: ${from}`]
  return []
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
