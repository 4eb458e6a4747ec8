import { copyFileSync, existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { ledgerKey } from '../../src/ledger/ledgerObject.ts'
import { memoryStore } from '../support/memoryStore.ts'
import type { TestClock } from './support.ts'
import { contentRow, newFolder, openTest, runRow, signal, testClock } from './support.ts'

async function oneNight(clock: TestClock, file: string) {
  const session = await openTest(null, clock, { file })
  await session.journal('r', [contentRow(), runRow()], signal)
  await session.store(signal)
  await session.close()
}

test('a file in use by another run is refused, naming it; free again when that ends', async () => {
  const clock = testClock()
  const file = join(newFolder(), 'ledger.sqlite')
  for (const store of [null, memoryStore(() => clock.now)]) {
    const first = await openTest(store, clock, { file, owner: 'alpha:7', runId: 'night-1' })
    await expect(openTest(null, clock, { file })).rejects.toMatchObject({
      code: 'lease-held',
      exitCode: 3,
      message: `the ledger ${file} is in use by alpha:7 (run night-1) since 2026-11-01T00:00:00.000Z`,
    })
    await first.close()
  }
})

test('a failed opening leaves neither lock nor lease behind', async () => {
  const clock = testClock()
  const store = memoryStore(() => clock.now)
  const file = join(newFolder(), 'ledger.sqlite')
  await store.put('journals/2026/11/01/1793491200000-x.json', Buffer.from('{"schemaVersion":9}'))
  await expect(openTest(store, clock, { file })).rejects.toMatchObject({ code: 'ledger-newer' })
  await store.delete('journals/2026/11/01/1793491200000-x.json')
  await (await openTest(store, clock, { file })).close()
})

describe('what a dead run left', () => {
  test.each(['local', 'store'] as const)('a commit cut in the middle (%s)', async kind => {
    const clock = testClock()
    const file = join(newFolder(), 'ledger.sqlite')
    await oneNight(clock, file)
    const killed = killedInCommit(file)
    const store = kind === 'store' ? memoryStore(() => clock.now) : null
    if (store !== null) {
      const good = await openTest(store, clock)
      await good.journal('r', [contentRow({ contentId: 'stored-1' }), contentRow({ contentId: 'stored-2' })], signal)
      await good.store(signal)
      await good.close()
    } else {
      const reader = await openTest(null, clock, { file: killed, readOnly: true })
      expect(reader.recentPasses(9).map(row => row.contentId)).toEqual(['c1'])
      expect(existsSync(`${killed}-journal`)).toBe(true)
      await reader.close()
    }
    const session = await openTest(store, clock, { file: killed })
    expect(session.warnings).toEqual([])
    const expected = store === null ? ['c1'] : ['stored-1', 'stored-2']
    expect(session.recentPasses(9).map(row => row.contentId)).toEqual(expected)
    await session.store(signal)
    await session.close()
    expect(store?.objects.has(ledgerKey) ?? true).toBe(true)
  })

  /** A copy of the file and its hot journal as a kill leaves them: pages written, the commit not made. */
  function killedInCommit(file: string): string {
    const killed = join(newFolder(), 'killed.sqlite')
    const db = new Database(file)
    db.pragma('cache_size = 1')
    db.exec('BEGIN')
    db.exec('DELETE FROM content')
    const add = db.prepare("INSERT INTO term (value) VALUES (? || '-unfinished')")
    for (let i = 0; i < 20_000; i++) add.run(i)
    copyFileSync(file, killed)
    copyFileSync(`${file}-journal`, `${killed}-journal`)
    db.exec('ROLLBACK')
    db.close()
    expect(readFileSync(killed).length).toBeGreaterThan(readFileSync(file).length)
    return killed
  }

  test('a file in WAL mode with its -wal', async () => {
    const clock = testClock()
    const file = join(newFolder(), 'ledger.sqlite')
    await oneNight(clock, file)
    const db = new Database(file)
    db.pragma('journal_mode = WAL')
    db.exec("UPDATE run SET command = 'in the wal'")
    const left = join(newFolder(), 'left.sqlite')
    for (const suffix of ['', '-wal']) copyFileSync(file + suffix, left + suffix)
    db.close()
    for (const readOnly of [true, false]) {
      const session = await openTest(null, clock, { file: left, readOnly })
      expect(session.runs(1)[0]?.command).toBe('in the wal')
      await session.close()
    }
    expect(readdirSync(dirname(left)).filter(name => /-wal|-shm/.test(name))).toEqual([])
  })

  test('a file whose making was cut', async () => {
    const file = join(newFolder(), 'ledger.sqlite')
    writeFileSync(file, '')
    const session = await openTest(null, testClock(), { file })
    expect(session.warnings).toEqual([])
    await session.close()
  })

  test('the copies of dead readers are swept, those of living ones are not', async () => {
    const clock = testClock(Date.now())
    const file = join(newFolder(), 'ledger.sqlite')
    writeFileSync(`${file}.reader-old`, '')
    utimesSync(`${file}.reader-old`, clock.now / 1000 - 90_000, clock.now / 1000 - 90_000)
    writeFileSync(`${file}.reader-new`, '')
    await (await openTest(null, clock, { file })).close()
    expect(existsSync(`${file}.reader-old`)).toBe(false)
    expect(existsSync(`${file}.reader-new`)).toBe(true)
  })
})

test('a half-written journal in the folder is not taken for one', async () => {
  const clock = testClock()
  const file = join(newFolder(), 'ledger.sqlite')
  await oneNight(clock, file)
  writeFileSync(join(`${file}.journals`, '2026', '11', '01', '.abc.half'), '{"schemaVersion":1,')
  const session = await openTest(null, clock, { file })
  expect(session.warnings).toEqual([])
  await session.close()
})
