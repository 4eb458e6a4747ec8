/** Rules and answers made by hand for the tests of one kind each. */
import { type Answer, questionId } from '../../../src/model/answers.ts'
import type { OwnerRule, RuleKind, RuleWants } from '../../../src/model/ownerRule.ts'
import type { RuleOutcome, SnapshotContext } from '../../../src/rules/owner/kind.ts'
import { kindOf, questionsOf } from '../../../src/rules/owner/registry.ts'

export const hour = 3_600_000
export const day = 24 * hour
export const start = Date.UTC(2026, 10, 20, 2)

export function ruleOf<Kind extends RuleKind>(
  kind: Kind,
  wants: RuleWants[Kind],
  rest: Partial<OwnerRule> = {},
): OwnerRule {
  // Kind and wants belong together by the signature.
  return { name: kind, kind, wants, index: ['*'], snapshots: ['*'], severity: 'error', ...rest } as OwnerRule
}

export function snapshotContext(rest: Partial<SnapshotContext> = {}): SnapshotContext {
  return {
    name: 'nightly-5',
    startedMs: start,
    endedMs: start + hour,
    indices: new Set(['logs']),
    before: null,
    ...rest,
  }
}

export function answered(value: object): Answer {
  return { status: 'answered', value } as Answer
}

/** What the rule says of answers that stand in the order of its questions. */
export function said(
  rule: OwnerRule,
  answers: readonly (Answer | undefined)[],
  snapshot: SnapshotContext = snapshotContext(),
): readonly RuleOutcome[] {
  return kindOf(rule).check(rule.wants, answers, { rule, snapshot })
}

/** `verdict: message` of each. */
export function words(outcomes: readonly RuleOutcome[]): string[] {
  return outcomes.map(one => (one.verdict === 'pass' ? `pass: ${one.got}` : `${one.verdict}: ${one.message}`))
}

export function ids(rule: OwnerRule): string[] {
  return questionsOf(rule).map(questionId)
}
