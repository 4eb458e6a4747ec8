/** The ledger as one compressed object in the store: `ledger.sqlite.gz`. */
import { createReadStream, createWriteStream } from 'node:fs'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import type { BlobWriter, ConditionalWrite } from '../blobs/port.ts'
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
      const etag = await download(store, path, signal)
      if (etag.why !== null) return { etag: etag.value, state: damaged(etag.why) }
      const state = inspectFile(path, repositoryName, `the ledger in ${store.url}`)
      return {
        etag: etag.value,
        state: state.kind === 'alien' ? damaged('it is a SQLite file of another program') : state,
      }
    } catch (error) {
      if (isSnapproofError(error, 'not-found')) return { state: { kind: 'missing' }, etag: null }
      // Another run stored it while we read.
      if (isSnapproofError(error, 'changed') && attempt < 5) continue
      throw error
    }
  }
}

/** Compresses `path`, which nobody may write meanwhile, and writes it if the object is still the one of `etag`. */
export async function putLedger(
  store: BlobWriter,
  path: string,
  etag: string | null,
  signal: AbortSignal,
): Promise<ConditionalWrite> {
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
  return etag === null
    ? store.putIfAbsent(ledgerKey, bytes, { signal })
    : store.putIfMatch(ledgerKey, bytes, etag, { signal })
}

async function download(
  store: BlobWriter,
  path: string,
  signal: AbortSignal,
): Promise<{ value: string; why: string | null }> {
  const { body, etag } = await store.get(ledgerKey, { signal })
  if (etag === null)
    throw new SnapproofError('unavailable', `${store.url} gives no ETag for ${ledgerKey}`, {
      advice: 'The ledger needs a store with conditional writes; configure another, or sync: none.',
    })
  let total = 0
  const limit = new Transform({
    transform(chunk: Buffer, _, done) {
      total += chunk.length
      if (total > maxFileBytes) done(new Oversized(`it unpacks to more than ${maxFileBytes} bytes`))
      else done(null, chunk)
    },
  })
  try {
    await pipeline(body, createGunzip(), limit, createWriteStream(path), { signal })
    return { value: etag, why: total === 0 ? 'it is empty' : null }
  } catch (error) {
    if (error instanceof Oversized) return { value: etag, why: error.message }
    if (codeOf(error).startsWith('Z_') && error instanceof Error) return { value: etag, why: `gzip: ${error.message}` }
    signal.throwIfAborted()
    throw localError(error, 'write the ledger fetched to', path)
  }
}

class Oversized extends Error {}

function damaged(why: string): FileState {
  return { kind: 'damaged', why }
}
