/** Who hears what when, and that nothing of it ever throws. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { LogFields } from '../../src/log.ts'
import type { Ending } from '../../src/notify/messages.ts'
import { createNotifier, type NotifierOptions, type Timing } from '../../src/notify/notifier.ts'
import { systemClock } from '../../src/time.ts'
import { isSilent, type Listener, says, startListener } from './listener.ts'

let listener: Listener
let warnings: string[]
beforeEach(async () => {
  listener = await startListener()
  warnings = []
})
afterEach(() => listener.close())

const patient = { attempts: 3, attemptMs: 60_000, pauseMs: 1, withinMs: 120_000 }
const timing: Timing = { start: patient, end: patient, stopped: patient }

const notifierOf = (over: Partial<NotifierOptions> = {}) =>
  createNotifier({
    ping: `${listener.origin}/ping-hush`,
    webhook: `${listener.origin}/hook-hush`,
    header: ['X-Key', 'hush'],
    version: '1.2.3',
    clock: systemClock,
    log: {
      info: () => {},
      warn: (message: string, fields: LogFields = {}) => warnings.push(`${message} ${JSON.stringify(fields)}`),
      progress: () => {},
    },
    signal: new AbortController().signal,
    timing,
    ...over,
  })

const endingOf = (code: Ending['exit']['code']): Ending => ({
  runId: 'r',
  command: 'audit',
  repository: { name: 'prod', url: 's3://bucket/base' },
  version: '1.2.3',
  endedAt: '2026-11-23T02:31:00.000Z',
  exit: { code, applies: [code], reason: 'because' },
  run: null,
  report: null,
})
const paths = () => listener.heard.map(({ path }) => path.replace(/\?rid=.*/, '')).sort()

it.each([
  [0, ['/hook-hush', '/ping-hush']],
  [1, ['/hook-hush', '/ping-hush/fail']],
  [2, ['/hook-hush', '/ping-hush/fail']],
  [4, ['/hook-hush', '/ping-hush/fail']],
  [64, ['/hook-hush', '/ping-hush/fail']],
] as const)('exit code %i: %j', async (code, expected) => {
  await notifierOf().ended(endingOf(code))
  expect(paths()).toEqual(expected)
  expect(warnings).toEqual([])
})

it('the start is a ping and nothing else; the key of the webhook is for the webhook', async () => {
  const notifier = notifierOf()
  await notifier.started('r')
  expect(paths()).toEqual(['/ping-hush/start'])
  await notifier.ended(endingOf(0))
  const [start, ...ends] = listener.heard
  const end = ends.find(({ path }) => path.startsWith('/ping'))
  expect(end?.path.split('?')[1]).toBe(start?.path.split('?')[1])
  expect([start, end].map(one => one?.headers['x-key'])).toEqual([undefined, undefined])
  expect(ends.find(({ path }) => path.startsWith('/hook'))?.headers['x-key']).toBe('hush')
})

it('one alone, and the webhook alone of an old plan', async () => {
  await notifierOf({ webhook: null }).ended(endingOf(0))
  await notifierOf({ ping: null }).started('r')
  await notifierOf({ ping: null }).ended(endingOf(1))
  await notifierOf().ended(endingOf(0), { ping: false })
  expect(paths()).toEqual(['/hook-hush', '/hook-hush', '/ping-hush'])
})

it('what is not taken is a warning without the secret, and does not keep the other from being told', async () => {
  listener.answers = [says(404, 'no /ping-hush'), says(404, 'no /hook-hush')]
  const notifier = notifierOf()
  await notifier.ended(endingOf(1))
  listener.answers = [says(410)]
  await notifier.started('r')
  expect(warnings).toHaveLength(3)
  expect(warnings.join('\n')).not.toContain('hush')
  expect(warnings[2]).toMatch(
    /^the start of the run was not told: http:\/\/127\.0\.0\.1:\d+ did not take it \(1 attempt\): it said 410/,
  )
  listener.answers = [says(404)]
  await notifier.ended(endingOf(0))
  expect(warnings).toHaveLength(4)
  expect(listener.heard).toHaveLength(5)
})

it('a server that is silent holds up neither the start nor the end of a run', async () => {
  const short = { ...patient, withinMs: 100 }
  const notifier = notifierOf({ timing: { start: short, end: short, stopped: patient } })
  listener.answers = [isSilent, isSilent, isSilent]
  await notifier.started('r')
  await notifier.ended(endingOf(0))
  expect(warnings).toHaveLength(3)
})

it('a run that is being stopped tells its end, with less patience', async () => {
  const stop = new AbortController()
  const slow = { ...patient, attempts: 1, withinMs: 3_600_000 }
  const notifier = notifierOf({
    webhook: null,
    signal: stop.signal,
    timing: { start: slow, end: slow, stopped: { ...patient, withinMs: 100 } },
  })
  // Stopped while it is told: what is left of its time is that of the stopped.
  listener.answers = [() => stop.abort()]
  await notifier.ended(endingOf(1))
  expect(warnings).toEqual([expect.stringContaining('the run is being stopped')])
  // Stopped before: silence costs the same short time.
  listener.answers = [isSilent]
  await notifier.ended(endingOf(2))
  expect(warnings).toHaveLength(2)
})

it('a run that was stopped is tried again, too', async () => {
  listener.answers = [says(503)]
  await notifierOf({ webhook: null, signal: AbortSignal.abort() }).ended(endingOf(2))
  expect(paths()).toEqual(['/ping-hush/fail', '/ping-hush/fail'])
  expect(warnings).toEqual([])
})

it('doctor sends a log and a test document, and hears who does not take it', async () => {
  const { signal } = new AbortController()
  const notifier = notifierOf()
  expect(notifier.places).toBe(`ping at ${listener.origin}, webhook at ${listener.origin}`)
  await notifier.tryOut({ name: 'prod', url: 's3://bucket/base' }, signal)
  expect(paths()).toEqual(['/hook-hush', '/ping-hush/log'])
  const body = listener.heard.find(({ path }) => path === '/hook-hush')?.body ?? ''
  expect(JSON.parse(body)).toMatchObject({ schemaVersion: 1, event: 'test', repository: { name: 'prod' } })
  listener.answers = [says(403)]
  await expect(notifier.tryOut({ name: 'prod', url: '' }, signal)).rejects.toMatchObject({ code: 'unavailable' })
})
