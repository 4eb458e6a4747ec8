/** A snapshot as far as its place in time goes; null: its repository does not say (before 7.14, OpenSearch). */
export interface PlacedInTime {
  readonly name: string
  readonly uuid: string
  readonly endedMs: number | null
}

/**
 * Oldest first. A server takes the time from a clock that it reads every 200 ms, so two quick snapshots in a row can share it; their names
 * are then what it sorts by itself, and their uuids last.
 * `elastic/elasticsearch: server/src/main/java/org/elasticsearch/threadpool/ThreadPool.java` (`ESTIMATED_TIME_INTERVAL_SETTING`),
 * `.../snapshots/SnapshotId.java` (`compareTo`) @ v9.0.0
 */
export function oldestFirst(a: PlacedInTime, b: PlacedInTime): number {
  return (a.endedMs ?? 0) - (b.endedMs ?? 0) || byName(a, b)
}

export function newestFirst(a: PlacedInTime, b: PlacedInTime): number {
  return oldestFirst(b, a)
}

/** What is left of the order where times are the same. */
export function byName(a: Pick<PlacedInTime, 'name' | 'uuid'>, b: Pick<PlacedInTime, 'name' | 'uuid'>): number {
  return compareText(a.name, b.name) || compareText(a.uuid, b.uuid)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
