/**
 * The body of a search as it is sent, and what its answer says. Pure.
 *
 * docs "Search API": `size` 0 returns no document; `track_total_hits` true counts all; `timed_out` and failed shards mean that the counts are
 * those of a part.
 */
import { SnapproofError } from '../errors.ts'
import type { AnswerValues } from '../model/answers.ts'

/** Whatever the owner wrote: no document, every hit counted, an end. */
export function queryBody(body: Readonly<Record<string, unknown>>, timeoutMs: number): Record<string, unknown> {
  return { ...body, size: 0, track_total_hits: true, timeout: `${timeoutMs}ms` }
}

/** @throws SnapproofError `engine-request` for an answer of a part of the shards, and for a shape that is not known */
export function searchResult(body: unknown): { readonly hits: number; readonly aggregations: unknown } {
  const shards = own(body, '_shards')
  const [total, successful, failed] = ['total', 'successful', 'failed'].map(key => own(shards, key))
  const whole = typeof total === 'number' && successful === total && failed === 0
  if (!whole || own(body, 'timed_out') !== false)
    throw new SnapproofError('engine-request', `_search: ${successful} of ${total} shards answered, or not in time`)
  const hits = own(own(body, 'hits'), 'total')
  const count = own(hits, 'value')
  if (own(hits, 'relation') !== 'eq' || typeof count !== 'number' || !Number.isSafeInteger(count))
    throw new SnapproofError('engine-request', '_search: the number of hits is not exact')
  return { hits: count, aggregations: own(body, 'aggregations') }
}

type AggregationValue = Pick<AnswerValues['query'], 'value' | 'what'>

/**
 * The number at `a>b.property`. Names are those of `asked`, so that one with a dot in it is found; without a property it is `value`, or
 * `doc_count` where the aggregation counts documents.
 */
export function aggregationValue(answer: unknown, path: string, asked: unknown): AggregationValue {
  const steps = stepsOf(path, asked)
  if (steps === null) return { value: null, what: 'absent' }
  let at: unknown = answer
  for (const name of steps.names) {
    at = own(at, name)
    if (at === undefined) return { value: null, what: 'absent' }
  }
  return numberOf(steps.property === null ? plainValue(at) : property(at, steps.property))
}

interface Steps {
  readonly names: readonly string[]
  readonly property: string | null
}

/** Null: the path names an aggregation that is not asked for. */
export function stepsOf(path: string, asked: unknown): Steps | null {
  const segments = path.split('>').map(segment => segment.trim())
  const names: string[] = []
  let level: unknown = asked
  for (const [i, segment] of segments.entries()) {
    const last = i === segments.length - 1
    if (own(level, segment) !== undefined) names.push(segment)
    else {
      const dots = [...segment.matchAll(/\./g)].map(({ index }) => index)
      const dot = last ? dots.find(index => own(level, segment.slice(0, index)) !== undefined) : undefined
      if (dot === undefined) return null
      names.push(segment.slice(0, dot))
      return { names, property: segment.slice(dot + 1) }
    }
    const inner: unknown = own(level, segment)
    level = own(inner, 'aggs') ?? own(inner, 'aggregations')
  }
  return { names, property: null }
}

function plainValue(at: unknown): unknown {
  const value = own(at, 'value')
  return value === undefined ? own(at, 'doc_count') : value
}

/** `avg` of a stats, `values.95.0` of percentiles, whose keys hold dots. */
function property(at: unknown, name: string): unknown {
  const direct = own(at, name)
  if (direct !== undefined) return direct
  return name.startsWith('values.') ? own(own(at, 'values'), name.slice('values.'.length)) : undefined
}

function numberOf(value: unknown): AggregationValue {
  if (value === undefined) return { value: null, what: 'absent' }
  if (value === null) return { value: null, what: 'null' }
  // A server says Infinity and NaN as words, or leaves them null.
  if (typeof value !== 'number' || !Number.isFinite(value)) return { value: null, what: 'no-number' }
  return { value, what: 'number' }
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key))
    return undefined
  return (value as Record<string, unknown>)[key]
}
