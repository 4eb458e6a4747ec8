/** Our own disk: is there room, and what its errors mean. */
import { statfs } from 'node:fs/promises'
import { SnapproofError } from '../errors.ts'

/** Free bytes that we may use, above the floor; may be negative. */
export async function freeBytes(folder: string, floor: number): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize - floor
}

/** Throws `disk-full` unless `needed` bytes fit. */
export async function requireRoom(folder: string, needed: number, floor: number): Promise<void> {
  const free = await freeBytes(folder, floor)
  if (needed > free) throw diskFull(folder, needed, free, floor)
}

export function diskFull(folder: string, needed: number, free: number, floor: number, cause?: unknown): SnapproofError {
  const room = `${Math.max(0, free)} are free above the ${floor} that are kept`
  return new SnapproofError('disk-full', `the mirror in ${folder} needs ${needed} bytes; ${room}`, {
    advice: 'Give the work folder a larger disk, or lower the limit of bytes for a run.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Is it an error of a full disk or quota? */
export function isDiskFull(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return code === 'ENOSPC' || code === 'EDQUOT'
}
