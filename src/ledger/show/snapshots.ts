/** When each snapshot reached each level, by which proof. */
import { isoTime } from '../../time.ts'
import type { StoredReachedRow } from '../journalFormat.ts'
import type { LedgerFile } from '../ledgerFile.ts'
import { levelCodes, verdictCodes } from '../schema.ts'
import { type Answer, columnsOf, type Scope } from './answer.ts'
import { type KnownSnapshot, reachedOf, snapshotsOf } from './rows.ts'

/** First pass and latest conclusion of one snapshot at one level. */
interface Standing {
  readonly firstPass: StoredReachedRow | null
  readonly last: StoredReachedRow
}

export function showSnapshots(file: LedgerFile, scope: Scope): Answer {
  const standings = new Map<string, Standing>()
  for (const row of reachedOf(file, scope)) {
    const key = JSON.stringify([row.snapshotUuid, row.level])
    const firstPass = standings.get(key)?.firstPass ?? (row.verdict === 'pass' ? row : null)
    standings.set(key, { firstPass, last: row })
  }
  const rows = snapshotsOf(file, scope)
    .filter(one => scope.snapshot === null || [one.snapshot, one.snapshotUuid].includes(scope.snapshot))
    .flatMap(one =>
      levelCodes.map(level => rowOf(one, level, standings.get(JSON.stringify([one.snapshotUuid, level])) ?? null)),
    )
  return {
    rows,
    columns: columnsOf({
      snapshot: 'text',
      uuid: 'text',
      endedAt: 'time',
      level: 'text',
      reachedAt: 'time',
      method: 'text',
      provenAt: 'time',
      creditedFrom: 'text',
      verdict: 'text',
      reason: 'text',
      since: 'time',
      run: 'text',
      lastSeenAt: 'time',
    }),
  }
}

function rowOf(known: KnownSnapshot, level: (typeof levelCodes)[number], standing: Standing | null) {
  const pass = standing?.firstPass ?? null
  // Runs of before schema version 3 say that it passed, and not by what.
  const seenMs = level === 'bytes' ? null : known[`${level}Ms`]
  const last = standing?.last ?? null
  // In the order of conclusions, which no clock spoils; runs of before schema version 3 left only dates.
  const seen = level === 'bytes' ? null : (verdictCodes[known[level]] ?? null)
  const verdict = last?.verdict ?? seen
  const byRow = pass !== null && (seenMs === null || pass.atMs <= seenMs)
  return {
    snapshot: known.snapshot,
    uuid: known.snapshotUuid,
    endedAt: isoTime(known.endedMs),
    level,
    reachedAt: isoTime(byRow ? pass.atMs : seenMs),
    method: byRow ? pass.method : null,
    provenAt: isoTime(byRow ? pass.provenMs : null),
    creditedFrom: byRow && pass.creditedFrom.length > 0 ? pass.creditedFrom.join(', ') : null,
    verdict,
    reason: last?.reason ?? null,
    since: isoTime(last?.atMs ?? null),
    run: byRow ? pass.runId : null,
    lastSeenAt: isoTime(known.lastMs),
  }
}
