/**
 * The directory driver: a repository of type `fs` on a mounted disk, and local ledgers. Contract: port.ts.
 *
 * A key is a path below the folder. Nothing is followed out of it: a symbolic link is not an object. Files whose name
 * starts with `.snapproof~` are the driver's own and are not there for anybody.
 */
import { type BigIntStats, constants } from 'node:fs'
import { access, lstat, realpath, stat, unlink } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SnapproofError } from '../errors.ts'
import type { ListedBlob } from '../model/blob.ts'
import type { Clock } from '../time.ts'
import { directoryError } from './directory-errors.ts'
import {
  changed,
  chunkBytes,
  type FileRange,
  notThere,
  openFile,
  readAtOnce,
  reopenedChunks,
} from './directory-read.ts'
import { etagOf, listedFile } from './directory-stat.ts'
import { sweepFolder } from './directory-sweep.ts'
import { isMissing, temporaryPrefix, walk } from './directory-walk.ts'
import { writeAlways, writeIfAbsent, writeIfMatch } from './directory-write.ts'
import { keyProblem, printableKey } from './keys.ts'
import type { BlobBody, ConditionalWrite, GetOptions, ListOptions, RequestCounts } from './port.ts'
import { collect, requireRange, requireWritableKey } from './requests.ts'
import type { Store } from './write-probe.ts'

export interface DirectoryStoreOptions {
  /** Absolute. It must exist; the folders below it are made when something is written. */
  readonly folder: string
  readonly clock: Clock
  readonly counts?: RequestCounts
}

/** @throws SnapproofError `usage` when the folder is not an absolute path; whether it exists is seen by the first call */
export function openDirectoryStore({ folder, clock, counts }: DirectoryStoreOptions): Store {
  if (!isAbsolute(folder) || folder.includes('\0')) {
    throw new SnapproofError('usage', `The folder of a store must be an absolute path, got "${printableKey(folder)}"`)
  }
  const root = resolve(folder)
  const url = pathToFileURL(root).href
  /** Folders that were freed of what dead writers left. */
  const swept = new Set<string>()

  /** Path of an object, when every part below the root is real: no link leads elsewhere. Null: no such object. */
  async function realPath(key: string): Promise<string | null> {
    if (problemOf(key) !== null) return null
    try {
      const realRoot = await realpath(root)
      const path = join(realRoot, key)
      return (await realpath(path)) === path ? path : null
    } catch (error) {
      if (!isMissing(error)) throw error
      await requireRoot()
      return null
    }
  }

  /** Path to write to. The parent may not exist yet; where it does, it must be inside. */
  async function writablePath(key: string): Promise<string> {
    requireWritableKey(key, problemOf(key), url)
    await requireRoot()
    let path = await realpath(root)
    for (const segment of key.split('/')) {
      path = join(path, segment)
      const stats = await lstatOrNull(path)
      if (stats === null) continue
      if (stats.isSymbolicLink()) {
        throw new SnapproofError(
          'access-denied',
          `Writing ${url}/${printableKey(key)} refused: "${segment}" is a symbolic link`,
        )
      }
    }
    return path
  }

  async function requireRoot(): Promise<void> {
    const stats = await stat(root).catch((error: unknown) => {
      if (isMissing(error)) return null
      throw error
    })
    if (stats?.isDirectory()) return
    throw new SnapproofError('no-such-bucket', `There is no folder ${root}`, {
      advice: 'Check the path and that the disk is mounted.',
    })
  }

  async function guarded<T>(what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    try {
      const result = await work()
      signal?.throwIfAborted()
      return result
    } catch (error) {
      signal?.throwIfAborted()
      throw directoryError(error, what)
    }
  }
  const at = (doing: string, key: string) => `${doing} ${url}/${printableKey(key)}`

  async function* list(
    prefix: string,
    { startAfter = '', depth = 'all', signal }: ListOptions = {},
  ): AsyncGenerator<ListedBlob> {
    signal?.throwIfAborted()
    if (counts !== undefined) counts.list++
    try {
      await requireRoot()
      for await (const entry of walk(root, { prefix, startAfter, depth, signal })) {
        if (entry.kind === 'folder') continue
        yield listedFile(entry.key, entry.stats)
        signal?.throwIfAborted()
      }
    } catch (error) {
      signal?.throwIfAborted()
      throw directoryError(error, at('Listing', prefix))
    }
  }

  function head(key: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<ListedBlob | null> {
    return guarded(at('Looking at', key), signal, async () => {
      if (counts !== undefined) counts.head++
      const path = await realPath(key)
      const stats = path === null ? null : await lstatOrNull(path)
      return stats?.isFile() ? listedFile(key, stats) : null
    })
  }

  function get(key: string, options: GetOptions = {}): Promise<BlobBody> {
    const { signal, ifMatch } = options
    const what = at('Reading', key)
    return guarded(what, signal, async () => {
      const { start, length } = requireRange(options)
      if (counts !== undefined) counts.get++
      const path = await realPath(key)
      if (path === null) throw notThere(what)
      const handle = await openFile(path, what)
      try {
        const stats = await handle.stat({ bigint: true })
        if (!stats.isFile()) throw notThere(what)
        const etag = etagOf(stats)
        if (ifMatch !== undefined && ifMatch !== etag) throw changed(what)
        const bytes = Math.max(0, Math.min(Number(stats.size) - start, length ?? Number.MAX_SAFE_INTEGER))
        const modifiedMs = Number(stats.mtimeNs / 1_000_000n)
        const range = { start, bytes, what, signal }
        // Small objects are read at once, so that one that is replaced all the time can be read at all. The others are
        // opened again when they are read: a body that nobody reads must not hold a file open.
        const chunks =
          bytes <= chunkBytes ? [await readAtOnce(handle, stats, range)] : reopenedChunks({ ...range, path, etag })
        return { bytes, etag, modifiedMs, body: counted(chunks, range) }
      } finally {
        await handle.close()
      }
    })
  }

  async function* counted(
    chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
    { what, signal }: FileRange,
  ): AsyncGenerator<Buffer> {
    signal?.throwIfAborted()
    try {
      for await (const chunk of chunks) {
        signal?.throwIfAborted()
        if (counts !== undefined) counts.bytesRead += chunk.length
        yield chunk
        signal?.throwIfAborted()
      }
    } catch (error) {
      signal?.throwIfAborted()
      throw directoryError(error, what)
    }
  }

  function write(
    key: string,
    signal: AbortSignal | undefined,
    work: (path: string) => Promise<ConditionalWrite>,
  ): Promise<ConditionalWrite> {
    return guarded(at('Writing', key), signal, async () => {
      if (counts !== undefined) counts.put++
      const path = await writablePath(key)
      const parent = dirname(path)
      // Only where we write: a repository that is read is never touched.
      if (!swept.has(parent)) {
        swept.add(parent)
        await sweepFolder(parent, clock.nowMs())
      }
      return await work(path)
    })
  }

  return {
    url,
    basePath: null,
    list,
    head,
    get,
    async read(key, { maxBytes, signal }) {
      const blob = await get(key, signal === undefined ? {} : { signal })
      return await collect(blob, maxBytes, at('Reading', key))
    },
    async put(key, bytes, { signal } = {}) {
      await write(key, signal, async path => {
        await writeAlways({ path, bytes, clock, signal })
        return { written: true, etag: null }
      })
    },
    async putIfAbsent(key, bytes, { signal, retention } = {}) {
      if (retention !== undefined)
        throw new SnapproofError('configuration', `${url} is a folder, which locks nothing`, {
          advice: 'Use a bucket with Object Lock, or take the retention out of the configuration.',
        })
      return await write(key, signal, path => writeIfAbsent({ path, bytes, clock, signal }))
    },
    putIfMatch: (key, bytes, etag, { signal } = {}) =>
      write(key, signal, path => writeIfMatch({ path, bytes, clock, signal }, etag)),
    delete: (key, { signal } = {}) =>
      guarded(at('Deleting', key), signal, async () => {
        if (counts !== undefined) counts.delete++
        const path = await writablePath(key)
        try {
          await unlink(path)
        } catch (error) {
          // Folders are no objects.
          if (!isMissing(error) && (error as { code?: unknown }).code !== 'EPERM') throw error
        }
      }),
    async tryWrite(_key, signal) {
      signal?.throwIfAborted()
      try {
        await access(root, constants.W_OK)
        // On a disk that we share with the cluster, permissions of one user say little about what guards the files.
        return { kind: 'unclear', said: 'this user may write to the folder; mount it read-only where you can' }
      } catch (error) {
        const code = (error as { code?: unknown }).code
        if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
          return { kind: 'refused', said: `the folder is not writable, ${code}` }
        return { kind: 'unclear', said: directoryError(error, `Looking at ${url}`).message }
      }
    },
    async close() {},
  }
}

async function lstatOrNull(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

function problemOf(key: string): string | null {
  if (key.split('/').some(segment => segment.startsWith(temporaryPrefix)))
    return `names that start with ${temporaryPrefix} are temporary files`
  return keyProblem(key)
}
