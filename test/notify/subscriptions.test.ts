/** What SNS says, word for word, from a server that speaks its query protocol. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { askTopic } from '../../src/notify/subscriptions.ts'

const topicArn = 'arn:aws:sns:eu-central-1:111122223333:alarms'
const asked: URLSearchParams[] = []
let answers: { status: number; body: string }[] = []
let server: Server

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  asked.length = 0
  server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    asked.push(new URLSearchParams(body))
    const answer = answers.shift()
    if (answer === undefined) return // silence
    response.writeHead(answer.status, { 'content-type': 'text/xml' })
    response.end(answer.body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  vi.unstubAllEnvs()
})

const ask = (signal = new AbortController().signal, timeoutMs = 20_000) =>
  askTopic({ topicArn, endpointUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, signal, timeoutMs })

const page = (members: readonly (readonly [string, string, string])[], next = '') => ({
  status: 200,
  body: `<ListSubscriptionsByTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ListSubscriptionsByTopicResult><Subscriptions>${members
    .map(
      ([arn, protocol, endpoint]) =>
        `<member><TopicArn>${topicArn}</TopicArn><Protocol>${protocol}</Protocol><SubscriptionArn>${arn}</SubscriptionArn><Owner>111122223333</Owner><Endpoint>${endpoint}</Endpoint></member>`,
    )
    .join(
      '',
    )}</Subscriptions>${next === '' ? '' : `<NextToken>${next}</NextToken>`}</ListSubscriptionsByTopicResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListSubscriptionsByTopicResponse>`,
})
const refusal = (status: number, code: string, message: string) => ({
  status,
  body: `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
})

it('tells who has confirmed and who has not, over all pages, and no secret of a webhook', async () => {
  answers = [
    page([['PendingConfirmation', 'email', 'oncall@example.com']], 'more'),
    page([
      [`${topicArn}:6b0e71bd`, 'https', 'https://hooks.example.com/services/T0/B0/secret?token=x'],
      ['Deleted', 'email', 'gone@example.com'],
    ]),
  ]
  expect(await ask()).toEqual({
    kind: 'subscriptions',
    subscriptions: [
      { protocol: 'email', endpoint: 'oncall@example.com', confirmed: false },
      { protocol: 'https', endpoint: 'https://hooks.example.com', confirmed: true },
      { protocol: 'email', endpoint: 'gone@example.com', confirmed: false },
    ],
  })
  expect(asked.map(query => [query.get('Action'), query.get('TopicArn'), query.get('NextToken')])).toEqual([
    ['ListSubscriptionsByTopic', topicArn, null],
    ['ListSubscriptionsByTopic', topicArn, 'more'],
  ])
})

it('says what it may not ask, and what is not there', async () => {
  const words = `User: arn:aws:sts::111122223333:assumed-role/auditor/run is not authorized to perform: SNS:ListSubscriptionsByTopic on resource: ${topicArn} because no identity-based policy allows the SNS:ListSubscriptionsByTopic action`
  answers = [refusal(403, 'AuthorizationError', words)]
  expect(await ask()).toEqual({ kind: 'denied', said: words })
  answers = [refusal(404, 'NotFound', 'Topic does not exist')]
  expect(await ask()).toEqual({ kind: 'no-topic' })
})

it('takes wrong credentials, other words and silence for no answer', async () => {
  answers = [refusal(403, 'InvalidClientTokenId', 'The security token included in the request is invalid.')]
  await expect(ask()).rejects.toMatchObject({ code: 'access-denied', advice: expect.stringContaining('credentials') })
  answers = [refusal(400, 'InvalidParameter', 'Invalid parameter: TopicArn')]
  await expect(ask()).rejects.toMatchObject({ code: 'unavailable' })
  answers = []
  await expect(ask(undefined, 300)).rejects.toMatchObject({ code: 'unavailable', cause: { code: 'deadline' } })
  const reason = new Error('enough')
  await expect(ask(AbortSignal.abort(reason))).rejects.toBe(reason)
})

it('ends, though the pages do not', async () => {
  answers = Array.from({ length: 60 }, () => page([], 'again'))
  expect(await ask()).toEqual({ kind: 'subscriptions', subscriptions: [] })
  expect(asked).toHaveLength(50)
})
