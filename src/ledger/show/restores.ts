/** Attempts to restore contents, of whatever index: what a period restored, and what dead runs left behind. */
import { isoTime } from '../../time.ts'
import type { LedgerFile } from '../ledgerFile.ts'
import { type Answer, columnsOf, type Scope } from './answer.ts'
import { attemptsOf } from './rows.ts'

/** Attempts that ended in the period. */
export function showRestores(file: LedgerFile, scope: Scope): Answer {
  const { fromMs, toMs, snapshot, index } = scope
  const rows = attemptsOf(file, scope)
    .filter(({ atMs }) => (fromMs === null || atMs >= fromMs) && (toMs === null || atMs <= toMs))
    .filter(row => snapshot === null || [row.snapshot, row.snapshotUuid].includes(snapshot))
    .filter(row => index === null || row.indexName === index)
    .map(row => ({
      at: isoTime(row.atMs),
      index: row.indexName,
      snapshot: row.snapshot,
      verdict: row.verdict,
      reason: row.reason,
      method: row.method,
      bytes: row.bytes,
      seconds: row.seconds,
      engine: row.engine,
      indexId: row.indexId,
      content: row.contentId,
      run: row.runId,
      message: row.message,
    }))
  return {
    rows,
    columns: columnsOf({
      at: 'time',
      index: 'text',
      snapshot: 'text',
      verdict: 'text',
      reason: 'text',
      method: 'text',
      bytes: 'bytes',
      seconds: 'seconds',
      engine: 'text',
      indexId: 'text',
      content: 'text',
      run: 'text',
      message: 'text',
    }),
  }
}
