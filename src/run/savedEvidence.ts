/** The evidence of one restore as a file: with what was expected, and what the run knew besides, so that it can be judged again offline. */
import { SnapproofError } from '../errors.ts'
import type { Evidence, Expectation } from '../model/evidence.ts'
import { type Reason, reasons } from '../model/verdict.ts'
import { type Judgement, judge } from '../rules/judge.ts'
import type { Attempt } from './attempt.ts'

export interface SavedEvidence extends Evidence {
  readonly expected: Expectation
  /** Why nobody is accused although a rule fails: it could not be repeated. Null: the rules alone decide. */
  readonly doubt: { readonly reason: Reason; readonly message: string } | null
}

export function savedEvidence({ evidence, expected, judgement }: Attempt): SavedEvidence | null {
  if (evidence === null || expected === null) return null
  const again = judge(expected, evidence)
  const { verdict, reason, message } = judgement
  const isDoubt =
    verdict === 'inconclusive' && (again.verdict !== verdict || again.reason !== reason || again.message !== message)
  return { ...evidence, expected, doubt: isDoubt ? { reason, message } : null }
}

export function judgeSaved({ expected, doubt, ...evidence }: SavedEvidence): Judgement {
  const judgement = judge(expected, evidence)
  if (judgement.verdict === 'pass' || doubt === null) return judgement
  return { verdict: 'inconclusive', ...doubt, finding: null }
}

/** @throws SnapproofError `usage` when the text is no evidence, or that of a version that did not keep what was expected */
export function readEvidence(text: string, name: string): SavedEvidence {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new SnapproofError('usage', `${name} is not JSON (${text.length} characters)`, { cause })
  }
  if (!isRecord(value) || value.schemaVersion !== 1)
    throw new SnapproofError('usage', `${name} is no evidence of Snapproof`)
  if (value.expected === undefined)
    throw new SnapproofError('usage', `${name} does not say what was expected: a version before this one wrote it`)
  if (!isEvidence(value))
    throw new SnapproofError('usage', `${name}: a member of the evidence is missing or of another shape`)
  return value
}

function isEvidence(value: Record<string, unknown>): value is Record<string, unknown> & SavedEvidence {
  const { expected, doubt, refusal, cutShort, fields, count } = value
  return (
    [value.recovery, value.stats, value.unstarted].every(rows => Array.isArray(rows) && rows.every(isRecord)) &&
    (count === null || typeof count === 'number') &&
    (fields === null || isRecord(fields)) &&
    (refusal === null || (isRecord(refusal) && typeof refusal.reason === 'string')) &&
    (cutShort === null || (isRecord(cutShort) && isReason(cutShort.reason))) &&
    (doubt === null || (isRecord(doubt) && isReason(doubt.reason))) &&
    isRecord(expected) &&
    Array.isArray(expected.shards) &&
    expected.shards.every(isRecord) &&
    isRecord(expected.fields) &&
    (value.readings === undefined || Array.isArray(value.readings))
  )
}

function isReason(value: unknown): boolean {
  return typeof value === 'string' && Object.hasOwn(reasons, value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
