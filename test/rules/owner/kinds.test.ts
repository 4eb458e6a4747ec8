/** Each kind of rule: nothing to check, pass, fail, several; and answers that are none. */
import { describe, expect, test } from 'vitest'
import type { Answer } from '../../../src/model/answers.ts'
import type { OwnerRule } from '../../../src/model/ownerRule.ts'
import { ruleKinds } from '../../../src/rules/owner/registry.ts'
import { answered, day, hour, ids, ruleOf, said, snapshotContext, start, words } from './support.ts'

const within = 86_400
const oneOfEach: Record<string, OwnerRule> = {
  documents: ruleOf('documents', { min: 1, max: null }),
  fields: ruleOf('fields', { types: { a: ['date'] } }),
  filled: ruleOf('filled', { field: 'a', percent: 50 }),
  newest: ruleOf('newest', { field: 'a', withinSeconds: within, aheadSeconds: 3_600 }),
  oldest: ruleOf('oldest', { field: 'a', withinSeconds: within }),
  query: ruleOf('query', { body: {}, hits: { min: 1, max: null }, aggregation: null }),
  aliases: ruleOf('aliases', { names: ['shop'] }),
  command: ruleOf('command', { run: ['check'], timeLimitSeconds: 60 }),
}

test('every kind that is about an index is among them', () => {
  const kinds = Object.values(ruleKinds).filter(({ meta }) => meta.about === 'index')
  expect(kinds.map(({ meta }) => meta.kind).sort()).toEqual(Object.keys(oneOfEach).sort())
})

describe.each(Object.entries(oneOfEach))('%s', (_, rule) => {
  const none = (answer: Answer | undefined) => said(rule, [answer])
  test('was not asked: open until the next restore', () => {
    expect(none(undefined)).toMatchObject([{ verdict: 'inconclusive', reason: 'answers-missing' }])
  })
  test('the server said no: a fail in its words', () => {
    const outcomes = none({ status: 'refused', words: 'parsing_exception: unknown query' })
    expect(words(outcomes)).toEqual(['fail: the server refused to answer: parsing_exception: unknown query'])
  })
  test('our own trouble accuses nobody', () => {
    const outcomes = none({ status: 'unanswered', reason: 'engine-died', words: 'it died' })
    expect(outcomes).toMatchObject([{ verdict: 'inconclusive', reason: 'rule-not-judged', message: 'it died' }])
  })
  test('what was saved and is no answer passes nowhere, and breaks nothing', () => {
    const values = [
      {},
      [],
      {
        documents: Number.NaN,
        filled: 1,
        hits: Number.POSITIVE_INFINITY,
        type: 'date',
        newestMs: '1',
        oldestMs: Number.NaN,
        names: [1],
        exitCode: '0',
        output: '',
      },
      {
        documents: null,
        filled: null,
        hits: null,
        type: 5,
        newestMs: {},
        oldestMs: [],
        names: null,
        exitCode: null,
        output: null,
      },
    ]
    for (const value of values) {
      const verdicts = none(answered(value)).map(({ verdict }) => verdict)
      expect(verdicts).toEqual([
        rule.kind === 'fields' && 'type' in value && value.type === 'date' ? 'pass' : 'inconclusive',
      ])
    }
  })
})

describe('documents', () => {
  test.each([
    [{ min: 5, max: null }, 5, 'pass: 5 documents'],
    [{ min: 5, max: null }, 4, 'fail: 4 documents; wanted: at least 5'],
    [{ min: null, max: 1000 }, 1000, 'pass: 1,000 documents'],
    [{ min: null, max: 1000 }, 1001, 'fail: 1,001 documents; wanted: at most 1,000'],
    [{ min: 2, max: 3 }, 4, 'fail: 4 documents; wanted: 2 to 3'],
    [{ min: 0, max: 0 }, 1, 'fail: 1 documents; wanted: exactly 0'],
  ])('%j with %i', (range, documents, expected) => {
    expect(words(said(ruleOf('documents', range), [answered({ documents })]))).toEqual([expected])
  })
})

describe('fields', () => {
  const rule = ruleOf('fields', { types: { at: ['date', 'date_nanos'], name: ['keyword'] } })
  test('one question for each field, so that another field asks nothing again', () => {
    expect(ids(rule)).toHaveLength(2)
    expect(ids(ruleOf('fields', { types: { name: ['text'] } }))).toEqual([ids(rule)[1]])
  })
  test('several wrong fields are several failures; one of the allowed types is enough', () => {
    expect(words(said(rule, [answered({ type: 'date_nanos' }), answered({ type: 'keyword' })]))).toEqual([
      'pass: at: date_nanos',
      'pass: name: keyword',
    ])
    expect(words(said(rule, [answered({ type: 'text' }), answered({ type: null })]))).toEqual([
      'fail: at: text; wanted: date or date_nanos',
      'fail: name: not in the mapping; wanted: keyword',
    ])
  })
})

describe('filled', () => {
  const rule = ruleOf('filled', { field: 'a', percent: 99.9 })
  const value = (filled: number, documents: number, type: string | null = 'keyword') => [
    answered({ filled, documents, type }),
  ]
  test('a share is never rounded up to the one wanted', () => {
    expect(said(rule, value(9_990, 10_000))[0]?.verdict).toBe('pass')
    expect(words(said(rule, value(9_989, 10_000)))).toEqual([
      'fail: a is filled in 9,989 of 10,000 documents (99.89 %); wanted: at least 99.9 %',
    ])
    expect(said(ruleOf('filled', { field: 'a', percent: 100 }), value(999_999_999, 1_000_000_000))[0]?.verdict).toBe(
      'fail',
    )
  })
  test('no field, and no document, are no pass', () => {
    expect(words(said(rule, value(0, 10, null)))).toEqual([
      'fail: there is no field a in the mapping; wanted: at least 99.9 %',
    ])
    expect(said(rule, value(0, 0))[0]?.verdict).toBe('fail')
  })
})

describe('newest', () => {
  const rule = ruleOf('newest', { field: 'at', withinSeconds: 26 * 3_600, aheadSeconds: 3_600 })
  const at = (newestMs: number | null, type: string | null = 'date') => [answered({ newestMs, oldestMs: 0, type })]
  test('counts from the start of the very snapshot that is judged', () => {
    const content = at(start - 20 * hour)
    const verdicts = [0, 1, 2].map(
      nights => said(rule, content, snapshotContext({ startedMs: start + nights * day, endedMs: null }))[0]?.verdict,
    )
    expect(verdicts).toEqual(['pass', 'fail', 'fail'])
  })
  test('says by how much', () => {
    expect(words(said(rule, at(start - 50 * hour)))).toEqual([
      'fail: newest at 2026-11-18T00:00:00.000Z, 2 d 2 h before nightly-5 began (2026-11-20T02:00:00.000Z); wanted: at most 1 d 2 h',
    ])
  })
  test('the edge belongs to it', () => {
    expect(said(rule, at(start - 26 * hour))[0]?.verdict).toBe('pass')
    expect(said(rule, at(start - 26 * hour - 1))[0]?.verdict).toBe('fail')
  })
  test('one document of the year 9999 makes no index fresh', () => {
    expect(said(rule, at(start + hour + hour))[0]?.verdict).toBe('pass') // written while the snapshot was taken, and an hour
    expect(words(said(rule, at(Date.UTC(9999, 0))))[0]).toMatch(
      /^fail: newest at 9999-.* after the end of nightly-5; wanted: at most 1 h$/,
    )
    expect(said(rule, at(1e300))[0]?.verdict).toBe('fail')
  })
  test.each([
    [null, 'date', 'fail: no document has a at'],
    [null, null, 'fail: there is no field at in the mapping'],
    [5, 'long', 'fail: at is of type long; wanted: a date'],
  ])('%j of type %j', (ms, type, expected) => {
    expect(words(said(rule, at(ms, type)))).toEqual([expected])
  })
  test('of a snapshot whose start nobody knows nothing is said', () => {
    expect(said(rule, at(start), snapshotContext({ startedMs: null }))).toMatchObject([{ verdict: 'inconclusive' }])
  })
})

describe('oldest', () => {
  const rule = ruleOf('oldest', { field: 'at', withinSeconds: 30 * 86_400 })
  test.each([
    [start - 30 * day, 'pass'],
    [start - 30 * day - 1, 'fail'],
    [null, 'fail'],
  ])('%j: %s', (oldestMs, verdict) => {
    expect(said(rule, [answered({ oldestMs, newestMs: start, type: 'date' })])[0]?.verdict).toBe(verdict)
  })
})

describe('query', () => {
  const rule = ruleOf('query', {
    body: { query: {} },
    hits: { min: null, max: 5 },
    aggregation: { path: 'sum', range: { min: 1, max: 2 } },
  })
  test('both must hold; both are told', () => {
    expect(words(said(rule, [answered({ hits: 5, value: 2, what: 'number' })]))).toEqual([
      'pass: 5 hits',
      'pass: sum is 2',
    ])
    expect(words(said(rule, [answered({ hits: 6, value: 2.5, what: 'number' })]))).toEqual([
      'fail: 6 hits; wanted: at most 5',
      'fail: sum is 2.5; wanted: 1 to 2',
    ])
  })
  test.each(['null', 'absent', 'no-number'] as const)(
    'an aggregation that is %s fails, also where any number would do',
    what => {
      const any = ruleOf('query', { body: {}, hits: null, aggregation: { path: 'sum', range: { min: null, max: 0 } } })
      expect(said(any, [answered({ hits: 0, value: null, what })])[0]?.verdict).toBe('fail')
    },
  )
  test('the same query written in another order is the same question', () => {
    const one = ruleOf('query', {
      body: { query: { a: 1 }, aggs: { b: 2, c: 3 } },
      hits: { min: 1, max: null },
      aggregation: null,
    })
    const other = ruleOf('query', {
      body: { aggs: { c: 3, b: 2 }, query: { a: 1 } },
      hits: { min: 9, max: null },
      aggregation: null,
    })
    expect(ids(one)).toEqual(ids(other))
    expect(ids(one)).not.toEqual(ids(ruleOf('query', { body: { query: { a: 2 } }, hits: null, aggregation: null })))
  })
})

describe('aliases', () => {
  const rule = ruleOf('aliases', { names: ['shop', 'orders-write'] })
  test('each is there', () => {
    expect(said(rule, [answered({ names: ['orders-write', 'other', 'shop'] })])[0]?.verdict).toBe('pass')
    expect(words(said(rule, [answered({ names: ['shop'] })]))).toEqual(['fail: aliases shop; missing: orders-write'])
    expect(words(said(rule, [answered({ names: [] })]))).toEqual(['fail: no aliases; missing: shop, orders-write'])
  })
})

describe('command', () => {
  const rule = ruleOf('command', { run: ['/bin/check', '-v'], timeLimitSeconds: 60 })
  test('ends with 0, or says why not', () => {
    expect(said(rule, [answered({ exitCode: 0, output: 'anything' })])[0]?.verdict).toBe('pass')
    expect(words(said(rule, [answered({ exitCode: 7, output: ' no balance\n' })]))).toEqual([
      'fail: /bin/check: exit code 7; it said: no balance',
    ])
  })
})

describe('indices', () => {
  const rule = ruleOf(
    'indices',
    { present: ['orders-*', 'payments'], asBefore: true },
    { index: ['orders-*', 'payments'] },
  )
  const snapshot = (indices: string[], before: string[] | null) =>
    snapshotContext({
      indices: new Set(indices),
      before: before === null ? null : { name: 'nightly-4', indices: new Set(before) },
    })
  test('nothing to check: no patterns, and no snapshot before', () => {
    expect(said(ruleOf('indices', { present: [], asBefore: true }), [], snapshot(['a'], null))).toEqual([])
  })
  test('each pattern has its index', () => {
    expect(said(rule, [], snapshot(['orders-1', 'payments'], null)).map(({ verdict }) => verdict)).toEqual(['pass'])
    expect(words(said(rule, [], snapshot(['logs', 'payments'], null)))).toEqual([
      'fail: no index of nightly-5 matches orders-*',
    ])
  })
  test('several failures: a pattern without an index, and an index that is gone; others than its own do not matter', () => {
    const outcomes = said(rule, [], snapshot(['payments'], ['orders-1', 'payments', 'logs']))
    expect(words(outcomes)).toEqual([
      'fail: no index of nightly-5 matches orders-*',
      'fail: 1 indices of nightly-4 are not in nightly-5: orders-1',
    ])
  })
})
