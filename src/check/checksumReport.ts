/**
 * The completion report of an S3 Batch Operations job "Compute checksum" → CRC-32s by key and ETag. S3 read the objects at
 * rest for it, archived ones too.
 *
 * `manifest.json` names CSV files in `results/` beside it; a row is
 * `bucket,key,version,succeeded,200,,"{""checksum_base64"":""bS9TOQ\u003d\u003d"",""etag"":""…"",""checksumAlgorithm"":""CRC32"",
 * ""checksumType"":""FULL_OBJECT"",""checksum_hex"":""6D2F5339""}"`. Keys are URL-encoded, as in the manifest of the job.
 * Source: Amazon S3 User Guide, "Examples: S3 Batch Operations completion reports" (batch-ops-examples-reports), read 2026-11.
 * Files of failed tasks are not read: the Guide's own examples of them are no valid CSV.
 */
import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import type { BlobReader } from '../blobs/port.ts'
import { SnapproofError } from '../errors.ts'
import { type CsvRecord, csvRecords } from './csv.ts'
import { parseReportManifest } from './reportManifest.ts'
import { SumTable } from './sumTable.ts'

/** Why a row is of no use to us; none of these is wrong. */
export const ignoredReasons = [
  'task-failed',
  'other-bucket',
  'other-algorithm',
  'not-full-object',
  'no-etag',
  'contradictory',
] as const
export type IgnoredReason = (typeof ignoredReasons)[number]

export interface ChecksumReport {
  /** For messages. */
  readonly where: string
  /** The sums are those of the bytes at this time or later. UTC epoch milliseconds. */
  readonly computedMs: number
  readonly rows: number
  readonly ignored: Readonly<Record<IgnoredReason, number>>
  /** Files of failed tasks, which were not read. */
  readonly failedFiles: number
  /** By key in the bucket and ETag; null where the report says nothing that counts. */
  sumOf(fullKey: string, etag: string): number | null
}

export interface ChecksumReportOptions {
  /** Where the report lies. */
  readonly reader: BlobReader
  /** Of `manifest.json`, in `reader`. */
  readonly manifestKey: string
  /** Bucket of the repository. */
  readonly bucket: string
  readonly nowMs: number
  /**
   * When the job was created, where that is known (DescribeJob). Without it the sums are dated by the report, which S3 writes
   * when the job has ended: that makes them younger than they are by the length of the job.
   */
  readonly jobCreatedMs?: number
  /** @default 50 million */
  readonly maxRows?: number
  readonly signal: AbortSignal
}

const maxManifestBytes = 4 * 2 ** 20
const csvLimits = { maxRecord: 65_536, maxFields: 7 }

/** @throws SnapproofError `configuration` with file and line where the report is not in the documented form; what `reader` throws */
export async function readChecksumReport(options: ChecksumReportOptions): Promise<ChecksumReport> {
  const { reader, manifestKey, nowMs, jobCreatedMs, maxRows = 50_000_000, signal } = options
  const where = `${reader.url}/${manifestKey}`
  const { bytes } = await reader.read(manifestKey, { maxBytes: maxManifestBytes, signal })
  const manifest = parseReportManifest(bytes, where, nowMs)
  const table = new SumTable()
  const ignored = Object.fromEntries(ignoredReasons.map(reason => [reason, 0])) as Record<IgnoredReason, number>
  let rows = 0
  for (const file of manifest.files) {
    signal.throwIfAborted()
    // The report may have been copied: the file lies beside its manifest, whatever bucket and folder that names.
    const key = `${manifestKey.slice(0, manifestKey.lastIndexOf('/') + 1)}results/${posix.basename(file.key)}`
    const at = `${reader.url}/${key}`
    const { body } = await reader.get(key, { signal })
    const hash = createHash('md5')
    for await (const record of csvRecords(hashed(body, hash), at, csvLimits)) {
      if (++rows > maxRows) throw refusal(at, record.line, `there are more than ${maxRows} rows`)
      const row = readRow(record, at, options.bucket)
      if (typeof row === 'string') {
        ignored[row]++
        continue
      }
      const added = [...row.keys].map(spelling => table.add(entry(spelling, row.etag), row.crc32))
      if (added.includes('conflict')) ignored.contradictory++
    }
    if (hash.digest('hex') !== file.md5) throw refusal(at, null, 'its MD5 is not the one that manifest.json names')
  }
  return {
    where,
    computedMs: Math.min(manifest.createdMs, jobCreatedMs ?? manifest.createdMs),
    rows,
    ignored,
    failedFiles: manifest.failedFiles,
    sumOf: (fullKey, etag) => table.get(entry(fullKey, unquoted(etag))),
  }
}

async function* hashed(body: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for await (const chunk of body) {
    hash.update(chunk)
    yield chunk
  }
}

interface Row {
  readonly keys: ReadonlySet<string>
  readonly etag: string
  readonly crc32: number
}

function readRow({ fields, line }: CsvRecord, where: string, ourBucket: string): Row | IgnoredReason {
  const [bucket, key, , status, , , message] = fields
  if (bucket === undefined || key === undefined || message === undefined || fields.length !== 7) {
    throw refusal(where, line, `there are ${fields.length} fields, expected 7`)
  }
  if (status !== 'succeeded') {
    if (status === 'failed') return 'task-failed'
    throw refusal(where, line, `the status of the task is ${shown(status ?? '')}, expected succeeded or failed`)
  }
  const result = readResult(message, where, line)
  if (bucket !== ourBucket) return 'other-bucket'
  if (result.checksumAlgorithm !== 'CRC32') return 'other-algorithm'
  if (result.checksumType !== 'FULL_OBJECT') return 'not-full-object'
  if (!/^[A-Za-z0-9+/]{5}[AQgw]==$/.test(result.checksum_base64)) {
    throw refusal(where, line, `checksum_base64 is ${shown(result.checksum_base64)}, expected four bytes`)
  }
  const crc32 = Buffer.from(result.checksum_base64, 'base64').readUInt32BE()
  const { checksum_hex: hex } = result
  if (hex !== '' && (!/^[0-9a-fA-F]{8}$/.test(hex) || Number.parseInt(hex, 16) !== crc32)) {
    throw refusal(where, line, `checksum_hex ${shown(hex)} is not checksum_base64 ${shown(result.checksum_base64)}`)
  }
  const etag = unquoted(result.etag)
  return etag === '' ? 'no-etag' : { keys: spellings(key), etag, crc32 }
}

const resultFields = ['checksum_base64', 'checksum_hex', 'etag', 'checksumAlgorithm', 'checksumType'] as const
type ResultFields = Record<(typeof resultFields)[number], string>

/** Texts of the result; `''` where `checksum_hex` or `etag` is absent. */
function readResult(message: string, where: string, line: number): ResultFields {
  const foreign = () => refusal(where, line, 'the result is not that of a job "Compute checksum"')
  let value: unknown
  try {
    value = JSON.parse(message)
  } catch {
    throw foreign()
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw foreign()
  const own = new Map<string, unknown>(Object.entries(value))
  const text = (name: keyof ResultFields): string => {
    const found = own.get(name)
    if (typeof found === 'string') return found
    if ((found === undefined || found === null) && (name === 'etag' || name === 'checksum_hex')) return ''
    throw foreign()
  }
  return {
    checksum_base64: text('checksum_base64'),
    checksum_hex: text('checksum_hex'),
    etag: text('etag'),
    checksumAlgorithm: text('checksumAlgorithm'),
    checksumType: text('checksumType'),
  }
}

/** What the key may stand for; one that is meant by nobody finds no object with the ETag. */
function spellings(key: string): ReadonlySet<string> {
  const found = new Set([key])
  if (!/[%+]/.test(key)) return found
  for (const text of [key, key.replaceAll('+', ' ')]) {
    try {
      found.add(decodeURIComponent(text))
    } catch {
      // Not encoded, then: taken as it is.
    }
  }
  return found
}

/** No key holds a NUL that we ask for. */
function entry(fullKey: string, etag: string): string {
  return `${fullKey}\0${etag}`
}

/** Reports give ETags bare, listings in quotes. */
function unquoted(etag: string): string {
  return etag.replace(/^"(.*)"$/s, '$1')
}

function refusal(where: string, line: number | null, what: string): SnapproofError {
  return new SnapproofError('configuration', `${where}${line === null ? '' : `:${line}`}: ${what}`, {
    advice: 'Give the manifest.json of a completion report of a job "Compute checksum", with its results beside it.',
  })
}

function shown(text: string): string {
  return JSON.stringify(text.length <= 40 ? text : `${text.slice(0, 39)}…`)
}
