/** Nights of one index from what is measured to what is said: by name, over what the ledger keeps. */
import { describe, expect, test } from 'vitest'
import type { CheckedCopy } from '../../src/check/result.ts'
import { type Question, questionId } from '../../src/model/answers.ts'
import { keptMeasures, type MappingFields, type Measure } from '../../src/model/baseline.ts'
import type { IndexRecord } from '../../src/model/content.ts'
import type { AnswerRow, MappingRow, MeasureRow } from '../../src/model/journal.ts'
import type { IndexEntry, RepositoryData, SnapshotEntry } from '../../src/model/repository.ts'
import { askedByBaselines, compareWithPast } from '../../src/run/baselines.ts'
import { newMeasures } from '../../src/run/measures.ts'
import { config, dayMs, startMs } from '../rules/baseline/support.ts'
import { snapshotEntry } from '../support/contents.ts'

type Rows = readonly (MeasureRow | MappingRow)[]

/** As the ledger keeps them: pruned, oldest first. */
function memoryLedger() {
  let rows: Rows = []
  const given = new Map<string, Map<string, AnswerRow>>()
  return {
    /** What a restore of the content of that night answered. */
    answer: (night: number, answer: object, question: Question = { kind: 'times', field: '@timestamp' }) => {
      const contentId = `content-${night}`
      const place = { runId: 'run', contentId, indexId: 'I1', snapshotUuid: `S${night}`, atMs: endOf(night) }
      const id = questionId(question)
      const row: AnswerRow = { kind: 'answer', ...place, question: id, answered: true, answer: JSON.stringify(answer) }
      given.set(contentId, new Map([...(given.get(contentId) ?? []), [id, row]]))
    },
    answers: (indexId: string, contentId: string) =>
      (indexId === 'I1' ? given.get(contentId) : undefined) ?? new Map<string, AnswerRow>(),
    add: (more: Rows) => {
      rows = [...rows, ...more]
    },
    measures: (index: string): Measure[] => {
      const all = rows.flatMap(row => (row.kind === 'measure' && row.index === index ? [row] : []))
      const kept = keptMeasures(all)
      return all.filter(one => kept.has(one.snapshotUuid)).sort((a, b) => a.endedMs - b.endedMs)
    },
    mappings: (digests: Iterable<string>) => {
      const wanted = new Set(digests)
      const found = rows.flatMap(row => (row.kind === 'mapping' && wanted.has(row.digest) ? [row] : []))
      return new Map(found.map(({ digest, fields }): [string, MappingFields] => [digest, JSON.parse(fields)]))
    },
  }
}

interface Held {
  /** Number of the snapshot: one a night. */
  readonly night: number
  readonly documents: number
  readonly id?: string
  readonly fields?: Readonly<Record<string, string>>
  readonly obstacle?: CheckedCopy['obstacle']
  readonly name?: string
}

const endOf = (night: number) => startMs + night * dayMs

/** The repository as `held` says, and what a check of it would hand over. */
function repositoryOf(held: readonly Held[]) {
  const nights = [...new Set(held.map(one => one.night))].sort((a, b) => a - b)
  const snapshots: SnapshotEntry[] = nights.map(night =>
    snapshotEntry(night, {
      name: `nightly-${night}`,
      uuid: `S${night}`,
      startedMs: endOf(night),
      endedMs: endOf(night),
    }),
  )
  const indices = new Map<string, { entry: IndexEntry; held: Held[] }>()
  for (const one of held) {
    const id = one.id ?? 'I1'
    const found = indices.get(id) ?? { entry: { name: one.name ?? 'orders', id } as IndexEntry, held: [] }
    indices.set(id, { ...found, held: [...found.held, one] })
  }
  const list = [...indices.values()].map(({ entry, held: own }) => ({
    held: own,
    entry: {
      ...entry,
      snapshots: Int32Array.from(own, one => nights.indexOf(one.night)),
      shardGenerations: [],
      shardPathType: 0,
    } satisfies IndexEntry,
  }))
  const blobOf = (one: Held) => `m-${JSON.stringify(one.fields ?? {})}`
  const repository: RepositoryData = {
    identity: { uuid: 'R', clusterId: 'C', generation: 1, format: '7.12.0' },
    snapshots,
    indices: list.map(({ entry }) => entry),
    indexMetadataBlobId: (position, index) => {
      const one = list[index]?.held.find(({ night }) => night === nights[position])
      return one === undefined ? null : blobOf(one)
    },
  }
  const records = list.map(({ entry, held: own }) => ({
    record: {
      name: entry.name,
      id: entry.id,
      copies: own.map(one => ({
        snapshot: nights.indexOf(one.night),
        metadataKey: `indices/${entry.id}/meta-${blobOf(one)}.dat`,
        metadata: {
          fields: new Map(Object.entries(one.fields ?? {})),
          settings: new Map(),
          state: 'open',
          rolledOver: false,
        },
        shards: [{ files: { luceneDocs: one.documents, maxSeqNo: endOf(one.night) / dayMs } }],
      })),
    } as unknown as IndexRecord,
    copies: own.map(
      (one): CheckedCopy => ({
        snapshot: nights.indexOf(one.night),
        index: 0,
        indexName: entry.name,
        indexId: entry.id,
        bytes: 1_000_000_000,
        contentId: `content-${one.night}`,
        obstacle: one.obstacle ?? null,
        catalogue: { verdict: 'pass', reason: 'proven' },
        presence: { verdict: 'pass', reason: 'proven' },
      }),
    ),
  }))
  return { repository, snapshots, records }
}

/** One night: what is new is measured, then all of it compared. */
function nightOf(ledger: ReturnType<typeof memoryLedger>, held: readonly Held[], concludes = true) {
  const { repository, snapshots, records } = repositoryOf(held)
  const nowMs = Math.max(...snapshots.map(({ endedMs }) => endedMs ?? 0)) + dayMs / 4
  const measures = newMeasures({ ledger, runId: `run-${nowMs}`, nowMs })
  const at = { repository, infos: [] }
  const keys: string[] = []
  const wanted = records.map(({ record, copies }, index) => {
    const measuring = measures.begin(index, at)
    if (measuring !== null) measures.take(measuring, record, copies, at)
    if (measuring !== null) keys.push(...measuring.unknownKeys)
    return measuring === null ? 0 : measuring.wanted.size
  })
  const rows = measures.rows()
  ledger.add(rows)
  if (!concludes) return { rows, wanted, keys, summary: null, said: [] as string[], findings: [] }
  const { findings, summary } = compareWithPast(repository, snapshots, ledger, config)
  const said = summary.outside.map(row => `${row.kind} ${row.index} ${row.snapshots.map(({ uuid }) => uuid).join(' ')}`)
  return { rows, wanted, keys, summary, said, findings }
}

const steady = (night: number, rest: Partial<Held> = {}): Held => ({ night, documents: 48_000 + night * 100, ...rest })
const nights = (from: number, to: number, of = (night: number) => steady(night)) =>
  Array.from({ length: to - from + 1 }, (_, i) => of(from + i))

test('upgrade night: of a whole history of ups and downs only the newest snapshot is judged', () => {
  // Emptied and filled again, at no rhythm, in the last week too.
  const wild = (night: number) => steady(night, { documents: [3, 11, 16, 18].includes(night) ? 0 : 48_000 })
  const calm = nightOf(memoryLedger(), nights(0, 20, wild))
  expect(calm.rows.filter(row => row.kind === 'measure' && row.judged)).toMatchObject([{ snapshot: 'nightly-20' }])
  expect(calm.said).toEqual([])
  expect(calm.summary).toMatchObject({ judged: 1, tooYoung: 0 })
  const bad = nightOf(memoryLedger(), [...nights(0, 19), steady(20, { documents: 0 })])
  expect(bad.said).toEqual(['emptied orders S20'])
  expect(bad.findings).toMatchObject([
    { code: 'index-emptied', severity: 'error', index: 'orders', snapshots: ['S20'] },
  ])
})

test('an index that is gone from the cluster for long is no news on upgrade night', () => {
  const gone = nights(0, 9, night => steady(night, { id: 'I2', name: 'old', documents: night === 9 ? 0 : 48_000 }))
  const night = nightOf(memoryLedger(), [...nights(0, 20), ...gone])
  expect(night.said).toEqual([])
})

test('a steady night measures its own snapshot and nothing else', () => {
  const ledger = memoryLedger()
  expect(nightOf(ledger, nights(0, 20))).toMatchObject({ wanted: [21], keys: ['indices/I1/meta-m-{}.dat'] })
  // A mapping that is known is not read again.
  expect(nightOf(ledger, nights(0, 21))).toMatchObject({ wanted: [1], keys: [] })
  expect(nightOf(ledger, nights(0, 21)).wanted).toEqual([0])
  // What is beyond what is kept is not asked for again.
  expect(nightOf(ledger, nights(0, 60)).wanted).toEqual([30])
  expect(nightOf(ledger, nights(0, 60)).wanted).toEqual([0])
  expect(ledger.measures('orders').map(({ endedMs }) => endedMs)).toEqual(nights(31, 60).map(one => endOf(one.night)))
})

test('an index that was created again overnight is compared with the one of that name before it', () => {
  const ledger = memoryLedger()
  const fields = { total: 'double', customer: 'keyword' }
  const before = nights(0, 9, night => steady(night, { fields }))
  nightOf(ledger, before)
  const again = [...before, steady(10, { id: 'I2', documents: 0, fields: { total: 'text' } })]
  const night = nightOf(ledger, again)
  expect(night.said).toEqual(['emptied orders S10', 'mapping orders S10'])
  expect(night.findings.find(({ code }) => code === 'index-mapping-changed')?.message).toMatch(
    /customer.*total \(double, now text\)/,
  )
  // The same with its twin first in the repository, and in the same night as all of the history.
  const [first, ...rest] = [...again].reverse()
  expect(nightOf(memoryLedger(), first === undefined ? [] : [first, ...rest.reverse()]).said).toEqual(night.said)
  // Created again and filled again: nothing to say.
  const full = [...before, steady(10, { id: 'I2', fields })]
  const other = memoryLedger()
  nightOf(other, before)
  expect(nightOf(other, full).said).toEqual([])
})

test('a snapshot that is deleted is no longer told, and still is what later ones are compared with', () => {
  const ledger = memoryLedger()
  nightOf(ledger, nights(0, 9))
  const emptied = [...nights(0, 9), steady(10, { documents: 0 }), steady(11, { documents: 0 })]
  const first = nightOf(ledger, emptied)
  expect(first.said).toEqual(['emptied orders S10 S11'])
  const second = nightOf(
    ledger,
    emptied.filter(({ night }) => night !== 10),
  )
  expect(second.said).toEqual(['emptied orders S11'])
  expect(second.findings.map(({ id }) => id)).toEqual(first.findings.map(({ id }) => id))
  // Retention took all of the good ones.
  expect(nightOf(ledger, [steady(11, { documents: 0 })]).said).toEqual(['emptied orders S11'])
  expect(nightOf(ledger, [steady(12)]).said).toEqual([])
})

test('PARTIAL: an index that failed at its source is not measured, its neighbours are, and the next night goes on', () => {
  const ledger = memoryLedger()
  nightOf(ledger, nights(0, 9))
  const partial = steady(10, { documents: 0, obstacle: 'partial-at-source' })
  const neighbour = (night: number) => steady(night, { id: 'I2', name: 'customers' })
  const night = nightOf(ledger, [...nights(0, 9), partial, neighbour(10)])
  expect(night.rows.map(row => row.kind === 'measure' && `${row.index} ${row.snapshot}`)).toContain(
    'customers nightly-10',
  )
  expect(ledger.measures('orders')).toHaveLength(10)
  expect(night.said).toEqual([])
  const next = nightOf(ledger, [...nights(0, 9), partial, steady(11, { documents: 0 }), neighbour(10), neighbour(11)])
  expect(next.said).toEqual(['emptied orders S11'])
})

test('a run that dies between measuring and its end: the next one tells it', () => {
  const ledger = memoryLedger()
  nightOf(ledger, nights(0, 9))
  const held = [...nights(0, 9), steady(10, { documents: 0 })]
  expect(nightOf(ledger, held, false).rows).toMatchObject([{ snapshot: 'nightly-10', judged: true }])
  expect(nightOf(ledger, held).said).toEqual(['emptied orders S10'])
  // A night later that is as before again, it is told all the same.
  expect(nightOf(ledger, [...held, steady(11)]).said).toEqual(['emptied orders S10'])
})

test('what could be measured only later than what came after it is judged all the same, and history is not', () => {
  const ledger = memoryLedger()
  const unread = (night: number, rest: Partial<Held> = {}) => steady(night, { documents: 0, ...rest })
  nightOf(ledger, [unread(4, { documents: 48_000, obstacle: 'not-read' }), ...nights(0, 3), ...nights(5, 9)])
  nightOf(ledger, [...nights(0, 3), ...nights(5, 9), unread(10, { obstacle: 'not-read' }), steady(11)])
  const later = nightOf(ledger, [...nights(0, 3), steady(4), ...nights(5, 9), unread(10), steady(11)])
  expect(later.rows).toMatchObject([
    { snapshot: 'nightly-4', judged: false },
    { snapshot: 'nightly-10', judged: true },
  ])
  expect(later.said).toEqual(['emptied orders S10'])
})

describe('the newest time in restored data', () => {
  const minutes = 60_000
  const newest = (newestMs: unknown) => ({ status: 'answered', value: { oldestMs: 0, newestMs, type: 'date' } })

  /** Fifteen nights, each content restored and as fresh as its snapshot, but for the last one: that has what `last` gives it. */
  function fifteen(last: (ledger: ReturnType<typeof memoryLedger>) => void) {
    const ledger = memoryLedger()
    nightOf(ledger, nights(0, 13))
    for (let night = 0; night < 14; night++) ledger.answer(night, newest(endOf(night) - 10 * minutes))
    last(ledger)
    return nightOf(ledger, nights(0, 14))
  }

  test('is compared where it was answered', () => {
    const late = fifteen(ledger => ledger.answer(14, newest(endOf(14) - 30 * 60 * minutes)))
    expect(late.said).toEqual(['behind orders S14'])
    expect(late.findings).toMatchObject([
      { code: 'index-behind', severity: 'warning', index: 'orders', snapshots: ['S14'] },
    ])
    expect(late.findings[0]?.message).toContain('30 hours before the snapshot')
    expect(fifteen(ledger => ledger.answer(14, newest(endOf(14) - 20 * minutes))).said).toEqual([])
  })

  const nothing: readonly (readonly [string, (ledger: ReturnType<typeof memoryLedger>) => void])[] = [
    ['was not restored', () => {}],
    ['holds no time', ledger => ledger.answer(14, newest(null))],
    ['did not answer', ledger => ledger.answer(14, { status: 'unanswered', reason: 'deadline', words: 'w' })],
    ['was refused', ledger => ledger.answer(14, { status: 'refused', words: 'w' })],
    ['answers what is no number', ledger => ledger.answer(14, newest('yesterday'))],
    ['answers what is no time', ledger => ledger.answer(14, newest(-9e15))],
    ['answers of another field', ledger => ledger.answer(14, newest(0), { kind: 'times', field: 'placed_at' })],
    ['answers what nobody asked', ledger => ledger.answer(14, { status: 'answered', value: { hits: 1 } })],
  ]
  test.each(nothing)('nothing is said where it %s', (_, last) => {
    expect(fifteen(last).said).toEqual([])
  })

  test('is asked of an index whose date field it is, and of no other', () => {
    const asked = (fields: Record<string, string> | null, timeField: string | null = '@timestamp') =>
      askedByBaselines({ ...config, timeField }, fields)
    const question = { kind: 'times', field: '@timestamp' }
    expect(asked({ '@timestamp': 'date' })).toEqual([question])
    expect(asked({ '@timestamp': 'date_nanos', other: 'long' })).toEqual([question])
    expect(asked({ placed_at: 'date' }, 'placed_at')).toEqual([{ ...question, field: 'placed_at' }])
    expect(asked({ '@timestamp': 'long' })).toEqual([])
    expect(asked({ placed_at: 'date' })).toEqual([])
    expect(asked({ placed_at: 'date' }, 'constructor')).toEqual([])
    expect(asked({ '@timestamp': 'date' }, null)).toEqual([])
    expect(asked(null)).toEqual([])
  })
})
