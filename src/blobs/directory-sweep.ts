/**
 * Removes what dead writers of the directory driver left in a folder: files and claims (directory-write.ts) of more than a day.
 *
 * A claim goes only when the version that it is about is no longer in the folder: while that is current, the numbers of the
 * claims on it keep its writers apart.
 */
import { lstat, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { etagOf } from './directory-stat.ts'
import { isMissing, temporaryPrefix } from './directory-walk.ts'
import { claimsPath } from './directory-write.ts'

/** No write takes as long; a writer that slept for so long finds that its file is gone, and fails. */
export const leftBehindMs = 24 * 3_600_000

/** Best effort: a folder that cannot be swept is no reason not to write to it. */
export async function sweepFolder(folder: string, nowMs: number): Promise<void> {
  try {
    const names = await readdir(folder)
    const left = await staleTemporaries(folder, names, nowMs)
    for (const path of left.files) await unlinkQuietly(path)
    if (left.claims.length === 0) return
    const current = await currentClaims(folder, names)
    // `<claims of a version>.<number>`
    const isOver = (path: string) => !current.has(path.slice(0, path.lastIndexOf('.')))
    for (const path of left.claims.filter(isOver)) await unlinkQuietly(path)
  } catch {
    // The write itself will say what is wrong with the folder.
  }
}

async function staleTemporaries(
  folder: string,
  names: readonly string[],
  nowMs: number,
): Promise<{ readonly files: readonly string[]; readonly claims: readonly string[] }> {
  const files: string[] = []
  const claims: string[] = []
  for (const name of names) {
    if (!name.startsWith(temporaryPrefix)) continue
    const path = join(folder, name)
    const stats = await statsOf(path)
    if (stats === null || nowMs - Number(stats.mtimeMs) <= leftBehindMs) continue
    if (stats.isFile()) files.push(path)
    else if (stats.isSymbolicLink() && /\.\d+$/.test(name)) claims.push(path)
  }
  return { files, claims }
}

/** Where the claims on what lies in the folder now would be. */
async function currentClaims(folder: string, names: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const name of names) {
    const path = join(folder, name)
    const stats = name.startsWith(temporaryPrefix) ? null : await statsOf(path)
    if (stats?.isFile()) found.add(claimsPath(path, etagOf(stats)))
  }
  return found
}

async function statsOf(path: string) {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

async function unlinkQuietly(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    // Somebody else swept it.
    if (!isMissing(error)) throw error
  }
}
