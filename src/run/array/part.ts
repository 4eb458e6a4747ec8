/** What one machine of an array restores: its part of the plan, in the words of the catalogue that it reads. Pure. */
import type { JournalId } from '../../ledger/port.ts'
import type { Finding } from '../../model/finding.ts'
import type { ContentRow } from '../../model/journal.ts'
import type { OpenChild, OpenContent, OpenGroup, OpenPlan } from '../../model/openPlan.ts'
import type { ContentRecord, Group, Plan, PlannedContent } from '../../model/plan.ts'
import type { RepositoryData } from '../../model/repository.ts'
import type { Reason } from '../../model/verdict.ts'

/** A content that passed or failed has one journal, whoever writes it and however often: this one. */
export function journalOf({ runId, createdMs }: OpenPlan, number: number): JournalId {
  return { createdMs, journalId: `${runId}-${number}` }
}

/** What a bad blob fails has one journal, whether its machine writes it or `collect`. */
export function journalOfFinding({ runId, createdMs }: OpenPlan, { id }: Finding): JournalId {
  return { createdMs, journalId: `${runId}-f-${id}` }
}

/** Is the row about this content of the plan? Rows that machines leave are not believed to be. */
export function isRowOf(row: ContentRow, content: OpenContent, { indexId }: OpenGroup, plan: OpenPlan): boolean {
  return (
    row.runId === plan.runId &&
    row.contentId === content.contentId &&
    row.indexId === indexId &&
    row.snapshotUuid === plan.snapshots[content.from]?.uuid &&
    row.witness === content.witness
  )
}

/** Every snapshot that held the content when it was planned. */
export function holdersOf({ heldBy }: OpenContent, { snapshots }: OpenPlan): OpenPlan['snapshots'] {
  return heldBy.flatMap(([first, last]) => snapshots.slice(first, last + 1))
}

/** Every content of a child with its group. */
export function contentsOf({ groups }: OpenChild): { readonly group: OpenGroup; readonly content: OpenContent }[] {
  return groups.flatMap(group => group.contents.map(content => ({ group, content })))
}

export interface Part {
  readonly plan: Plan
  readonly numberOf: ReadonlyMap<PlannedContent, number>
  /** What cannot be restored any more: its snapshot or its index has gone. */
  readonly left: readonly { readonly number: number; readonly reason: Reason }[]
}

export function partFor(
  child: OpenChild,
  plan: OpenPlan,
  { snapshots, indices }: RepositoryData,
  isFinished: (content: OpenContent) => boolean,
): Part {
  const present = new Map(snapshots.map((snapshot, position) => [snapshot.uuid, position]))
  const known = new Set(indices.map(index => index.id))
  const positionOf = (place: number) => present.get(plan.snapshots[place]?.uuid ?? '')
  const numberOf = new Map<PlannedContent, number>()
  const left: { number: number; reason: Reason }[] = []
  const groups = child.groups.flatMap((group): Group[] => {
    const contents = group.contents.flatMap((content): PlannedContent[] => {
      if (isFinished(content)) return []
      const snapshot = positionOf(content.from)
      if (snapshot === undefined || !known.has(group.indexId)) {
        left.push({ number: content.number, reason: snapshot === undefined ? 'expired' : 'repository-moved' })
        return []
      }
      const holders = content.heldBy.flatMap(([first, last]) =>
        Array.from({ length: last - first + 1 }, (_, i) => positionOf(first + i)).filter(one => one !== undefined),
      )
      const planned = { content: recordOf(group, content, holders), kind: content.kind, snapshot }
      numberOf.set(planned, content.number)
      return [planned]
    })
    const { indexName, indexId, shardCount, engine } = group
    const restoreBytes = contents.reduce((sum, { content }) => sum + content.bytes, 0)
    return contents.length === 0 ? [] : [{ indexName, indexId, shardCount, engine, contents, restoreBytes }]
  })
  return {
    plan: {
      snapshots: [...new Set([...numberOf.keys()].map(({ snapshot }) => snapshot))],
      groups,
      left: [],
      debt: [],
      restoreBytes: groups.reduce((sum, group) => sum + group.restoreBytes, 0),
    },
    numberOf,
    left,
  }
}

function recordOf(group: OpenGroup, content: OpenContent, snapshots: readonly number[]): ContentRecord {
  return {
    contentId: content.contentId,
    indexName: group.indexName,
    indexId: group.indexId,
    shardCount: group.shardCount,
    createdVersion: content.createdVersion,
    bytes: content.bytes,
    files: content.files,
    snapshots,
    obstacle: null,
    witness: content.witness,
    proof: null,
    lastInconclusive: null,
  }
}
