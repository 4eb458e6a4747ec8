/** The commands: flags in, a result on stdout, an exit code out. What they do lives in `run/`. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeError, type ExitCode, exitCodes, isSnapproofError } from '../errors.ts'
import type { AuditConfig } from '../model/config.ts'
import { depthOf } from '../model/deep.ts'
import type { RunResult } from '../model/run.ts'
import { serializeRun } from '../report/run-json.ts'
import { renderSummary } from '../report/summary.ts'
import { audit } from '../run/audit.ts'
import type { RunDependencies } from '../run/dependencies.ts'
import { type InspectOptions, inspectLines, inspect as inspectRepository } from '../run/inspect.ts'
import { KeptRestores } from '../run/keep.ts'
import { parseTarget, rehearseSurvey } from '../run/rehearse.ts'
import { mustSee, selfCheck } from '../run/selfCheck/selfCheck.ts'
import { survey } from '../run/survey.ts'
import { type PlanArrayFlags, planArrayCommand } from './arrayCommands.ts'
import { collectOverdue } from './arrayPlan.ts'
import { buildRun, type CliContext, type CommonFlags, openConfigured, readConfig } from './context.ts'
import { clearExports, type ExportFlags, writeExports } from './exports.ts'
import { keepMilliseconds, keepOpen } from './keepOpen.ts'
import { type Notice, noNotice, notified } from './notify.ts'
import { removeOldRuns } from './oldRuns.ts'
import { describePlan, planJson } from './planText.ts'
import { describeRehearsal, rehearsalJson } from './rehearseText.ts'
import { bytesText, countText, tableText } from './words.ts'
import { writeIndex } from './writeIndex.ts'

export interface LimitFlags {
  readonly maxSnapshots?: number | undefined
  readonly maxBytes?: string | undefined
  readonly maxDuration?: string | undefined
  readonly maxCostUsd?: string | undefined
}

export interface AuditFlags extends CommonFlags, LimitFlags, ExportFlags {
  readonly out?: string | undefined
  readonly metrics?: boolean | undefined
  readonly deep?: boolean | undefined
  /** `audit` alone tells others. */
  readonly notify?: boolean | undefined
  readonly dryRun?: boolean | undefined
}

export async function auditCommand(context: CliContext, flags: AuditFlags): Promise<ExitCode> {
  if (flags.dryRun) return planCommand(context, flags)
  await clearExports(flags)
  const config = await readConfig(context, flags, undefined, overridesOf(flags))
  const options = { command: 'audit', only: null, limits: config.limits } as const
  return notified(context, config, { command: 'audit', silent: flags.notify === false }, notice =>
    runAndReport(context, config, flags, options, notice),
  )
}

export async function verifyCommand(
  context: CliContext,
  flags: AuditFlags & { readonly snapshots: readonly string[]; readonly keep?: number | undefined },
): Promise<ExitCode> {
  await clearExports(flags)
  const keepMs = flags.keep === undefined ? null : keepMilliseconds(flags.keep)
  const config = await readConfig(context, flags, undefined, overridesOf(flags))
  const limits = { ...config.limits, snapshots: null }
  const options = { command: 'verify', only: flags.snapshots, limits } as const
  if (keepMs === null) return runAndReport(context, config, flags, options, noNotice)
  const keep = new KeptRestores()
  return runAndReport(context, config, flags, { ...options, keep }, noNotice, () => keepOpen(keep, keepMs, context))
}

async function runAndReport(
  context: CliContext,
  config: AuditConfig,
  flags: AuditFlags,
  options: Parameters<typeof audit>[1],
  notice: Notice,
  /** When the result was printed; the work folder is still there. */
  afterwards: () => Promise<void> = async () => {},
): Promise<ExitCode> {
  await collectOverdue(context, config, null, flags.notify === false)
  for (const engine of config.work.deep ? config.engines : []) {
    if (depthOf(engine) === 'structure') continue
    const message = `work.deep: CheckIndex of ${engine.product} ${engine.version} compares checksums only; Elasticsearch 8 and OpenSearch 2 look at all that is in the files`
    context.log.warn(message, { engine: engine.name })
  }
  const { dependencies, close } = await buildRun(context, config, flags.out)
  try {
    await tryKey(dependencies, context)
    const result = await audit(notice.of(dependencies), options)
    notice.came(result)
    context.log.clear()
    context.print(flags.json ? serializeRun(result).trimEnd() : humanResult(result, dependencies.output.folder))
    await writeExports(flags, result, context.clock.nowMs())
    if (flags.out === undefined) await removeOldRuns(config.output, context)
    await writeIndex(context, config, result, flags.out === undefined)
    await afterwards()
    return result.exit.code
  } finally {
    await options.keep?.close()
    await close()
  }
}

/** A key that cannot sign is told before the night, not after it; a KMS that does not answer now may answer then. */
async function tryKey({ seals }: RunDependencies, { log, signal }: CliContext): Promise<void> {
  try {
    await seals?.signer(signal)
  } catch (error) {
    if (!isSnapproofError(error, 'unavailable')) throw error
    log.warn(`the key of the seals is asked again when the run ends: ${describeError(error)}`)
  }
}

function humanResult(result: RunResult, folder: string): string {
  return `${renderSummary(result).trimEnd()}\n\nReport: ${join(folder, 'report.html')}\nData:   ${join(folder, 'run.json')}`
}

export async function planCommand(
  context: CliContext,
  flags: AuditFlags & PlanArrayFlags & { readonly rehearse?: string | undefined },
): Promise<ExitCode> {
  const target = flags.rehearse === undefined ? null : parseTarget(flags.rehearse)
  const config = await readConfig(context, flags, undefined, overridesOf(flags))
  if (flags.children !== undefined) return planArrayCommand(context, flags, config)
  mustSee(await selfCheck(context.clock, context.signal))
  const { dependencies, close } = await buildRun(context, config, flags.out)
  const ledger = await dependencies.openLedger({ readOnly: true })
  try {
    const seen = await survey(dependencies, ledger, { only: null, limits: config.limits, readOnly: true })
    context.log.clear()
    if (target !== null) {
      const rehearsal = await rehearseSurvey(seen, target, context.signal)
      context.print(flags.json ? JSON.stringify(rehearsalJson(rehearsal), null, 2) : describeRehearsal(rehearsal))
      return rehearsal.snapshots.some(({ outcome }) => outcome === 'dies') ? exitCodes.finding : exitCodes.good
    }
    context.print(flags.json ? JSON.stringify(planJson(seen), null, 2) : describePlan(seen))
    return exitCodes.good
  } finally {
    await ledger.close()
    await close()
  }
}

export interface InspectFlags extends CommonFlags {
  readonly url?: string | undefined
  readonly jsonl?: boolean | undefined
  readonly snapshot?: string | undefined
  readonly index?: string | undefined
  readonly shards?: boolean | undefined
}

export async function inspectCommand(context: CliContext, flags: InspectFlags): Promise<ExitCode> {
  const config = await readConfig(context, flags, flags.url)
  const repository = openConfigured(config.repository, context.clock, config.work.requests)
  try {
    const options: InspectOptions = {
      snapshot: flags.snapshot ?? null,
      index: flags.index ?? null,
      shards: flags.shards ?? true,
      requests: config.work.requests,
      maxMetadataBytes: config.work.maxMetadataBytes,
      log: context.log,
      signal: context.signal,
    }
    if (flags.jsonl) {
      for await (const line of inspectLines(repository, { ...options, temporaryFolder: tmpdir() })) {
        context.log.clear()
        context.print(line)
      }
      return exitCodes.good
    }
    const found = await inspectRepository(repository, options)
    context.log.clear()
    if (flags.json) context.print(JSON.stringify(found, null, 2))
    else context.print(inspectionText(found))
    return exitCodes.good
  } finally {
    await repository.close()
  }
}

function inspectionText(found: Awaited<ReturnType<typeof inspectRepository>>): string {
  const { repository, snapshots, totals, faults } = found
  const rows = snapshots.map(snapshot => [
    snapshot.name,
    snapshot.state ?? '-',
    snapshot.endedAt ?? '-',
    countText(snapshot.indices.length),
    bytesText(snapshot.indices.reduce((sum, index) => sum + (index.bytes ?? 0), 0)),
    countText(docsOf(snapshot.indices)),
  ])
  const lines = [
    `Generation ${repository.generation}, format ${repository.format ?? 'unversioned'}, uuid ${repository.uuid ?? 'none'}`,
    '',
    tableText([['SNAPSHOT', 'STATE', 'ENDED', 'INDICES', 'SIZE', 'LUCENE DOCS'], ...rows]),
    '',
    `${countText(totals.snapshots)} snapshots, ${countText(totals.indices)} indices in them, ${countText(totals.blobs)} data blobs: ` +
      `${bytesText(totals.logicalBytes)} when restored one by one, ${bytesText(totals.uniqueBytes)} stored`,
    ...faults.map(fault => tableText([[`! ${fault}`]])),
  ]
  return lines.join('\n')
}

function docsOf(
  indices: readonly { readonly shards?: readonly { readonly luceneDocs: number | null }[] }[],
): number | null {
  let sum = 0
  for (const index of indices) {
    for (const shard of index.shards ?? [{ luceneDocs: null }]) {
      if (shard.luceneDocs === null) return null
      sum += shard.luceneDocs
    }
  }
  return sum
}

export function overridesOf(flags: AuditFlags): Record<string, string | number | boolean | undefined> {
  return {
    'limits.snapshots': flags.maxSnapshots,
    'limits.restoreBytes': flags.maxBytes,
    'limits.duration': flags.maxDuration,
    'limits.costUsd': flags.maxCostUsd,
    'work.deep': flags.deep,
    ...(flags.metrics === false ? { 'metrics.enabled': false } : {}),
  }
}
