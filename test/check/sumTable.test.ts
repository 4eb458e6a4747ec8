import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SumTable } from '../../src/check/sumTable.ts'

describe('SumTable', () => {
  it('is a map that forgets what it was told twice differently', () => {
    const entry = fc.tuple(fc.string({ maxLength: 2 }), fc.integer({ min: 0, max: 3 }))
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), entries => {
        const table = new SumTable()
        const model = new Map<string, number | null>()
        for (const [key, sum] of entries) {
          const before = model.get(key)
          const expected = before === undefined ? 'new' : before === sum ? 'same' : 'conflict'
          expect(table.add(key, sum)).toBe(expected)
          model.set(key, expected === 'conflict' ? null : sum)
        }
        expect(table.size).toBe(model.size)
        for (const [key, sum] of model) expect(table.get(key)).toBe(sum)
        expect(table.get('not there')).toBeNull()
      }),
      { seed: 5, numRuns: 300 },
    )
  })

  it('keeps every sum while it grows', () => {
    const table = new SumTable()
    const count = 50_000
    table.add('twice', 1)
    table.add('twice', 2)
    for (let i = 0; i < count; i++) table.add(`key ${i}`, (i * 2_654_435_761) >>> 0)
    expect(table.get('twice')).toBeNull()
    expect(table.size).toBe(count + 1)
    for (let i = 0; i < count; i++) expect(table.get(`key ${i}`)).toBe((i * 2_654_435_761) >>> 0)
  })
})
