/** What a run says of each content that it tried to restore. */
import type { Evidence } from '../model/evidence.ts'
import type { RepositoryData } from '../model/repository.ts'
import type { RestoreRow } from '../model/run.ts'
import { type Attempt, evidenceName } from './attempt.ts'

export function restoreRows(attempts: readonly Attempt[], { snapshots }: RepositoryData): RestoreRow[] {
  const nameOf = new Map(snapshots.map(snapshot => [snapshot.uuid, snapshot.name]))
  return attempts.map(attempt => {
    const { planned, judgement, evidence, expected } = attempt
    const { content } = planned
    const primaries = evidence?.stats.filter(row => row.primary) ?? []
    return {
      contentId: content.contentId,
      index: content.indexName,
      snapshot: expected?.snapshot ?? '',
      snapshotUuid: expected?.snapshotUuid ?? '',
      creditedTo: attempt.sharedWith
        .filter(uuid => uuid !== expected?.snapshotUuid)
        .map(uuid => nameOf.get(uuid) ?? uuid),
      kind: planned.kind,
      verdict: judgement.verdict,
      reason: judgement.reason,
      message: judgement.message,
      engine: evidence === null ? attempt.engine : `${evidence.engine.product} ${evidence.engine.version}`,
      attempts: attempt.number,
      shards: content.shardCount,
      files: content.files,
      bytes: content.bytes,
      expectedDocs: sumOrNull(expected?.shards.map(shard => shard.luceneDocs) ?? [null]),
      foundDocs: primaries.length === 0 ? null : sumOrNull(primaries.map(row => row.luceneDocs)),
      seconds: attempt.seconds,
      evidence: evidence === null ? null : evidenceName(attempt),
      ...howRestored(evidence),
    }
  })
}

/** `evidence`: null where nothing was restored. */
function howRestored(evidence: Evidence | null): Pick<RestoreRow, 'method' | 'source' | 'chain'> {
  if (evidence === null) return {}
  const { method, source = 'mirror', chain } = evidence
  return { method, source, ...(chain === undefined ? {} : { chain }) }
}

export function sumOrNull(values: readonly (number | null)[]): number | null {
  let sum = 0
  for (const value of values) {
    if (value === null) return null
    sum += value
  }
  return sum
}
