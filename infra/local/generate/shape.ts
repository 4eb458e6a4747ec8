/**
 * What a generated repository is like: a few numbers from which every byte follows, so that a repository of any size
 * needs no memory and no disk.
 *
 * Every snapshot holds every index. A shard has `segments` segments; each night some of the oldest give way to new ones, so
 * that the live segments of a shard are a window over an endless row of them: segment n is live in snapshot t
 * when `turnover(t) <= n < turnover(t) + segments`.
 */
export interface RepositoryShape {
  /** Another seed: other ids, names and sizes. */
  readonly seed: number
  /** Taken so far, those deleted since included. */
  readonly snapshots: number
  /** The oldest so many are deleted, and what only they needed. */
  readonly deleted: number
  readonly indices: number
  /** Of each index. */
  readonly shards: number
  /** Of each shard. */
  readonly segments: number
  /** Data blobs of each segment, 1 to 12; the metadata hold one `.si` for each segment besides. */
  readonly filesPerSegment: number
  /** Share of the segments of a shard that a snapshot finds new, 0 to 1. */
  readonly fresh: number
  /** Mean length of a data blob; they lie between half and one and a half of it. */
  readonly fileBytes: number
  /** Can data blobs be read? Their checksums are right then; else they are listed, and reading one is refused. */
  readonly data: boolean
  /** Metadata in deflate, as servers write them; without, reading and listing cost far less here. */
  readonly compress: boolean
}

const defaults: RepositoryShape = {
  seed: 1,
  snapshots: 3,
  deleted: 0,
  indices: 4,
  shards: 2,
  segments: 4,
  filesPerSegment: 2,
  fresh: 0.25,
  fileBytes: 4096,
  data: true,
  compress: true,
}

/** Throws `RangeError` for numbers that make no repository. */
export function shapeOf(wanted: Partial<RepositoryShape> = {}): RepositoryShape {
  const shape = { ...defaults, ...wanted }
  const whole = (name: keyof RepositoryShape, from: number, to: number) => {
    const value = shape[name]
    if (typeof value !== 'number' || !Number.isInteger(value) || value < from || value > to)
      throw new RangeError(`${name} is ${value}, expected a whole number from ${from} to ${to}`)
  }
  whole('snapshots', 1, 999_999)
  whole('deleted', 0, shape.snapshots - 1)
  whole('indices', 1, 999_999)
  whole('shards', 1, 1024)
  whole('segments', 1, 10_000)
  whole('filesPerSegment', 1, 12)
  whole('fileBytes', 64, 2 ** 40)
  if (!(shape.fresh >= 0 && shape.fresh <= 1)) throw new RangeError(`fresh is ${shape.fresh}, expected 0 to 1`)
  if (shape.data && shape.fileBytes > 2 ** 26)
    throw new RangeError(`fileBytes is ${shape.fileBytes}: data blobs that can be read are at most ${2 ** 26} long`)
  return shape
}

/** The same repository a night later: one more snapshot, and the oldest deleted if so wanted. */
export function nextNight(shape: RepositoryShape, options: { readonly deleteOldest?: boolean } = {}): RepositoryShape {
  return {
    ...shape,
    snapshots: shape.snapshots + 1,
    deleted: shape.deleted + (options.deleteOldest === true ? 1 : 0),
  }
}

/** The N of `index-N`: every snapshot and every deletion writes one. */
export function generationOf({ snapshots, deleted }: RepositoryShape): number {
  return snapshots + deleted - 1
}

/** Segments that shard `shard` (counted over all indices) has lost before snapshot `snapshot`. */
export function turnover({ fresh, segments }: RepositoryShape, shard: number, snapshot: number): number {
  // Shards take turns, so that small shares are spread over the nights.
  return Math.floor(fresh * segments * snapshot + ((shard * 0.618_033_988) % 1))
}

/** The snapshot that wrote segment `segment` of the shard. */
export function bornIn(shape: RepositoryShape, shard: number, segment: number): number {
  const { fresh, segments } = shape
  const isLive = (snapshot: number) => turnover(shape, shard, snapshot) + segments > segment
  if (isLive(0)) return 0
  let snapshot = Math.max(1, Math.floor((segment - segments) / (fresh * segments)))
  while (!isLive(snapshot)) snapshot++
  while (isLive(snapshot - 1)) snapshot--
  return snapshot
}

export interface BlobCounts {
  readonly data: number
  readonly metadata: number
}

/** Objects of the repository. */
export function countBlobs(shape: RepositoryShape): BlobCounts {
  const held = shape.snapshots - shape.deleted
  let segments = 0
  for (let shard = 0; shard < shape.indices * shape.shards; shard++) {
    segments += turnover(shape, shard, shape.snapshots - 1) - turnover(shape, shard, shape.deleted) + shape.segments
  }
  const shards = shape.indices * shape.shards
  return {
    data: segments * shape.filesPerSegment,
    // index-N and index.latest; snap- and meta- of each snapshot; meta- of each index; index- and snap- of each shard.
    metadata: 2 + 2 * held + shape.indices + shards * (1 + held),
  }
}
