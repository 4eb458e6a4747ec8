/** The version matrix, cell by cell, and which of several engines is taken. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseEngine, compareVersions, type EngineOffer, originOf } from '../../src/plan/compatibility.ts'

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
