/** The sums that the store itself has, from what the user names. */
import type { BlobReader } from '../blobs/port.ts'
import { readChecksumReport } from '../check/checksumReport.ts'
import { type StoreSums, storeSums } from '../check/storeChecksums.ts'
import type { Log } from '../log.ts'

export interface StoreSumsRequest {
  readonly repository: BlobReader
  /** Of the repository; reports are matched by it. */
  readonly bucket: string
  /** Each `manifest.json` of a completion report, in the store that holds it. */
  readonly reports: readonly { readonly reader: BlobReader; readonly manifestKey: string }[]
  /** Ask for the sums that were recorded at upload too. */
  readonly recorded: boolean
  readonly nowMs: number
  readonly log: Log
  readonly signal: AbortSignal
}

/** @throws SnapproofError `configuration` for a report that is none, with file and line; those of the store */
export async function openStoreSums(request: StoreSumsRequest): Promise<StoreSums> {
  const { repository, bucket, recorded, nowMs, log, signal } = request
  const reports = []
  for (const { reader, manifestKey } of request.reports) {
    const report = await readChecksumReport({ reader, manifestKey, bucket, nowMs, signal })
    const ignored = Object.fromEntries(Object.entries(report.ignored).filter(([, count]) => count > 0))
    log.info(`read the checksum report ${report.where}`, {
      rows: report.rows,
      failedFiles: report.failedFiles,
      ...ignored,
    })
    reports.push(report)
  }
  return storeSums({ reader: repository, reports, recorded })
}
