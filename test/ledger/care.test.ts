/** Versions, restoring one, rebuilding, unlocking, exporting: what people do to a ledger by hand. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { exportLedger } from '../../src/ledger/export.ts'
import { leaseKey } from '../../src/ledger/leaseObject.ts'
import { ledgerKey } from '../../src/ledger/ledgerObject.ts'
import { type Place, readLedger, repositoryNameOf } from '../../src/ledger/read.ts'
import { rebuild } from '../../src/ledger/rebuild.ts'
import { schemaVersion } from '../../src/ledger/schema.ts'
import { unlock } from '../../src/ledger/unlock.ts'
import { listVersions, restoreVersion } from '../../src/ledger/versions.ts'
import { silentLog } from '../../src/log.ts'
import { type MemoryStore, memoryStore } from '../support/memoryStore.ts'
import {
  contentRow,
  countedId,
  day,
  goodRow,
  newFolder,
  openTest,
  reachedRow,
  runRow,
  signal,
  snapshotRow,
  type TestClock,
  testClock,
} from './support.ts'

function placeOf(store: MemoryStore | null, file = join(newFolder(), 'ledger.sqlite')): Place {
  return { repositoryName: 'prod', store, file, log: silentLog, randomId: countedId }
}
const holder = (clock: TestClock) => ({
  owner: 'person:1',
  runId: 'by-hand',
  leaseSeconds: 60,
  clock,
  log: silentLog,
  randomId: countedId,
})
const versioned = (clock: TestClock) => memoryStore(() => clock.now, 'memory://ledger', { versioned: true })

async function night(store: MemoryStore | null, clock: TestClock, name: string, file?: string): Promise<void> {
  const session = await openTest(store, clock, file === undefined ? {} : { file })
  const memory = { kind: 'memory', subject: `index:${name}`, atMs: clock.now, data: 'AAAA' } as const
  await session.journal(
    name,
    [contentRow({ contentId: name, runId: name }), snapshotRow({ runId: name }), memory],
    signal,
  )
  await session.journal(
    name,
    [reachedRow({ runId: name, snapshotUuid: name }), goodRow({ runId: name, contentId: name })],
    signal,
  )
  await session.journal(name, [runRow({ runId: name, startedMs: clock.now, endedMs: clock.now })], signal)
  await session.store(signal)
  await session.close()
  clock.now += day
}
async function threeNights(clock: TestClock, store: MemoryStore): Promise<MemoryStore> {
  for (const name of ['night-1', 'night-2', 'night-3']) await night(store, clock, name)
  return store
}
async function runsOf(place: Place): Promise<unknown[]> {
  const ledger = await readLedger(place, signal)
  const runs = ledger.file.db.prepare('SELECT run_id FROM run ORDER BY started_ms').pluck().all()
  ledger.close()
  return runs
}
function leftBeside({ file }: Place): string[] {
  return readdirSync(dirname(file)).filter(name => name.includes('reader') || name.includes('half'))
}
const noise = Buffer.from('noise')

describe('versions', () => {
  test('newest first, each looked at', async () => {
    const clock = testClock()
    const store = await threeNights(clock, versioned(clock))
    const newer = Buffer.from(gunzipSync(store.objects.get(ledgerKey)?.bytes ?? noise))
    newer.writeUInt32BE(schemaVersion + 1, 60)
    await store.put(ledgerKey, gzipSync(newer))
    await store.put(ledgerKey, noise)
    const place = placeOf(store)
    const rows = (await listVersions(place, 9, signal)) ?? []
    expect(rows.map(row => [row.good, row.current, row.runs, row.journals])).toEqual([
      [false, true, null, null],
      [false, false, null, null],
      [true, false, 3, 9],
      [true, false, 2, 6],
      [true, false, 1, 3],
    ])
    expect(rows[0]?.problem).toMatch(/gzip/)
    expect(rows[1]?.problem).toMatch(/this program knows up to/)
    expect(rows[2]).toMatchObject({
      schemaVersion,
      lastRunEndedAt: '2026-11-03T00:00:00.000Z',
      modifiedAt: expect.stringMatching(/^2026-11-03/),
    })
    expect(await listVersions(place, 2, signal)).toHaveLength(2)
    expect(leftBeside(place)).toEqual([])
  })
  test('where none are kept', async () => {
    const clock = testClock()
    expect(await listVersions(placeOf(memoryStore(() => 0)), 9, signal)).toBeNull()
    expect(await listVersions(placeOf(null), 9, signal)).toBeNull()
    for (const store of [null, memoryStore(() => 0)])
      await expect(restoreVersion(placeOf(store), 'v1', holder(clock), signal)).rejects.toMatchObject({ code: 'usage' })
  })
})

describe('restoring a version', () => {
  test('puts back its very bytes; journals since then are folded again', async () => {
    const clock = testClock()
    const store = await threeNights(clock, versioned(clock))
    const [, , first] = (await store.versions?.list(ledgerKey, { limit: 9 })) ?? []
    const versionId = first?.versionId ?? ''
    const before = store.objects.get(ledgerKey)
    const place = placeOf(store)
    const would = { versionId, runs: 1, runsThen: 3, journalsToFold: 6 }
    expect(await restoreVersion(place, versionId, null, signal)).toEqual({ ...would, written: false })
    expect(store.objects.get(ledgerKey)).toBe(before)
    expect(await restoreVersion(place, versionId, holder(clock), signal)).toEqual({ ...would, written: true })
    expect(store.objects.get(ledgerKey)?.etag).toBe(first?.etag)
    expect(await runsOf(place)).toEqual(['night-1', 'night-2', 'night-3'])
    await night(store, clock, 'night-4')
    expect(await runsOf(place)).toEqual(['night-1', 'night-2', 'night-3', 'night-4'])
    expect(leftBeside(place)).toEqual([])
  })
  test('is refused while a run holds the lease, and the lease is free after it', async () => {
    const clock = testClock()
    const store = await threeNights(clock, versioned(clock))
    const versionId = (await store.versions?.list(ledgerKey, { limit: 9 }))?.at(-1)?.versionId ?? ''
    const session = await openTest(store, clock)
    const before = store.objects.get(ledgerKey)
    await expect(restoreVersion(placeOf(store), versionId, holder(clock), signal)).rejects.toMatchObject({
      code: 'lease-held',
      exitCode: 3,
    })
    expect(store.objects.get(ledgerKey)).toBe(before)
    expect((await restoreVersion(placeOf(store), versionId, null, signal)).written).toBe(false)
    await session.close()
    await restoreVersion(placeOf(store), versionId, holder(clock), signal)
    await (await openTest(store, clock)).close()
  })
  test('never puts back what is not good, nor over what another stored meanwhile', async () => {
    const clock = testClock()
    const store = versioned(clock)
    await store.put(ledgerKey, noise)
    await night(store, clock, 'night-1')
    await night(store, clock, 'night-2')
    const [current, good, bad] = (await store.versions?.list(ledgerKey, { limit: 9 })) ?? []
    await expect(restoreVersion(placeOf(store), bad?.versionId ?? '', holder(clock), signal)).rejects.toMatchObject({
      code: 'ledger-damaged',
    })
    await expect(restoreVersion(placeOf(store), 'none', holder(clock), signal)).rejects.toMatchObject({
      code: 'not-found',
    })
    const { versions } = store
    if (versions === undefined) throw new Error('no versions')
    const overtaken: MemoryStore = {
      ...store,
      versions: {
        ...versions,
        get: async (...asked) => {
          const body = await versions.get(...asked)
          await store.put(ledgerKey, Buffer.from(`stored meanwhile ${current?.versionId}`))
          return body
        },
      },
    }
    await expect(
      restoreVersion(placeOf(overtaken), good?.versionId ?? '', holder(clock), signal),
    ).rejects.toMatchObject({ code: 'ledger-conflict' })
    expect(String(store.objects.get(ledgerKey)?.bytes)).toMatch(/^stored meanwhile/)
  })
})

describe('rebuilding', () => {
  const none = { runs: 0, contents: 0, snapshots: 0, reached: 0, good: 0, memory: 0 }
  test('makes the same ledger from the journals alone, after a dry run that changes nothing', async () => {
    const clock = testClock()
    const store = await threeNights(
      clock,
      memoryStore(() => clock.now),
    )
    const place = placeOf(store)
    const rows = { runs: 3, contents: 3, snapshots: 3, reached: 3, good: 3, memory: 3 }
    const before = store.objects.get(ledgerKey)
    const dry = await rebuild(place, null, false, signal)
    expect(dry).toMatchObject({
      journals: 9,
      rows,
      lacks: none,
      missingRuns: 0,
      written: false,
      problems: [],
      warnings: [],
    })
    expect(dry.oldestJournalAt).toBe('2026-11-01T00:00:00.000Z')
    expect(store.objects.get(ledgerKey)).toBe(before)
    await store.put(ledgerKey, noise)
    const made = await rebuild(place, holder(clock), false, signal)
    expect(made).toMatchObject({ rows, lacks: none, written: true, warnings: [expect.stringMatching(/is damaged/)] })
    const ledger = await readLedger(place, signal)
    expect([ledger.warnings, ledger.folded]).toEqual([[], 0])
    ledger.close()
    expect(leftBeside(place)).toEqual([])
  })
  test('says what the journals lack, and takes less only by force', async () => {
    const clock = testClock()
    const store = await threeNights(
      clock,
      memoryStore(() => clock.now),
    )
    for (const key of store.objects.keys()) if (key.startsWith('journals/2026/11/01/')) store.objects.delete(key)
    const damaged = [...store.objects.keys()].filter(key => key.startsWith('journals/2026/11/02/'))[0] ?? ''
    await store.put(damaged, noise)
    const place = placeOf(store)
    const before = store.objects.get(ledgerKey)
    const dry = await rebuild(place, null, false, signal)
    expect(dry.lacks.runs + dry.lacks.contents).toBeGreaterThan(1)
    expect(dry.problems).toEqual([expect.stringMatching(/is not JSON/)])
    expect(dry.missingRuns).toBeGreaterThan(0)
    await expect(rebuild(place, holder(clock), false, signal)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/lack \d+ rows/),
    })
    expect(store.objects.get(ledgerKey)).toBe(before)
    expect((await rebuild(place, holder(clock), true, signal)).written).toBe(true)
    expect(await runsOf(place)).not.toContain('night-1')
    await (await openTest(store, clock)).close()
  })
  test('is refused while a run holds the lease', async () => {
    const clock = testClock()
    const store = await threeNights(
      clock,
      memoryStore(() => clock.now),
    )
    const session = await openTest(store, clock)
    await expect(rebuild(placeOf(store), holder(clock), false, signal)).rejects.toMatchObject({ code: 'lease-held' })
    await session.close()
  })
  test('of a local file keeps what lay there', async () => {
    const clock = testClock()
    const place = placeOf(null)
    for (const name of ['night-1', 'night-2']) await night(null, clock, name, place.file)
    const before = readFileSync(place.file)
    expect((await rebuild(place, null, false, signal)).written).toBe(false)
    expect(readFileSync(place.file).equals(before)).toBe(true)
    const { aside, written, rows } = await rebuild(place, holder(clock), false, signal)
    expect([written, rows.runs]).toEqual([true, 2])
    expect(readFileSync(aside ?? '').equals(before)).toBe(true)
    expect(await runsOf(place)).toEqual(['night-1', 'night-2'])
    const session = await openTest(null, clock, { file: place.file })
    await expect(rebuild(place, holder(clock), false, signal)).rejects.toMatchObject({ code: 'lease-held' })
    await session.close()
    writeFileSync(place.file, noise)
    expect(await rebuild(place, holder(clock), false, signal)).toMatchObject({
      written: true,
      warnings: [expect.stringMatching(/damaged/)],
    })
    expect(await runsOf(place)).toEqual(['night-1', 'night-2'])
  })
})

describe('unlocking', () => {
  const by = (store: MemoryStore, clock: TestClock) => ({ store, clock, randomId: countedId })
  test('takes the lease from the holder that is named exactly, and from no other', async () => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    expect(await unlock(by(store, clock), 'anybody', signal)).toMatchObject({ unlocked: false })
    const session = await openTest(store, clock, { owner: 'machine-7:4711', runId: 'dead' })
    for (const owner of [null, 'machine-7', 'machine-7:471'])
      await expect(unlock(by(store, clock), owner, signal)).rejects.toMatchObject({
        code: 'lease-held',
        message: expect.stringMatching(/held by machine-7:4711 \(run dead\) since 2026-11-01T/),
        advice: expect.stringContaining('--owner "machine-7:4711"'),
      })
    await expect(openTest(store, clock)).rejects.toMatchObject({ code: 'lease-held' })
    expect(await unlock(by(store, clock), 'machine-7:4711', signal)).toMatchObject({ unlocked: true, runId: 'dead' })
    const next = await openTest(store, clock)
    expect(next.fence).toBe(2)
    // The holder was alive after all: what it journals is kept, and it does not free the other's lease.
    await session.journal('dead', [contentRow({ contentId: 'late' })], signal)
    await session.close()
    await expect(openTest(store, clock)).rejects.toMatchObject({ code: 'lease-held' })
    await next.close()
    expect(await unlock(by(store, clock), 'host:1', signal)).toMatchObject({ unlocked: false })
  })
  test('loses against a renewal meanwhile', async () => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    const session = await openTest(store, clock, { owner: 'alive:1' })
    const renewed: MemoryStore = {
      ...store,
      putIfMatch: async (key, bytes, etag, options) => {
        const held = JSON.parse(String(store.objects.get(leaseKey)?.bytes))
        await store.put(leaseKey, Buffer.from(JSON.stringify({ ...held, renewal: held.renewal + 1, nonce: 'renewed' })))
        return store.putIfMatch(key, bytes, etag, options)
      },
    }
    await expect(unlock(by(renewed, clock), 'alive:1', signal)).rejects.toMatchObject({ code: 'ledger-conflict' })
    await expect(openTest(store, clock)).rejects.toMatchObject({ code: 'lease-held' })
    await session.close()
  })
  test('a lease that cannot be read is held by "unknown"; the fence goes on above all that were counted up', async () => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    await store.put(leaseKey, noise)
    await expect(unlock(by(store, clock), null, signal)).rejects.toThrow(/held by unknown/)
    expect(await unlock(by(store, clock), 'unknown', signal)).toMatchObject({ unlocked: true, since: null })
    const next = await openTest(store, clock)
    expect(next.fence).toBe(Math.floor(clock.now / 1000) + 1)
    await next.close()
  })
})

describe('an export', () => {
  test('is plain, readable, and no ledger', async () => {
    const clock = testClock()
    const store = await threeNights(
      clock,
      memoryStore(() => clock.now),
    )
    const ledger = await readLedger(placeOf(store), signal)
    const path = join(newFolder(), 'export.db')
    const { rows } = exportLedger(ledger.file, path, { repositoryName: 'prod', nowMs: clock.now })
    expect(rows).toMatchObject({
      runs: 3,
      attempts: 3,
      conclusions: 3,
      last_good: 3,
      remembered: 3,
      snapshot_nights: 3,
    })
    const db = new Database(path, { readonly: true })
    const all = (sql: string) => db.prepare(sql).all()
    expect(db.pragma('application_id', { simple: true })).toBe(0)
    expect(all('SELECT run, started_at, executed FROM runs')[0]).toEqual({
      run: 'night-1',
      started_at: '2026-11-01T00:00:00.000Z',
      executed: 1,
    })
    expect(all('SELECT at, index_name, verdict, content FROM attempts')[0]).toEqual({
      at: '2026-11-01T00:00:00.000Z',
      index_name: 'logs',
      verdict: 'pass',
      content: 'night-1',
    })
    expect(all('SELECT * FROM snapshot_history')[0]).toMatchObject({
      snapshot: 'nightly-1',
      catalogue: 'pass',
      restore: 'inconclusive',
      run: 'night-1',
    })
    expect(all('SELECT level, verdict, proven_at FROM conclusions')[0]).toEqual({
      level: 'restore',
      verdict: 'pass',
      proven_at: '2026-11-01T00:00:00.000Z',
    })
    expect(all('SELECT index_name, snapshot FROM last_good_now')).toEqual([
      { index_name: 'logs', snapshot: 'nightly-1' },
    ])
    expect(all("SELECT * FROM levels_now WHERE level = 'presence' AND uuid = 's1'")).toHaveLength(1)
    expect(all("SELECT value FROM about WHERE fact = 'repository'")).toEqual([{ value: 'prod' }])
    // Nothing packed is left: every cell is a text, a number or null.
    const tables = all("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')") as { name: string }[]
    for (const { name } of tables)
      for (const row of all(`SELECT * FROM ${name}`))
        expect(Object.values(Object(row)).filter(Buffer.isBuffer)).toEqual([])
    db.close()
    expect(() => exportLedger(ledger.file, path, { repositoryName: 'prod', nowMs: 0 })).toThrow(/exists already/)
    const nowhere = join(newFolder(), 'no', 'export.db')
    expect(() => exportLedger(ledger.file, nowhere, { repositoryName: 'prod', nowMs: 0 })).toThrow()
    ledger.close()
    expect(readdirSync(dirname(path))).toEqual([basename(path)])
    await expect(openTest(null, clock, { file: path })).rejects.toMatchObject({ code: 'configuration' })
    expect(() => repositoryNameOf(path)).toThrow(expect.objectContaining({ code: 'configuration' }))
  })

  const cli = ['/usr/bin/sqlite3', '/usr/local/bin/sqlite3'].find(existsSync)
  test.skipIf(cli === undefined)('is read by the sqlite3 of the system', async () => {
    const clock = testClock()
    const store = await threeNights(
      clock,
      memoryStore(() => clock.now),
    )
    const ledger = await readLedger(placeOf(store), signal)
    const path = join(newFolder(), 'export.db')
    exportLedger(ledger.file, path, { repositoryName: 'prod', nowMs: clock.now })
    ledger.close()
    const ask = (sql: string) => execFileSync(cli ?? '', [path, sql], { encoding: 'utf8', timeout: 60_000 })
    expect(ask('PRAGMA integrity_check; SELECT count(*) FROM snapshot_history; SELECT run FROM runs LIMIT 1')).toBe(
      'ok\n3\nnight-1\n',
    )
  })
})

test('the name of the repository in a local file', async () => {
  const clock = testClock()
  const file = join(newFolder(), 'ledger.sqlite')
  expect(() => repositoryNameOf(file)).toThrow(expect.objectContaining({ code: 'not-found' }))
  await night(null, clock, 'night-1', file)
  expect(repositoryNameOf(file)).toBe('prod')
  writeFileSync(file, noise)
  expect(() => repositoryNameOf(file)).toThrow(expect.objectContaining({ code: 'ledger-damaged' }))
})
