/** On request: the last 16 bytes of every data file. A cheap sample of what is there, and no proof of its bytes (`footer.ts`). */
import pLimit from 'p-limit'
import { blobParts, type FileEntry, type IndexRecord, shardFolder } from '../model/content.ts'
import type { Finding } from '../model/finding.ts'
import type { RepositoryData } from '../model/repository.ts'
import type { Reason } from '../model/verdict.ts'
import type { CheckOptions } from './check.ts'
import { markOf } from './checkIndex.ts'
import { makeFinding } from './findings.ts'
import { type FooterSample, sampleFooter } from './footer.ts'
import type { CheckedCopy } from './result.ts'

interface SampledFile {
  readonly shard: number
  readonly file: FileEntry
  readonly checksum: number
  /** Positions. */
  readonly snapshots: Set<number>
}

export interface FooterLook {
  readonly copies: readonly CheckedCopy[]
  readonly findings: readonly Finding[]
  /** Was every file looked at? */
  readonly isWhole: boolean
}

/** Copies whose files end as they should keep their marks; the others fail at `presence`, or stay open there. */
export async function sampleFooters(
  record: IndexRecord,
  copies: readonly CheckedCopy[],
  repository: RepositoryData,
  { blobs, requests, isOver, signal }: CheckOptions,
): Promise<FooterLook> {
  const files = sampledFiles(record, new Set(copies.filter(passes).map(copy => copy.snapshot)))
  const limit = pLimit(requests)
  const findings: Finding[] = []
  const bad = new Set<number>()
  /** Positions of those that were asked for and not looked at to the end. */
  const open = new Map<number, Reason>()
  const leave = (snapshots: Iterable<number>, reason: Reason) => {
    for (const snapshot of snapshots) open.set(snapshot, reason)
  }
  const sample = async ({ shard, file, checksum, snapshots }: SampledFile): Promise<void> => {
    if (isOver?.() === true) return leave(snapshots, 'limit-reached')
    const parts = blobParts(file, shardFolder(record, shard))
    const first = await sampleFooter(parts, checksum, blobs, signal)
    // Once more before anybody is accused.
    const told = first.state === 'disagrees' ? await sampleFooter(parts, checksum, blobs, signal) : first
    if (told.state === 'unknown') leave(snapshots, 'store-unavailable')
    const code = codeOf(told.state)
    if (code === null) return
    const uuids = [...snapshots].sort((a, b) => a - b).map(at => repository.snapshots[at]?.uuid ?? '')
    for (const snapshot of snapshots) bad.add(snapshot)
    findings.push(
      makeFinding({ code, key: told.key, snapshots: uuids, index: record.name, shard, message: told.message }),
    )
  }
  await Promise.all(files.map(file => limit(() => sample(file))))
  const marked = (copy: CheckedCopy): CheckedCopy => {
    const reason = bad.has(copy.snapshot) ? 'found' : open.get(copy.snapshot)
    return reason === undefined ? copy : { ...copy, presence: markOf(reason) }
  }
  return {
    copies: copies.map(marked),
    isWhole: open.size === 0,
    findings: findings.sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1)),
  }
}

function codeOf(state: FooterSample['state']) {
  if (state === 'disagrees') return 'corrupt-data-blob'
  return state === 'unreadable' ? 'unreadable-blob' : null
}

function passes({ presence }: CheckedCopy): boolean {
  return presence.verdict === 'pass'
}

function sampledFiles(record: IndexRecord, wanted: ReadonlySet<number>): SampledFile[] {
  const files = new Map<string, SampledFile>()
  for (const { snapshot, shards } of record.copies) {
    if (!wanted.has(snapshot)) continue
    for (const { shard, files: list } of shards) {
      for (const file of list?.files ?? []) {
        const known = files.get(`${shard} ${file.name}`)
        if (known !== undefined) known.snapshots.add(snapshot)
        // Virtual files lie in their metadata; without a recorded checksum there is nothing to compare.
        else if (!file.name.startsWith('v__') && file.checksum !== null)
          files.set(`${shard} ${file.name}`, { shard, file, checksum: file.checksum, snapshots: new Set([snapshot]) })
      }
    }
  }
  return [...files.values()]
}
