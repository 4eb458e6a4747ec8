/**
 * The last good snapshot of each index, as it was known at a date.
 *
 * What the latest run concluded decides. A content that failed afterwards, in a run that never came to its conclusion, takes that
 * back; then, and in ledgers of before schema version 3, the newest snapshot counts whose own content was restored, is not failing, and which
 * the latest run saw with good metadata.
 */
import { isoTime } from '../../time.ts'
import type { StoredContentRow, StoredGoodRow } from '../journalFormat.ts'
import type { LedgerFile } from '../ledgerFile.ts'
import { judgeHistory } from '../questions.ts'
import { type Answer, columnsOf, type Scope } from './answer.ts'
import { attemptsOf, goodOf, momentOf, presentAtLast } from './rows.ts'

interface Good {
  readonly snapshot: string
  readonly snapshotUuid: string | null
  readonly endedMs: number | null
  readonly level: string
  readonly method: string | null
  readonly knownMs: number
  readonly run: string
}

export function showGood(file: LedgerFile, scope: Scope): Answer {
  const concluded = new Map<string, StoredGoodRow>()
  for (const row of goodOf(file, scope)) concluded.set(row.index, row)
  const attempts = groupAttempts(attemptsOf(file, scope))
  const present = presentAtLast(file, scope)
  const moment = momentOf(scope)
  const names = [...new Set([...concluded.keys(), ...attempts.keys()])].sort()
  const rows = names
    .filter(name => scope.index === null || name === scope.index)
    .map(index => {
      const said = concluded.get(index) ?? null
      const tried = attempts.get(index) ?? new Map()
      const taken = said !== null && failedSince(said, tried, moment)
      const good = said !== null && !taken ? asGood(said) : newestRestored(tried, present, moment)
      return {
        index,
        snapshot: good?.snapshot ?? null,
        uuid: good?.snapshotUuid ?? null,
        endedAt: isoTime(good?.endedMs ?? null),
        level: good?.level ?? null,
        method: good?.method ?? null,
        knownSince: isoTime(good?.knownMs ?? said?.atMs ?? null),
        run: good?.run ?? said?.runId ?? null,
        failedSince: taken ? said.snapshot : null,
      }
    })
  return {
    rows,
    columns: columnsOf({
      index: 'text',
      snapshot: 'text',
      uuid: 'text',
      endedAt: 'time',
      level: 'text',
      method: 'text',
      knownSince: 'time',
      run: 'text',
      failedSince: 'text',
    }),
  }
}

/** Index name → content → attempts. */
type Tried = Map<string, StoredContentRow[]>

function groupAttempts(rows: readonly StoredContentRow[]): Map<string, Tried> {
  const byIndex = new Map<string, Tried>()
  for (const row of rows) {
    const tried = byIndex.get(row.indexName) ?? new Map()
    byIndex.set(row.indexName, tried)
    const key = contentKey(row.indexId, row.contentId)
    tried.set(key, [...(tried.get(key) ?? []), row])
  }
  return byIndex
}

function contentKey(indexId: string | null, contentId: string | null): string {
  return JSON.stringify([indexId, contentId])
}

function failedSince({ indexId, contentId }: StoredGoodRow, tried: Tried, moment: number): boolean {
  const rows = tried.get(contentKey(indexId, contentId)) ?? []
  return judgeHistory(rows, moment).proof?.verdict === 'fail'
}

function asGood(row: StoredGoodRow): Good | null {
  return row.snapshot === null ? null : { ...row, snapshot: row.snapshot, knownMs: row.atMs, run: row.runId }
}

function newestRestored(tried: Tried, present: ReadonlyMap<string, number | null>, moment: number): Good | null {
  let newest: Good | null = null
  for (const rows of tried.values()) {
    const { proof } = judgeHistory(rows, moment)
    if (proof?.verdict !== 'pass' || !present.has(proof.snapshotUuid)) continue
    const endedMs = present.get(proof.snapshotUuid) ?? null
    const order = (endedMs ?? -Infinity) - (newest?.endedMs ?? -Infinity)
    if (newest !== null && !(order > 0 || (order === 0 && proof.snapshotUuid > (newest.snapshotUuid ?? '')))) continue
    const { snapshot, snapshotUuid, method, provenMs, runId } = proof
    newest = { snapshot, snapshotUuid, endedMs, level: 'restore', method, knownMs: provenMs, run: runId }
  }
  return newest
}
