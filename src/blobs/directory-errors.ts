/** What the file system throws → `SnapproofError`. */
import { isSnapproofError, SnapproofError } from '../errors.ts'

/** `what`: operation and object, such as `Reading file:///a/b`. Errors of our own pass unchanged. */
export function directoryError(error: unknown, what: string): SnapproofError {
  if (isSnapproofError(error)) return error
  const code = String((error as { code?: unknown } | null)?.code ?? (error instanceof Error ? error.name : 'unknown'))
  const message = `${what} failed: ${code}`
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new SnapproofError('access-denied', message, {
        advice:
          'Give the user of this process the rights that the operation needs on the file and on the folders above it.',
        cause: error,
      })
    case 'ENOSPC':
    case 'EDQUOT':
      return new SnapproofError('disk-full', message, { advice: 'Make room on that disk.', cause: error })
    case 'ENOENT':
    case 'ENOTDIR':
      return new SnapproofError('not-found', message, { cause: error })
    case 'EEXIST':
    case 'EISDIR':
    case 'ENOTEMPTY':
      return new SnapproofError('unavailable', message, {
        advice: 'A folder and a file cannot have the same name in a directory store.',
        cause: error,
      })
    default:
      return new SnapproofError('unavailable', message, { advice: 'Look at the disk and its mount.', cause: error })
  }
}
