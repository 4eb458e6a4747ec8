/**
 * The S3 driver and the ledger on versitygw, an S3 server that shares no code with ours: what the ledger rests on (conditional writes,
 * times of the store) is the same there.
 */
import { mkdir, mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startVersitygw, type Versitygw, versitygwMissing } from '../../infra/local/versitygw.ts'
import { openS3Store } from '../../src/blobs/s3.ts'
import type { LedgerSession } from '../../src/ledger/port.ts'
import { systemClock } from '../../src/time.ts'
import { fakeCredentials } from '../blobs/support.ts'
import { blobContract } from '../contract/blobs.ts'
import { contentRow, openTest, runRow, signal } from '../ledger/support.ts'

fakeCredentials()
const missing = await versitygwMissing()
const onServer = missing === null ? describe : describe.skip

async function start(): Promise<{ server: Versitygw; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'snapproof-versitygw-'))
  const server = await startVersitygw(folder)
  return {
    server,
    async stop() {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const storeOn = ({ endpointUrl }: Versitygw, basePath: string, bucket = 'bucket') =>
  openS3Store({ bucket, basePath, endpointUrl, clock: systemClock })

onServer(`versitygw${missing === null ? '' : `: ${missing}`}`, () => {
  blobContract('S3 driver on versitygw', async () => {
    const { server, stop } = await start()
    const open = (name: string) => storeOn(server, `/${name} +&é/`)
    return {
      open: async name => open(name),
      openMissing: async () => storeOn(server, 'base', 'no-such-bucket'),
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

  describe('the ledger on it', () => {
    let server: Versitygw
    let stop = async () => {}
    beforeAll(async () => {
      ;({ server, stop } = await start())
      await mkdir(join(server.root, 'bucket'), { recursive: true })
    }, 900_000)
    afterAll(() => stop())

    const expire = (name: string) => {
      const anHourAgo = Date.now() / 1000 - 3600
      return utimes(join(server.root, 'bucket', name, 'lease.json'), anHourAgo, anHourAgo)
    }

    it('remembers what was journalled, stored or not', async () => {
      const store = storeOn(server, 'remembers')
      const first = await openTest(store, systemClock)
      await first.journal('night-1', [contentRow({ contentId: 'stored' }), runRow({ runId: 'night-1' })], signal)
      await first.store(signal)
      await first.journal('night-1', [contentRow({ contentId: 'journalled' })], signal)
      await first.close()
      const second = await openTest(store, systemClock)
      expect(second.warnings).toEqual([])
      expect(
        second
          .recentPasses(10)
          .map(row => row.contentId)
          .sort(),
      ).toEqual(['journalled', 'stored'])
      await second.close()
      await store.close()
    })

    it('is held by one: another is refused with its name, and follows once the lease is given back or has expired', async () => {
      const store = storeOn(server, 'held')
      const first = await openTest(store, systemClock, { owner: 'host-a:1' })
      expect(first.fence).toBe(1)
      await expect(openTest(store, systemClock)).rejects.toMatchObject({
        code: 'lease-held',
        message: expect.stringContaining('host-a:1'),
      })
      await first.close()
      const second = await openTest(store, systemClock)
      expect(second.fence).toBe(2)
      await expire('held')
      const third = await openTest(store, systemClock)
      expect(third.fence).toBe(3)
      await third.close()
      await second.close() // gives back nothing: it is another's
      const fourth = await openTest(store, systemClock)
      expect(fourth.fence).toBe(4)
      await fourth.close()
      await store.close()
    })

    it('loses no row of five sessions that all believe to hold it, and records none twice', async () => {
      const store = storeOn(server, 'race')
      const sessions: LedgerSession[] = []
      for (let i = 0; i < 5; i++) {
        sessions.push(await openTest(store, systemClock))
        await expire('race')
      }
      await Promise.all(
        sessions.map(async (session, i) => {
          for (let n = 0; n < 3; n++) {
            await session.journal(`run-${i}`, [contentRow({ contentId: `c-${i}-${n}` })], signal)
            await session.store(signal)
          }
        }),
      )
      await Promise.all(sessions.map(session => session.close()))
      // From the stored ledger alone.
      for await (const { key } of store.list('journals/')) await store.delete(key)
      await expire('race')
      const after = await openTest(store, systemClock)
      const expected = sessions.flatMap((_, i) => Array.from({ length: 3 }, (_, n) => `c-${i}-${n}`))
      expect(after.recentPasses(1000).map(row => row.contentId)).toEqual(expected.sort())
      await after.close()
      await store.close()
    })
  })
})
