/**
 * Every failure of a snapshot at a level: when it was found, when a pass cured it, what became of it otherwise.
 *
 * Only a pass cures. What is not known any more, or no longer applies, stays a failure that nobody has cured; that a snapshot was deleted is
 * said as such.
 */
import { isoTime } from '../../time.ts'
import type { StoredReachedRow } from '../journalFormat.ts'
import type { LedgerFile } from '../ledgerFile.ts'
import { type Answer, type Cell, columnsOf, type Scope } from './answer.ts'
import { reachedOf } from './rows.ts'
import { showSnapshots } from './snapshots.ts'

interface Failure {
  readonly found: StoredReachedRow
  /** Null: nothing has. */
  cured: StoredReachedRow | null
}

/** Failures that were there at some time of the period, oldest first. */
export function showFailures(file: LedgerFile, scope: Scope): Answer {
  const known = new Map(showSnapshots(file, scope).rows.map(row => [keyOf(row.uuid, row.level), row]))
  const lastSeenAt = [...known.values()]
    .map(row => String(row.lastSeenAt ?? ''))
    .sort()
    .at(-1)
  const gone = (row: Readonly<Record<string, Cell>> | undefined) =>
    row?.lastSeenAt != null && row.lastSeenAt !== lastSeenAt
  const rows = [...failuresOf(file, scope)].flatMap(([key, failures]) => {
    const now = known.get(key)
    return failures.map(({ found, cured }) => ({
      snapshot: found.snapshot,
      uuid: found.snapshotUuid,
      level: found.level,
      foundAt: isoTime(found.atMs) as string | null,
      foundBy: found.runId as string | null,
      reason: found.reason as string | null,
      state: cured !== null ? 'cured' : gone(now) ? 'gone' : stateOf(now?.verdict ?? null),
      curedAt: isoTime(cured?.atMs ?? null),
      curedBy: cured?.runId ?? null,
      method: cured?.method ?? null,
      lastSeenAt: now?.lastSeenAt ?? null,
    }))
  })
  // What programs of before, or machines that were lost, left: that it fails, and not since when.
  const open = new Set(rows.filter(row => row.curedAt === null).map(row => keyOf(row.uuid, row.level)))
  for (const [key, row] of known) {
    if (row.verdict !== 'fail' || open.has(key)) continue
    rows.push({
      snapshot: String(row.snapshot),
      uuid: String(row.uuid),
      level: row.level as StoredReachedRow['level'],
      foundAt: row.since === null ? null : String(row.since),
      foundBy: null,
      reason: row.reason === null ? null : String(row.reason),
      state: gone(row) ? 'gone' : 'open',
      curedAt: null,
      curedBy: null,
      method: null,
      lastSeenAt: row.lastSeenAt ?? null,
    })
  }
  return {
    rows: rows
      .filter(row => scope.snapshot === null || [row.snapshot, row.uuid].includes(scope.snapshot))
      .filter(row => touches(row, scope))
      .sort((a, b) => (a.foundAt ?? '').localeCompare(b.foundAt ?? '') || a.uuid.localeCompare(b.uuid)),
    columns: columnsOf({
      snapshot: 'text',
      uuid: 'text',
      level: 'text',
      foundAt: 'time',
      foundBy: 'text',
      reason: 'text',
      state: 'text',
      curedAt: 'time',
      curedBy: 'text',
      method: 'text',
      lastSeenAt: 'time',
    }),
  }
}

function failuresOf(file: LedgerFile, scope: Scope): Map<string, Failure[]> {
  const found = new Map<string, Failure[]>()
  for (const row of reachedOf(file, scope)) {
    const key = keyOf(row.snapshotUuid, row.level)
    const failures = found.get(key) ?? []
    const last = failures.at(-1)
    const isOpen = last !== undefined && last.cured === null
    if (row.verdict === 'fail' && !isOpen) found.set(key, [...failures, { found: row, cured: null }])
    else if (row.verdict === 'pass' && isOpen) last.cured = row
  }
  return found
}

function stateOf(verdict: Cell): 'open' | 'not known' | 'not applicable' {
  if (verdict === 'inconclusive') return 'not known'
  return verdict === 'not-applicable' ? 'not applicable' : 'open'
}

interface Times {
  readonly state: string
  readonly foundAt: string | null
  readonly curedAt: string | null
  readonly lastSeenAt: Cell
}

/** What is gone was there until it was last seen. */
function touches({ state, foundAt, curedAt, lastSeenAt }: Times, { fromMs, toMs }: Scope): boolean {
  const endedAt = curedAt ?? (state === 'gone' ? String(lastSeenAt) : null)
  const ended = endedAt === null ? null : Math.max(Date.parse(endedAt), foundAt === null ? 0 : Date.parse(foundAt))
  const begins = toMs === null || foundAt === null || Date.parse(foundAt) <= toMs
  return begins && (fromMs === null || ended === null || ended >= fromMs)
}

function keyOf(uuid: Cell | undefined, level: Cell | undefined): string {
  return JSON.stringify([uuid, level])
}
