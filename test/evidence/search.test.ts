import { describe, expect, test } from 'vitest'
import { aggregationValue, queryBody, searchResult, stepsOf } from '../../src/evidence/search.ts'
import { searchBody } from '../support/fakes.ts'

test('whatever the owner wrote, no document comes back, all hits are counted, and there is an end', () => {
  const body = { size: 10_000, track_total_hits: 5, timeout: '9d', query: { match_all: {} } }
  expect(queryBody(body, 500)).toEqual({ size: 0, track_total_hits: true, timeout: '500ms', query: { match_all: {} } })
})

describe('what a search found', () => {
  test('the exact number of hits, and the aggregations', () => {
    expect(searchResult(searchBody(7, { a: 1 }))).toEqual({ hits: 7, aggregations: { a: 1 } })
  })
  test.each([
    ['a part of the shards', { _shards: { total: 2, successful: 1, failed: 1 } }],
    ['not in time', { timed_out: true }],
    ['at least so many', { hits: { total: { value: 7, relation: 'gte' } } }],
    ['no number', { hits: { total: { value: null, relation: 'eq' } } }],
    ['nothing', { _shards: undefined }],
  ])('%s is no answer', (_, bent) => {
    expect(() => searchResult({ ...searchBody(7), ...bent })).toThrow(/_search/)
  })
  test.each([null, 'text', [], 5])('%j is no answer', body => {
    expect(() => searchResult(body)).toThrow(/_search/)
  })
})

describe('the value at a path', () => {
  const asked = {
    'a.b': { max: { field: 'x' } },
    stats: { stats: { field: 'x' } },
    deep: { filter: {}, aggs: { inner: { avg: { field: 'x' } }, empty: { avg: { field: 'y' } } } },
    perc: { percentiles: { field: 'x' } },
    keys: { terms: { field: 'x' } },
  }
  const answer = {
    'a.b': { value: 3 },
    stats: { avg: 2.5, count: 4 },
    deep: { doc_count: 9, inner: { value: 1 }, empty: { value: null } },
    perc: { values: { '95.0': 8, '99.0': 'NaN' } },
    keys: { buckets: [{ key: '<script>', doc_count: 1 }] },
  }
  test.each([
    ['a.b', 3, 'number'],
    ['stats.avg', 2.5, 'number'],
    ['deep', 9, 'number'],
    ['deep>inner', 1, 'number'],
    ['deep > inner', 1, 'number'],
    ['deep>empty', null, 'null'],
    ['perc.values.95.0', 8, 'number'],
    ['perc.values.99.0', null, 'no-number'],
    ['stats.max', null, 'absent'],
    ['keys', null, 'absent'],
    ['keys>x', null, 'absent'],
    ['nothing', null, 'absent'],
    ['__proto__', null, 'absent'],
    ['constructor.name', null, 'absent'],
  ] as const)('%s', (path, value, what) => {
    expect(aggregationValue(answer, path, asked)).toEqual({ value, what })
  })
  test('an answer without aggregations has none', () => {
    expect(aggregationValue(undefined, 'deep>inner', asked)).toEqual({ value: null, what: 'absent' })
  })
  test('a path of what is not asked leads nowhere', () => {
    expect(stepsOf('deep>other', asked)).toBeNull()
    expect(stepsOf('', asked)).toBeNull()
  })
})
