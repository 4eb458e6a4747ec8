/** What a run says of each snapshot. */
import type { SnapshotSummary } from '../model/run.ts'
import { isoTime } from '../time.ts'
import type { Survey } from './survey.ts'
import { type JudgedSnapshot, judgedLevels } from './verdicts.ts'

export function summarize({ entry, checked, levels, copies }: JudgedSnapshot, { plan }: Survey): SnapshotSummary {
  const marks = judgedLevels.flatMap(level => {
    const found = levels[level]
    return found === undefined ? [] : [[level, { verdict: found.mark.verdict, reason: found.mark.reason }] as const]
  })
  return {
    name: entry.name,
    uuid: entry.uuid,
    state: entry.state,
    startedAt: isoTime(entry.startedMs ?? checked.info?.startedMs ?? null),
    endedAt: isoTime(entry.endedMs ?? checked.info?.endedMs ?? null),
    indices: checked.copies.length,
    bytes: checked.copies.reduce((sum, copy) => sum + copy.bytes, 0),
    levels: Object.fromEntries(marks),
    contentsProven: copies.filter(copy => copy.levels.restore.mark.verdict === 'pass').length,
    contents: copies.length,
    chosen: plan.snapshots.includes(checked.snapshot),
  }
}

/** The newest snapshot that its server calls complete. */
export function newestOf(snapshots: readonly SnapshotSummary[]): SnapshotSummary | null {
  const complete = snapshots.filter(({ state, endedAt }) => state === 'SUCCESS' && endedAt !== null)
  return complete.reduce<SnapshotSummary | null>(
    (best, one) => (best === null || (one.endedAt ?? '') > (best.endedAt ?? '') ? one : best),
    null,
  )
}
