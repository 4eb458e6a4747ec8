/** Retention of evidence on the local disk: folders of runs that are older than the owner keeps them. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError } from '../errors.ts'
import type { AuditConfig } from '../model/config.ts'
import type { CliContext } from './context.ts'

/** As `newRunId` names them. */
const runFolder = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-[0-9a-f]{8}$/

/** Nothing but folders that a run of ours made is touched. What cannot be removed is said, and ends no night. */
export async function removeOldRuns(
  { folder, keepEvidenceDays }: Pick<AuditConfig['output'], 'folder' | 'keepEvidenceDays'>,
  { clock, log }: Pick<CliContext, 'clock' | 'log'>,
): Promise<void> {
  if (keepEvidenceDays === null) return
  const before = clock.nowMs() - keepEvidenceDays * 86_400_000
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    for (const entry of entries) {
      const [, year, month, day, hour, minute, second] = runFolder.exec(entry.name) ?? []
      if (!entry.isDirectory() || year === undefined) continue
      const startedMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
      if (!(startedMs < before)) continue
      await rm(join(folder, entry.name), { recursive: true, force: true })
      log.info(`the evidence of the run ${entry.name} was kept for ${keepEvidenceDays} days and is removed`)
    }
  } catch (error) {
    log.warn('old evidence could not be removed', { folder, error: describeError(error) })
  }
}
