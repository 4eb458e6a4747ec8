import { describe, expect, it } from 'vitest'
import { byName, newestFirst, oldestFirst } from '../../src/model/snapshotOrder.ts'

const at = (name: string, endedMs: number | null, uuid = `uuid of ${name}`) => ({ name, uuid, endedMs })

describe('the order of snapshots', () => {
  it('is by time, whatever they are called; those without a time are the oldest', () => {
    const all = [at('a', 3), at('b', 1), at('c', null), at('d', 2)]
    expect([...all].sort(oldestFirst).map(({ name }) => name)).toEqual(['c', 'b', 'd', 'a'])
    expect([...all].sort(newestFirst).map(({ name }) => name)).toEqual(['a', 'd', 'b', 'c'])
  })

  it('is by name where two share a time, as two quick ones in a row do, whatever their uuids', () => {
    const all = [at('night-4', 7, 'a'), at('night-3', 7, 'b')]
    expect([...all].sort(oldestFirst).map(({ name }) => name)).toEqual(['night-3', 'night-4'])
    expect(
      [...all]
        .reverse()
        .sort(newestFirst)
        .map(({ name }) => name),
    ).toEqual(['night-4', 'night-3'])
  })

  it('is by uuid at last', () => {
    expect(byName(at('a', 1, 'x'), at('a', 1, 'y'))).toBeLessThan(0)
    expect(byName(at('a', 1, 'x'), at('a', 2, 'x'))).toBe(0)
  })
})
