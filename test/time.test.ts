import { expect, test } from 'vitest'
import { isSnapproofError } from '../src/errors.ts'
import { isoTime, steadyClock, systemClock, withDeadline } from '../src/time.ts'

test('times are ISO UTC, null stays null', () => {
  expect(isoTime(0)).toBe('1970-01-01T00:00:00.000Z')
  expect(isoTime(null)).toBeNull()
})

test('a time that no date can hold is the last one that it can', () => {
  expect(isoTime(Number.MAX_SAFE_INTEGER)).toBe('+275760-09-13T00:00:00.000Z')
  expect(isoTime(-Number.MAX_SAFE_INTEGER)).toBe('-271821-04-20T00:00:00.000Z')
})

test('a deadline says what did not end', async () => {
  const signal = withDeadline(undefined, 1, 'the restore of logs')
  await new Promise(resolve => signal.addEventListener('abort', resolve))
  expect(isSnapproofError(signal.reason, 'deadline')).toBe(true)
  expect(String(signal.reason)).toContain('the restore of logs')
})

test('the parent’s abort keeps its own reason', () => {
  const parent = new AbortController()
  const signal = withDeadline(parent.signal, 60_000, 'x')
  parent.abort('Ctrl-C')
  expect(signal.reason).toBe('Ctrl-C')
})

test('a deadline of many days does not fire at once', async () => {
  const signal = withDeadline(undefined, 2 ** 31 * 1000, 'a very large restore')
  await systemClock.sleep(20)
  expect(signal.aborted).toBe(false)
})

test('a sleep ends with the reason of the abort', async () => {
  const abort = new AbortController()
  const sleep = systemClock.sleep(60_000, abort.signal)
  abort.abort(new RangeError('enough'))
  await expect(sleep).rejects.toThrow(RangeError)
})

test('the monotonic clock does not go back', () => {
  const first = systemClock.monotonicMs()
  expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(first)
  expect(systemClock.nowMs()).toBeGreaterThan(1_700_000_000_000)
})

test('a steady clock reads the time of day once', () => {
  let [now, since] = [1_000_000, 5]
  const clock = steadyClock({ ...systemClock, nowMs: () => now, monotonicMs: () => since })
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_000_000, 5])
  now -= 86_400_000
  since += 2_000.4
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_002_000, 2_005.4])
})
