/** The ledger as one compressed object in the store: `ledger.sqlite.gz`. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import type { BlobBody, BlobWriter, ConditionalWrite } from '../blobs/port.ts'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import type { FileState } from './ledgerFile.ts'
import { inspectFile, removeFile } from './ledgerFile.ts'
import { codeOf, localError } from './localErrors.ts'

export const ledgerKey = 'ledger.sqlite.gz'
/** A ledger of 10 million blobs has some 300 MB; what claims more than this is no ledger. */
const maxFileBytes = 16 * 1024 ** 3

/** `etag` null: there is no object. */
export type Fetched = { readonly state: FileState; readonly etag: string | null }

/**
 * Fetches the ledger into `path` and looks at it. Only what the bytes themselves say makes it damaged; trouble of the store or
 * the disk is thrown, so that a bad night never looks like a lost ledger.
 *
 * @throws SnapproofError those of the store, `ledger-newer`, `disk-full`
 */
export async function fetchLedger(
  store: BlobWriter,
  path: string,
  repositoryName: string,
  signal: AbortSignal,
): Promise<Fetched> {
  for (let attempt = 1; ; attempt++) {
    removeFile(path)
    try {
      const { etag, why } = await download(store.url, () => store.get(ledgerKey, { signal }), path, signal)
      return { etag, state: stateOf(why, path, repositoryName, `the ledger in ${store.url}`) }
    } catch (error) {
      if (isSnapproofError(error, 'not-found')) return { state: { kind: 'missing' }, etag: null }
      // Another run stored it while we read.
      if (isSnapproofError(error, 'changed') && attempt < 5) continue
      throw error
    }
  }
}

/**
 * Unpacks what `get` gives into `path` and looks at it, such as one version of the ledger; `what` names it in messages.
 *
 * @throws SnapproofError those of `get`, `ledger-newer`, `disk-full`
 */
export async function unpackLedger(
  get: () => Promise<BlobBody>,
  path: string,
  { repositoryName, what }: { readonly repositoryName: string; readonly what: string },
  signal: AbortSignal,
): Promise<FileState> {
  removeFile(path)
  const { why } = await download(what, get, path, signal)
  return stateOf(why, path, repositoryName, what)
}

function stateOf(why: string | null, path: string, repositoryName: string, what: string): FileState {
  if (why !== null) return damaged(why)
  const state = inspectFile(path, repositoryName, what)
  return state.kind === 'alien' ? damaged('it is a SQLite file of another program') : state
}

/** Compresses `path`, which nobody may write meanwhile, and writes it if the object is still the one of `etag`. */
export async function putLedger(
  store: BlobWriter,
  path: string,
  etag: string | null,
  signal: AbortSignal,
): Promise<ConditionalWrite & { readonly sha256: string }> {
  const chunks: Buffer[] = []
  try {
    await pipeline(
      createReadStream(path, { highWaterMark: 1 << 20 }),
      createGzip({ level: 6 }),
      async (compressed: AsyncIterable<Buffer>) => {
        for await (const chunk of compressed) chunks.push(chunk)
      },
      { signal },
    )
  } catch (error) {
    signal.throwIfAborted()
    throw localError(error, 'compress the ledger', path)
  }
  const bytes = Buffer.concat(chunks)
  const answer =
    etag === null
      ? await store.putIfAbsent(ledgerKey, bytes, { signal })
      : await store.putIfMatch(ledgerKey, bytes, etag, { signal })
  return { ...answer, sha256: createHash('sha256').update(bytes).digest('hex') }
}

async function download(
  where: string,
  get: () => Promise<BlobBody>,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly etag: string; readonly why: string | null }> {
  // Opened and closed here and not by a stream: one that fails at once opens its file after all, later, and would cut to nothing
  // the ledger that is rebuilt at this path meanwhile.
  const file = await openForWriting(path)
  try {
    const { body, etag } = await get()
    if (etag === null)
      throw new SnapproofError('unavailable', `${where} gives no ETag for ${ledgerKey}`, {
        advice: 'The ledger needs a store with conditional writes; configure another, or sync: none.',
      })
    return { etag, why: await unpack(body, file, signal) }
  } catch (error) {
    signal.throwIfAborted()
    throw localError(error, 'write the ledger fetched to', path)
  } finally {
    await file.close()
  }
}

/** Null, or why the bytes are no compressed ledger. Throws what the store and the disk throw. */
async function unpack(body: AsyncIterable<Buffer>, file: FileHandle, signal: AbortSignal): Promise<string | null> {
  let total = 0
  const write = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      total += chunk.length
      if (total > maxFileBytes) throw new Oversized(`it unpacks to more than ${maxFileBytes} bytes`)
      await file.writeFile(chunk)
    }
  }
  try {
    await pipeline(body, createGunzip(), write, { signal })
    return total === 0 ? 'it is empty' : null
  } catch (error) {
    if (error instanceof Oversized) return error.message
    if (codeOf(error).startsWith('Z_') && error instanceof Error) return `gzip: ${error.message}`
    throw error
  }
}

async function openForWriting(path: string): Promise<FileHandle> {
  try {
    await mkdir(dirname(path), { recursive: true })
    return await open(path, 'w')
  } catch (error) {
    throw localError(error, 'write the ledger fetched to', path)
  }
}

class Oversized extends Error {}

function damaged(why: string): FileState {
  return { kind: 'damaged', why }
}
