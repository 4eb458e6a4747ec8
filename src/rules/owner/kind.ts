/** What a kind of rule is: metadata, the questions that it needs answered, and a pure check. One file each beside this one. */
import type { Answer, AnswerValues, Question } from '../../model/answers.ts'
import type { OwnerRule, Range, RuleKind, RuleWants } from '../../model/ownerRule.ts'
import type { Reason } from '../../model/verdict.ts'

/** The snapshot that is judged. */
export interface SnapshotContext {
  readonly name: string
  readonly startedMs: number | null
  readonly endedMs: number | null
  /** Names of its indices. */
  readonly indices: ReadonlySet<string>
  /** The complete snapshot before it, of those that the rule speaks about; null: there is none. */
  readonly before: { readonly name: string; readonly indices: ReadonlySet<string> } | null
}

/**
 * `pass` only where the value was positively seen to be as it is wanted. `got` is the value in words; a failure's message says what was
 * wanted, too. `inconclusive` is ours to settle and accuses nobody.
 */
export type RuleOutcome =
  | { readonly verdict: 'pass'; readonly got: string }
  | { readonly verdict: 'fail'; readonly got: string | null; readonly message: string }
  | { readonly verdict: 'inconclusive'; readonly reason: Reason; readonly message: string }

export interface RuleKindFile<Kind extends RuleKind> {
  readonly meta: {
    readonly kind: Kind
    readonly title: string
    /** What a failure means on the worst day. */
    readonly why: string
    /** `snapshot`: judged once for each snapshot, and needs no restore. */
    readonly about: 'index' | 'snapshot'
  }
  /** What it wants, in a sentence without a verb. */
  says(wants: RuleWants[Kind]): string
  questions(wants: RuleWants[Kind]): readonly Question[]
  /**
   * `answers` stand in the order of `questions`; undefined: was not asked. Nothing to check gives no outcome, several failures give several.
   */
  check(wants: RuleWants[Kind], answers: readonly (Answer | undefined)[], about: RuleAbout): readonly RuleOutcome[]
}

export interface RuleAbout {
  readonly rule: OwnerRule
  readonly snapshot: SnapshotContext
}

/** Judges an answer that is there; a refusal fails, since the owner says that the data must answer; what is missing is inconclusive. */
export function withAnswer<Kind extends Question['kind']>(
  kind: Kind,
  answer: Answer | undefined,
  judge: (value: AnswerValues[Kind]) => readonly RuleOutcome[],
): readonly RuleOutcome[] {
  if (answer === undefined) {
    const message = 'it was not asked when this content was restored; the next restore asks'
    return [{ verdict: 'inconclusive', reason: 'answers-missing', message }]
  }
  switch (answer.status) {
    case 'answered':
      if (isValue(kind, answer.value)) return judge(answer.value)
      return [{ verdict: 'inconclusive', reason: 'answers-missing', message: 'what was saved is no answer to it' }]
    case 'refused':
      return [{ verdict: 'fail', got: null, message: `the server refused to answer: ${answer.words}` }]
    case 'unanswered':
      return [{ verdict: 'inconclusive', reason: 'rule-not-judged', message: answer.words }]
  }
}

const amount = (value: unknown) => typeof value === 'number' && Number.isFinite(value)
const amountOrNull = (value: unknown) => value === null || amount(value)
const text = (value: unknown) => typeof value === 'string'
const textOrNull = (value: unknown) => value === null || text(value)

/** Answers come from a ledger and from files: what is no value of its kind is none. */
const shapes: {
  readonly [Kind in Question['kind']]: Readonly<Record<keyof AnswerValues[Kind], (value: unknown) => boolean>>
} = {
  documents: { documents: amount },
  'field-type': { type: textOrNull },
  filled: { documents: amount, filled: amount, type: textOrNull },
  times: { oldestMs: amountOrNull, newestMs: amountOrNull, type: textOrNull },
  aliases: { names: value => Array.isArray(value) && value.every(text) },
  query: { hits: amount, value: amountOrNull, what: text },
  command: { exitCode: amount, output: text },
}

function isValue<Kind extends Question['kind']>(kind: Kind, value: object): value is AnswerValues[Kind] {
  const members = new Map<string, unknown>(Object.entries(value))
  return Object.entries<(member: unknown) => boolean>(shapes[kind]).every(([name, fits]) => fits(members.get(name)))
}

export function inRange(value: number, { min, max }: Range): boolean {
  // NaN lies in no range.
  return value >= (min ?? Number.NEGATIVE_INFINITY) && value <= (max ?? Number.POSITIVE_INFINITY)
}

/** `at least 5`, `at most 7`, `5 to 7`, `exactly 5`. */
export function rangeWords({ min, max }: Range): string {
  if (min !== null && max !== null) return min === max ? `exactly ${num(min)}` : `${num(min)} to ${num(max)}`
  if (min !== null) return `at least ${num(min)}`
  return max === null ? 'any number' : `at most ${num(max)}`
}

/** Made once: a night says a million numbers, and making it costs more than all else of a judgement. */
const numberFormat = new Intl.NumberFormat('en-US', { maximumFractionDigits: 6 })

export function num(value: number): string {
  return numberFormat.format(value)
}

/** `3 d 4 h`, `26 h`, `90 s`: two units at most, never rounded up to what is wanted. */
export function span(seconds: number): string {
  const whole = Math.floor(Math.abs(seconds))
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ] as const
  const first = units.findIndex(([, size]) => whole >= size)
  if (first === -1) return '0 s'
  let rest = whole
  const parts: string[] = []
  for (const [unit, size] of units.slice(first, first + 2)) {
    const amount = Math.floor(rest / size)
    rest -= amount * size
    if (amount > 0) parts.push(`${amount} ${unit}`)
  }
  return parts.join(' ')
}

/** Names for a message: the first few, and how many more there are. */
export function listed(names: readonly string[], most = 5): string {
  const more = names.length > most ? ` and ${names.length - most} more` : ''
  return `${names.slice(0, most).join(', ')}${more}`
}
