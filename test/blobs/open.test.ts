import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openStore, parseStoreUrl } from '../../src/blobs/open.ts'
import { systemClock } from '../../src/time.ts'
import { fakeCredentials, temporaryFolder } from './support.ts'

describe('store URLs', () => {
  it.each([
    ['s3://bucket', 'bucket', ''],
    ['s3://bucket/', 'bucket', ''],
    ['s3://my.bucket-1/base/path/', 'my.bucket-1', 'base/path/'],
    ['s3://bucket//leading', 'bucket', '/leading'],
    ['s3://bucket/per%20cent/q?x#y z/ü', 'bucket', 'per%20cent/q?x#y z/ü'],
  ])('%s', (url, bucket, basePath) => {
    expect(parseStoreUrl(url)).toEqual({ kind: 's3', bucket, basePath })
  })

  it('decodes file URLs', () => {
    expect(parseStoreUrl('file:///a%20b/ü')).toEqual({ kind: 'directory', folder: '/a b/ü' })
  })

  it.each([
    '',
    'bucket',
    '/a/b',
    's3:/bucket',
    's3://',
    's3:///key',
    's3://b',
    's3://under_/x',
    'S3://bucket',
    'http://x/y',
    'file://host/a',
    'file:a',
    'file:///a%2Fb',
    'file:///%zz',
    's3://bucket/a\nb',
  ])('refuses %j with what is allowed', url => {
    expect(() => parseStoreUrl(url)).toThrow(
      expect.objectContaining({
        code: 'usage',
        exitCode: 64,
        advice: expect.stringContaining('s3://bucket/base/path and file:///'),
      }),
    )
  })

  it('says how a bare path is written, and repeats no password', () => {
    expect(() => parseStoreUrl('/a/b')).toThrow('file:///a/b')
    expect(() => parseStoreUrl('s3://AKIA:secret@bucket/x')).toThrow(/^"s3:\/\/…@bucket\/x" is not a store/)
    expect(() => parseStoreUrl('https://user:secret@host')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    )
  })

  it('opens the store that the URL names', async () => {
    fakeCredentials()
    const folder = await temporaryFolder()
    const directory = openStore(pathToFileURL(folder).href, { clock: systemClock })
    await directory.put('x', Buffer.from('x'))
    expect(await directory.head('x')).toMatchObject({ bytes: 1 })
    expect(directory.url).toBe(`file://${folder}`)
    const s3 = openStore('s3://bucket//base/path/', {
      clock: systemClock,
      endpointUrl: 'http://127.0.0.1:1',
      giveUpAfterMs: 1,
    })
    expect(s3.url).toBe('s3://bucket/base/path')
    await expect(s3.head('x')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('s3://bucket/base/path/x'),
    })
    await s3.close()
  })
})
