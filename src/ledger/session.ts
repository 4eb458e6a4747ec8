/** A run's session with the ledger: journals first, then the local file, then the store. */
import { createHash } from 'node:crypto'
import { describeError, isSnapproofError, SnapproofError } from '../errors.ts'
import type { JournalRow } from '../model/journal.ts'
import type { Clock } from '../time.ts'
import { isoTime, withDeadline } from '../time.ts'
import { fold, forgetJournals, isFolded, prunedBeforeMs } from './fold.ts'
import type { StoredJournal, StoredRow } from './journalFormat.ts'
import { decodeRow, encodeJournal, journalKey, maxJournalBytes } from './journalFormat.ts'
import type { Lease } from './lease.ts'
import type { LedgerFile } from './ledgerFile.ts'
import { putLedger } from './ledgerObject.ts'
import { localError } from './localErrors.ts'
import { inOrderKnown } from './order.ts'
import type { Pending } from './pending.ts'
import { foldPending } from './pending.ts'
import type { JournalId, LedgerSession } from './port.ts'
import { askLedger } from './questions.ts'
import type { Home, TakenIn } from './takeIn.ts'
import { takeFromStore } from './takeIn.ts'

export interface SessionOptions {
  readonly home: Home
  /** The local file that `taken` has open. */
  readonly path: string
  readonly taken: TakenIn
  /** Null: no store, or a reader. */
  readonly lease: Lease | null
  /** `journal`: journals only, the ledger itself is left to whoever holds the lease. */
  readonly may: 'read' | 'journal' | 'store'
  readonly clock: Clock
  readonly randomId: () => string
  /** Runs last, whatever happens: locks, temporary files. */
  readonly cleanUp: () => void
}

const storeDeadlineMs = 300_000
const dayMs = 86_400_000
/** Ids of journals older than this are forgotten, and such journals no longer listed. */
const rememberDays = 37
/** No journal is created with a time older than so many days before what is remembered now: a margin for slow clocks. */
const marginDays = 7

export function startSession(options: SessionOptions): LedgerSession {
  const { home, path, lease, may, clock, randomId } = options
  const { log, shelf, store, repositoryName } = home
  let file: LedgerFile = options.taken.file
  let etag = options.taken.etag
  let storedSha256: string | null = null
  let closing = false
  let closed = false
  const warnings: string[] = [...options.taken.warnings]
  const never = new AbortController().signal
  let queue: Promise<unknown> = Promise.resolve()

  /** One at a time: what changes the file, or needs it unchanged. */
  function exclusively<T>(work: () => Promise<T> | T): Promise<T> {
    const result = queue.then(work)
    queue = result.catch(() => {})
    return result
  }
  const writing = new Set<Promise<unknown>>()
  async function underWay(work: Promise<void>): Promise<void> {
    writing.add(work)
    try {
      await work
    } finally {
      writing.delete(work)
    }
  }
  function current(): LedgerFile {
    if (closed) throw new SnapproofError('internal', 'the ledger was asked after it had been closed')
    return file
  }
  function mustBeAllowed(asked: 'journal' | 'store'): void {
    current()
    if (closing) throw new SnapproofError('internal', 'the ledger was asked to write while it is being closed')
    if (may !== 'store' && may !== asked)
      throw new SnapproofError('internal', `a session of the ledger that may ${may} was asked to ${asked}`)
  }
  function warn(messages: readonly string[]): void {
    for (const message of messages) if (!warnings.includes(message)) warnings.push(message)
  }

  function newJournal(): JournalId {
    const createdMs = Math.floor(Math.max(clock.nowMs(), prunedBeforeMs(current()) + marginDays * dayMs))
    return { createdMs, journalId: randomId() }
  }

  /** Journals of a time whose ids are forgotten would never be folded. */
  function mustBeKnown({ createdMs, journalId }: JournalId): void {
    if (createdMs < prunedBeforeMs(current()) + marginDays * dayMs)
      throw new SnapproofError(
        'configuration',
        `the journal ${journalId} of ${isoTime(createdMs)} is too old to be folded`,
        {
          advice: `Work that was planned more than ${rememberDays - marginDays} days ago is not recorded any more: make a new plan.`,
        },
      )
  }

  async function journalSome(runId: string, rows: readonly StoredRow[], signal: AbortSignal): Promise<void> {
    const { createdMs, journalId } = newJournal()
    const journal: StoredJournal = { schemaVersion: 1, journalId, repository: repositoryName, runId, createdMs, rows }
    const bytes = encodeJournal(journal)
    if (bytes.length > maxJournalBytes && rows.length > 1) {
      const half = Math.ceil(rows.length / 2)
      await journalSome(runId, rows.slice(0, half), signal)
      return journalSome(runId, rows.slice(half), signal)
    }
    if (bytes.length > maxJournalBytes)
      throw new SnapproofError('internal', `a row of the ${rows[0]?.kind} kind has ${bytes.length} bytes`)
    await shelf.put(journalKey(createdMs, journal.journalId), bytes, signal)
    await exclusively(() => fold(current(), [journal]))
  }

  /** What one journal cannot hold lies in more, under names that follow from its own; its own comes last and says that all are there. */
  async function journalUnder(
    runId: string,
    { createdMs, journalId }: JournalId,
    rows: readonly StoredRow[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const about = { schemaVersion: 1, createdMs, repository: repositoryName, runId } as const
    const parts: (readonly StoredRow[])[] = []
    const split = (some: readonly StoredRow[]): void => {
      const half = Math.ceil(some.length / 2)
      const fits = some.length < 2 || encodeJournal({ ...about, journalId, rows: some }).length < maxJournalBytes - 64
      if (fits) parts.push(some)
      else for (const part of [some.slice(0, half), some.slice(half)]) split(part)
    }
    split(rows)
    let written = true
    for (const [i, part] of [...parts.entries()].reverse()) {
      const journal: StoredJournal = { ...about, journalId: i === 0 ? journalId : `${journalId}-p${i}`, rows: part }
      try {
        await shelf.put(journalKey(createdMs, journal.journalId), encodeJournal(journal), signal)
        await exclusively(() => fold(current(), [journal]))
        written = true
      } catch (error) {
        if (!isSnapproofError(error, 'ledger-conflict')) throw error
        written = false
      }
    }
    return written
  }

  /** Journals older than the limit need not be listed again. By the store's clock, or ours where that is behind. */
  function forgetOld({ newestStoredMs, oldestLeftMs }: Pending): void {
    if (newestStoredMs === null) return
    const before = Math.min(newestStoredMs, clock.nowMs()) - rememberDays * dayMs
    forgetJournals(file, Math.floor(Math.min(before, oldestLeftMs ?? before) / dayMs) * dayMs)
  }

  async function storeOnce(signal: AbortSignal): Promise<boolean> {
    const pending = await foldPending(current(), shelf, repositoryName, signal)
    warn(pending.problems)
    forgetOld(pending)
    if (store === null) return true
    if (lease !== null) file.setMeta('fence', Math.max(lease.fence, Number(file.meta('fence') ?? 0)))
    file.check()
    const answer = await putLedger(store, path, etag, signal)
    if (!answer.written) return false
    etag = answer.etag
    storedSha256 = answer.sha256
    return etag !== null
  }

  /** Starts again from what is stored now. Everything of this run lies in journals, so nothing of the file is needed. */
  async function fetchAgain(from: NonNullable<Home['store']>, signal: AbortSignal): Promise<void> {
    const old = current()
    const taken = await takeFromStore(home, from, path, signal, () => old.close())
    file = taken.file
    etag = taken.etag
    warn(taken.warnings)
  }

  return {
    ...askLedger(current, () => clock.nowMs()),
    warnings,
    leaseLost: lease?.lost ?? never,
    fence: lease?.fence ?? null,
    get storedSha256() {
      return storedSha256
    },
    async journal(runId, rows: readonly JournalRow[], signal) {
      mustBeAllowed('journal')
      if (rows.length === 0) return
      // The decoder that the next fold uses: what it would refuse is not written.
      const good = rows.map(row => decodeRow(row, `the journal of run ${runId}`))
      const news = inOrderKnown(current(), good, clock.nowMs())
      if (news.length > 0) await underWay(journalSome(runId, news, signal))
    },
    async journalOnce(runId, id, rows, signal, options) {
      mustBeAllowed('journal')
      mustBeKnown(id)
      const good = rows.map(row => decodeRow(row, `the journal of run ${runId}`))
      const news = inOrderKnown(current(), good, clock.nowMs(), options)
      let written = true
      await underWay(
        (async () => {
          written = await journalUnder(runId, id, news, signal)
        })(),
      )
      return written
    },
    holdsJournal(id) {
      mustBeKnown(id)
      return isFolded(current(), id)
    },
    async leaveToPlan(url, seconds, signal) {
      mustBeAllowed('store')
      await lease?.handOver(url, seconds, signal)
    },
    store: signal =>
      exclusively(async () => {
        mustBeAllowed('store')
        const until = withDeadline(signal, storeDeadlineMs, `storing the ledger in ${shelf.url}`)
        const startedMs = clock.monotonicMs()
        try {
          for (let attempt = 1; !(await storeOnce(until)); attempt++) {
            if (store === null) return
            if (clock.monotonicMs() - startedMs > storeDeadlineMs || attempt === maxAttempts) throw conflict(attempt)
            log.info('another run stored the ledger first, folding again', { attempt })
            await clock.sleep(jitterMs(randomId(), attempt), until)
            await fetchAgain(store, until)
          }
        } catch (error) {
          until.throwIfAborted()
          throw localError(error, 'store the ledger', path)
        }
      }),
    async close() {
      if (closing) return
      closing = true
      await Promise.allSettled(writing)
      await queue
      closed = true
      await lease?.release()
      try {
        file.close()
        options.cleanUp()
      } catch (error) {
        log.warn('the local ledger file could not be closed cleanly', { file: path, error: describeError(error) })
      }
    },
  }

  function conflict(attempts: number): SnapproofError {
    return new SnapproofError(
      'ledger-conflict',
      `other runs stored the ledger in ${shelf.url} first, ${attempts} times`,
      {
        advice: 'Nothing is lost: the journals of this run are stored and the next run folds them.',
      },
    )
  }
}

const maxAttempts = 50

/** Up to 0.1 s, doubling to at most 5 s; never the same for two runs. */
function jitterMs(seed: string, attempt: number): number {
  const fraction = createHash('sha256').update(seed).digest().readUInt32BE(0) / 2 ** 32
  return fraction * Math.min(5_000, 100 * 2 ** Math.min(attempt - 1, 10))
}
