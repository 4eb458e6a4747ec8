/** One index over all its snapshots: who is hit by what, who may lend a proof, and when a proof lapses. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isWanted } from '../../src/check/bytes.ts'
import { checkIndex, type Doubt, findDoubts, type IndexFacts, type SecondLook } from '../../src/check/checkIndex.ts'
import type { ListedBlob } from '../../src/model/blob.ts'
import { dayMs } from '../support/contents.ts'
import {
  copyOf,
  facts,
  fault,
  file,
  fileList,
  indexRecord,
  listed,
  listing,
  metadata,
  snapshotInfo,
} from '../support/records.ts'

const one = fileList([file('__a', 100)])
const both = fileList([file('__a', 100), file('__b', 50)])
const folder = 'indices/INDEX-LOGS'
const whole = listing({ '0/__a': 100, '0/__b': 50 })

function run(of: IndexFacts, looks: Readonly<Record<string, SecondLook>> = {}, credit: 'shared' | 'strict' = 'shared') {
  const doubts = findDoubts(of)
  const all = new Map<string, SecondLook>(doubts.map(doubt => [doubt.key, looks[doubt.key] ?? { state: 'missing' }]))
  return { doubts, ...checkIndex(of, doubts, all, credit) }
}
function doubtKinds(doubts: readonly Doubt[]) {
  return doubts.map(({ key, kind, snapshots }) => [key.slice(folder.length + 1), kind, snapshots])
}

describe('all is there', () => {
  const found = run(facts(indexRecord([copyOf(0, [one]), copyOf(1, [both]), copyOf(2, [both])]), whole))

  test('no doubts, no findings, everything passes', () => {
    expect(found.doubts).toEqual([])
    expect(found.findings).toEqual([])
    expect(found.copies.map(copy => [copy.catalogue.verdict, copy.presence.verdict, copy.obstacle])).toEqual(
      [0, 1, 2].map(() => ['pass', 'pass', null]),
    )
  })
  test('equal lists are one content of all their snapshots', () => {
    expect(found.contents.map(({ snapshots, bytes, files }) => ({ snapshots, bytes, files }))).toEqual([
      { snapshots: [0], bytes: 100, files: 1 },
      { snapshots: [1, 2], bytes: 150, files: 2 },
    ])
  })
  test('strict credit shares nothing', () => {
    const strict = run(facts(indexRecord([copyOf(1, [both]), copyOf(2, [both])]), whole), {}, 'strict')
    expect(strict.contents.map(content => content.snapshots)).toEqual([[1], [2]])
    expect(strict.contents[0]?.contentId).toBe(strict.contents[1]?.contentId)
  })
  test('needed keys', () => {
    expect([...found.referenced].sort()).toEqual([
      `${folder}/0/__a`,
      `${folder}/0/__b`,
      `${folder}/0/snap-UUID-0.dat`,
      `${folder}/0/snap-UUID-1.dat`,
      `${folder}/0/snap-UUID-2.dat`,
      `${folder}/meta-M.dat`,
    ])
    expect(found.allRead).toBe(true)
  })
})

describe('a blob that several snapshots share', () => {
  const record = indexRecord([copyOf(0, [fileList([file('__b', 50)])]), copyOf(1, [both]), copyOf(3, [one])])

  test('is missing: one finding that names exactly those', () => {
    const found = run(facts(record, listing({ '0/__b': 50 })))
    expect(doubtKinds(found.doubts)).toEqual([['0/__a', 'missing', [1, 3]]])
    expect(found.findings).toMatchObject([
      {
        code: 'missing-data-blob',
        severity: 'error',
        key: `${folder}/0/__a`,
        snapshots: ['UUID-1', 'UUID-3'],
        index: 'logs',
        shard: 0,
      },
    ])
    expect(found.copies.map(copy => copy.presence)).toEqual([
      { verdict: 'pass', reason: 'proven' },
      { verdict: 'fail', reason: 'found' },
      { verdict: 'fail', reason: 'found' },
    ])
    expect(found.contents.map(content => content.snapshots)).toEqual([[0]])
  })

  test.each([
    [{ state: 'wrong-length', bytes: 99 }, 'wrong-length'],
    [{ state: 'archived' }, 'archived-blob'],
    [{ state: 'unreadable', message: 'AccessDenied' }, 'unreadable-blob'],
  ] as const)('%o', (look, code) => {
    const found = run(facts(record, listing({ '0/__a': 99, '0/__b': 50 })), { [`${folder}/0/__a`]: look })
    expect(found.findings).toMatchObject([{ code, snapshots: ['UUID-1', 'UUID-3'] }])
    expect(found.copies.map(copy => copy.presence.verdict)).toEqual(['pass', 'fail', 'fail'])
  })

  test('a listing older than the metadata accuses nobody', () => {
    const blob = listed(`${folder}/0/__a`, 100)
    const found = run(facts(record, listing({ '0/__b': 50 })), { [blob.key]: { state: 'fine', blob } })
    expect(found.findings).toEqual([])
    expect(found.copies.map(copy => copy.presence.verdict)).toEqual(['pass', 'pass', 'pass'])
    expect(found.contents.every(content => content.witness !== null)).toBe(true)
  })

  test.each([[{ state: 'unknown', message: 'throttled' } as const], [undefined]])(
    'a second look that says nothing (%o) leaves it open',
    look => {
      const of = facts(record, listing({ '0/__b': 50 }))
      const doubts = findDoubts(of)
      const looks = new Map(look === undefined ? [] : [[`${folder}/0/__a`, look]])
      const found = checkIndex(of, doubts, looks, 'shared')
      expect(found.findings).toEqual([])
      expect(found.copies.map(copy => copy.presence)).toEqual([
        { verdict: 'pass', reason: 'proven' },
        { verdict: 'inconclusive', reason: 'store-unavailable' },
        { verdict: 'inconclusive', reason: 'store-unavailable' },
      ])
      expect(found.contents.map(content => content.snapshots)).toEqual([[0]])
    },
  )

  test('a missing blob beats one that nobody could ask for', () => {
    for (const unknown of ['__a', '__b']) {
      const of = facts(indexRecord([copyOf(1, [both])]), listing({}))
      const found = run(of, { [`${folder}/0/${unknown}`]: { state: 'unknown', message: 'x' } })
      expect(found.copies[0]?.presence).toEqual({ verdict: 'fail', reason: 'found' })
      expect(found.findings).toHaveLength(1)
    }
  })
})

test('a part of a split file that is missing, and one of another length', () => {
  const split = fileList([file('__big', 25, { partBytes: 10 })])
  const found = run(facts(indexRecord([copyOf(0, [split])]), listing({ '0/__big.part0': 10, '0/__big.part2': 6 })), {
    [`${folder}/0/__big.part2`]: { state: 'wrong-length', bytes: 6 },
  })
  expect(doubtKinds(found.doubts)).toEqual([
    ['0/__big.part1', 'missing', [0]],
    ['0/__big.part2', 'wrong-length', [0]],
  ])
  expect(found.findings.map(finding => finding.code)).toEqual(['missing-data-blob', 'wrong-length'])
})

test('virtual files are in their metadata and nowhere else', () => {
  const virtual = fileList([file('v__s', 40), file('__a', 100)])
  expect(run(facts(indexRecord([copyOf(0, [virtual])]), listing({ '0/__a': 100 }))).doubts).toEqual([])
})

test.each(['GLACIER', 'DEEP_ARCHIVE'])('%s is doubtful, other classes are not', storageClass => {
  const blobs = new Map(whole)
  blobs.set(`${folder}/0/__a`, listed(`${folder}/0/__a`, 100, { storageClass }))
  blobs.set(`${folder}/0/__b`, listed(`${folder}/0/__b`, 50, { storageClass: 'GLACIER_IR' }))
  expect(doubtKinds(run(facts(indexRecord([copyOf(0, [both])]), blobs)).doubts)).toEqual([['0/__a', 'unreadable', [0]]])
})

describe('metadata that are not good', () => {
  const lost = copyOf(1, [both], {
    contentId: null,
    shards: [{ shard: 0, status: 'missing-metadata', files: null }],
  })
  const gone = fault({ key: `${folder}/0/snap-UUID-1.dat`, snapshots: ['UUID-1'], index: 'logs', shard: 0 })

  test('the own snap- of a shard is gone, and the same content in another snapshot lends it nothing', () => {
    const found = run(facts(indexRecord([copyOf(0, [both]), lost, copyOf(2, [both])], { faults: [gone] }), whole))
    expect(found.findings).toMatchObject([{ code: 'missing-metadata-blob', snapshots: ['UUID-1'] }])
    expect(found.copies[1]).toMatchObject({
      catalogue: { verdict: 'fail', reason: 'found' },
      presence: { verdict: 'fail', reason: 'lower-level-failed' },
    })
    expect(found.contents.map(content => content.snapshots)).toEqual([[0, 2]])
    expect(found.allRead).toBe(false)
  })

  test('a content id alone is no credit: an error about this snapshot bars it', () => {
    const segments = fault({ code: 'segment-files-inconsistent', snapshots: ['UUID-1'], index: 'logs', shard: 0 })
    const found = run(facts(indexRecord([copyOf(0, [both]), copyOf(1, [both])], { faults: [segments] }), whole))
    expect(found.contents.map(content => content.snapshots)).toEqual([[0]])
  })

  test('what index-N gets wrong about this index bars it too', () => {
    const dangling = fault({ code: 'dangling-reference', snapshots: ['UUID-1'], index: 'logs' })
    const of = facts(
      indexRecord([
        copyOf(0, [both]),
        copyOf(1, [both], { metadata: null, metadataKey: null, contentId: null, shards: [] }),
      ]),
      whole,
      {
        rootFaults: [dangling],
      },
    )
    expect(run(of).copies.map(copy => copy.catalogue)).toEqual([
      { verdict: 'pass', reason: 'proven' },
      { verdict: 'fail', reason: 'found' },
    ])
  })

  test('a warning fails nobody', () => {
    const warning = fault({ code: 'shard-generation-missing', snapshots: ['UUID-1'], index: 'logs', shard: 0 })
    const found = run(facts(indexRecord([copyOf(0, [both]), copyOf(1, [both])], { faults: [warning] }), whole))
    expect(found.findings).toMatchObject([{ severity: 'warning' }])
    expect(found.contents.map(content => content.snapshots)).toEqual([[0, 1]])
  })

  test('our own trouble with a blob is nobody’s finding and nobody’s pass', () => {
    const trouble = fault({ ...gone, ours: 'store-unavailable' })
    const unread = { ...lost, shards: [{ shard: 0, status: 'not-read' as const, files: null }] }
    const found = run(facts(indexRecord([copyOf(0, [both]), unread], { faults: [trouble] }), whole))
    expect(found.findings).toEqual([])
    expect(found.copies[1]).toMatchObject({
      catalogue: { verdict: 'inconclusive', reason: 'store-unavailable' },
      presence: { verdict: 'inconclusive', reason: 'store-unavailable' },
    })
    expect(found.contents.map(content => content.snapshots)).toEqual([[0]])
  })

  test('index metadata that are not there at all', () => {
    const bare = copyOf(0, [], { metadata: null, metadataKey: null, contentId: null })
    const found = run(facts(indexRecord([bare]), whole))
    expect(found.copies[0]).toMatchObject({
      catalogue: { verdict: 'inconclusive' },
      presence: { verdict: 'inconclusive' },
    })
    expect(found.contents).toEqual([])
    expect(found.allRead).toBe(false)
  })

  test('a snapshot that is no good as a whole lends nothing', () => {
    const wholes = [{ verdict: 'fail', reason: 'lower-level-failed' } as const, null, null, null]
    const found = run(facts(indexRecord([copyOf(0, [both]), copyOf(1, [both])]), whole, { wholes }))
    expect(found.contents.map(content => content.snapshots)).toEqual([[1]])
  })
})

describe('obstacles', () => {
  test.each([
    ['mounted', { metadata: metadata({ mounted: true }) }],
    ['system-index', { metadata: metadata({ system: true }) }],
    [
      'partial-at-source',
      { shards: [{ shard: 0, status: 'failed-at-source' as const, files: null }], contentId: null },
    ],
    [
      'not-verifiable-here',
      { shards: [{ shard: 0, status: 'not-verifiable-here' as const, files: null }], contentId: null },
    ],
    ['not-read', { contentId: null }],
  ])('%s', (obstacle, change) => {
    const found = run(facts(indexRecord([copyOf(0, [both], change)]), whole))
    expect(found.copies[0]?.obstacle).toBe(obstacle)
    expect(found.contents.filter(content => content.obstacle === null)).toEqual([])
  })

  test('a count that nobody knows', () => {
    const blind = fileList([file('__a', 100)], {
      luceneDocs: null,
      maxSeqNo: null,
      countStatus: 'no-commit-in-metadata',
    })
    expect(run(facts(indexRecord([copyOf(0, [blind])]), whole)).contents).toMatchObject([{ obstacle: 'count-unknown' }])
  })

  test('an index of a feature state in one snapshot and of none in another is one content for each', () => {
    const infos = [
      snapshotInfo(0, { features: [{ name: 'f', indices: ['logs'] }] }),
      snapshotInfo(1),
      snapshotInfo(2),
      snapshotInfo(3),
    ]
    const found = run(facts(indexRecord([copyOf(0, [both]), copyOf(1, [both])]), whole, { infos }))
    expect(found.contents.map(({ snapshots, obstacle }) => ({ snapshots, obstacle }))).toEqual([
      { snapshots: [0], obstacle: 'system-index' },
      { snapshots: [1], obstacle: null },
    ])
  })

  test('a system index is restored where the snapshot holds the one state that restores it, and its bytes do not wait', () => {
    const system = { metadata: metadata({ system: true }) }
    const tasks = { name: 'tasks', indices: ['.tasks'] }
    const states = [[tasks], [], [tasks, { ...tasks, name: 'other' }], [{ ...tasks, name: 'none' }]]
    const infos = states.map((features, position) => snapshotInfo(position, { features }))
    const record = indexRecord(
      states.map((_, position) => copyOf(position, [both], system)),
      { name: '.tasks' },
    )
    const found = run(facts(record, whole, { infos }))
    expect(found.contents.map(({ snapshots, obstacle, system: of }) => ({ snapshots, obstacle, of }))).toEqual([
      { snapshots: [0], obstacle: null, of: true },
      { snapshots: [1, 2, 3], obstacle: 'system-index', of: undefined },
    ])
    const asked: unknown[] = []
    const wants = ({ obstacle }: { obstacle: unknown }) => asked.push(obstacle) > 0
    for (const copy of found.copies) isWanted(copy, { bytesLeft: null, isOver: () => false, wants })
    expect(new Set(asked)).toEqual(new Set(['system-index']))
  })

  test('a mounted index needs no blobs here, and its presence says so', () => {
    const mounted = copyOf(0, [fileList([])], { metadata: metadata({ mounted: true }) })
    expect(run(facts(indexRecord([mounted]), whole)).copies[0]?.presence).toEqual({
      verdict: 'not-applicable',
      reason: 'mounted',
    })
  })
})

describe('the witness', () => {
  const record = indexRecord([copyOf(0, [both])])
  const witness = (blobs: ReadonlyMap<string, ListedBlob>) => run(facts(record, blobs)).contents[0]?.witness
  const keys = [...whole.keys()]
  const before = witness(whole)

  test('is the same for the same blobs in any order, and other blobs of the folder do not matter', () => {
    expect(before).toMatch(/^[0-9a-f]{32}$/)
    expect(witness(new Map([...whole].reverse()))).toBe(before)
    expect(witness(new Map([...whole, ['indices/INDEX-LOGS/0/__c', listed('indices/INDEX-LOGS/0/__c', 1)]]))).toBe(
      before,
    )
  })
  test('changes with ETag and time of any blob, and is null without an ETag', () => {
    const change = fc.constantFrom<Partial<ListedBlob>>(
      { etag: '"other"' },
      { etag: '' },
      { modifiedMs: 0 },
      { modifiedMs: dayMs },
      { etag: null },
    )
    fc.assert(
      fc.property(fc.constantFrom(...keys), change, (key, bent) => {
        const blob = whole.get(key)
        const changed = witness(new Map([...whole, [key, { ...(blob ?? listed(key, 0)), ...bent }]]))
        expect(changed).not.toBe(before)
        if (bent.etag === null) expect(changed).toBeNull()
        else expect(changed).toMatch(/^[0-9a-f]{32}$/)
      }),
      { seed: 3 },
    )
  })
  test('changes with the length of the index metadata, whose length nothing else says', () => {
    const key = `${folder}/meta-M.dat`
    expect(witness(new Map([...whole, [key, listed(key, 301)]]))).not.toBe(before)
  })
  test('is null when the index metadata are not listed', () => {
    const without = new Map(whole)
    without.delete(`${folder}/meta-M.dat`)
    expect(witness(without)).toBeNull()
  })
})

test('for any set of lost blobs: who needs one fails, nobody else does, and nobody who fails lends', () => {
  const names = ['__a', '__b', '__c', '__d', '__e']
  const needs = fc.array(fc.subarray(names, { minLength: 1 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(needs, fc.subarray(names), (lists, lost) => {
      const copies = lists.map((list, i) => copyOf(i, [fileList(list.map(name => file(name, 10)))]))
      const there = Object.fromEntries(names.filter(name => !lost.includes(name)).map(name => [`0/${name}`, 10]))
      const found = run(facts(indexRecord(copies), listing(there)))
      lists.forEach((list, i) => {
        const hit = list.filter(name => lost.includes(name))
        expect(found.copies[i]?.presence.verdict).toBe(hit.length > 0 ? 'fail' : 'pass')
        expect(found.contents.some(content => content.snapshots.includes(i))).toBe(hit.length === 0)
        for (const name of names) {
          const finding = found.findings.find(one => one.key?.endsWith(name))
          expect(finding?.snapshots.includes(`UUID-${i}`) ?? false).toBe(hit.includes(name))
        }
      })
    }),
    { seed: 3 },
  )
})

describe('mounted indices', () => {
  test('whose data lies in another repository are told of, once, and nobody is accused', () => {
    const backingElsewhere = 'its data lies in snapshot s of the repository cold'
    const copies = [0, 1].map(at => copyOf(at, [fileList([])], { backingElsewhere }))
    const found = run(facts(indexRecord(copies), listing({})))
    expect(found.findings).toMatchObject([
      { code: 'backing-snapshot-elsewhere', severity: 'information', snapshots: ['UUID-0', 'UUID-1'] },
    ])
    expect(found.findings[0]?.message).toContain(backingElsewhere)
  })
  test('whose snapshot is gone are one finding for all copies', () => {
    const copies = [0, 1].map(at => copyOf(at, [fileList([])]))
    const gone = (at: number) =>
      fault({ code: 'backing-snapshot-missing', key: 'indices/INDEX-LOGS/meta-M.dat', snapshots: [`UUID-${at}`] })
    const found = run(facts(indexRecord(copies, { faults: [gone(0), gone(1)] }), listing({})))
    expect(found.findings).toMatchObject([{ code: 'backing-snapshot-missing', snapshots: ['UUID-0', 'UUID-1'] }])
  })
})
