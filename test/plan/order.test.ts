/** A night that ends early has completed snapshots. */
import { expect, it, test } from 'vitest'
import type { DebtKind, Group } from '../../src/model/plan.ts'
import { orderGroups } from '../../src/plan/order.ts'
import { content } from '../support/contents.ts'

function group(name: string, snapshots: readonly number[], change: Partial<Group> & { kind?: DebtKind } = {}): Group {
  const { kind = 'never', ...rest } = change
  const contents = [{ content: content({ indexName: name, snapshots }), kind, snapshot: snapshots[0] ?? 0 }]
  return { indexName: name, indexId: name, shardCount: 1, engine: 'nine', contents, restoreBytes: 100, ...rest }
}
const namesOf = (groups: readonly Group[]) => groups.map(({ indexName }) => indexName).join(' ')

test('the snapshot with the fewest bytes to go is completed first', () => {
  const groups = [group('a', [0]), group('b', [1]), group('c', [0]), group('d', [2], { restoreBytes: 300 })]
  expect(namesOf(orderGroups({ groups, snapshots: [0, 1, 2], left: [] }))).toBe('b a c d')
})

test('what one snapshot shares with another brings that one nearer', () => {
  // 1 needs shared and own-1: 200. 2 needs shared and big: 1,000. 0 needs 300.
  const groups = [
    group('zero', [0], { restoreBytes: 300 }),
    group('shared', [1, 2]),
    group('own-1', [1]),
    group('big', [2], { restoreBytes: 150 }),
  ]
  expect(namesOf(orderGroups({ groups, snapshots: [0, 1, 2], left: [] }))).toBe('shared own-1 big zero')
})

test('a snapshot that cannot be completed tonight comes last', () => {
  const groups = [group('a', [0]), group('b', [1], { restoreBytes: 500 })]
  expect(namesOf(orderGroups({ groups, snapshots: [0, 1], left: [[0, 7]] }))).toBe('b a')
})

it.each(['failed', 'overdue'] as const)('what is %s comes before everything', kind => {
  const groups = [group('a', [0], { restoreBytes: 900, kind }), group('b', [1])]
  expect(namesOf(orderGroups({ groups, snapshots: [1, 0], left: [] }))).toBe('a b')
})

test('groups of one engine stay together', () => {
  const groups = [
    group('a', [0]),
    group('b', [1], { engine: 'eight', restoreBytes: 200 }),
    group('c', [2], { restoreBytes: 300 }),
  ]
  expect(namesOf(orderGroups({ groups, snapshots: [0, 1, 2], left: [] }))).toBe('a c b')
})

test('no group is lost, also none that no chosen snapshot holds', () => {
  const groups = [group('a', [5]), group('b', [1])]
  expect(namesOf(orderGroups({ groups, snapshots: [1], left: [] }))).toBe('b a')
})
