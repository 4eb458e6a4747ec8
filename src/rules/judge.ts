/**
 * Judges one content by its evidence: all rules, one verdict. Pure.
 *
 * `fail` beats `inconclusive` beats `pass`, and one finding names the first thing that is wrong, its consequences
 * inside the message. Own trouble that cut the evidence short keeps every shard-level failure that was seen before it,
 * but a content is never passed on half of the answers.
 */
import type { Evidence, Expectation } from '../model/evidence.ts'
import type { FindingCode } from '../model/finding.ts'
import type { Reason } from '../model/verdict.ts'
import { documentCount } from './documentCount.ts'
import { everyBlobRead } from './everyBlobRead.ts'
import { everyShardStarted } from './everyShardStarted.ts'
import { filesAndBytes } from './filesAndBytes.ts'
import { mappingFields } from './mappingFields.ts'
import { restoreAccepted } from './restoreAccepted.ts'
import type { Rule, RuleOutcome } from './rule.ts'
import { sequenceNumber } from './sequenceNumber.ts'

/** In the order in which a person wants to read failures. */
export const builtInRules: readonly Rule[] = [
  restoreAccepted,
  everyShardStarted,
  filesAndBytes,
  documentCount,
  sequenceNumber,
  mappingFields,
  everyBlobRead,
]

export interface Judgement {
  readonly verdict: 'pass' | 'fail' | 'inconclusive'
  readonly reason: Reason
  readonly message: string
  /** Set when `fail`. */
  readonly finding: { readonly code: FindingCode; readonly shard: number | null } | null
}

export function judge(expected: Expectation, evidence: Evidence, rules: readonly Rule[] = builtInRules): Judgement {
  if (!isOf(evidence, expected)) {
    return inconclusive('evidence-incomplete', 'the evidence is of another content')
  }
  if (evidence.source === 's3' && evidence.snapshotSeen === undefined) {
    const { reason, message } = evidence.cutShort ?? { reason: 'evidence-incomplete', message: 'nobody looked' }
    return inconclusive(reason, `it is not known whether the snapshot was still the same: ${message}`)
  }
  const moved = otherSnapshot(expected, evidence)
  if (moved !== null) return inconclusive('repository-moved', moved)
  if (expected.shards.length === 0) return inconclusive('count-unknown', 'no shard is expected, so none was proven')
  const answers = rules.map(rule => rule.check(expected, evidence))
  const outcomes = answers.flat()
  const failures = outcomes.filter(isFailure)
  const first = failures[0]
  if (first !== undefined) {
    const message = failures.map(failure => failure.message).join('; ')
    return { verdict: 'fail', reason: 'found', message, finding: { code: first.code, shard: first.shard } }
  }
  if (evidence.cutShort !== null) return inconclusive(evidence.cutShort.reason, evidence.cutShort.message)
  const doubt = outcomes.find(outcome => outcome.verdict === 'inconclusive')
  if (doubt !== undefined) return inconclusive(doubt.reason, doubt.message)
  if (answers.length === 0 || answers.some(answer => answer.length === 0) || evidence.refusal !== null) {
    return inconclusive('evidence-incomplete', 'not every question was answered by a rule')
  }
  return { verdict: 'pass', reason: 'proven', message: '', finding: null }
}

function isOf(evidence: Evidence, expected: Expectation): boolean {
  return (['contentId', 'indexName', 'snapshot', 'snapshotUuid'] as const).every(key => evidence[key] === expected[key])
}

/** A server that reads the live repository may have met another snapshot of the same name, or none. */
function otherSnapshot({ snapshot, snapshotUuid }: Expectation, { snapshotSeen }: Evidence): string | null {
  if (snapshotSeen === undefined) return null
  const { before, after } = snapshotSeen
  if (before === snapshotUuid && after === snapshotUuid) return null
  return `the server saw ${snapshot} as ${before ?? 'none'} before the restore and ${after ?? 'none'} after it, expected ${snapshotUuid}`
}

function isFailure(outcome: RuleOutcome): outcome is Extract<RuleOutcome, { verdict: 'fail' }> {
  return outcome.verdict === 'fail'
}

function inconclusive(reason: Reason, message: string): Judgement {
  return { verdict: 'inconclusive', reason, message, finding: null }
}
