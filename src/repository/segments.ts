/**
 * `segments_N`, Lucene's commit, and `.si`, one for each segment: which files there are and how many documents.
 *
 * Sources: apache/lucene: lucene/core/src/java/org/apache/lucene/index/SegmentInfos.java,
 * …/codecs/lucene99/Lucene99SegmentInfoFormat.java @ 10.3.1, lucene70 and lucene86 of them @ 8.11.3
 */
import { verifyFooter } from './codec-footer.ts'
import { DecodeError } from './decode-error.ts'
import { LuceneInput } from './lucene-input.ts'

export interface CommitSegment {
  readonly name: string
  readonly id: string
  readonly deleted: number
  readonly softDeleted: number
  /** Files that the commit names for this segment, besides those in its `.si`. */
  readonly files: readonly string[]
}

export interface Commit {
  readonly segments: readonly CommitSegment[]
  readonly userData: ReadonlyMap<string, string>
}

export interface SegmentInfo {
  readonly id: string
  /** Documents ever in the segment, deleted ones included. */
  readonly maxDoc: number
  /** Null where the layout behind the document count is not understood. */
  readonly files: readonly string[] | null
}

/** Oldest Lucene 5.3, newest 8.6 and later. */
const commitFormats = { min: 6, lucene70: 7, lucene72: 8, lucene74: 9, lucene86: 10 }

/** Throws `DecodeError`; `unknown-layout` for a format that no version read here has. */
export function decodeCommit(bytes: Buffer, fileName: string): Commit {
  verifyFooter(bytes)
  const input = new LuceneInput(bytes)
  const { codec, version: format, suffix } = input.header()
  if (codec !== 'segments') throw new DecodeError('bad-codec', 4, `codec is ${JSON.stringify(codec)}, not segments`)
  if (fileName !== `segments_${suffix}`)
    throw new DecodeError('bad-value', 0, `${fileName} says that it is segments_${suffix}`)
  if (format < commitFormats.min || format > commitFormats.lucene86)
    throw new DecodeError('unknown-layout', 0, `commit format ${format} is not known`)
  luceneVersion(input)
  if (format >= commitFormats.lucene70) input.vint()
  input.int64()
  if (format >= commitFormats.lucene72) input.vint()
  else input.int32()
  const segmentCount = input.int32()
  if (segmentCount < 0) throw new DecodeError('bad-value', input.position, `${segmentCount} segments`)
  if (segmentCount > 0) luceneVersion(input)
  const segments: CommitSegment[] = []
  for (let i = 0; i < segmentCount; i++) segments.push(decodeCommitSegment(input, format))
  const userData = input.map()
  if (input.position !== input.end)
    throw new DecodeError('trailing-bytes', input.position, `${input.end - input.position} bytes follow the commit`)
  return { segments, userData }
}

function decodeCommitSegment(input: LuceneInput, format: number): CommitSegment {
  const name = input.string()
  if (format < commitFormats.lucene70 && input.byte() !== 1)
    throw new DecodeError('unknown-layout', input.position, `segment ${name} has no id`)
  const id = input.id()
  input.string()
  const deletesGeneration = input.int64()
  const deleted = input.int32()
  input.int64()
  input.int64()
  const softDeleted = format >= commitFormats.lucene74 ? input.int32() : 0
  if (format >= commitFormats.lucene86 && input.byte() === 1) input.id()
  const files = input.set()
  const updates = input.int32()
  if (updates < 0) throw new DecodeError('bad-value', input.position, `${updates} updated fields`)
  for (let i = 0; i < updates; i++) {
    input.int32()
    for (const file of input.set()) files.push(file)
  }
  if (deletesGeneration > 0n) files.push(`${name}_${deletesGeneration.toString(36)}.liv`)
  return { name, id, deleted, softDeleted, files }
}

interface SegmentInfoLayout {
  readonly littleEndian: boolean
  readonly hasMinVersion: boolean
  /** Does it end with the sort of the index? */
  readonly hasSort: boolean
}

/** By header codec alone. */
const segmentInfoCodecs: Readonly<Record<string, SegmentInfoLayout>> = {
  Lucene50SegmentInfo: { littleEndian: false, hasMinVersion: false, hasSort: false },
  Lucene62SegmentInfo: { littleEndian: false, hasMinVersion: false, hasSort: true },
  Lucene70SegmentInfo: { littleEndian: false, hasMinVersion: true, hasSort: true },
  Lucene86SegmentInfo: { littleEndian: false, hasMinVersion: true, hasSort: true },
  Lucene90SegmentInfo: { littleEndian: true, hasMinVersion: true, hasSort: true },
}

export function decodeSegmentInfo(bytes: Buffer, segment: string): SegmentInfo {
  verifyFooter(bytes)
  const input = new LuceneInput(bytes)
  const { codec, id } = input.header()
  const layout = Object.hasOwn(segmentInfoCodecs, codec) ? segmentInfoCodecs[codec] : undefined
  if (layout === undefined) throw new DecodeError('unknown-layout', 4, `segment info of codec ${codec} is not known`)
  const version = () => {
    for (let i = 0; i < 3; i++) input.int32(layout.littleEndian)
  }
  version()
  if (layout.hasMinVersion && input.byte() === 1) version()
  const at = input.position
  const maxDoc = input.int32(layout.littleEndian)
  if (maxDoc < 0) throw new DecodeError('bad-value', at, `${maxDoc} documents`)
  input.byte()
  return { id, maxDoc, files: segmentFiles(input, segment, layout.hasSort) }
}

/**
 * Lucene 9.9 put one more byte (has blocks) here under the same codec and version, so both layouts are tried; what ends
 * exactly at the footer is right. A sorted index has more behind: its files stay unknown.
 */
function segmentFiles(input: LuceneInput, segment: string, hasSort: boolean): string[] | null {
  const start = input.position
  const found: string[][] = []
  for (const skip of [0, 1]) {
    input.position = start + skip
    try {
      input.map()
      const files = input.set()
      input.map()
      if ((!hasSort || input.vint() === 0) && input.position === input.end) found.push(files)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
  }
  const files = found.length === 1 ? found[0] : undefined
  // Segments taken over from other indices keep foreign prefixes in this list: SegmentInfo.java#namedForThisSegment.
  return files?.map(file => segment + file.replace(/^_[^._]*/, '')) ?? null
}

function luceneVersion(input: LuceneInput): void {
  for (let i = 0; i < 3; i++) input.vint()
}
