/**
 * Where the snapshots of a run stand: the few numbers that page, metrics and terminal must agree on.
 * Pure; ages are counted up to the moment that the caller names.
 */
import type { Finding } from './finding.ts'
import type { RunResult, SnapshotSummary } from './run.ts'

/** `open` is everything that is neither proven nor failing and still applies: nothing passed is not a pass. */
export type Standing = 'failing' | 'open' | 'proven' | 'not-applicable'

export interface Standings {
  readonly bySnapshot: ReadonlyMap<SnapshotSummary, Standing>
  readonly count: Readonly<Record<Standing, number>>
  /** Failing snapshots that no accepted finding explains away. */
  readonly unaccepted: readonly SnapshotSummary[]
  /** By end; null when there is none whose end is known. */
  readonly newest: SnapshotSummary | null
  readonly newestGood: SnapshotSummary | null
}

/** Error findings that nobody answers for. `RunResult.findings` holds only those that are not accepted. */
export function openErrors(run: RunResult): readonly Finding[] {
  return run.findings.filter(finding => finding.severity === 'error')
}

export function standingsOf(run: RunResult): Standings {
  const accused = new Set(openErrors(run).flatMap(finding => finding.snapshots))
  const acceptedErrors = run.accepted.map(row => row.finding).filter(finding => finding.severity === 'error')
  const acceptedUuids = new Set(acceptedErrors.flatMap(finding => finding.snapshots))
  const bySnapshot = new Map<SnapshotSummary, Standing>()
  const count: Record<Standing, number> = { failing: 0, open: 0, proven: 0, 'not-applicable': 0 }
  for (const snapshot of run.snapshots) {
    const standing = standingOf(snapshot, accused.has(snapshot.uuid) || acceptedUuids.has(snapshot.uuid))
    bySnapshot.set(snapshot, standing)
    count[standing]++
  }
  const failing = run.snapshots.filter(snapshot => bySnapshot.get(snapshot) === 'failing')
  const excused = excusedUuids(run, acceptedErrors)
  return {
    bySnapshot,
    count,
    unaccepted: failing.filter(snapshot => accused.has(snapshot.uuid) || !excused.has(snapshot.uuid)),
    newest: newestOf(run.snapshots.filter(completed)),
    newestGood: newestOf(run.snapshots.filter(snapshot => bySnapshot.get(snapshot) === 'proven')),
  }
}

function standingOf(snapshot: SnapshotSummary, accused: boolean): Standing {
  if (accused || Object.values(snapshot.levels).some(level => level.verdict === 'fail')) return 'failing'
  const restore = snapshot.levels.restore?.verdict
  // A restore rests on these two; `bytes` is a proof of its own and may be younger or older.
  const { catalogue, presence } = snapshot.levels
  const undecided = catalogue?.verdict === 'inconclusive' || presence?.verdict === 'inconclusive'
  if (restore === 'pass' && !undecided) return 'proven'
  return restore === 'not-applicable' && !undecided ? 'not-applicable' : 'open'
}

/**
 * Snapshots of which every failed index is named by an accepted finding. An accepted finding about one index does not
 * excuse another index of the same snapshot.
 */
function excusedUuids(run: RunResult, accepted: readonly Finding[]): ReadonlySet<string> {
  const indicesBySnapshot = new Map<string, Set<string | null>>()
  for (const finding of accepted) {
    for (const uuid of finding.snapshots) {
      const indices = indicesBySnapshot.get(uuid) ?? new Set()
      indicesBySnapshot.set(uuid, indices.add(finding.index))
    }
  }
  const excused = new Set(indicesBySnapshot.keys())
  for (const row of run.verdicts) {
    if (row.verdict !== 'fail' || row.index === null) continue
    const indices = indicesBySnapshot.get(row.uuid)
    if (indices !== undefined && !indices.has(null) && !indices.has(row.index)) excused.delete(row.uuid)
  }
  return excused
}

/** Is it a snapshot that one would restore from: not one that still runs or that the server gave up? */
function completed(snapshot: SnapshotSummary): boolean {
  return snapshot.state === null || snapshot.state === 'SUCCESS' || snapshot.state === 'PARTIAL'
}

function newestOf(snapshots: readonly SnapshotSummary[]): SnapshotSummary | null {
  let newest: SnapshotSummary | null = null
  for (const snapshot of snapshots) {
    if (snapshot.endedAt === null) continue
    if (newest?.endedAt == null || Date.parse(snapshot.endedAt) > Date.parse(newest.endedAt)) newest = snapshot
  }
  return newest
}

/** Hours from the end of a snapshot to `nowMs`, never below 0; null where there is none or its end is unknown. */
export function ageHours(snapshot: SnapshotSummary | null, nowMs: number): number | null {
  if (snapshot === null || snapshot.endedAt === null) return null
  return Math.max(0, (nowMs - Date.parse(snapshot.endedAt)) / 3_600_000)
}

/**
 * Restored bytes per second of mirror and restore together, over the contents that passed; null when none did. Chained ones copied
 * only what differed and are left out.
 */
export function restoreSpeed(run: RunResult): number | null {
  let bytes = 0
  let seconds = 0
  for (const row of run.restores) {
    if (row.verdict !== 'pass' || row.method === 'chained') continue
    bytes += row.bytes
    seconds += row.seconds.mirror + row.seconds.restore
  }
  return seconds > 0 && bytes > 0 ? bytes / seconds : null
}
