/** The level `rules` of contents and snapshots, and what is told of it. */
import { describe, expect, test } from 'vitest'
import type { Answers } from '../../src/model/answers.ts'
import { maxOutcomeRows, type OwnerRule } from '../../src/model/ownerRule.ts'
import type { Accepted } from '../../src/model/policy.ts'
import { judgeByRules, type PlainMark, type RuledSnapshot } from '../../src/run/ruleLevels.ts'
import { readSavedRules, saveRules } from '../../src/run/savedRules.ts'
import { day, ids, ruleOf, start } from '../rules/owner/support.ts'

const count = ruleOf('documents', { min: 5, max: null }, { name: 'count', index: ['logs'] })
const proven: PlainMark = { verdict: 'pass', reason: 'proven' }

const documents = (amount: number): Answers => ({
  [ids(count)[0] ?? '']: { status: 'answered', value: { documents: amount } },
})

function snapshot(
  n: number,
  rest: Partial<RuledSnapshot> = {},
  answers: Answers = documents(10),
  restore = proven,
): RuledSnapshot {
  return {
    name: `night-${n}`,
    uuid: `uuid-${n}`,
    startedMs: start + n * day,
    endedMs: start + n * day + 1,
    complete: true,
    obstacle: null,
    restore,
    indices: new Set(['logs']),
    copies: [{ index: 'logs', restore, answers }],
    ...rest,
  }
}

function judged(snapshots: RuledSnapshot[], rules: OwnerRule[] = [count], accepted: Accepted[] = []) {
  return judgeByRules(rules, snapshots, new Set(snapshots.flatMap(one => [...one.indices])), accepted)
}

const levelOf = (result: ReturnType<typeof judged>, n = 1) => {
  const found = result.levels.get(`uuid-${n}`)
  return [found?.whole, ...(found?.copies ?? [])].map(mark => `${mark?.verdict} ${mark?.reason}`)
}

describe('one index in one snapshot', () => {
  test.each([
    ['holds', documents(10), proven, 'pass proven'],
    ['holds, by the same content', documents(10), { verdict: 'pass', reason: 'credited' }, 'pass credited'],
    ['does not hold', documents(1), proven, 'fail found'],
    ['was never asked', {}, proven, 'inconclusive answers-missing'],
    [
      'holds, and the restore is not proven',
      documents(10),
      { verdict: 'inconclusive', reason: 'lapsed' },
      'inconclusive lapsed',
    ],
    [
      'does not hold, whatever became of the proof',
      documents(1),
      { verdict: 'inconclusive', reason: 'lapsed' },
      'fail found',
    ],
    ['the restore failed', documents(10), { verdict: 'fail', reason: 'found' }, 'fail lower-level-failed'],
    ['is not to be restored', {}, { verdict: 'not-applicable', reason: 'mounted' }, 'not-applicable mounted'],
  ] as const)('%s', (_, answers, restore, expected) => {
    expect(levelOf(judged([snapshot(1, {}, answers, restore)]))).toEqual([expected, expected])
  })

  test('what could not be judged is told, and is no pass', () => {
    const hung = {
      [ids(count)[0] ?? '']: { status: 'unanswered', reason: 'rule-not-judged', words: 'it hung' },
    } as const
    const result = judged([snapshot(1, {}, hung)])
    expect(levelOf(result)[1]).toBe('inconclusive rule-not-judged')
    expect(result.findings).toMatchObject([{ code: 'rule-not-judged', severity: 'warning', index: 'logs' }])
  })

  test('no rule speaks about it: not applicable, and nothing is told', () => {
    const other = ruleOf('documents', { min: 1, max: null }, { index: ['logs'], snapshots: ['weekly-*'] })
    expect(levelOf(judged([snapshot(1)], [other]))).toEqual([
      'not-applicable no-rule-applies',
      'not-applicable no-rule-applies',
    ])
  })

  test('of several rules the worst speaks, and each is told', () => {
    const many = ruleOf('documents', { min: null, max: 2 }, { name: 'few' })
    const result = judged([snapshot(1)], [count, many])
    expect(levelOf(result)[1]).toBe('fail found')
    expect(result.run.outcomes.map(({ rule, verdict }) => [rule, verdict])).toEqual([
      ['count', 'pass'],
      ['few', 'fail'],
    ])
  })
})

describe('a rule that only warns', () => {
  const warns = { ...count, severity: 'warning' } as OwnerRule
  test('fails nobody, and nothing passes where it does not hold', () => {
    const result = judged([snapshot(1, {}, documents(1))], [warns])
    expect(levelOf(result)).toEqual(['inconclusive rule-warned', 'inconclusive rule-warned'])
    expect(result.findings).toMatchObject([{ code: 'rule-failed', severity: 'warning' }])
  })
})

describe('whole snapshots', () => {
  test('one that was taken with shards missing never passes, and fails where a rule fails', () => {
    const partial = { obstacle: 'partial-at-source' } as const
    expect(levelOf(judged([snapshot(1, partial)]))[0]).toBe('inconclusive partial-at-source')
    expect(levelOf(judged([snapshot(1, partial, documents(0))]))[0]).toBe('fail found')
  })

  test('one that is gone is judged by nobody', () => {
    const gone = { complete: false, copies: [], restore: { verdict: 'not-applicable', reason: 'expired' } } as const
    expect(levelOf(judged([snapshot(1, gone), snapshot(2)]))).toEqual(['not-applicable expired'])
  })

  const complete = ruleOf('indices', { present: [], asBefore: true }, { name: 'complete', snapshots: ['night-*'] })
  const holding = (n: number, names: string[], rest: Partial<RuledSnapshot> = {}) =>
    snapshot(n, { indices: new Set(names), copies: [], ...rest })

  test('the one before is the complete one before in time, of those that the rule speaks about', () => {
    const list = [
      holding(3, ['a']),
      holding(1, ['a', 'b']),
      holding(2, ['a', 'b', 'c'], { complete: false }),
      { ...holding(2.5, ['z']), name: 'weekly-1' },
    ]
    const result = judged(list, [complete])
    expect(result.run.outcomes.filter(({ verdict }) => verdict === 'fail')).toMatchObject([
      { snapshot: 'night-3', index: null, message: '1 indices of night-1 are not in night-3: b' },
    ])
    expect(result.findings).toMatchObject([{ code: 'rule-failed', index: null, snapshots: ['uuid-3'] }])
    expect(levelOf(result, 3)).toEqual(['fail found'])
    expect(levelOf(result, 1)).toEqual(['not-applicable no-rule-applies'])
  })
})

describe('findings', () => {
  test('one for each rule and index, by the newest snapshot, with the same id however many snapshots it hits', () => {
    const [one] = judged([snapshot(1, {}, documents(1))]).findings
    const [three] = judged([1, 3, 2].map(n => snapshot(n, {}, documents(n)))).findings
    expect(three?.id).toBe(one?.id)
    expect(three).toMatchObject({ severity: 'error', snapshots: ['uuid-3', 'uuid-2', 'uuid-1'] })
    expect(three?.message).toBe(
      'rule "count": logs in night-3: 3 documents; wanted: at least 5; and so in 2 older snapshots, back to night-1',
    )
    const renamed = { ...count, name: 'other' } as OwnerRule
    expect(judged([snapshot(1, {}, documents(1))], [renamed]).findings[0]?.id).not.toBe(one?.id)
  })

  test('a snapshot that somebody answers for by name has one of its own', () => {
    const entry = {
      code: 'rule-failed',
      snapshot: 'night-2',
      index: '*',
      untilMs: start + 99 * day,
      reason: 'r',
      approver: 'a',
    } as const
    const { findings } = judged(
      [1, 2, 3].map(n => snapshot(n, {}, documents(1))),
      [count],
      [entry],
    )
    expect(findings.map(({ snapshots }) => snapshots)).toEqual([['uuid-2'], ['uuid-3', 'uuid-1']])
    expect(new Set(findings.map(({ id }) => id)).size).toBe(2)
  })

  test('a rule that matches no index, or no snapshot, is told and passes nothing', () => {
    const nowhere = ruleOf('documents', { min: 1, max: null }, { name: 'nowhere', index: ['payments-*'] })
    const never = ruleOf('documents', { min: 1, max: null }, { name: 'never', snapshots: ['weekly-*'] })
    const { findings, run } = judged([snapshot(1)], [nowhere, never])
    expect(findings.map(({ code, severity }) => [code, severity])).toEqual([
      ['rule-matches-nothing', 'warning'],
      ['rule-matches-nothing', 'warning'],
    ])
    expect(run.rules.map(({ judged: counts, indices }) => [counts.pass, indices])).toEqual([
      [0, 0],
      [0, 0],
    ])
  })

  test('what is told is bounded, the newest of each index first', () => {
    const many = Array.from({ length: maxOutcomeRows + 10 }, (_, n) => snapshot(n + 1, {}, documents(0)))
    const { run } = judged(many)
    expect(run.outcomes).toHaveLength(maxOutcomeRows)
    expect(run.more).toBe(10)
    expect(run.outcomes[0]?.snapshot).toBe(`night-${many.length}`)
    expect(run.rules[0]?.judged.fail).toBe(many.length)
  })
})

describe('saved and read again', () => {
  test('the same judgement', () => {
    const rules = [count, ruleOf('indices', { present: ['logs'], asBefore: true }, { name: 'complete' })]
    const list = [
      snapshot(1),
      snapshot(2, {}, documents(1)),
      snapshot(3, { indices: new Set(['logs', 'other']), obstacle: 'partial-at-source' }),
      snapshot(4, { complete: false, copies: [], restore: { verdict: 'not-applicable', reason: 'expired' } }),
      snapshot(5, {}, documents(1), { verdict: 'inconclusive', reason: 'too-old' }),
    ]
    const names = new Set(['logs', 'other'])
    const saved = JSON.stringify(saveRules(list, names))
    const read = readSavedRules(saved)
    expect(judgeByRules(rules, read.snapshots, read.indices, [])).toEqual(judgeByRules(rules, list, names, []))
  })

  test('snapshots with the same content are kept as ranges', () => {
    const list = [1, 2, 3, 4, 5].map(n => snapshot(n, {}, documents(n === 3 ? 1 : 10)))
    const { copies } = saveRules(list, new Set(['logs']))
    expect(copies.map(one => one.snapshots)).toEqual([
      [
        [0, 1],
        [3, 4],
      ],
      [[2, 2]],
    ])
  })

  test.each([
    ['{', /not JSON/],
    ['{"schemaVersion":2}', /member/],
    [
      '{"schemaVersion":1,"snapshots":[],"indices":[],"copies":[{"index":"a","restore":{"verdict":"pass","reason":"proven"},"answers":{},"snapshots":[[0,4000000000]]}]}',
      /member/,
    ],
    [
      '{"schemaVersion":1,"snapshots":[],"indices":[],"copies":[{"index":"a","restore":{"verdict":"pass","reason":"__proto__"},"answers":{},"snapshots":[]}]}',
      /member/,
    ],
  ])('%s is refused', (text, message) => {
    expect(() => readSavedRules(text)).toThrow(message)
  })
})
