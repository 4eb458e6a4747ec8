/** What checks remember, through journals, folds, clocks that were wrong. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fold, forgetJournals } from '../../src/ledger/fold.ts'
import type { StoredJournal } from '../../src/ledger/journalFormat.ts'
import { LedgerFile } from '../../src/ledger/ledgerFile.ts'
import type { MemoryRow } from '../../src/model/journal.ts'
import { memoryStore } from '../support/memoryStore.ts'
import { day, newFolder, openTest, signal, start, testClock } from './support.ts'

const folder = newFolder()
let files = 0
function newFile(): LedgerFile {
  return LedgerFile.open(join(folder, `memory-${++files}.sqlite`), { repositoryName: 'prod', durable: false })
}
function row(subject: string, atMs: number, text: string): MemoryRow {
  return { kind: 'memory', subject, atMs, data: Buffer.from(text).toString('base64') }
}
function journal(journalId: string, createdMs: number, rows: readonly MemoryRow[]): StoredJournal {
  return { schemaVersion: 1, journalId, repository: 'prod', runId: 'r', createdMs, rows }
}
function rowsOf(file: LedgerFile): unknown[] {
  return file.db.prepare('SELECT subject, at_ms AS atMs, CAST(data AS TEXT) AS data FROM memory ORDER BY subject').all()
}
const text = (found: { readonly data: Buffer } | null): string | null => found?.data.toString() ?? null

describe('the fold', () => {
  const memoryRow = fc
    .record({
      subject: fc.constantFrom('index:a', 'index:b', 'snapshot:a'),
      at: fc.nat(4),
      data: fc.constantFrom('', 'x', 'y', 'xy'),
    })
    .map(({ subject, at, data }) => row(subject, start + at * day, data))
  const journals = fc
    .array(fc.array(memoryRow, { maxLength: 4 }), { minLength: 1, maxLength: 7 })
    .map(lists => lists.map((rows, i) => journal(`j${i}`, start + (i % 3) * day, rows)))
  const folded = (groups: readonly (readonly StoredJournal[])[], before: number | null = null) => {
    const file = newFile()
    for (const group of groups) fold(file, group)
    if (before !== null) forgetJournals(file, before)
    const rows = rowsOf(file)
    file.close()
    return rows
  }

  test('any order, grouping and repetition give the same memory: the youngest of each subject', () => {
    fc.assert(
      fc.property(journals, fc.nat(), fc.array(fc.nat(6), { maxLength: 5 }), (list, cut, again) => {
        const plain = folded([list])
        const turned = [...list.toReversed(), ...again.flatMap(i => list[i % list.length] ?? [])]
        const at = cut % (turned.length + 1)
        expect(folded([turned.slice(at), turned.slice(0, at)])).toEqual(plain)
        expect(folded(turned.map(one => [one]))).toEqual(plain)
        const all = list.flatMap(one => one.rows as MemoryRow[])
        for (const subject of new Set(all.map(one => one.subject))) {
          const youngest = Math.max(...all.filter(one => one.subject === subject).map(one => one.atMs))
          expect(plain).toContainEqual(expect.objectContaining({ subject, atMs: youngest }))
        }
      }),
      { seed: 21, numRuns: 40 },
    )
  })
  test('only what was forgotten long ago is pruned, and an older row does not come back', () => {
    const old = journal('old', start, [row('index:a', start, 'kept'), row('index:gone', start, 'gone')])
    const young = journal('young', start + day, [row('index:gone', start + day, '')])
    const file = newFile()
    fold(file, [old, young])
    expect(rowsOf(file)).toHaveLength(2)
    forgetJournals(file, start + day)
    expect(rowsOf(file)).toHaveLength(2)
    forgetJournals(file, start + 2 * day)
    expect(rowsOf(file)).toEqual([{ subject: 'index:a', atMs: start, data: 'kept' }])
    fold(file, [old, young])
    expect(rowsOf(file)).toHaveLength(1)
    file.close()
  })
})

describe('a session', () => {
  test('remembers over runs, forgets, and tells of what it remembers', async () => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    const first = await openTest(store, clock)
    await first.journal(
      'r',
      [row('index:b', start, 'b'), row('index:a', start, 'a'), row('snapshot:a', start, 's')],
      signal,
    )
    await first.store(signal)
    await first.close()
    clock.now += day
    const second = await openTest(store, clock)
    expect([...second.memorySubjects()]).toEqual(['index:a', 'index:b', 'snapshot:a'])
    expect(text(second.memory('index:a'))).toBe('a')
    expect(second.memory('index:c')).toBeNull()
    await second.journal('r', [row('index:a', clock.now, '')], signal)
    expect([...second.memorySubjects()]).toEqual(['index:b', 'snapshot:a'])
    expect(second.memory('index:a')).toBeNull()
    await second.close()
    // Not stored: the journal brings it.
    const third = await openTest(store, clock)
    expect([...third.memorySubjects()]).toEqual(['index:b', 'snapshot:a'])
    await third.close()
  })
  test.each([
    ['in the same millisecond', 0],
    ['by a clock that is behind', -3_600_000],
    ['after a year that never was', -365 * day],
  ])('what is found out later stays, also when it is written %s', async (_, step) => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    const first = await openTest(store, clock)
    await first.journal('r', [row('index:a', clock.now, 'zzz good')], signal)
    await first.store(signal)
    await first.close()
    clock.now += step
    const second = await openTest(store, clock)
    expect(text(second.memory('index:a'))).toBe('zzz good')
    await second.journal('r', [row('index:a', clock.now, 'bad'), row('index:a', clock.now, 'aa worse')], signal)
    expect(text(second.memory('index:a'))).toBe('aa worse')
    await second.store(signal)
    await second.close()
    const third = await openTest(store, clock)
    expect(text(third.memory('index:a'))).toBe('aa worse')
    await third.close()
  })
})

test('200,000 proofs of data blobs take at most 24 bytes each in the file', async () => {
  const path = join(folder, 'large.sqlite')
  const clock = testClock()
  const session = await openTest(null, clock, { file: path })
  const size = () => {
    const db = new Database(path, { readonly: true })
    const bytes = Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true }))
    db.close()
    return bytes
  }
  const before = size()
  // As encodeIndexMemory packs them: 20 bytes each, and as random as digests are.
  const one = Buffer.alloc(1000 * 20)
  for (let i = 0; i < 200; i++) {
    for (let at = 0; at < one.length; at++) one[at] = (at * 31 + i * 17 + (at >> 7)) & 255
    const data = one.toString('base64')
    await session.journal('r', [{ kind: 'memory', subject: `index:${i}`, atMs: start, data }], signal)
  }
  await session.store(signal)
  await session.close()
  expect((size() - before) / 200_000).toBeLessThanOrEqual(24)
})
