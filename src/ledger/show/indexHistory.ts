/** What happened to one index: attempts to restore its contents, and changes of its newest good snapshot. */
import { isoTime } from '../../time.ts'
import type { LedgerFile } from '../ledgerFile.ts'
import { orderOf } from '../rowParams.ts'
import { type Answer, type Cell, columnsOf, type Scope } from './answer.ts'
import { attemptsOf, goodOf } from './rows.ts'

interface Event {
  readonly orderMs: number
  readonly row: Readonly<Record<string, Cell>>
}

export function showIndex(file: LedgerFile, scope: Scope): Answer {
  const tried = attemptsOf(file, scope)
    .filter(row => row.indexName === scope.index)
    .map(
      (row): Event => ({
        orderMs: orderOf(row),
        row: {
          at: isoTime(row.atMs),
          event: 'restored',
          snapshot: row.snapshot,
          verdict: row.verdict,
          reason: row.reason,
          method: row.method,
          bytes: row.bytes,
          seconds: row.seconds,
          luceneDocs: row.luceneDocs,
          engine: row.engine,
          content: row.contentId,
          run: row.runId,
          message: row.message,
        },
      }),
    )
  const good = goodOf(file, scope)
    .filter(row => row.index === scope.index)
    .map(
      (row): Event => ({
        orderMs: orderOf(row),
        row: {
          at: isoTime(row.atMs),
          event: 'last good',
          snapshot: row.snapshot,
          verdict: row.snapshot === null ? 'none' : row.level,
          reason: null,
          method: row.method,
          bytes: null,
          seconds: null,
          luceneDocs: null,
          engine: null,
          content: row.contentId,
          run: row.runId,
          message: null,
        },
      }),
    )
  const text = ({ row }: Event) => JSON.stringify(row)
  const events = [...tried, ...good].sort((a, b) => a.orderMs - b.orderMs || (text(a) < text(b) ? 1 : -1))
  return {
    rows: events.map(event => event.row),
    columns: columnsOf({
      at: 'time',
      event: 'text',
      snapshot: 'text',
      verdict: 'text',
      reason: 'text',
      method: 'text',
      bytes: 'bytes',
      seconds: 'seconds',
      luceneDocs: 'count',
      engine: 'text',
      content: 'text',
      run: 'text',
      message: 'text',
    }),
  }
}
