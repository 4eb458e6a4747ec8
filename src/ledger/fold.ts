/**
 * Journals into the ledger file. Idempotent, commutative, associative: what a file holds depends only on which journals were
 * folded, never on order, grouping or repetition.
 *
 * It holds because the content is a set of rows by natural key, and of two rows with one key the greater one stays (`rank`, then
 * the text of the row): a maximum has all three properties. The table of journal ids only saves work.
 */
import { keptMeasures } from '../model/baseline.ts'
import type { AnswerRow, MemoryRow } from '../model/journal.ts'
import type { StoredJournal, StoredRow } from './journalFormat.ts'
import type { LedgerFile } from './ledgerFile.ts'
import { localError } from './localErrors.ts'
import { measuresOf, statement } from './questions.ts'
import {
  answerColumns,
  answerParams,
  contentColumns,
  contentParams,
  goodColumns,
  goodParams,
  measureColumns,
  measureParams,
  orderOf,
  reachedColumns,
  reachedParams,
  runColumns,
  runParams,
  snapshotColumns,
  snapshotParams,
} from './rowParams.ts'

/** Folds what is not yet folded, all or nothing; answers how many that were. @throws SnapproofError of `localError` */
export function fold(file: LedgerFile, journals: readonly StoredJournal[]): number {
  try {
    return file.db.transaction(() => {
      const prunedBefore = prunedBeforeMs(file)
      const remember = file.db.prepare('INSERT OR IGNORE INTO journal VALUES (?, ?)')
      const merge = merger(file)
      const measured = new Set<string>()
      let folded = 0
      for (const journal of journals) {
        if (journal.createdMs < prunedBefore) continue
        if (remember.run(journal.journalId, journal.createdMs).changes === 0) continue
        for (const row of journal.rows) {
          merge(row)
          if (row.kind === 'measure') measured.add(row.index)
        }
        folded++
      }
      for (const index of measured) pruneMeasures(file, index)
      return folded
    })()
  } catch (error) {
    throw localError(error, 'fold into the ledger', file.path)
  }
}

/** Journals created before this are folded, all of them, and no longer remembered by id. */
export function prunedBeforeMs(file: LedgerFile): number {
  return Number(file.meta('pruned-before-ms') ?? 0)
}

export function isFolded(
  file: LedgerFile,
  journal: { readonly journalId: string; readonly createdMs: number },
): boolean {
  if (journal.createdMs < prunedBeforeMs(file)) return true
  return file.db.prepare('SELECT 1 FROM journal WHERE journal_id = ?').get(journal.journalId) !== undefined
}

/** Forgets the ids of journals created before `beforeMs`, all of which must be folded. Never goes back. */
export function forgetJournals(file: LedgerFile, beforeMs: number): void {
  try {
    file.db.transaction(() => {
      if (beforeMs <= prunedBeforeMs(file)) return
      file.setMeta('pruned-before-ms', beforeMs)
      file.db.prepare('DELETE FROM journal WHERE created_ms < ?').run(beforeMs)
      // What was forgotten that long ago cannot come back: no journal that is still read is older.
      file.db.prepare('DELETE FROM memory WHERE length(data) = 0 AND at_ms < ?').run(beforeMs)
      file.db.prepare('DELETE FROM measure WHERE ended_ms < ?').run(beforeMs - goneMs)
      const unnamed = 'at_ms < ? AND digest NOT IN (SELECT mapping FROM measure WHERE mapping IS NOT NULL)'
      file.db.prepare(`DELETE FROM mapping WHERE ${unnamed}`).run(beforeMs)
    })()
  } catch (error) {
    throw localError(error, 'prune the ledger', file.path)
  }
}

/** An index that no snapshot has held for so long has no past to be compared with. */
const goneMs = 400 * 86_400_000

/** Depends on the rows alone, not on the order in which they came: `keptMeasures`. */
function pruneMeasures(file: LedgerFile, index: string): void {
  const found = measuresOf(file, index)
  const kept = keptMeasures(found)
  if (kept.size === found.length) return
  const drop = statement(
    file,
    'DELETE FROM measure WHERE index_name = (SELECT id FROM term WHERE value = ?) AND snapshot = (SELECT id FROM term WHERE value = ?)',
  )
  for (const { snapshotUuid } of found) if (!kept.has(snapshotUuid)) drop.run(index, snapshotUuid)
}

function merger({ db }: LedgerFile): (row: StoredRow) => void {
  const findTerm = db.prepare('SELECT id FROM term WHERE value = ?').pluck()
  const addTerm = db.prepare('INSERT INTO term (value) VALUES (?)')
  const term = (value: string): number => Number(findTerm.get(value) ?? addTerm.run(value).lastInsertRowid)

  const table = (name: string, view: string, viewKey: readonly string[], columns: readonly string[]) => ({
    find: db.prepare(`SELECT * FROM ${view} WHERE ${viewKey.map(column => `"${column}" = @${column}`).join(' AND ')}`),
    put: db.prepare(
      `INSERT OR REPLACE INTO ${name} (${columns.join(', ')}) VALUES (${columns.map(c => `@${c}`).join(', ')})`,
    ),
  })
  const runs = table('run', 'run_row', ['runId'], runColumns)
  const contents = table(
    'content',
    'content_row',
    ['contentId', 'indexId', 'orderMs', 'atMs', 'runId', 'snapshotUuid', 'verdict', 'method'],
    contentColumns,
  )
  const snapshots = table('snapshot', 'snapshot_row', ['snapshotUuid', 'runId'], snapshotColumns)
  const reached = table('reached', 'reached_row', ['snapshotUuid', 'level', 'orderMs', 'runId'], reachedColumns)
  const good = table('good', 'good_row', ['index', 'orderMs', 'runId'], goodColumns)

  const answers = table('answer', 'answer_row', ['contentId', 'indexId', 'snapshotUuid', 'question'], answerColumns)

  const measures = table('measure', 'measure_row', ['index', 'snapshotUuid'], measureColumns)
  const mappings = table('mapping', 'mapping_row', ['digest'], ['digest', 'at_ms', 'fields'])

  const findMemory = db.prepare('SELECT at_ms AS atMs, data FROM memory WHERE subject = ?')
  const putMemory = db.prepare('INSERT OR REPLACE INTO memory (subject, at_ms, data) VALUES (?, ?, ?)')
  const keepYounger = ({ subject, atMs, data }: MemoryRow): void => {
    const bytes = Buffer.from(data, 'base64')
    const found = findMemory.get(subject) as { readonly atMs: number; readonly data: Buffer } | undefined
    const younger = found === undefined || atMs > found.atMs
    if (younger || (atMs === found.atMs && Buffer.compare(bytes, found.data) > 0)) putMemory.run(subject, atMs, bytes)
  }

  const keepGreater = (
    at: typeof runs,
    row: Exclude<StoredRow, MemoryRow>,
    rank: number,
    params: () => Readonly<Record<string, string | number | null>>,
  ): void => {
    const { kind: _, ...given } = row
    // As the file has it.
    const values = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, typeof value === 'boolean' ? Number(value) : value]),
    )
    const asked = 'atMs' in row && row.kind !== 'snapshot' ? { ...values, orderMs: orderOf(row) } : values
    const found = at.find.get(asked)
    if (found === undefined || greater(values, rank, found, rankOf(row.kind, found))) at.put.run(params())
  }
  return row => {
    switch (row.kind) {
      case 'memory':
        return keepYounger(row)
      case 'run':
        return keepGreater(runs, row, row.endedMs, () => runParams(row))
      case 'content':
        return keepGreater(contents, row, 0, () => contentParams(row, term))
      case 'snapshot':
        return keepGreater(snapshots, row, row.atMs, () => snapshotParams(row, term))
      case 'reached':
        return keepGreater(reached, row, row.atMs, () => reachedParams(row, term))
      case 'good':
        return keepGreater(good, row, row.atMs, () => goodParams(row, term))
      case 'measure':
        return keepGreater(measures, row, row.endedMs, () => measureParams(row, term))
      case 'mapping':
        return keepGreater(mappings, row, row.atMs, () => ({ digest: row.digest, at_ms: row.atMs, fields: row.fields }))
      case 'answer':
        return keepGreater(answers, row, answerRank(row), () => answerParams(row, term))
    }
  }
}

function rankOf(kind: StoredRow['kind'], found: unknown): number {
  if (typeof found !== 'object' || found === null) return 0
  // A measure that was pruned by its date must not be greater than the one that stays.
  if ((kind === 'run' || kind === 'measure') && 'endedMs' in found) return Number(found.endedMs)
  if (kind === 'answer' && 'answered' in found && 'atMs' in found)
    return answerRank({ answered: found.answered === 1, atMs: Number(found.atMs) })
  return kind !== 'run' && kind !== 'content' && 'atMs' in found ? Number(found.atMs) : 0
}

/** Below every answer what is none; a time is at most 8.64e15. */
function answerRank({ answered, atMs }: Pick<AnswerRow, 'answered' | 'atMs'>): number {
  return answered ? atMs : atMs - 2e16
}

function greater(a: object, rankA: number, b: unknown, rankB: number): boolean {
  if (rankA !== rankB) return rankA > rankB
  return rowText(a) > rowText(b)
}

/** The same text for the same row, wherever its fields come from: the file keeps lists as text, and what is not known as null. */
function rowText(row: unknown): string {
  const entries = Object.entries(typeof row === 'object' && row !== null ? row : {})
    .filter(([name, value]) => name !== 'orderMs' && !(name === 'knownRuns' && value === null))
    .map(([name, value]) => [name, Array.isArray(value) ? JSON.stringify(value) : value])
  return JSON.stringify(entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)))
}
