import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { awsSettings, regionOfArn } from '../src/aws.ts'

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  vi.stubEnv('AWS_REGION', 'eu-north-1')
})
afterEach(() => vi.unstubAllEnvs())

test('a service that never answers is asked so often and no longer', async () => {
  let asked = 0
  const server = createServer(() => void asked++)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const place = { region: 'eu-west-1', endpointUrl: `http://127.0.0.1:${port}` }
  const client = new STSClient(awsSettings(place, { attempts: 2, attemptMs: 100 }))
  try {
    const answer = client.send(new GetCallerIdentityCommand({}), { abortSignal: AbortSignal.timeout(20_000) })
    await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(asked).toBe(2)
  } finally {
    client.destroy()
    server.closeAllConnections()
    server.close()
  }
})

test.each([
  ['eu-west-1', 'eu-west-1'],
  [null, 'eu-north-1'],
])('region %s: asks in %s', async (region, expected) => {
  const client = new STSClient(awsSettings({ region }))
  expect(await client.config.region()).toBe(expected)
  client.destroy()
})

test('the region of an ARN', () => {
  expect(regionOfArn('arn:aws:kms:eu-west-1:111122223333:key/x')).toBe('eu-west-1')
  expect(regionOfArn('x')).toBe('')
})
