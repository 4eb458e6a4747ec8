import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openDirectoryStore } from '../../src/blobs/directory.ts'
import { ledgerKey } from '../../src/ledger/ledgerObject.ts'
import { systemClock } from '../../src/time.ts'
import { memoryStore } from '../support/memoryStore.ts'
import type { TestClock } from './support.ts'
import { contentRow, newFolder, openTest, runRow, signal, snapshotRow, start, testClock } from './support.ts'

const stores = {
  memory: (clock: TestClock) => memoryStore(() => clock.now),
  directory: () => openDirectoryStore({ folder: newFolder(), clock: systemClock }),
  none: () => null,
}

describe.each(['memory', 'directory', 'none'] as const)('a session with the store %s', kind => {
  test('remembers what was journalled, stored or not', async () => {
    const clock = testClock()
    const store = stores[kind](clock)
    const file = join(newFolder(), 'deep', 'ledger.sqlite')
    const first = await openTest(store, clock, { file })
    expect(first.warnings).toEqual([])
    expect(first.firstRunMs()).toBeNull()
    expect(first.lastIdentity()).toBeNull()
    expect(first.contentHistory('i1', 'c1', null)).toEqual({ proof: null, lastInconclusive: null })
    await first.journal('run-a', [contentRow()], signal)
    await first.journal('run-a', [runRow(), snapshotRow()], signal)
    await first.store(signal)
    await first.journal('run-a', [contentRow({ contentId: 'c2' })], signal)
    await first.close()
    if (store !== null) expect(await store.head(ledgerKey)).not.toBeNull()

    clock.now += 1000
    const second = await openTest(store, clock, { file })
    expect(second.warnings).toEqual([])
    const proof = {
      verdict: 'pass',
      reason: 'proven',
      provenMs: start,
      witness: 'w1',
      runId: 'run-a',
      snapshot: 'nightly-1',
      snapshotUuid: 's1',
      method: 'restore',
      seconds: 1.5,
    }
    expect(second.contentHistory('i1', 'c1', null)).toEqual({ proof, lastInconclusive: null })
    expect(second.contentHistory('i1', 'c1', 's1').proof).toEqual(proof)
    expect(second.contentHistory('i1', 'c1', 's2').proof).toBeNull()
    expect(second.contentHistory('i2', 'c1', null).proof).toBeNull()
    expect(second.contentHistory('i1', 'c2', null).proof).toEqual(proof)
    expect(second.runs(10)).toEqual([runRow()])
    expect(second.snapshotHistory('s1')).toEqual([snapshotRow()])
    expect(second.recentPasses(10)).toEqual([contentRow(), contentRow({ contentId: 'c2' })])
    expect(second.firstRunMs()).toBe(start)
    expect(second.lastIdentity()).toEqual({ repositoryUuid: 'u1', clusterId: 'k1', generation: 7 })
    await second.close()
  })
})

test('a reader takes no lease and no lock, and writes nothing into the store', async () => {
  const clock = testClock()
  const store = memoryStore(() => clock.now)
  const file = join(newFolder(), 'ledger.sqlite')
  const writer = await openTest(store, clock, { file })
  await writer.journal('run-a', [contentRow()], signal)
  const before = [...store.objects].map(([key, { etag }]) => `${key} ${etag}`)
  const reader = await openTest(store, clock, { file, readOnly: true })
  // It knows what is journalled and not yet stored.
  expect(reader.contentHistory('i1', 'c1', null).proof?.verdict).toBe('pass')
  expect(reader.fence).toBeNull()
  await expect(reader.journal('run-b', [contentRow()], signal)).rejects.toMatchObject({ code: 'internal' })
  await expect(reader.store(signal)).rejects.toMatchObject({ code: 'internal' })
  await reader.close()
  expect([...store.objects].map(([key, { etag }]) => `${key} ${etag}`)).toEqual(before)
  expect(readdirSync(dirname(file)).filter(name => name.includes('reader'))).toEqual([])
  await writer.store(signal)
  await writer.close()
})

test('a reader of a local ledger leaves it and its writer alone', async () => {
  const clock = testClock()
  const file = join(newFolder(), 'ledger.sqlite')
  const early = await openTest(null, clock, { file, readOnly: true })
  expect(early.runs(9)).toEqual([])
  expect(early.warnings).toEqual([])
  const writer = await openTest(null, clock, { file })
  await writer.journal('run-a', [contentRow()], signal)
  const bytes = readFileSync(file)
  const reader = await openTest(null, clock, { file, readOnly: true })
  expect(reader.recentPasses(9)).toHaveLength(1)
  expect(readFileSync(file).equals(bytes)).toBe(true)
  await writer.journal('run-a', [contentRow({ contentId: 'c2' })], signal)
  expect(reader.recentPasses(9)).toHaveLength(1)
  await Promise.all([early.close(), reader.close(), writer.close()])
})

test('a session that is closed answers and writes no more, and can be closed again', async () => {
  const session = await openTest(null, testClock())
  const writing = session.journal('run-a', [contentRow()], signal)
  await session.close()
  await writing
  await session.close()
  expect(() => session.runs(1)).toThrow(/after it had been closed/)
  await expect(session.journal('run-a', [contentRow()], signal)).rejects.toMatchObject({ code: 'internal' })
  await expect(session.store(signal)).rejects.toMatchObject({ code: 'internal' })
})

test('rows that no fold would take are not written', async () => {
  const clock = testClock()
  const store = memoryStore(() => clock.now)
  const session = await openTest(store, clock)
  const keys = store.objects.size
  await expect(session.journal('r', [contentRow(), contentRow({ seconds: Number.NaN })], signal)).rejects.toThrow(
    /seconds/,
  )
  await session.journal('r', [], signal)
  expect(store.objects.size).toBe(keys)
  await session.close()
})

test('very many rows are split over journals', async () => {
  const clock = testClock()
  const store = memoryStore(() => clock.now)
  const session = await openTest(store, clock)
  const message = 'x'.repeat(1_000_000)
  const rows = Array.from({ length: 40 }, (_, i) => contentRow({ contentId: `c${i}`, message }))
  await session.journal('r', rows, signal)
  expect(session.recentPasses(99)).toHaveLength(40)
  const journals = [...store.objects].filter(([key]) => key.startsWith('journals/'))
  expect(journals).toHaveLength(2)
  await session.close()
})

test('a store without ETags cannot keep a ledger', async () => {
  const clock = testClock()
  const inner = memoryStore(() => clock.now)
  const store = { ...inner, head: async (key: string) => ({ ...(await inner.head(key)), etag: null }) as never }
  await expect(openTest(store, clock)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/ETag/),
  })
})

test('a journal that was written although the store says no is ours; another under its name is not', async () => {
  const clock = testClock()
  const inner = memoryStore(() => clock.now)
  const store = {
    ...inner,
    putIfAbsent: async (key: string, bytes: Buffer) => {
      const answer = await inner.putIfAbsent(key, bytes)
      return key.startsWith('journals/') ? ({ written: false } as const) : answer
    },
  }
  const session = await openTest(store, clock, { randomId: () => 'same' })
  await session.journal('run-a', [contentRow()], signal)
  expect(session.recentPasses(9)).toHaveLength(1)
  const other = session.journal('run-a', [contentRow({ contentId: 'c2' })], signal)
  await expect(other).rejects.toMatchObject({ code: 'ledger-conflict' })
  await session.close()
})
