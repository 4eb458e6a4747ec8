/**
 * What the ledger answers. Times of the future are handled here, at the time of asking: README.md, "Times".
 */
import type { Statement } from 'better-sqlite3'
import type { MappingFields, Measure } from '../model/baseline.ts'
import type { AnswerRow, ContentRow, MappingRow, MeasureRow, RunRow, SnapshotRow } from '../model/journal.ts'
import type { ContentProof } from '../model/plan.ts'
import type { StoredContentRow, StoredGoodRow, StoredReachedRow, StoredRow, StoredRunRow } from './journalFormat.ts'
import { decodeRow } from './journalFormat.ts'
import type { LedgerFile } from './ledgerFile.ts'
import { localError } from './localErrors.ts'
import type { ContentHistory, Ledger, MemoryLedger } from './port.ts'
import { orderOf } from './rowParams.ts'

interface MemoryFound {
  readonly atMs: number
  readonly data: Buffer
}

/** A row dated later than this after now was written by a clock that was wrong, or now is. */
export const toleratedSkewMs = 5 * 60_000

/**
 * Decides from all attempts at one content.
 *
 * In order (of `orderMs`; on a tie the fail last): a fail stays until a pass by the same or a stronger method; the latest open
 * fail is the answer, else the latest pass that is not dated after `horizonMs`.
 */
export function judgeHistory(rows: readonly StoredContentRow[], nowMs: number): ContentHistory {
  const horizonMs = nowMs + toleratedSkewMs
  let failedRestore: StoredContentRow | null = null
  let failedChained: StoredContentRow | null = null
  let pass: StoredContentRow | null = null
  let inconclusive: StoredContentRow | null = null
  for (const row of [...rows].sort(inOrder)) {
    if (row.verdict === 'inconclusive') {
      inconclusive = row
      continue
    }
    if (row.verdict === 'fail') {
      inconclusive = null
      pass = null
      if (row.method === 'restore') failedRestore = row
      else failedChained = row
      continue
    }
    failedChained = null
    if (row.method === 'restore') failedRestore = null
    if (row.atMs > horizonMs) continue
    pass = row
    if (failedRestore === null) inconclusive = null
  }
  const decided = latest(failedRestore, failedChained) ?? pass
  return {
    proof: decided === null ? null : proofOf(decided, nowMs),
    lastInconclusive:
      inconclusive === null
        ? null
        : { atMs: Math.min(inconclusive.atMs, nowMs), reason: inconclusive.reason, runId: inconclusive.runId },
  }
}

export function askLedger(file: () => LedgerFile, nowMs: () => number): Ledger & MemoryLedger {
  function rows(sql: string, ...params: (string | number)[]): unknown[] {
    try {
      return statement(file(), sql).all(...params)
    } catch (error) {
      throw localError(error, 'read the ledger', file().path)
    }
  }
  const content = (row: unknown) => decodeAs<ContentRow>('content', row)
  const run = (row: unknown): RunRow => {
    const { knownRuns: _, ...plain } = decodeAs<StoredRunRow>('run', row)
    return plain
  }
  return {
    contentHistory: (indexId, contentId, snapshotUuid) => {
      const found = rows('SELECT * FROM content_row WHERE contentId = ? AND indexId = ?', contentId, indexId).map(
        content,
      )
      return judgeHistory(
        snapshotUuid === null ? found : found.filter(row => row.snapshotUuid === snapshotUuid),
        nowMs(),
      )
    },
    runs: limit => rows('SELECT * FROM run_row ORDER BY startedMs DESC, runId DESC LIMIT ?', limit).map(run).reverse(),
    recentPasses: limit =>
      rows(
        `SELECT * FROM content_row WHERE verdict = 'pass' AND method = 'restore' AND atMs <= ?
         ORDER BY atMs DESC, contentId, indexId, snapshotUuid, runId LIMIT ?`,
        nowMs() + toleratedSkewMs,
        limit,
      ).map(row => {
        const { orderMs: _, ...plain }: StoredContentRow = content(row)
        return plain
      }),
    snapshotHistory: uuid =>
      rows('SELECT * FROM snapshot_row WHERE snapshotUuid = ? ORDER BY atMs, runId', uuid).map(row =>
        decodeAs<SnapshotRow>('snapshot', row),
      ),
    firstRunMs: () => {
      const [row] = rows('SELECT min(startedMs) AS ms FROM run_row WHERE startedMs <= ?', nowMs() + toleratedSkewMs)
      return typeof row === 'object' && row !== null && 'ms' in row && typeof row.ms === 'number' ? row.ms : null
    },
    measures: index => {
      try {
        return measuresOf(file(), index)
      } catch (error) {
        throw localError(error, 'read the ledger', file().path)
      }
    },
    mappings: digests => {
      const found = new Map<string, MappingFields>()
      for (const digest of new Set(digests)) {
        const [row] = rows('SELECT * FROM mapping_row WHERE digest = ?', digest)
        const fields = row === undefined ? null : fieldsOf(decodeAs<MappingRow>('mapping', row).fields)
        if (fields !== null) found.set(digest, fields)
      }
      return found
    },
    memory: subject => {
      const [row] = rows('SELECT at_ms AS atMs, data FROM memory WHERE subject = ?', subject) as MemoryFound[]
      return row === undefined || row.data.length === 0 ? null : row
    },
    memorySubjects: () =>
      (rows('SELECT subject FROM memory WHERE length(data) > 0 ORDER BY subject') as { subject: string }[]).map(
        row => row.subject,
      ),
    answers: (indexId, contentId, snapshotUuid) => {
      const sql = 'SELECT * FROM answer_row WHERE contentId = ? AND indexId = ? ORDER BY answered, atMs, answer'
      const found = rows(sql, contentId, indexId).map(row => decodeAs<AnswerRow>('answer', row))
      const asked = snapshotUuid === null ? found : found.filter(row => row.snapshotUuid === snapshotUuid)
      return new Map(asked.map(row => [row.question, row]))
    },
    lastIdentity: () => {
      const [row] = rows(
        'SELECT * FROM run_row ORDER BY startedMs > ?, startedMs DESC, runId DESC LIMIT 1',
        nowMs() + toleratedSkewMs,
      )
      if (row === undefined) return null
      const { repositoryUuid, clusterId, generation } = run(row)
      return { repositoryUuid, clusterId, generation }
    },
  }
}

/** The latest row in the order of the writing runs; null: there is none. */
export function lastReached(file: LedgerFile, snapshotUuid: string, level: string): StoredReachedRow | null {
  const sql = 'SELECT * FROM reached_row WHERE snapshotUuid = ? AND level = ? ORDER BY orderMs DESC, runId DESC LIMIT 1'
  const row = statement(file, sql).get(snapshotUuid, level)
  return row === undefined ? null : decodeAs<StoredReachedRow>('reached', row)
}

/** The latest row in the order of the writing runs; null: there is none. */
export function lastGoodRow(file: LedgerFile, index: string): StoredGoodRow | null {
  const sql = 'SELECT * FROM good_row WHERE "index" = ? ORDER BY orderMs DESC, runId DESC LIMIT 1'
  const row = statement(file, sql).get(index)
  return row === undefined ? null : decodeAs<StoredGoodRow>('good', row)
}

export function countRuns(file: LedgerFile, except: string): number {
  return Number(statement(file, 'SELECT count(*) FROM run WHERE run_id <> ?').pluck().get(except))
}

/** The attempts at a content that this file knows. */
export function attemptsAt(file: LedgerFile, indexId: string, contentId: string): StoredContentRow[] {
  return statement(file, 'SELECT * FROM content_row WHERE contentId = ? AND indexId = ?')
    .all(contentId, indexId)
    .map(row => decodeAs<StoredContentRow>('content', row))
}

/** Oldest snapshot first. */
export function measuresOf(file: LedgerFile, index: string): Measure[] {
  return statement(file, 'SELECT * FROM measure_row WHERE "index" = ? ORDER BY endedMs, snapshotUuid')
    .all(index)
    .map(row => {
      const { kind: _, runId: __, atMs: ___, ...measure } = decodeAs<MeasureRow>('measure', row)
      return measure
    })
}

/** Null for what is no mapping: it is as good as not kept. */
function fieldsOf(text: string): MappingFields | null {
  try {
    const value: unknown = JSON.parse(text)
    const isMapping =
      typeof value === 'object' && value !== null && Object.values(value).every(type => typeof type === 'string')
    return isMapping ? (value as MappingFields) : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** When the question was last answered, or asked; null: never. */
export function answerWrittenMs(
  file: LedgerFile,
  {
    contentId,
    indexId,
    snapshotUuid,
    question,
  }: Pick<AnswerRow, 'contentId' | 'indexId' | 'snapshotUuid' | 'question'>,
): number | null {
  const sql = 'SELECT atMs FROM answer_row WHERE contentId = ? AND indexId = ? AND snapshotUuid = ? AND question = ?'
  const row = statement(file, sql).get(contentId, indexId, snapshotUuid, question)
  return row === undefined ? null : (row as Pick<MemoryFound, 'atMs'>).atMs
}

/** When what is remembered of the subject was written, or forgotten; null: never. */
export function memoryWrittenMs(file: LedgerFile, subject: string): number | null {
  const row = statement(file, 'SELECT at_ms AS atMs FROM memory WHERE subject = ?').get(subject)
  return row === undefined ? null : (row as Pick<MemoryFound, 'atMs'>).atMs
}

/** Rows of the file go through the same checks as those of a journal. */
export function decodeAs<Row extends StoredRow>(kind: Row['kind'], row: unknown): Row {
  const fields = typeof row === 'object' && row !== null ? { ...row } : {}
  const credited = 'creditedFrom' in fields ? { creditedFrom: JSON.parse(String(fields.creditedFrom)) } : {}
  const answered = 'answered' in fields ? { answered: fields.answered === 1 } : {}
  const judged = 'judged' in fields ? { judged: fields.judged === 1 } : {}
  return decodeRow({ kind, ...fields, ...credited, ...answered, ...judged }, 'the ledger') as Row
}

const statements = new WeakMap<LedgerFile, Map<string, Statement<unknown[]>>>()

/** Prepared once for each file. */
export function statement(file: LedgerFile, sql: string): Statement<unknown[]> {
  const known = statements.get(file) ?? new Map<string, Statement<unknown[]>>()
  statements.set(file, known)
  const prepared = known.get(sql) ?? file.db.prepare<unknown[]>(sql)
  known.set(sql, prepared)
  return prepared
}

const verdictOrder = { inconclusive: 0, pass: 1, fail: 2 } as const

function inOrder(a: StoredContentRow, b: StoredContentRow): number {
  return (
    orderOf(a) - orderOf(b) ||
    verdictOrder[a.verdict] - verdictOrder[b.verdict] ||
    compareText(a.method, b.method) ||
    a.atMs - b.atMs ||
    compareText(a.runId, b.runId) ||
    compareText(a.snapshotUuid, b.snapshotUuid)
  )
}

function latest(a: StoredContentRow | null, b: StoredContentRow | null): StoredContentRow | null {
  if (a === null || b === null) return a ?? b
  return inOrder(a, b) > 0 ? a : b
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function proofOf(row: StoredContentRow, nowMs: number): ContentProof {
  return {
    verdict: row.verdict === 'pass' ? 'pass' : 'fail',
    reason: row.reason,
    provenMs: Math.min(row.atMs, nowMs),
    witness: row.witness,
    runId: row.runId,
    snapshot: row.snapshot,
    snapshotUuid: row.snapshotUuid,
    method: row.method,
    seconds: row.seconds,
  }
}
