/** The folder of an array in the ledger's store, and how a plan in it is collected: by its own command, or by the run that finds it overdue. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { prefixed } from '../blobs/prefixed.ts'
import { describeError, SnapproofError } from '../errors.ts'
import { overduePlan } from '../ledger/leaseObject.ts'
import type { AuditConfig } from '../model/config.ts'
import { type CollectOutcome, collectArray } from '../run/array/collect.ts'
import { ArrayFolder, folderOfPlan } from '../run/array/folder.ts'
import { buildRun, type CliContext, newRunId, openConfigured } from './context.ts'
import { type Notice, notified } from './notify.ts'

/** @throws SnapproofError `configuration`: the machines of an array meet in the store of the ledger and nowhere else */
export function sharedLedger({ ledger }: AuditConfig): NonNullable<AuditConfig['ledger']['store']> {
  if (ledger.store !== null) return ledger.store
  throw new SnapproofError('configuration', 'the ledger is on this machine alone (sync: none)', {
    advice: 'Set ledger.url: the machines of an array share the ledger through its store.',
  })
}

export function openFolder(
  { clock }: CliContext,
  config: AuditConfig,
  url: string,
): { readonly folder: ArrayFolder; close(): Promise<void> } {
  const shared = sharedLedger(config)
  const own = shared.url.replace(/\/*$/, '/')
  const at = folderOfPlan(url)
  // Below the ledger its folder need not be there yet, which matters where the store is a directory.
  const store = openConfigured(at.startsWith(own) ? shared : { ...shared, url: at }, clock, 16)
  const folder = new ArrayFolder(at.startsWith(own) ? prefixed(store, at.slice(own.length)) : store)
  return { folder, close: () => store.close() }
}

/** How this process signs what it leaves for others. */
export function ownerText(): string {
  return `${hostname()}:${process.pid}`
}

export async function collectPlan(
  context: CliContext,
  config: AuditConfig,
  { plan: url, out }: { readonly plan: string; readonly out?: string | undefined },
  notice: Notice,
): Promise<CollectOutcome & { readonly out: string }> {
  sharedLedger(config)
  const { folder, close: closeFolder } = openFolder(context, config, url)
  try {
    const plan = await folder.readPlan(context.signal)
    const { dependencies, close } = await buildRun(context, config, out, plan.runId)
    try {
      const outcome = await collectArray(notice.of(dependencies), { folder, plan, owner: ownerText() })
      if (outcome.run === null) notice.nothingWasDone()
      else notice.came(outcome.run)
      return { ...outcome, out: dependencies.output.folder }
    } finally {
      await close()
    }
  } finally {
    await closeFolder()
  }
}

/**
 * Before a run takes the lease from a plan that nobody collected by its deadline: what its machines left is collected, with a report of
 * the array. What keeps us from that is said and keeps nobody from the run, which takes in what they journalled in any case.
 *
 * @param but URL of a plan that is left alone: the run's own
 * @param silent nobody is told
 */
export async function collectOverdue(
  context: CliContext,
  config: AuditConfig,
  but: string | null = null,
  silent = false,
): Promise<void> {
  const { clock, log, signal } = context
  const { store: shared } = config.ledger
  if (shared === null) return
  const store = openConfigured(shared, clock, 4)
  let overdue: Awaited<ReturnType<typeof overduePlan>>
  try {
    overdue = await overduePlan({ store, runId: newRunId(clock), randomId: randomUUID, log }, signal)
  } finally {
    await store.close()
  }
  if (overdue === null || overdue.url === but) return
  const { url } = overdue
  try {
    // Whoever wrote the lease does not make us read or write on our own disk.
    if (schemeOf(url) !== schemeOf(shared.url))
      throw new SnapproofError('configuration', `${url} is no place for a plan`)
    log.warn('a plan was not collected by its deadline: collecting what its machines left', { plan: url })
    // The webhook hears of it. The ping waits for the run that comes now: a good end of an old plan is no sign that tonight's ended.
    await notified(context, config, { command: 'collect', webhookOnly: true, silent }, async notice => {
      const { out, ...outcome } = await collectPlan(context, config, { plan: url }, notice)
      const { exit } = outcome.run ?? outcome.before
      const fields = outcome.run === null ? {} : { report: out }
      log.warn(`the array of that plan ended with ${exit.code}: ${exit.reason}`, fields)
      return exit.code
    })
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof SnapproofError)) throw error
    const text = 'the array gets no report of its own; what its machines journalled is taken in all the same'
    log.warn(text, { plan: url, error: describeError(error) })
  }
}

function schemeOf(url: string): string {
  return url.slice(0, url.indexOf(':'))
}
