/**
 * Every request of the unmodified CloudWatch client fails in turn, in each way that CloudWatch and a network have: once, which nobody may see
 * anything of, and for good, which is said. A heartbeat never arrives before everything else has.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { toMetricData } from '../../src/metrics/data.ts'
import { metrics } from '../../src/metrics/names.ts'
import { putMetrics } from '../../src/metrics/put.ts'
import { systemClock } from '../../src/time.ts'
import { sampleRun } from '../support/runs.ts'

/** What is answered instead, before the data are taken, or `after` they are and the answer is lost. */
interface Fault {
  readonly status?: number
  readonly code?: string
  readonly reset?: 'before' | 'after'
  readonly silent?: true
  /** Of an answer that is no CBOR, XML or JSON. */
  readonly garbage?: true
  /** Does asking again help? */
  readonly retried: boolean
}
const faults: Readonly<Record<string, Fault>> = {
  '500': { status: 500, code: 'InternalServiceFault', retried: true },
  '503': { status: 503, code: 'ServiceUnavailable', retried: true },
  throttled: { status: 400, code: 'ThrottlingException', retried: true },
  'reset before': { reset: 'before', retried: true },
  'answer lost': { reset: 'after', retried: true },
  denied: { status: 403, code: 'AccessDenied', retried: false },
  invalid: { status: 400, code: 'InvalidParameterValue', retried: false },
  'no answer that anybody can read': { status: 502, garbage: true, retried: true },
}

let armed: { readonly fault: Fault; readonly call: number; readonly lasting: boolean } | null = null
let calls = 0
/** Of each request that was taken: does it hold the heartbeat, and how many data? */
let taken: { readonly beats: boolean; readonly bytes: number }[] = []
let endpointUrl = ''
const server = createServer((request, response) => void answer(request, response))

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const sent = Buffer.concat(pieces)
  const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
  calls++
  const hit = armed !== null && (armed.lasting ? calls >= armed.call : calls === armed.call)
  const fault = hit ? armed?.fault : undefined
  if (fault === undefined || fault.reset === 'after')
    taken.push({ beats: body.includes('Heartbeat'), bytes: body.length })
  if (fault?.reset !== undefined) return void request.socket.destroy()
  if (fault?.silent) return
  const { status = 200, code = '' } = fault ?? {}
  // In the protocol that the client asked in: https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html, or the query protocol.
  const isCbor = request.headers['smithy-protocol'] === 'rpc-v2-cbor'
  if (fault?.garbage) return void response.writeHead(status, { 'content-type': 'text/html' }).end('<html>Bad Gateway')
  if (isCbor) {
    response.writeHead(status, { 'content-type': 'application/cbor', 'smithy-protocol': 'rpc-v2-cbor' })
    return void response.end(status === 200 ? Buffer.from([0xa0]) : cborMap({ __type: `com.amazonaws#${code}` }))
  }
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-query-error': `${code};Sender` })
  response.end(status === 200 ? '{}' : JSON.stringify({ __type: `com.amazonaws#${code}` }))
}

/** Texts of less than 256 bytes. */
function cborMap(texts: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.from([0x78, value.length]), Buffer.from(value)])
  const entries = Object.entries(texts)
  return Buffer.concat([Buffer.from([0xa0 + entries.length]), ...entries.flat().map(text)])
}

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  endpointUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  vi.unstubAllEnvs()
})
beforeEach(() => {
  armed = null
  calls = 0
  taken = []
})

const put = (timeoutMs = 60_000) =>
  putMetrics({ region: 'eu-central-1', endpointUrl, clock: systemClock, timeoutMs }, toMetricData(sampleRun(), 0))

test('a clean put is two requests, the heartbeat the last', async () => {
  await put()
  expect(taken.map(one => one.beats)).toEqual([false, true])
  expect(Object.keys(metrics)).toContain('Heartbeat')
})

describe.each(Object.entries(faults))('%s', (_, fault) => {
  test.each([1, 2])('at request %d, once', async call => {
    armed = { fault, call, lasting: false }
    if (fault.retried) {
      await put()
      // What was taken and not answered is taken twice: gauges of one time, which changes no statistic that anybody looks at.
      expect([...new Set(taken.map(one => one.beats))]).toEqual([false, true])
    } else {
      await expect(put()).rejects.toMatchObject({ code: 'metrics-not-put' })
      expect(taken.some(one => one.beats)).toBe(false)
    }
    expect(calls).toBeGreaterThanOrEqual(call)
  })

  test.each([1, 2])('from request %d on', async call => {
    armed = { fault, call, lasting: true }
    await expect(put()).rejects.toMatchObject({ code: 'metrics-not-put', exitCode: 2 })
    const gauges = taken.filter(one => !one.beats)
    expect(gauges.length).toBeGreaterThanOrEqual(call === 1 ? (fault.reset === 'after' ? 1 : 0) : 1)
    // Only an answer that was lost lets a heartbeat through, and then everything before it had arrived.
    if (fault.reset !== 'after' || call === 1) expect(taken.some(one => one.beats)).toBe(false)
  })
})

test('no answer at all ends within the time that is given', async () => {
  armed = { fault: { silent: true, retried: false }, call: 2, lasting: true }
  await expect(put(500)).rejects.toMatchObject({ code: 'metrics-not-put' })
  expect(taken.some(one => one.beats)).toBe(false)
})
