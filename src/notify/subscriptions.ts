/** Who is subscribed to the topic of the alarms, as SNS alone knows it. The only user of the SNS SDK; nothing is published. */
import { ListSubscriptionsByTopicCommand, SNSClient } from '@aws-sdk/client-sns'
import { awsSettings, regionOfArn } from '../aws.ts'
import { describeError, SnapproofError } from '../errors.ts'
import { withDeadline } from '../time.ts'

export interface Subscription {
  /** `email`, `https`, `sqs`, … */
  readonly protocol: string
  /** Address; of a URL its origin alone, for the rest of a webhook is often its secret. */
  readonly endpoint: string
  /** Nobody gets anything until the subscription is confirmed. */
  readonly confirmed: boolean
}

export type TopicAnswer =
  | { readonly kind: 'subscriptions'; readonly subscriptions: readonly Subscription[] }
  /** We may not ask; says nothing of the topic. */
  | { readonly kind: 'denied'; readonly said: string }
  | { readonly kind: 'no-topic' }

export interface AskTopicOptions {
  /** `arn:aws:sns:region:account:name`; the region is taken from it. */
  readonly topicArn: string
  /** Another endpoint than that of SNS, for stand-ins. */
  readonly endpointUrl: string | null
  readonly signal: AbortSignal
  /** For all calls together. @default 30 s */
  readonly timeoutMs?: number
}

/** Of 100 subscriptions each; nobody reads an alarm of a topic with more. */
const mostPages = 50

/**
 * @throws SnapproofError `unavailable` when SNS gives no answer in time or another than those above, `access-denied` for wrong
 *   credentials; the reason that the signal was aborted with, when it was
 */
export async function askTopic({ topicArn, endpointUrl, signal, timeoutMs }: AskTopicOptions): Promise<TopicAnswer> {
  const until = withDeadline(signal, timeoutMs ?? 30_000, 'asking SNS for subscriptions')
  const client = new SNSClient(awsSettings({ region: regionOfArn(topicArn), endpointUrl }))
  const subscriptions: Subscription[] = []
  try {
    let next: string | undefined
    for (let page = 0; page < mostPages; page++) {
      const answer = await client.send(new ListSubscriptionsByTopicCommand({ TopicArn: topicArn, NextToken: next }), {
        abortSignal: until,
      })
      for (const { Protocol = 'unknown', Endpoint = '', SubscriptionArn = '' } of answer.Subscriptions ?? []) {
        // "PendingConfirmation" and "Deleted" stand where an ARN would (API reference of ListSubscriptionsByTopic).
        subscriptions.push({
          protocol: Protocol,
          endpoint: withoutSecret(Endpoint),
          confirmed: SubscriptionArn.startsWith('arn:'),
        })
      }
      next = answer.NextToken
      if (next === undefined) break
    }
    return { kind: 'subscriptions', subscriptions }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    const name = error instanceof Error ? error.name : ''
    if (/^(?:AuthorizationError|AccessDenied)(?:Exception)?$/.test(name)) {
      return { kind: 'denied', said: describeError(error) }
    }
    if (/^NotFound(?:Exception)?$/.test(name)) return { kind: 'no-topic' }
    const cause = until.aborted ? until.reason : error
    const credentials = /token|credential|signature|accesskey|unrecognizedclient/i.test(name)
    throw new SnapproofError(
      credentials ? 'access-denied' : 'unavailable',
      `SNS did not say who is subscribed to ${topicArn}`,
      {
        advice: credentials
          ? 'The credentials are wrong or expired; they come from the default chain of the AWS SDK.'
          : 'Check the region in the ARN, the network and the endpoint; from a network without internet SNS needs an interface endpoint.',
        cause,
      },
    )
  } finally {
    client.destroy()
  }
}

function withoutSecret(endpoint: string): string {
  return URL.canParse(endpoint) && /^https?:/.test(endpoint) ? new URL(endpoint).origin : endpoint
}
