/** The doctor's question, against the local S3 server and a folder. */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDirectoryStore } from '../../src/blobs/directory.ts'
import { probeWrite } from '../../src/blobs/write-probe.ts'
import { systemClock } from '../../src/time.ts'
import { type S3Lab, startLab } from './support.ts'

describe('the write probe', () => {
  let lab: S3Lab
  beforeAll(async () => {
    lab = await startLab({ readOnly: ['bucket/guarded/'] })
    await mkdir(join(lab.root, 'bucket', 'base'))
  })
  afterAll(() => lab.close())

  it('is content when the store refuses', async () => {
    const probe = await probeWrite(lab.store({ basePath: 'guarded' }))
    expect(probe).toMatchObject({ outcome: 'cannot-write', sentence: expect.stringContaining('s3://bucket/guarded') })
  })

  it('objects when only the condition stood in the way, and has made nothing', async () => {
    expect(await probeWrite(lab.store())).toMatchObject({
      outcome: 'can-write',
      sentence: expect.stringContaining('s3:PutObject'),
    })
    expect(await readdir(join(lab.root, 'bucket', 'base'))).toEqual([])
    lab.hook = () => ({ kind: 'error', status: 412, code: 'PreconditionFailed' })
    expect(await probeWrite(lab.store())).toMatchObject({ outcome: 'can-write' })
    lab.hook = undefined
  })

  it.each([
    [403, 'InvalidAccessKeyId'],
    [403, 'SignatureDoesNotMatch'],
    [403, 'RequestTimeTooSkewed'],
    [404, 'NoSuchBucket'],
    [409, 'ConditionalRequestConflict'],
    [501, 'NotImplemented'],
    [503, 'SlowDown'],
  ])('takes %i %s for no proof', async (status, code) => {
    lab.hook = () => ({ kind: 'error', status, code })
    const probe = await probeWrite(lab.store({ giveUpAfterMs: 50 }))
    lab.hook = undefined
    expect(probe).toMatchObject({ outcome: 'not-proven', sentence: expect.stringContaining(code) })
  })

  it('takes a page of a proxy for no proof', async () => {
    for (const status of [403, 404]) {
      lab.hook = () => ({ kind: 'answer', status, headers: { 'content-type': 'text/html' }, body: '<html>no' })
      expect(await probeWrite(lab.store())).toMatchObject({ outcome: 'not-proven' })
    }
    lab.hook = undefined
  })

  it('removes what a store made that ignores conditions', async () => {
    const methods: string[] = []
    lab.hook = ({ method }) => {
      methods.push(method)
      return method === 'PUT' ? { kind: 'answer', status: 200, headers: { etag: '"x"' }, body: '' } : undefined
    }
    expect(await probeWrite(lab.store())).toMatchObject({
      outcome: 'can-write',
      sentence: expect.stringContaining('removed again'),
    })
    expect(methods).toEqual(['PUT', 'DELETE'])
    lab.hook = undefined
  })

  it('asks the file system about a folder', async () => {
    const open = (folder: string) => openDirectoryStore({ folder, clock: systemClock })
    expect(await probeWrite(open(lab.root))).toMatchObject({ outcome: 'not-proven' })
    expect(await probeWrite(open(join(lab.root, 'none')))).toMatchObject({ outcome: 'not-proven' })
  })

  it.skipIf(process.getuid?.() === 0)(
    'is content with a folder that is not writable (root may always write)',
    async () => {
      const folder = join(lab.root, 'sealed')
      await mkdir(folder, { mode: 0o555 })
      expect(await probeWrite(openDirectoryStore({ folder, clock: systemClock }))).toMatchObject({
        outcome: 'cannot-write',
      })
    },
  )

  it('rejects with the reason of an aborted signal', async () => {
    const reason = new Error('enough')
    await expect(probeWrite(lab.store(), AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})
