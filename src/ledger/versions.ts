/** The versions of the stored ledger: what each holds, and putting one back. */
import Database from 'better-sqlite3'
import type { BlobBody, BlobVersion, BlobVersions, BlobWriter } from '../blobs/port.ts'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import { isoTime } from '../time.ts'
import type { LeaseOptions } from './lease.ts'
import { acquireLease } from './lease.ts'
import { LedgerFile, removeFile } from './ledgerFile.ts'
import { ledgerKey, unpackLedger } from './ledgerObject.ts'
import { foldPending } from './pending.ts'
import { homeOf, type Place } from './read.ts'

export interface VersionRow {
  readonly versionId: string
  readonly modifiedAt: string
  readonly bytes: number
  readonly current: boolean
  readonly good: boolean
  /** Why it is not good; null: it is. */
  readonly problem: string | null
  /** Null where they could not be read. */
  readonly schemaVersion: number | null
  readonly runs: number | null
  readonly journals: number | null
  readonly lastRunEndedAt: string | null
}

/** Largest compressed ledger that is put back. */
const maxStoredBytes = 4 * 1024 ** 3

/** Newest first; each is fetched and looked at. Null: the store keeps no versions. @throws SnapproofError those of the store */
export async function listVersions(place: Place, limit: number, signal: AbortSignal): Promise<VersionRow[] | null> {
  const { versions } = place.store ?? {}
  const found = await versions?.list(ledgerKey, { limit, signal })
  if (versions === undefined || found === undefined || found === null) return null
  const rows: VersionRow[] = []
  for (const version of found) rows.push(await lookAt(place, versions, version, signal))
  return rows
}

async function lookAt(
  place: Place,
  versions: BlobVersions,
  { versionId, modifiedMs, bytes, current }: BlobVersion,
  signal: AbortSignal,
): Promise<VersionRow> {
  const path = temporaryFile(place)
  const nothing = { schemaVersion: null, runs: null, journals: null, lastRunEndedAt: null }
  const row = (problem: string | null, facts: Facts) => ({
    versionId,
    modifiedAt: isoTime(modifiedMs),
    bytes,
    current,
    good: problem === null,
    problem,
    ...facts,
  })
  try {
    const get = () => versions.get(ledgerKey, versionId, { signal })
    const problem = await problemOf(place, get, path, versionId, signal)
    return row(problem, problem === null ? factsOf(path) : nothing)
  } catch (error) {
    if (!isSnapproofError(error, 'ledger-newer', 'not-found', 'archived')) throw error
    return row(error.message, nothing)
  } finally {
    removeFile(path)
  }
}

type Facts = Pick<VersionRow, 'schemaVersion' | 'runs' | 'journals' | 'lastRunEndedAt'>

async function problemOf(
  { repositoryName, store }: Place,
  get: () => Promise<BlobBody>,
  path: string,
  versionId: string,
  signal: AbortSignal,
): Promise<string | null> {
  const what = `version ${versionId} of the ledger in ${store?.url}`
  const state = await unpackLedger(get, path, { repositoryName, what }, signal)
  if (state.kind === 'good') return null
  if (state.kind === 'damaged') return state.why
  return state.kind === 'foreign' ? `it is that of the repository ${JSON.stringify(state.repository)}` : 'it is empty'
}

/** Of a good file of any schema version that this program knows. */
function factsOf(path: string): Facts {
  const db = new Database(path, { readonly: true, fileMustExist: true })
  try {
    const count = (table: string) => Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get())
    const endedMs = db.prepare('SELECT max(ended_ms) FROM run').pluck().get()
    return {
      schemaVersion: Number(db.pragma('user_version', { simple: true })),
      runs: count('run'),
      journals: count('journal'),
      lastRunEndedAt: typeof endedMs === 'number' ? isoTime(endedMs) : null,
    }
  } finally {
    db.close()
  }
}

export interface Restored {
  readonly versionId: string
  readonly written: boolean
  readonly runs: number
  /** Runs in it, once the journals since then are folded into it again. */
  readonly runsThen: number
  readonly journalsToFold: number
}

/**
 * Puts a version back: its bytes, if the current object is still the one that was there when the lease was taken. Journals since then
 * are folded into it again by the next run.
 *
 * @param holder null: a dry run, nothing is written
 * @throws SnapproofError `lease-held`, `usage` (no versions), `not-found`, `ledger-damaged`, `ledger-newer`, `ledger-conflict`
 */
export async function restoreVersion(
  place: Place,
  versionId: string,
  holder: Omit<LeaseOptions, 'store'> | null,
  signal: AbortSignal,
): Promise<Restored> {
  const { store } = place
  const versions = store?.versions
  if (store === null || versions === undefined)
    throw new SnapproofError('usage', 'this ledger lies where no versions are kept', {
      advice: '`snapproof ledger rebuild` makes it again from its journals.',
    })
  const held = holder === null ? null : await acquireLease({ ...holder, store }, signal)
  const path = temporaryFile(place)
  try {
    const etag = (await store.head(ledgerKey, { signal }))?.etag ?? null
    const bytes = await gather(await versions.get(ledgerKey, versionId, { signal }))
    const problem = await problemOf(place, async () => bodyOf(bytes), path, versionId, signal)
    if (problem !== null)
      throw new SnapproofError('ledger-damaged', `version ${versionId} cannot be put back: ${problem}`, {
        advice: '`snapproof ledger versions` says which are good.',
      })
    const facts = await whatWouldBe(place, path, signal)
    if (held !== null) await put(store, bytes, etag, signal)
    return { versionId, written: held !== null, ...facts }
  } finally {
    removeFile(path)
    await held?.release()
  }
}

async function put(store: BlobWriter, bytes: Buffer, etag: string | null, signal: AbortSignal): Promise<void> {
  const answer = await (etag === null
    ? store.putIfAbsent(ledgerKey, bytes, { signal })
    : store.putIfMatch(ledgerKey, bytes, etag, { signal }))
  if (answer.written) return
  throw new SnapproofError('ledger-conflict', `another run stored the ledger in ${store.url} meanwhile`, {
    advice: 'Nothing was written. Look at the versions again.',
  })
}

async function whatWouldBe(
  place: Place,
  path: string,
  signal: AbortSignal,
): Promise<Pick<Restored, 'runs' | 'runsThen' | 'journalsToFold'>> {
  const file = LedgerFile.open(path, { repositoryName: place.repositoryName, durable: false })
  try {
    const count = () => Number(file.db.prepare('SELECT count(*) FROM run').pluck().get())
    const runs = count()
    const { folded } = await foldPending(file, homeOf(place).shelf, place.repositoryName, signal)
    return { runs, runsThen: count(), journalsToFold: folded }
  } finally {
    file.close()
  }
}

async function gather({ bytes, body }: BlobBody): Promise<Buffer> {
  if (bytes > maxStoredBytes) throw new SnapproofError('too-large', `a ledger of ${bytes} bytes is none`)
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function bodyOf(bytes: Buffer): BlobBody {
  async function* body() {
    yield bytes
  }
  return { bytes: bytes.length, etag: '', modifiedMs: null, body: body() }
}

function temporaryFile({ file, randomId }: Place): string {
  return `${file}.reader-${randomId()}`
}
