/** Ledgers of every schema version that ever was (test/fixtures/ledgers) go forward with all that they hold. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { ledgerKey } from '../../src/ledger/ledgerObject.ts'
import { applicationId, schemaVersion } from '../../src/ledger/schema.ts'
import { memoryStore } from '../support/memoryStore.ts'
import { day, goodRow, newFolder, openTest, reachedRow, runRow, signal, testClock } from './support.ts'

const folder = join(import.meta.dirname, '../fixtures/ledgers')
const versions = Array.from({ length: schemaVersion }, (_, i) => i + 1)
const compressed = (version: number) => readFileSync(join(folder, `schema-${version}.sqlite.gz`))
const clock = testClock(Date.UTC(2026, 0, 20))

function schemaOf(path: string): unknown[] {
  const db = new Database(path, { readonly: true, fileMustExist: true })
  try {
    const pragmas = ['user_version', 'application_id'].map(name => db.pragma(name, { simple: true }))
    // How a column was added does not matter, what there is does.
    const shape = db
      .prepare(
        "SELECT m.type, m.name, c.name AS column FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.name NOT LIKE 'sqlite%' ORDER BY 2, 3",
      )
      .all()
    return [...pragmas, ...shape]
  } finally {
    db.close()
  }
}

test('there is a file of every version, and it is of that version', () => {
  expect(readdirSync(folder).filter(name => name.endsWith('.gz'))).toEqual(versions.map(v => `schema-${v}.sqlite.gz`))
  for (const version of versions) expect(gunzipSync(compressed(version)).readUInt32BE(60)).toBe(version)
})

describe.each(versions)('a ledger of schema version %i', version => {
  test('in the store, and as a local file: same answers, and from then on what this version can', async () => {
    const store = memoryStore(() => clock.now)
    store.objects.set(ledgerKey, { bytes: compressed(version), etag: '"old"', modifiedMs: 0 })
    const file = join(newFolder(), 'ledger.sqlite')
    writeFileSync(file, gunzipSync(compressed(version)))
    for (const options of [{ store }, { store: null }]) {
      const at = options.store === null ? { file } : {}
      const session = await openTest(options.store, clock, at)
      expect(session.warnings).toEqual([])
      expect(session.runs(9).map(run => [run.runId, run.debtContents])).toEqual([
        ['night-1', 2],
        ['night-2', 1],
        ['night-3', 0],
      ])
      expect(session.contentHistory('index-id-1', 'content-1', null).proof).toMatchObject({ verdict: 'pass' })
      expect(session.contentHistory('index-id-1', 'content-2', null).proof).toMatchObject({ verdict: 'fail' })
      expect(session.snapshotHistory('uuid-2')).toMatchObject([{ restore: 'fail', catalogue: 'pass' }])
      const remembered = session.memory('index:index-id-1')?.data.toString() ?? null
      expect(remembered).toBe(version >= 2 ? 'remembered in night 3' : null)
      const answers = [...session.answers('index-id-1', 'content-3', null).values()]
      expect(answers.map(({ question }) => question)).toEqual(version >= 4 ? ['documents-1'] : [])
      expect(session.measures('logs').map(({ documents }) => documents)).toEqual(version >= 4 ? [10, 20, 30] : [])
      await session.journal('night-4', [reachedRow(), goodRow(), runRow({ runId: 'night-4' })], signal)
      await session.store(signal)
      await session.close()
    }
    const migrated = join(newFolder(), 'migrated.sqlite')
    writeFileSync(migrated, gunzipSync(store.objects.get(ledgerKey)?.bytes ?? Buffer.alloc(0)))
    const fresh = join(newFolder(), 'fresh.sqlite')
    await (await openTest(null, clock, { file: fresh })).close()
    expect(schemaOf(fresh).slice(0, 2)).toEqual([schemaVersion, applicationId])
    for (const path of [migrated, file]) expect(schemaOf(path)).toEqual(schemaOf(fresh))
  })

  test('a reader leaves it as it is', async () => {
    const file = join(newFolder(), 'ledger.sqlite')
    const bytes = gunzipSync(compressed(version))
    writeFileSync(file, bytes)
    const reader = await openTest(null, testClock(clock.now + day), { file, readOnly: true })
    expect(reader.runs(9)).toHaveLength(3)
    await reader.close()
    expect(readFileSync(file).equals(bytes)).toBe(true)
  })
})
