/** The S3 driver against the local S3 server. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { all, blobContract } from '../contract/blobs.ts'
import { type S3Lab, startLab, writeFiles } from './support.ts'

blobContract('S3 driver on the local S3 server', async () => {
  const lab = await startLab()
  const generous = { attemptTimeoutMs: 20_000, giveUpAfterMs: 30_000 }
  return {
    open: async name => lab.store({ basePath: `/${name} +&é/`, ...generous }),
    openMissing: async () => lab.store({ bucket: 'no-such-bucket' }),
    furtherKeys: ['line\nfeed\r', 'bell\u0007'],
    fill: (name, keys) => writeFiles(join(lab.root, 'bucket', `${name} +&é`), keys),
    close: () => lab.close(),
  }
})

describe('S3 driver: keys that count from the root of the bucket', () => {
  let lab: S3Lab
  beforeAll(async () => {
    lab = await startLab()
    await writeFiles(join(lab.root, 'bucket'), ['a', 'base/x', 'base-hash/indices/x'])
  })
  afterAll(() => lab.close())

  it('reads beside the base path, and everything there is', async () => {
    const store = lab.store()
    expect(store.basePath).toBe('base')
    const keys = async (prefix: string) => (await all(store.list(prefix))).map(blob => blob.key)
    expect(await keys('')).toEqual(['x'])
    expect(await keys('/')).toEqual(['/a', '/base-hash/indices/x', '/base/x'])
    expect(await keys('/base-hash/')).toEqual(['/base-hash/indices/x'])
    expect(String((await store.read('/a', { maxBytes: 1 })).bytes)).toBe('a')
    expect(await store.head('/base-hash/indices/x')).toMatchObject({ key: '/base-hash/indices/x' })
  })

  it('has an empty base path at the root', async () => {
    const store = lab.store({ basePath: '/' })
    expect(store.basePath).toBe('')
    expect((await all(store.list('/base/'))).map(blob => blob.key)).toEqual(['/base/x'])
    expect(await store.head('/base/x')).toMatchObject({ key: '/base/x' })
  })

  it('takes no object with an empty segment for one that counts from the root', async () => {
    lab.hook = () => ({
      kind: 'answer',
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: `<ListBucketResult><IsTruncated>false</IsTruncated>${['base//a', 'base/x']
        .map(key => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`)
        .join('')}</ListBucketResult>`,
    })
    try {
      expect((await all(lab.store().list(''))).map(blob => blob.key)).toEqual(['x'])
    } finally {
      lab.hook = undefined
    }
  })
})
