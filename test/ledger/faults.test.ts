import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { BlobWriter } from '../../src/blobs/port.ts'
import { SnapproofError } from '../../src/errors.ts'
import type { LedgerSession } from '../../src/ledger/port.ts'
import type { FaultKind, FaultyStore } from '../support/faultyStore.ts'
import { faultyStore } from '../support/faultyStore.ts'
import type { MemoryStore } from '../support/memoryStore.ts'
import { memoryStore } from '../support/memoryStore.ts'
import type { TestClock } from './support.ts'
import { contentRow, dump, newFolder, openTest, runRow, signal, testClock } from './support.ts'

const leaseAndSlackMs = 63_000

/** Night 1 stored its ledger; night 2 was killed after one journal. */
async function twoNightsBefore(clock: TestClock, store: BlobWriter): Promise<void> {
  const first = await openTest(store, clock)
  await first.journal('night-1', [contentRow({ contentId: 'old-1' }), runRow({ runId: 'night-1' })], signal)
  await first.store(signal)
  await first.close()
  const killed = await openTest(store, clock)
  await killed.journal('night-2', [contentRow({ contentId: 'old-2' })], signal)
  await killed.close()
}

/** A night on a store that fails; answers which contents were acknowledged, and how it ended. */
async function night(clock: TestClock, store: FaultyStore, file: string) {
  const acknowledged = ['old-1', 'old-2']
  const errors: unknown[] = []
  let session: LedgerSession | null = null
  try {
    session = await openTest(store, clock, { file })
    for (const contentId of ['new-1', 'new-2']) {
      const rows = [contentRow({ contentId, runId: 'night-3' })]
      try {
        await session.journal('night-3', rows, signal)
      } catch (error) {
        errors.push(error)
        await session.journal('night-3', rows, signal)
      }
      acknowledged.push(contentId)
    }
    await session.store(signal)
  } catch (error) {
    errors.push(error)
  }
  await session?.close()
  return { acknowledged, errors }
}

async function afterwards(clock: TestClock, store: MemoryStore, file: string) {
  clock.now += leaseAndSlackMs
  const session = await openTest(store, clock, { file })
  const warnings = [...session.warnings]
  await session.store(signal)
  await session.close()
  const contents = dump(file).contents ?? []
  return { warnings, contentIds: contents.map(row => String(JSON.parse(String(row)).contentId)).sort() }
}

/** Calls of each kind in a night without a fault; the loops below must reach every one. */
const kinds: readonly (readonly [FaultKind, 'fails' | 'survives'])[] = [
  ['refused', 'fails'],
  ['lost', 'fails'],
  ['full', 'fails'],
  ['cut', 'fails'],
  ['conflict', 'survives'],
]

describe.each(kinds)('every call of a night in turn: %s', (kind, effect) => {
  test('nothing acknowledged is lost, nothing is there twice', async () => {
    let fired = 0
    for (let failing = 1; ; failing++) {
      const clock = testClock()
      const inner = memoryStore(() => clock.now)
      await twoNightsBefore(clock, inner)
      const store = faultyStore(inner, kind, failing)
      const file = join(newFolder(), 'ledger.sqlite')
      const { acknowledged, errors } = await night(clock, store, file)
      if (!store.fired()) {
        expect(store.calls()).toBe(failing - 1)
        break
      }
      fired++
      for (const error of errors) {
        expect(error).toBeInstanceOf(SnapproofError)
        expect(error).toMatchObject({ code: kind === 'full' ? 'disk-full' : 'unavailable' })
      }
      if (effect === 'survives') expect(errors).toEqual([])
      const { warnings, contentIds } = await afterwards(clock, inner, file)
      expect(warnings).toEqual([])
      // Rows of a call that failed may be there; what was acknowledged is, and nothing twice.
      expect(contentIds).toEqual([...new Set(contentIds)])
      expect(contentIds).toEqual(expect.arrayContaining(acknowledged))
    }
    expect(fired).toBeGreaterThan(2)
  })
})

test('the first night ever, every call in turn', async () => {
  let fired = 0
  for (let failing = 1; ; failing++) {
    const clock = testClock()
    const inner = memoryStore(() => clock.now)
    const store = faultyStore(inner, 'lost', failing)
    const file = join(newFolder(), 'ledger.sqlite')
    const { acknowledged } = await night(clock, store, file)
    if (!store.fired()) break
    fired++
    const { warnings, contentIds } = await afterwards(clock, inner, file)
    expect(warnings).toEqual([])
    expect(contentIds).toEqual(expect.arrayContaining(acknowledged.slice(2)))
  }
  expect(fired).toBeGreaterThan(5)
})

test('an abort ends every step with its own reason', async () => {
  const clock = testClock()
  const store = memoryStore(() => clock.now)
  const stopped = new AbortController()
  const session = await openTest(store, clock)
  const reason = new SnapproofError('interrupted', 'Ctrl-C')
  stopped.abort(reason)
  await expect(session.journal('r', [contentRow()], stopped.signal)).rejects.toBe(reason)
  await expect(session.store(stopped.signal)).rejects.toBe(reason)
  await session.close()
  await expect(openTest(store, clock, { signal: stopped.signal })).rejects.toBe(reason)
  // Nothing was left locked.
  await (await openTest(store, clock)).close()
})
