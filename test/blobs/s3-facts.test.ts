/** What listing and HEAD say of storage classes, thawed copies, checksums and keys, against the local S3 server. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ObjectFacts } from '../../infra/local/s3/facts.ts'
import { all } from '../contract/blobs.ts'
import { type S3Lab, startLab } from './support.ts'

describe('S3 driver: what the store knows of an object', () => {
  let lab: S3Lab
  beforeAll(async () => {
    lab = await startLab()
    await mkdir(join(lab.root, 'bucket', 'base'))
    await writeFile(join(lab.root, 'bucket', 'base', 'x'), 'bytes')
  })
  afterEach(() => {
    lab.facts.clear()
    lab.hook = undefined
  })
  afterAll(() => lab.close())
  const say = (facts: ObjectFacts) => lab.facts.set('base/x', facts)
  const listed = async () => (await all(lab.store().list('')))[0]

  it('adds nothing to a plain object', async () => {
    const plain = ['bytes', 'etag', 'key', 'modifiedMs', 'storageClass']
    expect(Object.keys((await listed()) ?? {}).sort()).toEqual(plain)
    expect(Object.keys((await lab.store().head('x', { checksum: true })) ?? {}).sort()).toEqual(plain)
  })

  it('knows a thawed copy and until when it can be read, and one that is being thawed', async () => {
    const expires = '2026-12-21T00:00:00.000Z'
    say({ storageClass: 'GLACIER', restore: { inProgress: false, expires } })
    const thawed = { storageClass: 'GLACIER', restore: { inProgress: false, expiresMs: Date.parse(expires) } }
    expect(await listed()).toMatchObject(thawed)
    expect(await lab.store().head('x')).toMatchObject(thawed)
    expect((await lab.store().read('x', { maxBytes: 5 })).bytes).toHaveLength(5)
    say({ storageClass: 'DEEP_ARCHIVE', restore: { inProgress: true } })
    const thawing = { storageClass: 'DEEP_ARCHIVE', restore: { inProgress: true, expiresMs: null } }
    expect(await listed()).toMatchObject(thawing)
    expect(await lab.store().head('x')).toMatchObject(thawing)
    await expect(lab.store().get('x')).rejects.toMatchObject({ code: 'archived' })
  })

  it('knows the archive tier of Intelligent-Tiering by HEAD only', async () => {
    say({ storageClass: 'INTELLIGENT_TIERING', archiveStatus: 'ARCHIVE_ACCESS' })
    expect(await listed()).not.toHaveProperty('archiveStatus')
    expect(await lab.store().head('x')).toMatchObject({ archiveStatus: 'ARCHIVE_ACCESS' })
    await expect(lab.store().get('x')).rejects.toMatchObject({ code: 'archived' })
  })

  it('knows the recorded checksum, its value only when asked for', async () => {
    say({ checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', base64: 'bS9TOQ==' } })
    const recorded = { algorithms: ['CRC32'], type: 'FULL_OBJECT' }
    expect((await listed())?.checksum).toEqual({ ...recorded, crc32: null })
    expect(await lab.store().head('x')).not.toHaveProperty('checksum')
    expect((await lab.store().head('x', { checksum: true }))?.checksum).toEqual({ ...recorded, crc32: 0x6d2f5339 })
  })

  it.each([
    ['of parts', 'CRC32', 'COMPOSITE', 'bS9TOQ==-3'],
    ['of parts, said to be one', 'CRC32', 'COMPOSITE', 'bS9TOQ=='],
    ['of another length', 'CRC32', 'FULL_OBJECT', 'bS9TOTk='],
    ['that is no base64', 'CRC32', 'FULL_OBJECT', '6D2F5339'],
    ['of another kind', 'CRC64NVME', 'FULL_OBJECT', 'bS9TOW0vUzk='],
  ])('takes no checksum %s for the CRC-32 of the object', async (_what, algorithm, type, base64) => {
    say({ checksum: { algorithm, type, base64 } })
    expect((await lab.store().head('x', { checksum: true }))?.checksum).toEqual({
      algorithms: [algorithm],
      type,
      crc32: null,
    })
  })

  it('knows the KMS key by HEAD, which needs no right to use it', async () => {
    const kmsKeyId = 'arn:aws:kms:eu-central-1:111122223333:key/1234'
    say({ kmsKeyId, getRefusal: 'KMS.DisabledException' })
    expect(await lab.store().head('x')).toMatchObject({ kmsKeyId })
    await expect(lab.store().get('x')).rejects.toMatchObject({ code: 'access-denied' })
  })

  it.each([
    [501, 'NotImplemented'],
    [400, 'InvalidArgument'],
  ])('lists without asking for thawed copies where the store answers %i to that', async (status, code) => {
    const asked: boolean[] = []
    lab.hook = ({ method, key, headers }) => {
      if (method !== 'GET' || key !== '') return undefined
      const asks = headers['x-amz-optional-object-attributes'] !== undefined
      asked.push(asks)
      return asks ? { kind: 'error', status, code } : undefined
    }
    const store = lab.store()
    expect((await all(store.list(''))).map(blob => blob.key)).toEqual(['x'])
    expect((await all(store.list(''))).map(blob => blob.key)).toEqual(['x'])
    expect(asked).toEqual([true, false, false])
  })
})
