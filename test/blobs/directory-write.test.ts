/** The directory driver's own promises: links, temporary files, writers that die. */
import { lutimes, readdir, readFile, rename, stat, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { openDirectoryStore } from '../../src/blobs/directory.ts'
import { temporaryPrefix } from '../../src/blobs/directory-walk.ts'
import { claimsPath, staleClaimMs, writeIfMatch } from '../../src/blobs/directory-write.ts'
import type { Store } from '../../src/blobs/write-probe.ts'
import { type Clock, systemClock } from '../../src/time.ts'
import { all, join as joinBody } from '../contract/blobs.ts'
import { noCounts, temporaryFolder } from './support.ts'

describe('directory driver', () => {
  let folder: string
  let store: Store
  beforeEach(async () => {
    folder = await temporaryFolder()
    store = openDirectoryStore({ folder, clock: systemClock })
  })
  const keys = async () => (await all(store.list(''))).map(blob => blob.key)
  const etagOf = async (key: string) => (await store.head(key))?.etag ?? ''

  it('follows no symbolic link, neither in a listing nor by name', async () => {
    const outside = await temporaryFolder()
    await writeFile(join(outside, 'secret'), 'secret')
    await store.put('inside', Buffer.from('x'))
    await symlink(join(outside, 'secret'), join(folder, 'link'))
    await symlink(outside, join(folder, 'links'))
    await symlink(join(folder, 'inside'), join(folder, 'alias'))
    expect(await keys()).toEqual(['inside'])
    expect(await all(store.list('links/'))).toEqual([])
    for (const key of ['link', 'links/secret', 'alias']) {
      expect(await store.head(key)).toBeNull()
      await expect(store.get(key)).rejects.toMatchObject({ code: 'not-found' })
      await expect(store.put(key, Buffer.from('x'))).rejects.toMatchObject({ code: 'access-denied' })
      await expect(store.delete(key)).rejects.toMatchObject({ code: 'access-denied' })
    }
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret')
    // The store itself may be reached by a link, as a mounted disk often is.
    await symlink(folder, join(outside, 'store'))
    const linked = openDirectoryStore({ folder: join(outside, 'store'), clock: systemClock })
    expect((await linked.read('inside', { maxBytes: 1 })).bytes).toHaveLength(1)
  })

  it('leaves no temporary file, and shows and serves none', async () => {
    await store.put('a', Buffer.from('1'))
    await store.putIfAbsent('a', Buffer.from('2'))
    await store.putIfAbsent('b', Buffer.from('2'))
    await store.putIfMatch('a', Buffer.from('3'), await etagOf('a'))
    await store.putIfMatch('a', Buffer.from('4'), 'stale')
    expect((await readdir(folder)).sort()).toEqual(['a', 'b'])
    const name = `${temporaryPrefix}left-behind`
    await writeFile(join(folder, name), 'half')
    expect(await keys()).toEqual(['a', 'b'])
    expect(await store.head(name)).toBeNull()
    await expect(store.put(name, Buffer.from('x'))).rejects.toMatchObject({ code: 'internal' })
  })

  it('sees every write from outside as another ETag, and never an update lost to one before the claim', async () => {
    await store.put('x', Buffer.from('one'))
    const first = await etagOf('x')
    await writeFile(join(folder, 'x'), 'two')
    const second = await etagOf('x')
    await utimes(join(folder, 'x'), 1, 1)
    const third = await etagOf('x')
    expect(new Set([first, second, third]).size).toBe(3)
    expect(await store.putIfMatch('x', Buffer.from('three'), first)).toEqual({ written: false })
    expect((await store.head('x'))?.modifiedMs).toBe(1_000)
  })

  it('says changed when a large file is replaced, written or removed while it is read', async () => {
    const disturb: Record<string, (path: string) => Promise<void>> = {
      'written in place': path => writeFile(path, Buffer.alloc(1024 * 1024, 2)),
      'cut off': path => writeFile(path, Buffer.alloc(300 * 1024, 2)),
    }
    for (const [how, act] of Object.entries(disturb)) {
      await store.put('large', Buffer.alloc(1024 * 1024, 1))
      const got = await store.get('large')
      const reading = (async () => {
        let seen = 0
        for await (const chunk of got.body) {
          if (seen === 0) await act(join(folder, 'large'))
          seen += chunk.length
        }
      })()
      await expect(reading, how).rejects.toMatchObject({ code: 'changed' })
    }
    await store.put('large', Buffer.alloc(1024 * 1024, 1))
    const removed = await store.get('large')
    await unlink(join(folder, 'large'))
    await expect(joinBody(removed.body)).rejects.toMatchObject({ code: 'changed' })
    // What is open stays readable: those are the bytes that were promised.
    await store.put('large', Buffer.alloc(1024 * 1024, 1))
    const open = await store.get('large')
    let bytes = 0
    for await (const chunk of open.body) {
      if (bytes === 0) await store.put('large', Buffer.alloc(1024 * 1024, 2))
      expect(chunk.every(byte => byte === 1)).toBe(true)
      bytes += chunk.length
    }
    expect(bytes).toBe(1024 * 1024)
  })

  it('counts requests and bytes', async () => {
    const counts = noCounts()
    const counted = openDirectoryStore({ folder, clock: systemClock, counts })
    await counted.put('a', Buffer.alloc(10))
    await counted.putIfAbsent('a', Buffer.alloc(10))
    await counted.head('a')
    await all(counted.list(''))
    await counted.read('a', { maxBytes: 10 })
    await counted.delete('a')
    expect(counts).toEqual({ list: 1, get: 1, head: 1, put: 2, delete: 1, bytesRead: 10 })
  })

  describe('a writer under If-Match that', () => {
    /** What a writer has made when it is about to rename. */
    async function plantClaim(etag: string, owner: string): Promise<{ link: string; file: string }> {
      const name = `${temporaryPrefix}${owner}`
      const link = `${claimsPath(join(folder, 'x'), etag)}.0`
      await writeFile(join(folder, name), owner)
      await symlink(name, link)
      return { link, file: join(folder, name) }
    }
    const longAgo = () => (Date.now() - staleClaimMs - 1_000) / 1_000

    it('died with its claim delays nobody for longer than a claim may last', async () => {
      await store.put('x', Buffer.from('one'))
      const etag = await etagOf('x')
      const claim = await plantClaim(etag, 'dead-writer')
      await lutimes(claim.link, longAgo(), longAgo())
      expect(await store.putIfMatch('x', Buffer.from('two'), etag)).toMatchObject({ written: true })
      // Its file was taken away, so it can write nothing if it wakes up.
      await expect(stat(claim.file)).rejects.toMatchObject({ code: 'ENOENT' })
      expect((await store.read('x', { maxBytes: 3 })).bytes.toString()).toBe('two')
      expect(await readdir(folder)).toEqual(['x'])
    })

    it('let its claim go is passed at once', async () => {
      await store.put('x', Buffer.from('one'))
      const etag = await etagOf('x')
      const claim = await plantClaim(etag, 'failed-writer')
      await unlink(claim.file)
      expect(await store.putIfMatch('x', Buffer.from('two'), etag)).toMatchObject({ written: true })
      expect(await readdir(folder)).toEqual(['x'])
    })

    it('is at work is waited for, and wins', async () => {
      await store.put('x', Buffer.from('one'))
      const etag = await etagOf('x')
      const claim = await plantClaim(etag, 'live-writer')
      const waits: number[] = []
      const clock: Clock = {
        ...systemClock,
        sleep: async (ms, signal) => {
          waits.push(ms)
          if (waits.length === 3) await rename(claim.file, join(folder, 'x'))
          await systemClock.sleep(ms, signal)
        },
      }
      const second = openDirectoryStore({ folder, clock })
      expect(await second.putIfMatch('x', Buffer.from('two'), etag)).toEqual({ written: false })
      expect(waits.length).toBeGreaterThanOrEqual(3)
      expect((await store.read('x', { maxBytes: 20 })).bytes.toString()).toBe('live-writer')
    })

    it('is at work does not keep an aborted one waiting', async () => {
      await store.put('x', Buffer.from('one'))
      const etag = await etagOf('x')
      await plantClaim(etag, 'live-writer')
      const stop = new AbortController()
      const reason = new Error('enough')
      setTimeout(() => stop.abort(reason), 50)
      await expect(store.putIfMatch('x', Buffer.from('two'), etag, { signal: stop.signal })).rejects.toBe(reason)
      expect((await readdir(folder)).filter(name => name.startsWith(temporaryPrefix))).toHaveLength(2)
    })

    it('slept before its rename and was overtaken writes nothing when it wakes up', async () => {
      await store.put('x', Buffer.from('one'))
      const path = join(folder, 'x')
      const etag = await etagOf('x')
      const base = { clock: systemClock, signal: undefined, path }
      let overtaker: unknown
      const sleeper = await writeIfMatch(
        {
          ...base,
          bytes: Buffer.from('sleeper'),
          async beforeCommit() {
            await lutimes(`${claimsPath(path, etag)}.0`, longAgo(), longAgo())
            overtaker = await writeIfMatch({ ...base, bytes: Buffer.from('overtaker') }, etag)
          },
        },
        etag,
      )
      expect(overtaker).toMatchObject({ written: true })
      expect(sleeper).toEqual({ written: false })
      expect(await readFile(path, 'utf8')).toBe('overtaker')
      expect(await readdir(folder)).toEqual(['x'])
    })

    it('is overtaken by a third does not disturb that one', async () => {
      await store.put('x', Buffer.from('one'))
      const path = join(folder, 'x')
      const etag = await etagOf('x')
      const base = { clock: systemClock, signal: undefined, path }
      const stale = async (number: number) => await lutimes(`${claimsPath(path, etag)}.${number}`, longAgo(), longAgo())
      const answers: boolean[] = []
      const write = async (number: number) => {
        const answer = await writeIfMatch(
          {
            ...base,
            bytes: Buffer.from(`writer ${number}`),
            async beforeCommit() {
              if (number === 2) return
              await stale(number)
              await write(number + 1)
            },
          },
          etag,
        )
        answers.push(answer.written)
      }
      await write(0)
      expect(answers).toEqual([true, false, false])
      expect(await readFile(path, 'utf8')).toBe('writer 2')
    })
  })
})
