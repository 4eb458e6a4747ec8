/** How long one question waits, and whom its end concerns. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ask, connect } from '../../src/engine/client.ts'

let server: Server
let url: string
/** Before the head of the answer, and before the end of its body; null: never. */
let waits: readonly [headMs: number | null, bodyMs: number | null]
beforeEach(async () => {
  server = createServer((_, answer) => {
    const [headMs, bodyMs] = waits
    if (headMs === null) return
    setTimeout(() => {
      answer.writeHead(200, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' })
      answer.write('{"a":')
      if (bodyMs !== null) setTimeout(() => answer.end('1}'), bodyMs)
    }, headMs)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const question = { method: 'GET', path: '/_slow' } as const
const { signal } = new AbortController()

it('gets an answer that takes longer than the usual half minute, where it may', async () => {
  waits = [31_000, 0]
  expect(await ask(connect({ url }), { ...question, timeoutMs: 60_000 }, signal)).toMatchObject({ body: { a: 1 } })
}, 60_000)

it.each([
  ['no head', null, null],
  ['half a body', 0, null],
])('%s: no answer within its time', async (_, headMs, bodyMs) => {
  waits = [headMs, bodyMs]
  const asked = ask(connect({ url }), { ...question, timeoutMs: 200 }, signal)
  await expect(asked).rejects.toMatchObject({
    code: 'engine-request',
    message: expect.stringMatching(/GET \/_slow: no answer within 0\.2 s/),
  })
})

it('what takes too long disturbs nobody else who listens to the signal', async () => {
  waits = [null, null]
  const run = new AbortController()
  let heard = 0
  run.signal.addEventListener('abort', () => heard++)
  await expect(ask(connect({ url }), { ...question, timeoutMs: 100 }, run.signal)).rejects.toThrow(/no answer/)
  expect([heard, run.signal.aborted]).toEqual([0, false])
})

it('ends with the run, by its reason', async () => {
  waits = [null, null]
  const run = new AbortController()
  const asked = ask(connect({ url }), question, run.signal)
  run.abort(new Error('stopped'))
  await expect(asked).rejects.toThrow('stopped')
})
