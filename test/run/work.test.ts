/** The work with faults that no real server produces on demand. */
import { describe, expect, test } from 'vitest'
import { SnapproofError } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import type { Fault, FeatureState } from '../../src/model/content.ts'
import type { Finding } from '../../src/model/finding.ts'
import type { Group, Plan } from '../../src/model/plan.ts'
import type { Attempt } from '../../src/run/attempt.ts'
import { EngineHolder } from '../../src/run/engines.ts'
import { expectationOf } from '../../src/run/expectation.ts'
import { type WorkOptions, workOff } from '../../src/run/work.ts'
import { content, snapshotEntry } from '../support/contents.ts'
import {
  type FakeEngine,
  type FakeEngineOptions,
  type FakeMirrorOptions,
  fakeClock,
  fakeEngine,
  fakeMirror,
} from '../support/fakes.ts'
import { catalogueOf, copyOf, fault, file, fileList, indexRecord, metadata, snapshotInfo } from '../support/records.ts'

const entry = snapshotEntry(0)
const names = ['alpha', 'beta', 'gamma']
const records = names.map((name, index) => {
  const copy = copyOf(0, [fileList([file(`__${name}`, 100)])], { metadataKey: `indices/ID-${name}/meta-M.dat` })
  return indexRecord([copy], { index, name, id: `ID-${name}`, metadataBlobs: [] })
})
const catalogue = catalogueOf({ snapshots: [entry], infos: [snapshotInfo(0, { indexCount: names.length })], records })
const expected = records.flatMap(record => record.copies.map(copy => expectationOf(record, copy, entry)))

function group(record: (typeof records)[number]): Group {
  const one = content({
    indexName: record.name,
    indexId: record.id,
    contentId: record.copies[0]?.contentId ?? '',
    snapshots: [0],
  })
  const contents = [{ content: one, kind: 'never' as const, snapshot: 0 }]
  return { indexName: record.name, indexId: record.id, shardCount: 1, engine: 'nine', contents, restoreBytes: 100 }
}
const plan: Plan = { snapshots: [0], groups: records.map(group), left: [], debt: [], restoreBytes: 300 }

interface Scene {
  /** By number of the process, from 1. */
  readonly engine?: (start: number) => FakeEngineOptions
  readonly mirror?: FakeMirrorOptions
  readonly freshStarts?: number
  readonly abort?: AbortController
  readonly options?: Partial<WorkOptions>
  readonly onAttempt?: (attempt: Attempt) => void
  /** Throws where an engine of that name cannot be started. */
  readonly start?: (name: string) => void
}

async function play(scene: Scene = {}) {
  const clock = fakeClock()
  const abort = scene.abort ?? new AbortController()
  const attempts: Attempt[] = []
  const condemned: Finding[] = []
  let starts = 0
  const mirror = fakeMirror(scene.mirror)
  const engines = new EngineHolder({
    start: async name => {
      starts++
      scene.start?.(name)
      return fakeEngine(name, { expected, ...scene.engine?.(starts) })
    },
    mirrorFolder: '/mirror',
    freshStarts: scene.freshStarts ?? 2,
    log: silentLog,
    signal: abort.signal,
  })
  const result = await workOff({
    plan,
    catalogue,
    mirror,
    engines,
    clock,
    log: silentLog,
    signal: abort.signal,
    stopAtMs: null,
    parallel: 2,
    source: 'mirror',
    chainsOf: () => ({ fromBytes: null, product: 'elasticsearch', major: 9 }),
    takenBytes: 0,
    restoreTimeoutSeconds: 60,
    onAttempt: async attempt => {
      attempts.push(attempt)
      scene.onAttempt?.(attempt)
    },
    onCondemned: async (_, __, finding) => {
      condemned.push(finding)
    },
    ...scene.options,
  })
  // Groups are restored side by side: in the order of their names.
  const said = attempts
    .map(({ planned, judgement, number }) => [planned.content.indexName, judgement.verdict, judgement.reason, number])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  return { result, said, attempts, condemned, mirror, clock, starts: () => starts }
}
/** No group is begun beside another. */
const oneByOne: Partial<WorkOptions> = { mayBegin: (_, beside) => (beside.length > 0 ? 'limit-reached' : null) }
const passes = names.map(name => [name, 'pass', 'proven', 1])
const fewer = (index: string): FakeEngineOptions => ({
  bendStats: (rows, of) => (of === index ? rows.map(row => ({ ...row, luceneDocs: 1 })) : rows),
})

test('all is well: everything is restored, journalled and dropped', async () => {
  const { result, said, mirror, starts } = await play()
  expect(said).toEqual(passes)
  expect(result).toMatchObject({ findings: [], left: [], failure: null })
  expect(mirror.held.size).toBe(0)
  expect(starts()).toBe(1)
})

test('blobs that the next group needs stay until it is done', async () => {
  const { mirror } = await play()
  expect(mirror.drops.slice(0, -1).flat()).not.toContain('snap-UUID-0.dat')
  expect(mirror.drops.at(-1)).toContain('snap-UUID-0.dat')
})

describe('nobody is accused on one look', () => {
  test('fails once, passes in a fresh server: pass', async () => {
    const { result, said, starts } = await play({ engine: start => (start === 1 ? fewer('beta') : {}) })
    expect(said).toEqual([
      ['alpha', 'pass', 'proven', 1],
      ['beta', 'pass', 'proven', 2],
      ['gamma', 'pass', 'proven', 1],
    ])
    expect(result.findings).toEqual([])
    expect(starts()).toBe(2)
  })
  test('fails twice: one finding, and the others go on', async () => {
    const { result, said } = await play({ engine: () => fewer('beta') })
    expect(said.map(([, verdict]) => verdict)).toEqual(['pass', 'fail', 'pass'])
    expect(result.findings).toMatchObject([
      { code: 'document-count-mismatch', index: 'beta', snapshots: ['UUID-0'], shard: 0 },
    ])
  })
  test('fails once and no fresh server is left: not repeated, no finding', async () => {
    const { result, said } = await play({ engine: () => fewer('beta'), freshStarts: 0 })
    expect(said[1]).toEqual(['beta', 'inconclusive', 'not-repeated', 0])
    expect(result.findings).toEqual([])
  })
  test('fails once and the fresh server dies: not repeated, no finding', async () => {
    const { result, said } = await play({
      engine: start => (start === 1 ? fewer('beta') : start === 2 ? { onRestore: engine => engine.die('killed') } : {}),
    })
    expect(said[1]).toEqual(['beta', 'inconclusive', 'not-repeated', 2])
    expect(said[2]?.[1]).toBe('pass')
    expect(result.findings).toEqual([])
  })
  test('refused once by the words of a damaged mirror: what is damaged is fetched again', async () => {
    const key = 'indices/ID-beta/0/__beta'
    const { said, mirror, result } = await play({
      engine: start => (start === 1 ? fewer('beta') : {}),
      mirror: { damaged: time => (time === 1 ? [key] : []) },
    })
    expect(mirror.fetches.filter(keys => keys.includes(key))).toHaveLength(2)
    expect(said[1]).toEqual(['beta', 'pass', 'proven', 2])
    expect(result.findings).toEqual([])
  })
  test('damaged, and cannot be fetched again: not repeated', async () => {
    const key = 'indices/ID-beta/0/__beta'
    const ours: Fault = fault({ ours: 'store-unavailable', key })
    const { said, result } = await play({
      engine: () => fewer('beta'),
      mirror: {
        damaged: () => [key],
        faults: items => (items.length === 1 ? items.map(item => ({ item, fault: ours })) : []),
      },
    })
    expect(said[1]?.slice(1, 3)).toEqual(['inconclusive', 'not-repeated'])
    expect(result.findings).toEqual([])
  })
})

describe('our own trouble', () => {
  test('an engine that dies in mid-restore: inconclusive, and the next group gets a new one', async () => {
    const { said, result } = await play({
      engine: start =>
        start === 1 ? { onRestore: (engine, index) => (index === 'beta' ? engine.die('killed') : undefined) } : {},
      options: oneByOne,
    })
    expect(said.map(row => row.slice(0, 3))).toEqual([
      ['alpha', 'pass', 'proven'],
      ['beta', 'inconclusive', 'engine-died'],
      ['gamma', 'pass', 'proven'],
    ])
    expect(result.findings).toEqual([])
  })
  test('a prefetch that found the disk full is tried again after the drop', async () => {
    let full = true
    const { said, mirror } = await play({
      mirror: {
        before: keys => {
          if (!full || !keys.some(key => key.includes('ID-beta'))) return
          full = false
          throw new SnapproofError('disk-full', 'no room')
        },
      },
    })
    expect(said).toEqual(passes)
    expect(mirror.held.size).toBe(0)
  })
  test('a disk that stays full leaves that group only, and nothing of it in the mirror', async () => {
    const { said, mirror } = await play({
      mirror: {
        before: keys => {
          if (!keys.some(key => key.includes('ID-beta'))) return
          throw new SnapproofError('disk-full', 'no room')
        },
      },
    })
    expect(said.map(row => row.slice(1, 3))).toEqual([
      ['pass', 'proven'],
      ['inconclusive', 'does-not-fit'],
      ['pass', 'proven'],
    ])
    expect(mirror.drops.flat()).toContain('indices/ID-beta/0/__beta')
  })
  test('a blob that the store did not give is that content’s debt', async () => {
    const { said, condemned } = await play({
      mirror: {
        faults: items =>
          items
            .filter(item => item.parts.some(part => part.key.includes('__beta')))
            .map(item => ({ item, fault: fault({ ours: 'store-unavailable' }) })),
      },
    })
    expect(said[1]).toEqual(['beta', 'inconclusive', 'store-unavailable', 0])
    expect(condemned).toEqual([])
  })
  test('no engine at all ends the work; findings until then stand', async () => {
    const { result, said } = await play({
      engine: start => {
        if (start === 3) throw new SnapproofError('engine-start', 'no port')
        return start === 2
          ? { ...fewer('alpha'), onRestore: (engine, index) => (index === 'beta' ? engine.die('x') : undefined) }
          : fewer('alpha')
      },
      options: oneByOne,
    })
    expect(said[0]).toEqual(['alpha', 'fail', 'found', 2])
    expect(result.findings).toHaveLength(1)
    expect(result.failure).toMatchObject({ code: 'engine-start' })
  })
})

test('one engine of several that cannot be started leaves its own groups; the others go on, and the run tells', async () => {
  const groups = plan.groups.map((one, i) => ({ ...one, engine: i === 1 ? 'nine' : 'eight' }))
  const order = [groups[0], groups[2], groups[1]].flatMap(one => one ?? [])
  const { attempts, result } = await play({
    options: { plan: { ...plan, groups: order } },
    start: name => {
      if (name === 'eight') throw new SnapproofError('no-jdk', 'needs a JDK 17 to 21; found only 8')
    },
  })
  expect(attempts.map(({ planned, judgement }) => [planned.content.indexName, judgement.verdict])).toEqual([
    ['beta', 'pass'],
  ])
  expect(result.left.map(({ indexId, reason }) => [indexId, reason]).sort()).toEqual([
    ['ID-alpha', 'engine-died'],
    ['ID-gamma', 'engine-died'],
  ])
  expect(result.failure).toMatchObject({ code: 'no-jdk' })
})

test('a bad blob condemns what rests on it and is not restored', async () => {
  const { said, condemned, result } = await play({
    mirror: {
      faults: items =>
        items
          .filter(item => item.parts.some(part => part.key.includes('__beta')))
          .map(item => ({
            item,
            fault: fault({
              code: 'corrupt-data-blob',
              key: item.parts[0]?.key ?? '',
              snapshots: item.snapshots,
              index: 'beta',
            }),
          })),
    },
  })
  expect(said.map(([name]) => name)).toEqual(['alpha', 'gamma'])
  expect(condemned).toMatchObject([{ code: 'corrupt-data-blob', snapshots: ['UUID-0'] }])
  expect(result.findings).toEqual(condemned)
})

describe('stops', () => {
  test('an abort: what is done stays, the rest is interrupted', async () => {
    const abort = new AbortController()
    const { said, result } = await play({
      abort,
      onAttempt: () => abort.abort(new SnapproofError('interrupted', 'Ctrl-C')),
      options: oneByOne,
    })
    expect(said[0]).toEqual(['alpha', 'pass', 'proven', 1])
    expect(said.slice(1).every(row => row[1] === 'inconclusive')).toBe(true)
    expect(result.left.length + said.length).toBe(3)
    expect(result.left.every(({ reason }) => reason === 'interrupted')).toBe(true)
    expect(result.findings).toEqual([])
  })
  test('an abort while a suspect waits for its repeat: interrupted, no finding, nothing lost', async () => {
    const abort = new AbortController()
    const { said, result } = await play({
      abort,
      engine: () => fewer('alpha'),
      mirror: { damaged: () => [] },
      options: {
        log: {
          ...silentLog,
          info: words =>
            words.includes('failed; repeating') ? abort.abort(new SnapproofError('interrupted', 'Ctrl-C')) : undefined,
        },
      },
    })
    expect(said[0]?.slice(0, 3)).toEqual(['alpha', 'inconclusive', 'interrupted'])
    expect(result.findings).toEqual([])
    expect(result.failure).toBeNull()
  })
  test('the time is over: no further group is begun', async () => {
    const { said, result } = await play({ options: { stopAtMs: 0 } })
    expect(said).toEqual([])
    expect(result.left.map(({ reason }) => reason)).toEqual(['limit-reached', 'limit-reached', 'limit-reached'])
  })
  test('a group that may not begin is left, and those behind it are asked', async () => {
    const asked: string[] = []
    const { said, result, mirror } = await play({
      options: {
        mayBegin: (group, beside) => {
          asked.push(`${group.indexName} beside ${beside.map(one => one.indexName).join(' and ') || 'none'}`)
          return group.indexName === names[1] ? 'does-not-fit' : null
        },
      },
    })
    expect(said.map(([index]) => index)).toEqual([names[0], names[2]])
    expect(result.left.map(({ reason }) => reason)).toEqual(['does-not-fit'])
    // The second is asked for twice: before it would be fetched beside the first, and when the first is done.
    expect(asked).toEqual([
      `${names[0]} beside none`,
      `${names[1]} beside ${names[0]}`,
      `${names[1]} beside none`,
      `${names[2]} beside none`,
    ])
    expect(mirror.fetches).toHaveLength(2)
  })
})

describe('groups side by side', () => {
  /** Restores that have begun and may not end before `release`. */
  function held() {
    let release = () => {}
    const opened = new Promise<void>(resolve => {
      release = resolve
    })
    let most = 0
    let now = 0
    const onRestore = async () => {
      now++
      most = Math.max(most, now)
      if (now === 2) release()
      await opened
      now--
    }
    return { onRestore, most: () => most }
  }

  test('contents of different groups are restored at once', async () => {
    const { onRestore, most } = held()
    // Would never end if the second waited for the first.
    const { said } = await play({ engine: () => ({ onRestore }) })
    expect(said).toEqual(passes)
    expect(most()).toBe(2)
  })
  test('what does not fit beside another waits for it, and is not left', async () => {
    const asked: string[][] = []
    const { said } = await play({
      // Each needs 1,100 bytes: the third waits.
      mirror: { freeBytes: 2_500, before: keys => void asked.push([...keys]) },
    })
    expect(said).toEqual(passes)
    expect(asked).toHaveLength(3)
  })
  test('what does not fit at all is said before anything is fetched, with what would do', async () => {
    const { said, attempts, mirror } = await play({ mirror: { freeBytes: 50 } })
    expect(said.map(row => row.slice(1, 3))).toEqual(names.map(() => ['inconclusive', 'does-not-fit']))
    expect(attempts[0]?.judgement.message).toMatch(/needs \d+ bytes of disk, 50 may be used: a disk of at least 1 GiB/)
    expect(mirror.fetches.flat().filter(key => key.includes('__'))).toEqual([])
  })
  test.each([
    ['mirror', 1_200, 'pass', true],
    ['mirror', 1_000, 'inconclusive', false],
    ['auto', 1_200, 'pass', true],
    ['auto', 1_000, 'pass', false],
  ] as const)(
    'source %s with %i bytes of disk: %s, by the mirror %s',
    async (source, freeBytes, verdict, isByMirror) => {
      const { said, attempts } = await play({ mirror: { freeBytes }, options: { source, parallel: 1 } })
      expect(said.map(row => row[1])).toEqual(names.map(() => verdict))
      expect(attempts.map(({ evidence }) => evidence?.source ?? null)).toEqual(
        names.map(() => (source === 'auto' && !isByMirror ? 's3' : null)),
      )
    },
  )
  test('groups of two engines are not restored at once', async () => {
    const seen: string[] = []
    const running = new Set<string>()
    const groups = plan.groups.map((one, i) => ({ ...one, engine: i === 1 ? 'eight' : 'nine' }))
    const { said } = await play({
      engine: start => ({
        onRestore: async ({ facts }, index) => {
          running.add(`${facts.name} ${start}`)
          seen.push([...running].join(' and '))
          await new Promise(resolve => setImmediate(resolve))
          running.delete(`${facts.name} ${start}`)
          expect(index).toBeTypeOf('string')
        },
      }),
      options: { plan: { ...plan, groups } },
    })
    expect(said).toEqual(passes)
    expect(seen.filter(words => words.includes('and'))).toEqual([])
  })
})

describe('system indices of one feature', () => {
  const state = { name: 'tasks', indices: ['.alpha', '.beta', '.gamma'] }
  const system = state.indices.map((name, index) => {
    const own = { metadata: metadata({ system: true }), metadataKey: `indices/ID-${name}/meta-META.dat` }
    const copy = copyOf(0, [fileList([file(`__${index}`, 100)])], own)
    return indexRecord([copy], { index, name, id: `ID-${name}`, metadataBlobs: [] })
  })
  const infos = (features: readonly FeatureState[]) => [snapshotInfo(0, { indexCount: state.indices.length, features })]
  const known = system.flatMap(record => record.copies.map(copy => expectationOf(record, copy, entry, state)))
  const scene = (engine: FakeEngineOptions, features: readonly FeatureState[] = [state]): Scene => ({
    engine: () => ({ expected: known, ...engine }),
    options: {
      parallel: 3,
      plan: { ...plan, groups: system.map(group) },
      catalogue: catalogueOf({ snapshots: [entry], infos: infos(features), records: system }),
    },
  })

  test('are restored one after the other, whatever else is, and go with all that came along', async () => {
    let engine: FakeEngine | null = null
    const { said } = await play(
      scene({
        features: ['tasks'],
        onRestore: async one => {
          engine = one
          for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
        },
      }),
    )
    expect(said).toEqual(state.indices.map(name => [name, 'pass', 'proven', 1]))
    const calls = (engine as FakeEngine | null)?.calls.filter(call => /^(restore|delete) /.test(call)) ?? []
    const begun = calls.flatMap((call, at) => (call.startsWith('restore') ? [at] : []))
    expect(begun).toEqual([0, 4, 8])
    for (const at of begun) {
      const dropped = calls.slice(at + 1, at + 4).map(call => call.replace('delete ', ''))
      expect(dropped.sort()).toEqual(state.indices)
    }
  })
  test('need the metadata of all of them in the mirror', async () => {
    const { mirror } = await play(scene({ features: ['tasks'] }))
    const fetched = mirror.fetches.map(keys => keys.filter(key => key.includes('/meta-')).sort())
    const wanted = state.indices.map(name => `indices/ID-${name}/meta-META.dat`)
    expect(fetched).toEqual([wanted, wanted, wanted])
  })
  test('are asked of an engine without the feature, and that is the answer', async () => {
    const { said, result } = await play(scene({ features: [] }))
    expect(said).toEqual(state.indices.map(name => [name, 'inconclusive', 'system-index', 1]))
    expect(result).toMatchObject({ findings: [], failure: null })
  })
  test('are not restored as anything else where the snapshot does not name their feature any more', async () => {
    const { said } = await play(scene({ features: ['tasks'] }, []))
    expect(said).toEqual(state.indices.map(name => [name, 'inconclusive', 'repository-moved', 0]))
  })
})
