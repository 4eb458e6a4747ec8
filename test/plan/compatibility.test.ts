/** The version matrix, cell by cell, and which of several engines is taken. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  chooseEngine,
  compareVersions,
  type EngineOffer,
  engineNeeded,
  offersOf,
  originOf,
  sayNeed,
} from '../../src/plan/compatibility.ts'
import { releaseOf } from '../../src/plan/releases.ts'

const openSearchBit = 0x08000000
const ids = {
  'ES 5': 5_061_699,
  'ES 6': 6_082_399,
  'ES 7.10': 7_100_299,
  'ES 7.17': 7_172_999,
  'ES 8.10': 8_100_499,
  'ES 8.19': 8_536_000,
  'ES 9': 9_009_000,
  'OS 1': (1_031_499 | openSearchBit) >>> 0,
  'OS 2': (2_190_199 | openSearchBit) >>> 0,
  'OS 3': (3_010_099 | openSearchBit) >>> 0,
} as const
type Origin = keyof typeof ids

function engine(version: string, product: EngineOffer['product'] = 'elasticsearch'): EngineOffer {
  return { name: `${product}-${version}`, product, version }
}
const engines = {
  'ES 7.x': engine('7.17.29'),
  'ES 8.x': engine('8.19.0'),
  'ES 9.x': engine('9.5.3'),
  'OS 1.x': engine('1.3.20', 'opensearch'),
  'OS 2.x': engine('2.19.1', 'opensearch'),
  'OS 3.x': engine('3.6.0', 'opensearch'),
}

/** Index created by → engines that take it without a licence and without read-only marks. */
const matrix: Readonly<Record<Origin, readonly (keyof typeof engines)[]>> = {
  'ES 5': [],
  'ES 6': ['ES 7.x', 'OS 1.x'],
  'ES 7.10': ['ES 7.x', 'ES 8.x', 'OS 1.x', 'OS 2.x'],
  // OpenSearch cannot read repositories of format 7.12.
  'ES 7.17': ['ES 7.x', 'ES 8.x'],
  'ES 8.10': ['ES 8.x', 'ES 9.x'],
  'ES 8.19': ['ES 8.x', 'ES 9.x'],
  'ES 9': ['ES 9.x'],
  'OS 1': ['OS 1.x', 'OS 2.x'],
  'OS 2': ['OS 2.x', 'OS 3.x'],
  'OS 3': ['OS 3.x'],
}

describe.each(Object.entries(matrix) as [Origin, (typeof matrix)[Origin]][])('created by %s', (origin, taken) => {
  test.each(Object.entries(engines))('%s', (name, offer) => {
    const fits = taken.some(one => one === name)
    expect(chooseEngine(ids[origin], ids[origin], [offer])).toBe(fits ? offer : null)
    expect(chooseEngine(ids[origin], null, [offer])).toBe(fits ? offer : null)
  })
})

test('version ids say product and major', () => {
  expect(originOf(8_536_000)).toMatchObject({ product: 'elasticsearch', major: 8 })
  expect(originOf(7_172_899)).toMatchObject({ product: 'elasticsearch', major: 7 })
  expect(originOf(136_327_827)).toMatchObject({ product: 'opensearch', major: 2 })
})

describe('which of several', () => {
  const choose = (created: Origin, snapshot: Origin, offers: readonly EngineOffer[]) =>
    chooseEngine(ids[created], ids[snapshot], offers)?.name ?? null

  test('the same major first, then the highest of it', () => {
    expect(choose('ES 8.19', 'ES 8.19', [engines['ES 9.x'], engines['ES 8.x']])).toBe('elasticsearch-8.19.0')
    expect(choose('ES 8.19', 'ES 8.19', [engine('8.12.0'), engine('8.19.0'), engine('8.13.1')])).toBe(
      'elasticsearch-8.19.0',
    )
  })
  test('the nearest at or above the snapshot; of an unknown release the newest', () => {
    const eights = [engine('8.19.9'), engine('8.12.2'), engine('8.15.0'), engine('8.10.4')]
    const of = (id: number) => chooseEngine(id, id, eights)?.version ?? null
    expect(of(8_100_499)).toBe('8.10.4')
    expect(of(8_500_010)).toBe('8.12.2')
    expect(of(8_503_000)).toBe('8.15.0')
    expect(of(8_537_000)).toBe('8.19.9')
    // Never released: the next release has it.
    expect(of(8_511_000)).toBe('8.15.0')
    expect(of(8_600_000)).toBe('8.19.9')
    expect(chooseEngine(8_537_000, 8_537_000, [engine('8.19.0')])).toBeNull()
  })
  test('7 on 9 only where an upgrade marked it and x-pack is there', () => {
    const bare = engine('9.5.3')
    const full = { ...engine('9.5.3'), name: 'full', xpack: true }
    expect(chooseEngine(ids['ES 7.17'], ids['ES 8.19'], [bare, full], true)).toBe(full)
    expect(chooseEngine(ids['ES 7.17'], ids['ES 8.19'], [bare, full])).toBeNull()
    expect(chooseEngine(ids['ES 7.17'], ids['ES 8.19'], [bare], true)).toBeNull()
    // A cluster of 9 holds no other ones.
    expect(chooseEngine(ids['ES 7.17'], ids['ES 9'], [bare, full])).toBe(full)
    expect(sayNeed(ids['ES 7.17'], ids['ES 9'])).toMatch(/version 9\.0\.0 or a later 9\.x, a full distribution/)
    expect(
      offersOf([
        { ...bare, kind: 'maven' },
        { ...bare, kind: 'container' },
      ]).map(({ xpack }) => xpack),
    ).toEqual([false, true])
    // An archive needs a licence, whatever is marked.
    expect(chooseEngine(ids['ES 6'], ids['ES 7.17'], [full], true)).toBeNull()
  })
  test('an index of 7 in a snapshot of 8 needs 8', () => {
    expect(choose('ES 7.17', 'ES 8.19', [engines['ES 7.x'], engines['ES 8.x'], engines['ES 9.x']])).toBe(
      'elasticsearch-8.19.0',
    )
    expect(choose('ES 7.17', 'ES 8.19', [engines['ES 7.x'], engines['ES 9.x']])).toBeNull()
  })
  test('never an engine older than the snapshot', () => {
    expect(choose('ES 7.10', 'ES 7.17', [engine('7.10.2')])).toBeNull()
    expect(choose('ES 7.10', 'ES 7.17', [engine('7.10.2'), engines['ES 8.x']])).toBe('elasticsearch-8.19.0')
    expect(choose('ES 8.19', 'ES 8.19', [engine('8.10.4'), engines['ES 9.x']])).toBe('elasticsearch-9.5.3')
    expect(choose('OS 2', 'OS 2', [engine('2.11.0', 'opensearch')])).toBeNull()
  })
  test('the same product first', () => {
    expect(choose('ES 6', 'ES 7.10', [engines['OS 1.x'], engines['ES 7.x']])).toBe('elasticsearch-7.17.29')
  })
  test('nothing is known, nothing is chosen', () => {
    expect(chooseEngine(null, null, Object.values(engines))).toBeNull()
    expect(chooseEngine(ids['ES 9'], ids['ES 9'], [])).toBeNull()
  })
  test('the order in which they are configured does not matter', () => {
    const all = Object.values(engines)
    fc.assert(
      fc.property(
        fc.shuffledSubarray(all, { minLength: all.length }),
        fc.constantFrom(...Object.values(ids)),
        fc.constantFrom(...Object.values(ids), null),
        (shuffled, created, snapshot) => {
          expect(chooseEngine(created, snapshot, shuffled)).toBe(chooseEngine(created, snapshot, all))
        },
      ),
      { seed: 3 },
    )
  })
})

test('versions compare as numbers', () => {
  expect(compareVersions('8.9.0', '8.10.0')).toBeLessThan(0)
  expect(compareVersions('9.0.0', '8.19.9')).toBeGreaterThan(0)
  expect(compareVersions('8.19.0', '8.19.0')).toBe(0)
})

describe('the engine to add', () => {
  test.each([
    ['ES 8.19', 'ES 8.19', 'elasticsearch 8.19.0'],
    ['ES 7.17', 'ES 8.19', 'elasticsearch 8.19.0'],
    ['ES 7.10', 'ES 7.17', 'elasticsearch 7.17.29'],
    ['ES 6', 'ES 7.10', 'elasticsearch 7.17.0'],
    ['ES 9', 'ES 9', 'elasticsearch 9.0.0'],
    ['OS 1', 'OS 1', 'opensearch 2.19.0'],
    ['OS 2', 'OS 2', 'opensearch 2.19.1'],
    ['OS 3', 'OS 3', 'opensearch 3.1.0'],
    ['ES 5', 'ES 5', null],
    ['ES 7.17', 'ES 9', 'elasticsearch 9.0.0'],
  ] as const)('created by %s, in a snapshot of %s: %s', (created, snapshot, wanted) => {
    const need = engineNeeded(ids[created], ids[snapshot])
    expect(need === null ? null : `${need.product} ${need.version}`).toBe(wanted)
    if (need !== null)
      expect(chooseEngine(ids[created], ids[snapshot], [{ ...need, name: 'x', xpack: true }])).not.toBeNull()
  })
  test('is said in words', () => {
    expect(sayNeed(ids['ES 7.17'], ids['ES 8.19'])).toBe(
      'no configured engine restores what elasticsearch 8.19.0 wrote with indices created by elasticsearch 7.17.29: add one with product elasticsearch, version 8.19.0 or a later 8.x',
    )
    expect(sayNeed(ids['ES 5'], ids['ES 5'])).toMatch(/archive with an Enterprise or trial licence/)
    expect(sayNeed(null, null)).toMatch(/an unknown version/)
  })
})

test('releases of ids', () => {
  expect([7_172_899, 8_100_499, 8_500_003, 8_536_000, 9_111_000, 9_200_000].map(releaseOf)).toEqual([
    '7.17.28',
    '8.10.4',
    '8.11.0',
    '8.19.0',
    '9.5.2',
    null,
  ])
})
