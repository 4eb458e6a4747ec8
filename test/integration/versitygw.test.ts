/**
 * The S3 driver and the ledger on versitygw, an S3 server that shares no code with ours: what the ledger rests on (conditional writes,
 * times of the store) is the same there.
 */
import { mkdir, mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startVersitygw, type Versitygw, versitygwMissing } from '../../infra/local/versitygw.ts'
import { openS3Store } from '../../src/blobs/s3.ts'
import type { LedgerSession } from '../../src/ledger/port.ts'
import { listVersions, restoreVersion } from '../../src/ledger/versions.ts'
import { silentLog } from '../../src/log.ts'
import { systemClock } from '../../src/time.ts'
import { fakeCredentials } from '../blobs/support.ts'
import { blobContract } from '../contract/blobs.ts'
import { contentRow, day, start as firstDay, newFolder, openTest, runRow, signal } from '../ledger/support.ts'

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

    it('has versions: each is listed with what it holds, and put back whole', async ctx => {
      const client = new S3Client({ endpoint: server.endpointUrl, region: 'us-east-1', forcePathStyle: true })
      const refused = await client
        .send(new PutBucketVersioningCommand({ Bucket: 'bucket', VersioningConfiguration: { Status: 'Enabled' } }))
        .then(() => null)
        .catch((error: unknown) => String(error))
      client.destroy()
      if (refused !== null) return ctx.skip(`left out: versitygw keeps no versions on this disk (${refused})`)
      const store = storeOn(server, 'versions')
      for (const night of [1, 2, 3]) {
        const session = await openTest(store, systemClock)
        const endedMs = firstDay + night * day
        const row = runRow({ runId: `night-${night}`, startedMs: endedMs - 1, endedMs })
        await session.journal(row.runId, [row], signal)
        await session.store(signal)
        await session.close()
      }
      const place = {
        repositoryName: 'prod',
        store,
        file: join(newFolder(), 'ledger.sqlite'),
        log: silentLog,
        randomId: () => crypto.randomUUID(),
      }
      const rows = (await listVersions(place, 9, signal)) ?? []
      expect(rows.map(row => [row.runs, row.good, row.current])).toEqual([
        [3, true, true],
        [2, true, false],
        [1, true, false],
      ])
      const versionId = rows[1]?.versionId ?? ''
      const holder = { owner: 'host:9', runId: 'by-hand', leaseSeconds: 60, clock: systemClock, log: silentLog }
      const would = { versionId, runs: 2, runsThen: 3, journalsToFold: 1 }
      const back = await restoreVersion(place, versionId, { ...holder, randomId: place.randomId }, signal)
      expect(back).toEqual({ ...would, written: true })
      expect((await listVersions(place, 9, signal))?.map(row => [row.runs, row.current])).toEqual([
        [2, true],
        [3, false],
        [2, false],
        [1, false],
      ])
      // What was journalled since is taken in again.
      const after = await openTest(store, systemClock)
      expect(after.runs(9).map(row => row.runId)).toEqual(['night-1', 'night-2', 'night-3'])
      expect(after.warnings).toEqual([])
      await after.close()
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
