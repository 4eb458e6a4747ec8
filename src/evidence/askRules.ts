/**
 * Asks a restored index what rules and baselines want to know. Counts, times, types and aggregates; no document, and no judgement.
 *
 * What the server refuses is an answer, in its words. What we could not ask is none, and touches nobody's verdict at `restore`.
 */
import type { Engine } from '../engine/port.ts'
import { describeError, isSnapproofError, SnapproofError } from '../errors.ts'
import {
  type Answer,
  type Answers,
  type AnswerValues,
  maxCommandOutput,
  type Question,
  type QuestionId,
  questionId,
} from '../model/answers.ts'
import type { Evidence, Expectation } from '../model/evidence.ts'
import type { Reason } from '../model/verdict.ts'
import { type Clock, withDeadline } from '../time.ts'
import { aggregationValue, queryBody, searchResult } from './search.ts'

export interface AskOptions {
  /** Of one question to the server; a command has its own. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
  /** What the words of a server mean: a reason of ours, or null. */
  readonly ownReason: (words: string) => Reason | null
}

/** `evidence` is whole: every shard started. Never throws for what server or command do. */
export async function askQuestions(
  engine: Engine,
  expected: Expectation,
  evidence: Evidence,
  questions: readonly Question[],
  options: AskOptions,
): Promise<Answers> {
  const answers: Record<QuestionId, Answer> = {}
  for (const question of questions) {
    const id = questionId(question)
    if (Object.hasOwn(answers, id)) continue
    try {
      answers[id] = await askOne(engine, expected, evidence, question, options)
    } catch (error) {
      answers[id] = unanswered(engine, error, options.signal)
    }
  }
  return answers
}

function unanswered(engine: Engine, error: unknown, run: AbortSignal): Answer {
  const words = describeError(error)
  if (run.aborted) return { status: 'unanswered', reason: 'interrupted', words }
  const death = engine.death()
  if (death !== null || isSnapproofError(error, 'engine-died'))
    return { status: 'unanswered', reason: 'engine-died', words: death ?? words }
  return {
    status: 'unanswered',
    reason: isSnapproofError(error, 'deadline') ? 'deadline' : 'evidence-incomplete',
    words,
  }
}

async function askOne(
  engine: Engine,
  expected: Expectation,
  { count, fields, target }: Evidence,
  question: Question,
  options: AskOptions,
): Promise<Answer> {
  const typeOf = (field: string) => (fields !== null && Object.hasOwn(fields, field) ? (fields[field] ?? null) : null)
  const missing = (what: string): Answer => ({ status: 'unanswered', reason: 'evidence-incomplete', words: what })
  switch (question.kind) {
    case 'documents':
      return count === null ? missing('_count was not answered') : answered('documents', { documents: count })
    case 'field-type':
      if (fields === null) return missing('the restored mapping was not answered')
      return answered('field-type', { type: typeOf(question.field) })
    case 'aliases':
      if (expected.aliases === undefined) return missing('the aliases of the index metadata are not known')
      return answered('aliases', { names: expected.aliases.slice(0, mostAliases) })
    case 'command':
      return await askCommand(engine, expected, target, question, options)
    case 'filled': {
      if (count === null || fields === null) return missing('the restored index was not answered for')
      const type = typeOf(question.field)
      if (type === null) return answered('filled', { documents: count, filled: 0, type })
      const exists = { exists: { field: question.field } }
      const nested = nestedAround(question.field, fields)
      const body = { query: nested === null ? exists : { nested: { path: nested, query: exists } } }
      return await search(engine, target, body, options, ({ hits }) =>
        answered('filled', { documents: count, filled: hits, type }),
      )
    }
    case 'times': {
      if (fields === null) return missing('the restored mapping was not answered')
      const type = typeOf(question.field)
      const nothing = { oldestMs: null, newestMs: null, type }
      // A server would give the smallest number of a field of numbers, and refuse one of words: the rule says what it is.
      if (type === null || !['date', 'date_nanos', 'alias'].includes(type)) return answered('times', nothing)
      const { field } = question
      const both = { oldest: { min: { field } }, newest: { max: { field } } }
      const path = nestedAround(field, fields)
      const aggs = path === null ? both : { within: { nested: { path }, aggs: both } }
      const prefix = path === null ? '' : 'within>'
      return await search(engine, target, { aggs }, options, ({ aggregations }) => {
        const at = (name: string) => aggregationValue(aggregations, `${prefix}${name}`, aggs).value
        return answered('times', { oldestMs: at('oldest'), newestMs: at('newest'), type })
      })
    }
    case 'query':
      return await search(engine, target, question.body, options, ({ hits, aggregations }) => {
        if (question.aggregation === null) return answered('query', { hits, value: null, what: 'not-asked' })
        const { aggs, aggregations: other } = question.body
        return answered('query', { hits, ...aggregationValue(aggregations, question.aggregation, aggs ?? other) })
      })
  }
}

const mostAliases = 1_000

function answered<Kind extends Question['kind']>(_kind: Kind, value: AnswerValues[Kind]): Answer {
  return { status: 'answered', value }
}

/** The innermost nested field that the field lies in: the server finds nothing in it from outside. */
function nestedAround(field: string, fields: Readonly<Record<string, string>>): string | null {
  const parts = field.split('.')
  for (let length = parts.length; length > 0; length--) {
    const path = parts.slice(0, length).join('.')
    if (path !== field && Object.hasOwn(fields, path) && fields[path] === 'nested') return path
  }
  return null
}

type Found = ReturnType<typeof searchResult>

async function search(
  engine: Engine,
  target: string,
  body: Readonly<Record<string, unknown>>,
  { timeoutMs, signal, ownReason }: AskOptions,
  read: (found: Found) => Answer,
): Promise<Answer> {
  const bounded = withDeadline(signal, timeoutMs, 'a question of a rule')
  const answer = await engine.search(target, queryBody(body, timeoutMs), bounded)
  if (answer.answered) return read(searchResult(answer.body))
  const { status, type, reason } = answer
  const words = `${type}: ${reason} (HTTP ${status})`
  const own = ownReason(reason)
  // Too busy, out of memory, or down: the same question to another server may be answered.
  if (own !== null || status === 429 || status >= 500)
    return { status: 'unanswered', reason: own ?? 'evidence-incomplete', words }
  return { status: 'refused', words }
}

async function askCommand(
  engine: Engine,
  { indexName, snapshot, snapshotUuid }: Expectation,
  target: string,
  { run, timeLimitSeconds }: Extract<Question, { kind: 'command' }>,
  { signal }: AskOptions,
): Promise<Answer> {
  try {
    const { exitCode, output } = await engine.runCommand({
      run,
      target,
      environment: {
        SNAPPROOF_INDEX_NAME: indexName,
        SNAPPROOF_SNAPSHOT: snapshot,
        SNAPPROOF_SNAPSHOT_UUID: snapshotUuid,
      },
      timeLimitSeconds,
      signal,
    })
    return answered('command', { exitCode, output: output.slice(-maxCommandOutput) })
  } catch (error) {
    if (signal.aborted || !isSnapproofError(error, 'owner-command')) throw error
    // It hung, flooded, or could not be started: the owner's to mend, and no answer of the data.
    return { status: 'unanswered', reason: 'rule-not-judged', words: describeError(error) }
  }
}

/** An answer as the ledger keeps it. */
export function shortAnswer(answer: Answer, mostOutput: number): Answer {
  if (answer.status !== 'answered') return { ...answer, words: answer.words.slice(0, mostWords) }
  const { value } = answer
  return 'output' in value ? { ...answer, value: { ...value, output: value.output.slice(-mostOutput) } } : answer
}

const mostWords = 1_000

/** What a ledger or a file says that an answer was; null: it is none. Shape of the frame only: rules compare numbers, and NaN lies in no range. */
export function parseAnswer(text: string): Answer | null {
  try {
    const value: unknown = JSON.parse(text)
    return isAnswer(value) ? value : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw new SnapproofError('internal', 'an answer could not be read', { cause: error })
  }
}

export function isAnswer(value: unknown): value is Answer {
  if (typeof value !== 'object' || value === null || !('status' in value)) return false
  if (value.status === 'answered') return 'value' in value && typeof value.value === 'object' && value.value !== null
  return (
    (value.status === 'refused' || value.status === 'unanswered') && 'words' in value && typeof value.words === 'string'
  )
}

/** The answers in an evidence file, or in what another machine left; what is none is left out. */
export function answersIn(evidence: unknown): Answers {
  if (typeof evidence !== 'object' || evidence === null || !('answers' in evidence)) return {}
  const { answers } = evidence
  if (typeof answers !== 'object' || answers === null) return {}
  return Object.fromEntries(Object.entries(answers).filter((entry): entry is [string, Answer] => isAnswer(entry[1])))
}
