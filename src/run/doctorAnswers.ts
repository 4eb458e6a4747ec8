/** What `doctor` makes of what SNS and the ledger said. Pure. */
import type { RunRow } from '../model/journal.ts'
import type { TopicAnswer } from '../notify/subscriptions.ts'
import { isoTime } from '../time.ts'

export interface Answer {
  readonly outcome: 'good' | 'bad' | 'not-proven'
  readonly message: string
  readonly advice?: string
}

export function good(message: string): Answer {
  return { outcome: 'good', message }
}

/** `answer` null: nobody was asked. Both null: no topic is configured, and who is told is not ours to know. */
export function topicAnswer(topicArn: string | null, answer: TopicAnswer | null): Answer {
  if (topicArn === null || answer === null) return good('no notify.topicArn is configured: nobody was asked')
  if (answer.kind === 'no-topic') {
    return {
      outcome: 'bad',
      message: `there is no topic ${topicArn}`,
      advice: 'Set notify.topicArn to the topic of the alarms.',
    }
  }
  if (answer.kind === 'denied') {
    return {
      outcome: 'not-proven',
      message: `who is subscribed may not be asked: ${answer.said}`,
      advice: `Allow sns:ListSubscriptionsByTopic on ${topicArn} to this identity, or look: aws sns list-subscriptions-by-topic --topic-arn ${topicArn}`,
    }
  }
  const name = ({ protocol, endpoint }: (typeof answer.subscriptions)[number]) => `${protocol} ${endpoint}`
  const confirmed = answer.subscriptions.filter(one => one.confirmed)
  const waiting = answer.subscriptions.filter(one => !one.confirmed).map(name)
  const confirmation =
    'Confirm: each address got a mail "AWS Notification – Subscription Confirmation", each webhook a POST.'
  if (confirmed.length === 0) {
    return waiting.length === 0
      ? {
          outcome: 'bad',
          message: `nobody is subscribed to ${topicArn}`,
          advice: 'Subscribe an address or a webhook to it.',
        }
      : { outcome: 'bad', message: `nobody has confirmed: ${listed(waiting)}`, advice: confirmation }
  }
  if (waiting.length > 0) {
    const message = `${confirmed.length} confirmed; not yet, and deaf until then: ${listed(waiting)}`
    return { outcome: 'not-proven', message, advice: confirmation }
  }
  return good(`${confirmed.length} confirmed: ${listed(confirmed.map(name))}`)
}

export interface TriedNotifications {
  /** `ping at https://hc-ping.com`. */
  readonly places: string
  /** False: `--send` was not given. */
  readonly sent: boolean
}

export function notificationsAnswer({ places, sent }: TriedNotifications): Answer {
  if (sent) return good(`a test was taken: ${places}`)
  const advice =
    '`snapproof doctor --send` sends a test: `log` to the ping, which changes no state, and a document to the webhook.'
  return { outcome: 'not-proven', message: `${places}: nothing was sent`, advice }
}

function listed(names: readonly string[]): string {
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`
}

const hourMs = 3_600_000
/** The usual pause is the median of the last ones; a pause of twice that, and at least this, is worth a look. */
const leastPauseMs = 26 * hourMs
const runsLookedAt = 9

/**
 * Information, never bad: a schedule may be off on purpose. How often it should run only the ledger tells, by the pauses of
 * earlier audits. `runs`: oldest first.
 */
export function lastRunAnswer(runs: readonly RunRow[], nowMs: number): Answer {
  const audits = runs.filter(run => run.command === 'audit')
  const last = audits.at(-1)
  if (last === undefined) {
    return {
      outcome: 'not-proven',
      message: 'the ledger knows no audit yet',
      advice: 'Start the first one now: a deployed stack names the command.',
    }
  }
  const said = `the last audit ended at ${isoTime(last.endedMs)}, ${age(nowMs - last.endedMs)} ago, with exit code ${last.exitCode}`
  const latest = audits.slice(-runsLookedAt)
  const pauses = latest.slice(1).map((run, i) => run.endedMs - (latest[i]?.endedMs ?? run.endedMs))
  const usualMs = pauses.sort((a, b) => a - b)[Math.floor(pauses.length / 2)] ?? 0
  if (nowMs - last.endedMs <= Math.max(leastPauseMs, 2 * usualMs)) return good(said)
  const usual = pauses.length === 0 ? '' : `; usually one ended every ${age(usualMs)}`
  return {
    outcome: 'not-proven',
    message: `${said}${usual}`,
    advice: 'Look at the schedule, its dead-letter queue, and the log of the last run.',
  }
}

function age(ms: number): string {
  const hours = Math.max(0, ms) / hourMs
  return hours < 48 ? `${Math.round(hours)} h` : `${Math.round(hours / 24)} days`
}
