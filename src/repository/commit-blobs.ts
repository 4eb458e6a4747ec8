/**
 * Commits that are too large for the metadata: before 8.x, and on OpenSearch, at most the first MiB of `segments_N` is in
 * `meta_hash`, and the file has a blob of its own, which is read for its counts.
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/index/store/Store.java#hashFile @ 7.17.29
 */
import { blobParts, type FileEntry } from '../model/content.ts'
import { verifyFooter } from './codec-footer.ts'
import { isInMetadata } from './commit-counts.ts'
import { DecodeError } from './decode-error.ts'
import type { MetadataReader } from './metadata-reader.ts'

/** More than this is not read for a count, in all files of a shard together. */
const maxBytes = 64 * 1024 ** 2

/** By Lucene file name; `unreadable`: a blob could not be read or is not what was recorded. */
export type CommitFiles = ReadonlyMap<string, Buffer> | 'unreadable'

/** Files that a count needs and that are not in the metadata; empty where they are too large to be read for it. */
export function filesToRead(files: readonly FileEntry[]): FileEntry[] {
  const needed = files.filter(
    file =>
      (file.physicalName.startsWith('segments_') || file.physicalName.endsWith('.si')) &&
      file.name.startsWith('__') &&
      !isInMetadata(file),
  )
  return needed.reduce((sum, { bytes }) => sum + bytes, 0) > maxBytes ? [] : needed
}

/** Accuses nobody: that a blob is there, and right, is judged where all data blobs are. */
export async function readCommitFiles(
  files: readonly FileEntry[],
  folder: string,
  reader: MetadataReader,
  signal: AbortSignal,
): Promise<CommitFiles> {
  const contents = new Map<string, Buffer>()
  for (const file of files) {
    const parts: Buffer[] = []
    for (const { key, bytes } of blobParts(file, folder)) {
      const read = await reader.read(key, whole, signal)
      if (!read.ok || read.value.length !== bytes) return 'unreadable'
      parts.push(read.value)
    }
    const content = Buffer.concat(parts)
    if (!isWhatWasRecorded(file, content)) return 'unreadable'
    contents.set(file.physicalName, content)
  }
  return contents
}

const whole = (bytes: Buffer): Buffer => bytes

function isWhatWasRecorded(file: FileEntry, content: Buffer): boolean {
  try {
    const crc = verifyFooter(content)
    return file.checksum === null || crc === file.checksum
  } catch (error) {
    if (error instanceof DecodeError) return false
    throw error
  }
}
