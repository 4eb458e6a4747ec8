/** Opens the ledger of one repository for one run. */
import type { BlobWriter } from '../blobs/port.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time.ts'
import { acquireLease } from './lease.ts'
import { removeFile } from './ledgerFile.ts'
import { lockLocally } from './localLock.ts'
import type { LedgerSession } from './port.ts'
import { homeOf, takeCopy } from './read.ts'
import { startSession } from './session.ts'
import type { Home } from './takeIn.ts'
import { sweepReaders, takeFromDisk, takeFromStore } from './takeIn.ts'

export interface LedgerOptions {
  /** The configured name; a ledger of another one is not taken for this one's. */
  readonly repositoryName: string
  /** Everything under it is this repository's ledger. Null (`sync: none`): the ledger is the local file and its journals. */
  readonly store: BlobWriter | null
  /** The local SQLite file; its folder is made. One for each repository. */
  readonly file: string
  readonly runId: string
  /** `host:pid`, for messages to people. */
  readonly owner: string
  readonly clock: Clock
  readonly log: Log
  readonly leaseSeconds: number
  /** A new random uuid each time. */
  readonly randomId: () => string
  /** Ends the opening; an open session goes on, so that what is done can be journalled. */
  readonly signal: AbortSignal
  /** No lease, no lock, nothing written but a copy that `close` removes. */
  readonly readOnly?: boolean
  /** With `readOnly`: journals may be written, as the machines of an array do beside each other. The ledger may not. */
  readonly journals?: boolean
}

/**
 * Takes the lock and the lease, fetches the ledger, folds the journals that dead runs left.
 *
 * @throws SnapproofError `lease-held`, `ledger-newer`, `configuration` (the local file is another repository's), `disk-full`,
 * `access-denied`, `unavailable` and the other codes of the store. Lease and lock are given back before.
 */
export async function openLedger(options: LedgerOptions): Promise<LedgerSession> {
  const home = homeOf(options)
  options.signal.throwIfAborted()
  return options.readOnly === true ? openReader(options, home) : openWriter(options, home)
}

async function openReader(options: LedgerOptions, home: Home): Promise<LedgerSession> {
  const { clock, randomId, signal } = options
  const { path, taken } = await takeCopy(options, signal)
  const cleanUp = () => removeFile(path)
  const may = options.journals === true ? 'journal' : 'read'
  return startSession({ home, path, taken, lease: null, may, clock, randomId, cleanUp })
}

async function openWriter(options: LedgerOptions, home: Home): Promise<LedgerSession> {
  const { store, clock, randomId, file, signal, owner, runId, log } = options
  const lock = lockLocally(file, { owner, runId, nowMs: clock.nowMs() })
  try {
    sweepReaders(file, clock.nowMs(), log)
    const lease = store === null ? null : await acquireLease({ ...options, store }, signal)
    try {
      const taken =
        store === null
          ? await takeFromDisk(home, file, clock.nowMs(), signal)
          : await takeFromStore(home, store, file, signal)
      return startSession({
        home,
        path: file,
        taken,
        lease,
        may: 'store',
        clock,
        randomId,
        cleanUp: () => lock.release(),
      })
    } catch (error) {
      await lease?.release()
      throw error
    }
  } catch (error) {
    lock.release()
    throw error
  }
}
