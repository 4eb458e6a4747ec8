/** What a night costs, against a real S3 API: forecast by `plan`, measured by the audit, held by a limit. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LocalS3, startLocalS3 } from '../../infra/local/s3/server.ts'
import { defaultPricesFile } from '../../src/config/prices.ts'
import { allReads, type Usage } from '../../src/model/cost.ts'
import type { RunResult } from '../../src/model/run.ts'
import { fakeCredentials } from '../blobs/support.ts'
import { type Bench, fixture, openBench, readRun } from '../support/auditRun.ts'

fakeCredentials()

let bench: Bench
let s3: LocalS3
let settings: Record<string, string | number>
const repository = 's3://bucket/base'

beforeAll(async () => {
  bench = await openBench()
  const root = join(bench.folder, 's3')
  await cp(fixture, join(root, 'bucket', 'base'), { recursive: true })
  // Small objects stay where they are when a lifecycle rule moves the rest.
  const factsOf = (_: string, key: string) => (/\/__[^/]+$/.test(key) ? { storageClass: 'STANDARD_IA' } : undefined)
  s3 = await startLocalS3({ root, readOnly: ['bucket/base'], hooks: { factsOf } })
  settings = {
    'repository.endpointUrl': s3.endpointUrl,
    'ledger.url': 's3://bucket/ledger',
    'ledger.endpointUrl': s3.endpointUrl,
    'output.url': 's3://bucket/reports',
    'output.endpointUrl': s3.endpointUrl,
  }
})
afterAll(async () => {
  await s3?.close()
  await bench.close()
})

function measuredOf({ costs }: RunResult): Usage {
  if (costs?.measured == null) throw new Error('the run says nothing of its costs')
  return costs.measured.usage
}

describe('a forecast by plan', () => {
  // The bound: twelve requests or 15 %, of each kind. Seconds are the machine's, and nothing is asked of them.
  it('is what the nights then measure, the first with its restores and the second without', async () => {
    const paid = { ...settings, 'costs.compute': 'codebuild-large' }
    for (const night of [1, 2]) {
      const before = { ...s3.requests }
      const { forecast } = await bench.plan('forecast', { repository, settings: paid })
      expect(s3.requests.PUT, 'plan writes nothing').toBe(before.PUT)
      const { run, folder } = await bench.night('forecast', { repository, settings: paid })
      const measured = measuredOf(run)
      const planned = forecast.night?.usage
      if (planned === undefined) throw new Error('there is no forecast of the night')
      expect(run.restores.length).toBe(forecast.contents)
      expect(run.restores.length > 0).toBe(night === 1)
      const near = (asked: number, got: number) =>
        expect(Math.abs(asked - got)).toBeLessThanOrEqual(Math.max(12, 0.15 * got))
      near(planned.list, measured.list)
      near(planned.put, measured.put)
      near(allReads(planned).requests, allReads(measured).requests)
      // Data blobs are known to the byte.
      expect(planned.reads.STANDARD_IA?.bytes).toBe(measured.reads.STANDARD_IA?.bytes)
      // Every byte that the server sent to the run was billed to it.
      expect(allReads(measured).bytes).toBe(run.stats.bytesRead)
      expect(await readRun(folder).then(measuredOf)).toEqual(measured)
      expect(run.costs).toMatchObject({ compute: 'codebuild-large', store: 's3' })
    }
  })
})

describe('limits.costUsd', () => {
  /** GET of STANDARD_IA so dear that they alone count: a group costs some USD. */
  async function dearTable(): Promise<string> {
    const file = join(bench.folder, 'dear.yaml')
    const text = await readFile(defaultPricesFile, 'utf8')
    await writeFile(file, text.replace(/(STANDARD_IA: .* get1000: )0\.001/, '$1100'))
    return file
  }

  it('leaves what would exceed it as debt, by what was measured', async () => {
    const dear = { ...settings, 'costs.prices': await dearTable(), 'costs.kms': 'none' }
    const all = await bench.plan('limit', { repository, settings: dear })
    const limit = (all.forecast.night?.bill.usd ?? 0) / 2
    const limited = { ...dear, 'limits.costUsd': Math.round(limit * 100) / 100 }
    const { forecast } = await bench.plan('limit', { repository, settings: limited })
    expect(forecast.night?.contentsBeyondLimit).toBeGreaterThan(0)

    const first = await bench.night('limit', { repository, settings: limited })
    const measured = first.run.costs?.measured
    expect(first.run.restores.length).toBeGreaterThan(0)
    expect(first.run.restores.length).toBeLessThan(all.forecast.contents)
    expect(measured?.bill.usd).toBeGreaterThan(0)
    expect(measured?.bill.usd).toBeLessThanOrEqual(limit)
    expect(first.run.debt.contents).toBeGreaterThan(0)
    expect(first.run.limits.costUsd).toBe(limited['limits.costUsd'])
    const reasons = new Set(first.run.verdicts.map(row => row.reason))
    expect([...reasons].some(reason => reason === 'limit-reached' || reason === 'does-not-fit')).toBe(true)
    expect(first.run.snapshots.filter(one => one.levels.restore?.verdict === 'pass').length).toBeLessThan(4)
  })

  it('says of a group that no night could pay that it does not fit, and passes nothing', async () => {
    const dear = { ...settings, 'costs.prices': await dearTable(), 'limits.costUsd': 0.9 }
    const { run } = await bench.night('too-dear', { repository, settings: dear })
    // It has no data blob.
    expect(run.restores.filter(row => row.index !== 'empty')).toEqual([])
    expect(run.verdicts.find(row => row.index === 'growing' && row.level === 'restore')?.reason).toBe('does-not-fit')
    expect(run.snapshots.filter(one => one.levels.restore?.verdict === 'pass')).toEqual([])
    expect(run.costs?.measured?.bill.usd).toBeLessThanOrEqual(0.9)
  })
})
