/** Contents, snapshots and policies made by hand, for plans and verdicts. */
import type { ContentProof, ContentRecord, DebtItem } from '../../src/model/plan.ts'
import type { Policy } from '../../src/model/policy.ts'
import type { RepositoryData, SnapshotEntry } from '../../src/model/repository.ts'

export const dayMs = 86_400_000
/** A Monday at noon. */
export const nowMs = Date.UTC(2026, 10, 23, 12)

export const policy: Policy = {
  startMs: null,
  restoreNewestWithinDays: 7,
  restoreEveryContentWithinDays: 180,
  bytesWithinDays: 90,
  credit: 'shared',
  accepted: [],
}

export function content(change: Partial<ContentRecord> = {}): ContentRecord {
  return {
    contentId: 'content-a',
    indexName: 'logs',
    indexId: 'INDEX-LOGS',
    shardCount: 1,
    createdVersion: 9_009_000,
    bytes: 1000,
    files: 3,
    snapshots: [0],
    obstacle: null,
    witness: 'witness-a',
    proof: null,
    lastInconclusive: null,
    ...change,
  }
}

export function proof(change: Partial<ContentProof> = {}): ContentProof {
  return {
    verdict: 'pass',
    reason: 'proven',
    provenMs: nowMs - dayMs,
    witness: 'witness-a',
    runId: 'run-before',
    snapshot: 'snapshot-0',
    snapshotUuid: 'UUID-0',
    method: 'restore',
    seconds: 1,
    ...change,
  }
}

export function snapshotEntry(position: number, change: Partial<SnapshotEntry> = {}): SnapshotEntry {
  return {
    name: `snapshot-${position}`,
    uuid: `UUID-${position}`,
    state: 'SUCCESS',
    version: '8.11.0',
    indexVersion: 9_009_000,
    startedMs: nowMs - 30 * dayMs + position * dayMs - 60_000,
    endedMs: nowMs - 30 * dayMs + position * dayMs,
    slmPolicy: null,
    ...change,
  }
}

/** Daily ones, the newest `ageDays` old. */
export function dailySnapshots(count: number, ageDays = 0): SnapshotEntry[] {
  return Array.from({ length: count }, (_, i) =>
    snapshotEntry(i, { endedMs: nowMs - (ageDays + count - 1 - i) * dayMs }),
  )
}

export function repositoryOf(snapshots: readonly SnapshotEntry[], indexNames: readonly string[]): RepositoryData {
  const all = Int32Array.from(snapshots.keys())
  return {
    identity: { uuid: 'REPOSITORY', clusterId: 'CLUSTER', generation: 7, format: '7.12.0' },
    snapshots,
    indices: indexNames.map(name => ({
      name,
      id: `INDEX-${name.toUpperCase()}`,
      snapshots: all,
      shardGenerations: [],
      shardPathType: 0,
    })),
    indexMetadataBlobId: () => 'META',
  }
}

export function debtItem(of: ContentRecord, change: Partial<DebtItem> = {}): DebtItem {
  return { content: of, kind: 'never', dueMs: nowMs + dayMs, overdue: false, ...change }
}
