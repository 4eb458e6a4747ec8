/**
 * Shares the groups of a plan among the machines of an array. Pure and deterministic.
 *
 * Weight: what a machine moves for a group: the blobs that it mirrors and the bytes that it restores. The blobs of a part of a group
 *         are at most its own contents' bytes and at most the group's blobs.
 * Groups: one stays whole unless it alone weighs more than a fair share, for every machine that gets a part of it mirrors the shared
 *         blobs again. It is then cut along the age of its snapshots, neighbours of which share most, into parts of a fair share at most.
 * Shares: the heaviest part first, each to the machine that has least (Graham's LPT rule). Parts of one group that meet again are one.
 *
 * Search: larger parts cost fewer blobs twice, smaller ones balance better: of a few sizes from one fair share to two, the one that is
 *         over first.
 *
 * Bound:  with W the weight of all parts of a fair share, no machine gets more than W / machines and a heaviest part, which is a fair share at
 *         most, or a single content. Cutting makes W at most twice the bytes to restore.
 */
import { SnapproofError } from '../errors.ts'

/** A group, as far as sharing it needs. */
export interface SharedGroup {
  /** In the order of the plan, worst first. */
  readonly contents: readonly {
    /** Bytes on the restored disk. */
    readonly bytes: number
    /** Age of the snapshot that it is restored from, or anything else by which neighbours share blobs. */
    readonly order: number
  }[]
  /** Blobs of the group, each once. */
  readonly fetchBytes: number
}

/** Contents (positions, ascending, so worst first) of one group (position) for one machine. */
export interface Share {
  readonly group: number
  readonly contents: readonly number[]
}

interface Part extends Share {
  readonly weight: number
}

/**
 * The shares of each machine, groups in the order of the plan: at most `machines`, none of them empty, every content in exactly one.
 *
 * @param contentBytes what one restore costs besides its bytes, in bytes, so that many small contents are spread too; above 0
 * @throws SnapproofError `usage` when `machines` is not a whole number above 0
 */
export function shareGroups(groups: readonly SharedGroup[], machines: number, contentBytes = 1): Share[][] {
  if (!Number.isSafeInteger(machines) || machines < 1)
    throw new SnapproofError('usage', `an array has ${machines} children; expected a whole number above 0`)
  const whole = groups.map((group, i) => partOf(group, i, [...group.contents.keys()], contentBytes))
  const fairShare = whole.reduce((sum, { weight }) => sum + weight, 0) / machines
  const isCut = ({ weight, contents }: Part) => weight > fairShare && contents.length > 1
  const tries = (whole.some(isCut) ? partSizes : [1]).map(size => {
    const parts = whole.flatMap(part => {
      const group = groups[part.group]
      return group === undefined || !isCut(part) ? [part] : cut(group, part, fairShare * size, contentBytes)
    })
    const children = spread(parts, machines)
    const weights = children.map(shares =>
      shares.reduce((sum, { group, contents }) => {
        const shared = groups[group]
        return sum + (shared === undefined ? 0 : weightOf(shared, contents, contentBytes))
      }, 0),
    )
    return { children, heaviest: Math.max(0, ...weights) }
  })
  return tries.reduce((best, one) => (one.heaviest < best.heaviest ? one : best)).children
}

/** In fair shares; the first keeps the bound. */
const partSizes = [1, 1.25, 1.5, 1.75, 2]

/** The heaviest part first, each to the machine that has least. */
function spread(parts: readonly Part[], machines: number): Share[][] {
  const loads = Array.from({ length: Math.min(machines, parts.length) }, () => ({ weight: 0, parts: [] as Part[] }))
  const heaviestFirst = [...parts].sort(
    (a, b) => b.weight - a.weight || a.group - b.group || (a.contents[0] ?? 0) - (b.contents[0] ?? 0),
  )
  for (const part of heaviestFirst) {
    const least = loads.reduce((best, load) => (load.weight < best.weight ? load : best))
    least.weight += part.weight
    least.parts.push(part)
  }
  return loads.map(load => together(load.parts)).filter(shares => shares.length > 0)
}

/** What a machine moves for these contents of a group, in bytes. */
export function weightOf(
  { contents, fetchBytes }: SharedGroup,
  positions: readonly number[],
  contentBytes = 1,
): number {
  const bytes = positions.reduce((sum, position) => sum + (contents[position]?.bytes ?? 0), 0)
  return weightOfBytes(bytes, positions.length, fetchBytes, contentBytes)
}

function weightOfBytes(bytes: number, contents: number, fetchBytes: number, contentBytes: number): number {
  return bytes + Math.min(fetchBytes, bytes) + contents * contentBytes
}

function partOf(group: SharedGroup, i: number, contents: readonly number[], contentBytes: number): Part {
  return { group: i, contents, weight: weightOf(group, contents, contentBytes) }
}

/** Neighbours together, until a part would weigh too much. */
function cut(group: SharedGroup, whole: Part, mostWeight: number, contentBytes: number): Part[] {
  const byAge = [...whole.contents].sort(
    (a, b) => (group.contents[a]?.order ?? 0) - (group.contents[b]?.order ?? 0) || a - b,
  )
  const parts: Part[] = []
  let open: number[] = []
  // Summed up as it grows: tens of thousands of contents in one group are a matter of seconds otherwise.
  let openBytes = 0
  for (const position of byAge) {
    const { bytes = 0 } = group.contents[position] ?? {}
    const weight = weightOfBytes(openBytes + bytes, open.length + 1, group.fetchBytes, contentBytes)
    if (open.length > 0 && weight > mostWeight) {
      parts.push(partOf(group, whole.group, open, contentBytes))
      open = []
      openBytes = 0
    }
    open.push(position)
    openBytes += bytes
  }
  parts.push(partOf(group, whole.group, open, contentBytes))
  return parts
}

/** One share of each group, in the order of the plan. */
function together(parts: readonly Part[]): Share[] {
  const byGroup = new Map<number, number[]>()
  for (const { group, contents } of parts) byGroup.set(group, [...(byGroup.get(group) ?? []), ...contents])
  return [...byGroup]
    .map(([group, contents]) => ({ group, contents: contents.sort((a, b) => a - b) }))
    .sort((a, b) => a.group - b.group)
}
