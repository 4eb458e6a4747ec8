/**
 * What of a group fits on the disk, and from where it is read. Pure; judged before anything is fetched.
 *
 * Read through the mirror a group needs its blobs, each once, and the restored contents that are there at once; read by the server from the
 * store it needs only these. A content that is restored over another lies there twice for a moment.
 */

export type Source = 'mirror' | 's3'

export interface FitContent {
  /** Bytes on the restored disk. */
  readonly bytes: number
  /** Blobs by key, with their lengths. */
  readonly blobs: ReadonlyMap<string, number>
  /** It may be restored over another. */
  readonly chained: boolean
}

export interface Room {
  /** Bytes that this group may use; null: not known, and not asked for. */
  readonly bytes: number | null
  /** Nothing else uses the disk now: waiting would help nobody. */
  readonly alone: boolean
  /** In the order of preference. */
  readonly sources: readonly Source[]
  /** Contents restored at once. */
  readonly parallel: number
}

export interface Fit {
  readonly source: Source
  /** Contents (positions) to restore now. */
  readonly now: readonly number[]
  /** When those are dropped. */
  readonly later: readonly number[]
  /** They alone need more than there is. */
  readonly never: readonly { readonly content: number; readonly neededBytes: number }[]
  readonly neededBytes: number
  /** Contents restored at once. */
  readonly parallel: number
}

/** `wait`: it does not fit beside what is there. */
export function fitGroup(contents: readonly FitContent[], room: Room): Fit | 'wait' {
  const all = contents.map((_, i) => i)
  const [preferred = 'mirror'] = room.sources
  const limit = room.bytes ?? Number.POSITIVE_INFINITY
  for (const source of room.sources) {
    for (const parallel of room.alone ? [room.parallel, 1] : [room.parallel]) {
      const neededBytes = needOf(contents, all, source, parallel)
      if (neededBytes <= limit) return { source, now: all, later: [], never: [], neededBytes, parallel }
    }
  }
  if (!room.alone) return 'wait'
  // In parts: the source that fits most contents by themselves, the preferred one where both do.
  const fitting = (source: Source) => all.filter(i => needOf(contents, [i], source, 1) <= limit)
  const source = room.sources.reduce(
    (best, one) => (fitting(one).length > fitting(best).length ? one : best),
    preferred,
  )
  const able = fitting(source)
  const now: number[] = []
  for (const i of able) if (needOf(contents, [...now, i], source, 1) <= limit) now.push(i)
  const least = (i: number) => Math.min(...room.sources.map(one => needOf(contents, [i], one, 1)))
  return {
    source,
    now,
    later: able.filter(i => !now.includes(i)),
    never: all.filter(i => !able.includes(i)).map(content => ({ content, neededBytes: least(content) })),
    neededBytes: needOf(contents, now, source, 1),
    parallel: 1,
  }
}

function needOf(contents: readonly FitContent[], some: readonly number[], source: Source, parallel: number): number {
  const blobs = new Map<string, number>()
  const restored: number[] = []
  for (const i of some) {
    const content = contents[i]
    if (content === undefined) continue
    restored.push(content.bytes * (content.chained ? 2 : 1))
    if (source === 'mirror') for (const [key, bytes] of content.blobs) blobs.set(key, bytes)
  }
  restored.sort((a, b) => b - a)
  const sum = (values: Iterable<number>) => [...values].reduce((total, bytes) => total + bytes, 0)
  return sum(blobs.values()) + sum(restored.slice(0, parallel))
}

/**
 * Disks of machines that a night may run on, in bytes; the smallest first.
 * Source: AWS CodeBuild user guide, "Build environment compute modes and types" (Linux, general1, 2026); AWS Fargate, "ephemeral storage".
 */
const machines: readonly (readonly [string, number])[] = [
  ['CodeBuild BUILD_GENERAL1_SMALL (64 GB)', 64e9],
  ['CodeBuild BUILD_GENERAL1_MEDIUM (128 GB)', 128e9],
  ['AWS Fargate with 200 GiB of ephemeral storage', 200 * 2 ** 30],
  ['CodeBuild BUILD_GENERAL1_2XLARGE (824 GB)', 824e9],
]

/** What would do, in words; `takenBytes`: of the system and kept free. */
export function smallestMachine(neededBytes: number, takenBytes: number): string {
  const disk = `a disk of at least ${Math.ceil((neededBytes + takenBytes) / 2 ** 30)} GiB`
  const found = machines.find(([, bytes]) => bytes >= neededBytes + takenBytes)
  return found === undefined
    ? `${disk}, which is an instance with a volume of its own (EC2 or Batch on EC2)`
    : `${disk}, such as ${found[0]}`
}
