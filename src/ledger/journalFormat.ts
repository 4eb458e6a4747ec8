/**
 * Journals as bytes, and their keys. Bytes from the store are distrusted: every field is checked before it is folded.
 *
 * A journal that a newer program wrote is refused (`ledger-newer`) and never skipped: the ledger would silently know less
 * than the journals.
 */
import { SnapproofError } from '../errors.ts'
import { restings } from '../model/baseline.ts'
import type {
  AnswerRow,
  ContentRow,
  GoodRow,
  Journal,
  JournalRow,
  MappingRow,
  MeasureRow,
  MemoryRow,
  ReachedRow,
  RunRow,
  SnapshotRow,
} from '../model/journal.ts'
import { maxCreditedFrom } from '../model/journal.ts'
import { reasons } from '../model/verdict.ts'

/** Rows carry `orderMs` where it differs from `atMs`: README.md, "Times". */
interface Ordered {
  readonly orderMs?: number
}
export type StoredContentRow = ContentRow & Ordered
export type StoredReachedRow = ReachedRow & Ordered
export type StoredGoodRow = GoodRow & Ordered
/** `knownRuns`: other runs that the ledger of the writing run knew; null in rows of before schema version 3. */
export type StoredRunRow = RunRow & { readonly knownRuns?: number | null }
export type StoredRow =
  | StoredRunRow
  | StoredContentRow
  | SnapshotRow
  | StoredReachedRow
  | StoredGoodRow
  | AnswerRow
  | MeasureRow
  | MappingRow
  | MemoryRow
export interface StoredJournal extends Journal {
  readonly rows: readonly StoredRow[]
}

/** A journal that cannot be folded; the others can. */
export class DamagedJournal extends Error {
  override readonly name = 'DamagedJournal'
}

type Field =
  | 'time'
  | 'time?'
  | 'text'
  | 'text?'
  | 'number'
  | 'number?'
  | 'whole'
  | 'whole?'
  | 'base64'
  | 'flag'
  | 'texts'
  | readonly (string | null)[]
type Fields<Row> = Readonly<Record<Exclude<keyof Row, 'kind'>, Field>>

const anyVerdict = ['pass', 'fail', 'inconclusive', 'not-applicable']
const anyLevel = ['catalogue', 'presence', 'bytes', 'restore', 'rules']
const anyMethod = ['read', 'listing', 'store-computed', 'store-recorded', 'restore', 'chained', null]

/** One entry for each field of the row types: adding a field there without a column here does not compile. */
const runFields: Fields<RunRow> = {
  runId: 'text',
  command: 'text',
  startedMs: 'time',
  endedMs: 'time',
  exitCode: 'whole',
  toolVersion: 'text',
  generation: 'whole',
  repositoryUuid: 'text?',
  clusterId: 'text?',
  planned: 'whole',
  proven: 'whole',
  failed: 'whole',
  inconclusive: 'whole',
  debtContents: 'whole',
  debtBytes: 'whole',
  findings: 'whole',
  restoreBytesPerSecond: 'number?',
}
const contentFields: Fields<ContentRow> = {
  runId: 'text',
  contentId: 'text',
  indexId: 'text',
  indexName: 'text',
  snapshot: 'text',
  snapshotUuid: 'text',
  verdict: ['pass', 'fail', 'inconclusive'],
  reason: 'text',
  method: ['restore', 'chained'],
  witness: 'text?',
  atMs: 'time',
  seconds: 'number',
  bytes: 'whole',
  luceneDocs: 'whole?',
  engine: 'text',
  message: 'text',
}
const snapshotFields: Fields<SnapshotRow> = {
  runId: 'text',
  snapshot: 'text',
  snapshotUuid: 'text',
  endedMs: 'time?',
  atMs: 'time',
  catalogue: anyVerdict,
  presence: anyVerdict,
  restore: anyVerdict,
}
const reachedFields: Fields<ReachedRow> = {
  runId: 'text',
  snapshot: 'text',
  snapshotUuid: 'text',
  level: anyLevel,
  verdict: anyVerdict,
  reason: 'text',
  method: anyMethod,
  provenMs: 'time?',
  creditedFrom: 'texts',
  atMs: 'time',
}
const goodFields: Fields<GoodRow> = {
  runId: 'text',
  index: 'text',
  indexId: 'text?',
  contentId: 'text?',
  snapshot: 'text?',
  snapshotUuid: 'text?',
  endedMs: 'time?',
  level: anyLevel,
  method: anyMethod,
  atMs: 'time',
}
const answerFields: Fields<AnswerRow> = {
  runId: 'text',
  contentId: 'text',
  indexId: 'text',
  snapshotUuid: 'text',
  question: 'text',
  answered: 'flag',
  answer: 'text',
  atMs: 'time',
}
const measureFields: Fields<MeasureRow> = {
  runId: 'text',
  index: 'text',
  indexId: 'text',
  snapshot: 'text',
  snapshotUuid: 'text',
  endedMs: 'time',
  documents: 'whole?',
  bytes: 'whole',
  sequence: 'whole?',
  contentId: 'text?',
  metadataKey: 'text?',
  fields: 'whole?',
  mapping: 'text?',
  resting: [...restings, null],
  judged: 'flag',
  atMs: 'time',
}
const mappingFields: Fields<MappingRow> = { digest: 'text', fields: 'text', atMs: 'time' }
const memoryFields: Fields<MemoryRow> = { subject: 'text', atMs: 'time', data: 'base64' }

/** What a `Date` can hold. */
const maxTimeMs = 8.64e15

/** Largest journal that is written or read. */
export const maxJournalBytes = 32 * 1024 * 1024
export const journalFolder = 'journals/'

/** `journals/<yyyy>/<mm>/<dd>/<createdMs>-<journalId>.json`, the day in UTC. */
export function journalKey(createdMs: number, journalId: string): string {
  return `${dayFolder(createdMs)}${createdMs}-${journalId}.json`
}

/** `journals/<yyyy>/<mm>/<dd>/`: sorts before every journal of that day and after every journal of the day before. */
export function dayFolder(ms: number): string {
  return `${journalFolder}${new Date(ms).toISOString().slice(0, 10).replaceAll('-', '/')}/`
}

/** Null for a key that is no journal's. */
export function parseJournalKey(key: string): { readonly createdMs: number; readonly journalId: string } | null {
  const match = /\/(\d{1,15})-([A-Za-z0-9][A-Za-z0-9_-]{0,63})\.json$/.exec(key)
  const createdMs = Number(match?.[1])
  const journalId = match?.[2]
  if (journalId === undefined || journalKey(createdMs, journalId) !== key) return null
  return { createdMs, journalId }
}

export function encodeJournal(journal: StoredJournal): Buffer {
  return Buffer.from(JSON.stringify(journal))
}

/** @throws DamagedJournal; SnapproofError `ledger-newer` for a version, row or reason that this program does not know. */
export function decodeJournal(bytes: Buffer, key: string): StoredJournal {
  const value = parse(bytes, key)
  if (typeof value.schemaVersion === 'number' && value.schemaVersion > 1)
    throw newer(`journal ${key} has schema version ${value.schemaVersion}, this program knows 1`)
  const { journalId, repository, runId, createdMs, rows } = value
  if (
    value.schemaVersion !== 1 ||
    typeof journalId !== 'string' ||
    typeof repository !== 'string' ||
    typeof runId !== 'string' ||
    typeof createdMs !== 'number' ||
    !Array.isArray(rows)
  )
    throw new DamagedJournal(`journal ${key} lacks a field of its frame`)
  const named = parseJournalKey(key)
  if (named?.journalId !== journalId || named.createdMs !== createdMs)
    throw new DamagedJournal(`journal ${key} says that it is ${journalId} of ${createdMs}`)
  return { schemaVersion: 1, journalId, repository, runId, createdMs, rows: rows.map(row => decodeRow(row, key)) }
}

/** The row with exactly the known fields, in a fixed order. Throws like `decodeJournal`. */
export function decodeRow(value: unknown, where: string): StoredRow {
  if (!isRecord(value)) throw new DamagedJournal(`${where} holds a row that is no object`)
  switch (value.kind) {
    case 'run': {
      const row: RunRow = { kind: 'run', ...pick<RunRow>(value, runFields, where) }
      const { knownRuns = null } = value
      if (!fits(knownRuns, 'whole?'))
        throw new DamagedJournal(`${where} holds a row whose knownRuns is ${show(knownRuns)}`)
      return knownRuns === null ? row : { ...row, knownRuns: Number(knownRuns) }
    }
    case 'content':
      return inOrder(
        knownReason({ kind: 'content', ...pick<ContentRow>(value, contentFields, where) }, where),
        value,
        where,
      )
    case 'reached':
      return inOrder(
        knownReason({ kind: 'reached', ...pick<ReachedRow>(value, reachedFields, where) }, where),
        value,
        where,
      )
    case 'good':
      return inOrder({ kind: 'good', ...pick<GoodRow>(value, goodFields, where) }, value, where)
    case 'snapshot':
      return { kind: 'snapshot', ...pick<SnapshotRow>(value, snapshotFields, where) }
    case 'answer':
      return { kind: 'answer', ...pick<AnswerRow>(value, answerFields, where) }
    case 'measure':
      return { kind: 'measure', ...pick<MeasureRow>(value, measureFields, where) }
    case 'mapping':
      return { kind: 'mapping', ...pick<MappingRow>(value, mappingFields, where) }
    case 'memory':
      return { kind: 'memory', ...pick<MemoryRow>(value, memoryFields, where) }
    default:
      throw newer(`${where} holds a row of the kind ${show(value.kind)}`)
  }
}

function knownReason<Row extends ContentRow | ReachedRow>(row: Row, where: string): Row {
  if (!Object.hasOwn(reasons, row.reason)) throw newer(`${where} holds the reason ${JSON.stringify(row.reason)}`)
  return row
}

function inOrder<Row extends ContentRow | ReachedRow | GoodRow>(
  row: Row,
  { orderMs }: Record<string, unknown>,
  where: string,
): Row & Ordered {
  if (orderMs === undefined || orderMs === row.atMs) return row
  if (!fits(orderMs, 'time')) throw new DamagedJournal(`${where} holds a row whose orderMs is ${show(orderMs)}`)
  return { ...row, orderMs: Number(orderMs) }
}

function pick<Row extends JournalRow>(
  value: Record<string, unknown>,
  fields: Fields<Row>,
  where: string,
): Omit<Row, 'kind'> {
  const row: Record<string, unknown> = {}
  for (const [name, field] of Object.entries<Field>(fields)) {
    if (!fits(value[name], field))
      throw new DamagedJournal(`${where} holds a ${show(value.kind)} row whose ${name} is ${show(value[name])}`)
    row[name] = value[name]
  }
  // Every field of the type was checked just now against a table that the compiler keeps complete.
  return row as Omit<Row, 'kind'>
}

function fits(value: unknown, field: Field): boolean {
  if (typeof field === 'object') return (typeof value === 'string' || value === null) && field.includes(value)
  if (field === 'texts')
    return Array.isArray(value) && value.length <= maxCreditedFrom && value.every(text => typeof text === 'string')
  if (field.endsWith('?') && value === null) return true
  if (field === 'flag') return typeof value === 'boolean'
  if (field === 'base64') return typeof value === 'string' && isBase64(value)
  if (field.startsWith('text')) return typeof value === 'string'
  if (field.startsWith('time')) return Number.isSafeInteger(value) && Math.abs(Number(value)) <= maxTimeMs
  return field.startsWith('whole') ? Number.isSafeInteger(value) : Number.isFinite(value)
}

/** Exactly as it is written again, so that equal bytes are equal texts. */
function isBase64(text: string): boolean {
  return text.length % 4 === 0 && Buffer.from(text, 'base64').toString('base64') === text
}

function parse(bytes: Buffer, key: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new DamagedJournal(`journal ${key} is not JSON`, { cause: error })
  }
  if (!isRecord(value)) throw new DamagedJournal(`journal ${key} is not a JSON object`)
  return value
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 60)
}

function newer(message: string): SnapproofError {
  return new SnapproofError('ledger-newer', message, {
    advice: 'A newer version of Snapproof has written it: run that version, or a later one.',
  })
}
