/** All rows of a ledger file as text, sorted, less ids that depend on the order of folding. */
import Database from 'better-sqlite3'

const tables = {
  runs: 'SELECT * FROM run_row',
  contents: 'SELECT * FROM content_row',
  snapshots: 'SELECT * FROM snapshot_row',
  memory: 'SELECT subject, at_ms, hex(data) AS data FROM memory',
  journals: 'SELECT * FROM journal',
}

export function dumpTables(path: string): Record<string, string[]> {
  const db = new Database(path, { readonly: true, fileMustExist: true })
  try {
    return Object.fromEntries(
      Object.entries(tables).map(([name, sql]) => [
        name,
        db
          .prepare(sql)
          .all()
          .map(row => JSON.stringify(row))
          .sort(),
      ]),
    )
  } finally {
    db.close()
  }
}
