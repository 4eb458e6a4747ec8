/** Catalogue and listing joined over a whole repository: states of snapshots, root blobs, second looks, what nobody needs. */
import { describe, expect, test } from 'vitest'
import type { BlobReader } from '../../src/blobs/port.ts'
import { check } from '../../src/check/check.ts'
import { FolderCursor } from '../../src/check/listing.ts'
import { RollUps, wholeMark } from '../../src/check/snapshotMarks.ts'
import { SnapproofError } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import type { ListedBlob } from '../../src/model/blob.ts'
import type { SnapshotInfo } from '../../src/model/content.ts'
import { checkedCopy } from '../support/checked.ts'
import { nowMs, snapshotEntry } from '../support/contents.ts'
import { fakeClock } from '../support/fakes.ts'
import {
  type CatalogueParts,
  catalogueOf,
  copyOf,
  fault,
  file,
  fileList,
  indexRecord,
  listed,
  listedStore,
  snapshotInfo,
} from '../support/records.ts'

const signal = new AbortController().signal
const list = fileList([file('__a', 100)])
const folder = 'indices/INDEX-LOGS'
const hour = 3_600_000
const clock = fakeClock()
const whole = { prefix: 'indices/', after: null, until: null }

const blobs: readonly ListedBlob[] = [
  listed('index-7', 100),
  listed(`${folder}/0/__a`, 100),
  listed(`${folder}/0/snap-UUID-0.dat`, 10),
  listed(`${folder}/0/snap-UUID-1.dat`, 10),
  listed(`${folder}/meta-M.dat`, 300),
]

function parts(change: Partial<CatalogueParts> = {}): CatalogueParts {
  return {
    snapshots: [snapshotEntry(0), snapshotEntry(1)],
    infos: [snapshotInfo(0), snapshotInfo(1)],
    records: [indexRecord([copyOf(0, [list]), copyOf(1, [list])])],
    ...change,
  }
}
function run(change: Partial<CatalogueParts> = {}, store: BlobReader = listedStore(blobs)) {
  const catalogue = catalogueOf(parts(change))
  return check({
    catalogue,
    blobs: store,
    credit: 'shared',
    collect: 'all',
    requests: 4,
    nowMs,
    clock,
    log: silentLog,
    signal,
  })
}
async function marks(change: Partial<CatalogueParts>, store?: BlobReader) {
  const { snapshots, contents, findings } = await run(change, store)
  return {
    snapshots: snapshots.map(
      ({ catalogue, presence }) => `${catalogue.verdict} ${catalogue.reason}, ${presence.verdict} ${presence.reason}`,
    ),
    lenders: contents.filter(content => content.obstacle === null).map(content => content.snapshots),
    findings: findings.map(({ code, severity, snapshots: hit }) => [code, severity, hit]),
  }
}
const good = 'pass proven, pass proven'

test('all is there', async () => {
  expect(await marks({})).toEqual({ snapshots: [good, good], lenders: [[0, 1]], findings: [] })
  expect((await run()).totals).toEqual({ blobs: 5, bytes: 520, shards: 2, unreferencedBlobs: 0, unreferencedBytes: 0 })
})

describe('second looks', () => {
  const listing = blobs.filter(blob => !blob.key.endsWith('__a'))
  const key = `${folder}/0/__a`

  test('HEAD finds what the listing did not show: nobody is accused, and it is asked once', async () => {
    const store = listedStore(listing, () => listed(key, 100))
    expect(await marks({}, store)).toEqual({ snapshots: [good, good], lenders: [[0, 1]], findings: [] })
    expect(store.heads).toEqual([key])
  })
  test('HEAD does not find it either', async () => {
    expect(
      await marks(
        {},
        listedStore(listing, () => null),
      ),
    ).toMatchObject({
      snapshots: ['pass proven, fail found', 'pass proven, fail found'],
      lenders: [],
      findings: [['missing-data-blob', 'error', ['UUID-0', 'UUID-1']]],
    })
  })
  test('HEAD finds another length', async () => {
    expect(
      (
        await marks(
          {},
          listedStore(listing, () => listed(key, 99)),
        )
      ).findings,
    ).toEqual([['wrong-length', 'error', ['UUID-0', 'UUID-1']]])
  })
  test('a listing that shows another length is asked again before it accuses', async () => {
    const short = blobs.map(blob => (blob.key === key ? listed(key, 99) : blob))
    expect(
      (
        await marks(
          {},
          listedStore(short, () => listed(key, 100)),
        )
      ).findings,
    ).toEqual([])
    expect((await marks({}, listedStore(short))).findings).toEqual([['wrong-length', 'error', ['UUID-0', 'UUID-1']]])
  })
  test.each(['unavailable', 'deadline', 'internal'] as const)('HEAD is %s: open, no finding, no credit', async code => {
    const store = listedStore(listing, () => new SnapproofError(code, 'no answer'))
    const open = 'pass proven, inconclusive store-unavailable'
    expect(await marks({}, store)).toEqual({ snapshots: [open, open], lenders: [], findings: [] })
  })
  test('an archived blob that does not give a byte, and one that was thawed', async () => {
    const archived = blobs.map(blob => (blob.key === key ? { ...blob, storageClass: 'GLACIER' } : blob))
    const thawed = listedStore(archived)
    expect((await marks({}, thawed)).findings).toEqual([])
    const frozen: BlobReader = {
      ...thawed,
      get: async () => Promise.reject(new SnapproofError('archived', 'in GLACIER')),
    }
    expect((await marks({}, frozen)).findings).toEqual([['archived-blob', 'error', ['UUID-0', 'UUID-1']]])
  })
  test('an abort is an abort', async () => {
    const abort = new AbortController()
    const store = listedStore(listing, () => {
      abort.abort(new SnapproofError('interrupted', 'Ctrl-C'))
      return new SnapproofError('unavailable', 'no')
    })
    const options = {
      blobs: store,
      credit: 'shared',
      collect: 'all',
      requests: 4,
      nowMs,
      clock,
      log: silentLog,
      signal: abort.signal,
    } as const
    await expect(check({ catalogue: catalogueOf(parts()), ...options })).rejects.toThrow()
  })
})

describe('states of a snapshot', () => {
  const info = (change: Partial<SnapshotInfo>) => [snapshotInfo(0, change), snapshotInfo(1)]
  const state = (name: 'PARTIAL' | 'FAILED' | 'IN_PROGRESS' | 'INCOMPATIBLE' | 'SUCCESS' | null) => [
    snapshotEntry(0, { state: name }),
    snapshotEntry(1),
  ]

  test('PARTIAL never passes, and its complete indices lend and borrow', async () => {
    for (const change of [
      { snapshots: state('PARTIAL'), infos: info({ state: 'PARTIAL' }) },
      { infos: info({ failures: [{ index: 'other', shard: 0, reason: 'x' }] }) },
      { infos: info({ state: 'PARTIAL' }) },
      { snapshots: state('PARTIAL') },
    ]) {
      const found = await marks(change)
      expect(found.snapshots).toEqual(['inconclusive partial-at-source, inconclusive partial-at-source', good])
      expect(found.lenders).toEqual([[0, 1]])
    }
  })
  test.each([['FAILED'], ['INCOMPATIBLE']] as const)('%s is not applicable and lends nothing', async name => {
    for (const change of [
      { snapshots: state(name), infos: info({ state: name }) },
      { snapshots: state('SUCCESS'), infos: info({ state: name }) },
    ]) {
      const found = await marks(change)
      expect(found.snapshots).toEqual(['not-applicable failed-at-source, not-applicable failed-at-source', good])
      expect(found.lenders).toEqual([[1]])
    }
  })
  test('what the snapshot says of itself counts more than index-N, which carries no checksum', async () => {
    expect((await marks({ snapshots: state('FAILED') })).snapshots).toEqual([good, good])
  })
  test('IN_PROGRESS is not read and not applicable', async () => {
    const records = [
      indexRecord([copyOf(0, [], { metadata: null, contentId: null, metadataKey: null }), copyOf(1, [list])]),
    ]
    const found = await marks({ snapshots: state('IN_PROGRESS'), infos: [null, snapshotInfo(1)], records })
    expect(found).toEqual({
      snapshots: ['not-applicable in-progress, not-applicable in-progress', good],
      lenders: [[1]],
      findings: [],
    })
  })
  test('an empty snapshot', async () => {
    const records = [indexRecord([copyOf(1, [list])])]
    const found = await marks({ infos: info({ indexCount: 0 }), records })
    expect(found.snapshots).toEqual(['not-applicable empty-at-source, not-applicable empty-at-source', good])
  })
  test('a shallow one', async () => {
    expect((await marks({ infos: info({ shallow: true }) })).snapshots[0]).toMatch(
      /^not-applicable not-verifiable-here/,
    )
  })
})

describe('root blobs', () => {
  const root = (change: Parameters<typeof fault>[0]) => ({
    rootFaults: { 0: [fault({ key: 'snap-UUID-0.dat', snapshots: ['UUID-0'], ...change })] },
  })
  const global = (change: Parameters<typeof fault>[0]) => ({
    rootFaults: { 0: [fault({ key: 'meta-UUID-0.dat', snapshots: ['UUID-0'], ...change })] },
  })

  test('missing: the snapshot fails, and lends none of its indices', async () => {
    expect(await marks({ infos: [null, snapshotInfo(1)], ...root({}) })).toEqual({
      snapshots: ['fail found, fail lower-level-failed', good],
      lenders: [[1]],
      findings: [['missing-metadata-blob', 'error', ['UUID-0']]],
    })
  })
  test('not answered: open, and no credit', async () => {
    const found = await marks({ infos: [null, snapshotInfo(1)], ...root({ ours: 'store-unavailable' }) })
    expect(found.snapshots[0]).toMatch(/^inconclusive store-unavailable, inconclusive/)
    expect(found.lenders).toEqual([[1]])
    expect(found.findings).toEqual([])
  })
  test('global metadata that nothing needs is a warning', async () => {
    const found = await marks(global({ snapshots: [] }))
    expect(found).toMatchObject({ snapshots: [good, good], findings: [['missing-metadata-blob', 'warning', []]] })
  })
  test('global metadata that data streams need is an error', async () => {
    const infos = [snapshotInfo(0, { includeGlobalState: false, dataStreams: ['stream'] }), snapshotInfo(1)]
    expect(await marks({ infos, ...global({}) })).toMatchObject({
      snapshots: ['fail found, fail lower-level-failed', good],
      findings: [['missing-metadata-blob', 'error', ['UUID-0']]],
    })
  })
  test('global metadata that is needed and was not answered leaves the catalogue open', async () => {
    const infos = [snapshotInfo(0, { includeGlobalState: true }), snapshotInfo(1)]
    const found = await marks({ infos, ...global({ ours: 'store-unavailable' }) })
    expect(found.snapshots).toEqual(['inconclusive store-unavailable, pass proven', good])
  })
})

describe('index-N and the snapshot disagree', () => {
  const mismatch = (change = {}) => ({
    rootFaults: {
      0: [fault({ code: 'snapshot-contents-mismatch', key: 'snap-UUID-0.dat', snapshots: ['UUID-0'], ...change })],
    },
  })

  test('about a time: a warning that fails nobody', async () => {
    expect(await marks(mismatch())).toMatchObject({
      snapshots: [good, good],
      lenders: [[0, 1]],
      findings: [['snapshot-contents-mismatch', 'warning', ['UUID-0']]],
    })
  })
  test('the snapshot names an index that index-N does not have: no server restores it', async () => {
    const unmatched = { 0: { inSnapshot: true, inIndexN: false } }
    expect(await marks({ unmatched, ...mismatch() })).toMatchObject({
      snapshots: ['fail found, fail lower-level-failed', good],
      findings: [['snapshot-contents-mismatch', 'error', ['UUID-0']]],
    })
  })
  test('index-N promises an index that the snapshot does not have: no credit for it', async () => {
    const unmatched = { 0: { inSnapshot: false, inIndexN: true } }
    const found = await marks({ unmatched, ...mismatch() })
    expect(found.snapshots[0]).toMatch(/^fail/)
    expect(found.lenders).toEqual([[1]])
  })
  test('an index that was deleted while a PARTIAL snapshot was taken', async () => {
    const infos = [snapshotInfo(0, { state: 'PARTIAL' }), snapshotInfo(1)]
    const found = await marks({
      snapshots: [snapshotEntry(0, { state: 'PARTIAL' }), snapshotEntry(1)],
      infos,
      unmatched: { 0: { inSnapshot: true, inIndexN: false } },
      ...mismatch(),
    })
    expect(found.snapshots[0]).toBe('inconclusive partial-at-source, inconclusive partial-at-source')
  })
  test('an identifier of index-N that is not defined fails exactly the snapshots that use it', async () => {
    const records = [
      indexRecord([copyOf(0, [], { metadata: null, contentId: null, metadataKey: null }), copyOf(1, [list])]),
    ]
    const repositoryFaults = [
      fault({ code: 'dangling-reference', key: 'index-7', snapshots: ['UUID-0'], index: 'logs' }),
    ]
    expect(await marks({ records, repositoryFaults })).toMatchObject({
      snapshots: ['fail found, fail lower-level-failed', good],
      findings: [['dangling-reference', 'error', ['UUID-0']]],
    })
  })
})

describe('what nobody needs', () => {
  const stray = (key: string, ageHours: number) => listed(key, 7, { modifiedMs: nowMs - ageHours * hour })
  const withStrays = (...strays: readonly ListedBlob[]) =>
    listedStore([...blobs, ...strays].sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))))

  test('is counted when it is older than 48 hours, in known folders and between them', async () => {
    const store = withStrays(
      stray('indices/AAA/0/__x', 49),
      stray(`${folder}/0/__stray`, 49),
      stray(`${folder}/0/__young`, 47),
      stray(`${folder}/0/__edge`, 48),
      stray('indices/ZZZ/0/__x', 49),
    )
    const { totals, findings } = await run({}, store)
    expect(totals).toMatchObject({ unreferencedBlobs: 3, unreferencedBytes: 21 })
    expect(findings).toMatchObject([{ code: 'unreferenced-blobs', severity: 'information', snapshots: [] }])
    expect(findings[0]?.message).toContain('indices/AAA/0/__x')
    expect(findings[0]?.message).not.toContain('__edge')
  })
  test('is not told where a list of files could not be read', async () => {
    const unread = copyOf(1, [list], { contentId: null, shards: [{ shard: 0, status: 'not-read', files: null }] })
    const store = withStrays(stray(`${folder}/0/__of-the-unread-list`, 99))
    const { totals } = await run({ records: [indexRecord([copyOf(0, [list]), unread])] }, store)
    expect(totals.unreferencedBlobs).toBe(0)
  })
})

describe('the listing', () => {
  test.each([
    ['unsorted', ['indices/B', 'indices/A']],
    ['twice', ['indices/A', 'indices/A']],
  ])('%s is refused', async (_, keys) => {
    const cursor = new FolderCursor(listedStore(keys.map(key => listed(key, 1))), whole, nowMs, signal)
    await expect(cursor.finish()).rejects.toThrow(/expected ascending byte order/)
  })
  test('order is that of UTF-8 bytes, not of UTF-16 units', async () => {
    const keys = ['indices/\uff5e', 'indices/\u{1f600}']
    const cursor = new FolderCursor(listedStore(keys.map(key => listed(key, 1))), whole, nowMs, signal)
    await cursor.finish()
    expect(cursor.blobs).toBe(2)
  })
  test('a folder whose name begins another one’s', async () => {
    const keys = ['indices/A-B/x', 'indices/A/x', 'indices/AB/x']
    const cursor = new FolderCursor(listedStore(keys.map(key => listed(key, 1))), whole, nowMs, signal)
    const taken: string[][] = []
    for (const id of ['A-B', 'A', 'AB']) taken.push([...(await cursor.take(`indices/${id}/`)).keys()])
    await cursor.finish()
    expect(taken).toEqual([['indices/A-B/x'], ['indices/A/x'], ['indices/AB/x']])
    expect(cursor.unreferenced.blobs).toBe(0)
  })
})

describe('wholeMark', () => {
  const mark = (verdict: 'pass' | 'fail' | 'inconclusive' | 'not-applicable') =>
    ({ verdict, reason: 'proven' }) as const
  test.each([
    [['pass', 'fail', 'inconclusive'], 'fail'],
    [['pass', 'inconclusive'], 'inconclusive'],
    [['pass', 'not-applicable'], 'pass'],
    [['not-applicable'], 'not-applicable'],
    [[], 'not-applicable'],
  ] as const)('%o is %s', (parts, verdict) => {
    expect(wholeMark(parts.map(mark), null).verdict).toBe(verdict)
  })
  test('an obstacle never passes, and does not hide a failure', () => {
    expect(wholeMark([mark('pass')], 'partial-at-source').verdict).toBe('inconclusive')
    expect(wholeMark([mark('fail')], 'partial-at-source').verdict).toBe('fail')
  })
  test('what nobody can look at here keeps the whole from passing, whichever index says so', () => {
    const nowhere = { verdict: 'not-applicable', reason: 'not-verifiable-here' } as const
    const mounted = { verdict: 'not-applicable', reason: 'mounted' } as const
    expect(wholeMark([mark('pass'), mounted], null).verdict).toBe('pass')
    for (const presences of [
      [mark('pass'), nowhere, mounted],
      [mounted, mark('pass'), nowhere],
    ]) {
      const rollUps = new RollUps()
      for (const [index, presence] of presences.entries()) rollUps.add(checkedCopy(0, { index, presence }))
      expect(wholeMark(rollUps.parts(0, 'presence'), null)).toEqual(nowhere)
    }
  })
})
