/** Doctor's questions to AWS, asked of moto through the real clients. */

import { CloudWatchClient, ListMetricsCommand } from '@aws-sdk/client-cloudwatch'
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { ensureMoto, type Moto } from '../../infra/local/moto.ts'
import { namespace, probeMetric } from '../../src/metrics/names.ts'
import { putProbe } from '../../src/metrics/put.ts'
import { askTopic } from '../../src/notify/subscriptions.ts'
import { systemClock } from '../../src/time.ts'

const region = 'eu-central-1'
const { signal } = new AbortController()
let moto: Moto

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  moto = await ensureMoto()
})
afterAll(async () => {
  await moto?.stop()
  vi.unstubAllEnvs()
})

it('asks who is subscribed to a topic', async () => {
  const { endpointUrl } = moto
  const sns = new SNSClient({ region, endpoint: endpointUrl })
  try {
    const { TopicArn: topicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'alarms' }))
    expect(await askTopic({ topicArn, endpointUrl, signal })).toEqual({ kind: 'subscriptions', subscriptions: [] })
    for (let i = 0; i < 120; i++) {
      const Endpoint = `a${i}@example.com`
      await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'email', Endpoint }))
    }
    const answer = await askTopic({ topicArn, endpointUrl, signal })
    // More than one page; moto takes every address for confirmed, SNS does not.
    const subscriptions = answer.kind === 'subscriptions' ? answer.subscriptions : []
    expect(new Set(subscriptions.map(({ endpoint }) => endpoint)).size).toBe(120)
    expect(subscriptions.every(({ protocol, confirmed }) => protocol === 'email' && confirmed)).toBe(true)
    expect(await askTopic({ topicArn: `${topicArn}-gone`, endpointUrl, signal })).toEqual({ kind: 'no-topic' })
  } finally {
    sns.destroy()
  }
})

it('puts a metric of its own', async () => {
  await putProbe({ region, endpointUrl: moto.endpointUrl, clock: systemClock }, 'production')
  const client = new CloudWatchClient({ region, endpoint: moto.endpointUrl })
  const { Metrics } = await client.send(new ListMetricsCommand({ Namespace: namespace }))
  client.destroy()
  expect(Metrics?.map(({ MetricName, Dimensions }) => [MetricName, Dimensions])).toEqual([
    [probeMetric, [{ Name: 'Repository', Value: 'production' }]],
  ])
})
