import { describe, expect, test } from 'vitest'
import { openDirectoryStore } from '../../src/blobs/directory.ts'
import { ledgerKey } from '../../src/ledger/ledgerObject.ts'
import type { LedgerSession } from '../../src/ledger/port.ts'
import { systemClock } from '../../src/time.ts'
import { memoryStore } from '../support/memoryStore.ts'
import { contentRow, newFolder, openTest, signal, testClock } from './support.ts'

/** As many sessions as asked for that all believe to hold the lease: each was paused until it expired. */
async function pausedHolders(count: number) {
  const clock = testClock()
  const store = memoryStore(() => clock.now)
  const sessions: LedgerSession[] = []
  for (let i = 0; i < count; i++) {
    sessions.push(await openTest(store, clock))
    clock.now += 63_000
  }
  return { clock, store, sessions }
}

describe.each([2, 5])('%i sessions on a folder at once', count => {
  test('lose no row and record none twice', async () => {
    const clock = testClock()
    const store = openDirectoryStore({ folder: newFolder(), clock: systemClock })
    const sessions: LedgerSession[] = []
    for (let i = 0; i < count; i++) {
      sessions.push(await openTest(store, clock))
      // The store's times are real here: instead of waiting, the lease is taken away.
      await store.delete('lease.json')
    }
    const work = sessions.map(async (session, i) => {
      for (let n = 0; n < 4; n++) {
        await session.journal(`run-${i}`, [contentRow({ contentId: `c-${i}-${n}` })], signal)
        await session.store(signal)
      }
    })
    await Promise.all(work)
    await Promise.all(sessions.map(session => session.close()))
    for await (const { key } of store.list('journals/')) await store.delete(key)
    const after = await openTest(store, clock)
    expect(after.warnings).toEqual([])
    const expected = sessions.flatMap((_, i) => Array.from({ length: 4 }, (_, n) => `c-${i}-${n}`))
    expect(after.recentPasses(1000).map(row => row.contentId)).toEqual(expected.sort())
    await after.close()
  })
})

describe.each([2, 5])('%i sessions at once', count => {
  test.each([1, 2, 3])('lose no row and record none twice (round %i)', async round => {
    const { clock, store, sessions } = await pausedHolders(count)
    expect(sessions.map(session => session.fence)).toEqual(sessions.map((_, i) => i + 1))
    const work = sessions.map(async (session, i) => {
      for (let n = 0; n < 3 * round; n++) {
        await session.journal(`run-${i}`, [contentRow({ contentId: `c-${i}-${n}`, runId: `run-${i}` })], signal)
        if (n % 3 === i % 3) await session.store(signal)
      }
      await session.store(signal)
    })
    await Promise.all(work)
    await Promise.all(sessions.map(session => session.close()))

    // From the stored ledger alone: its journals are taken away.
    for (const key of store.objects.keys()) if (key.startsWith('journals/')) store.objects.delete(key)
    clock.now += 63_000
    const after = await openTest(store, clock)
    expect(after.warnings).toEqual([])
    const found = after.recentPasses(1000).map(row => row.contentId)
    const expected = sessions.flatMap((_, i) => Array.from({ length: 3 * round }, (_, n) => `c-${i}-${n}`))
    expect(found.sort()).toEqual(expected.sort())
    await after.close()
  })

  test('of which one wins the lease', async () => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    const opened = await Promise.allSettled(Array.from({ length: count }, () => openTest(store, clock)))
    const winners = opened.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    const losers = opened.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
    expect(winners).toHaveLength(1)
    for (const error of losers) expect(error).toMatchObject({ code: 'lease-held', exitCode: 3 })
    await winners[0]?.close()
  })
})

test('a store that always says conflict ends in ledger-conflict, with every journal stored', async () => {
  const clock = testClock()
  const store = memoryStore(() => clock.now)
  const contended = {
    ...store,
    putIfMatch: (key: string, bytes: Buffer, etag: string) =>
      key === ledgerKey ? Promise.resolve({ written: false } as const) : store.putIfMatch(key, bytes, etag),
    putIfAbsent: (key: string, bytes: Buffer) =>
      key === ledgerKey ? Promise.resolve({ written: false } as const) : store.putIfAbsent(key, bytes),
  }
  const session = await openTest(contended, clock)
  await session.journal('r', [contentRow()], signal)
  await expect(session.store(signal)).rejects.toMatchObject({ code: 'ledger-conflict' })
  expect(session.contentHistory('i1', 'c1', null).proof?.verdict).toBe('pass')
  await session.close()
  const after = await openTest(store, clock)
  expect(after.contentHistory('i1', 'c1', null).proof?.verdict).toBe('pass')
  await after.close()
})

test('journalling goes on while the ledger is stored and fetched again', async () => {
  const { store, sessions, clock } = await pausedHolders(2)
  const [a, b] = sessions
  if (a === undefined || b === undefined) throw new Error('two sessions were opened')
  await b.journal('b', [contentRow({ contentId: 'b' })], signal)
  await b.store(signal)
  await Promise.all([
    a.store(signal),
    ...Array.from({ length: 20 }, (_, n) => a.journal('a', [contentRow({ contentId: `a-${n}` })], signal)),
  ])
  expect(a.recentPasses(100)).toHaveLength(21)
  await Promise.all([a.close(), b.close()])
  clock.now += 63_000
  const after = await openTest(store, clock)
  expect(after.recentPasses(100)).toHaveLength(21)
  await after.close()
})
