/** A copy of the ledger to read from, with all journals folded in. Takes no lease and no lock, and changes nothing. */
import type { BlobWriter } from '../blobs/port.ts'
import { SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import { folderJournals, storedJournals } from './journals.ts'
import type { LedgerFile } from './ledgerFile.ts'
import { inspectFile, removeFile } from './ledgerFile.ts'
import type { Home, TakenIn } from './takeIn.ts'
import { copyFromDisk, takeFromStore } from './takeIn.ts'

export interface Place {
  readonly repositoryName: string
  /** Null: the ledger is the local file. */
  readonly store: BlobWriter | null
  readonly file: string
  readonly log: Log
  readonly randomId: () => string
}

export interface ReadLedger {
  readonly file: LedgerFile
  readonly warnings: readonly string[]
  /** Journals that the ledger had not taken in yet. */
  readonly folded: number
  /** Removes the copy. */
  close(): void
}

export function homeOf({ repositoryName, store, file, log }: Omit<Place, 'randomId'>): Home {
  return { repositoryName, store, shelf: store === null ? folderJournals(file) : storedJournals(store), log }
}

/** @throws SnapproofError `ledger-newer`, `configuration`, `disk-full`, those of the store */
export async function readLedger(place: Place, signal: AbortSignal): Promise<ReadLedger> {
  const { path, taken } = await takeCopy(place, signal)
  return {
    file: taken.file,
    warnings: taken.warnings,
    folded: taken.pending.folded,
    close() {
      taken.file.close()
      removeFile(path)
    },
  }
}

/** The ledger at `<file>.reader-<id>`, which whoever asks removes. */
export async function takeCopy(
  place: Place,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly taken: TakenIn }> {
  const { store, file, randomId } = place
  const path = `${file}.reader-${randomId()}`
  const home = homeOf(place)
  try {
    const taken =
      store === null ? await copyFromDisk(home, file, path, signal) : await takeFromStore(home, store, path, signal)
    return { path, taken }
  } catch (error) {
    // It may be there already, and be what cannot be opened.
    removeFile(path)
    throw error
  }
}

/**
 * The name in a local ledger file, for those who have no configuration at hand.
 *
 * @throws SnapproofError `not-found`, `ledger-damaged`, `configuration` (a file of another program), `ledger-newer`
 */
export function repositoryNameOf(file: string): string {
  const state = inspectFile(file, '', `the ledger ${file}`)
  if (state.kind === 'foreign') return state.repository
  if (state.kind === 'missing') throw new SnapproofError('not-found', `there is no ledger at ${file}`)
  if (state.kind === 'alien')
    throw new SnapproofError('configuration', `${file} is a SQLite file of another program and no ledger`)
  throw new SnapproofError('ledger-damaged', `${file} does not say which repository it is about`, {
    advice: 'Give --config FILE: with the name of the repository the ledger is made again from its journals.',
  })
}
