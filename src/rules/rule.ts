/** A rule: metadata and a pure check of one content's evidence against what was expected of it. */
import type { Evidence, Expectation } from '../model/evidence.ts'
import type { FindingCode } from '../model/finding.ts'
import type { Reason } from '../model/verdict.ts'

export interface RuleMeta {
  /** Same as the file name. */
  readonly id: string
  readonly title: string
  /** What a failure of this rule means for a restore on the worst day. */
  readonly why: string
}

/**
 * `pass` only where everything that the rule needs was positively seen. `fail` accuses the snapshot. Everything else is
 * `inconclusive`, with the reason that makes it debt.
 */
export type RuleOutcome =
  | { readonly verdict: 'pass' }
  | { readonly verdict: 'fail'; readonly code: FindingCode; readonly shard: number | null; readonly message: string }
  | { readonly verdict: 'inconclusive'; readonly reason: Reason; readonly message: string }

export interface Rule {
  readonly meta: RuleMeta
  /** At least one outcome; several failures give several. */
  check(expected: Expectation, evidence: Evidence): RuleOutcome[]
}

export const pass: RuleOutcome = { verdict: 'pass' }
