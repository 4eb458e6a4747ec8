import { expect, test } from 'vitest'
import { inOrder } from '../../src/repository/ahead.ts'

const { signal } = new AbortController()

/** Signals that the work of one loop over three items was given; the loop is left after `take` of them. */
async function signalsOf(take: number): Promise<AbortSignal[]> {
  const signals: AbortSignal[] = []
  let taken = 0
  const work = async (item: number, own: AbortSignal) => {
    signals.push(own)
    return item
  }
  for await (const item of inOrder([1, 2, 3], 2, signal, work)) {
    expect(item).toBe(taken + 1)
    if (++taken === take) break
  }
  return signals
}

test('work that was begun for nothing is told, and work that has ended, too', async () => {
  for (const take of [1, 3]) {
    const signals = await signalsOf(take)
    expect(signals.length).toBeGreaterThanOrEqual(take)
    for (const own of signals) expect(own.aborted).toBe(true)
  }
})

test('every loop ends by the same error: one of its own would keep what the loop held', async () => {
  const reasons = new Set([...(await signalsOf(1)), ...(await signalsOf(3))].map(own => own.reason))
  expect(reasons.size).toBe(1)
  expect([...reasons][0]).toMatchObject({ name: 'AbortError' })
})
