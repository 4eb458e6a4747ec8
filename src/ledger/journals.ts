/** Where journals lie: in the store, or without one in a folder beside the ledger file. Same keys, same rules. */
import { createHash } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BlobWriter } from '../blobs/port.ts'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import { journalFolder, maxJournalBytes } from './journalFormat.ts'
import { codeOf, localError } from './localErrors.ts'

export interface JournalShelf {
  /** For messages. */
  readonly url: string
  /** Resolves when it is stored for good. The same bytes under the same key again are good; others are an error. */
  put(key: string, bytes: Buffer, signal: AbortSignal): Promise<void>
  /** Ascending by key, those after `after` only. */
  list(after: string, signal: AbortSignal): AsyncIterable<{ readonly key: string; readonly modifiedMs: number }>
  read(key: string, signal: AbortSignal): Promise<Buffer>
}

export function storedJournals(store: BlobWriter): JournalShelf {
  return {
    url: store.url,
    async put(key, bytes, signal) {
      for (let attempt = 1; ; attempt++) {
        const written = await store.putIfAbsent(key, bytes, { signal })
        if (written.written) return
        // The answer to our own write may have been lost and the write repeated below us; then the object is ours.
        const found = await readOrNull(store, key, signal)
        if (found?.equals(bytes) === true) return
        if (found !== null) throw taken(key, store.url)
        // A store may refuse a conditional write (409) without there being an object.
        if (attempt === 5)
          throw new SnapproofError('unavailable', `${store.url} refused five times to write ${key}, which is not there`)
      }
    },
    async *list(after, signal) {
      for await (const { key, modifiedMs } of store.list(journalFolder, { startAfter: after, signal }))
        yield { key, modifiedMs }
    },
    async read(key, signal) {
      return (await store.read(key, { maxBytes: maxJournalBytes, signal })).bytes
    },
  }
}

/** `<file>.journals/<yyyy>/…`: keys without their first part. */
export function folderJournals(ledgerFile: string): JournalShelf {
  const folder = `${ledgerFile}.journals`
  const pathOf = (key: string) => join(folder, ...key.slice(journalFolder.length).split('/'))
  return {
    url: folder,
    async put(key, bytes) {
      const path = pathOf(key)
      try {
        putFile(path, bytes)
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw localError(error, 'write the journal', path)
        if (!readFileSync(path).equals(bytes)) throw taken(key, folder)
      }
    },
    async *list(after, signal) {
      for await (const key of walk(folder, journalFolder)) {
        signal.throwIfAborted()
        if (key > after) yield { key, modifiedMs: statSync(pathOf(key)).mtimeMs }
      }
    },
    async read(key) {
      const path = pathOf(key)
      try {
        if (statSync(path).size > maxJournalBytes)
          throw new SnapproofError('too-large', `the journal ${path} is larger than ${maxJournalBytes} bytes`)
        return readFileSync(path)
      } catch (error) {
        throw localError(error, 'read the journal', path)
      }
    },
  }
}

async function readOrNull(store: BlobWriter, key: string, signal: AbortSignal): Promise<Buffer | null> {
  try {
    return (await store.read(key, { maxBytes: maxJournalBytes, signal })).bytes
  } catch (error) {
    if (isSnapproofError(error, 'not-found')) return null
    throw error
  }
}

/** Whole under its name or not there; survives a loss of power. @throws EEXIST */
function putFile(path: string, bytes: Buffer): void {
  mkdirSync(dirname(path), { recursive: true })
  const half = join(
    dirname(path),
    `.${createHash('sha256').update(path).update(bytes).digest('hex').slice(0, 16)}.half`,
  )
  try {
    const file = openSync(half, 'w')
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    // Unlike a rename, a link fails where the name is taken.
    linkSync(half, path)
  } finally {
    rmSync(half, { force: true })
  }
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

async function* walk(folder: string, prefix: string): AsyncGenerator<string> {
  for (const entry of await entries(folder)) {
    if (entry.isDirectory()) yield* walk(join(folder, entry.name), `${prefix}${entry.name}/`)
    else if (entry.isFile() && !entry.name.startsWith('.')) yield prefix + entry.name
  }
}

async function entries(folder: string): Promise<Dirent[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw localError(error, 'list the journals', folder)
  }
}

function taken(key: string, url: string): SnapproofError {
  return new SnapproofError('ledger-conflict', `${key} in ${url} exists with other bytes than this run wrote`, {
    advice: 'Nothing may write into the folder of the ledger but Snapproof.',
  })
}
