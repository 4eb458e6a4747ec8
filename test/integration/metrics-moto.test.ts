/** What CloudWatch would show after a night, asked of moto. */
import { CloudWatchClient, GetMetricStatisticsCommand, ListMetricsCommand } from '@aws-sdk/client-cloudwatch'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ensureMoto, type Moto } from '../../infra/local/moto.ts'
import { toMetricData } from '../../src/metrics/data.ts'
import { metrics, namespace } from '../../src/metrics/names.ts'
import { putMetrics } from '../../src/metrics/put.ts'
import { systemClock } from '../../src/time.ts'
import { goodRun, sampleRun } from '../support/runs.ts'

const region = 'eu-central-1'
let moto: Moto
let client: CloudWatchClient

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  moto = await ensureMoto()
  client = new CloudWatchClient({ region, endpoint: moto.endpointUrl })
})

afterAll(async () => {
  client?.destroy()
  await moto?.stop()
  vi.unstubAllEnvs()
})

async function namesOf(): Promise<(string | undefined)[]> {
  const { Metrics } = await client.send(new ListMetricsCommand({ Namespace: namespace }))
  return (Metrics ?? []).map(metric => metric.MetricName).sort()
}

async function maximumOf(name: string, nowMs: number): Promise<number | undefined> {
  const { Datapoints } = await client.send(
    new GetMetricStatisticsCommand({
      Namespace: namespace,
      MetricName: name,
      Dimensions: [{ Name: 'Repository', Value: 'production' }],
      StartTime: new Date(nowMs - 600_000),
      EndTime: new Date(nowMs + 600_000),
      Period: 3600,
      Statistics: ['Maximum'],
    }),
  )
  return Datapoints?.[0]?.Maximum
}

describe('metrics at CloudWatch', () => {
  it('arrive with their values', async () => {
    await moto.reset()
    const nowMs = systemClock.nowMs()
    const options = { region, endpointUrl: moto.endpointUrl, clock: systemClock }
    const phase = { seconds: 10, bytesPerSecond: 100 }
    const phases = { fetch: phase, restore: phase, questions: phase }
    const whole = { snapshot: 's', indices: 1, bytes: 1_000, seconds: 60, fastest: null, slowest: null }
    const projection = { ...whole, parallel: 1, assumptions: [] }
    const run = sampleRun({ restoreTime: { samples: 1, chained: 0, bytes: 1_000, phases, projection } })
    await putMetrics(options, toMetricData(run, nowMs))
    expect(await namesOf()).toEqual(Object.keys(metrics).sort())
    expect(await maximumOf('FullRestoreSeconds', nowMs)).toBe(60)
    expect(await maximumOf('FailedSnapshots', nowMs)).toBe(3)
    expect(await maximumOf('DebtContents', nowMs)).toBe(4)
    expect(await maximumOf('Heartbeat', nowMs)).toBe(1)
    expect(await maximumOf('NewestGoodSnapshotAgeHours', nowMs)).toBeGreaterThan(0)
  })

  it('of a run that could not do its work say that, and nothing else', async () => {
    await moto.reset()
    const run = goodRun({ exit: { code: 2, applies: [2], reason: 'no disk' } })
    const options = { region, endpointUrl: moto.endpointUrl, clock: systemClock }
    await putMetrics(options, toMetricData(run, systemClock.nowMs()))
    expect(await namesOf()).toEqual(['AuditorBlind'])
  })
})
