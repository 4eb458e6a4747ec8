/** What the ledger keeps of an attempt, and of contents that rest on a bad blob. */
import type { Log } from '../log.ts'
import type { Finding } from '../model/finding.ts'
import type { ContentRow } from '../model/journal.ts'
import type { ContentRecord } from '../model/plan.ts'
import type { RepositoryData } from '../model/repository.ts'
import type { Attempt } from './attempt.ts'
import { sumOrNull } from './restoreRows.ts'

/** Which run writes the rows, about which catalogue. */
export interface RowContext {
  readonly runId: string
  readonly repositoryData: RepositoryData
}

export function attemptRow({ planned, judgement, ...attempt }: Attempt, context: RowContext): ContentRow {
  return contentRow(planned.content, planned.snapshot, attempt.atMs, context, {
    method: attempt.evidence?.method ?? 'restore',
    verdict: judgement.verdict,
    reason: judgement.reason,
    message: judgement.message,
    seconds: attempt.seconds.mirror + attempt.seconds.restore,
    luceneDocs: sumOrNull(attempt.expected?.shards.map(shard => shard.luceneDocs) ?? [null]),
    engine:
      attempt.evidence === null
        ? attempt.engine
        : `${attempt.evidence.engine.product} ${attempt.evidence.engine.version}`,
  })
}

export function sayAttempt({ indexName, verdict, reason, message, seconds }: ContentRow, log: Log): void {
  const say = `${indexName}: ${verdict}`
  if (verdict === 'pass') log.info(say, { seconds: Math.round(seconds * 100) / 100 })
  else log.warn(say, { reason, message })
}

/** What a row says of the content itself; the last of the snapshots is named. */
export type RestingContent = Pick<
  ContentRecord,
  'contentId' | 'indexId' | 'indexName' | 'snapshots' | 'witness' | 'bytes'
>

/** A bad blob fails every content that rests on it, restored in this run or proven long ago. */
export function condemnedRows(
  contents: readonly RestingContent[],
  { message }: Finding,
  atMs: number,
  context: RowContext,
): ContentRow[] {
  const facts = {
    method: 'restore',
    verdict: 'fail',
    reason: 'lower-level-failed',
    message,
    seconds: 0,
    luceneDocs: null,
    engine: '',
  } as const
  return contents.flatMap(content => {
    const snapshot = content.snapshots.at(-1)
    return snapshot === undefined ? [] : [contentRow(content, snapshot, atMs, context, facts)]
  })
}

function contentRow(
  content: RestingContent,
  position: number,
  atMs: number,
  { runId, repositoryData }: RowContext,
  facts: Pick<ContentRow, 'method' | 'verdict' | 'reason' | 'message' | 'seconds' | 'luceneDocs' | 'engine'>,
): ContentRow {
  const snapshot = repositoryData.snapshots[position]
  return {
    kind: 'content',
    runId,
    contentId: content.contentId,
    indexId: content.indexId,
    indexName: content.indexName,
    snapshot: snapshot?.name ?? '',
    snapshotUuid: snapshot?.uuid ?? '',
    witness: content.witness,
    atMs,
    bytes: content.bytes,
    ...facts,
  }
}
