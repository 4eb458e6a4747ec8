/** The S3 driver against moto: an independent opinion of what S3 says. */
import { crc32 } from 'node:zlib'
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  RestoreObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureMoto, type Moto } from '../../infra/local/moto.ts'
import { openS3Store, type S3StoreOptions } from '../../src/blobs/s3.ts'
import { probeWrite } from '../../src/blobs/write-probe.ts'
import { hasRecordedCrc32 } from '../../src/check/storeChecksums.ts'
import { systemClock } from '../../src/time.ts'
import { fakeCredentials } from '../blobs/support.ts'
import { all, blobContract, join } from '../contract/blobs.ts'

fakeCredentials()

async function startBucket(): Promise<{
  moto: Moto
  client: S3Client
  store(options?: Partial<S3StoreOptions>): ReturnType<typeof openS3Store>
  stop(): Promise<void>
}> {
  const moto = await ensureMoto()
  const client = new S3Client({ endpoint: moto.endpointUrl, region: 'us-east-1', forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  return {
    moto,
    client,
    store: (options = {}) =>
      openS3Store({
        bucket: 'bucket',
        basePath: 'base',
        endpointUrl: moto.endpointUrl,
        clock: systemClock,
        ...options,
      }),
    async stop() {
      client.destroy()
      await moto.stop()
    },
  }
}

blobContract('S3 driver on moto', async () => {
  const { store, stop } = await startBucket()
  const open = (name: string) => store({ basePath: `/${name} +&é/` })
  return {
    open: async name => open(name),
    openMissing: async () => store({ bucket: 'no-such-bucket' }),
    async fill(name, keys) {
      const target = open(name)
      const left = [...keys]
      const worker = async () => {
        for (let key = left.pop(); key !== undefined; key = left.pop()) await target.put(key, Buffer.from(key))
      }
      await Promise.all(Array.from({ length: 16 }, worker))
      await target.close()
    },
    close: stop,
  }
})

describe('S3 driver on moto: what only a fuller S3 can say', () => {
  let bucket: Awaited<ReturnType<typeof startBucket>>
  beforeAll(async () => {
    bucket = await startBucket()
  })
  afterAll(() => bucket.stop())

  it.each(['GLACIER', 'DEEP_ARCHIVE'] as const)(
    'says that a %s object is archived, in the listing and when it is read',
    async StorageClass => {
      const store = bucket.store()
      const key = `cold-${StorageClass}`
      await bucket.client.send(
        new PutObjectCommand({ Bucket: 'bucket', Key: `base/${key}`, Body: 'ice', StorageClass }),
      )
      expect(await all(store.list(key))).toMatchObject([{ key, bytes: 3, storageClass: StorageClass }])
      expect(await store.head(key)).toMatchObject({ bytes: 3, storageClass: StorageClass })
      await expect(store.get(key)).rejects.toMatchObject({
        code: 'archived',
        message: expect.stringContaining(`s3://bucket/base/${key}`),
      })
      await expect(store.read(key, { maxBytes: 10 })).rejects.toMatchObject({ code: 'archived' })
      await store.close()
    },
  )

  it('knows the storage class of what is not STANDARD and can be read', async () => {
    const store = bucket.store()
    await bucket.client.send(
      new PutObjectCommand({ Bucket: 'bucket', Key: 'base/ia', Body: 'x', StorageClass: 'STANDARD_IA' }),
    )
    expect(await store.head('ia')).toMatchObject({ storageClass: 'STANDARD_IA' })
    expect((await store.read('ia', { maxBytes: 1 })).bytes).toHaveLength(1)
    await store.close()
  })

  it('knows of a thawed copy that it can be read, and until when', async () => {
    const store = bucket.store()
    const Key = 'base/thawed'
    await bucket.client.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: 'ice', StorageClass: 'GLACIER' }))
    expect(await store.head('thawed')).not.toHaveProperty('restore')
    await bucket.client.send(new RestoreObjectCommand({ Bucket: 'bucket', Key, RestoreRequest: { Days: 3 } }))
    const head = await store.head('thawed')
    expect(head).toMatchObject({ storageClass: 'GLACIER', restore: { inProgress: false } })
    expect(head?.restore?.expiresMs).toBeGreaterThan(Date.now() + 2 * 24 * 3_600_000)
    expect(String((await store.read('thawed', { maxBytes: 9 })).bytes)).toBe('ice')
    await store.close()
  })

  it('knows the CRC-32 that was recorded at upload, when it is asked for', async () => {
    const store = bucket.store()
    const put = new PutObjectCommand({ Bucket: 'bucket', Key: 'base/summed', Body: 'abc', ChecksumAlgorithm: 'CRC32' })
    await bucket.client.send(put)
    const [listed] = await all(store.list('summed'))
    expect(listed?.checksum).toMatchObject({ algorithms: ['CRC32'], crc32: null })
    // moto does not say whether it is that of the whole object, so it is none.
    expect(listed === undefined ? null : hasRecordedCrc32(listed)).toBe(false)
    expect((await store.head('summed', { checksum: true }))?.checksum?.crc32).toBe(crc32('abc'))
    expect(await store.head('summed')).not.toHaveProperty('checksum')
    await store.close()
  })

  it('knows the KMS key of an object', async () => {
    const store = bucket.store()
    const SSEKMSKeyId = 'arn:aws:kms:us-east-1:111122223333:key/1234'
    await bucket.client.send(
      new PutObjectCommand({
        Bucket: 'bucket',
        Key: 'base/secret',
        Body: 'x',
        ServerSideEncryption: 'aws:kms',
        SSEKMSKeyId,
      }),
    )
    expect(await store.head('secret')).toMatchObject({ kmsKeyId: SSEKMSKeyId })
    await store.close()
  })

  it('lists and reads the versions of one object, newest first, those before a deletion too', async () => {
    const plain = bucket.store()
    await plain.put('kept', Buffer.from('one'))
    await plain.put('kept', Buffer.from('two'))
    expect(await plain.versions?.list('kept', { limit: 9 })).toMatchObject([{ current: true, bytes: 3 }])
    await plain.close()
    await bucket.client.send(new CreateBucketCommand({ Bucket: 'versioned' }))
    const on = { Bucket: 'versioned', VersioningConfiguration: { Status: 'Enabled' as const } }
    await bucket.client.send(new PutBucketVersioningCommand(on))
    const store = bucket.store({ bucket: 'versioned', basePath: 'base +&é' })
    const { versions } = store
    if (versions === undefined) throw new Error('no versions')
    for (const text of ['one', 'two', 'three']) await store.put('ledger', Buffer.from(text))
    await store.put('ledger.other', Buffer.from('another key'))
    const found = (await versions.list('ledger', { limit: 9 })) ?? []
    expect(found.map(({ bytes, current }) => [bytes, current])).toEqual([
      [5, true],
      [3, false],
      [3, false],
    ])
    expect(found[0]?.etag).toBe((await store.head('ledger'))?.etag)
    expect(await versions.list('ledger', { limit: 2 })).toEqual(found.slice(0, 2))
    const texts: string[] = []
    for (const { versionId } of found) texts.push(String(await join((await versions.get('ledger', versionId)).body)))
    expect(texts).toEqual(['three', 'two', 'one'])
    await store.delete('ledger')
    expect(await versions.list('ledger', { limit: 9 })).toEqual(found.map(one => ({ ...one, current: false })))
    expect(await versions.list('none', { limit: 9 })).toEqual([])
    await expect(versions.get('ledger', 'no-such-version')).rejects.toMatchObject({ code: expect.any(String) })
    await store.close()
  })

  it('reads many versions page by page', async () => {
    const store = bucket.store({ bucket: 'versioned', basePath: 'many' })
    for (let i = 0; i < 25; i++) await store.put('ledger', Buffer.from(`${i}`))
    const found = (await store.versions?.list('ledger', { limit: 20 })) ?? []
    expect(found).toHaveLength(20)
    expect(new Set(found.map(one => one.versionId)).size).toBe(20)
    await store.close()
  })

  it('finds out that it can write, and leaves nothing behind', async () => {
    const store = bucket.store({ basePath: 'probe' })
    expect(await probeWrite(store)).toMatchObject({ outcome: 'can-write' })
    expect(await all(store.list(''))).toEqual([])
    await store.close()
  })
})
