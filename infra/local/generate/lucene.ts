/**
 * `segments_N` and `.si` in every layout since Lucene 5, for repositories that no server wrote.
 * Source: apache/lucene: lucene/core/src/java/org/apache/lucene/index/SegmentInfos.java @ 10.3.1, and what the decoder names
 */
import { seal } from './envelope.ts'

export interface WrittenSegment {
  readonly name: string
  readonly maxDoc: number
  /** -1n: no deletes. */
  readonly deletesGeneration: bigint
  readonly deleted: number
  readonly softDeleted: number
}

const id = Buffer.alloc(16, 7)
const footer = Buffer.from([0xc0, 0x28, 0x93, 0xe8, 0, 0, 0, 0])

function string(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')])
}

function int32(value: number, littleEndian = false): Buffer {
  const bytes = Buffer.alloc(4)
  if (littleEndian) bytes.writeInt32LE(value)
  else bytes.writeInt32BE(value)
  return bytes
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}

function header(codec: string, version: number, suffix: string): Buffer[] {
  return [Buffer.from([0x3f, 0xd7, 0x6c, 0x17]), string(codec), int32(version), id, string(suffix)]
}

/** `format`: 6 (Lucene 5.3) to 10 (8.6 and later). `generation`: base 36. */
export function writeCommit(
  format: number,
  generation: string,
  segments: readonly WrittenSegment[],
  maxSeqNo = 41,
): Buffer {
  const one = (segment: WrittenSegment): Buffer[] => [
    string(segment.name),
    ...(format === 6 ? [Buffer.from([1])] : []),
    id,
    string('Lucene'),
    int64(segment.deletesGeneration),
    int32(segment.deleted),
    int64(-1n),
    int64(-1n),
    ...(format >= 9 ? [int32(segment.softDeleted)] : []),
    ...(format >= 10 ? [Buffer.from([1]), id] : []),
    Buffer.from([0]),
    int32(0),
  ]
  return seal(
    Buffer.concat([
      ...header('segments', format, generation),
      Buffer.from([9, 0, 0]),
      ...(format >= 7 ? [Buffer.from([9])] : []),
      int64(1n),
      ...(format >= 8 ? [Buffer.from([5])] : [int32(5)]),
      int32(segments.length),
      ...(segments.length > 0 ? [Buffer.from([9, 0, 0])] : []),
      ...segments.flatMap(one),
      Buffer.from([1]),
      string('max_seq_no'),
      string(String(maxSeqNo)),
      footer,
    ]),
  )
}

/** `hasBlocks`: the byte that Lucene 9.9 added. */
export function writeSegmentInfo(
  codec: string,
  segment: WrittenSegment,
  files: readonly string[],
  hasBlocks: boolean,
): Buffer {
  const littleEndian = codec === 'Lucene90SegmentInfo'
  const version = [int32(9, littleEndian), int32(0), int32(0)]
  const hasMinVersion = codec !== 'Lucene50SegmentInfo' && codec !== 'Lucene62SegmentInfo'
  return seal(
    Buffer.concat([
      ...header(codec, 0, ''),
      ...version,
      ...(hasMinVersion ? [Buffer.from([1]), ...version] : []),
      int32(segment.maxDoc, littleEndian),
      Buffer.from([1]),
      ...(hasBlocks ? [Buffer.from([0xff])] : []),
      Buffer.from([1]),
      string('os'),
      string('Linux'),
      Buffer.from([files.length]),
      ...files.map(string),
      Buffer.from([0]),
      // Number of sort fields; Lucene 5 has none.
      ...(codec === 'Lucene50SegmentInfo' ? [] : [Buffer.from([0])]),
      footer,
    ]),
  )
}
