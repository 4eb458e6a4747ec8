/**
 * Tells others how a run begins and ends. Nothing here ever changes a verdict or ends a run: what was not taken is a warning, and
 * whoever waits for a ping misses it.
 */
import { describeError, isSnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time.ts'
import { withDeadline } from '../time.ts'
import { type Ending, type PingKind, pingText, pingUrl, webhookDocument, webhookTest } from './messages.ts'
import { type Patience, type Post, post } from './post.ts'

export interface Notifier {
  /** Where to, for people: origins alone. */
  readonly places: string
  /** `start`; returns within seconds, taken or not. */
  started(runId: string): Promise<void>
  /** Success or failure, and the webhook. `ping` false: the webhook alone. */
  ended(ending: Ending, options?: { readonly ping: boolean }): Promise<void>
  /** The ping as `log`, which changes no state, and a test document. @throws SnapproofError `unavailable` */
  tryOut(repository: Ending['repository'], signal: AbortSignal): Promise<void>
}

export interface NotifierOptions {
  readonly ping: string | null
  readonly webhook: string | null
  /** One more header of the webhook. */
  readonly header: readonly [string, string] | null
  readonly version: string
  readonly clock: Clock
  readonly log: Log
  /** Aborted: the run is being stopped. Its end is told all the same, and soon. */
  readonly signal: AbortSignal
  /** @default a minute for the end, ten seconds for the start, five for one who is being stopped */
  readonly timing?: Timing
}

export interface Timing {
  readonly start: Patience & { readonly withinMs: number }
  readonly end: Patience & { readonly withinMs: number }
  /** After SIGTERM, which most schedulers follow by SIGKILL within 30 s. */
  readonly stopped: Patience & { readonly withinMs: number }
}

const usualTiming: Timing = {
  start: { attempts: 2, attemptMs: 4_000, pauseMs: 500, withinMs: 10_000 },
  end: { attempts: 5, attemptMs: 10_000, pauseMs: 1_000, withinMs: 60_000 },
  stopped: { attempts: 3, attemptMs: 2_000, pauseMs: 200, withinMs: 5_000 },
}

export function createNotifier(options: NotifierOptions): Notifier {
  const { ping, webhook, header, version, clock, log, signal } = options
  const timing = options.timing ?? usualTiming
  const pingOf = (kind: PingKind, runId: string | null, body: string): Post[] =>
    ping === null ? [] : [{ url: pingUrl(ping, kind, runId), body, contentType: 'text/plain; charset=utf-8' }]
  const webhookOf = (document: Record<string, unknown>): Post[] =>
    webhook === null
      ? []
      : [{ url: new URL(webhook), body: `${JSON.stringify(document)}\n`, contentType: 'application/json', header }]
  const told = async (what: string, message: Post, patience: Patience, until: AbortSignal): Promise<void> => {
    try {
      await post(message, { patience, clock, signal: until })
    } catch (error) {
      const advice = isSnapproofError(error) ? error.advice : ''
      log.warn(`${what} was not told: ${describeError(error)}`, advice === '' ? {} : { advice })
    }
  }
  return {
    places: [
      ...(ping === null ? [] : [`ping at ${new URL(ping).origin}`]),
      ...(webhook === null ? [] : [`webhook at ${new URL(webhook).origin}`]),
    ].join(', '),
    async started(runId) {
      const until = withDeadline(signal, timing.start.withinMs, 'telling of the start')
      for (const message of pingOf('start', runId, '')) await told('the start of the run', message, timing.start, until)
    },
    async ended(ending, { ping: withPing } = { ping: true }) {
      const kind = ending.exit.code === 0 ? null : 'fail'
      const { until, end } = untilStopped(signal, timing)
      const patience = signal.aborted ? timing.stopped : timing.end
      try {
        await Promise.all([
          ...pingOf(kind, ending.runId, pingText(ending)).map(message =>
            withPing ? told('the end of the run (ping)', message, patience, until) : undefined,
          ),
          ...webhookOf(webhookDocument(ending)).map(message =>
            told('the end of the run (webhook)', message, patience, until),
          ),
        ])
      } finally {
        end()
      }
    },
    async tryOut(repository, abort) {
      const messages = [
        ...pingOf('log', null, 'a test of snapproof doctor\n'),
        ...webhookOf(webhookTest(repository, version)),
      ]
      for (const message of messages) await post(message, { patience: timing.start, clock, signal: abort })
    },
  }
}

/** The time of `end`, cut to that of `stopped` from when the run is being stopped. */
function untilStopped(signal: AbortSignal, { end, stopped }: Timing): { until: AbortSignal; end: () => void } {
  const cut = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const hurry = () => {
    timer = setTimeout(() => cut.abort(new Error('the run is being stopped')), stopped.withinMs)
  }
  if (signal.aborted) hurry()
  else signal.addEventListener('abort', hurry, { once: true })
  return {
    until: withDeadline(cut.signal, end.withinMs, 'telling of the end'),
    end: () => {
      signal.removeEventListener('abort', hurry)
      clearTimeout(timer)
    },
  }
}
