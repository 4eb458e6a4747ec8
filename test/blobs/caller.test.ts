/** What STS says, word for word, from a server that speaks its query protocol. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { askCaller } from '../../src/blobs/caller.ts'
import { type Listener, says, startListener } from '../notify/listener.ts'

const arn = 'arn:aws:sts::111122223333:assumed-role/auditor/i-0abc'
const xml = (inner: string) =>
  `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>${inner}</GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>`
let listener: Listener

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  listener = await startListener()
})
afterEach(async () => {
  await listener.close()
  vi.unstubAllEnvs()
})

const ask = (signal = new AbortController().signal, timeoutMs = 5_000) =>
  askCaller({ region: 'eu-central-1', endpointUrl: listener.origin, signal, timeoutMs })

it('is the ARN with its session', async () => {
  listener.answers = [says(200, xml(`<Arn>${arn}</Arn><UserId>AROA:i-0abc</UserId><Account>111122223333</Account>`))]
  expect(await ask()).toBe(arn)
  expect(listener.heard).toHaveLength(1)
})

it.each([
  ['no ARN', says(200, xml('<Account>1</Account>'))],
  ['something else', says(200, xml('<Arn>&lt;script&gt;</Arn>'))],
  ['a line more', says(200, xml('<Arn>arn:aws:sts::1:role/a\nb</Arn>'))],
  ['no end', says(200, xml(`<Arn>arn:${'a'.repeat(5_000)}</Arn>`))],
  ['a refusal', says(403, '<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>')],
  ['no XML', says(200, 'hello')],
] as const)('%s is no answer', async (_, answer) => {
  listener.answers = [answer]
  await expect(ask()).rejects.toThrow()
})

it('does not wait longer than it may', async () => {
  listener.answers = [() => new Promise(() => {})] as never
  await expect(ask(new AbortController().signal, 200)).rejects.toThrow(/asking STS/)
})

it('ends with the run', async () => {
  const stop = new AbortController()
  listener.answers = [() => stop.abort(new Error('stopped'))] as never
  await expect(ask(stop.signal)).rejects.toThrow('stopped')
})
