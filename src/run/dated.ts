/** When snapshots ended. Pure. */
import type { CheckResult } from '../check/result.ts'
import type { SnapshotEntry } from '../model/repository.ts'

/**
 * Entries with the times that their own blobs say where `index-N` does not (before 7.14, and on OpenSearch). Without
 * them no order is known: `index-N` lists snapshots in no particular one.
 */
export function datedSnapshots(snapshots: readonly SnapshotEntry[], checked: CheckResult): SnapshotEntry[] {
  const infoOf = new Map(checked.snapshots.map(({ snapshot, info }) => [snapshot, info]))
  return snapshots.map((entry, position) => {
    const info = infoOf.get(position)
    // The decoder says 0 where a blob has no time.
    const startedMs = entry.startedMs ?? (info?.startedMs || null)
    return { ...entry, startedMs, endedMs: entry.endedMs ?? (info?.endedMs || null) }
  })
}
