/** Chains with faults that no real server produces on demand; the servers are in test/integration/chains.test.ts. */
import { describe, expect, test } from 'vitest'
import { SnapproofError } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import type { Expectation, FileRow } from '../../src/model/evidence.ts'
import type { Finding } from '../../src/model/finding.ts'
import type { Group } from '../../src/model/plan.ts'
import type { Source } from '../../src/plan/fit.ts'
import type { Attempt } from '../../src/run/attempt.ts'
import { EngineHolder } from '../../src/run/engines.ts'
import { expectationOf } from '../../src/run/expectation.ts'
import { workOff } from '../../src/run/work.ts'
import { content, snapshotEntry } from '../support/contents.ts'
import {
  type FakeEngine,
  type FakeEngineOptions,
  type FakeMirrorOptions,
  fakeClock,
  fakeEngine,
  fakeMirror,
} from '../support/fakes.ts'
import { catalogueOf, copyOf, fault, file, fileList, indexRecord, snapshotInfo } from '../support/records.ts'

/** Three nights: the file `_0.cfs` is the same in all; in the newest another blob holds it. */
const entries = [snapshotEntry(0), snapshotEntry(1), snapshotEntry(2)]
const same = { physicalName: '_0.cfs' }
const copies = [
  copyOf(0, [fileList([file('__kept', 1000, same), file('__first', 100)])]),
  copyOf(1, [fileList([file('__kept', 1000, same), file('__second', 100)])]),
  copyOf(2, [fileList([file('__again', 1000, same), file('__third', 100)])]),
]
const record = indexRecord(copies)
const catalogue = catalogueOf({
  snapshots: entries,
  infos: entries.map((_, i) => snapshotInfo(i)),
  records: [record],
})
const expected = copies.map((copy, i) => expectationOf(record, copy, entries[i] ?? snapshotEntry(0)))
const key = (name: string) => `indices/INDEX-LOGS/0/${name}`

function groupOf(positions: readonly number[], kind: 'never' | 'failed' = 'never'): Group {
  const contents = positions.map(snapshot => ({
    content: content({
      indexName: 'logs',
      indexId: 'INDEX-LOGS',
      contentId: copies[snapshot]?.contentId ?? '',
      snapshots: [snapshot],
      bytes: 1100,
    }),
    kind,
    snapshot,
  }))
  return { indexName: 'logs', indexId: 'INDEX-LOGS', shardCount: 1, engine: 'nine', contents, restoreBytes: 3300 }
}

interface Scene {
  readonly source?: Source
  readonly positions?: readonly number[]
  readonly kind?: 'never' | 'failed'
  readonly engine?: (start: number) => FakeEngineOptions
  readonly mirror?: FakeMirrorOptions
}

/** As a server does: what lay in the target under the same name is kept. */
function keeps(now: Expectation, over: Expectation | null): FileRow[] {
  const before = new Set((over?.files ?? []).map(({ file: name }) => name))
  return (now.files ?? []).map(({ shard, file: name, bytes }) => {
    const reused = before.has(name)
    return { shard, file: name, bytes, reused, recoveredBytes: reused ? 0 : bytes }
  })
}

async function play({ source = 'mirror', positions = [0, 1, 2], kind = 'never', ...scene }: Scene = {}) {
  const attempts: Attempt[] = []
  const condemned: { readonly finding: Finding; readonly contentIds: ReadonlySet<string> }[] = []
  const servers: FakeEngine[] = []
  const mirror = fakeMirror(scene.mirror)
  const engines = new EngineHolder({
    start: async name => {
      // With their files, as the work expects them.
      const full = expected.map((one, i) => ({ ...one, files: filesOfCopy(i) }))
      servers.push(fakeEngine(name, { expected: full, files: keeps, ...scene.engine?.(servers.length + 1) }))
      return servers.at(-1) as FakeEngine
    },
    mirrorFolder: '/mirror',
    freshStarts: 3,
    log: silentLog,
    signal: new AbortController().signal,
  })
  const result = await workOff({
    plan: { snapshots: [0, 1, 2], groups: [groupOf(positions, kind)], left: [], debt: [], restoreBytes: 3300 },
    catalogue,
    mirror,
    engines,
    clock: fakeClock(),
    log: silentLog,
    signal: new AbortController().signal,
    stopAtMs: null,
    parallel: 2,
    source,
    chainsOf: () => ({ fromBytes: 1000, product: 'elasticsearch', major: 9 }),
    takenBytes: 0,
    restoreTimeoutSeconds: 60,
    onAttempt: async attempt => {
      attempts.push(attempt)
    },
    onCondemned: async (_, contentIds, finding) => {
      condemned.push({ finding, contentIds })
    },
  })
  const said = attempts.map(({ planned, judgement, evidence, number }) => [
    planned.snapshot,
    judgement.verdict,
    evidence?.method,
    number,
  ])
  return { result, said, attempts, condemned, mirror, servers, failure: result.failure }
}

function filesOfCopy(position: number) {
  const list = copies[position]?.shards[0]?.files?.files ?? []
  return list.map(({ name, physicalName, bytes }) => ({ shard: 0, file: physicalName, bytes, blobs: [key(name)] }))
}
const readBy = ({ evidence }: Attempt, blob: string) =>
  (evidence?.readings ?? []).filter(({ blobs }) => blobs.includes(key(blob))).map(({ by, link }) => [by, link])
const [first, second, third] = entries.map(({ name }) => name)

test('newest first, each over the one before it; the head is an ordinary restore', async () => {
  const { said, attempts, servers, failure } = await play()
  expect(failure).toBeNull()
  expect(said).toEqual([
    [2, 'pass', 'restore', 1],
    [1, 'pass', 'chained', 1],
    [0, 'pass', 'chained', 1],
  ])
  expect(attempts.map(({ evidence }) => evidence?.chain?.over)).toEqual([undefined, third, second])
  expect(attempts.map(({ evidence }) => evidence?.chain?.link)).toEqual([undefined, 1, 2])
  expect(attempts[2]?.evidence?.chain).toMatchObject({ predictedReusedBytes: 1000 })
  expect(servers[0]?.calls.filter(call => call.startsWith('close'))).toHaveLength(2)
})

test('what failed before is restored alone', async () => {
  const { said } = await play({ kind: 'failed' })
  expect(said.map(([, verdict, method]) => [verdict, method])).toEqual(expected.map(() => ['pass', 'restore']))
})

describe('reading the store itself', () => {
  const source = 's3'
  test('a kept file counts as read only by the name of its blob; the other blob is read by us', async () => {
    const { said, attempts, mirror, condemned } = await play({ source })
    expect(said.map(([, verdict]) => verdict)).toEqual(['pass', 'pass', 'pass'])
    const [newest, middle, oldest] = attempts as [Attempt, Attempt, Attempt]
    expect(readBy(newest, '__again')).toEqual([['server', third]])
    // Kept of __again, which holds the same Lucene file; __kept itself was read by nobody.
    expect(readBy(middle, '__kept')).toEqual([['separate', null]])
    expect(readBy(oldest, '__kept')).toEqual([['separate', null]])
    expect(readBy(oldest, '__first')).toEqual([['server', first]])
    expect(mirror.fetches).toEqual([[key('__kept')]])
    expect(mirror.held.size).toBe(0)
    expect(condemned).toEqual([])
  })

  test('the other blob is damaged: what rests on it does not pass, and is accused by the blob', async () => {
    const bad = (items: Parameters<NonNullable<FakeMirrorOptions['faults']>>[0]) =>
      items.map(item => ({
        item,
        fault: fault({ code: 'corrupt-data-blob', key: key('__kept'), snapshots: item.snapshots, index: 'logs' }),
      }))
    const { said, condemned, result } = await play({ source, mirror: { faults: bad } })
    expect(said).toEqual([[2, 'pass', 'restore', 1]])
    expect(condemned).toMatchObject([{ finding: { code: 'corrupt-data-blob', key: key('__kept') } }])
    expect([...(condemned[0]?.contentIds ?? [])].sort()).toEqual([copies[0], copies[1]].map(c => c?.contentId).sort())
    expect(result.findings).toHaveLength(1)
  })

  test('the other blob cannot be read now: nobody passes, nobody is accused', async () => {
    const { attempts, condemned } = await play({
      source,
      mirror: { faults: items => items.map(item => ({ item, fault: fault({ ours: 'store-unavailable' }) })) },
    })
    // In an empty target the server reads it itself.
    expect(attempts.map(({ judgement, evidence }) => [judgement.verdict, evidence?.method])).toEqual([
      ['pass', 'restore'],
      ['pass', 'restore'],
      ['pass', 'chained'],
    ])
    expect(condemned).toEqual([])
  })

  test('a server that does not say what it copied proves nothing', async () => {
    const { attempts, mirror } = await play({ source, positions: [0], engine: () => ({ files: () => [] }) })
    // So each blob is read by us.
    expect(mirror.fetches.flat().sort()).toEqual([key('__first'), key('__kept')])
    expect(attempts.map(({ judgement }) => judgement.verdict)).toEqual(['pass'])
  })

  test('the snapshot is gone while it is restored: neither good nor bad', async () => {
    const { attempts, servers } = await play({ source, positions: [0], engine: () => ({ seen: () => null }) })
    expect(attempts.map(({ judgement }) => [judgement.verdict, judgement.reason])).toEqual([
      ['inconclusive', 'repository-moved'],
    ])
    expect(servers[0]?.calls.some(call => call.startsWith('restore'))).toBe(false)
  })

  test('fails once: all its blobs are read by us before anybody is accused', async () => {
    const { said, mirror } = await play({
      source,
      positions: [0],
      engine: start => (start === 1 ? { bendStats: rows => rows.map(row => ({ ...row, luceneDocs: 1 })) } : {}),
    })
    expect(said).toEqual([[0, 'pass', 'restore', 2]])
    expect(mirror.fetches.flat()).toEqual(expect.arrayContaining([key('__first'), key('__kept')]))
  })

  test('fails twice with good blobs: one finding', async () => {
    const bendStats: FakeEngineOptions['bendStats'] = rows => rows.map(row => ({ ...row, luceneDocs: 1 }))
    const { said, result } = await play({ source, positions: [0], engine: () => ({ bendStats }) })
    expect(said).toEqual([[0, 'fail', 'restore', 2]])
    expect(result.findings).toMatchObject([{ code: 'document-count-mismatch' }])
  })

  /** As a server: of a shard that it gave up it lists no files. */
  const noFiles = () => {
    throw new SnapproofError('engine-request', 'there is no list of files')
  }
  test('a shard that the server gave up fails in its words, although it lists no files', async () => {
    const gaveUp = 'CorruptIndexException[checksum failed (hardware problem?)]'
    const { said, result } = await play({ source, positions: [0], engine: () => ({ gaveUp, files: noFiles }) })
    expect(said).toEqual([[0, 'fail', 'restore', 2]])
    expect(result.findings).toMatchObject([{ code: 'restore-shard-failed' }])
  })
  test('a shard that the server gave up for its credentials accuses nobody, in the words of the store', async () => {
    const gaveUp = 'S3Exception[The provided token has expired. (Service: S3, Status Code: 400, Request ID: X)]'
    const { attempts } = await play({ source, positions: [0], engine: () => ({ gaveUp, files: noFiles }) })
    expect(attempts.map(({ judgement }) => [judgement.verdict, judgement.reason])).toEqual([
      ['inconclusive', 'store-unavailable'],
    ])
  })

  test('fails once and its blobs cannot be read: no finding', async () => {
    const bendStats: FakeEngineOptions['bendStats'] = rows => rows.map(row => ({ ...row, luceneDocs: 1 }))
    const { said, result } = await play({
      source,
      positions: [0],
      engine: () => ({ bendStats }),
      mirror: {
        faults: items =>
          items.map(item => ({ item, fault: fault({ ours: 'store-unavailable', key: item.parts[0]?.key ?? '' }) })),
      },
    })
    expect(said).toEqual([[0, 'inconclusive', 'restore', 1]])
    expect(result.findings).toEqual([])
  })
})

describe('a link that is not good', () => {
  test('is restored into an empty target before anybody is accused', async () => {
    let restores = 0
    const { said, servers, result } = await play({
      engine: () => ({
        onRestore: () => void restores++,
        // The second restore is the first link.
        bendStats: rows => (restores === 2 ? rows.map(row => ({ ...row, luceneDocs: 1 })) : rows),
      }),
    })
    expect(said).toEqual([
      [2, 'pass', 'restore', 1],
      [1, 'pass', 'restore', 1],
      [0, 'pass', 'chained', 1],
    ])
    expect(servers).toHaveLength(1)
    expect(result.findings).toEqual([])
  })

  test('and fails there and in a fresh server too: a finding of an ordinary restore', async () => {
    const { said, result } = await play({
      engine: () => ({ answer: ({ snapshot }) => (snapshot === second ? refusedAnswer : { accepted: true }) }),
    })
    expect(said).toEqual([
      [2, 'pass', 'restore', 1],
      [0, 'pass', 'restore', 1],
      [1, 'fail', 'restore', 2],
    ])
    expect(result.findings).toHaveLength(1)
  })

  test('a target that the server does not close is not restored over', async () => {
    const { said } = await play({ engine: () => ({ closes: false }) })
    expect(said.map(([, verdict, method]) => [verdict, method])).toEqual(expected.map(() => ['pass', 'restore']))
  })

  test('a server that died between two links: the next begins from nothing', async () => {
    let restores = 0
    const { said, servers } = await play({
      engine: start => ({
        onRestore: engine => {
          restores++
          if (start === 1 && restores === 2) engine.die('killed')
        },
      }),
    })
    expect(said).toEqual([
      [2, 'pass', 'restore', 1],
      [1, 'inconclusive', 'chained', 1],
      [0, 'pass', 'restore', 1],
    ])
    expect(servers).toHaveLength(2)
  })
})

const refusedAnswer = {
  accepted: false,
  status: 500,
  type: 'snapshot_restore_exception',
  reason: 'cannot restore',
} as const
