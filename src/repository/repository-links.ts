/**
 * Joins what `index-N` says: uuids become positions, identifiers become blob ids, and what does not meet becomes a fault.
 * 5 million (index, snapshot) pairs cost eight bytes each.
 */
import type { IndexEntry, RepositoryData, SnapshotEntry, SnapshotUuid } from '../model/repository.ts'
import { DecodeError } from './decode-error.ts'
import type { DecodedRepositoryData } from './repository-data.ts'

/** References that do not meet; the catalogue adds the key. */
export interface StructuralFault {
  readonly message: string
  readonly snapshots: readonly SnapshotUuid[]
  readonly index: string | null
}

export interface DraftIndex {
  readonly name: string
  id: string
  /** Numbers of `uuids`. */
  readonly snapshots: Int32Array
  readonly shardGenerations: (string | null)[]
  shardPathType: number
}

export interface RepositoryDraft {
  format: string | null
  uuid: string | null
  clusterId: string | null
  /** `lookup`: index id, identifier, index id, …: numbers of `names`. */
  readonly snapshots: { readonly entry: SnapshotEntry; readonly lookup: Int32Array }[]
  readonly indices: DraftIndex[]
  /** Number of the identifier in `names` → blob id. */
  readonly identifiers: Map<number, string>
  readonly unknownKeys: string[]
  /** Uuids that indices refer to, numbered as met. */
  readonly uuids: Map<string, number>
  /** Index ids and identifiers, numbered as met. */
  readonly names: Map<string, number>
}

const noIdentifier = -1

export function linkRepositoryData(draft: RepositoryDraft, generation: number): DecodedRepositoryData {
  const faults: StructuralFault[] = []
  const snapshots = linkSnapshots(draft, faults)
  const positions = new Int32Array(draft.uuids.size).fill(-1)
  const byUuid = new Map(snapshots.map((snapshot, position) => [snapshot.uuid, position]))
  const uuidTexts = [...draft.uuids.keys()]
  uuidTexts.forEach((uuid, number) => {
    positions[number] = byUuid.get(uuid) ?? -1
  })
  const indices = draft.indices
    .map(index => linkIndex(index, positions, uuidTexts, faults))
    // As their folders are listed: a name, which is the id of an index from before 5.0, may begin another one's.
    .sort((a, b) => Buffer.compare(Buffer.from(`${a.id}/`), Buffer.from(`${b.id}/`)))
  reportSharedIds(indices, snapshots, faults)
  const identifiers = linkIdentifiers(draft, indices, byUuid)
  const names = [...draft.names.keys()]
  reportUndefinedIdentifiers(draft, indices, identifiers, names, snapshots, faults)

  const identifierAt = (snapshot: number, index: number): number => {
    const at = indexOf(indices[index]?.snapshots ?? new Int32Array(), snapshot)
    return at < 0 ? noIdentifier : (identifiers[index]?.[at] ?? noIdentifier)
  }
  const data: RepositoryData = {
    identity: { uuid: draft.uuid, clusterId: draft.clusterId, generation, format: draft.format },
    snapshots,
    indices,
    indexMetadataBlobId: (snapshot, index) => {
      const identifier = identifierAt(snapshot, index)
      if (identifier === noIdentifier) return snapshots[snapshot]?.uuid ?? null
      return draft.identifiers.get(identifier) ?? null
    },
  }
  return {
    data,
    indexMetadataIdentifier: (snapshot, index) => names[identifierAt(snapshot, index)] ?? null,
    faults,
    unknownKeys: draft.unknownKeys,
  }
}

function linkSnapshots(draft: RepositoryDraft, faults: StructuralFault[]): SnapshotEntry[] {
  const uuids = new Set<string>()
  const names = new Set<string>()
  for (const { entry } of draft.snapshots) {
    if (entry.uuid === '' || entry.name === '')
      throw new DecodeError('bad-value', 0, `a snapshot lacks its ${entry.name === '' ? 'name' : 'uuid'}`)
    if (uuids.has(entry.uuid)) throw new DecodeError('bad-value', 0, `snapshot uuid ${entry.uuid} is there twice`)
    if (names.has(entry.name))
      faults.push({
        message: `two snapshots are called ${JSON.stringify(entry.name)}; a restore finds only the first`,
        snapshots: [entry.uuid],
        index: null,
      })
    uuids.add(entry.uuid)
    names.add(entry.name)
  }
  return draft.snapshots.map(({ entry }) => entry)
}

function linkIndex(
  draft: DraftIndex,
  positions: Int32Array,
  uuidTexts: readonly string[],
  faults: StructuralFault[],
): IndexEntry {
  if (draft.id === '') throw new DecodeError('bad-value', 0, `index ${draft.name} has no id`)
  const found = draft.snapshots.map(number => positions[number] ?? -1).sort()
  const known = found.filter((position, i) => position >= 0 && position !== found[i - 1])
  const dangling: string[] = []
  if (known.length < found.length)
    for (const number of draft.snapshots) if ((positions[number] ?? -1) < 0) dangling.push(uuidTexts[number] ?? '')
  if (dangling.length > 0)
    faults.push({
      message: `index ${draft.name} names ${dangling.length} snapshot(s) that index-N does not list: ${dangling.slice(0, 5).join(', ')}`,
      snapshots: [],
      index: draft.name,
    })
  return {
    name: draft.name,
    id: draft.id,
    snapshots: known,
    shardGenerations: draft.shardGenerations,
    shardPathType: draft.shardPathType,
  }
}

function reportSharedIds(
  indices: readonly IndexEntry[],
  snapshots: readonly SnapshotEntry[],
  faults: StructuralFault[],
): void {
  indices.forEach((index, i) => {
    const before = indices[i - 1]
    if (before?.id !== index.id) return
    faults.push({
      message: `indices ${before.name} and ${index.name} share the id ${index.id}`,
      snapshots: uuidsOf(new Set([...before.snapshots, ...index.snapshots]), snapshots),
      index: index.name,
    })
  })
}

/** Per index, aligned with its snapshots: the number of the identifier, or none (layout before 7.9). */
function linkIdentifiers(
  draft: RepositoryDraft,
  indices: readonly IndexEntry[],
  byUuid: ReadonlyMap<string, number>,
): Int32Array[] {
  const identifiers = indices.map(index => new Int32Array(index.snapshots.length).fill(noIdentifier))
  const byId = new Int32Array(draft.names.size).fill(-1)
  indices.forEach((index, i) => {
    const number = draft.names.get(index.id)
    if (number !== undefined) byId[number] = i
  })
  // Both are in the order of the snapshots, so that the next entry of an index is nearly always the one looked for.
  const next = new Int32Array(indices.length)
  for (const { entry, lookup } of draft.snapshots) {
    const snapshot = byUuid.get(entry.uuid) ?? -1
    for (let i = 0; i < lookup.length; i += 2) {
      const index = byId[lookup[i] ?? 0] ?? -1
      const held = indices[index]?.snapshots
      const row = identifiers[index]
      if (held === undefined || row === undefined) continue
      const guess = next[index] ?? 0
      const at = held[guess] === snapshot ? guess : indexOf(held, snapshot)
      if (at < 0) continue
      row[at] = lookup[i + 1] ?? noIdentifier
      next[index] = at + 1
    }
  }
  return identifiers
}

/** One fault for each identifier that is used and not defined. */
function reportUndefinedIdentifiers(
  draft: RepositoryDraft,
  indices: readonly IndexEntry[],
  identifiers: readonly Int32Array[],
  names: readonly string[],
  snapshots: readonly SnapshotEntry[],
  faults: StructuralFault[],
): void {
  indices.forEach((index, i) => {
    const missing = new Map<number, number[]>()
    identifiers[i]?.forEach((identifier, at) => {
      if (identifier === noIdentifier || draft.identifiers.has(identifier)) return
      missing.set(identifier, [...(missing.get(identifier) ?? []), index.snapshots[at] ?? 0])
    })
    for (const [identifier, used] of missing)
      faults.push({
        message: `index metadata identifier ${names[identifier]} of index ${index.name} is used and not defined`,
        snapshots: uuidsOf(used, snapshots),
        index: index.name,
      })
  })
}

function uuidsOf(positions: Iterable<number>, snapshots: readonly SnapshotEntry[]): string[] {
  return Array.from(positions, position => snapshots[position]?.uuid ?? '')
}

/** Position of `value` in an ascending array, -1 where it is not. */
export function indexOf(sorted: Int32Array, value: number): number {
  let low = 0
  let high = sorted.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const here = sorted[middle] ?? 0
    if (here === value) return middle
    if (here < value) low = middle + 1
    else high = middle - 1
  }
  return -1
}
