/** Where the listing is cut so that several parts of it are read at once. Pure. */
import type { RepositoryData } from '../model/repository.ts'
import type { ListRange } from './listing.ts'

/** Each range costs one request more than its keys need, so that it must hold many. */
const keysPerRange = 100_000
const maxRanges = 8

export interface IndexRange extends ListRange {
  /** Positions of the indices, ascending. */
  readonly indices: readonly number[]
}

/**
 * Cuts the folders of all indices into ranges that are listed side by side, each index whole in one of them, everything below
 * `indices/` in exactly one. How many follows from the blobs that `index-N` promises (one for each shard of each snapshot at least),
 * unless so many are `wanted`.
 */
export function indexRanges({ indices }: Pick<RepositoryData, 'indices'>, wanted?: number): IndexRange[] {
  const weights = indices.map(index => Math.max(1, index.shardGenerations.length) * (index.snapshots.length + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const count = wanted ?? Math.max(1, Math.min(maxRanges, Math.floor(total / keysPerRange)))
  const groups: number[][] = [[]]
  let filled = 0
  indices.forEach((index, position) => {
    // Indices that share an id share a folder and stay together.
    const shared = indices[position - 1]?.id === index.id
    if (filled >= (groups.length * total) / count && groups.length < count && !shared) groups.push([])
    groups.at(-1)?.push(position)
    filled += weights[position] ?? 0
  })
  const starts = groups.map(group => {
    const first = group[0]
    // With the slash: an id may begin another one's, and `A-B/` sorts before `A/`.
    return first === undefined ? null : `indices/${indices[first]?.id}/`
  })
  return groups.map((group, i) => ({
    prefix: 'indices/',
    after: i === 0 ? null : (starts[i] ?? null),
    until: starts[i + 1] ?? null,
    indices: group,
  }))
}
