/**
 * Rows that a run knows to come after others carry it, whatever the clock says: else what an hour that was wrong wrote down
 * would hide what was found out since. README.md, "Times".
 */
import type { ContentRow } from '../model/journal.ts'
import type { StoredContentRow, StoredGoodRow, StoredReachedRow, StoredRow } from './journalFormat.ts'
import type { LedgerFile } from './ledgerFile.ts'
import {
  answerWrittenMs,
  attemptsAt,
  countRuns,
  lastGoodRow,
  lastReached,
  memoryWrittenMs,
  toleratedSkewMs,
} from './questions.ts'
import { orderOf } from './rowParams.ts'

/**
 * The rows in the order that the file knows, without those `reached` and `good` rows that say what it says already. `late`: attempts were
 * made when they say, and what is known may have been found out since, so that nothing is to be put before them.
 */
export function inOrderKnown(
  file: LedgerFile,
  rows: readonly StoredRow[],
  nowMs: number,
  { late = false }: { readonly late?: boolean } = {},
): StoredRow[] {
  const lastOrder = new Map<string, number>()
  /** The row's time, or just after what came before it. */
  const after = (subject: string, atMs: number, knownMs: number | null): number => {
    const order = Math.max(atMs, Math.max(lastOrder.get(subject) ?? -Infinity, knownMs ?? -Infinity) + 1)
    lastOrder.set(subject, order)
    return order
  }
  const ordered = (row: StoredRow): StoredRow[] => {
    switch (row.kind) {
      case 'run':
        return [{ ...row, knownRuns: countRuns(file, row.runId) }]
      case 'snapshot':
        return [row]
      // A snapshot never changes, and what was measured of it holds whenever it was.
      case 'measure':
      case 'mapping':
        return [row]
      case 'memory': {
        const atMs = after(`memory ${row.subject}`, row.atMs, memoryWrittenMs(file, row.subject))
        return [atMs === row.atMs ? row : { ...row, atMs }]
      }
      case 'answer': {
        const { contentId, indexId, snapshotUuid, question } = row
        const subject = JSON.stringify(['answer', contentId, indexId, snapshotUuid, question])
        if (late) return [row]
        const atMs = after(subject, row.atMs, answerWrittenMs(file, row))
        return [atMs === row.atMs ? row : { ...row, atMs }]
      }
      case 'content': {
        const subject = JSON.stringify([row.indexId, row.contentId])
        const attempts = attemptsAt(file, row.indexId, row.contentId)
        // Given again after an error: the very same row, so that the fold takes it once.
        const again = attempts.find(attempt => sameAttempt(attempt, row))
        if (again !== undefined) {
          lastOrder.set(subject, orderOf(again))
          return [withOrder(row, orderOf(again))]
        }
        if (late) return [row]
        return [withOrder(row, after(subject, row.atMs, Math.max(...attempts.map(orderOf))))]
      }
      case 'reached': {
        const last = lastReached(file, row.snapshotUuid, row.level)
        if (last !== null && !isAhead(last, nowMs) && sayOfReached(last) === sayOfReached(row)) return []
        if (late) return [row]
        return [withOrder(row, after(`reached ${row.snapshotUuid} ${row.level}`, row.atMs, orderIn(last)))]
      }
      case 'good': {
        const last = lastGoodRow(file, row.index)
        if (last !== null && !isAhead(last, nowMs) && sayOfGood(last) === sayOfGood(row)) return []
        if (late) return [row]
        return [withOrder(row, after(`good ${row.index}`, row.atMs, orderIn(last)))]
      }
    }
  }
  return rows.flatMap(ordered)
}

function withOrder<Row extends StoredContentRow | StoredReachedRow | StoredGoodRow>(row: Row, orderMs: number): Row {
  return orderMs === row.atMs ? row : { ...row, orderMs }
}

function orderIn(row: StoredReachedRow | StoredGoodRow | null): number | null {
  return row === null ? null : orderOf(row)
}

/** Written by a clock that was ahead: it counts for nothing yet, so it must be said again. */
function isAhead({ atMs }: { readonly atMs: number }, nowMs: number): boolean {
  return atMs > nowMs + toleratedSkewMs
}

/** Of a pass it does not matter whether it was proven tonight or is remembered. */
function sayOfReached({ verdict, reason, method, creditedFrom }: StoredReachedRow): string {
  return JSON.stringify([verdict, verdict === 'pass' ? null : reason, method, creditedFrom])
}

function sayOfGood({ indexId, contentId, snapshotUuid, level, method }: StoredGoodRow): string {
  return JSON.stringify([indexId, contentId, snapshotUuid, level, method])
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
