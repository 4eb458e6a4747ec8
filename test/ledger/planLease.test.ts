/** A lease that is left to the plan of an array, and the journals that its machines write beside each other. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { acquireLease } from '../../src/ledger/lease.ts'
import { type LeaseBody, leaseKey } from '../../src/ledger/leaseObject.ts'
import { silentLog } from '../../src/log.ts'
import { systemClock } from '../../src/time.ts'
import { faultyStore } from '../support/faultyStore.ts'
import { type MemoryStore, memoryStore } from '../support/memoryStore.ts'
import { contentRow, countedId, day, newFolder, openTest, runRow, signal, start, testClock } from './support.ts'

const url = 's3://bucket/ledger/arrays/a/plan.json'
const deadlineSeconds = 86_400

describe('a lease that is left to a plan', () => {
  // setImmediate stays real: the store in memory takes its turns with it.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: Date.UTC(2026, 10, 1) })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const newStore = () => memoryStore(() => systemClock.nowMs())
  const take = (store: MemoryStore, runId: string, warnings: string[] = []) => {
    const log = { ...silentLog, warn: (text: string) => warnings.push(text) }
    const options = { store, owner: 'host:1', runId, leaseSeconds: 60, clock: systemClock, log, randomId: countedId }
    return acquireLease(options, signal)
  }
  const bodyIn = (store: MemoryStore): LeaseBody => JSON.parse(String(store.objects.get(leaseKey)?.bytes))
  const pass = async (seconds: number) => {
    await vi.advanceTimersByTimeAsync(seconds * 1000)
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  async function leave(store: MemoryStore) {
    const lease = await take(store, 'run-of-plan')
    await lease.handOver(url, deadlineSeconds, signal)
    return lease
  }

  test('is held without renewal until the deadline, and names the plan to whoever comes before', async () => {
    const store = newStore()
    const lease = await leave(store)
    const { etag } = store.objects.get(leaseKey) ?? {}
    await lease.release()
    await pass(deadlineSeconds - 60)
    expect(store.objects.get(leaseKey)?.etag).toBe(etag)
    expect(lease.lost.aborted).toBe(false)
    await expect(take(store, 'run-of-night')).rejects.toMatchObject({
      code: 'lease-held',
      message: `the ledger in memory://ledger is held by the plan ${url}, made by host:1 (run run-of-plan) since 2026-11-01T00:00:00.000Z`,
      advice: expect.stringContaining(`\`snapproof collect --plan ${url}\` ends it`),
    })
  })

  test('goes to its own collect at once, and to nobody else’s', async () => {
    const store = newStore()
    await leave(store)
    await expect(take(store, 'run-of-another-plan')).rejects.toMatchObject({ code: 'lease-held' })
    const collect = await take(store, 'run-of-plan')
    expect(collect.fence).toBe(2)
    expect(bodyIn(store)).toMatchObject({ state: 'held', leaseSeconds: 60 })
    expect(bodyIn(store).plan).toBeUndefined()
    // A second collect of the same plan has to wait for the first, dead or alive.
    await expect(take(store, 'run-of-plan')).rejects.toMatchObject({ code: 'lease-held' })
    await collect.release()
    expect(bodyIn(store).state).toBe('released')
  })

  test('is followed after the deadline by the store’s times, and that is said', async () => {
    const store = newStore()
    await leave(store)
    // This machine's clock is a week ahead; the store's is not.
    vi.setSystemTime(Date.now() + 7 * day)
    store.aheadMs = -7 * day
    await expect(take(store, 'run-of-night')).rejects.toMatchObject({ code: 'lease-held' })
    store.aheadMs += (deadlineSeconds + 5) * 1000
    const warnings: string[] = []
    const night = await take(store, 'run-of-night', warnings)
    expect(night.fence).toBe(2)
    expect(warnings).toEqual([expect.stringMatching(/was not collected by its deadline/)])
    // A collect that comes now waits like everybody else, and works once the night is over.
    await expect(take(store, 'run-of-plan')).rejects.toMatchObject({ code: 'lease-held' })
    await night.release()
    await (await take(store, 'run-of-plan')).release()
  })

  test('a paused collect that was followed harms nothing', async () => {
    const store = newStore()
    await leave(store)
    const paused = await take(store, 'run-of-plan')
    store.aheadMs = 120_000
    const next = await take(store, 'run-of-night')
    await pass(30)
    expect(paused.lost.aborted).toBe(true)
    await expect(paused.handOver(url, deadlineSeconds, signal)).rejects.toMatchObject({ code: 'lease-held' })
    await paused.release()
    expect(bodyIn(store)).toMatchObject({ runId: 'run-of-night', state: 'held', fence: next.fence })
    await next.release()
  })

  test('cannot be left by one who has lost it, whoever knows of that already', async () => {
    const store = newStore()
    const paused = await take(store, 'run-of-plan')
    store.aheadMs = 120_000
    const next = await take(store, 'run-of-night')
    await expect(paused.handOver(url, deadlineSeconds, signal)).rejects.toMatchObject({ code: 'lease-held' })
    expect(bodyIn(store)).toMatchObject({ runId: 'run-of-night', state: 'held' })
    expect(bodyIn(store).plan).toBeUndefined()
    await next.release()
  })

  test.each(['lost', 'conflict'] as const)('a write whose answer is %s is no loss', async kind => {
    let fired = 0
    for (let failing = 1; failing < 30; failing++) {
      const inner = newStore()
      const store = faultyStore(inner, kind, failing)
      const left = await leave(store as unknown as MemoryStore).catch((error: unknown) => error)
      if (!(left instanceof Error)) expect(bodyIn(inner)).toMatchObject({ plan: url, state: 'held' })
      if (store.fired()) fired++
    }
    expect(fired).toBeGreaterThanOrEqual(2)
  })
})

describe('journals of machines that work beside each other', () => {
  const id = { createdMs: start, journalId: '20261101T000000Z-0123abcd-7' }
  const clock = testClock()

  test('one journal of an id, whoever writes it and however often; every session knows of it', async () => {
    const store = memoryStore(() => clock.now)
    const options = { readOnly: true, journals: true }
    const [one, other] = [await openTest(store, clock, options), await openTest(store, clock, options)]
    expect(one.holdsJournal(id)).toBe(false)
    expect(await one.journalOnce('run-a', id, [contentRow()], signal)).toBe(true)
    expect(one.holdsJournal(id)).toBe(true)
    // The other knows nothing of it and restored the content a second later.
    expect(await other.journalOnce('run-a', id, [contentRow({ atMs: start + 1000 })], signal)).toBe(false)
    expect(await one.journalOnce('run-a', id, [contentRow()], signal)).toBe(true)
    await Promise.all([one.close(), other.close()])
    expect([...store.objects.keys()]).toEqual([`journals/2026/11/01/${start}-${id.journalId}.json`])

    const night = await openTest(store, clock)
    expect(night.holdsJournal(id)).toBe(true)
    expect(night.recentPasses(10)).toEqual([contentRow()])
    await night.close()
  })

  test('they are written without the lease that a plan holds, and taken in by whoever stores next', async () => {
    const store = memoryStore(() => clock.now)
    const plan = await openTest(store, clock, { runId: 'run-of-plan' })
    await plan.leaveToPlan(url, deadlineSeconds, signal)
    await plan.close()
    const machine = await openTest(store, clock, { readOnly: true, journals: true })
    await machine.journalOnce('run-of-plan', id, [contentRow()], signal)
    await machine.journal('run-of-plan', [contentRow({ contentId: 'c2', verdict: 'inconclusive' })], signal)
    await expect(machine.store(signal)).rejects.toMatchObject({ code: 'internal' })
    await machine.close()
    await expect(openTest(store, clock)).rejects.toMatchObject({ code: 'lease-held' })
    const collect = await openTest(store, clock, { runId: 'run-of-plan' })
    expect(collect.recentPasses(10)).toHaveLength(1)
    await collect.close()
  })

  test('a reader writes none', async () => {
    const reader = await openTest(
      memoryStore(() => clock.now),
      clock,
      { readOnly: true },
    )
    await expect(reader.journalOnce('run-a', id, [contentRow()], signal)).rejects.toMatchObject({ code: 'internal' })
    await expect(reader.journal('run-a', [contentRow()], signal)).rejects.toMatchObject({ code: 'internal' })
    await reader.close()
  })

  test('one that would never be folded is refused, and not taken for one that was', async () => {
    const file = `${newFolder()}/ledger.sqlite`
    const store = memoryStore(() => clock.now)
    const first = await openTest(store, clock, { file })
    await first.journal('run-a', [runRow()], signal)
    clock.now += 60 * day
    await first.journal('run-b', [runRow({ runId: 'run-b' })], signal)
    await first.store(signal)
    await first.close()
    const machine = await openTest(store, clock, { readOnly: true, journals: true })
    expect(() => machine.holdsJournal(id)).toThrow(/too old to be folded/)
    await expect(machine.journalOnce('run-a', id, [contentRow()], signal)).rejects.toMatchObject({ exitCode: 64 })
    await machine.close()
  })

  test('are more than one where one would be longer than what is read', async () => {
    const store = memoryStore(() => start)
    const id = { createdMs: start, journalId: 'run-a-run' }
    const machine = await openTest(store, testClock(), { readOnly: true, journals: true })
    const message = 'x'.repeat(12_000_000)
    const rows = ['c1', 'c2', 'c3', 'c4'].map(contentId => contentRow({ contentId, message }))
    expect(await machine.journalOnce('run-a', id, rows, signal)).toBe(true)
    expect(await machine.journalOnce('run-a', id, rows.slice(1), signal)).toBe(false)
    await machine.close()
    const next = await openTest(store, testClock())
    expect(next.warnings).toEqual([])
    expect(next.holdsJournal(id)).toBe(true)
    for (const { contentId } of rows) expect(next.contentHistory('i1', contentId, null).proof?.verdict).toBe('pass')
    await next.close()
  })
})
