/** Rows of the ledger file up to a date. Every question reads through here, so that no answer about the past knows what came later. */
import type { RunRow } from '../../model/journal.ts'
import type { StoredContentRow, StoredGoodRow, StoredReachedRow, StoredRunRow } from '../journalFormat.ts'
import type { LedgerFile } from '../ledgerFile.ts'
import { localError } from '../localErrors.ts'
import { decodeAs, statement, toleratedSkewMs } from '../questions.ts'
import { verdictCodes } from '../schema.ts'
import type { Scope } from './answer.ts'

/** Beyond every date that a row can have. */
const everMs = 8.64e15

export function select(file: LedgerFile, sql: string, ...params: (string | number)[]): unknown[] {
  try {
    return statement(file, sql).all(...params)
  } catch (error) {
    throw localError(error, 'read the ledger', file.path)
  }
}

/** The moment that the answers are about. */
export function momentOf({ atMs, nowMs }: Scope): number {
  return atMs ?? nowMs
}

/** Last date of rows that are used; what a clock that was ahead wrote counts as of now where nobody asks about the past. */
function lastDateOf({ atMs }: Scope): number {
  return atMs ?? everMs
}

/** Passes and conclusions that are dated after now are none yet. */
function lastConclusionOf({ atMs, nowMs }: Scope): number {
  return atMs ?? nowMs + toleratedSkewMs
}

/** Every run that had ended by then, by its start. */
export function runsOf(file: LedgerFile, scope: Scope): RunRow[] {
  const sql = 'SELECT * FROM run_row WHERE endedMs <= ? ORDER BY startedMs, endedMs, runId'
  return select(file, sql, lastDateOf(scope)).map(row => decodeAs<StoredRunRow>('run', row))
}

/** Attempts at contents, by their order. */
export function attemptsOf(file: LedgerFile, scope: Scope): StoredContentRow[] {
  const sql =
    'SELECT * FROM content_row WHERE atMs <= ? ORDER BY orderMs, atMs, runId, contentId, indexId, snapshotUuid, verdict, method'
  return select(file, sql, lastDateOf(scope)).map(row => decodeAs<StoredContentRow>('content', row))
}

/** All attempts at each content that failed at least once by then. */
export function attemptsAtFailed(file: LedgerFile, scope: Scope): StoredContentRow[][] {
  const sql = `SELECT * FROM content_row WHERE atMs <= ? AND (contentId, indexId) IN
    (SELECT contentId, indexId FROM content_row WHERE verdict = 'fail' AND atMs <= ?)`
  const byContent = new Map<string, StoredContentRow[]>()
  for (const found of select(file, sql, lastDateOf(scope), lastDateOf(scope))) {
    const row = decodeAs<StoredContentRow>('content', found)
    const key = JSON.stringify([row.indexId, row.contentId])
    const known = byContent.get(key)
    if (known === undefined) byContent.set(key, [row])
    else known.push(row)
  }
  return [...byContent.values()]
}

/** Of each snapshot and level, oldest first. */
export function reachedOf(file: LedgerFile, scope: Scope): StoredReachedRow[] {
  const sql = 'SELECT * FROM reached_row WHERE atMs <= ? ORDER BY orderMs, runId, snapshotUuid, level'
  return select(file, sql, lastConclusionOf(scope)).map(row => decodeAs<StoredReachedRow>('reached', row))
}

/** Of each index, oldest first. */
export function goodOf(file: LedgerFile, scope: Scope): StoredGoodRow[] {
  const sql = 'SELECT * FROM good_row WHERE atMs <= ? ORDER BY orderMs, runId, "index"'
  return select(file, sql, lastConclusionOf(scope)).map(row => decodeAs<StoredGoodRow>('good', row))
}

export interface KnownSnapshot {
  readonly snapshotUuid: string
  readonly snapshot: string
  readonly endedMs: number | null
  /** When a run concluded about it last; of those that are still there the latest of all. Null: no run has. */
  readonly lastMs: number | null
  /** First time that a run saw it pass there; null: never. */
  readonly catalogueMs: number | null
  readonly presenceMs: number | null
  readonly restoreMs: number | null
  /** Codes (`verdictCodes`) of the latest run; where two are equally late, the worse. Null: there is none. */
  readonly catalogue: number | null
  readonly presence: number | null
  readonly restore: number | null
}

/** Every snapshot that a run had concluded about by then, with when it first passed and what it is now, oldest first. */
export function snapshotsOf(file: LedgerFile, scope: Scope): KnownSnapshot[] {
  const first = (level: string) => `min(CASE WHEN ${level} = 0 THEN at_ms END) AS ${level}Ms`
  const sql = `
    SELECT s.value AS snapshotUuid, max(n.value) AS snapshot, max(t.ended_ms) AS endedMs, f.lastMs, f.catalogueMs, f.presenceMs,
      f.restoreMs, max(t.catalogue) AS catalogue, max(t.presence) AS presence, max(t.restore) AS restore
    FROM (SELECT snapshot, max(at_ms) AS lastMs, ${first('catalogue')}, ${first('presence')}, ${first('restore')}
          FROM snapshot WHERE at_ms <= ? GROUP BY snapshot) f
    JOIN snapshot t ON t.snapshot = f.snapshot AND t.at_ms = f.lastMs
    JOIN term s ON s.id = f.snapshot JOIN term n ON n.id = t.name
    GROUP BY f.snapshot ORDER BY endedMs IS NULL, endedMs, snapshotUuid`
  return select(file, sql, lastConclusionOf(scope)) as KnownSnapshot[]
}

/**
 * Uuid → end of the snapshots that the latest run which concluded about snapshots saw, and whose metadata and data did not fail there,
 * nor anywhere since. The rows of one run have one date; of two runs at the same time both count.
 */
export function presentAtLast(file: LedgerFile, scope: Scope): Map<string, number | null> {
  const failed = verdictCodes.indexOf('fail')
  const sql = `
    SELECT s.value AS uuid, max(t.ended_ms) AS endedMs FROM snapshot t JOIN term s ON s.id = t.snapshot
    WHERE t.at_ms = (SELECT max(at_ms) FROM snapshot WHERE at_ms <= ?)
    GROUP BY t.snapshot HAVING max(t.catalogue) < ${failed} AND max(t.presence) < ${failed}`
  const rows = select(file, sql, lastConclusionOf(scope)) as {
    readonly uuid: string
    readonly endedMs: number | null
  }[]
  const present = new Map(rows.map(row => [row.uuid, row.endedMs]))
  const now = new Map<string, StoredReachedRow>()
  for (const row of reachedOf(file, scope))
    if (row.level !== 'restore') now.set(JSON.stringify([row.snapshotUuid, row.level]), row)
  for (const { verdict, snapshotUuid } of now.values()) if (verdict === 'fail') present.delete(snapshotUuid)
  return present
}
