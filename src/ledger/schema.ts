/**
 * Tables of the ledger file, their version, and the way forward from older versions. README.md describes them.
 *
 * Texts that repeat (ids, names, reasons) are kept once in `term`; the views `*_row` give the rows
 * back as the journals had them, so that numbers of terms never leave the file.
 */
import type Database from 'better-sqlite3'

/** "SNPF", in the file's header at offset 68. */
export const applicationId = 0x534e5046
/** Of the newest file that this program can read; in the file's header at offset 60. */
export const schemaVersion = 4

/** Verdicts of a snapshot as small integers: 0 and 1 take no byte in a SQLite record. */
export const verdictCodes = ['pass', 'not-applicable', 'inconclusive', 'fail'] as const

const verdictText = (column: string): string =>
  `CASE ${column} ${verdictCodes.map((text, code) => `WHEN ${code} THEN '${text}'`).join(' ')} END`

const version1 = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE journal (journal_id TEXT PRIMARY KEY, created_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE term (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE);
CREATE TABLE run (
  run_id TEXT PRIMARY KEY, command TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,
  exit_code INTEGER NOT NULL, tool_version TEXT NOT NULL, generation INTEGER NOT NULL, repository_uuid TEXT, cluster_id TEXT,
  planned INTEGER NOT NULL, proven INTEGER NOT NULL, failed INTEGER NOT NULL, inconclusive INTEGER NOT NULL,
  debt_contents INTEGER NOT NULL, debt_bytes INTEGER NOT NULL, findings INTEGER NOT NULL, restore_bytes_per_second REAL
) WITHOUT ROWID;
CREATE TABLE content (
  content INTEGER NOT NULL, idx INTEGER NOT NULL, order_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL, run INTEGER NOT NULL,
  snapshot INTEGER NOT NULL, verdict TEXT NOT NULL, method TEXT NOT NULL, index_name INTEGER NOT NULL,
  snapshot_name INTEGER NOT NULL, reason INTEGER NOT NULL, witness TEXT, seconds REAL NOT NULL, bytes INTEGER NOT NULL,
  lucene_docs INTEGER, engine INTEGER NOT NULL, message TEXT NOT NULL,
  PRIMARY KEY (content, idx, order_ms, at_ms, run, snapshot, verdict, method)
) WITHOUT ROWID;
CREATE INDEX content_pass ON content (at_ms) WHERE verdict = 'pass' AND method = 'restore';
CREATE TABLE snapshot (
  snapshot INTEGER NOT NULL, run INTEGER NOT NULL, name INTEGER NOT NULL, ended_ms INTEGER, at_ms INTEGER NOT NULL,
  catalogue INTEGER NOT NULL, presence INTEGER NOT NULL, restore INTEGER NOT NULL,
  PRIMARY KEY (snapshot, run)
) WITHOUT ROWID;
CREATE VIEW content_row AS SELECT
  r.value AS runId, c.value AS contentId, i.value AS indexId, n.value AS indexName, sn.value AS snapshot,
  s.value AS snapshotUuid, t.verdict AS verdict, q.value AS reason, t.method AS method, t.witness AS witness, t.at_ms AS atMs,
  t.seconds AS seconds, t.bytes AS bytes, t.lucene_docs AS luceneDocs, e.value AS engine, t.message AS message,
  t.order_ms AS orderMs
  FROM content t JOIN term c ON c.id = t.content JOIN term i ON i.id = t.idx JOIN term r ON r.id = t.run
  JOIN term s ON s.id = t.snapshot JOIN term n ON n.id = t.index_name JOIN term sn ON sn.id = t.snapshot_name
  JOIN term q ON q.id = t.reason JOIN term e ON e.id = t.engine;
CREATE VIEW snapshot_row AS SELECT
  r.value AS runId, n.value AS snapshot, s.value AS snapshotUuid, t.ended_ms AS endedMs, t.at_ms AS atMs,
  ${verdictText('t.catalogue')} AS catalogue, ${verdictText('t.presence')} AS presence, ${verdictText('t.restore')} AS restore
  FROM snapshot t JOIN term s ON s.id = t.snapshot JOIN term r ON r.id = t.run JOIN term n ON n.id = t.name;
CREATE VIEW run_row AS SELECT
  run_id AS runId, command, started_ms AS startedMs, ended_ms AS endedMs, exit_code AS exitCode, tool_version AS toolVersion,
  generation, repository_uuid AS repositoryUuid, cluster_id AS clusterId, planned, proven, failed, inconclusive,
  debt_contents AS debtContents, debt_bytes AS debtBytes, findings, restore_bytes_per_second AS restoreBytesPerSecond
  FROM run;
`

const version2 = `
CREATE TABLE memory (subject TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
`

export const levelCodes = ['catalogue', 'presence', 'bytes', 'restore', 'rules'] as const
const levelText = (column: string): string =>
  `CASE ${column} ${levelCodes.map((text, code) => `WHEN ${code} THEN '${text}'`).join(' ')} END`

const reachedView = `CREATE VIEW reached_row AS SELECT
  r.value AS runId, n.value AS snapshot, s.value AS snapshotUuid, ${levelText('t.level')} AS level,
  ${verdictText('t.verdict')} AS verdict, q.value AS reason, m.value AS method, t.proven_ms AS provenMs,
  f.value AS creditedFrom, t.at_ms AS atMs, t.order_ms AS orderMs
  FROM reached t JOIN term s ON s.id = t.snapshot JOIN term r ON r.id = t.run JOIN term n ON n.id = t.name
  JOIN term q ON q.id = t.reason JOIN term f ON f.id = t.credited_from LEFT JOIN term m ON m.id = t.method;`
const goodView = `CREATE VIEW good_row AS SELECT
  r.value AS runId, x.value AS "index", i.value AS indexId, c.value AS contentId, n.value AS snapshot,
  s.value AS snapshotUuid, t.ended_ms AS endedMs, ${levelText('t.level')} AS level, m.value AS method, t.at_ms AS atMs,
  t.order_ms AS orderMs
  FROM good t JOIN term x ON x.id = t.index_name JOIN term r ON r.id = t.run LEFT JOIN term i ON i.id = t.idx
  LEFT JOIN term c ON c.id = t.content LEFT JOIN term s ON s.id = t.snapshot LEFT JOIN term n ON n.id = t.name
  LEFT JOIN term m ON m.id = t.method;`

const version3 = `
CREATE TABLE reached (
  snapshot INTEGER NOT NULL, level INTEGER NOT NULL, order_ms INTEGER NOT NULL, run INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  name INTEGER NOT NULL, verdict INTEGER NOT NULL, reason INTEGER NOT NULL, method INTEGER, proven_ms INTEGER,
  credited_from INTEGER NOT NULL,
  PRIMARY KEY (snapshot, level, order_ms, run)
) WITHOUT ROWID;
CREATE TABLE good (
  index_name INTEGER NOT NULL, order_ms INTEGER NOT NULL, run INTEGER NOT NULL, at_ms INTEGER NOT NULL, idx INTEGER,
  content INTEGER, snapshot INTEGER, name INTEGER, ended_ms INTEGER, level INTEGER NOT NULL, method INTEGER,
  PRIMARY KEY (index_name, order_ms, run)
) WITHOUT ROWID;
${reachedView}
${goodView}
ALTER TABLE run ADD COLUMN known_runs INTEGER;
DROP VIEW run_row;
CREATE VIEW run_row AS SELECT
  run_id AS runId, command, started_ms AS startedMs, ended_ms AS endedMs, exit_code AS exitCode, tool_version AS toolVersion,
  generation, repository_uuid AS repositoryUuid, cluster_id AS clusterId, planned, proven, failed, inconclusive,
  debt_contents AS debtContents, debt_bytes AS debtBytes, findings, restore_bytes_per_second AS restoreBytesPerSecond,
  known_runs AS knownRuns
  FROM run;
`

const version4 = `
DROP VIEW reached_row;
DROP VIEW good_row;
${reachedView}
${goodView}
CREATE TABLE answer (
  content INTEGER NOT NULL, idx INTEGER NOT NULL, snapshot INTEGER NOT NULL, question INTEGER NOT NULL, run INTEGER NOT NULL,
  at_ms INTEGER NOT NULL, answered INTEGER NOT NULL, answer TEXT NOT NULL,
  PRIMARY KEY (content, idx, snapshot, question)
) WITHOUT ROWID;
CREATE VIEW answer_row AS SELECT
  r.value AS runId, c.value AS contentId, i.value AS indexId, s.value AS snapshotUuid, q.value AS question,
  t.answered AS answered, t.answer AS answer, t.at_ms AS atMs
  FROM answer t JOIN term c ON c.id = t.content JOIN term i ON i.id = t.idx JOIN term r ON r.id = t.run
  JOIN term s ON s.id = t.snapshot JOIN term q ON q.id = t.question;
`

const version4Measures = `
CREATE TABLE measure (
  index_name INTEGER NOT NULL, snapshot INTEGER NOT NULL, run INTEGER NOT NULL, at_ms INTEGER NOT NULL, idx INTEGER NOT NULL,
  name INTEGER NOT NULL, ended_ms INTEGER NOT NULL, documents INTEGER, bytes INTEGER NOT NULL, sequence INTEGER, content INTEGER,
  metadata INTEGER, fields INTEGER, mapping TEXT, resting TEXT, judged INTEGER NOT NULL,
  PRIMARY KEY (index_name, snapshot)
) WITHOUT ROWID;
CREATE TABLE mapping (digest TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, fields TEXT NOT NULL) WITHOUT ROWID;
CREATE VIEW measure_row AS SELECT
  r.value AS runId, x.value AS "index", i.value AS indexId, n.value AS snapshot, s.value AS snapshotUuid, t.ended_ms AS endedMs,
  t.documents AS documents, t.bytes AS bytes, t.sequence AS sequence, c.value AS contentId, m.value AS metadataKey,
  t.fields AS fields, t.mapping AS mapping, t.resting AS resting, t.judged AS judged, t.at_ms AS atMs
  FROM measure t JOIN term x ON x.id = t.index_name JOIN term s ON s.id = t.snapshot JOIN term r ON r.id = t.run
  JOIN term i ON i.id = t.idx JOIN term n ON n.id = t.name LEFT JOIN term c ON c.id = t.content
  LEFT JOIN term m ON m.id = t.metadata;
CREATE VIEW mapping_row AS SELECT digest, fields, at_ms AS atMs FROM mapping;
`

/** `migrations[v]` takes a file from version v to v + 1. */
const migrations: readonly ((db: Database.Database) => void)[] = [
  version1,
  version2,
  version3,
  version4 + version4Measures,
].map(step => (db: Database.Database) => db.exec(step))

/** Brings a file (0: an empty one) to `schemaVersion`, whole or not at all. */
export function migrate(db: Database.Database): void {
  db.transaction(() => {
    const found = Number(db.pragma('user_version', { simple: true }))
    for (const step of migrations.slice(found)) step(db)
    if (found < schemaVersion) {
      db.pragma(`application_id = ${applicationId}`)
      db.pragma(`user_version = ${schemaVersion}`)
    }
  }).immediate()
}
