/** Folds the journals that the ledger file does not know yet: those of dead runs, of other machines, or all of them. */
import { isSnapproofError } from '../errors.ts'
import { fold, isFolded, prunedBeforeMs } from './fold.ts'
import type { StoredJournal } from './journalFormat.ts'
import { DamagedJournal, dayFolder, decodeJournal, parseJournalKey } from './journalFormat.ts'
import type { JournalShelf } from './journals.ts'
import type { LedgerFile } from './ledgerFile.ts'

export interface Pending {
  readonly folded: number
  /** Some folded journal tells of a run that came to its end. */
  readonly holdsEndedRun: boolean
  /** `createdMs` of the oldest journal that was listed; null when none was. */
  readonly oldestMs: number | null
  /** What was left out and why, as sentences. */
  readonly problems: readonly string[]
  /** Modification time of the newest journal, by the store's clock; null when none was listed. */
  readonly newestStoredMs: number | null
  /** `createdMs` of the oldest journal that could not be folded. */
  readonly oldestLeftMs: number | null
}

/** Journals that are read at once. */
const parallel = 16

/** @throws SnapproofError `ledger-newer` and those of the store; never for a journal that is damaged or of another repository */
export async function foldPending(
  file: LedgerFile,
  shelf: JournalShelf,
  repositoryName: string,
  signal: AbortSignal,
): Promise<Pending> {
  const problems: string[] = []
  let folded = 0
  let holdsEndedRun = false
  let newestStoredMs: number | null = null
  let oldestMs: number | null = null
  let oldestLeftMs: number | null = null
  const leave = (createdMs: number, problem: string): void => {
    problems.push(problem)
    oldestLeftMs = Math.min(oldestLeftMs ?? createdMs, createdMs)
  }
  const take = async (batch: readonly { key: string; createdMs: number }[]): Promise<void> => {
    const journals: StoredJournal[] = []
    const read = await Promise.all(batch.map(({ key }) => readJournal(shelf, key, signal)))
    batch.forEach(({ key, createdMs }, i) => {
      const journal = read[i]
      if (journal === undefined) return
      if (journal instanceof DamagedJournal) leave(createdMs, `${journal.message}; it was left out`)
      else if (journal.repository !== repositoryName)
        leave(
          createdMs,
          `journal ${key} belongs to the repository ${JSON.stringify(journal.repository)}; it was left out`,
        )
      else journals.push(journal)
    })
    folded += fold(file, journals)
    holdsEndedRun ||= journals.some(journal => journal.rows.some(row => row.kind === 'run'))
  }

  let batch: { key: string; createdMs: number }[] = []
  for await (const { key, modifiedMs } of shelf.list(dayFolder(prunedBeforeMs(file)), signal)) {
    const named = parseJournalKey(key)
    if (named === null) {
      problems.push(`${key} in ${shelf.url} is no journal; it was left out`)
      continue
    }
    oldestMs = Math.min(oldestMs ?? named.createdMs, named.createdMs)
    newestStoredMs = Math.max(newestStoredMs ?? modifiedMs, modifiedMs)
    if (isFolded(file, named)) continue
    batch.push({ key, createdMs: named.createdMs })
    if (batch.length < parallel) continue
    await take(batch)
    batch = []
  }
  await take(batch)
  return { folded, holdsEndedRun, oldestMs, problems, newestStoredMs, oldestLeftMs }
}

async function readJournal(
  shelf: JournalShelf,
  key: string,
  signal: AbortSignal,
): Promise<StoredJournal | DamagedJournal> {
  try {
    return decodeJournal(await shelf.read(key, signal), key)
  } catch (error) {
    if (error instanceof DamagedJournal) return error
    if (isSnapproofError(error, 'too-large', 'not-found')) return new DamagedJournal(error.message, { cause: error })
    throw error
  }
}
