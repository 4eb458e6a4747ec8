/** File lists with their fingerprints, and the id of a content: what makes two shard copies the same. */
import { createHash } from 'node:crypto'
import type { FileEntry, FileList, ShardCopy } from '../model/content.ts'
import type { CommitFiles } from './commit-blobs.ts'
import { countCommit } from './commit-counts.ts'

/** Hex digits of a sha-256 that are kept: 128 bits. */
const digits = 32

/** Covers physical name, blob name, length and checksum of every file, sorted by physical name. */
export function fingerprintOf(files: readonly FileEntry[]): string {
  const hash = createHash('sha256')
  for (const file of sorted(files))
    hash.update(`${file.physicalName}\0${file.name}\0${file.bytes}\0${file.checksum ?? ''}\n`)
  return hash.digest('hex').slice(0, digits)
}

/** Null unless every shard is complete. */
export function contentIdOf(metadataKey: string, shardCount: number, shards: readonly ShardCopy[]): string | null {
  if (shards.length !== shardCount) return null
  const hash = createHash('sha256').update(`${metadataKey}\n${shardCount}\n`)
  for (const { files } of shards) {
    if (files === null) return null
    hash.update(`${files.fingerprint}\n`)
  }
  return hash.digest('hex').slice(0, digits)
}

export interface InternedFileList {
  readonly list: FileList
  /** Why the files do not fit their own commit; null when they do. */
  readonly problem: string | null
}

/** Equal lists share one value, so that memory follows distinct contents; counted once each. */
export class FileLists {
  private readonly lists = new Map<string, InternedFileList>()
  private readonly reading = new Map<string, Promise<CommitFiles>>()

  /** What `read` gives, which is asked once for equal lists. */
  commitFiles(files: readonly FileEntry[], read: () => Promise<CommitFiles>): Promise<CommitFiles> {
    const key = fingerprintOf(files) + partsOf(files)
    const reading = this.reading.get(key) ?? read()
    this.reading.set(key, reading)
    return reading
  }

  /** `blobs`: what `countCommit` needs beside the metadata. */
  intern(files: readonly FileEntry[], blobs?: CommitFiles): InternedFileList {
    const fingerprint = fingerprintOf(files)
    const key = fingerprint + partsOf(files)
    const known = this.lists.get(key)
    if (known !== undefined) return known
    const { luceneDocs, maxSeqNo, countStatus, problem } = countCommit(files, blobs)
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    const interned = { list: { fingerprint, files, bytes, luceneDocs, maxSeqNo, countStatus }, problem }
    this.lists.set(key, interned)
    return interned
  }
}

/** How files are cut into objects is not in the fingerprint, and lists that differ in it must not share keys. */
function partsOf(files: readonly FileEntry[]): string {
  return sorted(files)
    .filter(({ partBytes, bytes }) => partBytes !== null && bytes > partBytes)
    .map(({ physicalName, partBytes }) => ` ${physicalName}=${partBytes}`)
    .join('')
}

function sorted(files: readonly FileEntry[]): FileEntry[] {
  return [...files].sort((a, b) => (a.physicalName < b.physicalName ? -1 : a.physicalName > b.physicalName ? 1 : 0))
}
