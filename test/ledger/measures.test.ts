/** What the ledger keeps of indices to compare them with: not too much, and the same whatever came first. */
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fold, forgetJournals } from '../../src/ledger/fold.ts'
import type { StoredJournal } from '../../src/ledger/journalFormat.ts'
import { LedgerFile } from '../../src/ledger/ledgerFile.ts'
import { measuresOf } from '../../src/ledger/questions.ts'
import type { JournalRow, MeasureRow } from '../../src/model/journal.ts'
import { day, measureRow, newFolder, openTest, signal, start, testClock } from './support.ts'

const hour = day / 24
const folder = newFolder()
let files = 0

function journal(journalId: string, rows: readonly JournalRow[]): StoredJournal {
  return { schemaVersion: 1, journalId, repository: 'prod', runId: 'run-a', createdMs: start, rows }
}

function openFile(): LedgerFile {
  return LedgerFile.open(join(folder, `measures-${++files}.sqlite`), { repositoryName: 'prod', durable: false })
}

function at(ms: number, rest: Partial<MeasureRow> = {}): MeasureRow {
  return measureRow({ snapshotUuid: `s${ms}`, snapshot: `nightly-${ms}`, endedMs: ms, ...rest })
}

test('what is measured is given back oldest first, by the name of the index', async () => {
  const clock = testClock()
  const ledger = await openTest(null, clock)
  const resting = at(start - day, { documents: null, sequence: null, mapping: null, resting: 'closed', judged: false })
  const rows = [at(start), resting, at(start, { index: 'orders', documents: 7 })]
  await ledger.journal(
    'run-a',
    [...rows, { kind: 'mapping', digest: 'm1', fields: '{"a":"keyword"}', atMs: start }],
    signal,
  )
  const { kind: _, runId: __, atMs: ___, ...oldest } = resting
  expect(ledger.measures('logs').map(measure => measure.endedMs)).toEqual([start - day, start])
  expect(ledger.measures('logs')[0]).toEqual(oldest)
  expect(ledger.measures('orders')).toMatchObject([{ documents: 7, judged: true }])
  expect(ledger.measures('other')).toEqual([])
  expect(ledger.mappings(['m1', 'm2'])).toEqual(new Map([['m1', { a: 'keyword' }]]))
  await ledger.close()
})

test('of nightly snapshots thirty are kept, of hourly ones the newest and the last of each day', () => {
  const nightly = openFile()
  fold(nightly, [
    journal(
      'a',
      Array.from({ length: 100 }, (_, i) => at(start + i * day)),
    ),
  ])
  expect(measuresOf(nightly, 'logs').map(one => one.endedMs)).toEqual(
    Array.from({ length: 30 }, (_, i) => start + (70 + i) * day),
  )
  nightly.close()
  const hourly = openFile()
  fold(hourly, [
    journal(
      'a',
      Array.from({ length: 24 * 40 }, (_, i) => at(start + i * hour)),
    ),
  ])
  const kept = measuresOf(hourly, 'logs').map(one => (one.endedMs - start) / hour)
  expect(kept).toHaveLength(14 + 29)
  expect(kept.slice(-14)).toEqual(Array.from({ length: 14 }, (_, i) => 24 * 40 - 14 + i))
  expect(kept.slice(0, 29)).toEqual(Array.from({ length: 29 }, (_, i) => 24 * (10 + i) + 23))
  hourly.close()
})

test('what is kept does not depend on order or grouping', () => {
  const hours = fc.uniqueArray(fc.nat(24 * 60), { minLength: 20, maxLength: 120 })
  fc.assert(
    fc.property(hours, fc.nat(), fc.nat(), (list, seed, cutAt) => {
      const rows = list.map(i => at(start + i * hour))
      const whole = openFile()
      fold(whole, [journal('a', rows)])
      const shuffled = [...rows].sort((a, b) => ((a.endedMs * 31 + seed) % 97) - ((b.endedMs * 31 + seed) % 97))
      const cut = cutAt % shuffled.length
      const parts = openFile()
      fold(parts, [journal('a', shuffled.slice(cut))])
      fold(parts, [journal('b', shuffled.slice(0, cut))])
      fold(parts, [journal('c', shuffled)])
      expect(measuresOf(parts, 'logs')).toEqual(measuresOf(whole, 'logs'))
      whole.close()
      parts.close()
    }),
    { seed: 8, numRuns: 25 },
  )
})

test('indices that are long gone, and mappings that nobody names, are forgotten with the journals', () => {
  const file = openFile()
  const mapping = (digest: string) => ({ kind: 'mapping' as const, digest, fields: '{}', atMs: start })
  fold(file, [
    journal('a', [
      at(start, { mapping: 'm1' }),
      at(start - 500 * day, { index: 'gone', mapping: 'm2' }),
      mapping('m1'),
      mapping('m2'),
    ]),
  ])
  forgetJournals(file, start + day)
  expect(measuresOf(file, 'logs')).toHaveLength(1)
  expect(measuresOf(file, 'gone')).toEqual([])
  expect(file.db.prepare('SELECT digest FROM mapping').pluck().all()).toEqual(['m1'])
  file.close()
})
