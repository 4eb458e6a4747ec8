/** All shards of one index over its snapshots: where their folders lie, then each of them. */
import type { Fault, IndexMetadata, KnownBlobs, MetadataBlob, ShardCopy } from '../model/content.ts'
import type { IndexEntry, SnapshotEntry } from '../model/repository.ts'
import type { Reason } from '../model/verdict.ts'
import { inOrder } from './ahead.ts'
import { FileLists } from './file-list.ts'
import { pathTypes } from './shard-folders.ts'
import type { ShardPathsReader } from './shard-paths.ts'
import type { ShardReader, ShardRecord, ShardTarget } from './shard-reader.ts'
import type { SnapshotFacts } from './snapshot-reader.ts'

/** Shards of one index that are in work at once; their blobs share the reader's own limit. */
const shardsAhead = 4

/** A snapshot that holds the index. */
export interface Holder {
  readonly position: number
  readonly entry: SnapshotEntry
  readonly facts: SnapshotFacts
  readonly metadataKey: string | null
  readonly metadata: IndexMetadata | null
}

export interface IndexShards {
  /** In the order of the holders. */
  readonly byHolder: readonly (readonly ShardCopy[])[]
  /** By shard number; null where they are the usual ones below `indices/`. */
  readonly folders: readonly string[] | null
  readonly metadataBlobs: readonly MetadataBlob[]
  readonly faults: readonly Fault[]
}

/** One shard with the holders (positions in their list) that have it. */
interface Member {
  readonly holders: readonly number[]
  readonly record: ShardRecord
}

export class IndexShardsReader {
  private readonly shards: ShardReader
  private readonly paths: ShardPathsReader

  constructor(shards: ShardReader, paths: ShardPathsReader) {
    this.shards = shards
    this.paths = paths
  }

  async read(
    index: IndexEntry,
    holders: readonly Holder[],
    signal: AbortSignal,
    known: KnownBlobs | undefined,
  ): Promise<IndexShards> {
    const shardCount = Math.max(0, ...new Set(holders.map(({ metadata }) => metadata?.shardCount ?? 0)))
    let folders = await this.paths.usual(index, shardCount, signal)
    if (folders === null) return notSupported(index, holders, notFound)
    let members = await this.readFolders(index, folders, holders, signal, known)
    if (index.shardPathType === pathTypes.fixed) return collect(members, holders, null)
    if (isNothingThere(members)) {
      if (isForbidden(members)) return notSupported(index, holders, notAllowed)
      // Perhaps they lie elsewhere: nobody is accused unless the repository itself says that they lie here.
      const stated = await this.paths.stated(index, shardCount, signal)
      if (stated === null) return notSupported(index, holders, notFound)
      if (stated[0] !== folders[0]) {
        folders = stated
        members = await this.readFolders(index, folders, holders, signal, known)
      }
    }
    return collect(members, holders, folders)
  }

  private async readFolders(
    index: IndexEntry,
    folders: readonly string[],
    holders: readonly Holder[],
    signal: AbortSignal,
    known: KnownBlobs | undefined,
  ): Promise<Member[]> {
    const lists = new FileLists()
    const read = async (shard: number, ahead: AbortSignal): Promise<Member> => {
      const having = holders.flatMap(({ metadata }, i) => (shard < (metadata?.shardCount ?? 0) ? [i] : []))
      const targets = having.flatMap(i => targetOf(index, shard, holders[i]))
      const folder = folders[shard] ?? ''
      return { holders: having, record: await this.shards.read(index, shard, folder, targets, lists, ahead, known) }
    }
    const members: Member[] = []
    for await (const member of inOrder(folders.keys(), shardsAhead, signal, read)) members.push(member)
    return members
  }
}

function collect(
  members: readonly Member[],
  holders: readonly Holder[],
  folders: readonly string[] | null,
): IndexShards {
  const byHolder: ShardCopy[][] = holders.map(() => [])
  for (const { holders: having, record } of members)
    having.forEach((holder, at) => {
      const copy = record.copies[at]
      if (copy !== undefined) byHolder[holder]?.push(copy)
    })
  return {
    byHolder,
    folders,
    metadataBlobs: members.flatMap(({ record }) => record.metadataBlobs),
    faults: members.flatMap(({ record }) => record.faults),
  }
}

/** A policy that covers the base path alone is ours to mend, and no damage. */
function isForbidden(members: readonly Member[]): boolean {
  const faults = members.flatMap(({ record }) => record.faults)
  return (
    faults.length > 0 && faults.every(({ code }) => code === 'unreadable-blob' || code === 'shard-generation-missing')
  )
}

interface Why {
  readonly reason: Reason
  readonly message: string
}
const notFound: Why = {
  reason: 'layout-not-supported',
  message: 'nothing is where its shards are looked for, and nothing says where they are',
}
const notAllowed: Why = {
  reason: 'not-read',
  message:
    'the store allows to read none of its shards; hashed prefixes lie outside the base path, which the policy must cover',
}

/** Was something looked for, and not one blob found in any of the folders? */
function isNothingThere(members: readonly Member[]): boolean {
  const statuses = new Set(members.flatMap(({ record }) => record.copies.map(({ status }) => status)))
  const found = members.some(({ record }) => record.metadataBlobs.some(({ etag }) => etag !== undefined))
  return !found && statuses.has('missing-metadata') && !statuses.has('complete') && !statuses.has('corrupt-metadata')
}

function notSupported(index: IndexEntry, holders: readonly Holder[], why: Why): IndexShards {
  const byHolder = holders.map(({ metadata }) =>
    Array.from(
      { length: metadata?.shardCount ?? 0 },
      (_, shard): ShardCopy => ({ shard, status: 'not-verifiable-here', files: null }),
    ),
  )
  return { byHolder, folders: null, metadataBlobs: [], faults: [unreadFault(index, holders, why)] }
}

function targetOf(index: IndexEntry, shard: number, holder: Holder | undefined): ShardTarget[] {
  if (holder === undefined) return []
  const { entry, facts, position } = holder
  const failed = facts.failures === null ? null : (facts.failures.get(index.name)?.has(shard) ?? false)
  // Without the root blob only a snapshot that succeeded is known to have every shard.
  const failedAtSource = failed ?? (entry.state === 'SUCCESS' ? false : 'unknown')
  const remote = remoteOf(facts, holder.metadata)
  return [{ snapshot: position, uuid: entry.uuid, name: facts.name ?? entry.name, failedAtSource, remote }]
}

/** Index by index: in a snapshot with shallow copies those without a remote store have their data here. */
function remoteOf(facts: SnapshotFacts, metadata: IndexMetadata | null): ShardTarget['remote'] {
  if (facts.pinned) return 'pinned'
  if (!facts.shallow) return 'no'
  return metadata?.settings.get('index.remote_store.enabled') === 'true' ? 'likely' : 'perhaps'
}

function unreadFault(index: IndexEntry, holders: readonly Holder[], { reason, message }: Why): Fault {
  return {
    code: 'missing-metadata-blob',
    ours: reason,
    key: null,
    offset: null,
    snapshots: holders.map(({ entry }) => entry.uuid),
    index: index.name,
    shard: null,
    message: `index ${index.name}, shard folders of path type ${index.shardPathType}: ${message}`,
  }
}
