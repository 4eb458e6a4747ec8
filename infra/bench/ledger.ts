/**
 * The ledger after a year: 365 nights of 5,000 snapshots at full size. Each night 14 snapshots are new and 14 are gone, 100 of 200 indices
 * were written and restored, and a million data blobs are remembered. `--scale` divides snapshots, contents and blobs.
 */
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createGzip } from 'node:zlib'
import { fold, forgetJournals } from '../../src/ledger/fold.ts'
import { encodeJournal, type StoredJournal, type StoredRow } from '../../src/ledger/journalFormat.ts'
import { LedgerFile } from '../../src/ledger/ledgerFile.ts'
import { inOrderKnown } from '../../src/ledger/order.ts'
import type { Question } from '../../src/ledger/show/answer.ts'
import { show } from '../../src/ledger/show/show.ts'
import type { Measurement } from './result.ts'

const nights = 365
const dayMs = 86_400_000
const startMs = Date.UTC(2026, 0, 1, 2)
const repositoryName = 'production'

interface Size {
  readonly snapshots: number
  readonly indices: number
  readonly contentsANight: number
  readonly blobsOfAnIndex: number
}

export async function benchLedger(scale: number, say: (text: string) => void): Promise<Measurement[]> {
  const size: Size = {
    snapshots: Math.max(10, Math.round(5_000 * scale)),
    indices: Math.max(4, Math.round(200 * scale)),
    contentsANight: Math.max(2, Math.round(100 * scale)),
    blobsOfAnIndex: 5_000,
  }
  const folder = mkdtempSync(join(tmpdir(), 'snapproof-bench-ledger-'))
  try {
    return await measureYear(join(folder, 'ledger.sqlite'), size, say)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureYear(path: string, size: Size, say: (text: string) => void): Promise<Measurement[]> {
  const file = LedgerFile.open(path, { repositoryName, durable: false })
  let journal = 0
  let foldSeconds = 0
  let newsSeconds = 0
  let nowMs = startMs
  for (let night = 0; night < nights; night++) {
    nowMs = startMs + night * dayMs
    const isLast = night === nights - 1
    const all = nightRows(night, nowMs, size, isLast)
    let rows: readonly StoredRow[] = []
    newsSeconds = secondsOf(() => {
      rows = inOrderKnown(file, all, nowMs)
    })
    const one = journalOf(`night-${night}`, nowMs, rows)
    foldSeconds = secondsOf(() => fold(file, [one]))
    journal = encodeJournal(one).length
    forgetJournals(file, nowMs - 37 * dayMs)
    if (night % 73 === 72) say(`night ${night + 1}: ${(statSync(path).size / 1e6).toFixed(0)} MB`)
  }
  const withoutMemory = statSync(path).size
  fold(file, [journalOf('memory', nowMs, memoryRows(nowMs, size))])
  const scope = { atMs: null, nowMs, fromMs: null, toMs: null, snapshot: null, index: null }
  const ask = (question: Question) => secondsOf(() => show(file, question, scope))
  const questions = (['overview', 'good', 'snapshots', 'gaps'] as const).map(one => [one, ask(one)] as const)
  const checkSeconds = secondsOf(() => file.check())
  file.close()
  const bytes = statSync(path).size
  const name = `${nights} nights of ${size.snapshots.toLocaleString('en')} snapshots`
  const row = (measure: string, value: number, unit: Measurement['unit']): Measurement => ({
    id: `ledger-year-${measure.replace(/of .* blobs/, 'of blobs')}`,
    case: name,
    measure,
    value,
    unit,
    target: null,
  })
  return [
    row('ledger file', bytes, 'bytes'),
    row('ledger file, compressed', await compressedBytes(path), 'bytes'),
    row(
      `of it memory of ${(size.indices * size.blobsOfAnIndex).toLocaleString('en')} blobs`,
      bytes - withoutMemory,
      'bytes',
    ),
    row('journal of the last night', journal, 'bytes'),
    row('what is new in the last night', newsSeconds, 'seconds'),
    row('fold of the last night', foldSeconds, 'seconds'),
    row('quick_check', checkSeconds, 'seconds'),
    ...questions.map(([question, seconds]) => row(`ledger show ${question}`, seconds, 'seconds')),
  ]
}

function secondsOf(work: () => unknown): number {
  const started = performance.now()
  work()
  return (performance.now() - started) / 1000
}

async function compressedBytes(path: string): Promise<number> {
  let bytes = 0
  for await (const chunk of createReadStream(path).pipe(createGzip({ level: 6 }))) bytes += chunk.length
  return bytes
}

function journalOf(journalId: string, createdMs: number, rows: readonly StoredRow[]): StoredJournal {
  return { schemaVersion: 1, journalId, repository: repositoryName, runId: journalId, createdMs, rows }
}

/**
 * Snapshots are numbered for ever; a night sees the newest `size.snapshots` of them. What it concludes of those that the night before saw is
 * the same as then and not kept: it is made only where `all` of it is wanted.
 */
function nightRows(night: number, atMs: number, size: Size, all: boolean): StoredRow[] {
  const runId = `20260101T020000Z-${String(night).padStart(8, '0')}`
  const fresh = Math.max(1, Math.round(size.snapshots / nights))
  const newest = size.snapshots + night * fresh
  const rows: StoredRow[] = []
  for (let i = newest - size.snapshots; i < newest; i++) {
    const snapshot = { runId, snapshot: `nightly-2026.01.01-${i}`, snapshotUuid: uuidOf('snapshot', i), atMs }
    const proven = (i * 7) % 10 > 0
    const restore = proven ? 'pass' : 'inconclusive'
    rows.push({
      kind: 'snapshot',
      ...snapshot,
      endedMs: startMs + i * 5_000,
      catalogue: 'pass',
      presence: 'pass',
      restore,
    })
    if (!all && night > 0 && i < newest - fresh) continue
    for (const level of ['catalogue', 'presence', 'bytes', 'restore'] as const) {
      const verdict = level === 'bytes' || level === 'restore' ? restore : 'pass'
      const method =
        verdict !== 'pass' ? null : level === 'presence' ? 'listing' : level === 'restore' ? 'restore' : 'read'
      const creditedFrom = verdict === 'pass' && level === 'restore' && i % 3 > 0 ? [`nightly-2026.01.01-${i - 1}`] : []
      const reason = verdict === 'pass' ? 'proven' : 'not-yet-verified'
      const provenMs = verdict === 'pass' ? atMs : null
      rows.push({ kind: 'reached', ...snapshot, level, verdict, reason, method, provenMs, creditedFrom })
    }
  }
  for (let i = 0; i < size.contentsANight; i++) {
    const index = (night * size.contentsANight + i) % size.indices
    const of = { runId, indexId: uuidOf('index', index), contentId: uuidOf('content', night * 10_000 + i), atMs }
    const from = { snapshot: `nightly-2026.01.01-${newest - 1}`, snapshotUuid: uuidOf('snapshot', newest - 1) }
    const name = `logs-application-${index}`
    rows.push({
      kind: 'content',
      ...of,
      ...from,
      indexName: name,
      verdict: 'pass',
      reason: 'proven',
      method: 'restore',
      witness: digestOf(night * 10_000 + i, 32).toString('hex'),
      seconds: 12.345,
      bytes: 100_000_000 + i,
      luceneDocs: 1_000_000 + i,
      engine: 'elasticsearch 9.5.3',
      message: '',
    })
    rows.push({
      kind: 'good',
      ...of,
      ...from,
      index: name,
      endedMs: atMs - 3_600_000,
      level: 'restore',
      method: 'restore',
    })
  }
  rows.push(runOf(runId, atMs, size))
  return rows
}

function runOf(runId: string, startedMs: number, size: Size): StoredRow {
  return {
    kind: 'run',
    runId,
    command: 'audit',
    startedMs,
    endedMs: startedMs + 3_600_000,
    exitCode: 0,
    toolVersion: '0.1.0',
    generation: 1000,
    repositoryUuid: uuidOf('repository', 0),
    clusterId: uuidOf('cluster', 0),
    planned: size.contentsANight,
    proven: size.contentsANight,
    failed: 0,
    inconclusive: 0,
    debtContents: 0,
    debtBytes: 0,
    findings: 0,
    restoreBytesPerSecond: 50_000_000,
  }
}

/** As checks pack it: 20 bytes for each data blob, which no compression makes smaller; little for each snapshot. */
function memoryRows(atMs: number, size: Size): StoredRow[] {
  const row = (subject: string, data: Buffer): StoredRow => ({
    kind: 'memory',
    subject,
    atMs,
    data: data.toString('base64'),
  })
  return [
    ...Array.from({ length: size.indices }, (_, i) =>
      row(`index:${uuidOf('index', i)}`, digestOf(i, size.blobsOfAnIndex * 20 + size.snapshots / 8)),
    ),
    ...Array.from({ length: size.snapshots }, (_, i) => row(`snapshot:${uuidOf('snapshot', i)}`, digestOf(i, 60))),
  ]
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** 22 characters, the same for the same number. */
function uuidOf(kind: string, number: number): string {
  const bytes = digestOf(number * 31 + kind.length * 7919, 22)
  return Array.from(bytes, byte => digits[byte & 63]).join('')
}

/** Bytes that look random and are the same for the same seed. */
function digestOf(seed: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(Math.round(length))
  let state = (seed * 2654435761 + 1) >>> 0
  for (let i = 0; i < bytes.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state >>> 11
  }
  return bytes
}
