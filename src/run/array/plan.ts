/** Plans for an array: the night's look and plan, shared among machines, written once, and the lease left to it. */
import { SnapproofError } from '../../errors.ts'
import type { OpenChild, OpenGroup, OpenPlan } from '../../model/openPlan.ts'
import type { ContentRecord, Forecast, Group, Plan } from '../../model/plan.ts'
import type { Limits } from '../../model/policy.ts'
import { oldestFirst } from '../../model/snapshotOrder.ts'
import type { Reason } from '../../model/verdict.ts'
import { type Share, type SharedGroup, shareGroups } from '../../plan/children.ts'
import { addUsage, nothingUsed } from '../../plan/cost.ts'
import { forecast, type GroupSize } from '../../plan/forecast.ts'
import { beyondLimit } from '../../plan/nightForecast.ts'
import { storeTimeoutMs } from '../conclude.ts'
import { datedSnapshots } from '../dated.ts'
import type { RunDependencies } from '../dependencies.ts'
import { blindRun } from '../selfCheck/blindRun.ts'
import { isBlind, mustSee } from '../selfCheck/selfCheck.ts'
import { type Survey, survey } from '../survey.ts'
import { mostChildren, mustBelong, type PlanSummary } from './documents.ts'
import type { ArrayFolder } from './folder.ts'

export interface PlanArrayOptions {
  readonly folder: ArrayFolder
  /** At most so many machines. */
  readonly children: number
  readonly limits: Limits
  readonly deadlineSeconds: number
}

export interface PlannedArray {
  readonly summary: PlanSummary
  /** The plan was there before, of an attempt whose answer was lost: it holds the lease again, nothing else was done. */
  readonly existed: boolean
}

/** @throws SnapproofError `lease-held`, `usage`, `configuration`, `auditor-blind`, those of ledger, store and repository */
export async function planArray(dependencies: RunDependencies, options: PlanArrayOptions): Promise<PlannedArray> {
  const { folder, children, limits, deadlineSeconds } = options
  const { signal, config, log } = dependencies
  if (children > mostChildren)
    throw new SnapproofError('usage', `--children is ${children}, at most ${mostChildren} are possible`)
  const auditor = await dependencies.selfCheck()
  // The alarm must ring although no machine will run that could ring it.
  if (isBlind(auditor)) await blindRun(dependencies, { command: 'audit', limits }, auditor, dependencies.clock.nowMs())
  mustSee(auditor)
  const before = await folder.readPlanOrNull(signal)
  if (before !== null) return await takeUpAgain(dependencies, folder, before)
  const ledger = await dependencies.openLedger({ readOnly: false })
  try {
    const seen = await survey(dependencies, ledger, { only: null, limits, readOnly: false, plansOnly: true })
    const plan = openPlan(dependencies, seen, { children, limits, deadlineSeconds })
    // So that no machine has to fold what this look found out.
    await ledger.store(signal)
    ledger.leaseLost.throwIfAborted()
    // First the plan: a lease that is left to one that is not there would keep everybody out for nothing.
    await folder.writePlan(plan, signal)
    await ledger.leaveToPlan(folder.url, deadlineSeconds, AbortSignal.timeout(storeTimeoutMs))
    const summary = summarize(plan, folder.url)
    await folder.writeSummary(summary, signal)
    log.info(`planned ${summary.contents} contents for ${summary.children} machines`, {
      repository: config.repository.name,
    })
    return { summary, existed: false }
  } finally {
    await ledger.close()
  }
}

async function takeUpAgain(dependencies: RunDependencies, folder: ArrayFolder, plan: OpenPlan): Promise<PlannedArray> {
  const { signal, config } = dependencies
  mustBelong(plan, config, folder.url)
  if ((await folder.readCollected(signal)) !== null)
    throw new SnapproofError('configuration', `the plan ${folder.url} has been collected`, {
      advice: 'Give another --out: a plan is worked off once.',
    })
  const ledger = await dependencies.openLedger({ readOnly: false, runId: plan.runId })
  try {
    await ledger.leaveToPlan(folder.url, plan.deadlineSeconds, AbortSignal.timeout(storeTimeoutMs))
  } finally {
    await ledger.close()
  }
  const summary = summarize(plan, folder.url)
  await folder.writeSummary(summary, signal)
  return { summary, existed: true }
}

function summarize({ runId, children, debtContents, deadlineSeconds, forecast }: OpenPlan, url: string): PlanSummary {
  return {
    schemaVersion: 1,
    url,
    runId,
    children: children.length,
    contents: forecast.contents,
    groups: forecast.groups,
    debt: { contents: debtContents },
    deadlineSeconds,
    forecast,
  }
}

/** The value that is written. */
export function openPlan(
  { config, clock, runId, tool }: Pick<RunDependencies, 'config' | 'clock' | 'runId' | 'tool'>,
  seen: Survey,
  { children, limits, deadlineSeconds }: Omit<PlanArrayOptions, 'folder'>,
): OpenPlan {
  const { repositoryData } = seen.catalogue
  const dated = datedSnapshots(repositoryData.snapshots, seen.checked)
  const inOrder = [...dated.entries()].sort(([, a], [, b]) => oldestFirst(a, b)).map(([position]) => position)
  const place = new Map(inOrder.map((position, i) => [position, i]))
  const affordable = affordableGroups(seen, config.costs, limits)
  const groups = affordable.flatMap(i => seen.plan.groups[i] ?? [])
  const sizes = affordable.flatMap(i => seen.sizes[i] ?? [])
  const shared = groups.map(
    (group, i): SharedGroup => ({
      contents: group.contents.map(({ content, snapshot }) => ({
        bytes: content.bytes,
        order: place.get(snapshot) ?? 0,
      })),
      fetchBytes: sizes[i]?.fetchBytes ?? 0,
    }),
  )
  const { rates } = seen
  const contentBytes = Math.max(1, Math.round(rates.secondsPerContent * rates.bytesPerSecond))
  const shares = shareGroups(shared, children, contentBytes)
  const parts = shares.map(share => partOfPlan(share, groups, sizes))
  const forecasts = parts.map(part => forecast(part.plan, part.sizes, rates))
  let number = 0
  const openGroup = (group: Group): OpenGroup => ({
    indexName: group.indexName,
    indexId: group.indexId,
    shardCount: group.shardCount,
    engine: group.engine,
    contents: group.contents.map(({ content, kind, snapshot }) => ({
      number: number++,
      contentId: content.contentId,
      createdVersion: content.createdVersion,
      bytes: content.bytes,
      files: content.files,
      witness: content.witness,
      kind,
      from: place.get(snapshot) ?? 0,
      heldBy: ranges(content, place),
    })),
  })
  const open = parts.map(
    ({ plan }, i): OpenChild => ({ forecastSeconds: forecasts[i]?.seconds ?? 0, groups: plan.groups.map(openGroup) }),
  )
  const named = new Set(groups.map(group => group.engine))
  return {
    schemaVersion: 1,
    runId,
    createdMs: clock.nowMs(),
    deadlineSeconds,
    toolVersion: tool.version,
    repository: {
      name: config.repository.name,
      url: config.repository.url,
      uuid: repositoryData.identity.uuid,
      generation: repositoryData.identity.generation,
    },
    credit: config.policy.credit,
    limits,
    engines: config.engines
      .filter(engine => named.has(engine.name))
      .map(({ name, product, version }) => ({ name, product, version })),
    forecast: together(seen, forecasts),
    debtContents: seen.plan.debt.length,
    ...(seen.draw === null ? {} : { draw: seen.draw }),
    snapshots: inOrder.map(position => {
      const { name = '', uuid = '' } = repositoryData.snapshots[position] ?? {}
      return { name, uuid }
    }),
    children: open,
  }
}

/** Positions of the groups that the money pays for, as a night would begin them. */
function affordableGroups(
  { plan, usage: { look, groups } }: Survey,
  costs: RunDependencies['config']['costs'],
  { costUsd }: Limits,
): number[] {
  let spent = look
  return [...plan.groups.keys()].filter(i => {
    const next = groups[i] ?? nothingUsed
    const refusal: Reason | null =
      costUsd === null ? null : beyondLimit({ spent, next, look, costs, limitUsd: costUsd })
    if (refusal === null) spent = addUsage(spent, next)
    return refusal === null
  })
}

/** What one machine is given, as a plan of its own with its sizes. A part of a group mirrors at most its own bytes. */
function partOfPlan(
  shares: readonly Share[],
  groups: readonly Group[],
  sizes: readonly GroupSize[],
): { readonly plan: Plan; readonly sizes: readonly GroupSize[] } {
  const own = shares.flatMap(share => {
    const [group, size] = [groups[share.group], sizes[share.group]]
    if (group === undefined || size === undefined) return []
    const contents = share.contents.flatMap(position => group.contents[position] ?? [])
    const restoreBytes = contents.reduce((sum, { content }) => sum + content.bytes, 0)
    // A server that reads the store itself reads for each restore anew; a mirror, for the machine.
    const wholeBytes = size.mirrorBytes === 0 ? group.restoreBytes : size.fetchBytes
    const part = wholeBytes === 0 ? 1 : Math.min(1, restoreBytes / wholeBytes)
    return {
      group: { ...group, contents, restoreBytes },
      size: {
        fetchBytes: Math.ceil(size.fetchBytes * part),
        fetchRequests: Math.ceil(size.fetchRequests * part),
        mirrorBytes: Math.ceil(size.mirrorBytes * part),
        largestContentBytes: Math.max(0, ...contents.map(({ content }) => content.bytes)),
      },
    }
  })
  const planned = own.flatMap(({ group }) => group.contents)
  return {
    plan: {
      snapshots: [...new Set(planned.map(({ snapshot }) => snapshot))],
      groups: own.map(({ group }) => group),
      left: [],
      debt: [],
      restoreBytes: own.reduce((sum, { group }) => sum + group.restoreBytes, 0),
    },
    sizes: own.map(({ size }) => size),
  }
}

/** The slowest machine says how long it takes, the hungriest how much disk one needs. */
function together(seen: Survey, children: readonly Forecast[]): Forecast {
  const sum = (of: (one: Forecast) => number) => children.reduce((all, one) => all + of(one), 0)
  return {
    ...seen.forecast,
    contents: sum(one => one.contents),
    groups: sum(one => one.groups),
    restoreBytes: sum(one => one.restoreBytes),
    fetchBytes: sum(one => one.fetchBytes),
    fetchRequests: sum(one => one.fetchRequests),
    diskBytes: Math.max(0, ...children.map(one => one.diskBytes)),
    seconds: Math.max(0, ...children.map(one => one.seconds)),
  }
}

function ranges({ snapshots }: ContentRecord, place: ReadonlyMap<number, number>): [number, number][] {
  const found: [number, number][] = []
  for (const at of snapshots.flatMap(position => place.get(position) ?? []).sort((a, b) => a - b)) {
    const last = found.at(-1)
    if (last !== undefined && last[1] === at - 1) last[1] = at
    else found.push([at, at])
  }
  return found
}
