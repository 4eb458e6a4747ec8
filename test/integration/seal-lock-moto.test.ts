/** Object Lock of seals, asked of moto through the real client: the one stand-in that knows it. */
import { CreateBucketCommand, HeadObjectCommand, PutObjectLockConfigurationCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ensureMoto, type Moto } from '../../infra/local/moto.ts'
import { openS3Store } from '../../src/blobs/s3.ts'
import { verifyChain } from '../../src/seal/verify.ts'
import { writeSeal } from '../../src/seal/write.ts'
import { systemClock } from '../../src/time.ts'
import { fakeCredentials } from '../blobs/support.ts'
import { keys, recordOf, signal, signer } from '../seal/support.ts'

fakeCredentials()
let moto: Moto
let client: S3Client
beforeAll(async () => {
  moto = await ensureMoto()
  client = new S3Client({ endpoint: moto.endpointUrl, region: 'us-east-1', forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: 'plain' }))
  await client.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }))
})
afterAll(async () => {
  client?.destroy()
  await moto?.stop()
})

const store = (bucket: string) =>
  openS3Store({ bucket, basePath: 'seals', endpointUrl: moto.endpointUrl, clock: systemClock })
const untilMs = Date.UTC(2030, 0, 1)
const add = (bucket: string, night: number) =>
  writeSeal({
    store: store(bucket),
    signer,
    remembered: null,
    record: recordOf(night),
    retention: { mode: 'compliance', untilMs },
    signal,
  })

it('a seal is locked as long as it is asked for, and the chain is good', async () => {
  for (const night of [1, 2]) await add('locked', night)
  const Key = 'seals/seal-0000000002.jsonl'
  const head = await client.send(new HeadObjectCommand({ Bucket: 'locked', Key }))
  expect([head.ObjectLockMode, head.ObjectLockRetainUntilDate?.getTime()]).toEqual(['COMPLIANCE', untilMs])
  const { problems, seals } = await verifyChain({ chain: store('locked'), keys, heads: [], runs: null, signal })
  expect([seals, problems]).toEqual([2, []])
})

it('in a bucket without Object Lock it is refused and not written', async () => {
  await expect(add('plain', 1)).rejects.toMatchObject({
    code: 'configuration',
    message: expect.stringContaining('no Object Lock'),
  })
  const { seals } = await verifyChain({ chain: store('plain'), keys, heads: [], runs: null, signal })
  expect(seals).toBe(0)
})

it('a bucket says whether it locks, and what a new object gets by itself', async () => {
  expect(await store('plain').storeLock?.(signal)).toEqual({ kind: 'none' })
  expect(await store('locked').storeLock?.(signal)).toEqual({ kind: 'on', mode: null, days: null })
  await client.send(new CreateBucketCommand({ Bucket: 'default', ObjectLockEnabledForBucket: true }))
  await client.send(
    new PutObjectLockConfigurationCommand({
      Bucket: 'default',
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Years: 1 } },
      },
    }),
  )
  expect(await store('default').storeLock?.(signal)).toEqual({ kind: 'on', mode: 'governance', days: 365 })
})
