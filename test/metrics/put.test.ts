import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { toMetricData } from '../../src/metrics/data.ts'
import { putMetrics } from '../../src/metrics/put.ts'
import { systemClock } from '../../src/time.ts'
import { goodRun } from '../support/runs.ts'

/** Answers in the JSON protocol that the SDK speaks, and keeps what it was sent. */
class Recorder {
  readonly calls: string[][] = []
  status = 200
  silent = false
  private server: Server = createServer((request, response) => {
    void body(request).then(text => {
      const { MetricData } = JSON.parse(text) as { MetricData: { MetricName: string }[] }
      this.calls.push(MetricData.map(datum => datum.MetricName))
      if (this.silent) return
      response.writeHead(this.status, { 'content-type': 'application/x-amz-json-1.0' })
      response.end(this.status === 200 ? '{}' : '{"__type":"AccessDenied","message":"not allowed"}')
    })
  })

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise(resolve => this.server.close(resolve))
  }
}

async function body(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString()
}

const data = toMetricData(goodRun(), Date.parse('2026-11-23T02:10:00.000Z'))
let recorder: Recorder
let options: { region: string; endpointUrl: string; clock: typeof systemClock }

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  recorder = new Recorder()
  options = { region: 'eu-central-1', endpointUrl: await recorder.start(), clock: systemClock }
})

afterEach(async () => {
  await recorder.stop()
  vi.unstubAllEnvs()
})

describe('putMetrics', () => {
  it('puts the heartbeat alone and last, wherever it stood', async () => {
    await putMetrics(options, [...data].reverse())
    expect(recorder.calls).toHaveLength(2)
    expect(recorder.calls[0]).not.toContain('Heartbeat')
    expect(recorder.calls[0]).toHaveLength(data.length - 1)
    expect(recorder.calls[1]).toEqual(['Heartbeat'])
  })

  it('sends no heartbeat when the gauges were refused', async () => {
    recorder.status = 403
    await expect(putMetrics(options, data)).rejects.toMatchObject({
      code: 'metrics-not-put',
      advice: expect.stringContaining('cloudwatch:PutMetricData'),
      cause: expect.objectContaining({ name: 'AccessDenied' }),
    })
    expect(recorder.calls.flat()).not.toContain('Heartbeat')
  })

  it('splits what is too much for one call', async () => {
    const gauges = data.slice(0, -1)
    const many = Array.from({ length: 1100 }, (_, i) => gauges[i % gauges.length]).flatMap(datum => datum ?? [])
    await putMetrics(options, [...many, ...data.slice(-1)])
    expect(recorder.calls.map(call => call.length)).toEqual([500, 500, 100, 1])
  })

  it('makes no call for nothing', async () => {
    await putMetrics(options, [])
    expect(recorder.calls).toEqual([])
  })

  it('fails in time when nobody answers, and keeps the reason', async () => {
    recorder.silent = true
    await expect(putMetrics({ ...options, timeoutMs: 300 }, data)).rejects.toMatchObject({
      code: 'metrics-not-put',
      cause: expect.objectContaining({ code: 'deadline' }),
    })
  })

  it('fails when there is nothing at the endpoint', async () => {
    await recorder.stop()
    await expect(putMetrics(options, data)).rejects.toMatchObject({ code: 'metrics-not-put' })
    recorder = new Recorder()
    await recorder.start()
  })

  it('stops when it is told to, with the reason given', async () => {
    recorder.silent = true
    const controller = new AbortController()
    const putting = putMetrics({ ...options, signal: controller.signal }, data)
    const reason = new Error('stop')
    setTimeout(() => controller.abort(reason), 50)
    await expect(putting).rejects.toBe(reason)
  })
})
