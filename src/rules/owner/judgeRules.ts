/**
 * Judges snapshots by the owner's rules. Pure: answers and times in, outcomes out; what calls it makes levels and findings of them.
 *
 * A rule of kind `index` is judged on each index that it matches in each snapshot that it matches, by the answers of the content that the
 * snapshot holds there. One about the snapshot is judged once for each complete snapshot.
 */
import { type Answers, type QuestionId, questionId } from '../../model/answers.ts'
import type { OwnerRule } from '../../model/ownerRule.ts'
import { byName } from '../../model/snapshotOrder.ts'
import type { RuleOutcome, SnapshotContext } from './kind.ts'
import { matcher } from './pattern.ts'
import { kindOf, questionsOf } from './registry.ts'

export interface SnapshotToJudge {
  readonly name: string
  readonly uuid: string
  readonly startedMs: number | null
  readonly endedMs: number | null
  /** Not in progress, not failed at the source, not gone since. */
  readonly complete: boolean
  readonly indices: ReadonlySet<string>
}

/** What one rule says of one place. At least one outcome. */
export interface Said {
  readonly rule: OwnerRule
  readonly outcomes: readonly RuleOutcome[]
}

interface Prepared {
  readonly rule: OwnerRule
  readonly about: 'index' | 'snapshot'
  readonly ids: readonly QuestionId[]
  readonly isIndex: (name: string) => boolean
  readonly isSnapshot: (name: string) => boolean
}

export class RuleBook {
  readonly #rules: readonly Prepared[]
  readonly #byIndex = new Map<string, readonly Prepared[]>()
  readonly #before: ReadonlyMap<Prepared, ReadonlyMap<string, SnapshotToJudge>>
  readonly #contexts = new Map<string, SnapshotContext>()

  constructor(rules: readonly OwnerRule[], snapshots: readonly SnapshotToJudge[]) {
    this.#rules = rules.map(rule => ({
      rule,
      about: kindOf(rule).meta.about,
      ids: questionsOf(rule).map(questionId),
      isIndex: matcher(rule.index),
      isSnapshot: matcher(rule.snapshots),
    }))
    const inOrder = snapshots.filter(({ complete }) => complete).sort((a, b) => startOf(a) - startOf(b) || byName(a, b))
    this.#before = new Map(
      this.#rules
        .filter(({ about }) => about === 'snapshot')
        .map(prepared => [prepared, predecessors(inOrder.filter(({ name }) => prepared.isSnapshot(name)))]),
    )
  }

  /** Does some rule speak about the index in the snapshot? */
  speaksOf(index: string, snapshot: string): boolean {
    return this.#of(index).some(({ isSnapshot }) => isSnapshot(snapshot))
  }

  /** What must be asked of a content of that index, whichever snapshot is judged by the answers. */
  questionIds(index: string): QuestionId[] {
    return [...new Set(this.#of(index).flatMap(({ ids }) => ids))]
  }

  /** By the answers of the content; empty where no rule speaks about it. */
  judgeIndex(index: string, snapshot: SnapshotToJudge, answers: Answers): Said[] {
    return this.#of(index)
      .filter(({ isSnapshot }) => isSnapshot(snapshot.name))
      .map(prepared => this.#judge(prepared, snapshot, answers))
  }

  /** By the rules about whole snapshots; empty where none speaks, or there is nothing to compare. */
  judgeSnapshot(snapshot: SnapshotToJudge): Said[] {
    if (!snapshot.complete) return []
    return this.#rules
      .filter(({ about, isSnapshot }) => about === 'snapshot' && isSnapshot(snapshot.name))
      .map(prepared => this.#judge(prepared, snapshot, {}))
      .filter(({ outcomes }) => outcomes.length > 0)
  }

  #of(index: string): readonly Prepared[] {
    const known = this.#byIndex.get(index)
    if (known !== undefined) return known
    const found = this.#rules.filter(({ about, isIndex }) => about === 'index' && isIndex(index))
    this.#byIndex.set(index, found)
    return found
  }

  #judge(prepared: Prepared, snapshot: SnapshotToJudge, answers: Answers): Said {
    const { rule, ids } = prepared
    const before = this.#before.get(prepared)?.get(snapshot.uuid) ?? null
    const given = ids.map(id => (Object.hasOwn(answers, id) ? answers[id] : undefined))
    const context = before === null ? this.#contextOf(snapshot) : { ...this.#contextOf(snapshot), before }
    return { rule, outcomes: kindOf(rule).check(rule.wants, given, { rule, snapshot: context }) }
  }

  #contextOf(snapshot: SnapshotToJudge): SnapshotContext {
    const known = this.#contexts.get(snapshot.uuid)
    if (known !== undefined) return known
    const { name, startedMs, endedMs, indices } = snapshot
    const context = { name, startedMs, endedMs, indices, before: null }
    this.#contexts.set(snapshot.uuid, context)
    return context
  }
}

/** One whose time is not known comes first: it is nobody's predecessor by chance of its name. */
function startOf({ startedMs, endedMs }: SnapshotToJudge): number {
  return startedMs ?? endedMs ?? Number.NEGATIVE_INFINITY
}

function predecessors(inOrder: readonly SnapshotToJudge[]): Map<string, SnapshotToJudge> {
  const dated = inOrder.filter(one => Number.isFinite(startOf(one)))
  return new Map(
    dated.flatMap((snapshot, i) => {
      const before = dated[i - 1]
      return before === undefined ? [] : [[snapshot.uuid, before] as const]
    }),
  )
}
