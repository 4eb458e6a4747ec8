import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { BlobReader } from '../../src/blobs/port.ts'
import {
  type EarlierLooks,
  judgeReadable,
  lookAt,
  probeKeys,
  readOneByte,
  samplesOf,
  tieringToLookAt,
} from '../../src/check/readable.ts'
import type { ListedBlob } from '../../src/model/blob.ts'
import { type S3Lab, startLab } from '../blobs/support.ts'

const nowMs = Date.parse('2026-11-23T02:00:00Z')
const dayMs = 24 * 3_600_000
const blob = (change: Partial<ListedBlob> = {}): ListedBlob => ({
  key: 'k',
  bytes: 5,
  etag: '"e"',
  storageClass: 'STANDARD',
  modifiedMs: nowMs - 400 * dayMs,
  ...change,
})
const never: EarlierLooks = () => null
const signal = new AbortController().signal

describe('judgeReadable', () => {
  it.each([
    ['STANDARD', undefined, 'readable', ''],
    ['GLACIER_IR', undefined, 'readable', ''],
    ['INTELLIGENT_TIERING', undefined, 'readable', ''],
    ['GLACIER', undefined, 'archived', 'k lies in GLACIER, without a thawed copy'],
    ['DEEP_ARCHIVE', undefined, 'archived', 'k lies in DEEP_ARCHIVE, without a thawed copy'],
    ['GLACIER', { inProgress: true, expiresMs: null }, 'restoring', 'is being thawed'],
    ['GLACIER', { inProgress: false, expiresMs: nowMs + 1 }, 'readable', 'can be read until 2026-11-23T02:00:00.001Z'],
    ['GLACIER', { inProgress: false, expiresMs: nowMs }, 'archived', 'ended at 2026-11-23T02:00:00.000Z'],
    ['DEEP_ARCHIVE', { inProgress: false, expiresMs: null }, 'archived', 'unknown end'],
    // What was once thawed and is now in another class says nothing.
    ['STANDARD', { inProgress: false, expiresMs: nowMs - 1 }, 'readable', ''],
  ] as const)('%s %j is %s', (storageClass, restore, state, message) => {
    const judged = judgeReadable(blob({ storageClass, ...(restore === undefined ? {} : { restore }) }), nowMs)
    expect(judged).toEqual({ key: 'k', state, message: message === '' ? '' : expect.stringContaining(message) })
  })

  it('goes by the archive tier of Intelligent-Tiering', () => {
    const tiered = { storageClass: 'INTELLIGENT_TIERING', archiveStatus: 'DEEP_ARCHIVE_ACCESS' }
    expect(judgeReadable(blob(tiered), nowMs)).toMatchObject({
      state: 'archived',
      message: expect.stringContaining('DEEP_ARCHIVE_ACCESS'),
    })
    const restore = { inProgress: true, expiresMs: null }
    expect(judgeReadable(blob({ ...tiered, restore }), nowMs)).toMatchObject({ state: 'restoring' })
  })
})

describe('tieringToLookAt', () => {
  const maxAgeMs = 30 * dayMs
  const due = (blobs: readonly ListedBlob[], earlier: EarlierLooks = never) =>
    tieringToLookAt(blobs, earlier, { nowMs, maxAgeMs }).map(({ key }) => key)
  const tiered = (key: string, change: Partial<ListedBlob> = {}) =>
    blob({ key, storageClass: 'INTELLIGENT_TIERING', ...change })

  it('wants those that may lie in an archive tier by age', () => {
    expect(due([blob({ key: 'other' }), tiered('old')])).toEqual(['old'])
    expect(due([tiered('young', { modifiedMs: nowMs - 90 * dayMs + 1 })])).toEqual([])
    expect(due([tiered('just', { modifiedMs: nowMs - 90 * dayMs })])).toEqual(['just'])
    expect(due([tiered('timeless', { modifiedMs: 0 })])).toEqual(['timeless'])
  })

  it('wants those that nobody looked at for longer than the age, longest unseen first', () => {
    const looks = new Map([
      ['fresh', nowMs - maxAgeMs],
      ['stale', nowMs - maxAgeMs - 1],
      ['staler', nowMs - maxAgeMs - 2],
      ['future', nowMs + 1],
    ])
    const earlier: EarlierLooks = ({ key }) => {
      const atMs = looks.get(key)
      return atMs === undefined ? null : { atMs, kmsKeyId: null }
    }
    const blobs = ['fresh', 'stale', 'staler', 'future', 'never'].map(key => tiered(key))
    expect(due(blobs, earlier)).toEqual(['future', 'never', 'staler', 'stale'])
    expect(due([tiered('fresh', { etag: null })], earlier)).toEqual(['fresh'])
  })
})

describe('samplesOf', () => {
  const keys = (blobs: readonly ListedBlob[], earlier: EarlierLooks = never) =>
    samplesOf(blobs, earlier, nowMs).map(({ key }) => key)

  it('takes the newest and the oldest of each class, and nothing that cannot be read', () => {
    expect(keys([])).toEqual([])
    expect(keys([blob({ key: 'one' })])).toEqual(['one'])
    const at = (key: string, modifiedMs: number, change: Partial<ListedBlob> = {}) =>
      blob({ key, modifiedMs, ...change })
    expect(
      keys([
        at('b', 2),
        at('a', 1),
        at('c', 3),
        at('empty', 0, { bytes: 0 }),
        at('ia', 5, { storageClass: 'STANDARD_IA' }),
        at('ice', 9, { storageClass: 'GLACIER' }),
      ]),
    ).toEqual(['c', 'a', 'ia'])
  })

  it('holds both ends of any folder, and asks for none twice', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), times => {
        const blobs = times.map((modifiedMs, i) => blob({ key: `k${i}`, etag: `"${i}"`, modifiedMs }))
        const samples = samplesOf(blobs, never, nowMs)
        const found = samples.map(sample => sample.modifiedMs)
        expect(samples.length).toBeLessThanOrEqual(2)
        expect(Math.min(...found)).toBe(Math.min(...times))
        expect(Math.max(...found)).toBe(Math.max(...times))
        const seen = new Set(samples.map(({ key }) => key))
        const earlier: EarlierLooks = ({ key }) => (seen.has(key) ? { atMs: 1, kmsKeyId: null } : null)
        expect(samplesOf(blobs, earlier, nowMs)).toEqual([])
      }),
      { seed: 3, numRuns: 200 },
    )
  })
})

describe('looking, against the local S3 server', () => {
  let lab: S3Lab
  beforeAll(async () => {
    lab = await startLab()
    await mkdir(join(lab.root, 'bucket', 'base'))
    for (const key of ['a', 'b', 'c', 'd']) await writeFile(join(lab.root, 'bucket', 'base', key), key.repeat(5))
  })
  afterEach(() => lab.facts.clear())
  afterAll(() => lab.close())
  const gather = (blobs: BlobReader = lab.store()) => ({ blobs, requests: 2, signal })
  const k1 = 'arn:aws:kms:eu-central-1:111122223333:key/1'
  const k2 = 'arn:aws:kms:eu-central-1:111122223333:key/2'
  const sample = (key: string, kmsKeyId: string | null) => ({ key, kmsKeyId })

  it('learns archive tiers and KMS keys by HEAD', async () => {
    lab.facts.set('base/a', { kmsKeyId: k1 })
    lab.facts.set('base/b', { storageClass: 'INTELLIGENT_TIERING', archiveStatus: 'ARCHIVE_ACCESS' })
    const asked = ['a', 'b', 'c', 'gone', 'd'].map(key => blob({ key }))
    const heads = lab.server.requests.HEAD
    const { looks, left } = await lookAt(asked, 4, nowMs, gather())
    expect(left).toBe(1)
    expect(looks.map(look => [look.readable.key, look.readable.state, look.kmsKeyId])).toEqual([
      ['a', 'readable', k1],
      ['b', 'archived', null],
      ['c', 'readable', null],
      ['gone', 'missing', null],
    ])
    expect(lab.server.requests.HEAD - heads).toBeLessThanOrEqual(5)
  })

  it('tries each KMS key once, by one byte', async () => {
    lab.facts.set('base/b', { kmsKeyId: k2, getRefusal: 'KMS.DisabledException' })
    const { GET, bytesSent } = { ...lab.server.requests }
    const samples = [sample('a', k1), sample('b', k2), sample('c', k1), sample('d', null), sample('a', k1)]
    const { probes, left } = await probeKeys(samples, 10, gather())
    expect(left).toBe(0)
    expect(probes).toEqual([
      { kmsKeyId: k1, key: 'a', state: 'readable', message: '' },
      { kmsKeyId: k2, key: 'b', state: 'unreadable', message: expect.stringContaining('KMS.DisabledException') },
    ])
    expect(probes[1]?.message).toContain(k2)
    expect(lab.server.requests.GET - GET).toBe(2)
    expect(lab.server.requests.bytesSent - bytesSent).toBe(1)
  })

  it('tries another object when the first went or is archived, and then says that it does not know', async () => {
    lab.facts.set('base/b', { storageClass: 'GLACIER' })
    const found = await probeKeys([sample('gone', k1), sample('b', k1), sample('c', k1)], 10, gather())
    expect(found.probes).toMatchObject([{ kmsKeyId: k1, key: 'c', state: 'readable' }])
    const none = await probeKeys([sample('gone', k1), sample('b', k1)], 10, gather())
    expect(none.probes).toMatchObject([{ state: 'unknown', message: expect.stringContaining('was not tried') }])
    const GET = lab.server.requests.GET
    await probeKeys(
      ['w', 'x', 'y', 'z'].map(key => sample(key, k1)),
      10,
      gather(),
    )
    expect(lab.server.requests.GET - GET).toBe(3)
  })

  it('tries no more keys than it may', async () => {
    const { probes, left } = await probeKeys([sample('a', k1), sample('b', k2)], 1, gather())
    expect([probes.length, left]).toEqual([1, 1])
  })

  it('accuses nothing for trouble of our own', async () => {
    const other = await startLab()
    const store = other.store({ giveUpAfterMs: 200, attemptTimeoutMs: 200 })
    await other.server.close()
    expect(await readOneByte('a', store, signal)).toMatchObject({ key: 'a', state: 'unknown' })
    expect((await lookAt([blob({ key: 'a' })], 1, nowMs, gather(store))).looks).toMatchObject([
      { readable: { state: 'unknown' } },
    ])
    await store.close()
    await rm(other.root, { recursive: true, force: true })
  })

  it('rejects with the reason of a signal', async () => {
    const reason = new Error('enough')
    const options = { blobs: lab.store(), requests: 2, signal: AbortSignal.abort(reason) }
    await expect(lookAt([blob()], 1, nowMs, options)).rejects.toBe(reason)
    await expect(probeKeys([sample('a', k1)], 1, options)).rejects.toBe(reason)
  })
})
