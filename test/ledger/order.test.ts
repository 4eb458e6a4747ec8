/** What a session writes: conclusions only where they say something new, in an order that no clock spoils; and how many runs were known. */
import { describe, expect, test } from 'vitest'
import type { LedgerSession } from '../../src/ledger/port.ts'
import { readLedger } from '../../src/ledger/read.ts'
import type { Question } from '../../src/ledger/show/answer.ts'
import { show } from '../../src/ledger/show/show.ts'
import { silentLog } from '../../src/log.ts'
import type { JournalRow } from '../../src/model/journal.ts'
import { type MemoryStore, memoryStore } from '../support/memoryStore.ts'
import {
  countedId,
  day,
  goodRow,
  newFolder,
  openTest,
  reachedRow,
  runRow,
  signal,
  snapshotRow,
  start,
  type TestClock,
  testClock,
} from './support.ts'

async function night(store: MemoryStore, clock: TestClock, rows: readonly JournalRow[]): Promise<void> {
  const session: LedgerSession = await openTest(store, clock)
  await session.journal('r', rows, signal)
  await session.store(signal)
  await session.close()
}
async function rowsOf(store: MemoryStore, sql: string): Promise<unknown[]> {
  const place = { repositoryName: 'prod', store, file: `${newFolder()}/l.sqlite`, log: silentLog, randomId: countedId }
  const ledger = await readLedger(place, signal)
  const rows = ledger.file.db.prepare(sql).raw().all()
  ledger.close()
  return rows
}
async function ask(store: MemoryStore, question: Question, nowMs: number) {
  const place = { repositoryName: 'prod', store, file: `${newFolder()}/l.sqlite`, log: silentLog, randomId: countedId }
  const ledger = await readLedger(place, signal)
  const scope = { atMs: null, nowMs, fromMs: null, toMs: null, snapshot: null, index: null }
  const { rows } = show(ledger.file, question, scope)
  ledger.close()
  return rows
}
const nightly = (clock: TestClock, runId: string, rest = {}, good = {}) => [
  reachedRow({ runId, atMs: clock.now, provenMs: clock.now, ...rest }),
  goodRow({ runId, atMs: clock.now, ...good }),
]
const reachedRuns = 'SELECT runId, verdict FROM reached_row ORDER BY orderMs'
const goodRuns = 'SELECT runId, snapshot FROM good_row ORDER BY orderMs'

describe('conclusions', () => {
  test('are written where they say something else than before', async () => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    const changes: [string, object, object][] = [
      ['first', {}, {}],
      ['same, remembered', { reason: 'remembered' }, { endedMs: start }],
      ['credited', { reason: 'credited', creditedFrom: ['nightly-0'] }, {}],
      [
        'failed',
        { verdict: 'fail', reason: 'found', method: null, provenMs: null },
        { snapshot: null, snapshotUuid: null, contentId: null },
      ],
      [
        'failed before',
        { verdict: 'fail', reason: 'failed-before', method: null, provenMs: null },
        { snapshot: null, snapshotUuid: null, contentId: null },
      ],
      ['cured', {}, {}],
    ]
    for (const [runId, reached, good] of changes) {
      await night(store, clock, nightly(clock, runId, reached, good))
      clock.now += day
    }
    expect(await rowsOf(store, reachedRuns)).toEqual([
      ['first', 'pass'],
      ['credited', 'pass'],
      ['failed', 'fail'],
      ['failed before', 'fail'],
      ['cured', 'pass'],
    ])
    expect(await rowsOf(store, goodRuns)).toEqual([
      ['first', 'nightly-1'],
      ['failed', null],
      ['cured', 'nightly-1'],
    ])
  })

  test.each([
    ['ahead by a day', day],
    ['ahead by a year', 365 * day],
  ])('a clock that was %s hides nothing that is found out after it, and is believed by nobody', async (_, jump) => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    await night(store, clock, nightly(clock, 'before', {}, { snapshot: 'nightly-1', snapshotUuid: 's1' }))
    clock.now += jump
    await night(store, clock, nightly(clock, 'wrong', {}, { snapshot: 'nightly-9', snapshotUuid: 's9' }))
    clock.now = start + 3_600_000
    // Said again although the wrong clock said it: before its time has come, that row counts for nothing.
    await night(store, clock, nightly(clock, 'after', {}, { snapshot: 'nightly-9', snapshotUuid: 's9' }))
    expect(await ask(store, 'good', clock.now)).toMatchObject([{ snapshot: 'nightly-9', run: 'after' }])
    clock.now += 3_600_000
    const bad = { verdict: 'fail', reason: 'found', method: null, provenMs: null } as const
    await night(store, clock, [...nightly(clock, 'found bad', bad, { snapshot: 'nightly-1', snapshotUuid: 's1' })])
    for (const nowMs of [clock.now, start + 400 * day])
      expect(await ask(store, 'good', nowMs)).toMatchObject([{ snapshot: 'nightly-1', run: 'found bad' }])
    expect((await rowsOf(store, reachedRuns)).at(-1)).toEqual(['found bad', 'fail'])
  })

  test('a clock that went back a day makes nothing older than what it follows', async () => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    await night(store, clock, [
      ...nightly(clock, 'good'),
      snapshotRow({ runId: 'good', atMs: clock.now, restore: 'pass' }),
    ])
    clock.now -= day
    const bad = { verdict: 'fail', reason: 'found', method: null, provenMs: null } as const
    await night(store, clock, [
      ...nightly(clock, 'bad', bad, { snapshot: null, snapshotUuid: null, contentId: null }),
      snapshotRow({ runId: 'bad', atMs: clock.now, restore: 'fail' }),
    ])
    clock.now = start + day
    expect((await rowsOf(store, goodRuns)).at(-1)).toEqual(['bad', null])
    expect((await rowsOf(store, reachedRuns)).at(-1)).toEqual(['bad', 'fail'])
    const facts = await ask(store, 'overview', clock.now)
    expect(facts).toContainEqual({ fact: 'snapshotsRestoreFail', value: 1 })
    const restored = (await ask(store, 'snapshots', clock.now)).find(row => row.level === 'restore')
    expect(restored).toMatchObject({ verdict: 'fail', reason: 'found' })
  })
})

test('a run says how many others were known, itself left out', async () => {
  const clock = testClock()
  const store = memoryStore(() => clock.now)
  for (const runId of ['a', 'b', 'b', 'c']) {
    clock.now += day
    await night(store, clock, [runRow({ runId, endedMs: clock.now })])
  }
  expect(await rowsOf(store, 'SELECT runId, knownRuns FROM run_row ORDER BY runId')).toEqual([
    ['a', 0],
    ['b', 1],
    ['c', 2],
  ])
})
