/** Errors of the local disk and of SQLite as ours. */
import { SnapproofError } from '../errors.ts'

/** The `code` of an error of Node, zlib or SQLite; empty when there is none. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/**
 * `doing` completes "could not … FILE". Codes: `disk-full`, `access-denied`, `ledger-damaged`, `unavailable` (another program
 * has the file locked), `disk-failed`, else `internal`. An error of ours comes back unchanged.
 */
export function localError(error: unknown, doing: string, file: string): SnapproofError {
  if (error instanceof SnapproofError) return error
  const code = codeOf(error)
  const text = `could not ${doing} ${file}`
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT')
    return new SnapproofError('disk-full', `${text}: the disk is full`, { advice: 'Free some space.', cause: error })
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code.startsWith('SQLITE_READONLY'))
    return new SnapproofError('access-denied', `${text}: it cannot be written`, {
      advice: 'Give this user the right to write the folder of the ledger file, or configure another.',
      cause: error,
    })
  if (code.startsWith('SQLITE_CANTOPEN') || ['ENOTDIR', 'EISDIR', 'EEXIST'].includes(code))
    return new SnapproofError('access-denied', `${text}: it cannot be opened`, {
      advice: 'Configure a path for the ledger file whose folder can be written.',
      cause: error,
    })
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB')
    return new SnapproofError('ledger-damaged', `${text}: it is damaged`, {
      advice: 'Run again: the ledger is rebuilt from its journals.',
      cause: error,
    })
  if (code.startsWith('SQLITE_BUSY') || code === 'SQLITE_LOCKED')
    return new SnapproofError('unavailable', `${text}: another program has it locked`, {
      advice: 'Close the program that has the ledger file open.',
      cause: error,
    })
  if (code.startsWith('SQLITE_IOERR') || /^E[A-Z0-9]+$/.test(code))
    return new SnapproofError('disk-failed', text, {
      advice: 'Look at the disk of the ledger file.',
      cause: error,
    })
  return new SnapproofError('internal', text, { cause: error })
}
