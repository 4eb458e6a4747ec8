/**
 * Walks a folder tree in ascending UTF-8 byte order of whole keys, with the names of one folder per level in memory.
 *
 * A folder sorts as its name with a slash behind it, because every key in it starts so: `a-b` comes before `a/b`
 * (`-` is 0x2d, `/` is 0x2f). Symbolic links and our own temporary files are not there; a name that is not valid UTF-8
 * cannot be a key and is passed over, and so is what vanishes while we look.
 */
import type { BigIntStats, Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { compareKeys } from './keys.ts'

/** Prefix of every file that the directory driver makes for itself. */
export const temporaryPrefix = '.snapproof~'

export interface WalkOptions {
  /** Keys start with it; it may end within a name. */
  readonly prefix: string
  readonly startAfter: string
  /** `root`: folders are yielded and not entered. */
  readonly depth: 'all' | 'root'
  readonly signal: AbortSignal | undefined
}
export type WalkEntry =
  | { readonly kind: 'file'; readonly key: string; readonly stats: BigIntStats }
  /** Only with depth `root`; the key ends with a slash. It may be empty. */
  | { readonly kind: 'folder'; readonly key: string }

/** `lstat` calls in flight. */
const statBatch = 32

/** Throws what the file system throws, except that a folder that is not there is empty. */
export async function* walk(root: string, options: WalkOptions): AsyncGenerator<WalkEntry> {
  // Whole segments of the prefix are a folder; only the last one is compared name by name.
  const folder = options.prefix.slice(0, options.prefix.lastIndexOf('/') + 1)
  if (folder !== '' && !(await isRealFolder(root, folder))) return
  yield* walkFolder(root, folder, options)
}

async function* walkFolder(root: string, folder: string, options: WalkOptions): AsyncGenerator<WalkEntry> {
  const { prefix, startAfter, depth, signal } = options
  signal?.throwIfAborted()
  const entries = (await namesIn(join(root, folder)))
    .filter(entry => (entry.isFile() || entry.isDirectory()) && !entry.name.startsWith(temporaryPrefix))
    .map(entry => ({ key: folder + entry.name + (entry.isDirectory() ? '/' : ''), isFolder: entry.isDirectory() }))
    .filter(({ key, isFolder }) => isWanted(key, isFolder, prefix, startAfter))
    .sort((a, b) => compareKeys(a.key, b.key))
  for (let i = 0; i < entries.length; i += statBatch) {
    signal?.throwIfAborted()
    const batch = entries.slice(i, i + statBatch)
    const stats = await Promise.all(batch.map(({ key, isFolder }) => (isFolder ? null : statsOf(join(root, key)))))
    for (const [j, { key, isFolder }] of batch.entries()) {
      if (isFolder) {
        if (depth === 'all') yield* walkFolder(root, key, options)
        else yield { kind: 'folder', key }
        continue
      }
      const found = stats[j] ?? null
      if (found?.isFile()) yield { kind: 'file', key, stats: found }
    }
  }
}

function isWanted(key: string, isFolder: boolean, prefix: string, startAfter: string): boolean {
  if (!key.startsWith(prefix) && !(isFolder && prefix.startsWith(key))) return false
  // Keys in a folder may still lie behind `startAfter` when that is one of them.
  return compareKeys(key, startAfter) > 0 || (isFolder && startAfter.startsWith(key))
}

async function isRealFolder(root: string, folder: string): Promise<boolean> {
  let path = root
  for (const segment of folder.split('/').slice(0, -1)) {
    if (segment === '' || segment === '.' || segment === '..') return false
    path = join(path, segment)
    const stats = await statsOf(path)
    if (stats === null || !stats.isDirectory()) return false
  }
  return true
}

async function namesIn(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function statsOf(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** Nothing of this name can be there. */
export function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ELOOP' || code === 'EISDIR'
}
