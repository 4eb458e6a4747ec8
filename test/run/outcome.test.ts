/** Accepted findings, exit codes, the numbers of debt. */
import { describe, expect, test } from 'vitest'
import { makeFinding } from '../../src/check/findings.ts'
import type { Accepted } from '../../src/model/policy.ts'
import { type ExitInput, exitOf, sortAccepted, summarizeDebt } from '../../src/run/outcome.ts'
import { content, dayMs, debtItem, nowMs } from '../support/contents.ts'

const finding = makeFinding({
  code: 'missing-data-blob',
  key: 'indices/I/0/__a',
  snapshots: ['U1', 'U2'],
  index: 'logs',
  shard: 0,
  message: 'gone',
})
const accepted = (change: Partial<Accepted> = {}): Accepted => ({
  code: 'missing-data-blob',
  snapshot: '*',
  index: '*',
  untilMs: nowMs + dayMs,
  reason: 'known',
  approver: 'Ada',
  ...change,
})
const nameOf = (uuid: string) => ({ U1: 'monday', U2: 'tuesday' })[uuid] ?? uuid
const sort = (policy: readonly Accepted[], of = finding) => {
  const sorted = sortAccepted([of], policy, nameOf, nowMs)
  return [sorted.findings.map(one => one.code), sorted.accepted.map(one => one.approver)]
}

describe('accepted findings', () => {
  test('are taken out, with who answers for them', () => {
    expect(sort([accepted()])).toEqual([[], ['Ada']])
  })
  test.each([
    ['another code', { code: 'wrong-length' }],
    ['another index', { index: 'other' }],
    ['one of its two snapshots only', { snapshot: 'monday' }],
    ['a uuid instead of a name', { snapshot: 'U1' }],
  ] as const)('%s does not cover it', (_, change) => {
    expect(sort([accepted(change)])).toEqual([['missing-data-blob'], []])
  })
  test('a name covers a finding about that snapshot alone, and none about no snapshot', () => {
    expect(sort([accepted({ snapshot: 'monday' })], { ...finding, snapshots: ['U1'] })).toEqual([[], ['Ada']])
    expect(sort([accepted({ snapshot: 'monday' })], { ...finding, snapshots: [] })[1]).toEqual([])
  })
  test('that ran out are open again, and loudly so', () => {
    expect(sort([accepted({ untilMs: nowMs })])).toEqual([['missing-data-blob', 'accepted-expired'], []])
  })
  test('that were renewed by another entry are accepted, in any order', () => {
    const old = accepted({ untilMs: nowMs - dayMs })
    const renewed = accepted({ approver: 'Grace' })
    expect(sort([old, renewed])).toEqual([[], ['Grace']])
    expect(sort([renewed, old])).toEqual([[], ['Grace']])
  })
})

describe('exit codes', () => {
  const exit = (change: Partial<ExitInput>) =>
    exitOf({
      findings: [],
      failedBefore: 0,
      overdue: 0,
      unseen: 0,
      unfinished: 0,
      trouble: null,
      failOn: 'error',
      ...change,
    })
  const warning = { ...finding, severity: 'warning' as const }

  test.each([
    ['nothing', {}, 0, []],
    ['trouble', { trouble: 'no disk' }, 2, [2]],
    ['an error', { findings: [finding] }, 1, [1]],
    ['a warning', { findings: [warning] }, 0, []],
    ['a warning that shall fail', { findings: [warning], failOn: 'warning' }, 1, [1]],
    ['information that never fails', { findings: [{ ...finding, severity: 'information' }], failOn: 'warning' }, 0, []],
    ['a failure of before', { failedBefore: 1 }, 1, [1]],
    ['debt beyond policy', { overdue: 1 }, 4, [4]],
    ['a snapshot that nobody could look at tonight', { unseen: 1 }, 4, [4]],
    ['bytes that nobody read in time', { unread: 1 }, 4, [4]],
    ['a restore that was asked for and not done', { unfinished: 1 }, 4, [4]],
    ['everything', { trouble: 'x', findings: [finding], overdue: 1, unseen: 1 }, 2, [2, 1, 4]],
    ['an error and debt', { findings: [finding], overdue: 1 }, 1, [1, 4]],
  ] as const)('%s', (_, change, code, applies) => {
    expect(exit(change)).toMatchObject({ code, applies })
    expect(exit(change).reason).not.toBe('')
  })
})

test('debt in numbers', () => {
  const debt = [
    debtItem(content({ contentId: 'a', bytes: 10 }), { kind: 'failed', overdue: true }),
    debtItem(content({ contentId: 'b', bytes: 5 })),
    debtItem(content({ contentId: 'c', bytes: 1 })),
  ]
  const ages = new Map(debt.map((item, i) => [item, nowMs - i * dayMs]))
  expect(summarizeDebt(debt, 5, 2, item => ages.get(item) ?? 0, nowMs)).toEqual({
    contents: 3,
    bytes: 16,
    overdue: 1,
    byKind: { failed: 1, overdue: 0, newest: 0, lapsed: 0, never: 2, refresh: 0 },
    oldestDays: 2,
    nightsToCatchUp: 2,
    contentsBefore: 5,
  })
  expect(summarizeDebt([], 0, 0, () => 0, nowMs)).toMatchObject({ oldestDays: null, nightsToCatchUp: 0 })
  expect(summarizeDebt(debt, 3, 0, () => nowMs + dayMs, nowMs)).toMatchObject({ oldestDays: 0, nightsToCatchUp: null })
})
