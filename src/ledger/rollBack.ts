/** Where the stored ledger is damaged or gone: the newest good version of it, where the store keeps versions. */
import type { BlobVersion, BlobVersions, BlobWriter } from '../blobs/port.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import { isoTime } from '../time.ts'
import type { LedgerFile } from './ledgerFile.ts'
import { removeFile } from './ledgerFile.ts'
import { ledgerKey, unpackLedger } from './ledgerObject.ts'

/** Versions that are fetched and looked at, newest first. */
const maxTries = 20

export interface OlderLedger {
  readonly versionId: string
  readonly modifiedMs: number
}

/**
 * Leaves the newest good version at `path`; null: there is none, and nothing lies there.
 *
 * @param badEtag ETag of the bytes that are known to be bad; null: there is no object
 * @throws SnapproofError `ledger-newer` and trouble of the store; not for want of permission, which is logged
 */
export async function takeNewestGood(
  store: BlobWriter,
  path: string,
  { repositoryName, badEtag, log }: { repositoryName: string; badEtag: string | null; log: Log },
  signal: AbortSignal,
): Promise<OlderLedger | null> {
  try {
    const { versions } = store
    for (const version of (await versions?.list(ledgerKey, { limit: maxTries, signal })) ?? []) {
      if (versions === undefined || version.etag === badEtag) continue
      if (await isGood(versions, version, path, repositoryName, log, signal)) return version
    }
  } catch (error) {
    if (!isSnapproofError(error, 'access-denied')) throw error
    log.warn('older versions of the ledger could not be read', { error: describeError(error) })
  }
  removeFile(path)
  return null
}

async function isGood(
  versions: BlobVersions,
  { versionId, modifiedMs }: BlobVersion,
  path: string,
  repositoryName: string,
  log: Log,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const what = `version ${versionId} of the ledger`
    const get = () => versions.get(ledgerKey, versionId, { signal })
    const state = await unpackLedger(get, path, { repositoryName, what }, signal)
    if (state.kind === 'good') return true
    log.warn(`version ${versionId} of the ledger is not good either`, { of: isoTime(modifiedMs), state: state.kind })
  } catch (error) {
    // Removed by a lifecycle rule since it was listed, or moved to an archive class by one.
    if (!isSnapproofError(error, 'not-found', 'archived')) throw error
  }
  return false
}

/** Runs that some run knew of and that the file does not know: their journals went before they were folded. */
export function missingRuns(file: LedgerFile): number {
  const found = file.db.prepare('SELECT max(known_runs) AS known, count(*) AS runs FROM run').get()
  const { known, runs } = found as { readonly known: number | null; readonly runs: number }
  return known === null ? 0 : Math.max(0, known + 1 - runs)
}
