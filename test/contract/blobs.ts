/** The contract of src/blobs/port.ts as tests; every driver and every server that we use must pass. */
import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/blobs/keys.ts'
import type { BlobWriter } from '../../src/blobs/port.ts'
import { prefixed } from '../../src/blobs/prefixed.ts'
import type { ListedBlob } from '../../src/model/blob.ts'

export interface ContractSubject {
  /** A store on an empty, existing place of its own. `name` is unique. */
  open(name: string): Promise<BlobWriter>
  /** A store whose bucket or folder is not there. */
  openMissing(): Promise<BlobWriter>
  /** Makes many small objects in the place of `open(name)`, faster than by `put`. */
  fill(name: string, keys: readonly string[]): Promise<void>
  /** Keys that this store takes and another one that we test with does not. */
  readonly furtherKeys?: readonly string[]
  close(): Promise<void>
}

export function blobContract(what: string, start: () => Promise<ContractSubject>): void {
  describe(`${what}: the contract of the blobs port`, () => {
    let subject: ContractSubject
    let count = 0
    const opened: BlobWriter[] = []
    beforeAll(async () => {
      subject = await start()
    })
    afterAll(async () => {
      await Promise.all(opened.map(store => store.close()))
      await subject.close()
    })
    const place = () => `place-${++count}`
    const open = async (name = place()) => {
      const store = await subject.open(name)
      opened.push(store)
      return store
    }

    it('gives back what was put, with the same ETag and time everywhere', async () => {
      const store = await open()
      const before = Date.now()
      await store.put('indices/a/0/__x', Buffer.from('hello'))
      const listed = await all(store.list(''))
      expect(listed).toHaveLength(1)
      // A store may say more: which checksums it recorded.
      const { checksum: _, ...said } = listed[0] ?? { checksum: null }
      expect(said).toEqual({
        key: 'indices/a/0/__x',
        bytes: 5,
        etag: expect.any(String),
        storageClass: 'STANDARD',
        modifiedMs: expect.any(Number),
      })
      const head = await store.head('indices/a/0/__x')
      expect(head?.etag).toBe(listed[0]?.etag)
      expect(head?.bytes).toBe(5)
      // HTTP times are whole seconds.
      expect(Math.abs((head?.modifiedMs ?? 0) - before)).toBeLessThan(60_000)
      const got = await store.get('indices/a/0/__x')
      expect([got.bytes, got.etag]).toEqual([5, listed[0]?.etag])
      expect(String(await join(got.body))).toBe('hello')
      expect(await store.read('indices/a/0/__x', { maxBytes: 5 })).toEqual({
        bytes: Buffer.from('hello'),
        etag: got.etag,
      })
    })

    it('knows empty and large objects to the last byte', async () => {
      const store = await open()
      const large = randomBytes(5 * 1024 * 1024 + 7)
      await store.put('empty', Buffer.alloc(0))
      await store.put('large', large)
      expect((await store.read('empty', { maxBytes: 0 })).bytes).toHaveLength(0)
      const body = await store.get('large')
      const hash = createHash('sha256')
      for await (const chunk of body.body) hash.update(chunk)
      expect(hash.digest('hex')).toBe(createHash('sha256').update(large).digest('hex'))
    })

    it('says of a missing key null to head and not-found to get and read', async () => {
      const store = await open()
      await store.put('there/x', Buffer.from('x'))
      for (const key of ['nothing', 'there', 'there/x/y', 'there/']) {
        expect(await store.head(key)).toBeNull()
        await expect(store.get(key)).rejects.toMatchObject({ code: 'not-found' })
        await expect(store.read(key, { maxBytes: 10 })).rejects.toMatchObject({ code: 'not-found' })
      }
    })

    it('says no-such-bucket when there is no bucket or folder', async () => {
      const store = await subject.openMissing()
      opened.push(store)
      const missing = { code: 'no-such-bucket' }
      await expect(all(store.list(''))).rejects.toMatchObject(missing)
      await expect(store.head('a')).rejects.toMatchObject(missing)
      await expect(store.get('a')).rejects.toMatchObject(missing)
      await expect(store.put('a', Buffer.from('a'))).rejects.toMatchObject(missing)
      await expect(store.putIfAbsent('a', Buffer.from('a'))).rejects.toMatchObject(missing)
    })

    it('lists whole keys in UTF-8 order, by prefix, after a key, and at the root only', async () => {
      const name = place()
      const store = await open(name)
      const keys = [
        'a-b',
        'a.b',
        'a/b',
        'a/b-c',
        'a/b.d/e',
        'a0',
        'index-1',
        'index-10',
        'index-2',
        'index.latest',
        'indices/x/0/__1',
        'indices/x/0/snap-1.dat',
        'indices/x/1/__1',
        'indices/x-y/0/__1',
        'indices/x.y/0/__1',
        'z\u00e9',
        'z\u{1f600}/k',
        'z\ufffd',
      ]
      await subject.fill(name, keys)
      const sorted = [...keys].sort(compareKeys)
      expect(sorted).toEqual([...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
      expect(await listKeys(store, '')).toEqual(sorted)
      for (const prefix of [
        'a',
        'a/',
        'a/b',
        'index-',
        'indices/x',
        'indices/x/',
        'indices/x/0/__',
        'none',
        'a/b/c',
        'z',
      ]) {
        expect(await listKeys(store, prefix), prefix).toEqual(sorted.filter(key => key.startsWith(prefix)))
        expect(await listKeys(store, prefix, { depth: 'root' }), prefix).toEqual(
          sorted.filter(key => key.startsWith(prefix) && !key.slice(prefix.length).includes('/')),
        )
      }
      for (const startAfter of [
        '',
        'a',
        'a/',
        'a/b',
        'a/b.',
        'indices/x/0/__1',
        'indices/x/0/zz',
        'indices/x0',
        'z\u{1f600}',
        'zz',
      ]) {
        expect(await listKeys(store, '', { startAfter }), startAfter).toEqual(
          sorted.filter(key => compareKeys(key, startAfter) > 0),
        )
        expect(await listKeys(store, 'indices/x', { startAfter }), startAfter).toEqual(
          sorted.filter(key => key.startsWith('indices/x') && compareKeys(key, startAfter) > 0),
        )
      }
      expect(await listKeys(store, '', { startAfter: 'a/b', depth: 'root' })).toEqual(
        sorted.filter(key => !key.includes('/') && compareKeys(key, 'a/b') > 0),
      )
    })

    it('lists more than two pages, loses and repeats nothing, and may be left early', async () => {
      const name = place()
      const store = await open(name)
      // Folders and names that interleave at the borders of the pages.
      const keys = Array.from({ length: 2_100 }, (_, i) => (i % 3 === 0 ? `p/${i}-x` : `p/${i % 7}/${i}`))
      await subject.fill(name, keys)
      const sorted = [...keys].sort(compareKeys)
      expect(await listKeys(store, 'p/')).toEqual(sorted)
      const startAfter = sorted[1_049] ?? ''
      expect(await listKeys(store, '', { startAfter })).toEqual(sorted.slice(1_050))
      const first: string[] = []
      for await (const blob of store.list('p/')) {
        first.push(blob.key)
        if (first.length === 3) break
      }
      expect(first).toEqual(sorted.slice(0, 3))
    })

    it('takes keys with any character that a key may have', async () => {
      const store = await open()
      const keys = [
        'a b+c',
        'per%20cent%',
        'q?x=1#y',
        'quote\'"&<>',
        'ünï/çødé',
        'tilde~(1)!*',
        'semi;colon:,=@$',
        'back\\slash',
        '..dots..',
        'tab\tulator',
        ...(subject.furtherKeys ?? []),
      ]
      for (const key of keys) await store.put(key, Buffer.from(key))
      for (const key of keys) expect(String((await store.read(key, { maxBytes: 100 })).bytes)).toBe(key)
      expect(await listKeys(store, '')).toEqual([...keys].sort(compareKeys))
      for (const key of keys) expect(await listKeys(store, key), key).toEqual([key])
      for (const key of keys) expect((await store.head(key))?.bytes, key).toBe(Buffer.byteLength(key))
    })

    it('has no object under a key that no object can have, and writes none', async () => {
      const store = await open()
      const inner = prefixed(store, 'inner')
      await inner.put('x', Buffer.from('x'))
      await store.put('outside', Buffer.from('secret'))
      for (const key of [
        '',
        '/',
        '/outside',
        '../outside',
        'a/../outside',
        './outside',
        'a//b',
        'a/',
        'nul\0',
        'k'.repeat(2_000),
        '\ud800',
      ]) {
        for (const target of [store, inner]) {
          // A view puts its prefix before the key: the folder itself is no object either.
          expect(await target.head(key), key).toBeNull()
          await expect(target.get(key), key).rejects.toMatchObject({ code: 'not-found' })
          await expect(target.putIfAbsent(key, Buffer.from('x')), key).rejects.toMatchObject({ code: 'internal' })
          await expect(target.delete(key), key).rejects.toMatchObject({ code: 'internal' })
        }
      }
      expect(await listKeys(store, '')).toEqual(['inner/x', 'outside'])
    })

    it('reads from the root of the bucket under keys that start with a slash, or has no such keys', async () => {
      const name = place()
      const store = await open(name)
      await store.put('a/x', Buffer.from('ax'))
      await store.put('b', Buffer.from('b'))
      const view = prefixed(store, 'a')
      const { basePath } = store
      if (basePath === null) {
        expect(view.basePath).toBeNull()
        for (const target of [store, view]) {
          for (const prefix of ['/', '/a', '/a/', `/${name}/`]) expect(await listKeys(target, prefix)).toEqual([])
          expect(await target.head('/b')).toBeNull()
          await expect(target.get('/b')).rejects.toMatchObject({ code: 'not-found' })
          await expect(target.read('/b', { maxBytes: 9 })).rejects.toMatchObject({ code: 'not-found' })
        }
        return
      }
      expect(view.basePath).toBe(`${basePath}/a`)
      const root = `/${basePath}/`
      for (const target of [store, view]) {
        expect(await listKeys(target, root)).toEqual([`${root}a/x`, `${root}b`])
        expect(await listKeys(target, root, { depth: 'root' })).toEqual([`${root}b`])
        expect(await listKeys(target, root, { startAfter: `${root}a/x` })).toEqual([`${root}b`])
        expect(await listKeys(target, `${root}a/`)).toEqual([`${root}a/x`])
        expect(await target.head(`${root}b`)).toMatchObject({ key: `${root}b`, bytes: 1 })
        expect(String((await target.read(`${root}a/x`, { maxBytes: 9 })).bytes)).toBe('ax')
        expect(String(await join((await target.get(`${root}a/x`, { start: 1 })).body))).toBe('x')
        await expect(target.put(`${root}c`, Buffer.from('c'))).rejects.toMatchObject({ code: 'internal' })
        for (const key of [`${root}none`, `/${root}b`, `${root}../b`, `${root}/b`])
          expect(await target.head(key)).toBeNull()
        await expect(all(target.list(root, { startAfter: 'a/x' }))).rejects.toMatchObject({ code: 'internal' })
      }
    })

    it('reads any range as the same bytes, clipped at the end', async () => {
      const store = await open()
      const bytes = randomBytes(1_000)
      await store.put('r', bytes)
      const edges = fc.constantFrom(0, 1, 499, 500, 999, 1_000, 1_001, 5_000)
      const position = fc.oneof(edges, fc.integer({ min: 0, max: 1_100 }))
      await fc.assert(
        fc.asyncProperty(position, fc.option(position, { nil: undefined }), async (start, length) => {
          const got = await store.get('r', length === undefined ? { start } : { start, length })
          const expected = bytes.subarray(start, length === undefined ? undefined : start + length)
          expect(got.bytes).toBe(expected.length)
          expect((await join(got.body)).equals(expected)).toBe(true)
        }),
        { seed: 7, numRuns: 40 },
      )
      await expect(store.get('r', { start: -1 })).rejects.toMatchObject({ code: 'internal' })
      await expect(store.get('r', { length: 0.5 })).rejects.toMatchObject({ code: 'internal' })
      await expect(store.get('none', { start: 5 })).rejects.toMatchObject({ code: 'not-found' })
      await expect(store.get('none', { length: 0 })).rejects.toMatchObject({ code: 'not-found' })
    })

    it('refuses to read another version than the one that is meant', async () => {
      const store = await open()
      await store.put('v', Buffer.from('one'))
      const { etag } = await store.get('v')
      if (etag === null) throw new Error('no ETag')
      expect(String(await join((await store.get('v', { ifMatch: etag, start: 1 })).body))).toBe('ne')
      await store.put('v', Buffer.from('two'))
      await expect(store.get('v', { ifMatch: etag })).rejects.toMatchObject({ code: 'changed' })
      await expect(store.get('v', { ifMatch: etag, length: 0 })).rejects.toMatchObject({ code: 'changed' })
      await expect(store.get('none', { ifMatch: etag })).rejects.toMatchObject({
        code: expect.stringMatching(/^(not-found|changed)$/),
      })
    })

    it('stops reading above the limit', async () => {
      const store = await open()
      await store.put('big', Buffer.alloc(1_001))
      await expect(store.read('big', { maxBytes: 1_000 })).rejects.toMatchObject({
        code: 'too-large',
        message: expect.stringContaining('1001'),
      })
      expect((await store.read('big', { maxBytes: 1_001 })).bytes).toHaveLength(1_001)
    })

    it('writes if absent once', async () => {
      const store = await open()
      const first = await store.putIfAbsent('j/1', Buffer.from('first'))
      expect(first).toEqual({ written: true, etag: (await store.head('j/1'))?.etag })
      expect(await store.putIfAbsent('j/1', Buffer.from('second'))).toEqual({ written: false })
      expect(String((await store.read('j/1', { maxBytes: 10 })).bytes)).toBe('first')
      await store.delete('j/1')
      expect(await store.putIfAbsent('j/1', Buffer.from('third'))).toMatchObject({ written: true })
    })

    it('writes if the version matches, and never makes an object so', async () => {
      const store = await open()
      await store.put('l', Buffer.from('0'))
      let etag = (await store.head('l'))?.etag ?? ''
      const seen = new Set([etag])
      for (let i = 1; i <= 10; i++) {
        const stale = etag
        const written = await store.putIfMatch('l', Buffer.from(String(i)), etag)
        if (!written.written || written.etag === null) throw new Error(`write ${i} lost`)
        etag = written.etag
        seen.add(etag)
        expect((await store.head('l'))?.etag).toBe(etag)
        expect(await store.putIfMatch('l', Buffer.from('stale'), stale)).toEqual({ written: false })
      }
      expect(seen.size).toBe(11)
      expect(String((await store.read('l', { maxBytes: 10 })).bytes)).toBe('10')
      expect(await store.putIfMatch('none', Buffer.from('x'), etag)).toEqual({ written: false })
      expect(await listKeys(store, '')).toEqual(['l'])
    })

    it('lets exactly one of twenty racing writers win, and keeps its bytes', async () => {
      const store = await open()
      for (let round = 0; round < 3; round++) {
        const key = `race/${round}`
        const answers = await Promise.all(racers.map(i => store.putIfAbsent(key, Buffer.from(`absent ${i}`))))
        const winner = answers.findIndex(answer => answer.written)
        expect(answers.filter(answer => answer.written)).toHaveLength(1)
        expect(String((await store.read(key, { maxBytes: 100 })).bytes)).toBe(`absent ${winner}`)
      }
      let etag = (await store.head('race/0'))?.etag ?? ''
      for (let round = 0; round < 5; round++) {
        const answers = await Promise.all(
          racers.map(i => store.putIfMatch('race/0', Buffer.from(`match ${round} ${i}`), etag)),
        )
        const winner = answers.findIndex(answer => answer.written)
        expect(answers.filter(answer => answer.written)).toHaveLength(1)
        const now = await store.read('race/0', { maxBytes: 100 })
        expect(String(now.bytes)).toBe(`match ${round} ${winner}`)
        expect(answers[winner]).toEqual({ written: true, etag: now.etag })
        etag = now.etag ?? ''
      }
      expect(await listKeys(store, '')).toEqual(['race/0', 'race/1', 'race/2'])
    })

    it('loses no update when writers read, add and write again', async () => {
      const store = await open()
      await store.put('counter', Buffer.from('0'))
      const add = async () => {
        for (;;) {
          const now = await store.read('counter', { maxBytes: 20 })
          const next = Buffer.from(String(Number(now.bytes) + 1))
          if ((await store.putIfMatch('counter', next, now.etag ?? '')).written) return
        }
      }
      await Promise.all(
        Array.from({ length: 6 }, async () => {
          for (let i = 0; i < 5; i++) await add()
        }),
      )
      expect(String((await store.read('counter', { maxBytes: 20 })).bytes)).toBe('30')
    })

    it('deletes, also what is not there', async () => {
      const store = await open()
      await store.put('d/x', Buffer.from('x'))
      await store.delete('d/x')
      await store.delete('d/x')
      await store.delete('e/never')
      expect(await listKeys(store, '')).toEqual([])
    })

    it('shows a part of itself through a view', async () => {
      const store = await open()
      await store.put('other', Buffer.from('x'))
      const view = prefixed(store, '/ledger/repo/')
      await view.put('b/1', Buffer.from('1'))
      await view.putIfAbsent('a', Buffer.from('2'))
      expect(await listKeys(view, '')).toEqual(['a', 'b/1'])
      expect(await listKeys(view, '', { startAfter: 'a' })).toEqual(['b/1'])
      expect(await listKeys(store, '')).toEqual(['ledger/repo/a', 'ledger/repo/b/1', 'other'])
      expect((await view.head('b/1'))?.key).toBe('b/1')
      expect(view.url).toBe(`${store.url}/ledger/repo`)
    })

    it('rejects with the reason of a signal that has aborted, and changes nothing', async () => {
      const store = await open()
      await store.put('k', Buffer.from('k'))
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      await expect(all(store.list('', { signal }))).rejects.toBe(reason)
      await expect(store.head('k', { signal })).rejects.toBe(reason)
      await expect(store.get('k', { signal })).rejects.toBe(reason)
      await expect(store.read('k', { maxBytes: 9, signal })).rejects.toBe(reason)
      await expect(store.put('k', Buffer.from('new'), { signal })).rejects.toBe(reason)
      await expect(store.putIfAbsent('n', Buffer.from('new'), { signal })).rejects.toBe(reason)
      await expect(store.putIfMatch('k', Buffer.from('new'), 'x', { signal })).rejects.toBe(reason)
      await expect(store.delete('k', { signal })).rejects.toBe(reason)
      expect(String((await store.read('k', { maxBytes: 9 })).bytes)).toBe('k')
    })

    it('ends a body and a listing in the middle when the signal aborts', async () => {
      const name = place()
      const store = await open(name)
      await store.put('big', Buffer.alloc(4 * 1024 * 1024))
      const reason = new Error('enough')
      const stopBody = new AbortController()
      const got = await store.get('big', { signal: stopBody.signal })
      let received = 0
      const reading = (async () => {
        for await (const chunk of got.body) {
          received += chunk.length
          stopBody.abort(reason)
        }
      })()
      await expect(reading).rejects.toBe(reason)
      expect(received).toBeGreaterThan(0)
      expect(received).toBeLessThan(4 * 1024 * 1024)
      await subject.fill(
        name,
        Array.from({ length: 1_200 }, (_, i) => `n/${i}`),
      )
      const stopList = new AbortController()
      const keys: string[] = []
      const listing = (async () => {
        for await (const blob of store.list('', { signal: stopList.signal })) {
          keys.push(blob.key)
          stopList.abort(reason)
        }
      })()
      await expect(listing).rejects.toBe(reason)
      expect(keys).toHaveLength(1)
    })

    it('still serves after bodies were left early or never read', async () => {
      const store = await open()
      const bytes = randomBytes(2 * 1024 * 1024)
      await store.put('big', bytes)
      for (let i = 0; i < 5; i++) {
        for await (const chunk of (await store.get('big')).body) {
          expect(chunk.length).toBeGreaterThan(0)
          break
        }
        await store.get('big')
      }
      expect((await store.read('big', { maxBytes: bytes.length })).bytes.equals(bytes)).toBe(true)
    })
  })
}

const racers = Array.from({ length: 20 }, (_, i) => i)

export async function join(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function all(blobs: AsyncIterable<ListedBlob>): Promise<ListedBlob[]> {
  const found: ListedBlob[] = []
  for await (const blob of blobs) found.push(blob)
  return found
}

async function listKeys(
  store: BlobWriter,
  prefix: string,
  options?: Parameters<BlobWriter['list']>[1],
): Promise<string[]> {
  return (await all(store.list(prefix, options))).map(blob => blob.key)
}
