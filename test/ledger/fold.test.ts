import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fold, forgetJournals } from '../../src/ledger/fold.ts'
import type { StoredJournal, StoredRow } from '../../src/ledger/journalFormat.ts'
import { LedgerFile } from '../../src/ledger/ledgerFile.ts'
import {
  answerRow,
  contentRow,
  day,
  dump,
  goodRow,
  measureRow,
  newFolder,
  reachedRow,
  runRow,
  snapshotRow,
  start,
} from './support.ts'

const folder = newFolder()
let files = 0

/** What a file holds after the groups were folded one after the other. */
function folded(groups: readonly (readonly StoredJournal[])[], between: (file: LedgerFile) => void = () => {}) {
  const path = join(folder, `fold-${++files}.sqlite`)
  const file = LedgerFile.open(path, { repositoryName: 'prod', durable: false })
  for (const group of groups) {
    fold(file, group)
    between(file)
  }
  file.close()
  return dump(path)
}

/** Few values for each field, so that natural keys meet often. */
const few = (prefix: string) => fc.integer({ min: 1, max: 3 }).map(n => `${prefix}${n}`)
const time = fc.integer({ min: 0, max: 4 }).map(n => start + n)
const verdict = fc.constantFrom('pass', 'fail', 'inconclusive')
const row: fc.Arbitrary<StoredRow> = fc.oneof(
  fc
    .record({
      runId: few('run-'),
      contentId: few('c'),
      indexId: few('i'),
      snapshotUuid: few('s'),
      snapshot: few('nightly-'),
      verdict,
      method: fc.constantFrom('restore', 'chained'),
      atMs: time,
      message: few('m'),
      luceneDocs: fc.option(fc.integer({ min: 0, max: 3 })),
      seconds: fc.constantFrom(0.1, 0.30000000000000004, 1e-9),
    })
    .chain(fields =>
      fc.option(time).map(orderMs => ({ ...contentRow(fields), ...(orderMs === null ? {} : { orderMs }) })),
    ),
  fc
    .record({
      runId: few('run-'),
      endedMs: time,
      findings: fc.integer({ min: 0, max: 2 }),
      toolVersion: few('v'),
      knownRuns: fc.option(fc.nat(2)),
    })
    .map(({ knownRuns, ...fields }) => ({ ...runRow(fields), ...(knownRuns === null ? {} : { knownRuns }) })),
  fc
    .record({
      runId: few('run-'),
      snapshotUuid: few('s'),
      level: fc.constantFrom('presence', 'restore'),
      verdict,
      method: fc.constantFrom('restore', null),
      creditedFrom: fc.array(few('nightly-'), { maxLength: 2 }),
      atMs: time,
    })
    .chain(fields =>
      fc.option(time).map(orderMs => ({ ...reachedRow(fields), ...(orderMs === null ? {} : { orderMs }) })),
    ),
  fc
    .record({
      runId: few('run-'),
      index: few('index-'),
      contentId: fc.option(few('c')),
      snapshotUuid: fc.option(few('s')),
      endedMs: fc.option(time),
      atMs: time,
    })
    .chain(fields =>
      fc.option(time).map(orderMs => ({ ...goodRow(fields), ...(orderMs === null ? {} : { orderMs }) })),
    ),
  fc.record({ runId: few('run-'), snapshotUuid: few('s'), atMs: time, restore: verdict }).map(snapshotRow),
  fc
    .record({
      runId: few('run-'),
      contentId: few('c'),
      question: few('q'),
      answered: fc.boolean(),
      answer: few('a'),
      atMs: time,
    })
    .map(answerRow),
  fc
    .record({
      runId: few('run-'),
      index: few('index-'),
      snapshotUuid: few('s'),
      endedMs: fc.integer({ min: 0, max: 60 }).map(n => start + n * (day / 4)),
      documents: fc.option(fc.nat(3)),
      resting: fc.constantFrom('closed', null),
      judged: fc.boolean(),
      atMs: time,
    })
    .map(measureRow),
  fc
    .record({ digest: few('m'), fields: few('f'), atMs: time })
    .map(fields => ({ kind: 'mapping' as const, ...fields })),
)
const journals = fc.array(fc.array(row, { maxLength: 5 }), { minLength: 1, maxLength: 8 }).map(lists =>
  lists.map(
    (rows, i): StoredJournal => ({
      schemaVersion: 1,
      journalId: `j${i}`,
      repository: 'prod',
      runId: 'run-1',
      createdMs: start + (i % 3) * day,
      rows,
    }),
  ),
)

test('any order, grouping and repetition of journals give the same ledger', () => {
  fc.assert(
    fc.property(journals, fc.integer(), fc.array(fc.nat(7), { maxLength: 6 }), (list, seed, again) => {
      const plain = folded([list])
      const repeated = [...list, ...again.map(i => list[i % list.length] ?? list)].flat()
      const shuffled = shuffle(repeated, seed)
      const cut = Math.abs(seed) % (shuffled.length + 1)
      expect(folded([shuffled.slice(0, cut), [], shuffled.slice(cut)])).toEqual(plain)
      expect(folded(shuffled.map(journal => [journal]))).toEqual(plain)
    }),
    { seed: 7, numRuns: 60 },
  )
})

test('rows that come in other journals, or twice, give the same rows', () => {
  fc.assert(
    fc.property(journals, fc.nat(), (list, at) => {
      const { journals: _, ...plain } = folded([list])
      const rows = list.flatMap(journal => journal.rows)
      const cut = at % (rows.length + 1)
      const frame = list[0] ?? { schemaVersion: 1, journalId: 'j', repository: 'prod', runId: 'r', createdMs: start }
      const resplit = [rows.slice(cut), rows.slice(0, cut), rows].map((some, i) => ({
        ...frame,
        journalId: `other-${i}`,
        rows: some,
      }))
      expect(folded([resplit])).toMatchObject(plain)
    }),
    { seed: 8, numRuns: 60 },
  )
})

test('forgetting journals loses no row, and forgotten ones are not folded again', () => {
  fc.assert(
    fc.property(journals, list => {
      const { journals: remembered, ...plain } = folded([list])
      const pruned = folded([list, list], file => forgetJournals(file, start + day))
      expect(pruned).toMatchObject(plain)
      expect(pruned.journals).toEqual(remembered?.filter(text => !String(text).includes(`${start}}`)))
    }),
    { seed: 9, numRuns: 30 },
  )
})

test('of two rows of one run the later ended stays, of one snapshot in a run the later looked at', () => {
  const early = [runRow({ endedMs: start + 5, debtContents: 9 }), snapshotRow({ atMs: start + 5, restore: 'pass' })]
  const late = [runRow({ endedMs: start + 6, debtContents: 0 }), snapshotRow({ atMs: start + 6, catalogue: 'fail' })]
  const frame = { schemaVersion: 1, repository: 'prod', runId: 'r', createdMs: start } as const
  const both = [
    { ...frame, journalId: 'early', rows: early },
    { ...frame, journalId: 'late', rows: late },
  ]
  for (const order of [both, both.toReversed()]) {
    const { runs, snapshots } = folded([order])
    expect(runs).toEqual([expect.stringContaining('"debtContents":0')])
    expect(snapshots).toEqual([expect.stringContaining('"catalogue":"fail"')])
  }
})

test('a fold that fails takes in nothing', () => {
  const path = join(folder, 'full.sqlite')
  const file = LedgerFile.open(path, { repositoryName: 'prod', durable: false })
  const before = dump(path)
  file.db.pragma('max_page_count = 30')
  const rows = Array.from({ length: 200 }, (_, i) => contentRow({ contentId: `c${i}`, message: 'x'.repeat(2000) }))
  const journal = { schemaVersion: 1, journalId: 'j', repository: 'prod', runId: 'r', createdMs: start, rows } as const
  expect(() => fold(file, [journal])).toThrow(expect.objectContaining({ code: 'disk-full' }))
  expect(dump(path)).toEqual(before)
  file.db.pragma('max_page_count = 1000000')
  expect(fold(file, [journal])).toBe(1)
  expect(fold(file, [journal])).toBe(0)
  file.close()
})

function shuffle<T>(list: readonly T[], seed: number): T[] {
  const rest = [...list]
  const out: T[] = []
  for (let state = seed >>> 0; rest.length > 0; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    out.push(...rest.splice(state % rest.length, 1))
  }
  return out
}
