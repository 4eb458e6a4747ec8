/** A store that keeps versions: a damaged or lost ledger falls back to the newest good one, and no journal is lost by that. */
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ledgerKey } from '../../src/ledger/ledgerObject.ts'
import { schemaVersion } from '../../src/ledger/schema.ts'
import type { MemoryStore } from '../support/memoryStore.ts'
import { memoryStore } from '../support/memoryStore.ts'
import { contentRow, day, openTest, runRow, signal, start, type TestClock, testClock } from './support.ts'

const versionedStore = (clock: TestClock) => memoryStore(() => clock.now, 'memory://ledger', { versioned: true })

/** Journals a run with one content; stores unless it dies before. */
async function night(store: MemoryStore, clock: TestClock, name: string, dies = false): Promise<readonly string[]> {
  const session = await openTest(store, clock)
  const { now } = clock
  await session.journal(name, [contentRow({ contentId: name, runId: name, atMs: now })], signal)
  await session.journal(name, [runRow({ runId: name, startedMs: now, endedMs: now + 1 })], signal)
  if (!dies) await session.store(signal)
  await session.close()
  return session.warnings
}

async function known(store: MemoryStore, clock: TestClock) {
  const session = await openTest(store, clock, { readOnly: true })
  const runs = session.runs(99).map(run => run.runId)
  for (const run of runs) expect([run, session.contentHistory('i1', run, null).proof?.runId]).toEqual([run, run])
  await session.close()
  return { runs, warnings: session.warnings }
}

const noise = Buffer.from('this is no ledger')
function damage(store: MemoryStore, bytes: Buffer = noise): Promise<void> {
  return store.put(ledgerKey, bytes)
}
/** Forgets the journal objects that the predicate names by their time. */
function loseJournals(store: MemoryStore, isLost: (createdMs: number) => boolean): void {
  for (const key of store.objects.keys()) {
    const createdMs = /\/(\d+)-[^/]+\.json$/.exec(key)?.[1]
    if (key.startsWith('journals/') && isLost(Number(createdMs))) store.objects.delete(key)
  }
}

describe('the newest good version is taken', () => {
  test.each<[string, (store: MemoryStore) => Promise<void>, RegExp]>([
    ['damaged', store => damage(store), /is damaged \(gzip: .*\): its version v\d+ of 2026-11-02/],
    ['empty', store => damage(store, Buffer.alloc(0)), /is damaged/],
    ['deleted', store => store.delete(ledgerKey), /is gone: its version v\d+ of 2026-11-02/],
    [
      'damaged twice',
      async store => {
        await damage(store)
        await damage(store, Buffer.from('nor is this'))
      },
      /its version v\d+ of 2026-11-02/,
    ],
  ])('where the current one is %s, with the journals since then', async (_, harm, message) => {
    const clock = testClock()
    const store = versionedStore(clock)
    await night(store, clock, 'night-1')
    clock.now += day
    await night(store, clock, 'night-2')
    clock.now += day
    await night(store, clock, 'night-3', true)
    await harm(store)
    const seen = await known(store, clock)
    expect(seen.runs).toEqual(['night-1', 'night-2', 'night-3'])
    expect(seen.warnings).toEqual([expect.stringMatching(message)])
    expect(seen.warnings[0]).toMatch(/and 2 journals folded into it$/)
    clock.now += day
    expect(await night(store, clock, 'night-4')).toEqual([expect.stringMatching(message)])
    expect(await known(store, clock)).toEqual({ runs: ['night-1', 'night-2', 'night-3', 'night-4'], warnings: [] })
  })

  test('journals that its successors had folded and forgotten are folded again', async () => {
    const clock = testClock()
    const store = versionedStore(clock)
    await night(store, clock, 'night-1')
    const good = gunzipSync(store.objects.get(ledgerKey)?.bytes ?? noise)
    clock.now += day
    await night(store, clock, 'died', true)
    for (const [i, name] of ['night-2', 'night-3', 'night-4'].entries()) {
      clock.now = start + (60 + i * 60) * day
      await night(store, clock, name)
    }
    clock.now += day
    await night(store, clock, 'died-late', true)
    // Only the very first version is good: its horizon lies before everything that the later ones forgot.
    const forgetful = versionedStore(clock)
    await forgetful.put(ledgerKey, gzipSync(good))
    for (const [key, held] of store.objects) if (key !== ledgerKey) forgetful.objects.set(key, held)
    await damage(forgetful)
    const runs = ['night-1', 'died', 'night-2', 'night-3', 'night-4', 'died-late']
    expect((await known(forgetful, clock)).runs).toEqual(runs)
    clock.now += day
    await night(forgetful, clock, 'after')
    expect(await known(forgetful, clock)).toEqual({ runs: [...runs, 'after'], warnings: [] })
  })

  test('in a conflict as well', async () => {
    const clock = testClock()
    const store = versionedStore(clock)
    await night(store, clock, 'night-1')
    const session = await openTest(store, clock)
    await damage(store)
    await session.journal('night-2', [runRow({ runId: 'night-2', startedMs: clock.now + 1 })], signal)
    await session.store(signal)
    expect(session.warnings).toEqual([expect.stringMatching(/is damaged .* its version v\d+ of .* was taken/)])
    await session.close()
    expect((await openAndAsk(store, clock)).sort()).toEqual(['night-1', 'night-2'])
  })

  async function openAndAsk(store: MemoryStore, clock: TestClock): Promise<string[]> {
    const session = await openTest(store, clock, { readOnly: true })
    await session.close().then(() => expect(session.warnings).toEqual([]))
    const again = await openTest(store, clock, { readOnly: true })
    const runs = again.runs(9).map(run => run.runId)
    await again.close()
    return runs
  }
})

describe('no version is good', () => {
  test('rebuilt from the journals, and said', async () => {
    const clock = testClock()
    const store = versionedStore(clock)
    await damage(store, Buffer.from('never was one'))
    const older = await openTest(store, clock)
    expect(older.warnings).toEqual([expect.stringMatching(/rebuilt from 0 journals$/)])
    await older.close()
    await night(store, clock, 'night-1', true)
    await damage(store)
    const seen = await known(store, clock)
    expect(seen.runs).toEqual(['night-1'])
    expect(seen.warnings).toEqual([
      expect.stringMatching(/is damaged .* rebuilt from 2 journals, the oldest of 2026-11-01T/),
    ])
  })

  test('a version of a newer program stops everything, and nothing is touched', async () => {
    const clock = testClock()
    const store = versionedStore(clock)
    await night(store, clock, 'night-1')
    const newer = Buffer.from(gunzipSync(store.objects.get(ledgerKey)?.bytes ?? noise))
    newer.writeUInt32BE(schemaVersion + 1, 60)
    await store.put(ledgerKey, gzipSync(newer))
    await damage(store)
    const before = [...store.objects].filter(([key]) => key !== 'lease.json')
    for (const readOnly of [true, false])
      await expect(openTest(store, clock, { readOnly })).rejects.toMatchObject({ code: 'ledger-newer' })
    expect([...store.objects].filter(([key]) => key !== 'lease.json')).toEqual(before)
  })

  test('trouble with the versions is no want of versions', async () => {
    const clock = testClock()
    const store = versionedStore(clock)
    await night(store, clock, 'night-1')
    await damage(store)
    const list = () => Promise.reject(new Error('the network is down'))
    const trouble = { ...store, versions: { list, get: list } }
    await expect(openTest(trouble, clock)).rejects.toMatchObject({ cause: { message: 'the network is down' } })
  })
})

describe('journals that a lifecycle rule deleted', () => {
  test.each<[string, boolean, RegExp]>([
    [
      'after the version that is taken',
      true,
      /was taken and 2 journals folded into it; what 1 earlier run found out is lost/,
    ],
    [
      'with no version to take',
      false,
      /rebuilt from 2 journals, the oldest of 2026-11-04.*; what 3 earlier runs found out is lost/,
    ],
  ])('%s: said', async (_, versioned, message) => {
    const clock = testClock()
    const store = memoryStore(() => clock.now, 'memory://ledger', { versioned })
    for (const name of ['night-1', 'night-2']) {
      await night(store, clock, name)
      clock.now += day
    }
    await night(store, clock, 'night-3', true)
    clock.now += day
    await night(store, clock, 'night-4', true)
    // Night 4 knew of three runs. The ledger that held the third is lost before the next could store it.
    loseJournals(store, createdMs => createdMs < start + 3 * day)
    await damage(store)
    const seen = await known(store, clock)
    expect(seen.warnings).toEqual([expect.stringMatching(message)])
    expect(seen.runs).toEqual(versioned ? ['night-1', 'night-2', 'night-4'] : ['night-4'])
  })
})

test('whatever is stored, killed, damaged and pruned, no acknowledged run is lost while journals are kept', async () => {
  const act = fc.constantFrom('night', 'night', 'dies', 'damage', 'delete', 'month')
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 9 }), async acts => {
      const clock = testClock()
      const store = versionedStore(clock)
      const ran: string[] = []
      for (const [i, one] of acts.entries()) {
        clock.now += day
        if (one === 'month') clock.now += 40 * day
        if (one === 'damage') await damage(store)
        if (one === 'delete') await store.delete(ledgerKey)
        if (one !== 'night' && one !== 'dies') continue
        await night(store, clock, `night-${i}`, one === 'dies')
        ran.push(`night-${i}`)
      }
      expect((await known(store, clock)).runs).toEqual(ran)
    }),
    { seed: 11, numRuns: 25 },
  )
})
