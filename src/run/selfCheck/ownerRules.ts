/** Answers of restored indices, as they should be and bent, before the owner's rules: of each kind one that holds and some that do not. */

import { markOf } from '../../check/checkIndex.ts'
import { type Answer, type AnswerValues, type Question, questionId } from '../../model/answers.ts'
import type { FindingCode, Severity } from '../../model/finding.ts'
import type { OwnerRule, RuleKind, RuleWants } from '../../model/ownerRule.ts'
import { questionsOf } from '../../rules/owner/registry.ts'
import { judgeByRules, type RuledSnapshot } from '../ruleLevels.ts'
import type { Planted } from './planted.ts'

const index = 'orders'
const nightMs = Date.UTC(2030, 0, 2)
const hourMs = 3_600_000

/** One kind with what it wants, what answers it, and what must break it. `null`: the question is not answered. */
interface Case<Kind extends RuleKind = RuleKind> {
  readonly kind: Kind
  readonly wants: RuleWants[Kind]
  readonly good: Value
  readonly bad: readonly Value[]
}
type Value = AnswerValues[Question['kind']] | null

const of = <Kind extends RuleKind>(
  kind: Kind,
  wants: RuleWants[Kind],
  good: Value,
  ...bad: readonly Value[]
): Case<Kind> => ({ kind, wants, good, bad })

const times = (oldestHours: number, newestHours: number) => ({
  oldestMs: nightMs - oldestHours * hourMs,
  newestMs: nightMs - newestHours * hourMs,
  type: 'date',
})
const withinADay = { field: 'at', withinSeconds: 86_400 }
const one = { min: 1, max: 1 }
const answered = (hits: number, value: number | null) =>
  ({ hits, value, what: value === null ? 'null' : 'number' }) as const

/** About one index; those about whole snapshots are below. */
const cases: readonly Case[] = [
  of('documents', { min: 10, max: 20 }, { documents: 12 }, { documents: 9 }, { documents: 0 }, { documents: 21 }),
  of('fields', { types: { amount: ['double'] } }, { type: 'double' }, { type: 'keyword' }, { type: null }),
  of(
    'filled',
    { field: 'amount', percent: 90 },
    { documents: 10, filled: 9, type: 'double' },
    { documents: 10, filled: 8, type: 'double' },
    { documents: 0, filled: 0, type: 'double' },
    { documents: 10, filled: 10, type: null },
  ),
  of('newest', { ...withinADay, aheadSeconds: 3600 }, times(50, 2), times(50, 25), times(50, -30)),
  of('oldest', withinADay, times(20, 2), times(25, 2)),
  of(
    'query',
    { body: {}, hits: one, aggregation: { path: 'most', range: one } },
    answered(1, 1),
    answered(0, 1),
    answered(1, 2),
    answered(1, null),
  ),
  of('aliases', { names: ['orders-all'] }, { names: ['orders-all', 'other'] }, { names: [] }, { names: ['other'] }),
  of(
    'command',
    { run: ['check'], timeLimitSeconds: 1 },
    { exitCode: 0, output: '' },
    { exitCode: 1, output: 'it is wrong' },
  ),
]

export function ownerRules(): Planted[] {
  return [...cases.flatMap(aboutIndex), ...aboutSnapshots(), matchesNothing()]
}

function aboutIndex(given: Case): Planted[] {
  const { kind, wants, good, bad } = given
  const rule = ruleOf(kind, wants, 'error')
  const asked = (value: Value) => [snapshotOf('now', nightMs, rule, value, [index])]
  return [
    { what: `a rule ${kind} that holds`, code: null, rule: kind, ask: () => complaints(rule, asked(good), null) },
    ...bad.map((value, i) => ({
      what: `a rule ${kind} that does not hold (${i + 1})`,
      code: 'rule-failed' as const,
      rule: kind,
      ask: () => complaints(rule, asked(value), { code: 'rule-failed', severity: 'error', verdict: 'fail' }),
    })),
    {
      what: `a rule ${kind} that only warns`,
      code: 'rule-failed',
      rule: kind,
      ask: () => {
        const warning = ruleOf(kind, wants, 'warning')
        const wanted = { code: 'rule-failed', severity: 'warning', verdict: 'inconclusive' } as const
        return complaints(warning, [snapshotOf('now', nightMs, warning, bad[0] ?? null, [index])], wanted)
      },
    },
    {
      what: `a rule ${kind} whose question nobody could answer`,
      code: 'rule-not-judged',
      rule: kind,
      ask: () =>
        complaints(rule, asked(null), { code: 'rule-not-judged', severity: 'warning', verdict: 'inconclusive' }),
    },
  ]
}

function aboutSnapshots(): Planted[] {
  const rule = ruleOf('indices', { present: ['orders*'], asBefore: true }, 'error')
  const nights = (now: readonly string[]) => [
    snapshotOf('before', nightMs - 24 * hourMs, rule, null, [index, 'orders-eu']),
    snapshotOf('now', nightMs, rule, null, now),
  ]
  const fails = { code: 'rule-failed', severity: 'error', verdict: 'fail' } as const
  const planted = (what: string, code: FindingCode | null, now: readonly string[]): Planted => ({
    what: `a rule indices, ${what}`,
    code,
    rule: 'indices',
    ask: () => complaints(rule, nights(now), code === null ? null : fails),
  })
  return [
    planted('all as before', null, [index, 'orders-eu']),
    planted('one is missing that was there before', 'rule-failed', [index]),
    {
      what: 'a rule indices, none that it wants and no night before',
      code: 'rule-failed',
      rule: 'indices',
      ask: () => complaints(rule, nights(['customers']).slice(1), fails),
    },
  ]
}

function matchesNothing(): Planted {
  const rule = { ...ruleOf('documents', { min: 1, max: null }, 'error'), index: ['nothing-like-it'] }
  const wanted = { code: 'rule-matches-nothing', severity: 'warning', verdict: null } as const
  return {
    what: 'a rule that matches no index',
    code: 'rule-matches-nothing',
    ask: () => complaints(rule, [snapshotOf('now', nightMs, rule, null, [index])], wanted),
  }
}

function ruleOf<Kind extends RuleKind>(kind: Kind, wants: RuleWants[Kind], severity: 'error' | 'warning'): OwnerRule {
  const rule = { name: `the rule ${kind}`, kind, index: ['orders*'], snapshots: ['*'], severity, wants }
  // `wants` is that of `kind`: the signature says so, and the compiler cannot follow it through the union.
  return rule as unknown as OwnerRule
}

function snapshotOf(
  name: string,
  startedMs: number,
  rule: OwnerRule,
  value: Value,
  indices: readonly string[],
): RuledSnapshot {
  const answer: Answer =
    value === null
      ? { status: 'unanswered', reason: 'evidence-incomplete', words: 'the server did not answer' }
      : { status: 'answered', value }
  const answers = Object.fromEntries(questionsOf(rule).map(question => [questionId(question), answer]))
  return {
    name,
    uuid: `uuid-${name}`,
    startedMs,
    endedMs: startedMs + 60_000,
    complete: true,
    indices: new Set(indices),
    obstacle: null,
    restore: markOf('proven'),
    copies: indices.map(one => ({ index: one, restore: markOf('proven'), answers })),
  }
}

interface Wanted {
  readonly code: FindingCode
  readonly severity: Severity
  /** Of the newest snapshot at `rules`; null: not looked at. */
  readonly verdict: string | null
}

/** `wanted` null: it holds. */
function complaints(rule: OwnerRule, snapshots: readonly RuledSnapshot[], wanted: Wanted | null): string[] {
  const { findings, levels } = judgeByRules([rule], snapshots, new Set([index, 'orders-eu', 'customers']), [])
  const got = findings.map(finding => `${finding.severity} ${finding.code}`).join(', ') || 'nothing'
  const whole = levels.get('uuid-now')?.whole
  const wrong: string[] = []
  const verdict = wanted === null ? 'pass' : wanted.verdict
  if (verdict !== null && whole?.verdict !== verdict)
    wrong.push(`the snapshot is ${whole?.verdict} (${whole?.reason}) at rules, expected ${verdict}`)
  const told = wanted === null ? 'nothing' : `${wanted.severity} ${wanted.code}`
  if (got !== told) wrong.push(`expected ${told}, got ${got}`)
  const [finding] = findings
  if (wanted !== null && wanted.verdict !== null && finding?.snapshots.join() !== 'uuid-now')
    wrong.push(`expected to hit uuid-now, got ${finding?.snapshots.join(', ')}`)
  return wrong
}
