/**
 * The ledger as a plain SQLite file for people: `sqlite3`, Datasette, a spreadsheet. ISO times, words instead of small integers, no
 * packed bytes. It is no ledger: it has no `application_id`, and nothing reads it again.
 */
import { existsSync, renameSync } from 'node:fs'
import Database from 'better-sqlite3'
import { SnapproofError } from '../errors.ts'
import { isoTime } from '../time.ts'
import type { LedgerFile } from './ledgerFile.ts'
import { removeFile } from './ledgerFile.ts'
import { localError } from './localErrors.ts'
import { missingRuns } from './rollBack.ts'
import type { Scope } from './show/answer.ts'
import { showGood } from './show/good.ts'
import { showSnapshots } from './show/snapshots.ts'

const iso = (column: string) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`
const verdict = (column: string) =>
  `CASE ${column} WHEN 0 THEN 'pass' WHEN 1 THEN 'not-applicable' WHEN 2 THEN 'inconclusive' WHEN 3 THEN 'fail' END`

/** Table of the export → rows of the ledger. */
const copied: Readonly<Record<string, string>> = {
  runs: `SELECT runId AS run, command, ${iso('startedMs')} AS started_at, ${iso('endedMs')} AS ended_at, exitCode AS exit_code,
    planned, proven + failed + inconclusive AS executed, proven, failed, inconclusive, findings, debtContents AS debt_contents,
    debtBytes AS debt_bytes, restoreBytesPerSecond AS restore_bytes_per_second, generation, repositoryUuid AS repository_uuid,
    clusterId AS cluster_id, toolVersion AS tool_version FROM ledger.run_row ORDER BY startedMs, runId`,
  attempts: `SELECT ${iso('atMs')} AS at, indexName AS index_name, snapshot, snapshotUuid AS snapshot_uuid, verdict, reason, method,
    contentId AS content, indexId AS index_id, bytes, seconds, luceneDocs AS lucene_docs, engine, runId AS run, message
    FROM ledger.content_row ORDER BY orderMs, indexName, snapshotUuid`,
  conclusions: `SELECT ${iso('atMs')} AS at, snapshot, snapshotUuid AS snapshot_uuid, level, verdict, reason, method,
    ${iso('provenMs')} AS proven_at, (SELECT group_concat(value, ', ') FROM json_each(creditedFrom)) AS credited_from, runId AS run
    FROM ledger.reached_row ORDER BY orderMs, snapshotUuid, level`,
  last_good: `SELECT ${iso('atMs')} AS at, "index" AS index_name, snapshot, snapshotUuid AS snapshot_uuid,
    ${iso('endedMs')} AS ended_at, level, method, contentId AS content, runId AS run FROM ledger.good_row ORDER BY orderMs, "index"`,
  answers: `SELECT ${iso('atMs')} AS at, contentId AS content, indexId AS index_id, snapshotUuid AS snapshot_uuid, question, answered,
    answer, runId AS run FROM ledger.answer_row ORDER BY atMs, contentId, question`,
  measures: `SELECT "index" AS index_name, snapshot, ${iso('endedMs')} AS snapshot_ended_at, documents, bytes, fields, resting, judged,
    snapshotUuid AS snapshot_uuid, contentId AS content, mapping, runId AS run FROM ledger.measure_row ORDER BY "index", endedMs`,
  remembered: `SELECT subject, ${iso('at_ms')} AS at, length(data) AS bytes FROM ledger.memory WHERE length(data) > 0 ORDER BY subject`,
  // One row for each snapshot and night would be the bulk of the file as text: kept as numbers, with a view that reads like the rest.
  names: 'SELECT id, value FROM ledger.term',
  snapshot_nights: 'SELECT snapshot, run, name, ended_ms, at_ms, catalogue, presence, restore FROM ledger.snapshot',
}

const further = `
CREATE UNIQUE INDEX names_id ON names (id);
CREATE INDEX attempts_index ON attempts (index_name, at);
CREATE INDEX conclusions_snapshot ON conclusions (snapshot, level);
CREATE INDEX snapshot_nights_snapshot ON snapshot_nights (snapshot);
CREATE VIEW snapshot_history AS SELECT ${iso('t.at_ms')} AS at, n.value AS snapshot, s.value AS snapshot_uuid,
  ${iso('t.ended_ms')} AS ended_at, ${verdict('t.catalogue')} AS catalogue, ${verdict('t.presence')} AS presence,
  ${verdict('t.restore')} AS restore, r.value AS run
  FROM snapshot_nights t JOIN names s ON s.id = t.snapshot JOIN names n ON n.id = t.name JOIN names r ON r.id = t.run;
`

export interface Exported {
  readonly file: string
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>
}

/** @throws SnapproofError `usage` when `path` exists, others of `localError`; then there is nothing at `path` */
export function exportLedger(
  ledger: LedgerFile,
  path: string,
  { repositoryName, nowMs }: { readonly repositoryName: string; readonly nowMs: number },
): Exported {
  if (existsSync(path))
    throw new SnapproofError('usage', `${path} exists already`, {
      advice: 'Name a file that is not there, or remove it.',
    })
  const half = `${path}.half`
  removeFile(half)
  try {
    const rows = write(ledger, half, repositoryName, nowMs)
    renameSync(half, path)
    return { file: path, rows }
  } catch (error) {
    throw localError(error, 'export the ledger to', path)
  } finally {
    removeFile(half)
  }
}

function write(ledger: LedgerFile, path: string, repositoryName: string, nowMs: number): Record<string, number> {
  const db = new Database(path)
  try {
    db.pragma('journal_mode = OFF')
    db.pragma('synchronous = OFF')
    db.prepare('ATTACH ? AS ledger').run(ledger.path)
    const rows: Record<string, number> = {}
    for (const [table, select] of Object.entries(copied)) {
      db.exec(`CREATE TABLE ${table} AS ${select}`)
      rows[table] = countOf(db, table)
    }
    db.exec(further)
    const scope: Scope = { atMs: null, nowMs, fromMs: null, toMs: null, snapshot: null, index: null }
    for (const [table, answer] of [
      ['levels_now', showSnapshots(ledger, scope)],
      ['last_good_now', showGood(ledger, scope)],
    ] as const) {
      const columns = answer.columns.map(column => column.name)
      const named = columns.map(name => `"${snakeCase(name)}"`).join(', ')
      db.exec(`CREATE TABLE ${table} (${named})`)
      const insert = db.prepare(`INSERT INTO ${table} VALUES (${columns.map(() => '?').join(', ')})`)
      db.transaction(() => {
        for (const row of answer.rows) insert.run(columns.map(name => row[name] ?? null))
      })()
      rows[table] = answer.rows.length
    }
    db.exec('CREATE TABLE about (fact TEXT PRIMARY KEY, value TEXT)')
    const say = db.prepare('INSERT INTO about VALUES (?, ?)')
    say.run('repository', repositoryName)
    say.run('exported_at', isoTime(nowMs))
    say.run('ledger_schema_version', String(ledger.db.pragma('user_version', { simple: true })))
    say.run('runs_whose_journals_are_lost', String(missingRuns(ledger)))
    db.exec('DETACH ledger')
    return rows
  } finally {
    db.close()
  }
}

function countOf(db: Database.Database, table: string): number {
  return Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get())
}

/** `endedAt` → `ended_at`, as the other tables have it; `index` is no name that is easily asked for. */
function snakeCase(name: string): string {
  return name === 'index' ? 'index_name' : name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
