/**
 * Journals into the ledger file. Idempotent, commutative, associative: what a file holds depends only on which journals were
 * folded, never on order, grouping or repetition.
 *
 * It holds because the content is a set of rows by natural key, and of two rows with one key the greater one stays (`rank`, then
 * the text of the row): a maximum has all three properties. The table of journal ids only saves work.
 */
import type { ContentRow, MemoryRow, RunRow, SnapshotRow } from '../model/journal.ts'
import type { StoredContentRow, StoredJournal, StoredRow } from './journalFormat.ts'
import type { LedgerFile } from './ledgerFile.ts'
import { localError } from './localErrors.ts'
import { verdictCodes } from './schema.ts'

type Params = Readonly<Record<string, string | number | null>>

/** Folds what is not yet folded, all or nothing; answers how many that were. @throws SnapproofError of `localError` */
export function fold(file: LedgerFile, journals: readonly StoredJournal[]): number {
  try {
    return file.db.transaction(() => {
      const prunedBefore = prunedBeforeMs(file)
      const remember = file.db.prepare('INSERT OR IGNORE INTO journal VALUES (?, ?)')
      const merge = merger(file)
      let folded = 0
      for (const journal of journals) {
        if (journal.createdMs < prunedBefore) continue
        if (remember.run(journal.journalId, journal.createdMs).changes === 0) continue
        for (const row of journal.rows) merge(row)
        folded++
      }
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
    })()
  } catch (error) {
    throw localError(error, 'prune the ledger', file.path)
  }
}

function merger({ db }: LedgerFile): (row: StoredRow) => void {
  const findTerm = db.prepare('SELECT id FROM term WHERE value = ?').pluck()
  const addTerm = db.prepare('INSERT INTO term (value) VALUES (?)')
  const term = (value: string): number => Number(findTerm.get(value) ?? addTerm.run(value).lastInsertRowid)

  const table = (name: string, view: string, viewKey: readonly string[], columns: readonly string[]) => ({
    find: db.prepare(`SELECT * FROM ${view} WHERE ${viewKey.map(column => `${column} = @${column}`).join(' AND ')}`),
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
    params: () => Params,
  ): void => {
    const { kind: _, ...values } = row
    const found = at.find.get(row.kind === 'content' ? { ...values, orderMs: orderOf(row) } : values)
    if (found === undefined || greater(values, rank, found as typeof values, rankOf(row.kind, found)))
      at.put.run(params())
  }
  return row => {
    if (row.kind === 'memory') keepYounger(row)
    else if (row.kind === 'run') keepGreater(runs, row, row.endedMs, () => runParams(row))
    else if (row.kind === 'content') keepGreater(contents, row, 0, () => contentParams(row, term))
    else keepGreater(snapshots, row, row.atMs, () => snapshotParams(row, term))
  }
}

export function orderOf(row: StoredContentRow): number {
  return row.orderMs ?? row.atMs
}

function rankOf(kind: StoredRow['kind'], found: unknown): number {
  if (typeof found !== 'object' || found === null) return 0
  if (kind === 'run' && 'endedMs' in found) return Number(found.endedMs)
  return kind === 'snapshot' && 'atMs' in found ? Number(found.atMs) : 0
}

function greater(a: object, rankA: number, b: object, rankB: number): boolean {
  if (rankA !== rankB) return rankA > rankB
  return rowText(a) > rowText(b)
}

/** The same text for the same row, wherever its fields come from. */
function rowText(row: object): string {
  const entries = Object.entries(row).filter(([name]) => name !== 'orderMs')
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

const runColumns = [
  'run_id',
  'command',
  'started_ms',
  'ended_ms',
  'exit_code',
  'tool_version',
  'generation',
  'repository_uuid',
  'cluster_id',
  'planned',
  'proven',
  'failed',
  'inconclusive',
  'debt_contents',
  'debt_bytes',
  'findings',
  'restore_bytes_per_second',
]

function runParams(row: RunRow): Params {
  return {
    run_id: row.runId,
    command: row.command,
    started_ms: row.startedMs,
    ended_ms: row.endedMs,
    exit_code: row.exitCode,
    tool_version: row.toolVersion,
    generation: row.generation,
    repository_uuid: row.repositoryUuid,
    cluster_id: row.clusterId,
    planned: row.planned,
    proven: row.proven,
    failed: row.failed,
    inconclusive: row.inconclusive,
    debt_contents: row.debtContents,
    debt_bytes: row.debtBytes,
    findings: row.findings,
    restore_bytes_per_second: row.restoreBytesPerSecond,
  }
}

const contentColumns = [
  'content',
  'idx',
  'order_ms',
  'at_ms',
  'run',
  'snapshot',
  'verdict',
  'method',
  'index_name',
  'snapshot_name',
  'reason',
  'witness',
  'seconds',
  'bytes',
  'lucene_docs',
  'engine',
  'message',
]

function contentParams(row: ContentRow, term: (value: string) => number): Params {
  return {
    content: term(row.contentId),
    idx: term(row.indexId),
    order_ms: orderOf(row),
    at_ms: row.atMs,
    run: term(row.runId),
    snapshot: term(row.snapshotUuid),
    verdict: row.verdict,
    method: row.method,
    index_name: term(row.indexName),
    snapshot_name: term(row.snapshot),
    reason: term(row.reason),
    witness: row.witness,
    seconds: row.seconds,
    bytes: row.bytes,
    lucene_docs: row.luceneDocs,
    engine: term(row.engine),
    message: row.message,
  }
}

const snapshotColumns = ['snapshot', 'run', 'name', 'ended_ms', 'at_ms', 'catalogue', 'presence', 'restore']

function snapshotParams(row: SnapshotRow, term: (value: string) => number): Params {
  return {
    snapshot: term(row.snapshotUuid),
    run: term(row.runId),
    name: term(row.snapshot),
    ended_ms: row.endedMs,
    at_ms: row.atMs,
    catalogue: verdictCodes.indexOf(row.catalogue),
    presence: verdictCodes.indexOf(row.presence),
    restore: verdictCodes.indexOf(row.restore),
  }
}
