/** Check results made by hand, for verdicts and results. */
import type { CheckedCopy, CheckedSnapshot, CheckResult, Mark } from '../../src/check/result.ts'
import type { ContentRecord } from '../../src/model/plan.ts'
import type { SnapshotEntry } from '../../src/model/repository.ts'
import type { VerdictInput } from '../../src/run/verdicts.ts'
import { nowMs, policy, repositoryOf } from './contents.ts'
import { snapshotInfo } from './records.ts'

export const proven: Mark = { verdict: 'pass', reason: 'proven' }

export function checkedCopy(snapshot: number, change: Partial<CheckedCopy> = {}): CheckedCopy {
  return {
    snapshot,
    index: 0,
    indexName: 'logs',
    indexId: 'INDEX-LOGS',
    bytes: 1000,
    contentId: 'content-a',
    obstacle: null,
    catalogue: proven,
    presence: proven,
    ...change,
  }
}

export function checkedSnapshot(
  snapshot: number,
  copies: readonly CheckedCopy[] = [checkedCopy(snapshot)],
  change: Partial<CheckedSnapshot> = {},
): CheckedSnapshot {
  return {
    snapshot,
    info: snapshotInfo(snapshot),
    obstacle: null,
    catalogue: proven,
    presence: proven,
    copies,
    ...change,
  }
}

export function checkResult(snapshots: readonly CheckedSnapshot[], change: Partial<CheckResult> = {}): CheckResult {
  const totals = { blobs: 0, bytes: 0, shards: 0, unreferencedBlobs: 0, unreferencedBytes: 0 }
  return { snapshots, contents: [], findings: [], newest: new Map(), classes: new Map(), totals, ...change }
}

export function verdictInput(
  entries: readonly SnapshotEntry[],
  contents: readonly ContentRecord[],
  change: Partial<VerdictInput> = {},
): VerdictInput {
  return {
    repository: repositoryOf(entries, ['logs']),
    checked: checkResult(entries.map((_, position) => checkedSnapshot(position))),
    contents,
    workFindings: [],
    left: new Map(),
    expired: new Set(),
    policy,
    runId: 'run-now',
    checkedAtMs: nowMs - 1000,
    nowMs,
    ...change,
  }
}
