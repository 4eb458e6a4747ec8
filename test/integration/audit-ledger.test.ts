/**
 * Nights that remember, with repository and ledger in a real S3 API: what is proven is not restored again, what changed is,
 * and what rots is never passed from memory once somebody has seen it.
 */
import { randomUUID } from 'node:crypto'
import { copyFile, cp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Fault } from '../../infra/local/s3/faults.ts'
import { type LocalS3, startLocalS3 } from '../../infra/local/s3/server.ts'
import { openS3Store } from '../../src/blobs/s3.ts'
import { readLedger } from '../../src/ledger/read.ts'
import type { Question } from '../../src/ledger/show/answer.ts'
import { show } from '../../src/ledger/show/show.ts'
import { silentLog } from '../../src/log.ts'
import { blobParts } from '../../src/model/content.ts'
import type { RunResult } from '../../src/model/run.ts'
import { openCatalogue } from '../../src/repository/catalogue.ts'
import { systemClock } from '../../src/time.ts'
import { fakeCredentials } from '../blobs/support.ts'
import { type Bench, errorsOf, fixture, openBench, restoreOf, snapshotOf, triedOf } from '../support/auditRun.ts'
import { openFolder } from '../support/fixtures.ts'
import { digestOf, filesOf, indexIdOf, inspectFolder } from '../support/repositoryFiles.ts'

fakeCredentials()

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

const partial = 'nächtlich-sehr-langer-name-sehr-langer-name-sehr-langer-name-sehr-langer-name-sehr-langer-name-3'
const names = ['night-1', 'night-2', partial, 'night-4']

/** `index snapshot` of every copy that rests on the blob. */
async function restingOn(folder: string, key: string): Promise<string[]> {
  const { signal } = new AbortController()
  const options = { concurrency: 8, maxMetadataBytes: 1 << 28, signal }
  const catalogue = await openCatalogue(openFolder(folder), options)
  const found: string[] = []
  for await (const record of catalogue.readIndices(signal)) {
    for (const copy of record.copies) {
      const rests = copy.shards.some(({ shard, files }) =>
        files?.files.some(file => blobParts(file, `indices/${record.id}/${shard}`).some(part => part.key === key)),
      )
      if (rests) found.push(`${record.name} ${catalogue.repositoryData.snapshots[copy.snapshot]?.name}`)
    }
  }
  return found.sort()
}

/** Snapshots by their verdict at a level. */
function verdictsAt(run: RunResult, level: 'catalogue' | 'presence' | 'bytes' | 'restore'): Record<string, string> {
  return Object.fromEntries(names.map(name => [name, snapshotOf(run, name).levels[level]?.verdict ?? 'none']))
}

const allGood: Readonly<Record<string, string>> = {
  'night-1': 'pass',
  'night-2': 'pass',
  [partial]: 'inconclusive',
  'night-4': 'pass',
}

describe('a ledger in a bucket', () => {
  let s3: LocalS3
  let folder = ''
  let settings: Record<string, string>
  /** The object of this key is sent with one bit flipped: rot at rest, which changes nothing that a listing shows. */
  let rotten = ''
  /** A data blob that more than one content and snapshot rest on. */
  let key = ''

  beforeAll(async () => {
    const root = join(bench.folder, 's3')
    folder = join(root, 'bucket', 'base')
    await cp(fixture, folder, { recursive: true })
    s3 = await startLocalS3({ root, readOnly: ['bucket/base'], hooks: { onRequest: request => rot(request) } })
    settings = {
      'repository.endpointUrl': s3.endpointUrl,
      'ledger.url': 's3://bucket/ledger',
      'ledger.endpointUrl': s3.endpointUrl,
    }
    const id = indexIdOf(await inspectFolder(folder), 'night-1', 'growing')
    for (const blob of await filesOf(join(folder, 'indices', id))) {
      const candidate = `indices/${id}/${blob}`
      // Of a file in several parts the first is named, whichever is bad.
      if (/__[^/.]+$/.test(blob) && (await restingOn(folder, candidate)).length > 1) key = candidate
    }
  })
  afterAll(() => s3.close())

  async function rot({ method, key: asked }: { method: string; key: string }): Promise<Fault | undefined> {
    if (method !== 'GET' || asked !== `base/${rotten}`) return undefined
    const store = openFolder(folder)
    const body = Buffer.from(await readFile(join(folder, rotten)))
    body.writeUInt8(body.readUInt8(body.length >> 1) ^ 0x10, body.length >> 1)
    const { etag = null } = (await store.head(rotten)) ?? {}
    return { kind: 'answer', status: 200, headers: { etag: etag ?? '', 'content-length': String(body.length) }, body }
  }

  const night = (only?: string[], more: Record<string, string | number> = {}) =>
    bench.night('bucket', {
      repository: 's3://bucket/base',
      settings: { ...settings, ...more },
      ...(only === undefined ? {} : { only }),
    })

  it('lets night 2 catch up with what night 1 left, and night 3 restore nothing', async () => {
    const before = await digestOf(folder)
    const first = await night(undefined, { 'limits.snapshots': 1 })
    expect(first.run.exit.code).toBe(0)
    expect(first.run.restores.length).toBeGreaterThan(0)
    expect(first.run.debt.contents).toBeGreaterThan(0)
    expect(first.run.snapshots.filter(snapshot => snapshot.chosen)).toHaveLength(1)

    const second = await night()
    expect(second.run.debt).toMatchObject({ contents: 0, contentsBefore: first.run.debt.contents })
    expect(second.run.restores).toHaveLength(first.run.debt.contents)
    expect(second.run.restores.every(row => row.verdict === 'pass' && row.attempts === 1)).toBe(true)
    const proven = [first, second].flatMap(({ run }) => run.restores.map(row => `${row.index} ${row.contentId}`))
    expect(new Set(proven).size).toBe(proven.length)
    expect(verdictsAt(second.run, 'restore')).toEqual(allGood)

    const third = await night()
    expect(third.run.restores).toEqual([])
    expect(third.run.engines).toEqual([])
    expect(verdictsAt(third.run, 'restore')).toEqual(allGood)
    expect(third.run.exit.code).toBe(0)
    expect(third.run.history.map(run => run.runId)).toEqual([first.run.runId, second.run.runId])
    expect(await digestOf(folder)).toBe(before)
    await expectKnown(first.run, third.run)
  })

  /** What `ledger show` says of the first three nights. */
  async function expectKnown(first: RunResult, third: RunResult): Promise<void> {
    const store = openS3Store({ bucket: 'bucket', basePath: 'ledger', endpointUrl: s3.endpointUrl, clock: systemClock })
    const file = join(bench.folder, 'shown.sqlite')
    const name = third.repository.name
    const place = { repositoryName: name, store, file, log: silentLog, randomId: randomUUID }
    const ledger = await readLedger(place, new AbortController().signal)
    const ask = (question: Question, atMs: number | null) => {
      const scope = { atMs, nowMs: systemClock.nowMs(), fromMs: null, toMs: null, snapshot: null, index: null }
      return show(ledger.file, question, scope).rows
    }
    const good = (run: RunResult) =>
      run.lastGood
        .map(({ index, snapshot, level }) => ({ index, snapshot, level: snapshot === null ? null : level }))
        .sort(byIndex)
    expect(ask('good', null)).toMatchObject(good(third))
    expect(ask('good', Date.parse(first.endedAt))).toMatchObject(good(first))
    const levels = ask('snapshots', null)
    for (const { name: snapshot, levels: found } of third.snapshots) {
      for (const [level, mark] of Object.entries(found)) {
        const row = levels.find(one => one.snapshot === snapshot && one.level === level)
        expect([snapshot, level, row?.verdict]).toEqual([snapshot, level, mark.verdict])
        if (mark.verdict === 'pass')
          expect(row).toMatchObject({ method: expect.any(String), provenAt: expect.any(String) })
      }
    }
    const credited = new Set(third.verdicts.flatMap(row => (row.level === 'restore' ? (row.creditedFrom ?? []) : [])))
    const said = levels.flatMap(row => (row.creditedFrom === null ? [] : String(row.creditedFrom).split(', ')))
    expect(said.length).toBeGreaterThan(0)
    expect([...new Set(said)].every(name => credited.has(name))).toBe(true)
    // Nothing new was concluded in the third night, so it wrote no conclusion.
    expect(levels.map(row => row.run)).not.toContain(third.runId)
    expect(ask('runs', null)).toHaveLength(3)
    for (const { planned, executed } of ask('runs', null)) expect(executed).toBe(planned)
    ledger.close()
    await store.close()
  }
  const byIndex = (a: { readonly index: string }, b: { readonly index: string }) => (a.index < b.index ? -1 : 1)

  it('lets the proofs of a rewritten blob lapse, and restores only what rests on it', async () => {
    const resting = await restingOn(folder, key)
    const path = join(folder, key)
    await copyFile(path, `${path}.copy`)
    await rename(`${path}.copy`, path)
    const { run } = await night()
    const restored = run.restores.flatMap(row => [row.snapshot, ...row.creditedTo].map(name => `${row.index} ${name}`))
    expect(restored.sort()).toEqual(resting)
    expect(run.restores.every(row => row.verdict === 'pass')).toBe(true)
    expect(verdictsAt(run, 'restore')).toEqual(allGood)
    expect((await night()).run.restores).toEqual([])
  })

  it('condemns by one rotten blob every content that rests on it, those proven before included', async () => {
    const resting = await restingOn(folder, key)
    const hit = new Set(resting.map(copy => copy.split(' ')[1] ?? ''))
    rotten = key

    // Rot at rest changes neither size nor ETag: `presence` cannot see it, and what it rests on is remembered.
    const blind = await night()
    expect(blind.run.restores).toEqual([])
    expect(verdictsAt(blind.run, 'presence')).toMatchObject({ 'night-1': 'pass', 'night-2': 'pass', 'night-4': 'pass' })
    expect(blind.run.exit.code).toBe(0)

    const [asked = ''] = names.filter(name => hit.has(name))
    const { run } = await night([asked])
    expect(run.exit.code).toBe(1)
    expect(errorsOf(run)).toHaveLength(1)
    const [finding] = errorsOf(run)
    const uuids = [...hit].map(name => snapshotOf(run, name).uuid)
    expect(finding).toMatchObject({ code: 'corrupt-data-blob', key })
    expect([...(finding?.snapshots ?? [])].sort()).toEqual(uuids.sort())
    expectCondemned(run)

    // No false pass by memory: the next night fails them too, though the listing has not changed.
    const next = await night()
    expect(next.run.exit.code).toBe(1)
    expectCondemned(next.run)

    function expectCondemned(run: RunResult): void {
      for (const name of names) {
        const expected = hit.has(name) ? 'fail' : allGood[name]
        expect([name, snapshotOf(run, name).levels.restore?.verdict]).toEqual([name, expected])
      }
      for (const copy of resting) {
        const [index = '', snapshot = ''] = copy.split(' ')
        expect(restoreOf(run, snapshot, index)).toMatch(/^fail /)
      }
      const last = run.lastGood.find(good => good.index === 'growing')
      expect(last?.level === 'restore' && hit.has(last.snapshot ?? '')).toBe(false)
    }
  })

  it('is cured by a restore of good bytes, and only by that', async () => {
    rotten = ''
    const { run } = await night()
    expect(run.restores.length).toBeGreaterThan(0)
    expect(run.restores.every(row => row.index === 'growing' && row.verdict === 'pass')).toBe(true)
    expect(verdictsAt(run, 'restore')).toEqual(allGood)
    expect(run.exit.code).toBe(0)
  })
})

describe('a shard blob of one snapshot that is gone while its content was proven from another', () => {
  it('fails the catalogue of exactly that snapshot, in one finding, and gets no credit', async () => {
    const folder = await bench.copy(fixture)
    const repository = `file://${folder}`
    const inspection = await inspectFolder(folder)
    const contentIn = (snapshot: string) =>
      inspection.snapshots.find(one => one.name === snapshot)?.indices.find(one => one.name === 'growing')?.contentId
    expect(contentIn('night-4')).toBe(contentIn(partial))

    const first = await bench.night('credit', { repository })
    expect(restoreOf(first.run, 'night-4', 'growing')).toMatch(/^pass/)
    expect(restoreOf(first.run, partial, 'growing')).toMatch(/^pass/)

    const uuid = snapshotOf(first.run, 'night-4').uuid
    const key = `indices/${indexIdOf(inspection, 'night-4', 'growing')}/0/snap-${uuid}.dat`
    await rm(join(folder, key))
    const { run } = await bench.night('credit', { repository })
    expect(errorsOf(run)).toMatchObject([{ code: 'missing-metadata-blob', key, snapshots: [uuid], index: 'growing' }])
    expect(run.findings.filter(finding => finding.severity === 'warning')).toEqual([])
    expect(snapshotOf(run, 'night-4').levels.catalogue?.verdict).toBe('fail')
    expect(snapshotOf(run, 'night-4').levels.restore?.verdict).toBe('fail')
    expect(restoreOf(run, 'night-4', 'growing')).toBe('fail lower-level-failed')
    expect(restoreOf(run, partial, 'growing')).toMatch(/^pass/)
    expect(verdictsAt(run, 'catalogue')).toMatchObject({ 'night-1': 'pass', 'night-2': 'pass', 'night-4': 'fail' })
    expect(verdictsAt(run, 'restore')).toMatchObject({ 'night-1': 'pass', 'night-2': 'pass' })
    expect(run.lastGood.find(good => good.index === 'growing')?.snapshot).toBe(partial)
    expect(triedOf(run)).toEqual([])
    expect(run.exit.code).toBe(1)
  })
})
