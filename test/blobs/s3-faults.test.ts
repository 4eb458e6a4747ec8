/** The S3 driver when the store or the way to it misbehaves. Every planted fault must have been met. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Fault, SeenRequest } from '../../infra/local/s3/faults.ts'
import type { RequestCounts } from '../../src/blobs/port.ts'
import type { Store } from '../../src/blobs/write-probe.ts'
import { all, join } from '../contract/blobs.ts'
import { noCounts, type S3Lab, startLab, writeFiles } from './support.ts'

const bytes = randomBytes(3 * 1024 * 1024)

describe('S3 driver under faults', () => {
  let lab: S3Lab
  let store: Store
  let counts: RequestCounts
  let seen: SeenRequest[]
  let left: (Fault | undefined)[]
  beforeAll(async () => {
    lab = await startLab()
    await lab.store().put('big', bytes)
  })
  beforeEach(() => {
    counts = noCounts()
    store = lab.store({ counts })
  })
  afterEach(() => {
    lab.hook = undefined
  })
  afterAll(() => lab.close())

  /** The next requests meet these, one each; later ones are served, or meet `forever`. */
  function plant(faults: readonly (Fault | undefined)[], forever?: Fault): void {
    seen = []
    left = [...faults]
    lab.hook = request => {
      seen.push(request)
      return left.length > 0 ? left.shift() : forever
    }
  }
  const slowDown: Fault = { kind: 'error', status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' }

  describe('bodies', () => {
    it('resumes a body that is cut, behind the last byte and in the same object', async () => {
      plant([{ kind: 'cut', afterBytes: 1_000_000 }, { kind: 'cut', afterBytes: 700_001 }, undefined])
      const got = await store.get('big')
      expect((await join(got.body)).equals(bytes)).toBe(true)
      expect(left).toEqual([])
      expect(seen.map(request => request.headers['if-match'])).toEqual([undefined, got.etag, got.etag])
      const starts = seen.map(request => Number(/^bytes=(\d+)-/.exec(request.headers.range ?? 'bytes=0-')?.[1]))
      expect(starts[1]).toBeGreaterThan(0)
      expect(starts[1]).toBeLessThanOrEqual(1_000_000)
      expect(starts[2]).toBeLessThanOrEqual((starts[1] ?? 0) + 700_001)
      expect(seen[2]?.headers.range).toBe(`bytes=${starts[2]}-${bytes.length - 1}`)
      expect(counts).toMatchObject({ get: 3, bytesRead: bytes.length })
    })

    it('resumes a range within the range', async () => {
      plant([{ kind: 'cut', afterBytes: 300_000 }])
      const got = await store.get('big', { start: 500_000, length: 1_000_000 })
      expect((await join(got.body)).equals(bytes.subarray(500_000, 1_500_000))).toBe(true)
      expect(seen[1]?.headers.range).toMatch(/^bytes=\d+-1499999$/)
    })

    it('resumes a body that is cut before its first byte, and one that stalls', async () => {
      plant([
        { kind: 'cut', afterBytes: 0 },
        { kind: 'stall', afterBytes: 100_000 },
      ])
      expect((await store.read('big', { maxBytes: bytes.length })).bytes.equals(bytes)).toBe(true)
      expect(seen).toHaveLength(3)
    })

    it('gives up as unavailable when the body never gets further', async () => {
      plant([{ kind: 'cut', afterBytes: 1_000 }], { kind: 'cut', afterBytes: 0 })
      await expect(store.read('big', { maxBytes: bytes.length })).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/s3:\/\/bucket\/base\/big.*\d+ of 3145728 bytes/),
      })
    })

    it('says changed when the object is replaced in the middle, also by one of the same length', async () => {
      for (const other of [randomBytes(bytes.length), randomBytes(10)]) {
        await lab.store().put('replaced', bytes)
        plant([{ kind: 'cut', afterBytes: 1_000_000 }])
        const got = await store.get('replaced')
        let received = 0
        const reading = (async () => {
          for await (const chunk of got.body) {
            if (received === 0) await lab.store().put('replaced', other)
            received += chunk.length
          }
        })()
        await expect(reading).rejects.toMatchObject({ code: 'changed' })
        expect(received).toBeLessThanOrEqual(1_000_000)
      }
    })

    it('says changed when a store that ignores If-Match goes on with another object', async () => {
      const headers = { etag: '"another"', 'content-range': `bytes 0-${bytes.length - 1}/${bytes.length}` }
      plant([
        { kind: 'cut', afterBytes: 0 },
        { kind: 'answer', status: 206, headers, body: randomBytes(bytes.length) },
      ])
      await expect(store.read('big', { maxBytes: bytes.length })).rejects.toMatchObject({ code: 'changed' })
      expect(seen).toHaveLength(2)
    })

    it('says changed, not not-found, when the object is deleted in the middle', async () => {
      await lab.store().put('deleted', bytes)
      plant([{ kind: 'cut', afterBytes: 1_000_000 }])
      const got = await store.get('deleted')
      await lab.store().delete('deleted')
      await expect(join(got.body)).rejects.toMatchObject({ code: 'changed' })
    })

    it('never yields more than was promised, and goes on working', async () => {
      plant([{ kind: 'append', bytes: randomBytes(100_000) }])
      const got = await store.get('big')
      expect((await join(got.body)).equals(bytes)).toBe(true)
      lab.hook = undefined
      expect((await store.read('big', { maxBytes: bytes.length })).bytes.equals(bytes)).toBe(true)
    })

    it('refuses bytes of another range than was asked for', async () => {
      const range = { start: 10, length: 5 }
      const answers: Fault[] = [
        { kind: 'answer', status: 200, headers: { etag: '"x"' }, body: bytes.subarray(0, 1_000) },
        {
          kind: 'answer',
          status: 206,
          headers: { etag: '"x"', 'content-range': 'bytes 0-4/1000' },
          body: bytes.subarray(0, 5),
        },
        {
          kind: 'answer',
          status: 206,
          headers: { etag: '"x"', 'content-range': 'bytes 10-99/1000' },
          body: bytes.subarray(10, 100),
        },
      ]
      for (const answer of answers) {
        plant([answer])
        await expect(store.get('big', range)).rejects.toMatchObject({
          code: 'unavailable',
          message: expect.stringMatching(/byte 10 on was asked for|90 bytes where 5 were asked for/),
        })
      }
    })

    it('does not resume without an ETag, because nobody could tell whether it is the same object', async () => {
      const headers = { 'content-length': String(bytes.length) }
      plant([{ kind: 'answer', status: 200, headers, body: bytes.subarray(0, 1_000) }])
      const got = await store.get('big')
      expect(got.etag).toBeNull()
      await expect(join(got.body)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('ETag'),
      })
      expect(seen).toHaveLength(1)
    })

    it('ends soon when the signal aborts while the body stalls', async () => {
      const slow = lab.store({ attemptTimeoutMs: 60_000, giveUpAfterMs: 60_000 })
      plant([{ kind: 'stall', afterBytes: 1_000_000 }])
      const stop = new AbortController()
      const reason = new Error('enough')
      const got = await slow.get('big', { signal: stop.signal })
      let received = 0
      const reading = (async () => {
        for await (const chunk of got.body) {
          received += chunk.length
          if (received === 1_000_000) setTimeout(() => stop.abort(reason), 20)
        }
      })()
      await expect(reading).rejects.toBe(reason)
      expect(received).toBe(1_000_000)
    })
  })

  describe('requests', () => {
    it('rides out throttling, 5xx, resets and garbage, and counts every attempt', async () => {
      const faults: Fault[] = [
        { kind: 'error', status: 500, code: 'InternalError' },
        { kind: 'reset' },
        { kind: 'answer', status: 502, headers: { 'content-type': 'text/html' }, body: '<html><p>Bad gateway' },
      ]
      await lab.store().put('m', Buffer.from('x'))
      const etag = (await lab.store().head('m'))?.etag ?? ''
      for (const [name, ask] of Object.entries(asks(etag))) {
        plant(faults)
        await ask()
        expect(left, name).toEqual([])
        expect(seen, name).toHaveLength(4)
      }
      expect(counts).toMatchObject({ list: 4, get: 4, head: 4, put: 12, delete: 4 })
      plant([slowDown])
      expect(await store.head('big')).toMatchObject({ bytes: bytes.length })
      expect(seen).toHaveLength(2)
    })

    const asks = (etag: string) => ({
      list: () => all(store.list('')),
      head: () => store.head('big'),
      get: () => store.get('big', { length: 1 }).then(got => join(got.body)),
      put: () => store.put('p', Buffer.from('x')),
      putIfAbsent: async () =>
        expect(await store.putIfAbsent(`n-${counts.put}`, Buffer.from('x'))).toMatchObject({ written: true }),
      putIfMatch: async () =>
        expect(await store.putIfMatch('m', Buffer.from('y'), etag)).toMatchObject({ written: true }),
      delete: () => store.delete('none'),
    })

    it('gives up as unavailable with the words of the store, for every operation', async () => {
      plant([], slowDown)
      const failing = lab.store({ giveUpAfterMs: 700 })
      const expected = {
        code: 'unavailable',
        message: expect.stringContaining('503 SlowDown: "Please reduce your request rate."'),
      }
      await expect(all(failing.list(''))).rejects.toMatchObject(expected)
      await expect(failing.get('big')).rejects.toMatchObject(expected)
      await expect(failing.put('p', Buffer.from('x'))).rejects.toMatchObject(expected)
      await expect(failing.putIfAbsent('q', Buffer.from('x'))).rejects.toMatchObject(expected)
      await expect(failing.delete('p')).rejects.toMatchObject(expected)
      // The answer to a HEAD has no words.
      await expect(failing.head('big')).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('503'),
      })
    })

    it('uses a connection again after every kind of call', async () => {
      const before = lab.server.requests.connections
      await store.put('k', Buffer.from('k'))
      for (let i = 0; i < 5; i++) {
        await all(store.list('k'))
        await store.head('k')
        await store.read('k', { maxBytes: 1 })
        await store.read('big', { maxBytes: bytes.length })
        await join((await store.get('big', { start: 5, length: 100_000 })).body)
        await store.putIfAbsent('k', Buffer.from('x'))
        expect(await store.head('none')).toBeNull()
      }
      expect(lab.server.requests.connections - before).toBe(1)
    })

    it('serves more calls at once than there are connections', async () => {
      const before = lab.server.requests.connections
      const narrow = lab.store({ maxConnections: 2 })
      const heads = await Promise.all(Array.from({ length: 200 }, () => narrow.head('big')))
      expect(heads.every(head => head?.bytes === bytes.length)).toBe(true)
      expect(lab.server.requests.connections - before).toBe(2)
    })

    it('stops waiting for an answer that does not come', async () => {
      plant([{ kind: 'silence' }])
      expect(await store.head('big')).toMatchObject({ bytes: bytes.length })
      expect(seen).toHaveLength(2)
      plant([], { kind: 'silence' })
      const impatient = lab.store({ attemptTimeoutMs: 200, giveUpAfterMs: 600 })
      await expect(impatient.head('big')).rejects.toMatchObject({ code: 'unavailable' })
      expect(seen.length).toBeGreaterThan(1)
    })

    it('says soon that nothing listens at the endpoint', async () => {
      const nobody = lab.store({ endpointUrl: 'http://127.0.0.1:1', giveUpAfterMs: 500 })
      await expect(nobody.head('big')).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('ECONNREFUSED'),
        advice: expect.stringContaining('endpoint'),
      })
    })

    it('ends a retry and a wait when the signal aborts', async () => {
      for (const fault of [slowDown, { kind: 'silence' } as const]) {
        plant([], fault)
        const patient = lab.store({ attemptTimeoutMs: 60_000, giveUpAfterMs: 60_000 })
        const stop = new AbortController()
        const reason = new Error('enough')
        setTimeout(() => stop.abort(reason), 100)
        await expect(patient.head('big', { signal: stop.signal })).rejects.toBe(reason)
        expect(seen.length).toBeGreaterThan(0)
      }
    })

    it('knows its own write again when only the answer was lost', async () => {
      plant([{ kind: 'lose-answer' }])
      expect(await store.putIfAbsent('lost', Buffer.from('mine'))).toEqual({
        written: true,
        etag: (await lab.store().head('lost'))?.etag,
      })
      const etag = (await lab.store().head('lost'))?.etag ?? ''
      plant([{ kind: 'lose-answer' }])
      expect(await store.putIfMatch('lost', Buffer.from('mine too'), etag)).toMatchObject({ written: true })
      expect(String((await store.read('lost', { maxBytes: 10 })).bytes)).toBe('mine too')
      // Another's bytes are not ours, however often we asked.
      plant([slowDown])
      expect(await store.putIfAbsent('lost', Buffer.from('not mine'))).toEqual({ written: false })
    })
  })

  describe('answers that say no', () => {
    const refused = async (fault: Fault) => {
      plant([], fault)
      return await store.get('big').catch((error: unknown) => error)
    }

    it.each([
      ['NoSuchBucket', 404, 'no-such-bucket', 'bucket "bucket"'],
      ['NoSuchKey', 404, 'not-found', ''],
      ['AccessDenied', 403, 'access-denied', 's3:GetObject'],
      ['InvalidAccessKeyId', 403, 'access-denied', 'credentials'],
      ['SignatureDoesNotMatch', 403, 'access-denied', 'credentials'],
      ['ExpiredToken', 400, 'access-denied', 'credentials'],
      ['InvalidObjectState', 403, 'archived', 'thawed'],
      ['KMS.DisabledException', 400, 'access-denied', 'aws kms enable-key'],
      ['KMS.KMSInvalidStateException', 400, 'access-denied', 'pending deletion'],
      ['KMS.NotFoundException', 400, 'access-denied', 'kms:Decrypt'],
      ['KMS.KeyUnavailableException', 400, 'unavailable', 'did not accept'],
      ['PermanentRedirect', 301, 'configuration', 'region'],
      ['AuthorizationHeaderMalformed', 400, 'configuration', 'region'],
      ['NotImplemented', 501, 'unavailable', 'does not support'],
      ['InvalidRequest', 400, 'unavailable', 'did not accept'],
    ])('%s (%i) is %s', async (code, status, expected, advice) => {
      const error = await refused({ kind: 'error', status, code, message: 'Words of\n the store.' })
      expect(error).toMatchObject({ code: expected, advice: expect.stringContaining(advice) })
      expect(error).toMatchObject({
        message: expect.stringContaining(
          `Reading s3://bucket/base/big failed: the store answered ${status} ${code}: "Words of the store."`,
        ),
      })
      expect(seen).toHaveLength(1)
    })

    it('names the region of the bucket where the store told it', async () => {
      const headers = { 'x-amz-bucket-region': 'eu-central-1' }
      expect(await refused({ kind: 'error', status: 301, code: 'PermanentRedirect', headers })).toMatchObject({
        code: 'configuration',
        advice: expect.stringContaining('eu-central-1'),
      })
      // Of a bucket whose region is signed for wrongly, the body says it.
      const body = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-3'</Message><Region>eu-west-3</Region><RequestId>R</RequestId><HostId>H</HostId></Error>`
      const headers400 = { 'content-type': 'application/xml' }
      expect(await refused({ kind: 'answer', status: 400, headers: headers400, body })).toMatchObject({
        code: 'configuration',
        advice: expect.stringContaining('set its region in the configuration (or --region) to eu-west-3'),
      })
    })

    it('blames the KMS key where the store does, and the bucket where it does not', async () => {
      const key = 'arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d'
      const words = (action: string, on: string) =>
        `User: arn:aws:sts::111122223333:assumed-role/auditor/run is not authorized to perform: ${action} on ${on} because no resource-based policy allows the ${action} action`
      const denied = (message: string): Fault => ({ kind: 'error', status: 403, code: 'AccessDenied', message })
      expect(await refused(denied(words('kms:Decrypt', `resource: ${key}`)))).toMatchObject({
        code: 'access-denied',
        advice: expect.stringMatching(
          /the KMS key arn:aws:kms:eu-central-1:111122223333:key\/0a1b2c3d not: allow kms:Decrypt/,
        ),
      })
      expect(await refused(denied(words('kms:Decrypt', 'the resource associated with this ciphertext')))).toMatchObject(
        {
          advice: expect.stringMatching(/the KMS key of the objects not: allow kms:Decrypt on it/),
        },
      )
      plant([], denied(words('kms:GenerateDataKey', `resource: ${key}`)))
      await expect(store.putIfAbsent('new', bytes)).rejects.toMatchObject({
        code: 'access-denied',
        advice: expect.stringContaining('allow kms:GenerateDataKey on it'),
      })
      expect(await refused(denied(words('s3:GetObject', 'resource: "arn:aws:s3:::bucket/base/big"')))).toMatchObject({
        advice: expect.stringContaining('Allow s3:GetObject'),
      })
    })

    it('takes no page of a proxy for a missing object', async () => {
      for (const body of ['<html><title>404</title><p>nothing here', '']) {
        expect(
          await refused({ kind: 'answer', status: 404, headers: { 'content-type': 'text/html' }, body }),
        ).toMatchObject({ code: 'unavailable' })
      }
    })

    it('needs the right action for each operation', async () => {
      const denied: Fault = { kind: 'error', status: 403, code: 'AccessDenied' }
      plant([], denied)
      const expected = (action: string) => ({ code: 'access-denied', advice: expect.stringContaining(action) })
      await expect(all(store.list(''))).rejects.toMatchObject(expected('s3:ListBucket'))
      await expect(store.head('big')).rejects.toMatchObject(expected('s3:GetObject'))
      await expect(store.put('p', Buffer.from('x'))).rejects.toMatchObject(expected('s3:PutObject'))
      await expect(store.delete('p')).rejects.toMatchObject(expected('s3:DeleteObject'))
    })

    it('keeps no answer of the store with key ids as a cause', async () => {
      const error = await refused({ kind: 'error', status: 403, code: 'InvalidAccessKeyId' })
      expect((error as Error).cause).toBeUndefined()
    })
  })

  describe('listings', () => {
    const page = (body: string): Fault => ({
      kind: 'answer',
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: `<ListBucketResult>${body}</ListBucketResult>`,
    })
    const entry = (key: string, size = '1') =>
      `<Contents><Key>${key}</Key><Size>${size}</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>`

    it('takes keys that are not encoded, no ETag and no storage class', async () => {
      plant([page(`<IsTruncated>false</IsTruncated>${entry('base/')}${entry('base/a+b%20c')}`)])
      expect(await all(store.list(''))).toEqual([
        { key: 'a+b%20c', bytes: 1, etag: null, storageClass: 'STANDARD', modifiedMs: Date.UTC(2026, 0, 1) },
      ])
    })

    it.each([
      ['out of order', entry('base/b') + entry('base/a')],
      ['twice', entry('base/a') + entry('base/a')],
      ['outside of the base path', entry('other/a')],
      ['without a size', '<Contents><Key>base/a</Key></Contents>'],
      ['with a size below zero', entry('base/a', '-1')],
      ['truncated without a token', `<IsTruncated>true</IsTruncated>${entry('base/a')}`],
    ])('refuses a page with a key %s', async (_what, body) => {
      plant([], page(body))
      await expect(all(store.list(''))).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('Listing s3://bucket/base'),
      })
    })

    it('refuses to be led in circles', async () => {
      plant([], page(`<IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>`))
      await expect(all(store.list(''))).rejects.toMatchObject({ code: 'unavailable' })
      expect(seen).toHaveLength(2)
    })

    it('asks again for a page that is no XML, and soon says that none comes', async () => {
      await writeFiles(`${lab.root}/bucket/garbled`, ['a'])
      const noXml: Fault = { kind: 'answer', status: 200, headers: {}, body: '<oops' }
      plant([noXml])
      expect(await all(lab.store({ basePath: 'garbled' }).list(''))).toHaveLength(1)
      plant([], noXml)
      await expect(all(store.list(''))).rejects.toMatchObject({ code: 'unavailable' })
      expect(seen).toHaveLength(5)
    })

    it('goes on after a page that was throttled', async () => {
      const keys = Array.from({ length: 1_001 }, (_, i) => `k${i}`)
      await writeFiles(`${lab.root}/bucket/many`, keys)
      plant([undefined, slowDown])
      expect(await all(lab.store({ basePath: 'many' }).list(''))).toHaveLength(1_001)
      expect(seen).toHaveLength(3)
    })
  })
})
