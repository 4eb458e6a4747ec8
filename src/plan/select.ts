/**
 * Chooses what one run restores: by snapshot, executed by group. Pure and deterministic: the order of the input does
 * not matter.
 *
 * Order:  for the worst content that is not covered yet, the snapshot that holds it and the most other debt; ties by
 *         the newest, then by uuid. All debt of a chosen snapshot is taken, worst first. A snapshot counts as a holder
 *         only where an engine fits its own version: the same content may lie in snapshots of older and newer servers.
 * Limits: a snapshot counts once something is restored from it. What does not fit into `restoreBytes` any more is left
 *         with `limit-reached`, what is larger than the whole limit with `does-not-fit`.
 * Result: every debt item comes back exactly once, in a group or in `left`.
 * Errors: `SnapproofError` `usage` for a limit that is not a positive number.
 */
import { SnapproofError } from '../errors.ts'
import type { ContentRecord, DebtItem, Group, Plan, PlannedContent } from '../model/plan.ts'
import type { Limits } from '../model/policy.ts'
import type { SnapshotEntry } from '../model/repository.ts'
import { newestFirst } from '../model/snapshotOrder.ts'
import type { Reason } from '../model/verdict.ts'
import { chooseEngine, type EngineOffer } from './compatibility.ts'
import { orderGroups } from './order.ts'

export interface SelectInput {
  /** Worst first, as `findDebt` gives it. */
  readonly debt: readonly DebtItem[]
  readonly snapshots: readonly SnapshotEntry[]
  /** Version id of each snapshot (position) as its root blob says; null where unknown. */
  readonly snapshotVersions: readonly (number | null)[]
  readonly engines: readonly EngineOffer[]
  readonly limits: Limits
  /** Only these snapshots (positions); null: all. */
  readonly only: ReadonlySet<number> | null
  /** Taken before all debt, in this order, until one exceeds a limit: then no more, whatever would still fit. Of what an engine restores. */
  readonly sample?: readonly ContentRecord[]
}

export function selectPlan(input: SelectInput): Plan {
  checkLimits(input.limits)
  const engineFor = engineChooser(input)
  const left: { item: DebtItem; reason: Reason }[] = []
  const choices = new Map<number, PlannedContent[]>()
  const open = new Set<DebtItem>()
  const heldBy = new Map<number, DebtItem[]>()
  for (const item of input.debt) {
    const asked = item.content.snapshots.filter(position => input.only === null || input.only.has(position))
    const holders = asked.filter(position => engineFor(item.content, position) !== null)
    const reason = item.content.obstacle ?? (asked.length === 0 ? 'not-asked' : 'no-engine-for-version')
    if (item.content.obstacle !== null || holders.length === 0) {
      left.push({ item, reason })
      continue
    }
    open.add(item)
    for (const position of holders) append(heldBy, position, item)
  }

  let restoreBytes = 0
  const bytesLimit = input.limits.restoreBytes ?? Number.POSITIVE_INFINITY
  const isFull = () => input.limits.snapshots !== null && choices.size >= input.limits.snapshots
  const itemOf = new Map(input.debt.map(item => [item.content, item]))
  const sampled: PlannedContent[] = []
  for (const content of input.sample ?? []) {
    const holders = content.snapshots.filter(position => engineFor(content, position) !== null)
    const chosen = holders.filter(position => choices.has(position))
    const snapshot = newestOf(chosen.length > 0 ? chosen : holders, input.snapshots)
    if (snapshot === null || (chosen.length === 0 && isFull()) || restoreBytes + content.bytes > bytesLimit) break
    const item = itemOf.get(content)
    if (item !== undefined) open.delete(item)
    restoreBytes += content.bytes
    const planned = { content, kind: item?.kind ?? ('refresh' as const), snapshot }
    append(choices, snapshot, planned)
    sampled.push(planned)
  }
  for (const worst of input.debt) {
    if (!open.has(worst)) continue
    const chosen = worst.content.snapshots.filter(
      position => choices.has(position) && heldBy.get(position)?.includes(worst),
    )
    if (isFull() && chosen.length === 0) {
      left.push({ item: worst, reason: worst.content.bytes > bytesLimit ? 'does-not-fit' : 'limit-reached' })
      open.delete(worst)
      continue
    }
    const position = isFull()
      ? (newestOf(chosen, input.snapshots) ?? -1)
      : bestHolder(worst, heldBy, open, input.snapshots)
    for (const item of heldBy.get(position) ?? []) {
      if (!open.delete(item)) continue
      if (restoreBytes + item.content.bytes > bytesLimit) {
        left.push({ item, reason: item.content.bytes > bytesLimit ? 'does-not-fit' : 'limit-reached' })
        continue
      }
      restoreBytes += item.content.bytes
      const planned = { content: item.content, kind: item.kind, snapshot: position }
      append(choices, position, planned)
    }
  }
  const order = new Map(input.debt.map((item, i) => [item.content, i]))
  const planned = [...choices.values()]
    .flat()
    .sort((a, b) => (order.get(a.content) ?? order.size) - (order.get(b.content) ?? order.size))
  const snapshots = [...choices.keys()]
  const groups = groupContents(planned, one => engineFor(one.content, one.snapshot) ?? '')
  return {
    snapshots,
    groups: orderGroups({ groups, snapshots, left: left.map(({ item }) => item.content.snapshots) }),
    left,
    ...(input.sample === undefined ? {} : { sampled }),
    debt: input.debt,
    restoreBytes,
  }
}

/**
 * Contents of one index id, shard count and engine together; groups in the order of their worst content, all of one engine
 * together, so that each engine is started once: first the one that the worst content needs.
 */
function groupContents(planned: readonly PlannedContent[], engineOf: (one: PlannedContent) => string): Group[] {
  const groups = new Map<string, PlannedContent[]>()
  for (const one of planned) {
    const key = JSON.stringify([one.content.indexId, one.content.shardCount, engineOf(one)])
    append(groups, key, one)
  }
  const inOrder = [...groups.values()].flatMap(contents => {
    const worst = contents[0]
    if (worst === undefined) return []
    const { indexName, indexId, shardCount } = worst.content
    return {
      indexName,
      indexId,
      shardCount,
      engine: engineOf(worst),
      contents,
      restoreBytes: contents.reduce((sum, { content }) => sum + content.bytes, 0),
    }
  })
  const turns = [...new Set(inOrder.map(({ engine }) => engine))]
  return turns.flatMap(engine => inOrder.filter(group => group.engine === engine))
}

const unknown = { name: '', uuid: '', endedMs: null }

function newestOf(positions: readonly number[], snapshots: readonly SnapshotEntry[]): number | null {
  const entry = (position: number) => snapshots[position] ?? unknown
  return [...positions].sort((a, b) => newestFirst(entry(a), entry(b)))[0] ?? null
}

function bestHolder(
  item: DebtItem,
  heldBy: ReadonlyMap<number, readonly DebtItem[]>,
  open: ReadonlySet<DebtItem>,
  snapshots: readonly SnapshotEntry[],
): number {
  const candidates = item.content.snapshots
    .filter(position => heldBy.get(position)?.includes(item))
    .map(position => ({
      position,
      debt: (heldBy.get(position) ?? []).filter(other => open.has(other)).length,
      entry: snapshots[position] ?? unknown,
    }))
    .sort((a, b) => b.debt - a.debt || newestFirst(a.entry, b.entry))
  const best = candidates[0]
  if (best === undefined) throw new SnapproofError('internal', `no snapshot holds content ${item.content.contentId}`)
  return best.position
}

/** Name of the engine that restores this content from this snapshot; null: none does. Few versions, many snapshots. */
export function engineChooser({ snapshotVersions, engines }: Pick<SelectInput, 'snapshotVersions' | 'engines'>) {
  const chosen = new Map<string, string | null>()
  return ({ createdVersion }: ContentRecord, position: number): string | null => {
    const version = snapshotVersions[position] ?? null
    const key = `${createdVersion} ${version}`
    const known = chosen.get(key)
    if (known !== undefined) return known
    const name = chooseEngine(createdVersion, version, engines)?.name ?? null
    chosen.set(key, name)
    return name
  }
}

function checkLimits(limits: Limits): void {
  for (const [name, value] of Object.entries(limits)) {
    if (value === null || (Number.isFinite(value) && value > 0)) continue
    throw new SnapproofError('usage', `limits.${name} must be a positive number, got ${value}`)
  }
}

function append<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
