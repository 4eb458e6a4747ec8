/** A run's snapshots with the level `rules`, and what `judge` needs to come to the same. Pure. */
import { answersIn, parseAnswer, shortAnswer } from '../evidence/askRules.ts'
import type { Ledger } from '../ledger/port.ts'
import { type Answers, maxKeptOutput, type Question, questionId } from '../model/answers.ts'
import type { Finding } from '../model/finding.ts'
import type { AnswerRow, ContentRow } from '../model/journal.ts'
import type { OwnerRule, RulesOfRun } from '../model/ownerRule.ts'
import type { ContentRecord } from '../model/plan.ts'
import type { Policy } from '../model/policy.ts'
import type { RepositoryData, SnapshotEntry } from '../model/repository.ts'
import type { Reason } from '../model/verdict.ts'
import { RuleBook } from '../rules/owner/judgeRules.ts'
import { matcher } from '../rules/owner/pattern.ts'
import { questionsOf } from '../rules/owner/registry.ts'
import { judgeByRules, type RuledSnapshot } from './ruleLevels.ts'
import { type SavedRules, saveRules } from './savedRules.ts'
import type { JudgedSnapshot, LevelMark } from './verdicts.ts'

export interface RulesContext {
  readonly rules: readonly OwnerRule[]
  readonly repository: RepositoryData
  readonly policy: Pick<Policy, 'accepted' | 'credit'>
  /** Uuids of snapshots that were deleted while the run was going on. */
  readonly expired: ReadonlySet<string>
  readonly ledger: Pick<Ledger, 'answers'>
}

export interface RuledRun {
  readonly judged: readonly JudgedSnapshot[]
  readonly findings: readonly Finding[]
  /** Null: no rule is configured. */
  readonly run: RulesOfRun | null
  readonly saved: SavedRules | null
}

export function withRules(judged: readonly JudgedSnapshot[], context: RulesContext): RuledRun {
  const { rules, repository, policy } = context
  if (rules.length === 0) return { judged, findings: [], run: null, saved: null }
  const snapshots = ruledSnapshots(judged, context)
  const names = new Set(repository.indices.map(({ name }) => name))
  const { levels, findings, run } = judgeByRules(rules, snapshots, names, policy.accepted)
  const withLevel = judged.map((snapshot): JudgedSnapshot => {
    const found = levels.get(snapshot.entry.uuid)
    if (found === undefined) return snapshot
    const copies = snapshot.copies.map((copy, i) => {
      const mark = found.copies[i]
      return mark === undefined
        ? copy
        : { ...copy, levels: { ...copy.levels, rules: restingOn(mark, copy.levels.restore) } }
    })
    return {
      ...snapshot,
      copies,
      levels: { ...snapshot.levels, rules: restingOn(found.whole, snapshot.levels.restore) },
    }
  })
  return { judged: withLevel, findings, run, saved: saveRules(snapshots, names) }
}

/** A pass at `rules` is as old as the restore whose answers it was judged by. */
function restingOn(mark: LevelMark['mark'], { method, provenMs, creditedFrom }: LevelMark): LevelMark {
  return mark.verdict === 'pass'
    ? { mark, method, provenMs, creditedFrom }
    : { mark, method: null, provenMs: null, creditedFrom: null }
}

/** What was wrong with a snapshot and leaves a set of indices that is meant to be whole. */
const whole: ReadonlySet<Reason | null> = new Set<Reason | null>([
  null,
  'partial-at-source',
  'not-verifiable-here',
  'empty-at-source',
])

function ruledSnapshots(
  judged: readonly JudgedSnapshot[],
  { rules, repository, policy, expired, ledger }: RulesContext,
): RuledSnapshot[] {
  const book = new RuleBook(rules, [])
  const cache = new Map<string, Answers>()
  const answersOf = (index: string, indexId: string, contentId: string | null, uuid: string): Answers => {
    if (contentId === null) return {}
    const ids = book.questionIds(index)
    if (ids.length === 0) return {}
    const strict = policy.credit === 'strict' ? uuid : null
    const key = JSON.stringify([indexId, contentId, strict])
    const known = cache.get(key)
    if (known !== undefined) return known
    const rows = ledger.answers(indexId, contentId, strict)
    const found = ids.flatMap(id => {
      const row = rows.get(id)
      const answer = row === undefined ? null : parseAnswer(row.answer)
      return answer === null ? [] : [[id, answer] as const]
    })
    const answers = Object.fromEntries(found)
    cache.set(key, answers)
    return answers
  }
  const held = new Map<number, Set<string>>()
  for (const { name, snapshots } of repository.indices)
    for (const position of snapshots) {
      const names = held.get(position)
      if (names === undefined) held.set(position, new Set([name]))
      else names.add(name)
    }
  return judged.map(({ entry, checked, levels, copies }) => ({
    name: entry.name,
    uuid: entry.uuid,
    startedMs: entry.startedMs,
    endedMs: entry.endedMs,
    complete: !expired.has(entry.uuid) && whole.has(checked.obstacle),
    obstacle: checked.obstacle,
    restore: levels.restore.mark,
    indices: held.get(checked.snapshot) ?? new Set<string>(),
    copies: copies.map(({ copy, levels: own }) => ({
      index: copy.indexName,
      restore: own.restore.mark,
      answers: answersOf(copy.indexName, copy.indexId, copy.contentId, entry.uuid),
    })),
  }))
}

/** What must be asked of an index of that name when it is restored. */
export function askedBy(rules: readonly OwnerRule[]): (index: string) => readonly Question[] {
  const asking = rules.map(rule => ({ speaksOf: matcher(rule.index), questions: questionsOf(rule) }))
  return index => asking.filter(({ speaksOf }) => speaksOf(index)).flatMap(({ questions }) => questions)
}

/** What the ledger keeps of the answers of a content that was restored. `evidence` may come from another machine. */
export function answerRows(
  { runId, contentId, indexId, snapshotUuid, atMs }: ContentRow,
  evidence: unknown,
): AnswerRow[] {
  return Object.entries(answersIn(evidence)).map(([question, answer]) => ({
    kind: 'answer',
    runId,
    contentId,
    indexId,
    snapshotUuid,
    question,
    answered: answer.status !== 'unanswered',
    answer: JSON.stringify(shortAnswer(answer, maxKeptOutput)),
    atMs,
  }))
}

/** Trouble that no question brings about: the next night asks again. */
const passing: ReadonlySet<Reason> = new Set<Reason>(['interrupted', 'engine-died', 'disk-full'])

/**
 * Contents of which a rule wants to know what was never asked, or what trouble of ours kept from being answered: of each index those that its
 * newest snapshot holds. They are restored again, so that a new rule is judged on what one would restore first. A question that is itself
 * the trouble, such as a query that takes too long, is asked again in the rhythm in which the policy wants newest snapshots restored:
 * else it would restore its index every night.
 */
export function unaskedContents(
  contents: readonly ContentRecord[],
  snapshots: readonly SnapshotEntry[],
  rules: readonly OwnerRule[],
  { credit, restoreNewestWithinDays }: Pick<Policy, 'credit' | 'restoreNewestWithinDays'>,
  ledger: Pick<Ledger, 'answers'>,
  nowMs: number,
): Set<ContentRecord> {
  if (rules.length === 0) return new Set()
  const isLongAgo = (atMs: number) => atMs > nowMs || nowMs - atMs >= restoreNewestWithinDays * 86_400_000
  const asked = askedBy(rules)
  const endedMs = (position: number) => snapshots[position]?.endedMs ?? 0
  const newest = new Map<string, { content: ContentRecord; at: number }>()
  for (const content of contents) {
    const at = Math.max(...content.snapshots.map(endedMs))
    const known = newest.get(content.indexName)
    if (known === undefined || at > known.at) newest.set(content.indexName, { content, at })
  }
  return new Set(
    [...newest.values()]
      .map(({ content }) => content)
      .filter(content => {
        const own = content.snapshots[0]
        const strict = credit === 'strict' && own !== undefined ? (snapshots[own]?.uuid ?? '') : null
        const rows = ledger.answers(content.indexId, content.contentId, strict)
        return asked(content.indexName).some(question => {
          const row = rows.get(questionId(question))
          if (row === undefined) return true
          const answer = parseAnswer(row.answer)
          if (answer === null) return true
          if (answer.status !== 'unanswered' || answer.reason === 'rule-not-judged') return false
          return passing.has(answer.reason) || isLongAgo(row.atMs)
        })
      }),
  )
}
