/** `check`: catalogue, presence and bytes of all snapshots, without an engine. */
import { parseStoreUrl } from '../blobs/open.ts'
import type { Store } from '../blobs/write-probe.ts'
import { type ExitCode, SnapproofError } from '../errors.ts'
import type { AuditConfig } from '../model/config.ts'
import { type CheckLevel, type CheckReport, checkReport } from '../run/checkReport.ts'
import { openStoreSums } from '../run/checksumReports.ts'
import { mustSee, selfCheck } from '../run/selfCheck/selfCheck.ts'
import { type CliContext, type CommonFlags, newCounts, openCheckMemory, openConfigured, readConfig } from './context.ts'
import { bytesText, countText, tableText } from './words.ts'

export interface CheckFlags extends CommonFlags {
  readonly url?: string | undefined
  readonly level: CheckLevel
  readonly maxBytes?: string | undefined
  readonly maxDuration?: string | undefined
  readonly maxRequests?: number | undefined
  readonly checksumReport?: readonly string[] | undefined
  readonly recordedChecksums?: boolean | undefined
  readonly footers?: boolean | undefined
}

export async function checkCommand(context: CliContext, flags: CheckFlags): Promise<ExitCode> {
  // The limits are read by the configuration's own rules for sizes and durations.
  const limits = { 'limits.restoreBytes': flags.maxBytes, 'limits.duration': flags.maxDuration }
  const config = await readConfig(context, flags, flags.url, limits)
  const { maxRequests = null } = flags
  if (maxRequests !== null && !(Number.isSafeInteger(maxRequests) && maxRequests > 0))
    throw new SnapproofError('usage', `--max-requests is ${maxRequests}, expected a whole number above 0`)
  const auditor = await selfCheck(context.clock, context.signal)
  mustSee(auditor)
  const counts = newCounts()
  const repository = openConfigured(config.repository, context.clock, config.work.requests, counts)
  const remembered = await openCheckMemory(context, config, flags)
  try {
    const sums = await openSums(context, config, repository, flags)
    const { report: seen, exitCode } = await checkReport({
      level: flags.level,
      maxBytes: flags.maxBytes === undefined ? null : config.limits.restoreBytes,
      maxSeconds: flags.maxDuration === undefined ? null : config.limits.durationSeconds,
      maxRequests,
      memory: remembered?.memory ?? null,
      storeSums: sums,
      footers: flags.footers ?? false,
      blobs: repository,
      counts,
      prices: config.costs.prices,
      requests: config.work.requests,
      maxMetadataBytes: config.work.maxMetadataBytes,
      clock: context.clock,
      log: context.log,
      signal: context.signal,
    })
    const { planted, found, seconds } = auditor
    const report = { ...seen, stats: { ...seen.stats, selfCheck: { planted, found, seconds } } }
    await remembered?.store()
    context.log.clear()
    context.print(flags.json ? JSON.stringify(report, null, 2) : checkText(report, flags.level))
    return exitCode
  } finally {
    await remembered?.close()
    await repository.close()
  }
}

/** The store's own checksums, where the user names reports or allows recorded ones. */
async function openSums(
  { clock, log, signal }: CliContext,
  { repository: store, work }: AuditConfig,
  repository: Store,
  { checksumReport = [], recordedChecksums = false }: CheckFlags,
): Promise<Awaited<ReturnType<typeof openStoreSums>> | null> {
  if (checksumReport.length === 0 && !recordedChecksums) return null
  const parsed = parseStoreUrl(store.url)
  if (parsed.kind !== 's3')
    throw new SnapproofError('usage', `${store.url} is no bucket: only S3 has checksums of its own`)
  const opened: Store[] = []
  try {
    const reports = checksumReport.map(url => {
      const at = url.lastIndexOf('/')
      if (!url.endsWith('.json'))
        throw new SnapproofError('usage', `--checksum-report is ${url}, expected the URL of a manifest.json`)
      const reader = openConfigured({ ...store, url: url.slice(0, at) }, clock, work.requests)
      opened.push(reader)
      return { reader, manifestKey: url.slice(at + 1) }
    })
    const { bucket } = parsed
    return await openStoreSums({
      repository,
      bucket,
      reports,
      recorded: recordedChecksums,
      nowMs: clock.nowMs(),
      log,
      signal,
    })
  } finally {
    for (const reader of opened) await reader.close()
  }
}

function checkText({ verdicts, findings, lastGood, stats }: CheckReport, level: CheckLevel): string {
  const rows = verdicts.filter(row => row.level === level).map(row => [row.snapshot, row.verdict, row.reason])
  const lines = [tableText([['SNAPSHOT', level.toUpperCase(), 'REASON'], ...rows])]
  for (const finding of findings) {
    lines.push('', tableText([[`${finding.severity.toUpperCase()} ${finding.code}: ${finding.message}`]]))
    if (finding.snapshots.length > 0) {
      const names = finding.snapshots.map(uuid => verdicts.find(row => row.uuid === uuid)?.snapshot ?? uuid)
      lines.push(tableText([[`  snapshots: ${names.join(', ')}`]]))
    }
    lines.push(`  ${finding.advice}`)
  }
  if (verdicts.some(row => row.reason === 'limit-reached'))
    lines.push('', 'A limit was reached before all was seen. With --ledger FILE the next run goes on from here.')
  const lost = lastGood.filter(row => row.snapshot === null).map(row => row.index)
  if (findings.some(finding => finding.severity === 'error')) {
    lines.push(
      '',
      tableText([
        ['INDEX', `LAST GOOD BY ${level.toUpperCase()}`],
        ...lastGood.map(row => [row.index, row.snapshot ?? 'none']),
      ]),
    )
  }
  if (lost.length > 0) lines.push('', tableText([[`No good snapshot of: ${lost.join(', ')}`]]))
  lines.push(
    '',
    `${countText(stats.requests)} requests, ${bytesText(stats.bytesRead)} read, ${stats.seconds.toFixed(1)} s`,
  )
  return lines.join('\n')
}
