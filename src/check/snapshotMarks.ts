/** Judges whole snapshots: their root blobs, their state, and what their indices add up to. Pure. */
import type { SnapshotInfo, SnapshotRecord } from '../model/content.ts'
import type { Finding } from '../model/finding.ts'
import type { SnapshotEntry } from '../model/repository.ts'
import { type Reason, rollUp, type VerdictValue } from '../model/verdict.ts'
import { worse } from './bytes.ts'
import { markOf } from './checkIndex.ts'
import { findingOfFault } from './findings.ts'
import type { CheckedCopy, CheckedSnapshot, Mark } from './result.ts'

/**
 * Global metadata that nothing needs is a warning. That the snapshot and `index-N` list other indices is one too, unless
 * an index is promised that the server then cannot find: a restore asks both.
 */
export function rootFindings(record: SnapshotRecord): Finding[] {
  return record.faults.flatMap(fault => {
    const blob = record.metadataBlobs.find(one => one.key === fault.key)
    const unneeded = blob?.kind === 'global-metadata' && blob.neededBy.length === 0
    const broken = fault.code === 'snapshot-contents-mismatch' && breaksPromise(record)
    const finding = findingOfFault(fault, unneeded ? 'warning' : broken ? 'error' : undefined)
    return finding === null ? [] : [finding]
  })
}

function breaksPromise({ info, unmatched }: SnapshotRecord): boolean {
  if (info === null || unmatched === undefined) return false
  // A PARTIAL snapshot may name an index that was deleted while it was taken.
  return unmatched.inIndexN || (info.state === 'SUCCESS' && unmatched.inSnapshot)
}

/** What keeps a whole snapshot from being restored, seen before any of its indices is read. */
export function wholeObstacle(
  record: SnapshotRecord | undefined,
  entry: SnapshotEntry,
  unreadable: boolean,
): Mark | null {
  if (unreadable) return markOf('lower-level-failed')
  if (record === undefined) return markOf('limit-reached')
  const { info } = record
  const obstacle = snapshotObstacle(entry, info, null)
  // Shallow copies stand beside indices whose data is here: those are judged, and the snapshot as a whole never passes.
  if (obstacle !== null && obstacle !== 'partial-at-source' && obstacle !== 'not-verifiable-here')
    return markOf(obstacle)
  if (info !== null) return null
  const root = record.faults.find(fault => fault.ours !== null && fault.key === `snap-${entry.uuid}.dat`)
  return markOf(root?.ours ?? 'not-read')
}

/** `copies`: how many indices the check saw in it; null: not yet known. */
function snapshotObstacle(entry: SnapshotEntry, info: SnapshotInfo | null, copies: number | null): Reason | null {
  // The snapshot's own blob decides where it could be read: the server goes by it, and it carries a checksum.
  const state = info?.state ?? entry.state
  if (state === 'IN_PROGRESS') return 'in-progress'
  if (state === 'FAILED' || state === 'INCOMPATIBLE') return 'failed-at-source'
  if (info?.shallow) return 'not-verifiable-here'
  const partial = entry.state === 'PARTIAL' || state === 'PARTIAL' || (info !== null && info.failures.length > 0)
  if (partial) return 'partial-at-source'
  if (copies === 0 && info !== null && info.indexCount === 0) return 'empty-at-source'
  return null
}

/** Snapshots that an error about the whole snapshot accuses. */
export function accusedSnapshots(findings: readonly Finding[]): Set<string> {
  return new Set(findings.filter(f => f.severity === 'error' && f.index === null).flatMap(finding => finding.snapshots))
}

type MarkedLevel = 'catalogue' | 'presence' | 'byteProof'
const markedLevels = ['catalogue', 'presence', 'byteProof'] as const

/**
 * Marks of the indices of every snapshot as they come, in any order; what stays is a few marks for each snapshot. Of the marks
 * with one verdict that of the first index speaks, so that the result does not depend on the order.
 */
export class RollUps {
  readonly #marks = new Map<number, Map<MarkedLevel, Map<VerdictValue, { index: number; mark: Mark }>>>()
  readonly #copies = new Map<number, number>()

  add(copy: CheckedCopy): void {
    this.#copies.set(copy.snapshot, (this.#copies.get(copy.snapshot) ?? 0) + 1)
    const levels = this.#marks.get(copy.snapshot) ?? new Map()
    this.#marks.set(copy.snapshot, levels)
    for (const level of markedLevels) {
      const mark = copy[level]
      if (mark === undefined) continue
      const verdicts = levels.get(level) ?? new Map<VerdictValue, { index: number; mark: Mark }>()
      levels.set(level, verdicts)
      const first = verdicts.get(mark.verdict)
      if (first === undefined) verdicts.set(mark.verdict, { index: copy.index, mark })
      else if (mark.verdict === 'pass') first.mark = worse(first.mark, mark)
      else if (outranks(mark, first.mark) || (copy.index < first.index && !outranks(first.mark, mark)))
        verdicts.set(mark.verdict, { index: copy.index, mark })
    }
  }

  copies(snapshot: number): number {
    return this.#copies.get(snapshot) ?? 0
  }

  /** One mark for each verdict that some index has. */
  parts(snapshot: number, level: MarkedLevel): Mark[] {
    return [...(this.#marks.get(snapshot)?.get(level)?.values() ?? [])].map(({ mark }) => mark)
  }
}

export function checkSnapshot(
  snapshot: number,
  record: SnapshotRecord | undefined,
  entry: SnapshotEntry,
  rollUps: RollUps,
  accused: boolean,
  rootProvenMs: number | null,
): Omit<CheckedSnapshot, 'copies'> {
  const info: SnapshotInfo | null = record?.info ?? null
  const copies = rollUps.copies(snapshot)
  const obstacle = snapshotObstacle(entry, info, copies)
  // A blob that the snapshot needs and that we could not read leaves it open, whatever the others say.
  const trouble = record?.faults.find(fault => fault.ours !== null && fault.snapshots.includes(entry.uuid))
  const ours = record === undefined ? 'limit-reached' : (trouble?.ours ?? null)
  const good = rootProvenMs === null ? markOf('proven') : { ...markOf('remembered'), provenMs: rootProvenMs }
  const own: Mark = accused ? markOf('found') : ours === null && info !== null ? good : markOf(ours ?? 'not-read')
  const catalogue = wholeMark([own, ...rollUps.parts(snapshot, 'catalogue')], obstacle)
  // Without its root blob a snapshot cannot be restored, whatever lies below.
  const presence = accused
    ? markOf('lower-level-failed')
    : wholeMark(copies === 0 ? [own] : rollUps.parts(snapshot, 'presence'), obstacle)
  const proofs = rollUps.parts(snapshot, 'byteProof')
  if (proofs.length === 0) return { snapshot, info, obstacle, catalogue, presence }
  const byteProof = presence.verdict === 'fail' ? markOf('lower-level-failed') : wholeMark(proofs, obstacle)
  return { snapshot, info, obstacle, catalogue, presence, byteProof }
}

/** Of two that do not apply the one that keeps the whole from passing speaks. */
function outranks(a: Mark, b: Mark): boolean {
  return a.reason === 'not-verifiable-here' && b.reason !== 'not-verifiable-here'
}

/** A snapshot's mark from those of its parts; what was wrong at the source never passes. */
export function wholeMark(parts: readonly Mark[], obstacle: Reason | null): Mark {
  const verdict = rollUp(parts.map(part => part.verdict))
  const worst = parts.filter(part => part.verdict === verdict)
  const mark = verdict === 'pass' ? worst.reduce((a, b) => worse(a, b)) : (worst[0] ?? markOf('empty-at-source'))
  if (verdict === 'fail') return mark
  if (obstacle !== null) return markOf(obstacle)
  // What lies elsewhere or has no checksum was looked at by nobody.
  return (verdict === 'pass' && parts.find(part => part.reason === 'not-verifiable-here')) || mark
}
