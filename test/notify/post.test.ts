/** What a POST survives, what it gives up on, and that it never tells the address. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeError } from '../../src/errors.ts'
import { post } from '../../src/notify/post.ts'
import { systemClock } from '../../src/time.ts'
import { isSilent, type Listener, says, startListener } from './listener.ts'

const secretPath = '/hooks/5b1d7e8a-secret'
let listener: Listener
beforeEach(async () => {
  listener = await startListener()
})
afterEach(() => listener.close())

const send = (over: { attempts?: number; attemptMs?: number; signal?: AbortSignal; url?: string } = {}) =>
  post(
    {
      url: new URL(over.url ?? `${listener.origin}${secretPath}?key=hush`),
      body: '{"a":1}\n',
      contentType: 'application/json',
      header: ['Authorization', 'Bearer hush-hush'],
    },
    {
      patience: { attempts: over.attempts ?? 3, attemptMs: over.attemptMs ?? 20_000, pauseMs: 1 },
      clock: systemClock,
      signal: over.signal ?? new AbortController().signal,
    },
  )

async function refusal(sent: Promise<void>): Promise<string> {
  const error = await sent.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ name: 'SnapproofError', code: 'unavailable' })
  const text = `${describeError(error)} ${(error as { advice: string }).advice}`
  expect(text).not.toMatch(/hush|5b1d7e8a/)
  return text
}

it('sends body, type and header once, where it is taken', async () => {
  await send()
  expect(listener.heard).toHaveLength(1)
  expect(listener.heard[0]).toMatchObject({
    method: 'POST',
    path: `${secretPath}?key=hush`,
    body: '{"a":1}\n',
    headers: { 'content-type': 'application/json', authorization: 'Bearer hush-hush', 'user-agent': 'snapproof' },
  })
})

it.each([500, 502, 503, 429, 408])('is sent again after a %i', async status => {
  listener.answers = [says(status), says(status)]
  await send()
  expect(listener.heard).toHaveLength(3)
})

it('gives up after its attempts, with what was said last', async () => {
  listener.answers = [says(500), says(502), says(503)]
  expect(await refusal(send())).toMatch(/^http:\/\/127\.0\.0\.1:\d+ did not take it \(3 attempts\): it said 503/)
  expect(listener.heard).toHaveLength(3)
})

it.each([400, 401, 404, 410])('is not sent again after a %i, which says the same tomorrow', async status => {
  listener.answers = [says(status, `no such check: ${secretPath}`)]
  expect(await refusal(send())).toContain(`(1 attempt): it said ${status}`)
  expect(listener.heard).toHaveLength(1)
})

it.each([301, 302, 307, 308])('does not follow a %i, wherever it leads', async status => {
  const elsewhere = await startListener()
  try {
    listener.answers = [says(status, '', { location: `${elsewhere.origin}/taken?key=hush` })]
    expect(await refusal(send())).toContain(`it leads on (${status}) to ${elsewhere.origin} `)
    expect(elsewhere.heard).toEqual([])
    expect(listener.heard).toHaveLength(1)
  } finally {
    await elsewhere.close()
  }
})

it('a check that the server does not know is not told, though it says 200', async () => {
  listener.answers = [says(200, 'OK (not found)')]
  expect(await refusal(send())).toContain('it said not found')
  expect(listener.heard).toHaveLength(1)
  listener.answers = [says(200, 'OK (rate limited)')]
  await send()
  expect(listener.heard).toHaveLength(3)
})

it('a silent server costs the time of its attempts, and not more', async () => {
  listener.answers = [isSilent, isSilent]
  expect(await refusal(send({ attempts: 2, attemptMs: 100 }))).toMatch(/2 attempts\): an attempt did not end/)
})

it('a server that trickles its body is not waited for', async () => {
  listener.answers = [
    response => {
      response.writeHead(200)
      response.write('O')
    },
  ]
  expect(await refusal(send({ attempts: 1, attemptMs: 200 }))).toContain('an attempt did not end')
})

it('an answer without end is taken for what its first words say', async () => {
  const chunk = Buffer.alloc(65_536, 'x')
  let sent = 0
  let gone: () => void = () => {}
  const hungUp = new Promise<void>(resolve => {
    gone = resolve
  })
  listener.answers = [
    response => {
      response.writeHead(200)
      response.on('close', gone)
      const more = () => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    },
  ]
  await send()
  await hungUp
  // What lies in the buffers of two sockets; it would have gone on for ever.
  expect(sent).toBeLessThan(64 * 1024 * 1024)
})

it('ends with the signal, in the middle of an attempt and of a pause', async () => {
  const stop = new AbortController()
  listener.answers = [() => stop.abort(new Error('enough'))]
  expect(await refusal(send({ signal: stop.signal }))).toContain('enough')
  expect(listener.heard).toHaveLength(1)
})

it('a connection that is cut, and one that is refused, are tried again and named by origin', async () => {
  listener.answers = [response => response.destroy(), response => response.destroy()]
  await send()
  expect(listener.heard).toHaveLength(3)
  const { origin } = listener
  await listener.close()
  expect(await refusal(send())).toMatch(new RegExp(`^${origin} did not take it \\(3 attempts\\): fetch failed`))
  listener = await startListener()
})
