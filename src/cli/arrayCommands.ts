/** `plan --children`, `work`, `collect`: one night on many machines. */
import { join } from 'node:path'
import { durationAllowed, parseDuration } from '../config/units.ts'
import { type ExitCode, exitCodes, SnapproofError } from '../errors.ts'
import type { AuditConfig } from '../model/config.ts'
import { serializeRun } from '../report/run-json.ts'
import { renderSummary } from '../report/summary.ts'
import { type ChildOutcome, workChild } from '../run/array/child.ts'
import type { Collected } from '../run/array/documents.ts'
import { folderOfPlan } from '../run/array/folder.ts'
import { type PlannedArray, planArray } from '../run/array/plan.ts'
import { collectOverdue, collectPlan, openFolder, ownerText, sharedLedger } from './arrayPlan.ts'
import { buildRun, type CliContext, type CommonFlags, readConfig } from './context.ts'
import { clearExports, type ExportFlags, writeExports } from './exports.ts'
import { type Notice, notified } from './notify.ts'
import { bytesText, countText, secondsText } from './words.ts'
import { writeIndex } from './writeIndex.ts'

/** A plan is forgotten by the ledger after a month; long before that somebody must have looked. */
const longestDeadlineDays = 14
export const defaultDeadline = '24h'
/** Of AWS Batch: which child of an array job this is. */
export const childVariable = 'AWS_BATCH_JOB_ARRAY_INDEX'

export interface PlanArrayFlags extends CommonFlags {
  readonly children?: number | undefined
  readonly out?: string | undefined
  readonly deadline?: string | undefined
}

/** `config` with the limits of the flags. */
export async function planArrayCommand(
  context: CliContext,
  flags: PlanArrayFlags,
  config: AuditConfig,
): Promise<ExitCode> {
  const { children = 0, deadline = defaultDeadline } = flags
  if (!(Number.isSafeInteger(children) && children > 0))
    throw new SnapproofError('usage', `--children is ${children}, expected a whole number above 0`)
  const deadlineSeconds = parseDuration(deadline)
  if (deadlineSeconds === null || deadlineSeconds <= 0 || deadlineSeconds > longestDeadlineDays * 86_400)
    throw new SnapproofError(
      'usage',
      `--deadline is ${deadline}, expected ${durationAllowed}, at most ${longestDeadlineDays}d`,
    )
  if (flags.out !== undefined) folderOfPlan(flags.out)
  const shared = sharedLedger(config)
  await collectOverdue(context, config, flags.out)
  const { dependencies, close } = await buildRun(context, config, undefined)
  const url = flags.out ?? `${shared.url.replace(/\/+$/, '')}/arrays/${dependencies.runId}/plan.json`
  const { folder, close: closeFolder } = openFolder(context, config, url)
  try {
    const planned = await planArray(dependencies, { folder, children, limits: config.limits, deadlineSeconds })
    context.log.clear()
    context.print(flags.json ? JSON.stringify(planned.summary, null, 2) : describeArray(planned))
    return exitCodes.good
  } finally {
    await closeFolder()
    await close()
  }
}

export interface WorkFlags extends CommonFlags {
  readonly plan: string
  readonly child?: number | undefined
}

export async function workCommand(context: CliContext, flags: WorkFlags): Promise<ExitCode> {
  const config = await readConfig(context, flags, undefined)
  sharedLedger(config)
  const { folder, close: closeFolder } = openFolder(context, config, flags.plan)
  try {
    const plan = await folder.readPlan(context.signal)
    const child = childOf(context, flags, plan.children.length)
    const { dependencies, close } = await buildRun(context, config, undefined)
    try {
      const outcome = await workChild(dependencies, { folder, plan, child, owner: ownerText() })
      context.log.clear()
      context.print(flags.json ? JSON.stringify(outcome, null, 2) : describeWork(outcome))
      return outcome.trouble === null ? exitCodes.good : exitCodes.couldNotWork
    } finally {
      await close()
    }
  } finally {
    await closeFolder()
  }
}

export interface CollectFlags extends CommonFlags, ExportFlags {
  readonly plan: string
  readonly out?: string | undefined
  readonly metrics?: boolean | undefined
  readonly notify?: boolean | undefined
}

export async function collectCommand(context: CliContext, flags: CollectFlags): Promise<ExitCode> {
  const overrides = flags.metrics === false ? { 'metrics.enabled': false } : {}
  await clearExports(flags)
  const config = await readConfig(context, flags, undefined, overrides)
  return notified(context, config, { command: 'collect', silent: flags.notify === false }, notice =>
    collectAndReport(context, config, flags, notice),
  )
}

async function collectAndReport(
  context: CliContext,
  config: AuditConfig,
  flags: CollectFlags,
  notice: Notice,
): Promise<ExitCode> {
  const { run, before, out } = await collectPlan(context, config, flags, notice)
  context.log.clear()
  if (before !== null) {
    context.print(flags.json ? JSON.stringify({ ...before, alreadyCollected: true }, null, 2) : describeBefore(before))
    return before.exit.code
  }
  const text = () =>
    `${renderSummary(run).trimEnd()}\n\nReport: ${join(out, 'report.html')}\nData:   ${join(out, 'run.json')}`
  context.print(flags.json ? serializeRun(run).trimEnd() : text())
  await writeExports(flags, run, context.clock.nowMs())
  await writeIndex(context, config, run, flags.out === undefined)
  return run.exit.code
}

function childOf({ environment }: CliContext, { child }: WorkFlags, children: number): number {
  const given = child ?? environment[childVariable]
  // A plain job is the one child of its plan.
  if (given === undefined && children === 1) return 0
  const found = Number(given)
  if (given !== undefined && given !== '' && Number.isSafeInteger(found) && found >= 0) return found
  throw new SnapproofError(
    'usage',
    given === undefined
      ? `which of the ${children} children is this? Neither --child nor ${childVariable} says it`
      : `--child is ${given}, expected a whole number from 0`,
  )
}

function describeArray({ summary, existed }: PlannedArray): string {
  const { url, children, contents, groups, forecast, debt, deadlineSeconds } = summary
  const lines = [
    existed ? `The plan was there before and holds the lease again: ${url}` : `Plan: ${url}`,
    `In debt: ${countText(debt.contents)} contents`,
    children === 0
      ? 'No machine is needed: nothing is in debt that can be restored now.'
      : `${countText(contents)} contents in ${countText(groups)} groups for ${countText(children)} machines: ` +
        `${bytesText(forecast.fetchBytes)} fetched, ${bytesText(forecast.restoreBytes)} restored, ` +
        `${bytesText(forecast.diskBytes)} of disk each, about ${secondsText(forecast.seconds)} for the slowest (${forecast.basis})`,
    `It holds the lease for ${secondsText(deadlineSeconds)} at most. Next:`,
  ]
  if (children > 0) lines.push(`  snapproof work --plan ${url} --child ${children === 1 ? '0' : `0…${children - 1}`}`)
  lines.push(`  snapproof collect --plan ${url}`)
  return lines.join('\n')
}

function describeWork({
  child,
  contents,
  finishedBefore,
  proven,
  failed,
  inconclusive,
  left,
  ...rest
}: ChildOutcome): string {
  const lines = [
    `Child ${child} of ${rest.plan}: ${countText(contents)} contents, ${countText(finishedBefore)} of them done before; ` +
      `now ${countText(proven)} proven, ${countText(failed)} failed, ${countText(inconclusive)} not judged, ` +
      `${countText(left)} left, in ${secondsText(rest.seconds)}`,
  ]
  if (rest.trouble !== null) lines.push(`It could not do its work: ${rest.trouble}`)
  return lines.join('\n')
}

function describeBefore({ collectedAt, owner, exit }: Collected): string {
  return (
    `Nothing was done: this plan was collected at ${collectedAt} by ${owner}, with exit code ${exit.code}: ${exit.reason}.\n` +
    'Results that came later are taken in by the next run.'
  )
}
