/**
 * When each snapshot reached each level, by which proof, and what it is now. What fails is told as soon as it is journalled, a pass by
 * the run that concluded it.
 */
import type { ContentProof } from '../../model/plan.ts'
import { isoTime } from '../../time.ts'
import type { StoredReachedRow } from '../journalFormat.ts'
import type { LedgerFile } from '../ledgerFile.ts'
import { judgeHistory } from '../questions.ts'
import { levelCodes, verdictCodes } from '../schema.ts'
import { type Answer, columnsOf, type Scope } from './answer.ts'
import { attemptsAtFailed, type KnownSnapshot, momentOf, reachedOf, snapshotsOf } from './rows.ts'

/** First pass and latest conclusion of one snapshot at one level. */
interface Standing {
  readonly firstPass: StoredReachedRow | null
  readonly last: StoredReachedRow
}

export function showSnapshots(file: LedgerFile, scope: Scope): Answer {
  const standings = new Map<string, Standing>()
  const known = new Map(snapshotsOf(file, scope).map(one => [one.snapshotUuid, one]))
  for (const row of reachedOf(file, scope)) {
    const key = JSON.stringify([row.snapshotUuid, row.level])
    const firstPass = standings.get(key)?.firstPass ?? (row.verdict === 'pass' ? row : null)
    standings.set(key, { firstPass, last: row })
    const { snapshot, snapshotUuid } = row
    if (!known.has(snapshotUuid)) known.set(snapshotUuid, { ...unconcluded, snapshot, snapshotUuid })
  }
  const hasRules = [...standings.values()].some(({ last }) => last.level === 'rules')
  const failed = failedContents(file, scope)
  const rows = [...known.values()]
    .filter(one => scope.snapshot === null || [one.snapshot, one.snapshotUuid].includes(scope.snapshot))
    .flatMap(one =>
      levelCodes
        .filter(level => level !== 'rules' || hasRules)
        .map(level => {
          const row = rowOf(one, level, standings.get(JSON.stringify([one.snapshotUuid, level])) ?? null)
          const fail = level === 'restore' && row.verdict === 'pass' ? failed.get(one.snapshotUuid) : undefined
          if (fail === undefined) return row
          return { ...row, verdict: 'fail', reason: fail.reason, since: isoTime(fail.provenMs) }
        }),
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

/**
 * By snapshot: a content that failed when it was restored from there and is not cured. Machines that were lost, and programs of before, may
 * have left nothing else.
 */
function failedContents(file: LedgerFile, scope: Scope): Map<string, ContentProof> {
  const failed = new Map<string, ContentProof>()
  for (const attempts of attemptsAtFailed(file, scope)) {
    const { proof } = judgeHistory(attempts, momentOf(scope))
    if (proof?.verdict === 'fail') failed.set(proof.snapshotUuid, proof)
  }
  return failed
}

/** A run found something out about it, and no run has come to its end since it is there. */
const unconcluded = {
  endedMs: null,
  lastMs: null,
  catalogueMs: null,
  presenceMs: null,
  restoreMs: null,
  catalogue: null,
  presence: null,
  restore: null,
}

function rowOf(known: KnownSnapshot, level: (typeof levelCodes)[number], standing: Standing | null) {
  const pass = standing?.firstPass ?? null
  // Runs of before schema version 3 say that it passed, and not by what.
  const only = level === 'bytes' || level === 'rules'
  const seenMs = only ? null : known[`${level}Ms`]
  const last = standing?.last ?? null
  // In the order of conclusions, which no clock spoils; runs of before schema version 3 left only dates.
  const code = only ? null : known[level]
  const seen = code === null ? null : (verdictCodes[code] ?? null)
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
