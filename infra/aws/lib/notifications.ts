/** Where the composites notify: one topic, mails and webhooks. */
import { Stack } from 'aws-cdk-lib'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import { CfnSubscription, Topic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import { known } from './problems.ts'

export interface NotificationProps {
  /** Each must confirm the mail that AWS sends; until then it gets nothing. @default none */
  readonly emails?: readonly string[]
  /** HTTPS endpoints that confirm an SNS subscription. @default none */
  readonly webhooks?: readonly string[]
  /** The whole string of the secret is the address that every run pings (`notify.ping.url`). @default none */
  readonly ping?: ISecret
  /** The same for `notify.webhook.url`: what a run found, by the run itself. @default none */
  readonly runWebhook?: ISecret
}

/** By variable of the program. Addresses are secrets: neither template nor console shows them. */
export function secretsOf({ ping, runWebhook }: NotificationProps): Readonly<Record<string, ISecret>> {
  return {
    ...(ping === undefined ? {} : { SNAPPROOF_NOTIFY_PING_URL: ping }),
    ...(runWebhook === undefined ? {} : { SNAPPROOF_NOTIFY_WEBHOOK_URL: runWebhook }),
  }
}

export function notificationProblems({ emails = [], webhooks = [] }: NotificationProps): string[] {
  return [
    ...emails
      .filter(email => known(email) && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email))
      .map(email => `notifications.emails: "${email}" is no address`),
    ...webhooks
      .filter(url => known(url) && !/^https:\/\/[^\s/]+/.test(url))
      .map(() => 'notifications.webhooks: only https:// URLs'),
  ]
}

export function addTopic(scope: Construct, id: string, key: IKey, props: NotificationProps): Topic {
  const topic = new Topic(scope, id, { masterKey: key, enforceSSL: true })
  const cloudWatch = new ServicePrincipal('cloudwatch.amazonaws.com')
  const ours = { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } }
  topic.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AlarmsNotify',
      principals: [cloudWatch],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: ours,
    }),
  )
  // Without this an alarm changes its state and its message is lost: CloudWatch cannot encrypt it.
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AlarmsEncrypt',
      principals: [cloudWatch],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      resources: ['*'],
      conditions: ours,
    }),
  )
  const subscribe = (protocol: 'email' | 'https', endpoint: string, i: number) =>
    new CfnSubscription(scope, `${id}${protocol === 'email' ? 'Mail' : 'Webhook'}${i}`, {
      topicArn: topic.topicArn,
      protocol,
      endpoint,
    })
  for (const [i, email] of (props.emails ?? []).entries()) subscribe('email', email, i)
  for (const [i, url] of (props.webhooks ?? []).entries()) subscribe('https', url, i)
  return topic
}
