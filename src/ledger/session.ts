/** A run's session with the ledger: journals first, then the local file, then the store. */
import { createHash } from 'node:crypto'
import { describeError, SnapproofError } from '../errors.ts'
import type { ContentRow, JournalRow } from '../model/journal.ts'
import type { Clock } from '../time.ts'
import { withDeadline } from '../time.ts'
import { fold, forgetJournals, orderOf, prunedBeforeMs } from './fold.ts'
import type { StoredContentRow, StoredJournal, StoredRow } from './journalFormat.ts'
import { decodeRow, encodeJournal, journalKey, maxJournalBytes } from './journalFormat.ts'
import type { Lease } from './lease.ts'
import type { LedgerFile } from './ledgerFile.ts'
import { putLedger } from './ledgerObject.ts'
import { localError } from './localErrors.ts'
import type { Pending } from './pending.ts'
import { foldPending } from './pending.ts'
import type { LedgerSession } from './port.ts'
import { askLedger, attemptsAt, memoryWrittenMs } from './questions.ts'
import type { Home, TakenIn } from './takeIn.ts'
import { takeFromStore } from './takeIn.ts'

export interface SessionOptions {
  readonly home: Home
  /** The local file that `taken` has open. */
  readonly path: string
  readonly taken: TakenIn
  /** Null: no store, or a reader. */
  readonly lease: Lease | null
  readonly readOnly: boolean
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
  const { home, path, lease, readOnly, clock, randomId } = options
  const { log, shelf, store, repositoryName } = home
  let file: LedgerFile = options.taken.file
  let etag = options.taken.etag
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
  function mayWrite(): void {
    current()
    if (closing) throw new SnapproofError('internal', 'the ledger was asked to write while it is being closed')
    if (readOnly) throw new SnapproofError('internal', 'a read-only session of the ledger was asked to write')
  }
  function warn(messages: readonly string[]): void {
    for (const message of messages) if (!warnings.includes(message)) warnings.push(message)
  }

  /**
   * Rows that this run knows to come after others carry it, whatever the clock says: else what an hour that was wrong wrote down
   * would hide what was found out since.
   */
  function ordered(rows: readonly StoredRow[]): StoredRow[] {
    const lastOrder = new Map<string, number>()
    return rows.map(row => {
      if (row.kind === 'memory') {
        const written =
          lastOrder.get(row.subject) ?? memoryWrittenMs(current(), row.subject) ?? Number.NEGATIVE_INFINITY
        const atMs = Math.max(row.atMs, written + 1)
        lastOrder.set(row.subject, atMs)
        return atMs === row.atMs ? row : { ...row, atMs }
      }
      if (row.kind !== 'content') return row
      const attempts = attemptsAt(current(), row.indexId, row.contentId)
      // Given again after an error: the very same row, so that the fold takes it once.
      const again = attempts.find(attempt => sameAttempt(attempt, row))
      const content = JSON.stringify([row.indexId, row.contentId])
      const after = Math.max(lastOrder.get(content) ?? -Infinity, ...attempts.map(orderOf)) + 1
      const orderMs = again === undefined ? Math.max(row.atMs, after) : orderOf(again)
      lastOrder.set(content, orderMs)
      return orderMs === row.atMs ? row : { ...row, orderMs }
    })
  }

  async function journalSome(runId: string, rows: readonly StoredRow[], signal: AbortSignal): Promise<void> {
    const createdMs = Math.floor(Math.max(clock.nowMs(), prunedBeforeMs(current()) + marginDays * dayMs))
    const journal: StoredJournal = {
      schemaVersion: 1,
      journalId: randomId(),
      repository: repositoryName,
      runId,
      createdMs,
      rows,
    }
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
    async journal(runId, rows: readonly JournalRow[], signal) {
      mayWrite()
      if (rows.length === 0) return
      // The decoder that the next fold uses: what it would refuse is not written.
      const good = ordered(rows.map(row => decodeRow(row, `the journal of run ${runId}`)))
      await underWay(journalSome(runId, good, signal))
    },
    store: signal =>
      exclusively(async () => {
        mayWrite()
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

function sameAttempt(a: StoredContentRow, b: ContentRow): boolean {
  return (
    a.runId === b.runId &&
    a.snapshotUuid === b.snapshotUuid &&
    a.atMs === b.atMs &&
    a.verdict === b.verdict &&
    a.method === b.method
  )
}
