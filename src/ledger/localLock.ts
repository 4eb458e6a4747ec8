/**
 * One writing process for one local ledger file, by a lock of the operating system that dies with its process.
 *
 * The lock is a SQLite transaction that is held open on an empty file beside the ledger: SQLite knows how to lock on every
 * platform, and nothing has to be cleaned up after a kill. It cannot be the ledger file itself, which is replaced by what is
 * fetched, and which readers shall read meanwhile.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { SnapproofError } from '../errors.ts'
import { isoTime } from '../time.ts'
import { codeOf, localError } from './localErrors.ts'

export interface LocalLock {
  release(): void
}

export interface LockOwner {
  readonly owner: string
  readonly runId: string
  readonly nowMs: number
}

/** @throws SnapproofError `lease-held` when another process writes with this file, naming it; others of `localError` */
export function lockLocally(file: string, { owner, runId, nowMs }: LockOwner): LocalLock {
  const lockFile = `${file}.lock`
  const ownerFile = `${file}.owner.json`
  let db: Database.Database | null = null
  try {
    mkdirSync(dirname(file), { recursive: true })
    db = new Database(lockFile, { timeout: 0 })
    db.exec('BEGIN EXCLUSIVE')
    writeFileSync(ownerFile, JSON.stringify({ owner, runId, since: isoTime(nowMs) }))
  } catch (error) {
    db?.close()
    if (!codeOf(error).startsWith('SQLITE_BUSY')) throw localError(error, 'lock the ledger', file)
    throw new SnapproofError('lease-held', `the ledger ${file} is in use by ${readOwner(ownerFile)}`, {
      advice: 'Wait for that run to end; one local ledger file serves one run at a time.',
      cause: error,
    })
  }
  const held = db
  return { release: () => held.close() }
}

/** For a message only: the holder may be about to write it. */
function readOwner(ownerFile: string): string {
  try {
    const value: unknown = JSON.parse(readFileSync(ownerFile, 'utf8'))
    if (typeof value === 'object' && value !== null && 'owner' in value && 'runId' in value && 'since' in value)
      return `${value.owner} (run ${value.runId}) since ${value.since}`
  } catch {
    // The lock is what counts; without the text about its owner the message is shorter.
  }
  return 'another process'
}
