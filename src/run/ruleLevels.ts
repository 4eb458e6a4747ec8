/**
 * The level `rules`: what the owner's rules say of every index in every snapshot, from answers that were given when the contents were
 * restored, in this run or long ago. Pure; a run and `judge` call it alike.
 *
 * It rests on `restore`: what is not proven there passes no rule, and what is known to break a rule fails whatever became of the proof. A rule
 * that only warns fails nobody, and where it does not hold nothing passes.
 */
import { markOf } from '../check/checkIndex.ts'
import { makeFinding } from '../check/findings.ts'
import type { Mark } from '../check/result.ts'
import { wholeMark } from '../check/snapshotMarks.ts'
import type { Answers } from '../model/answers.ts'
import type { Finding } from '../model/finding.ts'
import { maxOutcomeRows, type OwnerRule, type RuleOutcomeRow, type RulesOfRun } from '../model/ownerRule.ts'
import type { Accepted } from '../model/policy.ts'
import { newestFirst } from '../model/snapshotOrder.ts'
import type { Reason } from '../model/verdict.ts'
import { RuleBook, type Said, type SnapshotToJudge } from '../rules/owner/judgeRules.ts'
import { matcher } from '../rules/owner/pattern.ts'
import { kindOf } from '../rules/owner/registry.ts'

export type PlainMark = Pick<Mark, 'verdict' | 'reason'>

export interface RuledCopy {
  readonly index: string
  /** At `restore`. */
  readonly restore: PlainMark
  /** Of the content that the snapshot holds. */
  readonly answers: Answers
}

export interface RuledSnapshot extends SnapshotToJudge {
  /** Why it can never pass as a whole, such as `partial-at-source`; null: it can. */
  readonly obstacle: Reason | null
  /** As a whole, at `restore`. */
  readonly restore: PlainMark
  readonly copies: readonly RuledCopy[]
}

export interface RuleJudgement {
  /** By uuid of the snapshot; `copies` in the order given. */
  readonly levels: ReadonlyMap<string, { readonly whole: Mark; readonly copies: readonly Mark[] }>
  readonly findings: readonly Finding[]
  readonly run: RulesOfRun
}

/** What one rule comes to in one place. */
interface Verdict {
  readonly rule: OwnerRule
  readonly snapshot: RuledSnapshot
  readonly index: string | null
  readonly verdict: RuleOutcomeRow['verdict']
  /** Null: it passes, or fails. */
  readonly reason: Reason | null
  readonly got: string | null
  readonly message: string
}

/** @param indices names of all indices of the repository */
export function judgeByRules(
  rules: readonly OwnerRule[],
  snapshots: readonly RuledSnapshot[],
  indices: ReadonlySet<string>,
  accepted: readonly Accepted[],
): RuleJudgement {
  const book = new RuleBook(rules, snapshots)
  const told = new Told(rules)
  const levels = new Map<string, { whole: Mark; copies: Mark[] }>()
  for (const snapshot of [...snapshots].sort(newestFirst)) {
    const copies = snapshot.copies.map(copy => {
      const verdicts = book
        .judgeIndex(copy.index, snapshot, copy.answers)
        .flatMap(said => verdictOf(said, snapshot, copy.index, copy.restore))
      told.add(verdicts)
      return markOfCopy(verdicts, book.speaksOf(copy.index, snapshot.name), copy.restore)
    })
    const own = book.judgeSnapshot(snapshot).flatMap(said => verdictOf(said, snapshot, null, null))
    told.add(own)
    levels.set(snapshot.uuid, { whole: markOfWhole(snapshot, copies, own), copies })
  }
  return {
    levels,
    findings: [...told.findings(accepted), ...matchingNothing(rules, snapshots, indices)],
    run: told.summary(),
  }
}

/** Nothing where the restore failed or does not apply: another level speaks there. */
function verdictOf(
  { rule, outcomes }: Said,
  snapshot: RuledSnapshot,
  index: string | null,
  restore: PlainMark | null,
): Verdict[] {
  if (restore?.verdict === 'fail' || restore?.verdict === 'not-applicable') return []
  const about = { rule, snapshot, index }
  const got = outcomes.flatMap(one => ('got' in one && one.got !== null ? [one.got] : [])).join('; ') || null
  const failures = outcomes.filter(one => one.verdict === 'fail')
  if (failures.length > 0) {
    const message = failures.map(one => one.message).join('; ')
    return [{ ...about, verdict: 'fail', reason: null, got, message }]
  }
  const open = outcomes.find(one => one.verdict === 'inconclusive')
  if (open !== undefined)
    return [{ ...about, verdict: 'inconclusive', reason: open.reason, got: null, message: open.message }]
  // Of an index that a rule speaks of, nothing said is no pass.
  if (outcomes.length === 0 && index !== null) {
    const reason = 'rule-not-judged'
    return [{ ...about, verdict: 'inconclusive', reason, got: null, message: 'nothing was checked' }]
  }
  if (outcomes.length === 0) return []
  if (restore !== null && restore.verdict !== 'pass') {
    const message = `it is not proven at restore: ${restore.reason}`
    return [{ ...about, verdict: 'inconclusive', reason: restore.reason, got, message }]
  }
  return [{ ...about, verdict: 'pass', reason: null, got, message: '' }]
}

function markOfCopy(verdicts: readonly Verdict[], isSpokenOf: boolean, restore: PlainMark): Mark {
  if (!isSpokenOf) return markOf('no-rule-applies')
  if (restore.verdict === 'fail') return markOf('lower-level-failed')
  if (restore.verdict === 'not-applicable') return markOf(restore.reason)
  return markOfVerdicts(verdicts) ?? markOf(restore.reason)
}

/** Null: every one passes. */
function markOfVerdicts(verdicts: readonly Verdict[]): Mark | null {
  if (verdicts.some(one => one.verdict === 'fail' && one.rule.severity === 'error')) return markOf('found')
  const open = verdicts.flatMap(({ reason }) => reason ?? [])
  const told = open.find(reason => reason === 'rule-not-judged') ?? open[0]
  if (told !== undefined) return markOf(told)
  return verdicts.some(one => one.verdict === 'fail') ? markOf('rule-warned') : null
}

function markOfWhole(snapshot: RuledSnapshot, copies: readonly Mark[], own: readonly Verdict[]): Mark {
  const { restore, obstacle } = snapshot
  if (restore.reason === 'expired') return markOf('expired')
  // What is wrong with the whole of it says so at `restore`.
  if (restore.verdict === 'fail' && copies.every(({ verdict }) => verdict !== 'fail'))
    return markOf('lower-level-failed')
  const parts = [...copies]
  if (own.length > 0) parts.push(markOfVerdicts(own) ?? markOf('proven'))
  if (parts.every(({ reason }) => reason === 'no-rule-applies')) return markOf('no-rule-applies')
  const mark = wholeMark(parts, obstacle)
  return { verdict: mark.verdict, reason: mark.reason }
}

/** A rule that matches nothing checks nothing, and must not look as if it did. */
function matchingNothing(
  rules: readonly OwnerRule[],
  snapshots: readonly RuledSnapshot[],
  indices: ReadonlySet<string>,
): Finding[] {
  if (snapshots.length === 0) return []
  return rules.flatMap(rule => {
    const isIndex = matcher(rule.index)
    const isSnapshot = matcher(rule.snapshots)
    const noSnapshot = !snapshots.some(({ name }) => isSnapshot(name))
    // What must be present may be wanted where nothing is left of it.
    const needsIndex = kindOf(rule).meta.about === 'index'
    if (!noSnapshot && !(needsIndex && ![...indices].some(isIndex))) return []
    const what = noSnapshot
      ? `no snapshot matches ${rule.snapshots.join(', ')}`
      : `no index matches ${rule.index.join(', ')}`
    const message = `rule ${JSON.stringify(rule.name)} checks nothing: ${what}`
    const place = { key: null, snapshots: [], index: null, shard: null, subject: rule.name }
    return [makeFinding({ ...place, code: 'rule-matches-nothing', message })]
  })
}

/** What is told of all verdicts; snapshots come newest first. */
class Told {
  readonly #rules: readonly OwnerRule[]
  readonly #order: ReadonlyMap<string, number>
  readonly #counts = new Map<string, { pass: number; fail: number; inconclusive: number }>()
  readonly #indices = new Map<string, Set<string>>()
  /** The newest of each rule and index, then everything that fails, then what is open; each in the order in which it came. */
  readonly #newest: RuleOutcomeRow[] = []
  readonly #failing: RuleOutcomeRow[] = []
  readonly #open: RuleOutcomeRow[] = []
  readonly #seen = new Set<string>()
  readonly #wrong: Verdict[] = []

  constructor(rules: readonly OwnerRule[]) {
    this.#rules = rules
    this.#order = new Map(rules.map(({ name }, i) => [name, i]))
  }

  add(verdicts: readonly Verdict[]): void {
    for (const one of verdicts) {
      const { rule, snapshot, index, verdict, got, message } = one
      const counts = this.#counts.get(rule.name) ?? { pass: 0, fail: 0, inconclusive: 0 }
      counts[verdict]++
      this.#counts.set(rule.name, counts)
      const indices = this.#indices.get(rule.name) ?? new Set()
      this.#indices.set(rule.name, index === null ? indices : indices.add(index))
      const place = JSON.stringify([rule.name, index])
      const isNewest = !this.#seen.has(place)
      this.#seen.add(place)
      if (verdict === 'fail' || one.reason === 'rule-not-judged') this.#wrong.push(one)
      const list = isNewest ? this.#newest : verdict === 'fail' ? this.#failing : verdict === 'pass' ? null : this.#open
      list?.push({ rule: rule.name, snapshot: snapshot.name, uuid: snapshot.uuid, index, verdict, got, message })
    }
  }

  summary(): RulesOfRun {
    const all = [...this.#newest, ...this.#failing, ...this.#open]
    const kept = all.slice(0, maxOutcomeRows).map((row, i) => ({ row, i }))
    const orderOf = ({ rule }: RuleOutcomeRow) => this.#order.get(rule) ?? 0
    // The newest of a place stands before its others in `all`, which stand newest first.
    kept.sort((a, b) => orderOf(a.row) - orderOf(b.row) || compareText(a.row.index, b.row.index) || a.i - b.i)
    return {
      rules: this.#rules.map(rule => ({
        name: rule.name,
        kind: rule.kind,
        index: rule.index,
        snapshots: rule.snapshots,
        severity: rule.severity,
        wants: kindOf(rule).says(rule.wants),
        indices: this.#indices.get(rule.name)?.size ?? 0,
        judged: this.#counts.get(rule.name) ?? { pass: 0, fail: 0, inconclusive: 0 },
      })),
      outcomes: kept.map(({ row }) => row),
      more: all.length - kept.length,
    }
  }

  /** One for each rule and index; a snapshot that somebody answers for by name has one of its own. */
  findings(accepted: readonly Accepted[]): Finding[] {
    const groups = new Map<string, { readonly own: string | null; readonly verdicts: Verdict[] }>()
    for (const one of this.#wrong) {
      const code = one.verdict === 'fail' ? 'rule-failed' : 'rule-not-judged'
      const { name, uuid } = one.snapshot
      const named = accepted.some(
        entry => entry.code === code && entry.snapshot === name && ['*', one.index].includes(entry.index),
      )
      const own = named ? uuid : null
      const key = JSON.stringify([code, one.rule.name, one.index, own])
      const group = groups.get(key)
      if (group === undefined) groups.set(key, { own, verdicts: [one] })
      else group.verdicts.push(one)
    }
    const orderOf = ({ verdicts: [first] }: { readonly verdicts: readonly Verdict[] }) =>
      first === undefined ? 0 : (this.#order.get(first.rule.name) ?? 0)
    const sorted = [...groups.entries()].sort(([a, x], [b, y]) => orderOf(x) - orderOf(y) || compareText(a, b))
    return sorted.flatMap(
      ([
        ,
        {
          own,
          verdicts: [newest, ...older],
        },
      ]) => {
        if (newest === undefined) return []
        const { rule, snapshot, index, verdict } = newest
        const where = index === null ? snapshot.name : `${index} in ${snapshot.name}`
        const also =
          older.length === 0
            ? ''
            : `; and so in ${older.length} older snapshots, back to ${older.at(-1)?.snapshot.name}`
        const message = `rule ${JSON.stringify(rule.name)}: ${where}: ${newest.message}${also}`
        return [
          makeFinding({
            code: verdict === 'fail' ? 'rule-failed' : 'rule-not-judged',
            ...(verdict === 'fail' ? { severity: rule.severity } : {}),
            key: null,
            subject: JSON.stringify([rule.name, own]),
            snapshots: [newest, ...older].map(one => one.snapshot.uuid),
            index,
            shard: null,
            message,
          }),
        ]
      },
    )
  }
}

function compareText(a: string | null, b: string | null): number {
  if (a === b) return 0
  return (a ?? '') < (b ?? '') ? -1 : 1
}
