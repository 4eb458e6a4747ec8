/** Chained restores on a real Elasticsearch 9.5: what is kept, and a blob that nobody would read. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cacheFolder } from '../../src/config/cache.ts'
import { type Grown, grow, type Night, twinBlob, verdictsOf, verifyNights } from '../support/nights.ts'

let work = ''
let grown: Grown & { stop(): Promise<void> }
let twin = ''
let night: Night

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'snapproof-chains-'))
  grown = await grow({ workFolder: join(work, 'source'), cacheFolder: cacheFolder(process.env) })
  twin = await twinBlob(grown, { night: 'night-1' })
  night = await verifyNights(
    `repository: { name: chains, url: 'file://${grown.folder}' }
engines: [ { name: nine, kind: maven, version: 9.5.3, heapMb: 512 } ]
work: { folder: work, chainFrom: 65536 }`,
    work,
  )
}, 600_000)
afterAll(async () => {
  await grown?.stop()
  await rm(work, { recursive: true, force: true })
})

test('the damaged twin of a good blob fails what names it, and nothing else', () => {
  expect(verdictsOf(night)).toEqual({ 'night-1': 'fail', 'night-2': 'pass', 'night-3': 'pass' })
  const errors = night.run.findings.filter(({ severity }) => severity === 'error')
  expect(errors).toMatchObject([{ code: 'corrupt-data-blob', key: twin }])
})

test('the older is restored over the newer, and the server keeps what was foretold', () => {
  const { 'night-2': older, 'night-3': newest } = night.evidence
  expect(newest).toMatchObject({ method: 'restore' })
  expect(older).toMatchObject({ method: 'chained', chain: { link: 1, over: 'night-3' } })
  expect(older?.chain?.reusedBytes).toBe(older?.chain?.predictedReusedBytes)
  expect(older?.chain?.reusedBytes).toBeGreaterThan(0)
  expect(older?.count).toBe(3000)
})
