/** Rows of journals as parameters of SQL statements, by the columns of schema.ts. */
import type { AnswerRow, MeasureRow, SnapshotRow } from '../model/journal.ts'
import type { StoredContentRow, StoredGoodRow, StoredReachedRow, StoredRunRow } from './journalFormat.ts'
import { levelCodes, verdictCodes } from './schema.ts'

type Params = Readonly<Record<string, string | number | null>>
/** The number that a text has in the file. */
export type TermOf = (value: string) => number

/** When the row was concluded, in the order that the writing run knew. */
export function orderOf({ orderMs, atMs }: { readonly orderMs?: number; readonly atMs: number }): number {
  return orderMs ?? atMs
}

export const runColumns = [
  'run_id',
  'command',
  'started_ms',
  'ended_ms',
  'exit_code',
  'tool_version',
  'generation',
  'repository_uuid',
  'cluster_id',
  'planned',
  'proven',
  'failed',
  'inconclusive',
  'debt_contents',
  'debt_bytes',
  'findings',
  'restore_bytes_per_second',
  'known_runs',
]

export function runParams(row: StoredRunRow): Params {
  return {
    run_id: row.runId,
    command: row.command,
    started_ms: row.startedMs,
    ended_ms: row.endedMs,
    exit_code: row.exitCode,
    tool_version: row.toolVersion,
    generation: row.generation,
    repository_uuid: row.repositoryUuid,
    cluster_id: row.clusterId,
    planned: row.planned,
    proven: row.proven,
    failed: row.failed,
    inconclusive: row.inconclusive,
    debt_contents: row.debtContents,
    debt_bytes: row.debtBytes,
    findings: row.findings,
    restore_bytes_per_second: row.restoreBytesPerSecond,
    known_runs: row.knownRuns ?? null,
  }
}

export const contentColumns = [
  'content',
  'idx',
  'order_ms',
  'at_ms',
  'run',
  'snapshot',
  'verdict',
  'method',
  'index_name',
  'snapshot_name',
  'reason',
  'witness',
  'seconds',
  'bytes',
  'lucene_docs',
  'engine',
  'message',
]

export function contentParams(row: StoredContentRow, term: TermOf): Params {
  return {
    content: term(row.contentId),
    idx: term(row.indexId),
    order_ms: orderOf(row),
    at_ms: row.atMs,
    run: term(row.runId),
    snapshot: term(row.snapshotUuid),
    verdict: row.verdict,
    method: row.method,
    index_name: term(row.indexName),
    snapshot_name: term(row.snapshot),
    reason: term(row.reason),
    witness: row.witness,
    seconds: row.seconds,
    bytes: row.bytes,
    lucene_docs: row.luceneDocs,
    engine: term(row.engine),
    message: row.message,
  }
}

export const snapshotColumns = ['snapshot', 'run', 'name', 'ended_ms', 'at_ms', 'catalogue', 'presence', 'restore']

export function snapshotParams(row: SnapshotRow, term: TermOf): Params {
  return {
    snapshot: term(row.snapshotUuid),
    run: term(row.runId),
    name: term(row.snapshot),
    ended_ms: row.endedMs,
    at_ms: row.atMs,
    catalogue: verdictCodes.indexOf(row.catalogue),
    presence: verdictCodes.indexOf(row.presence),
    restore: verdictCodes.indexOf(row.restore),
  }
}

export const reachedColumns = [
  'snapshot',
  'level',
  'order_ms',
  'run',
  'at_ms',
  'name',
  'verdict',
  'reason',
  'method',
  'proven_ms',
  'credited_from',
]

export function reachedParams(row: StoredReachedRow, term: TermOf): Params {
  return {
    snapshot: term(row.snapshotUuid),
    level: levelCodes.indexOf(row.level),
    order_ms: orderOf(row),
    run: term(row.runId),
    at_ms: row.atMs,
    name: term(row.snapshot),
    verdict: verdictCodes.indexOf(row.verdict),
    reason: term(row.reason),
    method: row.method === null ? null : term(row.method),
    proven_ms: row.provenMs,
    credited_from: term(JSON.stringify(row.creditedFrom)),
  }
}

export const goodColumns = [
  'index_name',
  'order_ms',
  'run',
  'at_ms',
  'idx',
  'content',
  'snapshot',
  'name',
  'ended_ms',
  'level',
  'method',
]

export function goodParams(row: StoredGoodRow, term: TermOf): Params {
  const known = (text: string | null) => (text === null ? null : term(text))
  return {
    index_name: term(row.index),
    order_ms: orderOf(row),
    run: term(row.runId),
    at_ms: row.atMs,
    idx: known(row.indexId),
    content: known(row.contentId),
    snapshot: known(row.snapshotUuid),
    name: known(row.snapshot),
    ended_ms: row.endedMs,
    level: levelCodes.indexOf(row.level),
    method: known(row.method),
  }
}

export const measureColumns = [
  'index_name',
  'snapshot',
  'run',
  'at_ms',
  'idx',
  'name',
  'ended_ms',
  'documents',
  'bytes',
  'sequence',
  'content',
  'metadata',
  'fields',
  'mapping',
  'resting',
  'judged',
]

export function measureParams(row: MeasureRow, term: TermOf): Params {
  const known = (text: string | null) => (text === null ? null : term(text))
  return {
    index_name: term(row.index),
    snapshot: term(row.snapshotUuid),
    run: term(row.runId),
    at_ms: row.atMs,
    idx: term(row.indexId),
    name: term(row.snapshot),
    ended_ms: row.endedMs,
    documents: row.documents,
    bytes: row.bytes,
    sequence: row.sequence,
    content: known(row.contentId),
    metadata: known(row.metadataKey),
    fields: row.fields,
    mapping: row.mapping,
    resting: row.resting,
    judged: row.judged ? 1 : 0,
  }
}

export const answerColumns = ['content', 'idx', 'snapshot', 'question', 'run', 'at_ms', 'answered', 'answer']

export function answerParams(row: AnswerRow, term: TermOf): Params {
  return {
    content: term(row.contentId),
    idx: term(row.indexId),
    snapshot: term(row.snapshotUuid),
    question: term(row.question),
    run: term(row.runId),
    at_ms: row.atMs,
    answered: row.answered ? 1 : 0,
    answer: row.answer,
  }
}
