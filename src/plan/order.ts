/**
 * In which order the groups of a plan are worked off, so that a night that ends early has completed snapshots and not a piece of each. Pure.
 *
 * First what failed before or is overdue, worst first. Then always the groups that the chosen snapshot nearest to complete still
 * lacks: the one with the fewest bytes to restore; snapshots of which the plan leaves something come last. Groups of
 * one engine stay together, because only one engine runs at a time.
 */
import type { Group } from '../model/plan.ts'

export interface OrderInput {
  /** In the order of their worst content. */
  readonly groups: readonly Group[]
  /** Positions of the chosen snapshots, worst risk first. */
  readonly snapshots: readonly number[]
  /** Of debt that the plan leaves: positions of all snapshots that hold it. */
  readonly left: readonly (readonly number[])[]
}

export function orderGroups({ groups, snapshots, left }: OrderInput): Group[] {
  const urgent = groups.filter(isUrgent)
  const open = groups.filter(group => !isUrgent(group))
  return byEngine([...urgent, ...nearestFirst(open, snapshots, new Set(left.flat()))])
}

function isUrgent({ contents }: Group): boolean {
  return contents.some(({ kind }) => kind === 'failed' || kind === 'overdue')
}

function nearestFirst(
  groups: readonly Group[],
  snapshots: readonly number[],
  incomplete: ReadonlySet<number>,
): Group[] {
  const holders = new Map(groups.map(group => [group, holdersOf(group, new Set(snapshots))]))
  const missing = new Map(snapshots.map(position => [position, { bytes: 0, groups: 0 }]))
  for (const [group, positions] of holders) change(missing, positions, group, 1)
  const ordered = new Set<Group>()
  const open = new Set(snapshots)
  while (open.size > 0) {
    const nearest = nearestOf(open, missing, incomplete)
    open.delete(nearest)
    for (const group of groups) {
      const positions = holders.get(group)
      if (positions === undefined || ordered.has(group) || !positions.has(nearest)) continue
      ordered.add(group)
      change(missing, positions, group, -1)
    }
  }
  // Every content is restored from a chosen snapshot, so nothing is left over; if it were, it must not be lost.
  for (const group of groups) ordered.add(group)
  return [...ordered]
}

function holdersOf({ contents }: Group, chosen: ReadonlySet<number>): Set<number> {
  const positions = contents.flatMap(({ content, snapshot }) => [snapshot, ...content.snapshots])
  return new Set(positions.filter(position => chosen.has(position)))
}

type Missing = Map<number, { bytes: number; groups: number }>

function change(missing: Missing, positions: ReadonlySet<number>, { restoreBytes }: Group, by: 1 | -1): void {
  for (const position of positions) {
    const one = missing.get(position)
    if (one === undefined) continue
    one.bytes += by * restoreBytes
    one.groups += by
  }
}

/** Of equals the first, which is the one of the worst risk. */
function nearestOf(open: ReadonlySet<number>, missing: Missing, incomplete: ReadonlySet<number>): number {
  const costOf = (position: number) => {
    const { bytes = 0, groups = 0 } = missing.get(position) ?? {}
    return [incomplete.has(position) && groups > 0 ? 1 : 0, bytes, groups] as const
  }
  const [first = 0, ...others] = open
  let best = first
  let least = costOf(first)
  for (const position of others) {
    const cost = costOf(position)
    const difference = cost[0] - least[0] || cost[1] - least[1] || cost[2] - least[2]
    if (difference < 0) {
      best = position
      least = cost
    }
  }
  return best
}

function byEngine(groups: readonly Group[]): Group[] {
  const engines = [...new Set(groups.map(({ engine }) => engine))]
  return engines.flatMap(engine => groups.filter(group => group.engine === engine))
}
