import { describe, expect, it } from 'vitest'
import { deadlineRetry } from '../../src/blobs/s3-retry.ts'
import type { Clock } from '../../src/time.ts'

type Failure = Parameters<ReturnType<typeof deadlineRetry>['refreshRetryTokenForRetry']>[1]

function metadata(status: number | undefined): { httpStatusCode?: number } {
  return status === undefined ? {} : { httpStatusCode: status }
}

describe('the retry strategy', () => {
  let nowMs = 0
  const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: async () => {} }
  const make = () => deadlineRetry({ clock, giveUpAfterMs: 60_000, neverReachedMs: 8_000 })
  const failure = (errorType: Failure['errorType'], status?: number, extra: object = {}): Failure => ({
    errorType,
    error: Object.assign(new Error('x'), { $metadata: metadata(status) }, extra) as NonNullable<Failure['error']>,
  })

  /** Milliseconds until it gives up, and the attempts made by then. */
  async function lasts(what: Failure): Promise<{ ms: number; attempts: number }> {
    const retry = make()
    const started = nowMs
    let token = await retry.acquireInitialRetryToken('')
    for (let attempts = 1; ; attempts++) {
      try {
        token = await retry.refreshRetryTokenForRetry(token, what)
      } catch {
        return { ms: nowMs - started, attempts }
      }
      expect(token.getRetryCount()).toBe(attempts)
      nowMs += token.getRetryDelay()
    }
  }

  it('goes on until the time is up, with growing pauses', async () => {
    for (const what of [failure('THROTTLING', 503), failure('TRANSIENT', 500), failure('SERVER_ERROR', 599)]) {
      const { ms, attempts } = await lasts(what)
      expect(ms).toBe(60_000)
      expect(attempts).toBeGreaterThan(6)
      expect(attempts).toBeLessThan(200)
    }
  })

  it('gives up soon where nothing has ever answered', async () => {
    const { ms } = await lasts(failure('TRANSIENT', undefined, { code: 'ECONNREFUSED' }))
    expect(ms).toBe(8_000)
  })

  it('tries once what will not get better', async () => {
    for (const what of [failure('CLIENT_ERROR', 403), failure('SERVER_ERROR', 501)])
      expect(await lasts(what)).toEqual({ ms: 0, attempts: 1 })
  })

  it('tries garbage again', async () => {
    expect(
      (await lasts(failure('CLIENT_ERROR', undefined, { code: 'HPE_INVALID_CONSTANT' }))).attempts,
    ).toBeGreaterThan(3)
  })

  it('waits as long as it is told, within reason', async () => {
    const retry = make()
    const token = await retry.acquireInitialRetryToken('')
    const told = (ms: number) =>
      retry.refreshRetryTokenForRetry(token, { ...failure('TRANSIENT', 500), retryAfterHint: new Date(nowMs + ms) })
    expect((await told(5_000)).getRetryDelay()).toBe(5_000)
    expect((await told(999_000)).getRetryDelay()).toBe(10_000)
  })
})
