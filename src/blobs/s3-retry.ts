/**
 * The one place where S3 requests are tried again, plugged into the SDK's retry seam. The SDK's own modes stop after a
 * count of attempts or when a shared budget is empty; a nightly audit must ride out a throttled hour and still end, so
 * this one stops by time.
 *
 * Again: throttling, 5xx (not 501), resets, timeouts, garbled answers. Delays grow from 50 ms (throttled: 500 ms) to 10 s,
 * with full jitter; Retry-After is obeyed. The last error is kept and thrown when the time is up.
 */
import { randomInt } from 'node:crypto'
import type { S3ClientConfig } from '@aws-sdk/client-s3'
import type { Clock } from '../time.ts'

type RetryStrategy = Extract<
  NonNullable<S3ClientConfig['retryStrategy']>,
  { acquireInitialRetryToken(scope: string): unknown }
>
type Token = Awaited<ReturnType<RetryStrategy['acquireInitialRetryToken']>>
type Failure = Parameters<RetryStrategy['refreshRetryTokenForRetry']>[1]

export interface RetryOptions {
  readonly clock: Clock
  /** From the first attempt of a request. */
  readonly giveUpAfterMs: number
  /** The same for an endpoint that has never answered: a wrong address should be said soon. */
  readonly neverReachedMs: number
}

interface TimedToken extends Token {
  readonly startedMs: number
}

const maxDelayMs = 10_000
const garbledAnswers = 4

/** Says `reached` once anything has answered. */
export interface DeadlineRetry extends RetryStrategy {
  reached: boolean
}

export function deadlineRetry({ clock, giveUpAfterMs, neverReachedMs }: RetryOptions): DeadlineRetry {
  const token = (startedMs: number, count: number, delayMs: number): TimedToken => ({
    startedMs,
    getRetryCount: () => count,
    getRetryDelay: () => delayMs,
  })
  return {
    reached: false,
    acquireInitialRetryToken: async () => token(clock.monotonicMs(), 0, 0),
    async refreshRetryTokenForRetry(previous, failure) {
      if (statusOf(failure) !== undefined) this.reached = true
      const count = previous.getRetryCount()
      if (!isWorthRetrying(failure, count)) throw new Error('permanent')
      const { startedMs } = previous as TimedToken
      const limitMs = this.reached ? giveUpAfterMs : Math.min(giveUpAfterMs, neverReachedMs)
      const leftMs = limitMs - (clock.monotonicMs() - startedMs)
      if (leftMs < 1) throw new Error('out of time')
      // The last attempt is made when the time is up, not a long pause before.
      const delayMs = Math.min(delayBefore(count, failure, clock), leftMs)
      return token(startedMs, count + 1, delayMs)
    },
    recordSuccess() {
      this.reached = true
    },
  }
}

function isWorthRetrying(failure: Failure, count: number): boolean {
  if (failure.errorType === 'THROTTLING') return true
  const status = statusOf(failure)
  if (status === 501) return false
  if (failure.errorType === 'TRANSIENT' || failure.errorType === 'SERVER_ERROR') return true
  // Good by its status, and its body cannot be read: it was cut, or this is no S3 at all, which should be said soon.
  if (status !== undefined && status >= 200 && status < 300) return count < garbledAnswers
  // The HTTP parser's own complaints (HPE_*): bytes that are no answer at all.
  const code = (failure.error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && code.startsWith('HPE_')
}

function statusOf(failure: Failure): number | undefined {
  return failure.error?.$metadata?.httpStatusCode
}

function delayBefore(count: number, failure: Failure, clock: Clock): number {
  const baseMs = failure.errorType === 'THROTTLING' || statusOf(failure) === 503 ? 500 : 50
  const ceilingMs = Math.min(maxDelayMs, baseMs * 2 ** Math.min(count, 16))
  const jitteredMs = randomInt(1, ceilingMs + 1)
  const askedMs = failure.retryAfterHint === undefined ? 0 : failure.retryAfterHint.getTime() - clock.nowMs()
  return Math.max(jitteredMs, Math.min(askedMs, maxDelayMs))
}
