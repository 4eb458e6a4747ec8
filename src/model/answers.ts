/**
 * Questions about a restored index, and their answers: counts, times, types and aggregates, never a document, an id or a key of an aggregation.
 *
 * A question has an id that depends on nothing but what is asked, so that answers are found again in later nights and by `judge`, whatever
 * the rule is called that asks. A content is restored once and judged for every snapshot that holds it: answers say nothing about a snapshot.
 */
import { createHash } from 'node:crypto'
import type { Reason } from './verdict.ts'

export type Question =
  /** `_count`. */
  | { readonly kind: 'documents' }
  /** Type of one field in the restored mapping. */
  | { readonly kind: 'field-type'; readonly field: string }
  /** Documents with a value in the field, and all documents. */
  | { readonly kind: 'filled'; readonly field: string }
  /** Oldest and newest time of a date field. */
  | { readonly kind: 'times'; readonly field: string }
  /** Aliases in the index metadata of the snapshot: a restore under another name must not take them. */
  | { readonly kind: 'aliases' }
  /** The body is sent with `size` 0, `track_total_hits` and a time limit, whatever it says of them. */
  | { readonly kind: 'query'; readonly body: Readonly<Record<string, unknown>>; readonly aggregation: string | null }
  | { readonly kind: 'command'; readonly run: readonly [string, ...string[]]; readonly timeLimitSeconds: number }

/** Values by kind of question. Milliseconds are UTC epoch. */
export interface AnswerValues {
  readonly documents: { readonly documents: number }
  /** Null: the mapping has no such field. */
  readonly 'field-type': { readonly type: string | null }
  readonly filled: { readonly documents: number; readonly filled: number; readonly type: string | null }
  /** Null: no document has a time there. */
  readonly times: { readonly oldestMs: number | null; readonly newestMs: number | null; readonly type: string | null }
  readonly aliases: { readonly names: readonly string[] }
  /** `value`: of the aggregation; null: none was asked for, or it has none, and `what` says which. */
  readonly query: {
    readonly hits: number
    readonly value: number | null
    readonly what: 'number' | 'null' | 'absent' | 'no-number' | 'not-asked'
  }
  /** `output`: the end of what it wrote, at most `maxCommandOutput` characters. */
  readonly command: { readonly exitCode: number; readonly output: string }
}

/** `refused`: the server was asked and said no to the question itself, in its words. `unanswered`: our own trouble, or a program that hung. */
export type Answer<Kind extends Question['kind'] = Question['kind']> =
  | { readonly status: 'answered'; readonly value: AnswerValues[Kind] }
  | { readonly status: 'refused'; readonly words: string }
  | { readonly status: 'unanswered'; readonly reason: Reason; readonly words: string }

export type QuestionId = string

/** By question id. */
export type Answers = Readonly<Record<QuestionId, Answer>>

/** Characters of a command's output that the evidence keeps; the ledger keeps `maxKeptOutput`. */
export const maxCommandOutput = 16_384
export const maxKeptOutput = 300

/** `<kind>-<first 16 hexadecimal digits of the SHA-256 of what is asked>`. */
export function questionId(question: Question): QuestionId {
  const digest = createHash('sha256').update(canonical(question)).digest('hex').slice(0, 16)
  return `${question.kind}-${digest}`
}

/** JSON with keys in order, so that the order in which a query was written does not make another question of it. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, child]) => `${JSON.stringify(key)}:${canonical(child)}`).join(',')}}`
}
