/** The local S3 server on the wire: what the driver never asks, or asks through the SDK only. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type S3Lab, startLab, writeFiles } from '../blobs/support.ts'

describe('local S3 server', () => {
  let lab: S3Lab
  beforeAll(async () => {
    lab = await startLab()
    await writeFiles(join(lab.root, 'bucket'), [
      'list/a-b',
      'list/a/1',
      'list/a/2',
      'list/b',
      'list/c/1',
      'list/<&>"\'',
    ])
    await mkdir(join(lab.root, 'bucket', 'list', 'empty'), { recursive: true })
    await writeFile(join(lab.root, 'bucket', 'ten'), '0123456789')
  })
  afterAll(() => lab.close())
  const ask = (path: string, init: RequestInit = {}) => fetch(`${lab.server.endpointUrl}/bucket${path}`, init)
  const code = async (response: Response) => [response.status, /<Code>(.*?)<\/Code>/.exec(await response.text())?.[1]]
  const put = (body: string | Buffer, headers: Record<string, string>) => ask('/put', { method: 'PUT', body, headers })
  const base64 = (algorithm: string, text: string) => createHash(algorithm).update(text).digest('base64')
  const crcOf = (text: string) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(crc32(text))
    return bytes.toString('base64')
  }

  it('listens on the loopback only', () => {
    expect(lab.server.endpointUrl).toBe(`http://127.0.0.1:${lab.server.port}`)
  })

  it('pages through keys and common prefixes, each once, whatever the size of a page', async () => {
    for (const maxKeys of [1, 2, 3, 1_000]) {
      const found: string[] = []
      for (let token = ''; ; ) {
        const page = await (await ask(`?list-type=2&prefix=list/&delimiter=/&max-keys=${maxKeys}${token}`)).text()
        const entries = [...page.matchAll(/<(?:Contents><Key|CommonPrefixes><Prefix)>(.*?)</g)].map(
          match => match[1] ?? '',
        )
        expect(entries.length).toBeLessThanOrEqual(maxKeys)
        found.push(...entries)
        const next = /<NextContinuationToken>(.*?)</.exec(page)?.[1]
        expect(page.includes('<IsTruncated>true')).toBe(next !== undefined)
        if (next === undefined) break
        token = `&continuation-token=${next}`
      }
      expect(found).toEqual(['list/&#60;&#38;&#62;&#34;&#39;', 'list/a-b', 'list/a/', 'list/b', 'list/c/'])
    }
  })

  it('lists at most 1000 keys a page, and encodes them when asked to', async () => {
    await writeFiles(
      join(lab.root, 'bucket'),
      Array.from({ length: 1_001 }, (_, i) => `many/ü ${i}`),
    )
    const page = await (await ask('?list-type=2&prefix=many/&max-keys=5000&encoding-type=url')).text()
    expect(page.match(/<Key>/g)).toHaveLength(1_000)
    expect(page).toContain('<Key>many/%C3%BC+0</Key>')
    expect(page).toContain('<EncodingType>url</EncodingType>')
  })

  it.each([
    ['bytes=0-0', 206, '0', 'bytes 0-0/10'],
    ['bytes=3-5', 206, '345', 'bytes 3-5/10'],
    ['bytes=8-', 206, '89', 'bytes 8-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-30', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=5-3', 200, '0123456789', null],
    ['lines=1-2', 200, '0123456789', null],
  ])('answers Range %s', async (range, status, body, contentRange) => {
    const response = await ask('/ten', { headers: { range } })
    expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
      status,
      body,
      contentRange,
    ])
  })

  it('refuses a range behind the end', async () => {
    for (const range of ['bytes=10-', 'bytes=-0'])
      expect(await code(await ask('/ten', { headers: { range } }))).toEqual([416, 'InvalidRange'])
  })

  it('obeys conditions of GET and HEAD', async () => {
    const etag = (await ask('/ten', { method: 'HEAD' })).headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/)
    expect((await ask('/ten', { headers: { 'if-none-match': etag } })).status).toBe(304)
    expect((await ask('/ten', { headers: { 'if-match': '"other"' } })).status).toBe(412)
    expect((await ask('/ten', { method: 'HEAD', headers: { 'if-match': etag } })).status).toBe(200)
  })

  it('obeys conditions of DELETE', async () => {
    const path = join(lab.root, 'bucket', 'doomed')
    await writeFile(path, 'x')
    expect(await code(await ask('/doomed', { method: 'DELETE', headers: { 'if-match': '"other"' } }))).toEqual([
      412,
      'PreconditionFailed',
    ])
    expect(await readFile(path, 'utf8')).toBe('x')
    expect((await ask('/doomed', { method: 'DELETE' })).status).toBe(204)
    expect((await ask('/doomed', { method: 'DELETE' })).status).toBe(204)
  })

  it('verifies every checksum that comes with a body', async () => {
    const good = {
      'x-amz-checksum-crc32': crcOf('body'),
      'x-amz-checksum-sha256': base64('sha256', 'body'),
      'x-amz-checksum-sha1': base64('sha1', 'body'),
      'content-md5': base64('md5', 'body'),
      'x-amz-content-sha256': createHash('sha256').update('body').digest('hex'),
    }
    expect((await put('body', good)).status).toBe(200)
    for (const name of Object.keys(good)) {
      const response = await put('Body', { [name]: good[name as keyof typeof good] })
      expect(response.status, name).toBe(400)
      await response.text()
    }
    expect(await code(await put('body', { 'x-amz-checksum-crc64nvme': 'x' }))).toEqual([501, 'NotImplemented'])
    expect(await readFile(join(lab.root, 'bucket', 'put'), 'utf8')).toBe('body')
  })

  it('decodes aws-chunked bodies and verifies their trailers', async () => {
    const headers = {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': '10',
      'x-amz-trailer': 'x-amz-checksum-crc32',
    }
    const chunked = (text: string, trailer: string) =>
      `6;chunk-signature=abc\r\n${text.slice(0, 6)}\r\n4\r\n${text.slice(6)}\r\n0\r\nx-amz-checksum-crc32:${trailer}\r\n\r\n`
    expect((await put(chunked('ab\r\ncdefgh', crcOf('ab\r\ncdefgh')), headers)).status).toBe(200)
    expect(await readFile(join(lab.root, 'bucket', 'put'), 'utf8')).toBe('ab\r\ncdefgh')
    expect(await code(await put(chunked('ab\r\ncdefgX', crcOf('ab\r\ncdefgh')), headers))).toEqual([400, 'BadDigest'])
    expect(await code(await put('6\r\nabc', headers))).toEqual([400, 'IncompleteBody'])
    expect(await code(await put('3\r\nabc\r\n0\r\n\r\n', headers))).toEqual([400, 'IncompleteBody'])
  })

  it('takes what the SDK sends with its own checksums on', async () => {
    const client = new S3Client({ endpoint: lab.server.endpointUrl, region: 'us-east-1', forcePathStyle: true })
    await client.send(
      new PutObjectCommand({ Bucket: 'bucket', Key: 'sdk', Body: 'x'.repeat(100_000), ChecksumAlgorithm: 'CRC32' }),
    )
    client.destroy()
    expect(await readFile(join(lab.root, 'bucket', 'sdk'), 'utf8')).toBe('x'.repeat(100_000))
  })

  it('says of what it does not speak that it is not implemented', async () => {
    for (const path of ['/put?uploads', '/put?acl', '?versions', '?list-type=2&delimiter=-']) {
      const method = path.includes('uploads') ? 'POST' : 'GET'
      expect(await code(await ask(path, { method })), path).toEqual([501, 'NotImplemented'])
    }
    expect(await code(await ask('/copy', { method: 'PUT', headers: { 'x-amz-copy-source': 'bucket/ten' } }))).toEqual([
      501,
      'NotImplemented',
    ])
  })

  it('serves no file outside of its bucket', async () => {
    await writeFile(join(lab.root, 'secret'), 'secret')
    for (const path of ['/..%2fsecret', '/%2e%2e%2fsecret', '/x/..%2f..%2fsecret']) {
      expect((await ask(path)).status, path).toBe(404)
      expect((await ask(path, { method: 'PUT', body: 'x' })).status, path).toBe(400)
    }
    expect(await readFile(join(lab.root, 'secret'), 'utf8')).toBe('secret')
  })

  it('knows wrong key ids when it was given the right one', async () => {
    const strict = await startLab({ accessKeyId: 'other' })
    try {
      await expect(strict.store().head('x')).rejects.toMatchObject({ code: 'access-denied' })
      await expect(strict.store().get('x')).rejects.toMatchObject({
        code: 'access-denied',
        message: expect.stringContaining('InvalidAccessKeyId'),
      })
    } finally {
      await strict.close()
    }
  })
})
