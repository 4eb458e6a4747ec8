/** Which contents are restored one over the other. */
import { describe, expect, it, test } from 'vitest'
import { type ChainCandidate, type ChainFile, type ChainTerms, keptOf, planChains } from '../../src/plan/chains.ts'

const terms: ChainTerms = { fromBytes: 100, product: 'elasticsearch', major: 9 }

function file(name: string, bytes = 100, checksum: number | null = 1): ChainFile {
  return { name, bytes, checksum }
}
function candidate(order: number, files: readonly ChainFile[], change: Partial<ChainCandidate> = {}): ChainCandidate {
  const bytes = files.reduce((sum, one) => sum + one.bytes, 0)
  return { order, kind: 'never', bytes, shards: [files], ...change }
}
const contentsOf = (chains: ReturnType<typeof planChains>) => chains.map(chain => chain.map(({ content }) => content))

test('newest first, whatever the order of the input; the head keeps nothing', () => {
  const files = [file('_0.cfs'), file('_1.cfs')]
  const chains = planChains([candidate(2, files), candidate(3, files), candidate(1, files)], terms)
  expect(chains).toEqual([
    [
      { content: 1, keptBytes: 0 },
      { content: 0, keptBytes: 200 },
      { content: 2, keptBytes: 200 },
    ],
  ])
})

describe('is restored alone', () => {
  const files = [file('_0.cfs')]
  it.each([
    ['what is small', { ...terms, fromBytes: 101 }, {}],
    ['everything where chains are off', { ...terms, fromBytes: null }, {}],
    ['what failed before: only a restore into an empty target cures it', terms, { kind: 'failed' as const }],
    ['what has another number of shards', terms, { shards: [files, []] }],
    ['what shares nothing', terms, { shards: [[file('_9.cfs')]] }],
    ['what shares a name and not the checksum', terms, { shards: [[file('_0.cfs', 100, 2)]] }],
    ['what has no checksums', terms, { shards: [[file('_0.cfs', 100, null)]] }],
  ])('%s', (_, given, change) => {
    const chains = planChains([candidate(1, files, change), candidate(2, files)], given)
    expect(contentsOf(chains)).toEqual([[0], [1]])
    expect(chains.flat().every(({ keptBytes }) => keptBytes === 0)).toBe(true)
  })
  it('what saves next to nothing', () => {
    const few = [file('_0.cfs', 100), file('_1.cfs', 900)]
    const other = [file('_0.cfs', 100), file('_2.cfs', 900)]
    expect(contentsOf(planChains([candidate(1, few), candidate(2, other)], terms))).toEqual([[0], [1]])
  })
})

test('a chain breaks in the middle and goes on behind', () => {
  const old = [file('_0.cfs')]
  const merged = [file('_5.cfs')]
  const chains = planChains([candidate(1, old), candidate(2, old), candidate(3, merged), candidate(4, merged)], terms)
  expect(contentsOf(chains)).toEqual([
    [1, 0],
    [3, 2],
  ])
})

describe('keeps', () => {
  const before = candidate(1, [file('_0.fdt'), file('_0.fnm'), file('segments_3'), file('_1.cfs')])
  it('a segment whole or not at all', () => {
    expect(keptOf(before, candidate(2, [file('_0.fdt'), file('_0.fnm', 100, 7), file('_1.cfs')]), terms)).toBe(100)
  })
  it.each([
    ['elasticsearch' as const, 9, 200],
    ['elasticsearch' as const, 7, 0],
    ['opensearch' as const, 3, 0],
  ])('%s %i: a segment with a new generation of deletes', (product, major, kept) => {
    const next = candidate(2, [file('_0.fdt'), file('_0.fnm'), file('_0_1.fnm'), file('_0_1_Lucene90_0.dvd')])
    expect(keptOf(before, next, { product, major })).toBe(kept)
  })
  it('files of a codec that are no generation with their segment', () => {
    const both = candidate(1, [file('_0_Lucene90_0.dvd'), file('_0.cfs')])
    expect(keptOf(both, both, terms)).toBe(200)
  })
  it('each shard by itself', () => {
    const two = { ...before, shards: [[file('_0.cfs')], [file('_0.cfs', 100, 2)]] }
    const swapped = { ...before, shards: [[file('_0.cfs', 100, 2)], [file('_0.cfs', 100, 2)]] }
    expect(keptOf(two, swapped, terms)).toBe(100)
  })
})
