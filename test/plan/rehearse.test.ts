/** What an upgrade does to each snapshot, by the ids that servers write. */
import { describe, expect, test } from 'vitest'
import {
  engineToRehearse,
  isMarkedReadOnly,
  newestSurvivors,
  parseTarget,
  type RehearsalSubject,
  rehearse,
  rehearseIndex,
} from '../../src/plan/rehearse.ts'

const openSearch = (id: number) => (id | 0x08000000) >>> 0
const subject = (over: Partial<RehearsalSubject> = {}): RehearsalSubject => ({
  snapshot: 'night',
  snapshotUuid: 'u1',
  index: 'logs',
  snapshotVersion: 8_536_000,
  createdVersion: 8_536_000,
  marked: false,
  unread: null,
  ...over,
})
const outcome = (target: string, over: Partial<RehearsalSubject>) =>
  rehearseIndex(subject(over), parseTarget(target)).outcome

describe('an upgrade to 9', () => {
  test.each([
    ['survives', { createdVersion: 8_536_000 }],
    ['dies', { createdVersion: 7_172_899 }],
    ['survives', { createdVersion: 7_172_899, marked: true }],
    ['needs-licence', { createdVersion: 6_082_399, snapshotVersion: 7_172_899 }],
    ['dies', { createdVersion: 2_040_699, snapshotVersion: 5_061_699 }],
    ['unknown', { createdVersion: null }],
    ['unknown', { snapshotVersion: null }],
    ['unknown', { unread: 'not whole' }],
    ['dies', { createdVersion: openSearch(2_190_199), snapshotVersion: openSearch(2_190_199) }],
  ] as const)('%s: %j', (expected, over) => expect(outcome('9', over)).toBe(expected))
})

test('a snapshot that is newer than what is asked for dies', () => {
  const nine5 = { snapshotVersion: 9_111_000, createdVersion: 9_111_000 }
  expect(outcome('9', nine5)).toBe('survives')
  expect(outcome('9.2', nine5)).toBe('dies')
  expect(outcome('9.5', nine5)).toBe('survives')
  expect(outcome('9.5.1', nine5)).toBe('dies')
  expect(outcome('9.5.2', nine5)).toBe('survives')
  expect(outcome('8', nine5)).toBe('dies')
})

test('OpenSearch reads old repositories of Elasticsearch only', () => {
  expect(outcome('opensearch-2', { snapshotVersion: 7_100_299, createdVersion: 7_100_299 })).toBe('survives')
  expect(outcome('opensearch-2', { snapshotVersion: 7_172_899, createdVersion: 7_100_299 })).toBe('dies')
  expect(
    outcome('opensearch-3', { snapshotVersion: openSearch(2_190_199), createdVersion: openSearch(2_190_199) }),
  ).toBe('survives')
  expect(
    outcome('opensearch-3', { snapshotVersion: openSearch(2_190_199), createdVersion: openSearch(1_031_499) }),
  ).toBe('dies')
})

test('a snapshot is as its worst index', () => {
  const found = rehearse(
    [
      subject({ index: 'old', createdVersion: 7_172_899 }),
      subject({ index: 'new' }),
      subject({ index: 'odd', unread: 'not whole' }),
      subject({ snapshot: 'next', snapshotUuid: 'u2' }),
      subject({ snapshot: 'next', snapshotUuid: 'u2', index: 'odd', unread: 'not whole' }),
    ],
    parseTarget('9'),
  )
  expect(found.map(({ name, outcome }) => [name, outcome])).toEqual([
    ['night', 'dies'],
    ['next', 'unknown'],
  ])
  expect(found[0]?.indices.map(index => [index.index, index.outcome])).toEqual([
    ['old', 'dies'],
    ['new', 'survives'],
    ['odd', 'unknown'],
  ])
  expect(found[0]?.indices[0]).toMatchObject({
    createdBy: 'elasticsearch 7.17.28',
    reason: expect.stringContaining('mark'),
  })
})

test('marks of an upgrade: a write block alone is none', () => {
  const marked = (...keys: string[]) => isMarkedReadOnly(new Map(keys.map(key => [`index.${key}`, 'true'])))
  expect(marked('blocks.write')).toBe(false)
  expect(marked('verified_read_only')).toBe(false)
  expect(marked('blocks.write', 'verified_read_only')).toBe(true)
  expect(marked('blocks.read_only', 'verified_read_only')).toBe(true)
  expect(marked('verified_before_close')).toBe(true)
})

test.each(['', 'nine', '6', '10', 'opensearch-4', '9.5.3.1', 'kibana-9', '-9'])('%j is refused', text => {
  expect(() => parseTarget(text)).toThrow(expect.objectContaining({ code: 'usage' }))
})

describe('by restore', () => {
  const offer = (version: string, product: 'elasticsearch' | 'opensearch' = 'elasticsearch') => ({
    name: version,
    product,
    version,
  })

  test('the newest engine of the version asked for', () => {
    const offers = [offer('9.0.1'), offer('9.5.3'), offer('9.10.0'), offer('8.19.0'), offer('9.11.0', 'opensearch')]
    const named = (target: string) => engineToRehearse(parseTarget(target), offers).name
    expect([named('9'), named('9.0'), named('9.5.3'), named('8')]).toEqual(['9.10.0', '9.0.1', '9.5.3', '8.19.0'])
    for (const target of ['7', '9.1', '9.5.2', 'opensearch-2'])
      expect(() => engineToRehearse(parseTarget(target), offers)).toThrow(/no engine of/)
  })

  test('of each index the newest snapshot in which it survives', () => {
    const dead = { createdVersion: 7_172_899 }
    const of = (snapshot: string, ...indices: Partial<RehearsalSubject>[]) =>
      indices.map(index => subject({ snapshot, snapshotUuid: snapshot, ...index }))
    const snapshots = rehearse(
      [
        ...of('four', { index: 'a', ...dead }, { index: 'b' }),
        ...of('three', { index: 'b' }),
        ...of('two', { index: 'a' }, { index: 'b' }),
        ...of('one', { index: 'a' }, { index: 'c', ...dead }),
      ],
      parseTarget('9'),
    )
    expect(newestSurvivors(snapshots).map(({ name }) => name)).toEqual(['four', 'two'])
  })
})
