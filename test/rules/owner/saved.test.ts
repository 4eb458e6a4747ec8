/** Each kind of rule on the evidence of a real server (test/fixtures/evidence): nothing to check, pass, fail, several. */
import { describe, expect, test } from 'vitest'
import type { OwnerRule, RuleKind, RuleWants } from '../../../src/model/ownerRule.ts'
import { ruleKinds } from '../../../src/rules/owner/registry.ts'
import { judgeRun } from '../../../src/run/judgeRun.ts'
import { judgeByRules } from '../../../src/run/ruleLevels.ts'
import { readSavedNight } from '../../support/savedNight.ts'
import { day, ruleOf } from './support.ts'

const night = await readSavedNight()

/** What a rule of that night wants: its question was asked then. */
function wantsOf<Kind extends RuleKind>(kind: Kind, name: string): RuleWants[Kind] {
  const found = night.rules.find(rule => rule.name === name && rule.kind === kind)
  if (found === undefined) throw new Error(`no rule of that night of kind ${kind} is called ${name}`)
  // Its kind was just compared.
  return found.wants as RuleWants[Kind]
}

interface Case<Kind extends RuleKind> {
  /** Of `orders` in night-1. */
  readonly passes: RuleWants[Kind]
  readonly got: string
  readonly fails: RuleWants[Kind]
  readonly says: RegExp
  /** `passes` on everything of that night: `index@snapshot verdict`, newest snapshot first. */
  readonly several: readonly string[]
}

const fresh = ['orders@night-4 fail', 'orders@night-3 fail', 'orders@night-2 pass', 'orders@night-1 pass']
const stale = ['stale@night-3', 'stale@night-2', 'stale@night-1']
const unasked = stale.map(place => `${place} inconclusive`)
const years = (30 * 365 * day) / 1000

const cases: { readonly [Kind in RuleKind]: Case<Kind> } = {
  documents: {
    passes: { min: 10, max: 10 },
    got: '10 documents',
    fails: { min: 11, max: null },
    says: /^10 documents; wanted: at least 11$/,
    several: [...fresh, ...unasked],
  },
  fields: {
    passes: { types: { amount: ['float', 'double'], 'lines.sku': ['keyword'] } },
    got: 'amount: double; lines.sku: keyword',
    fails: wantsOf('fields', 'wrong type'),
    says: /^amount: double; wanted: keyword; nothing: not in the mapping; wanted: date$/,
    several: [...fresh.map(place => place.replace('fail', 'pass')), ...unasked],
  },
  filled: {
    passes: { field: 'customer', percent: 90 },
    got: 'customer is filled in 9 of 10 documents (90 %)',
    fails: { field: 'customer', percent: 90.01 },
    says: /^customer is filled in 9 of 10 documents \(90 %\); wanted: at least 90.01 %$/,
    several: [...fresh, ...unasked],
  },
  newest: {
    passes: { field: 'placed_at', withinSeconds: 86_400, aheadSeconds: 3_600 },
    got: 'newest placed_at 20',
    fails: { field: 'words', withinSeconds: 86_400, aheadSeconds: 3_600 },
    says: /^words is of type text; wanted: a date$/,
    several: [...fresh, ...stale.map(place => `${place} fail`)],
  },
  oldest: {
    passes: { field: 'placed_at', withinSeconds: years },
    got: 'oldest placed_at 20',
    fails: { field: 'words', withinSeconds: years },
    says: /^words is of type text; wanted: a date$/,
    several: [...fresh, ...stale.map(place => `${place} pass`)],
  },
  query: {
    passes: wantsOf('query', 'hits'),
    got: '5 hits; most is 9',
    fails: {
      ...wantsOf('query', 'hits'),
      hits: { min: 6, max: null },
      aggregation: { path: 'most', range: { min: null, max: 8 } },
    },
    says: /^5 hits; wanted: at least 6; most is 9; wanted: at most 8$/,
    several: [...fresh, ...unasked],
  },
  aliases: {
    passes: { names: ['shop'] },
    got: 'aliases shop',
    fails: { names: ['store', 'shop'] },
    says: /^aliases shop; missing: store$/,
    several: [...fresh, ...unasked],
  },
  indices: {
    passes: { present: ['ord*'], asBefore: true },
    got: '2 indices',
    fails: { present: ['orders', 'payments-*'], asBefore: false },
    says: /^no index of night-1 matches payments-\*$/,
    several: ['-@night-4 fail', '-@night-3 pass', '-@night-2 pass', '-@night-1 pass'],
  },
  command: {
    passes: wantsOf('command', 'good command'),
    got: 'exit code 0',
    fails: wantsOf('command', 'bad command'),
    says: /^check-books: exit code 3; it said: the books do not balance$/,
    several: [...fresh.map(place => place.replace('fail', 'pass')), ...unasked],
  },
}

/** On all that was saved, and what came of it. */
function judged(rule: OwnerRule) {
  const { levels, findings, run } = judgeByRules([rule], night.snapshots, night.indices, [])
  const rows = run.outcomes.map(({ index, snapshot, verdict }) => `${index ?? '-'}@${snapshot} ${verdict}`)
  const wholes = night.snapshots.map(({ name, uuid }) => [name, levels.get(uuid)?.whole] as const)
  return { findings, outcomes: run.outcomes, counts: run.rules[0]?.judged, rows, wholes: new Map(wholes) }
}

test('every kind is among them', () => {
  expect(Object.keys(cases)).toEqual(Object.keys(ruleKinds))
})

describe.each(Object.keys(ruleKinds) as RuleKind[])('%s', kind => {
  const { passes, got, fails, says, several } = cases[kind]
  const first = { index: ['orders'], snapshots: ['night-1'] }

  test('nothing to check: no verdict, and a finding says so', () => {
    const nowhere = kind === 'indices' ? { snapshots: ['weekly-*'] } : { index: ['payments-*'] }
    const { findings, counts, wholes } = judged(ruleOf(kind, passes, nowhere))
    expect(counts).toEqual({ pass: 0, fail: 0, inconclusive: 0 })
    expect(findings).toMatchObject([{ code: 'rule-matches-nothing', severity: 'warning' }])
    for (const whole of wholes.values()) expect(whole?.verdict).not.toBe('pass')
  })

  test('pass', () => {
    const { findings, outcomes, wholes } = judged(ruleOf(kind, passes, first))
    expect(outcomes).toMatchObject([{ verdict: 'pass', got: expect.stringContaining(got) }])
    expect(findings).toEqual([])
    expect(wholes.get('night-1')).toMatchObject({ verdict: 'pass' })
    expect(wholes.get('night-2')).toMatchObject({ reason: 'no-rule-applies' })
  })

  test('fail', () => {
    const { findings, outcomes, wholes } = judged(ruleOf(kind, fails, first))
    expect(outcomes).toMatchObject([{ verdict: 'fail', message: expect.stringMatching(says) }])
    expect(findings).toMatchObject([{ code: 'rule-failed', severity: 'error' }])
    expect(wholes.get('night-1')).toMatchObject({ verdict: 'fail', reason: 'found' })
  })

  test('several: every index in every snapshot, each by its own answers, and one finding for each index', () => {
    const about = kind === 'indices' ? {} : { index: ['orders', 'stale'] }
    const { rows, findings } = judged(ruleOf(kind, passes, about))
    // The newest of each index is told first, then what does not pass, and of what passes the newest alone.
    const isTold = (row: string, at: number) =>
      !row.endsWith(' pass') || several.findIndex(one => placeOf(one) === placeOf(row)) === at
    expect(rows).toEqual(several.filter(isTold))
    const failing = new Set(several.filter(row => row.endsWith(' fail')).map(placeOf))
    expect(findings.map(({ code, index }) => [code, index ?? '-'])).toEqual(
      [...failing].map(index => ['rule-failed', index]),
    )
  })
})

function placeOf(row: string): string {
  return row.split('@')[0] ?? ''
}

describe('what is no answer', () => {
  test('a query that the server refused fails in its words; a program that hung, flooded or is not there accuses nobody', () => {
    const outcomes = (name: string) => {
      const rule = night.rules.find(one => one.name === name)
      if (rule === undefined) throw new Error(`no rule is called ${name}`)
      return judged(rule).outcomes.map(({ verdict, message }) => `${verdict}: ${message}`)
    }
    expect(outcomes('refused')).toEqual([
      expect.stringMatching(/^fail: the server refused to answer: parsing_exception: .*no_such_query/),
    ])
    expect(outcomes('nothing to add up')).toEqual([expect.stringMatching(/^fail: most has no value/)])
    expect(outcomes('hanging command')).toEqual([expect.stringMatching(/^inconclusive: .*did not end within 1 s/)])
    expect(outcomes('flooding command')).toEqual([expect.stringMatching(/^inconclusive: .*wrote more than 1048576/)])
    expect(outcomes('no command')).toEqual([expect.stringMatching(/^inconclusive: .*could not be started/)])
  })
})

describe('the whole night', () => {
  test('is judged again as it was judged then', async () => {
    const { run, read, rules } = night
    const again = await judgeRun({ run, read, rules, accepted: [] })
    expect(again).toMatchObject({ differences: [], notes: [], newRules: [] })
    expect(again.restores).toHaveLength(night.evidence.length)
    expect(again.rules).toEqual(run.rules)
  })

  test('and otherwise where an answer is another one', async () => {
    const { run, read, rules } = night
    const bent = async (name: string) => (await read(name))?.replaceAll(/"documents": ?10\b/g, '"documents":21') ?? null
    const { differences } = await judgeRun({ run, read: bent, rules, accepted: [] })
    expect(differences).toContainEqual(
      expect.stringMatching(/^rules of orders in night-2: fail \(found\), the run said pass/),
    )
  })
})
