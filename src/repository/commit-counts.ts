/**
 * A shard's files against its own commit: exact documents, the highest sequence number, and what does not fit.
 * Source of the count: elastic/elasticsearch: server/src/main/java/org/elasticsearch/common/lucene/Lucene.java#getNumDocs @ 9.5.3
 */
import type { FileEntry, FileList } from '../model/content.ts'
import { verifyFooter } from './codec-footer.ts'
import type { CommitFiles } from './commit-blobs.ts'
import { DecodeError } from './decode-error.ts'
import { decodeCommit, decodeSegmentInfo } from './segments.ts'

export interface CommitCounts {
  readonly luceneDocs: number | null
  readonly maxSeqNo: number | null
  readonly countStatus: FileList['countStatus']
  /** Why `inconsistent`, for people; null otherwise. */
  readonly problem: string | null
}

/** The metadata does not hold the bytes; they may well be fine in their own blob. */
class NotInMetadata extends Error {}

/** `blobs`: contents of files that are not in the metadata, by Lucene name; `unreadable` where they could not be read. */
export function countCommit(files: readonly FileEntry[], blobs: CommitFiles = new Map()): CommitCounts {
  const unknown = (countStatus: FileList['countStatus'], problem: string | null = null): CommitCounts => ({
    luceneDocs: null,
    maxSeqNo: null,
    countStatus,
    problem,
  })
  if (files.length === 0) return unknown('empty-file-list')
  try {
    return { ...count(files, blobs === 'unreadable' ? new Map() : blobs), countStatus: 'known', problem: null }
  } catch (error) {
    if (error instanceof NotInMetadata)
      return unknown(blobs === 'unreadable' ? 'commit-not-readable' : 'no-commit-in-metadata')
    if (error instanceof DecodeError)
      return error.kind === 'unknown-layout'
        ? unknown('unknown-segment-format')
        : unknown('inconsistent', error.message)
    throw error
  }
}

function count(
  files: readonly FileEntry[],
  blobs: ReadonlyMap<string, Buffer>,
): { luceneDocs: number; maxSeqNo: number | null } {
  const byName = new Map(files.map(file => [file.physicalName, file]))
  const commits = files.filter(file => /^segments_[0-9a-z]+$/.test(file.physicalName))
  const [commitFile] = commits
  if (commitFile === undefined || commits.length !== 1)
    throw inconsistent(`${commits.length} commits among ${files.length} files, expected 1`)
  const commit = decodeCommit(contentOf(commitFile, blobs), commitFile.physicalName)
  const expected = new Set([commitFile.physicalName])
  let complete = true
  let luceneDocs = 0
  for (const segment of commit.segments) {
    const name = `${segment.name}.si`
    const file = byName.get(name)
    if (file === undefined)
      throw inconsistent(`${commitFile.physicalName} names segment ${segment.name}, ${name} is not there`)
    const info = decodeSegmentInfo(contentOf(file, blobs), segment.name)
    if (info.id !== segment.id) throw inconsistent(`${name} has id ${info.id}, the commit expects ${segment.id}`)
    const live = info.maxDoc - segment.deleted - segment.softDeleted
    if (live < 0 || segment.deleted < 0 || segment.softDeleted < 0)
      throw inconsistent(
        `segment ${segment.name}: ${info.maxDoc} documents, ${segment.deleted}+${segment.softDeleted} deleted`,
      )
    luceneDocs += live
    for (const part of [name, ...(info.files ?? []), ...segment.files]) expected.add(part)
    if (info.files === null) complete = false
  }
  compareNames(byName, expected, complete)
  return { luceneDocs, maxSeqNo: sequenceNumber(commit.userData.get('max_seq_no')) }
}

/** Servers snapshot exactly the files of one commit; without every segment's list only the `.si` can be compared. */
function compareNames(files: ReadonlyMap<string, FileEntry>, expected: ReadonlySet<string>, complete: boolean): void {
  for (const name of expected)
    if (!files.has(name)) throw inconsistent(`the commit needs ${name}, which is not among the files`)
  for (const name of files.keys())
    if (!expected.has(name) && (complete || name.endsWith('.si')))
      throw inconsistent(`${name} is among the files and not part of the commit`)
}

/** Old servers keep only the first MiB of a large commit in the metadata. */
function contentOf(file: FileEntry, blobs: ReadonlyMap<string, Buffer>): Buffer {
  const content = isInMetadata(file) ? file.metaHash : (blobs.get(file.physicalName) ?? null)
  if (content === null) throw new NotInMetadata()
  return content
}

/** What `v__` files are told to be they must be; of others the metadata may hold a part, or something else. */
export function isInMetadata(file: FileEntry): boolean {
  if (file.metaHash === null || file.metaHash.length !== file.bytes) return false
  return file.name.startsWith('v__') || checkVirtual(file) === null
}

function sequenceNumber(text: string | undefined): number | null {
  const value = text !== undefined && /^-?\d{1,16}$/.test(text) ? Number(text) : null
  return value !== null && Number.isSafeInteger(value) ? value : null
}

/** What is wrong with a file whose bytes are in the metadata: length, footer, CRC. Null when nothing is. */
export function checkVirtual(file: FileEntry): string | null {
  const bytes = file.metaHash?.length ?? 0
  if (file.metaHash === null || bytes !== file.bytes)
    return `${file.physicalName} (${file.name}): ${bytes} bytes in the metadata, its length is ${file.bytes}`
  try {
    const crc = verifyFooter(file.metaHash)
    if (file.checksum !== null && crc !== file.checksum)
      return `${file.physicalName} (${file.name}): CRC-32 is ${crc}, recorded is ${file.checksum}`
    return null
  } catch (error) {
    if (error instanceof DecodeError) return `${file.physicalName} (${file.name}): ${error.message}`
    throw error
  }
}

function inconsistent(message: string): DecodeError {
  return new DecodeError('bad-value', 0, message)
}
