import { describe, expect, it } from 'vitest'
import { flattenMapping } from '../../src/model/mapping.ts'

describe('flattenMapping', () => {
  it('gives objects, nested fields, multi-fields and types by dotted path', () => {
    const mapping = {
      properties: {
        name: { type: 'text', fields: { raw: { type: 'keyword' } } },
        address: { type: 'nested', properties: { city: { type: 'keyword' } } },
        plain: { properties: { type: { type: 'long' } } },
      },
    }
    expect(Object.fromEntries(flattenMapping(mapping))).toEqual({
      name: 'text',
      'name.raw': 'keyword',
      address: 'nested',
      'address.city': 'keyword',
      plain: 'object',
      'plain.type': 'long',
    })
  })

  it('takes names of Object.prototype for names', () => {
    const mapping = JSON.parse('{"properties":{"__proto__":{"type":"long"},"constructor":{"type":"text"}}}')
    expect([...flattenMapping(mapping)].sort()).toEqual([
      ['__proto__', 'long'],
      ['constructor', 'text'],
    ])
  })

  it('ends on any depth and on anything that is no mapping', () => {
    let deep: unknown = { type: 'long' }
    for (let i = 0; i < 20_000; i++) deep = { properties: { a: deep } }
    expect(flattenMapping(deep).size).toBe(20_000)
    for (const nothing of [null, 7, 'x', [], { properties: [{ type: 'long' }] }, { properties: { a: 'long' } }]) {
      expect(flattenMapping(nothing).size).toBe(0)
    }
  })
})
