import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { acquireLease } from '../../src/ledger/lease.ts'
import { type LeaseBody, leaseKey } from '../../src/ledger/leaseObject.ts'
import { silentLog } from '../../src/log.ts'
import { systemClock } from '../../src/time.ts'
import { faultyStore } from '../support/faultyStore.ts'
import type { MemoryStore } from '../support/memoryStore.ts'
import { memoryStore } from '../support/memoryStore.ts'
import { countedId, openTest, signal } from './support.ts'

// setImmediate stays real: the store in memory takes its turns with it.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: Date.UTC(2026, 10, 1) })
})
afterEach(() => {
  vi.useRealTimers()
})

const leaseSeconds = 60
const take = (store: ReturnType<typeof memoryStore> | ReturnType<typeof faultyStore>, owner: string) =>
  acquireLease(
    { store, owner, runId: `run-of-${owner}`, leaseSeconds, clock: systemClock, log: silentLog, randomId: countedId },
    signal,
  )
const newStore = () => memoryStore(() => systemClock.nowMs())
function bodyIn(store: MemoryStore): LeaseBody {
  return JSON.parse(String(store.objects.get(leaseKey)?.bytes))
}
/** Timers fire, and what they start comes to its end. */
async function pass(seconds: number) {
  for (let left = seconds; left > 0; left -= 5) {
    await vi.advanceTimersByTimeAsync(Math.min(left, 5) * 1000)
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  }
}

test('is refused while it is held, by name and since when; renewed for as long as the run lasts', async () => {
  const store = newStore()
  const lease = await take(store, 'alpha:1')
  const etags = new Set<string>()
  for (let minute = 0; minute < 10; minute++) {
    etags.add(store.objects.get(leaseKey)?.etag ?? '')
    await expect(take(store, 'beta:2')).rejects.toMatchObject({
      code: 'lease-held',
      exitCode: 3,
      message: 'the ledger in memory://ledger is held by alpha:1 (run run-of-alpha:1) since 2026-11-01T00:00:00.000Z',
    })
    await pass(60)
  }
  expect(etags.size).toBe(10)
  expect(bodyIn(store)).toMatchObject({ owner: 'alpha:1', fence: 1, state: 'held' })
  expect(bodyIn(store).renewal).toBeGreaterThan(10)
  expect(lease.lost.aborted).toBe(false)
  await lease.release()
  expect([...store.objects.keys()]).toEqual([leaseKey])
})

test('given back, it is free at once, and the fencing number grows', async () => {
  const store = newStore()
  for (const fence of [1, 2, 3]) {
    const lease = await take(store, 'alpha:1')
    expect(lease.fence).toBe(fence)
    await lease.release()
    await lease.release()
    expect(bodyIn(store).state).toBe('released')
    await pass(120)
    expect(bodyIn(store)).toMatchObject({ state: 'released', fence })
  }
})

describe('expires by the store’s times', () => {
  test('a dead holder is followed after its time', async () => {
    const store = newStore()
    const held = await take(store, 'dead:1')
    await held.release()
    abandon(store, {})
    await pass(55)
    await expect(take(store, 'beta:2')).rejects.toMatchObject({ code: 'lease-held' })
    await pass(10)
    const next = await take(store, 'beta:2')
    expect(next.fence).toBe(8)
    await next.release()
  })

  test.each([-86_400_000, 86_400_000])('a clock that is wrong by %i ms steals and loses nothing', async wrongMs => {
    const store = newStore()
    const held = await take(store, 'alpha:1')
    vi.setSystemTime(Date.now() + wrongMs)
    store.aheadMs = -wrongMs
    await expect(take(store, 'beta:2')).rejects.toMatchObject({ code: 'lease-held' })
    await pass(300)
    await expect(take(store, 'beta:2')).rejects.toMatchObject({ code: 'lease-held' })
    expect(held.lost.aborted).toBe(false)
    await held.release()
  })

  test('one that cannot be read is somebody’s until it is old, and its number is passed by', async () => {
    const store = newStore()
    await store.put(leaseKey, Buffer.from('not a lease'))
    await expect(take(store, 'beta:2')).rejects.toThrow(/somebody unknown/)
    await pass(65)
    const lease = await take(store, 'beta:2')
    expect(lease.fence).toBe(Math.floor(Date.now() / 1000))
    await lease.release()
  })

  /** A lease that nobody renews. */
  function abandon(store: MemoryStore, rest: Partial<LeaseBody>) {
    const body = { ...bodyIn(store), state: 'held', fence: 7, ...rest }
    const held = store.objects.get(leaseKey)
    if (held === undefined) throw new Error('there is no lease')
    store.objects.set(leaseKey, { ...held, bytes: Buffer.from(JSON.stringify(body)) })
  }
})

test('a holder that was paused and followed loses it, harms nothing, and says so', async () => {
  const store = newStore()
  const paused = await take(store, 'alpha:1')
  // Only the store's clock goes on: the holder's timers did not run meanwhile.
  store.aheadMs = 120_000
  const next = await take(store, 'beta:2')
  expect(next.fence).toBe(2)
  await pass(30)
  expect(paused.lost.aborted).toBe(true)
  expect(paused.lost.reason).toMatchObject({ code: 'lease-held', message: expect.stringMatching(/taken by beta:2/) })
  await paused.release()
  expect(bodyIn(store)).toMatchObject({ owner: 'beta:2', state: 'held', fence: 2 })
  await next.release()
})

test('a paused holder that nobody followed goes on', async () => {
  const store = newStore()
  const lease = await take(store, 'alpha:1')
  store.aheadMs = 3_600_000
  await pass(30)
  expect(lease.lost.aborted).toBe(false)
  expect(bodyIn(store).renewal).toBe(1)
  await lease.release()
})

test('a store that is away is tried again until the time is up, then the lease is lost', async () => {
  const inner = newStore()
  let away = false
  const store: MemoryStore = {
    ...inner,
    putIfMatch: (...call) => (away ? Promise.reject(new Error('away')) : inner.putIfMatch(...call)),
  }
  const lease = await take(store, 'alpha:1')
  away = true
  await pass(50)
  expect(lease.lost.aborted).toBe(false)
  away = false
  await pass(20)
  expect(bodyIn(inner).renewal).toBeGreaterThan(0)
  away = true
  await pass(100)
  expect(lease.lost.reason).toMatchObject({
    code: 'lease-held',
    message: expect.stringMatching(/not be renewed in time/),
  })
  await lease.release()
})

test.each(['lost', 'conflict'] as const)('a write whose answer is %s is no loss', async kind => {
  let fired = 0
  for (let failing = 1; failing < 30; failing++) {
    const inner = newStore()
    const store = faultyStore(inner, kind, failing)
    const lease = await take(store, 'alpha:1').catch((error: unknown) => error)
    if (!(lease instanceof Error)) {
      const held = lease as Awaited<ReturnType<typeof take>>
      await pass(120)
      expect(held.lost.aborted).toBe(false)
      await held.release()
    }
    if (store.fired()) fired++
  }
  expect(fired).toBeGreaterThan(2)
})

test('the session shows it: leaseLost aborts, journal and store still work', async () => {
  const store = newStore()
  const session = await openTest(store, systemClock, { leaseSeconds })
  expect(session.fence).toBe(1)
  store.aheadMs = 120_000
  const next = await openTest(store, systemClock, { leaseSeconds })
  await pass(30)
  expect(session.leaseLost.aborted).toBe(true)
  await session.journal('r', [], signal)
  await session.store(signal)
  await Promise.all([session.close(), next.close()])
  expect(bodyIn(store)).toMatchObject({ fence: 2, state: 'released' })
})
