/**
 * Clock and waiting. The only place that may read the time; everything else is given a `Clock`.
 *
 * Two kinds of time: UTC epoch milliseconds say when, monotonic milliseconds say how long, so that a clock that jumps
 * makes no old proof young and no wait endless.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { SnapproofError } from './errors.ts'

export interface Clock {
  /** UTC epoch milliseconds. */
  nowMs(): number
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(Math.min(ms, longestTimerMs), undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      throw signal?.reason ?? error
    }
  },
}

/**
 * The same clock, for one run: the time of day is read once and goes on by the monotonic one, so that a clock that is set while
 * the run lasts neither ends it early nor dates what it proves.
 */
export function steadyClock(clock: Clock): Clock {
  const offsetMs = clock.nowMs() - clock.monotonicMs()
  return {
    nowMs: () => Math.round(clock.monotonicMs() + offsetMs),
    monotonicMs: () => clock.monotonicMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  }
}

/** What a Date can hold (ECMA-262, 21.4.1.1); times come from repositories too. */
const latestMs = 8.64e15

/** ISO 8601 UTC with milliseconds; null stays null. Times beyond what a date can hold become the last one that it can. */
export function isoTime(ms: number): string
export function isoTime(ms: number | null): string | null
export function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(Math.max(-latestMs, Math.min(latestMs, ms))).toISOString()
}

/** Timers of Node hold 31 bits: a longer one would fire at once. */
const longestTimerMs = 2 ** 31 - 1

/** A signal that aborts when `parent` does, or after `timeoutMs` with error code `deadline`. */
export function withDeadline(parent: AbortSignal | undefined, timeoutMs: number, what: string): AbortSignal {
  const timeout = new AbortController()
  const timer = setTimeout(
    () => timeout.abort(new SnapproofError('deadline', `${what} did not end within ${Math.round(timeoutMs / 1000)} s`)),
    Math.min(timeoutMs, longestTimerMs),
  )
  timer.unref()
  return parent === undefined ? timeout.signal : AbortSignal.any([parent, timeout.signal])
}
