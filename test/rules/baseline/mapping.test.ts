import { expect, test } from 'vitest'
import type { MappingFields } from '../../../src/model/baseline.ts'
import { fits } from '../../../src/rules/baseline/judge.ts'
import { judge, kinds, nightly } from './support.ts'

/** One mapping a night. */
function ofMappings(list: readonly (MappingFields | null)[]) {
  const mappings = new Map(list.flatMap((fields, i) => (fields === null ? [] : [[`m${i}`, fields] as const])))
  const measures = list.map((fields, i) =>
    nightly(i, {
      mapping: fields === null ? null : `m${i}`,
      fields: fields === null ? null : Object.keys(fields).length,
    }),
  )
  return [measures, { mappings }] as const
}
const before = { id: 'keyword', total: 'double', note: 'text' }
const week = Array<MappingFields>(6).fill(before)

test('nothing to compare: a mapping that is not known, now or before', () => {
  expect(kinds(...ofMappings([...week, null]))).toEqual([])
  expect(kinds(...ofMappings([...Array(6).fill(null), before]))).toEqual([])
  expect(kinds(...ofMappings([before, before, {}]))).toEqual([])
})

test('the same fields, and more, are within', () => {
  expect(kinds(...ofMappings([...week, before]))).toEqual([])
  expect(kinds(...ofMappings([...week, { ...before, more: 'long' }]))).toEqual([])
})

test('fields that are gone or of another type are named', () => {
  const { rows } = judge(...ofMappings([...week, { id: 'keyword', total: 'text' }]))
  expect(rows).toMatchObject([{ kind: 'mapping', severity: 'warning', lastWithin: 'nightly-5' }])
  expect(rows[0]?.message).toMatch(
    /^orders: 1 field gone: note; 1 field of another type: total \(double, now text\); 2 fields on 2026-11-07, compared with the 6 snapshots before\./,
  )
})

test('a field that was not in all snapshots before is not missed', () => {
  const some = week.map((fields, i) => (i % 2 === 0 ? { ...fields, rare: 'long' } : fields))
  expect(kinds(...ofMappings([...some, before]))).toEqual([])
})

test('names of fields are data: none misleads the comparison, and many are cut', () => {
  const odd = JSON.parse('{"__proto__":"keyword","constructor":"long","<b>":"text"}')
  expect(kinds(...ofMappings([...Array(6).fill(odd), odd]))).toEqual([])
  expect(judge(...ofMappings([...Array(6).fill(odd), {}])).rows[0]?.message).toMatch(
    /3 fields gone: <b>, __proto__, constructor/,
  )
  const many = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`f${i}`, 'long']))
  expect(judge(...ofMappings([...Array(6).fill(many), {}])).rows[0]?.message).toMatch(
    /^orders: 900 fields gone: f0, f1, f10, f100, f101 and 895 more/,
  )
})

test('patterns', () => {
  expect(fits('*', '')).toBe(true)
  expect(fits('logs-*', 'logs-2026')).toBe(true)
  expect(fits('logs-*', 'log')).toBe(false)
  expect(fits('*-a-*-b', 'x-a-y-b')).toBe(true)
  expect(fits('a*a', 'a')).toBe(false)
  expect(fits('a.c', 'abc')).toBe(false)
  expect(fits('*a*b*', 'xxbxxa')).toBe(false)
  expect(fits(`${'*a'.repeat(40)}b`, 'a'.repeat(20_000))).toBe(false)
})
