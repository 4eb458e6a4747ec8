/**
 * One ledger file on the local disk, open.
 *
 * Rollback journal, not WAL: one process writes (localLock.ts sees to it), and after each commit the file alone is whole, so
 * that it can be compressed and stored as it lies there. Readers of other processes (`sqlite3`, a `plan` meanwhile) only delay
 * a commit by the busy timeout.
 */
import { closeSync, existsSync, mkdirSync, openSync, readSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { SnapproofError } from '../errors.ts'
import { codeOf, localError } from './localErrors.ts'
import { applicationId, migrate, schemaVersion } from './schema.ts'

/** Milliseconds that a commit waits for a foreign reader to leave. */
const busyTimeoutMs = 10_000

export interface FileOptions {
  readonly repositoryName: string
  /** False for a copy that is thrown away: no fsync. */
  readonly durable: boolean
}

/** What a file turned out to be before it is trusted. */
export type FileState =
  | { readonly kind: 'missing' }
  | { readonly kind: 'good' }
  | { readonly kind: 'damaged'; readonly why: string }
  | { readonly kind: 'foreign'; readonly repository: string }
  /** A SQLite file of another program. */
  | { readonly kind: 'alien' }

export class LedgerFile {
  readonly path: string
  readonly db: Database.Database

  private constructor(path: string, db: Database.Database) {
    this.path = path
    this.db = db
  }

  /** Opens a good file or makes an empty one, and migrates it. @throws SnapproofError of `localError` */
  static open(path: string, options: FileOptions): LedgerFile {
    try {
      mkdirSync(dirname(path), { recursive: true })
      const db = new Database(path, { timeout: busyTimeoutMs })
      try {
        // A file that somebody left in WAL mode, with its -wal beside it, is brought back here.
        db.pragma('journal_mode = DELETE')
        db.pragma(`synchronous = ${options.durable ? 'FULL' : 'OFF'}`)
        db.pragma('cache_size = -65536')
        db.pragma('trusted_schema = OFF')
        refuseNewer(Number(db.pragma('user_version', { simple: true })), `the ledger ${path}`)
        migrate(db)
        db.prepare("INSERT OR IGNORE INTO meta VALUES ('repository', ?)").run(options.repositoryName)
        return new LedgerFile(path, db)
      } catch (error) {
        db.close()
        throw error
      }
    } catch (error) {
      throw localError(error, 'open the ledger', path)
    }
  }

  meta(key: 'repository' | 'pruned-before-ms' | 'fence'): string | null {
    const value = this.db.prepare('SELECT value FROM meta WHERE key = ?').pluck().get(key)
    return typeof value === 'string' ? value : null
  }

  setMeta(key: 'pruned-before-ms' | 'fence', value: number): void {
    this.db.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)').run(key, String(value))
  }

  /** @throws SnapproofError `ledger-damaged`: what is about to be stored must be good. */
  check(): void {
    const why = quickCheck(this.db)
    if (why !== null)
      throw new SnapproofError('ledger-damaged', `the ledger ${this.path} became damaged in this run: ${why}`, {
        advice: 'Check the disk and run again: the ledger is rebuilt from its journals.',
      })
  }

  close(): void {
    this.db.close()
  }
}

/**
 * Looks at a file without changing a byte of it unless a dead run left it in mid-commit.
 *
 * @param what names the file in messages, such as "the ledger in s3://…"
 * @throws SnapproofError `ledger-newer` from the header alone, before SQLite opens the file; others of `localError`
 */
export function inspectFile(path: string, repositoryName: string, what: string): FileState {
  const state = headerState(path)
  if (state === 'missing' || state === 'alien') return { kind: state }
  if (state === 'damaged') return { kind: 'damaged', why: 'it is no SQLite file' }
  refuseNewer(state.version, what)
  return inspectTables(path, repositoryName, what)
}

/** By the first 100 bytes. Source of the offsets: https://sqlite.org/fileformat.html, 1.3 */
export function headerState(path: string): 'missing' | 'damaged' | 'alien' | { readonly version: number } {
  const header = readHeader(path)
  // Nothing is written into an empty file before its first commit: it was being made when its run died, or cut to nothing.
  if (header === null || header.length === 0) return 'missing'
  if (header.length < 100 || header.toString('latin1', 0, 16) !== 'SQLite format 3\0') return 'damaged'
  // With a journal beside it, it may be ours, killed in its first commit.
  if (header.readUInt32BE(68) !== applicationId && !existsSync(`${path}-journal`)) return 'alien'
  return { version: header.readUInt32BE(60) }
}

/** Removes a file with what SQLite may have left beside it. */
export function removeFile(path: string): void {
  for (const suffix of ['-journal', '-wal', '-shm', '']) rmSync(path + suffix, { force: true })
}

function inspectTables(path: string, repositoryName: string, what: string): FileState {
  let db: Database.Database | null = null
  try {
    db = new Database(path, { timeout: busyTimeoutMs })
    const version = Number(db.pragma('user_version', { simple: true }))
    refuseNewer(version, what)
    const tables = db.prepare("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").pluck().get()
    if (version === 0 && tables === 0) return { kind: 'missing' }
    if (Number(db.pragma('application_id', { simple: true })) !== applicationId) return { kind: 'alien' }
    const why = quickCheck(db)
    if (why !== null) return { kind: 'damaged', why }
    const repository = db.prepare("SELECT value FROM meta WHERE key = 'repository'").pluck().get()
    if (typeof repository !== 'string') return { kind: 'damaged', why: 'it names no repository' }
    return repository === repositoryName ? { kind: 'good' } : { kind: 'foreign', repository }
  } catch (error) {
    const code = codeOf(error)
    // SQLITE_ERROR: a table or column of the schema is not there.
    if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' || code === 'SQLITE_ERROR')
      return { kind: 'damaged', why: error instanceof Error ? error.message : code }
    throw localError(error, 'read the ledger', path)
  } finally {
    db?.close()
  }
}

function quickCheck(db: Database.Database): string | null {
  try {
    const answer = String(db.pragma('quick_check(1)', { simple: true }))
    return answer === 'ok' ? null : answer.replaceAll('\n', ' ')
  } catch (error) {
    if (codeOf(error).startsWith('SQLITE_CORRUPT')) return error instanceof Error ? error.message : 'corrupt'
    throw error
  }
}

function refuseNewer(version: number, what: string): void {
  if (version <= schemaVersion) return
  throw new SnapproofError(
    'ledger-newer',
    `${what} has schema version ${version}, this program knows up to ${schemaVersion}`,
    { advice: 'A newer version of Snapproof has written it: run that version, or a later one. Nothing was changed.' },
  )
}

/** Null when there is no file. */
function readHeader(path: string): Buffer | null {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw localError(error, 'read the ledger', path)
  }
  try {
    const header = Buffer.alloc(100)
    return header.subarray(0, readSync(file, header, 0, 100, 0))
  } catch (error) {
    throw localError(error, 'read the ledger', path)
  } finally {
    closeSync(file)
  }
}
