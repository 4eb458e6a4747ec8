/**
 * `manifest.json` of a completion report of S3 Batch Operations.
 * Source: Amazon S3 User Guide, "Examples: S3 Batch Operations completion reports".
 */
import { SnapproofError } from '../errors.ts'

export interface ReportManifest {
  /** UTC epoch milliseconds. */
  readonly createdMs: number
  /** Of tasks that succeeded. */
  readonly files: readonly { readonly key: string; readonly md5: string }[]
  readonly failedFiles: number
}

const format = 'Report_CSV_20180820'
const schema = 'Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage'
/** How far a clock of ours may be behind. */
const toleranceMs = 5 * 60_000

/** @throws SnapproofError `configuration` */
export function parseReportManifest(bytes: Buffer, where: string, nowMs: number): ReportManifest {
  const refuse = (what: string) =>
    new SnapproofError('configuration', `${where}: ${what}`, {
      advice: 'Give the manifest.json of a completion report of S3 Batch Operations.',
    })
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch {
    throw refuse('it is not JSON')
  }
  const manifest = record(value)
  if (manifest === null) throw refuse('it is not a JSON object')
  const expect = (name: string, expected: string) => {
    const got = manifest.get(name)
    if (got !== expected) throw refuse(`${name} is ${shown(got)}, expected ${shown(expected)}`)
  }
  expect('Format', format)
  expect('ReportSchema', schema)
  const created = manifest.get('ReportCreationDate')
  const createdMs =
    typeof created === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(created) ? Date.parse(created) : Number.NaN
  if (Number.isNaN(createdMs)) throw refuse(`ReportCreationDate is ${shown(created)}, expected a time in UTC`)
  if (createdMs > nowMs + toleranceMs) throw refuse(`ReportCreationDate ${shown(created)} lies in the future`)
  const results = manifest.get('Results')
  if (!Array.isArray(results)) throw refuse('Results is not a list')
  const files: { key: string; md5: string }[] = []
  let failedFiles = 0
  for (const [i, result] of (results as unknown[]).entries()) {
    const fields = record(result)
    const status = fields?.get('TaskExecutionStatus')
    const key = fields?.get('Key')
    const md5 = fields?.get('MD5Checksum')
    if (status === 'failed') {
      failedFiles++
      continue
    }
    if (status !== 'succeeded') throw refuse(`Results[${i}].TaskExecutionStatus is ${shown(status)}`)
    if (typeof key !== 'string' || !/[^/]+\.csv$/.test(key))
      throw refuse(`Results[${i}].Key is ${shown(key)}, expected that of a CSV file`)
    if (typeof md5 !== 'string' || !/^[0-9a-f]{32}$/i.test(md5))
      throw refuse(`Results[${i}].MD5Checksum is ${shown(md5)}, expected 32 hexadecimal digits`)
    files.push({ key, md5: md5.toLowerCase() })
  }
  return { createdMs, files, failedFiles }
}

function record(value: unknown): ReadonlyMap<string, unknown> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return new Map<string, unknown>(Object.entries(value))
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'not there'
  return text.length <= 100 ? text : `${text.slice(0, 99)}…`
}
