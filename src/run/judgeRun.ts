/**
 * Judges the saved evidence of a run again, offline: restores by the built-in rules, everything by the owner's present rules. With the rules of
 * that night it comes to what the run came to; with others it says what they would have said, and of what the answer is missing.
 */
import { describeError, isSnapproofError } from '../errors.ts'
import { answersIn } from '../evidence/askRules.ts'
import { type Answer, type Answers, questionId } from '../model/answers.ts'
import type { Finding } from '../model/finding.ts'
import type { OwnerRule, RulesOfRun } from '../model/ownerRule.ts'
import type { Accepted } from '../model/policy.ts'
import type { RestoreRow, RunResult } from '../model/run.ts'
import type { Reason, VerdictRow, VerdictValue } from '../model/verdict.ts'
import { questionsOf } from '../rules/owner/registry.ts'
import { judgeByRules, type RuledSnapshot } from './ruleLevels.ts'
import { judgeSaved, readEvidence, type SavedEvidence } from './savedEvidence.ts'
import { readSavedRules, savedRulesName } from './savedRules.ts'

export interface JudgeInput {
  readonly run: RunResult
  /** Text of a file of the run's folder; null: there is none. */
  readonly read: (name: string) => Promise<string | null>
  readonly rules: readonly OwnerRule[]
  readonly accepted: readonly Accepted[]
}

export interface JudgedRestore {
  readonly index: string
  readonly snapshot: string
  readonly verdict: VerdictValue
  readonly reason: Reason
  readonly message: string
  /** As the run said. */
  readonly live: { readonly verdict: VerdictValue; readonly reason: Reason }
  readonly same: boolean
}

export interface JudgedRun {
  readonly schemaVersion: 1
  readonly runId: string
  readonly restores: readonly JudgedRestore[]
  /** Null: no rule is configured. */
  readonly rules: RulesOfRun | null
  /** Level `rules` of every snapshot, and of every index of it. */
  readonly verdicts: readonly Pick<VerdictRow, 'snapshot' | 'uuid' | 'index' | 'verdict' | 'reason'>[]
  readonly findings: readonly Finding[]
  /** Names of rules that the run did not have. */
  readonly newRules: readonly string[]
  /** Places that a rule could not be judged on, because nobody asked when the content was restored. */
  readonly missing: number
  /** Where this judgement is not that of the run; empty: it is the same. */
  readonly differences: readonly string[]
  /** What could not be judged again, and why. */
  readonly notes: readonly string[]
}

export async function judgeRun(input: JudgeInput): Promise<JudgedRun> {
  const { run, rules, accepted } = input
  const notes: string[] = []
  const restores: JudgedRestore[] = []
  const proven: { readonly row: RestoreRow; readonly saved: SavedEvidence }[] = []
  for (const row of run.restores) {
    const saved = await evidenceOf(row, input, notes)
    if (saved === null) continue
    const { verdict, reason, message } = judgeSaved(saved)
    const same = verdict === row.verdict && reason === row.reason
    const live = { verdict: row.verdict, reason: row.reason }
    restores.push({ index: row.index, snapshot: row.snapshot, verdict, reason, message, live, same })
    if (verdict === 'pass') proven.push({ row, saved })
  }
  const differences = restores
    .filter(({ same }) => !same)
    .map(
      one =>
        `${one.index} in ${one.snapshot}: ${one.verdict} (${one.reason}), the run said ${one.live.verdict} (${one.live.reason})`,
    )
  const known = new Set((run.rules?.rules ?? []).map(({ name }) => name))
  const base = {
    schemaVersion: 1,
    runId: run.runId,
    restores,
    newRules: rules.map(({ name }) => name).filter(name => !known.has(name)),
    notes,
  } as const
  if (rules.length === 0) return { ...base, rules: null, verdicts: [], findings: [], missing: 0, differences }
  const saved = await savedRulesOf(input, notes)
  const { snapshots, indices } = saved ?? fromRestores(run, proven)
  if (saved === null)
    notes.push('the run kept no answers of rules: only what it restored itself is judged, and no set of indices')
  const ruled = withAnswers(snapshots, proven, rules)
  const { levels, findings, run: judged } = judgeByRules(rules, ruled, indices, accepted)
  const verdicts = ruled.flatMap(({ name, uuid, copies }) => {
    const found = levels.get(uuid)
    if (found === undefined) return []
    const whole = { snapshot: name, uuid, index: null, verdict: found.whole.verdict, reason: found.whole.reason }
    const each = copies.flatMap(({ index }, i) => {
      const mark = found.copies[i]
      return mark === undefined ? [] : [{ snapshot: name, uuid, index, verdict: mark.verdict, reason: mark.reason }]
    })
    return [whole, ...each]
  })
  if (saved !== null) differences.push(...compare(run, judged, verdicts, findings))
  const missing = [...levels.values()].reduce(
    (sum, { copies }) => sum + copies.filter(({ reason }) => reason === 'answers-missing').length,
    0,
  )
  return { ...base, rules: judged, verdicts, findings, missing, differences }
}

async function evidenceOf(row: RestoreRow, { read }: JudgeInput, notes: string[]): Promise<SavedEvidence | null> {
  if (row.evidence === null) return null
  const text = await read(row.evidence)
  if (text === null) {
    notes.push(`${row.index} in ${row.snapshot}: ${row.evidence} is not there`)
    return null
  }
  try {
    return readEvidence(text, row.evidence)
  } catch (error) {
    if (!isSnapproofError(error, 'usage')) throw error
    notes.push(`${row.index} in ${row.snapshot}: ${describeError(error)}`)
    return null
  }
}

async function savedRulesOf({ read }: JudgeInput, notes: string[]) {
  const text = await read(savedRulesName)
  if (text === null) return null
  try {
    return readSavedRules(text)
  } catch (error) {
    if (!isSnapproofError(error, 'usage')) throw error
    notes.push(describeError(error))
    return null
  }
}

type Proven = readonly { readonly row: RestoreRow; readonly saved: SavedEvidence }[]

/** A run without rules: what it restored, in every snapshot that holds it. Nothing says which other indices those have. */
function fromRestores(run: RunResult, proven: Proven): { snapshots: RuledSnapshot[]; indices: Set<string> } {
  const indices = new Set(run.lastGood.map(({ index }) => index))
  const snapshots = run.snapshots.flatMap((one): RuledSnapshot[] => {
    const { restore } = one.levels
    const held = proven.filter(({ row }) => row.snapshotUuid === one.uuid || row.creditedTo.includes(one.name))
    if (restore === undefined || held.length === 0) return []
    return [
      {
        name: one.name,
        uuid: one.uuid,
        startedMs: one.startedAt === null ? null : Date.parse(one.startedAt),
        endedMs: one.endedAt === null ? null : Date.parse(one.endedAt),
        complete: false,
        obstacle: null,
        restore,
        indices: new Set(held.map(({ row }) => row.index)),
        copies: held.map(({ row }) => ({
          index: row.index,
          restore: { verdict: 'pass', reason: row.snapshotUuid === one.uuid ? 'proven' : 'credited' },
          answers: {},
        })),
      },
    ]
  })
  return { snapshots, indices }
}

/** What the evidence of this run answers beyond what was asked: counts, types and aliases are in every one. */
function withAnswers(
  snapshots: readonly RuledSnapshot[],
  proven: Proven,
  rules: readonly OwnerRule[],
): RuledSnapshot[] {
  const questions = rules.flatMap(questionsOf)
  const further = new Map<string, Answers>()
  const namesOf = ({ row }: Proven[number]) => [row.snapshot, ...row.creditedTo]
  for (const one of proven) {
    const { count, fields, expected } = one.saved
    const found: Record<string, Answer> = {}
    for (const question of questions) {
      const { kind } = question
      const value =
        kind === 'documents' && count !== null
          ? { documents: count }
          : kind === 'field-type' && fields !== null
            ? { type: Object.hasOwn(fields, question.field) ? (fields[question.field] ?? null) : null }
            : kind === 'aliases' && expected.aliases !== undefined
              ? { names: expected.aliases }
              : null
      if (value !== null) found[questionId(question)] = { status: 'answered', value }
    }
    const answers = { ...found, ...answersIn(one.saved) }
    for (const name of namesOf(one)) further.set(JSON.stringify([name, one.row.index]), answers)
  }
  return snapshots.map(snapshot => ({
    ...snapshot,
    copies: snapshot.copies.map(copy => {
      const more = further.get(JSON.stringify([snapshot.name, copy.index]))
      return more === undefined ? copy : { ...copy, answers: { ...more, ...copy.answers } }
    }),
  }))
}

const ruleCodes: ReadonlySet<string> = new Set(['rule-failed', 'rule-not-judged', 'rule-matches-nothing'])

/** Where the judgement is not that of the run. */
function compare(
  run: RunResult,
  judged: RulesOfRun,
  verdicts: JudgedRun['verdicts'],
  findings: readonly Finding[],
): string[] {
  const differences: string[] = []
  const again = new Map(verdicts.map(one => [JSON.stringify([one.uuid, one.index]), one]))
  for (const row of run.verdicts) {
    if (row.level !== 'rules') continue
    const one = again.get(JSON.stringify([row.uuid, row.index]))
    if (one?.verdict === row.verdict && one.reason === row.reason) continue
    const said = one === undefined ? 'nothing' : `${one.verdict} (${one.reason})`
    differences.push(
      `rules of ${row.index ?? 'the whole'} in ${row.snapshot}: ${said}, the run said ${row.verdict} (${row.reason})`,
    )
  }
  const said = [...run.findings, ...run.accepted.map(({ finding }) => finding)].filter(({ code }) =>
    ruleCodes.has(code),
  )
  const live = new Set(said.map(({ id, message }) => `${id} ${message}`))
  const now = new Set(findings.map(({ id, message }) => `${id} ${message}`))
  for (const { id, message } of findings)
    if (!live.has(`${id} ${message}`)) differences.push(`not found by the run: ${message}`)
  for (const { id, message } of said) if (!now.has(`${id} ${message}`)) differences.push(`found by the run: ${message}`)
  const counts = ({ rules }: RulesOfRun) => JSON.stringify(rules.map(({ name, judged: sums }) => [name, sums]))
  if (run.rules !== undefined && counts(run.rules) !== counts(judged))
    differences.push('rules were judged on other numbers of places')
  return differences
}
