/** Reads the metadata of a planned group again, fetches its blobs, and sorts out what cannot be restored and why. */
import { findingOfFault } from '../check/findings.ts'
import type { Mirror, MirrorItem, MirrorResult } from '../mirror/port.ts'
import type { Expectation } from '../model/evidence.ts'
import type { Finding } from '../model/finding.ts'
import type { Group, PlannedContent } from '../model/plan.ts'
import type { Reason } from '../model/verdict.ts'
import type { GroupSize } from '../plan/forecast.ts'
import type { Catalogue } from '../repository/catalogue.ts'
import { contentItems, contentsResting, distinctItems, expectationOf, ownersOf } from './expectation.ts'

export interface LoadedContent {
  readonly planned: PlannedContent
  readonly expected: Expectation
  readonly items: readonly MirrorItem[]
  /** Uuids of all snapshots that hold the content. */
  readonly sharedWith: readonly string[]
  /** Its part of the group's fetching, by bytes. */
  readonly mirrorSeconds: number
}

export interface LoadedGroup {
  readonly contents: readonly LoadedContent[]
  /** Planned and not to be restored: our own trouble, or a repository that moved. */
  readonly unloadable: readonly {
    readonly planned: PlannedContent
    readonly reason: Reason
    readonly message: string
  }[]
  /** Bad blobs with all contents of the index that rest on them. */
  readonly condemned: readonly { readonly finding: Finding; readonly contentIds: ReadonlySet<string> }[]
  readonly items: readonly MirrorItem[]
  readonly bytes: number
}

export interface LoadOptions {
  readonly catalogue: Catalogue
  readonly mirror: Mirror
  readonly signal: AbortSignal
  /** Told what will be fetched, before it is. */
  readonly onItems?: (items: readonly MirrorItem[]) => void
}

export async function loadGroup(
  group: Group,
  { catalogue, mirror, signal, onItems }: LoadOptions,
): Promise<LoadedGroup> {
  const { repositoryData } = catalogue
  const { record, wanted, moved } = await readGroup(group, catalogue, signal)
  const owners = ownersOf(record, repositoryData)
  const itemsOf = new Map(wanted.map(one => [one, contentItems(record, one.copy, repositoryData, owners)]))
  const items = distinctItems([...itemsOf.values()].flat())
  onItems?.(items)
  const fetched = await mirror.fetch(items, signal)
  const bad = sortFaults(fetched)
  const condemned = bad.accusing.map(({ finding, keys }) => ({ finding, contentIds: contentsResting(record, keys) }))
  const unloadable = moved.map(planned => ({
    planned,
    reason: 'repository-moved' as Reason,
    message: 'the metadata of this content changed after the plan was made',
  }))
  const contents: LoadedContent[] = []
  const totalBytes = Math.max(
    1,
    wanted.reduce((sum, { planned }) => sum + planned.content.bytes, 0),
  )
  for (const one of wanted) {
    const own = itemsOf.get(one) ?? []
    const keys = own.flatMap(item => item.parts.map(part => part.key))
    if (keys.some(key => bad.accusedKeys.has(key))) continue // condemned speaks of it
    const ours = keys.map(key => bad.ours.get(key)).find(trouble => trouble !== undefined)
    if (ours !== undefined) {
      unloadable.push({ planned: one.planned, ...ours })
      continue
    }
    contents.push({
      planned: one.planned,
      expected: expectationOf(record, one.copy, one.snapshot),
      items: own,
      sharedWith: one.planned.content.snapshots.map(position => repositoryData.snapshots[position]?.uuid ?? ''),
      mirrorSeconds: (fetched.seconds * one.planned.content.bytes) / totalBytes,
    })
  }
  return { contents, unloadable, condemned, items, bytes: fetched.bytes }
}

/** Sizes of a group for the forecast; nothing is fetched but metadata. */
export async function sizeGroup(group: Group, catalogue: Catalogue, signal: AbortSignal): Promise<GroupSize> {
  const { record, wanted } = await readGroup(group, catalogue, signal)
  const owners = ownersOf(record, catalogue.repositoryData)
  const items = distinctItems(wanted.flatMap(one => contentItems(record, one.copy, catalogue.repositoryData, owners)))
  const parts = items.flatMap(item => item.parts)
  return {
    fetchBytes: parts.reduce((sum, part) => sum + (part.bytes ?? 0), 0),
    fetchRequests: parts.length,
    largestContentBytes: Math.max(0, ...group.contents.map(({ content }) => content.bytes)),
  }
}

async function readGroup(group: Group, catalogue: Catalogue, signal: AbortSignal) {
  const { repositoryData } = catalogue
  const position = repositoryData.indices.findIndex(index => index.id === group.indexId)
  const record = await catalogue.readIndex(position, undefined, signal)
  const moved: PlannedContent[] = []
  const wanted = group.contents.flatMap(planned => {
    const copy = record.copies.find(c => c.snapshot === planned.snapshot)
    const snapshot = repositoryData.snapshots[planned.snapshot]
    if (copy !== undefined && snapshot !== undefined && copy.contentId === planned.content.contentId) {
      return [{ planned, copy, snapshot }]
    }
    moved.push(planned)
    return []
  })
  return { record, wanted, moved }
}

/** What accuses the repository, and what is our own trouble, by key. */
function sortFaults({ faults }: MirrorResult) {
  const accusing: { finding: Finding; keys: ReadonlySet<string> }[] = []
  const accusedKeys = new Set<string>()
  const ours = new Map<string, { reason: Reason; message: string }>()
  for (const { item, fault } of faults) {
    const keys = item.parts.map(part => part.key)
    const finding = findingOfFault(fault)
    if (finding === null) {
      for (const key of keys) ours.set(key, { reason: fault.ours ?? 'store-unavailable', message: fault.message })
      continue
    }
    accusing.push({ finding, keys: new Set(keys) })
    for (const key of keys) accusedKeys.add(key)
  }
  return { accusing, accusedKeys, ours }
}
