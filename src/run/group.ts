/** Reads the metadata of a planned group again, says what of it fits, fetches its blobs, and sorts out what cannot be restored and why. */
import { findingOfFault } from '../check/findings.ts'
import type { Mirror, MirrorItem, MirrorResult } from '../mirror/port.ts'
import type { AuditConfig } from '../model/config.ts'
import { blobParts, type IndexCopy } from '../model/content.ts'
import type { Expectation } from '../model/evidence.ts'
import { featureOf } from '../model/feature.ts'
import type { Finding } from '../model/finding.ts'
import type { Group, PlannedContent } from '../model/plan.ts'
import type { SnapshotEntry } from '../model/repository.ts'
import type { Reason } from '../model/verdict.ts'
import { type ChainTerms, type PlannedLink, planChains } from '../plan/chains.ts'
import { type FitContent, fitGroup, type Room, type Source, smallestMachine } from '../plan/fit.ts'
import type { GroupSize } from '../plan/forecast.ts'
import type { Catalogue } from '../repository/catalogue.ts'
import {
  contentItems,
  contentsResting,
  distinctItems,
  expectationOf,
  featureItems,
  filesOf,
  ownersOf,
} from './expectation.ts'

export interface LoadedContent {
  readonly planned: PlannedContent
  readonly expected: Expectation
  readonly items: readonly MirrorItem[]
  /** Uuids of all snapshots that hold the content. */
  readonly sharedWith: readonly string[]
  /** Its part of the group's fetching, by bytes. */
  readonly mirrorSeconds: number
}

/** A content in its chain, with what the server is expected to keep of the one before it. */
export interface LoadedLink {
  readonly content: LoadedContent
  readonly keptBytes: number
}

export interface LoadedGroup {
  readonly source: Source
  /** Each to be restored in its order, each content over the one before it; most are chains of one. */
  readonly chains: readonly (readonly LoadedLink[])[]
  /** Planned and not to be restored: our own trouble, or a repository that moved. */
  readonly unloadable: readonly {
    readonly planned: PlannedContent
    readonly reason: Reason
    readonly message: string
  }[]
  /** Bad blobs. */
  readonly accused: Accusations
  /** All contents of the index (any snapshot) that rest on one of the keys. */
  restingOn(keys: ReadonlySet<string>): ReadonlySet<string>
  readonly items: readonly MirrorItem[]
  readonly bytes: number
  /** Bytes of the disk that it may come to use. */
  readonly neededBytes: number
  /** Contents restored at once. */
  readonly parallel: number
  /** Of the group, when these are dropped: what did not fit beside them. */
  readonly later: readonly PlannedContent[]
}

/** Findings of bad blobs, each with the keys that it speaks of. */
export type Accusations = readonly { readonly finding: Finding; readonly keys: ReadonlySet<string> }[]

export interface LoadOptions {
  readonly catalogue: Catalogue
  readonly mirror: Mirror
  readonly signal: AbortSignal
  readonly room: Room
  readonly chains: ChainTerms
  /** Bytes that are taken whatever is restored; for messages. */
  readonly takenBytes: number
  /** Told what will be fetched, before it is. */
  readonly onItems?: (items: readonly MirrorItem[]) => void
}

/** `wait`: it does not fit beside what is there now. */
export async function loadGroup(group: Group, options: LoadOptions): Promise<LoadedGroup | 'wait'> {
  const { catalogue, mirror, signal, room } = options
  const { repositoryData } = catalogue
  const { record, wanted: all, moved } = await readGroup(group, catalogue, signal)
  const owners = ownersOf(record, repositoryData)
  const itemsOf = new Map(
    all.map(one => [one, [...contentItems(record, one.copy, repositoryData, owners), ...one.featureItems]]),
  )
  const links = linksOf(all, options.chains)
  const chained = new Set(links.filter(chain => chain.length > 1).flatMap(chain => chain.map(({ content }) => content)))
  const fitting = fitGroup(
    all.map((one, i) => fitOf(one.planned, itemsOf.get(one) ?? [], chained.has(i))),
    room,
  )
  if (fitting === 'wait') return 'wait'
  const { source } = fitting
  const now = new Set(fitting.now)
  const wanted = fitting.now.flatMap(i => all[i] ?? [])
  const items = distinctItems(wanted.flatMap(one => itemsOf.get(one) ?? []))
  if (source === 'mirror') options.onItems?.(items)
  const fetched = source === 'mirror' ? await mirror.fetch(items, signal) : nothingFetched
  const bad = sortFaults(fetched)
  const unloadable: { planned: PlannedContent; reason: Reason; message: string }[] = moved.map(planned => ({
    planned,
    reason: 'repository-moved',
    message: 'the metadata of this content changed after the plan was made',
  }))
  for (const { content, neededBytes } of fitting.never) {
    const planned = all[content]?.planned
    const message = `it needs ${neededBytes} bytes of disk, ${Math.max(0, room.bytes ?? 0)} may be used: ${smallestMachine(neededBytes, options.takenBytes)} would do`
    if (planned !== undefined) unloadable.push({ planned, reason: 'does-not-fit', message })
  }
  const totalBytes = Math.max(
    1,
    wanted.reduce((sum, { planned }) => sum + planned.content.bytes, 0),
  )
  const loadable = new Map<number, LoadedContent>()
  for (const [i, one] of all.entries()) {
    if (!now.has(i)) continue
    const own = itemsOf.get(one) ?? []
    const keys = own.flatMap(item => item.parts.map(part => part.key))
    if (keys.some(key => bad.accusedKeys.has(key))) continue // what accuses speaks of it
    const ours = keys.map(key => bad.ours.get(key)).find(trouble => trouble !== undefined)
    if (ours !== undefined) {
      unloadable.push({ planned: one.planned, ...ours })
      continue
    }
    const expected = expectationOf(record, one.copy, one.snapshot, one.feature)
    const accounted = source === 's3' || chained.has(i)
    loadable.set(i, {
      planned: one.planned,
      expected: accounted ? { ...expected, files: filesOf(record, one.copy) } : expected,
      items: own,
      sharedWith: one.planned.content.snapshots.map(position => repositoryData.snapshots[position]?.uuid ?? ''),
      mirrorSeconds: (fetched.seconds * one.planned.content.bytes) / totalBytes,
    })
  }
  return {
    source,
    chains: links.map(chain => present(chain, loadable)).filter(chain => chain.length > 0),
    unloadable,
    accused: bad.accusing,
    restingOn: keys => contentsResting(record, keys),
    items: source === 'mirror' ? items : [],
    bytes: fetched.bytes,
    neededBytes: fitting.neededBytes,
    parallel: fitting.parallel,
    later: fitting.later.flatMap(i => all[i]?.planned ?? []),
  }
}

function sequenceOf({ shards }: IndexCopy): number {
  return shards.reduce((sum, { files }) => sum + (files?.maxSeqNo ?? 0), 0)
}

const nothingFetched: MirrorResult = { bytes: 0, requests: 0, seconds: 0, faults: [] }

/** What of a chain can be restored. Nothing is foretold of a link whose predecessor is missing. */
function present(
  chain: readonly { readonly content: number; readonly keptBytes: number }[],
  loadable: ReadonlyMap<number, LoadedContent>,
): LoadedLink[] {
  return chain.flatMap(({ content, keptBytes }, i) => {
    const loaded = loadable.get(content)
    if (loaded === undefined) return []
    const before = chain[i - 1]
    return [{ content: loaded, keptBytes: before !== undefined && loadable.has(before.content) ? keptBytes : 0 }]
  })
}

function fitOf({ content }: PlannedContent, items: readonly MirrorItem[], chained: boolean): FitContent {
  const blobs = new Map(items.flatMap(item => item.parts.map(({ key, bytes }) => [key, bytes ?? 0] as const)))
  return { bytes: content.bytes, blobs, chained }
}

/** Reads blobs to compare them with their checksums, and keeps none. Throws what a mirror throws. */
export async function readAndDrop(
  items: readonly MirrorItem[],
  mirror: Mirror,
  signal: AbortSignal,
): Promise<SortedFaults> {
  const faults: MirrorResult['faults'][number][] = []
  for (const batch of batchesOf(distinctItems(items))) {
    try {
      faults.push(...(await mirror.fetch(batch, signal)).faults)
    } finally {
      await mirror.drop(batch)
    }
  }
  return sortFaults({ faults })
}

/** Little enough to lie on any disk for a moment. */
const batchBytes = 256 * 2 ** 20

function batchesOf(items: readonly MirrorItem[]): MirrorItem[][] {
  const batches: MirrorItem[][] = []
  let open = Number.POSITIVE_INFINITY
  for (const item of items) {
    const bytes = item.parts.reduce((sum, part) => sum + (part.bytes ?? 0), 0)
    if (open + bytes > batchBytes) {
      batches.push([])
      open = 0
    }
    batches.at(-1)?.push(item)
    open += bytes
  }
  return batches
}

function linksOf(wanted: readonly Wanted[], terms: ChainTerms): PlannedLink[][] {
  // Before 7.14 and on OpenSearch `index-N` has no times and no order; sequence numbers grow with each write to an index.
  // A system index that is restored again takes the place of the one before.
  if (wanted.some(({ feature }) => feature !== null)) return wanted.map((_, content) => [{ content, keptBytes: 0 }])
  const isDated = wanted.every(({ snapshot }) => snapshot.endedMs !== null)
  return planChains(
    wanted.map(({ planned, copy, snapshot }) => ({
      order: isDated ? (snapshot.endedMs ?? 0) : sequenceOf(copy),
      kind: planned.kind,
      bytes: planned.content.bytes,
      shards: copy.shards.map(({ files }) =>
        (files?.files ?? []).map(({ physicalName: name, bytes, checksum }) => ({ name, bytes, checksum })),
      ),
    })),
    terms,
  )
}

/**
 * Sizes of a group for the forecast; nothing is fetched but metadata. The mirror fetches each blob once, whatever is restored of it; a server
 * that reads the store itself fetches what a chain does not keep, for each restore anew. `auto` is forecast as the mirror.
 */
export async function sizeGroup(
  group: Group,
  catalogue: Catalogue,
  how: { readonly source: AuditConfig['work']['source']; readonly chains: ChainTerms },
  signal: AbortSignal,
): Promise<GroupSize> {
  const { record, wanted } = await readGroup(group, catalogue, signal)
  const largestContentBytes = Math.max(0, ...group.contents.map(({ content }) => content.bytes))
  if (how.source === 's3') return { ...sizeByServer(wanted, how.chains), mirrorBytes: 0, largestContentBytes }
  const owners = ownersOf(record, catalogue.repositoryData)
  const items = distinctItems(wanted.flatMap(one => contentItems(record, one.copy, catalogue.repositoryData, owners)))
  const parts = items.flatMap(item => item.parts)
  const fetchBytes = parts.reduce((sum, part) => sum + (part.bytes ?? 0), 0)
  return { fetchBytes, fetchRequests: parts.length, mirrorBytes: fetchBytes, largestContentBytes }
}

/** A server asks for each part of a file that it copies. */
function sizeByServer(wanted: readonly Wanted[], terms: ChainTerms): Pick<GroupSize, 'fetchBytes' | 'fetchRequests'> {
  const sum = { fetchBytes: 0, fetchRequests: 0 }
  for (const { content, keptBytes } of linksOf(wanted, terms).flat()) {
    const files = wanted[content]?.copy.shards.flatMap(shard => shard.files?.files ?? []) ?? []
    const parts = files.flatMap(file => blobParts(file, ''))
    const bytes = parts.reduce((total, part) => total + part.bytes, 0)
    sum.fetchBytes += Math.max(0, bytes - keptBytes)
    sum.fetchRequests += Math.ceil(parts.length * (bytes === 0 ? 1 : Math.max(0, 1 - keptBytes / bytes)))
  }
  return sum
}

async function readGroup(group: Group, catalogue: Catalogue, signal: AbortSignal) {
  const { repositoryData } = catalogue
  const position = repositoryData.indices.findIndex(index => index.id === group.indexId)
  const record = await catalogue.readIndex(position, undefined, signal)
  const moved: PlannedContent[] = []
  const wanted: Wanted[] = []
  for (const planned of group.contents) {
    const copy = record.copies.find(c => c.snapshot === planned.snapshot)
    const snapshot = repositoryData.snapshots[planned.snapshot]
    const isSame = copy !== undefined && copy.contentId === planned.content.contentId
    const system = isSame && copy.metadata?.system === true ? await readFeature(planned, catalogue, signal) : alone
    if (isSame && snapshot !== undefined && system !== null) wanted.push({ planned, copy, snapshot, ...system })
    else moved.push(planned)
  }
  return { record, wanted, moved }
}

interface Wanted {
  readonly planned: PlannedContent
  readonly copy: IndexCopy
  readonly snapshot: SnapshotEntry
  /** Whose state restores it; null: it is restored alone. */
  readonly feature: Expectation['feature'] | null
  readonly featureItems: readonly MirrorItem[]
}
const alone: Pick<Wanted, 'feature' | 'featureItems'> = { feature: null, featureItems: [] }

/** Of a system index; null: its snapshot holds no state of a feature that restores it, any more. */
async function readFeature(
  { content, snapshot }: PlannedContent,
  { readSnapshot, repositoryData }: Catalogue,
  signal: AbortSignal,
): Promise<typeof alone | null> {
  const { info } = await readSnapshot(snapshot, signal)
  const name = featureOf(info, content.indexName)
  const state = info?.features.find(one => one.name === name)
  if (info === null || state === undefined) return null
  return { feature: state, featureItems: featureItems(snapshot, info, state, repositoryData) }
}

export interface SortedFaults {
  readonly accusing: Accusations
  readonly accusedKeys: ReadonlySet<string>
  /** Our own trouble, by key. */
  readonly ours: ReadonlyMap<string, { readonly reason: Reason; readonly message: string }>
}

/** What accuses the repository, and what is our own trouble, by key. */
function sortFaults({ faults }: Pick<MirrorResult, 'faults'>): SortedFaults {
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
