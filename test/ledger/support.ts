/** Rows, sessions and dumps for the ledger's tests. Files are real SQLite files in a folder of their own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll } from 'vitest'
import type { BlobWriter } from '../../src/blobs/port.ts'
import type { LedgerOptions } from '../../src/ledger/open.ts'
import { openLedger } from '../../src/ledger/open.ts'
import type { LedgerSession } from '../../src/ledger/port.ts'
import { silentLog } from '../../src/log.ts'
import type {
  AnswerRow,
  ContentRow,
  GoodRow,
  MeasureRow,
  ReachedRow,
  RunRow,
  SnapshotRow,
} from '../../src/model/journal.ts'
import type { Clock } from '../../src/time.ts'

export const day = 86_400_000
export const start = Date.UTC(2026, 10, 1)
export const signal = new AbortController().signal

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'snapproof-ledger-'))
  folders.push(folder)
  return folder
}

export interface TestClock extends Clock {
  now: number
}

/** Sleeps are over at once and move the clock. */
export function testClock(now = start): TestClock {
  const clock: TestClock = {
    now,
    nowMs: () => clock.now,
    monotonicMs: () => clock.now,
    sleep: async (ms, abort) => {
      await new Promise(resolve => setImmediate(resolve))
      abort?.throwIfAborted()
      clock.now += ms
    },
  }
  return clock
}

let count = 0
export function countedId(): string {
  return `id-${++count}`
}

let sessions = 0
export function openTest(
  store: BlobWriter | null,
  clock: Clock,
  rest: Partial<LedgerOptions> = {},
): Promise<LedgerSession> {
  sessions++
  return openLedger({
    repositoryName: 'prod',
    store,
    file: rest.file ?? join(newFolder(), 'ledger.sqlite'),
    runId: `run-${sessions}`,
    owner: `host:${sessions}`,
    clock,
    log: silentLog,
    leaseSeconds: 60,
    randomId: countedId,
    signal,
    ...rest,
  })
}

export function contentRow(rest: Partial<ContentRow> = {}): ContentRow {
  return {
    kind: 'content',
    runId: 'run-a',
    contentId: 'c1',
    indexId: 'i1',
    indexName: 'logs',
    snapshot: 'nightly-1',
    snapshotUuid: 's1',
    verdict: 'pass',
    reason: 'proven',
    method: 'restore',
    witness: 'w1',
    atMs: start,
    seconds: 1.5,
    bytes: 1000,
    luceneDocs: 10,
    engine: 'elasticsearch 9.5.3',
    message: '',
    ...rest,
  }
}

export function runRow(rest: Partial<RunRow> = {}): RunRow {
  return {
    kind: 'run',
    runId: 'run-a',
    command: 'audit',
    startedMs: start,
    endedMs: start + 1000,
    exitCode: 0,
    toolVersion: '0.1.0',
    generation: 7,
    repositoryUuid: 'u1',
    clusterId: 'k1',
    planned: 1,
    proven: 1,
    failed: 0,
    inconclusive: 0,
    debtContents: 0,
    debtBytes: 0,
    findings: 0,
    restoreBytesPerSecond: 12.5,
    ...rest,
  }
}

export function snapshotRow(rest: Partial<SnapshotRow> = {}): SnapshotRow {
  return {
    kind: 'snapshot',
    runId: 'run-a',
    snapshot: 'nightly-1',
    snapshotUuid: 's1',
    endedMs: start - day,
    atMs: start,
    catalogue: 'pass',
    presence: 'pass',
    restore: 'inconclusive',
    ...rest,
  }
}

export function measureRow(rest: Partial<MeasureRow> = {}): MeasureRow {
  return {
    kind: 'measure',
    runId: 'run-a',
    index: 'logs',
    indexId: 'i1',
    snapshot: 'nightly-1',
    snapshotUuid: 's1',
    endedMs: start - day,
    documents: 10,
    bytes: 1000,
    sequence: 9,
    contentId: 'c1',
    metadataKey: 'indices/i1/meta-1.dat',
    fields: 2,
    mapping: 'm1',
    resting: null,
    judged: true,
    atMs: start,
    ...rest,
  }
}

export function reachedRow(rest: Partial<ReachedRow> = {}): ReachedRow {
  return {
    kind: 'reached',
    runId: 'run-a',
    snapshot: 'nightly-1',
    snapshotUuid: 's1',
    level: 'restore',
    verdict: 'pass',
    reason: 'proven',
    method: 'restore',
    provenMs: start,
    creditedFrom: [],
    atMs: start,
    ...rest,
  }
}

export function goodRow(rest: Partial<GoodRow> = {}): GoodRow {
  return {
    kind: 'good',
    runId: 'run-a',
    index: 'logs',
    indexId: 'i1',
    contentId: 'c1',
    snapshot: 'nightly-1',
    snapshotUuid: 's1',
    endedMs: start - day,
    level: 'restore',
    method: 'restore',
    atMs: start,
    ...rest,
  }
}

export function answerRow(rest: Partial<AnswerRow> = {}): AnswerRow {
  return {
    kind: 'answer',
    runId: 'run-a',
    contentId: 'c1',
    indexId: 'i1',
    snapshotUuid: 's1',
    question: 'documents-1',
    answered: true,
    answer: '{"status":"answered","value":{"documents":1}}',
    atMs: start,
    ...rest,
  }
}

/** Everything that a ledger file says, without what is its own affair. */
export function dump(path: string): Record<string, unknown[]> {
  const db = new Database(path, { readonly: true, fileMustExist: true })
  try {
    const sorted = (sql: string) =>
      db
        .prepare(sql)
        .all()
        .map(row => JSON.stringify(row))
        .sort()
    return {
      runs: sorted('SELECT * FROM run_row'),
      contents: sorted('SELECT * FROM content_row'),
      snapshots: sorted('SELECT * FROM snapshot_row'),
      reached: sorted('SELECT * FROM reached_row'),
      good: sorted('SELECT * FROM good_row'),
      answers: sorted('SELECT * FROM answer_row'),
      measures: sorted('SELECT * FROM measure_row'),
      journals: sorted('SELECT * FROM journal'),
    }
  } finally {
    db.close()
  }
}
