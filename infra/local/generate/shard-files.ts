/** The files of one generated shard in one snapshot: data blobs, `.si` of each segment, and the commit. */
import { crc32 } from 'node:zlib'
import type { SmileObject } from '../../../src/repository/smile.ts'
import { seal } from './envelope.ts'
import { idOf, numberOf } from './ids.ts'
import { type WrittenSegment, writeCommit, writeSegmentInfo } from './lucene.ts'
import { bornIn, type RepositoryShape, turnover } from './shape.ts'

/** One data blob: which segment of which shard (counted over all indices), and which of its files. */
export interface DataBlob {
  readonly shard: number
  readonly segment: number
  readonly file: number
}

/** Up to two files lie as a compound file, more as they are. */
const compound = ['cfs', 'cfe']
const separate = ['fdt', 'fdx', 'fdm', 'fnm', 'kdd', 'kdi', 'kdm', 'nvd', 'nvm', 'tim', 'tip', 'tmd']
const luceneVersion = '9.12.2'
const commitFormat = 10
const footerBytes = 16
/** As repositories on S3 have it: no file is cut. */
const partBytes = 5 * 1024 ** 4

export function dataBlobName({ seed }: RepositoryShape, { shard, segment, file }: DataBlob): string {
  return `__${idOf(seed, 'file', shard, segment * 16 + file)}`
}

export function dataBlobBytes({ seed, fileBytes }: RepositoryShape, { shard, segment, file }: DataBlob): number {
  const share = numberOf(seed, 'file', shard, segment * 16 + file) / 2 ** 32
  return Math.floor(fileBytes * (0.5 + share))
}

/** The bytes of a data blob: its own ones, and a footer as Lucene's. */
export function dataBlobContent(shape: RepositoryShape, blob: DataBlob): Buffer {
  const body = Buffer.alloc(dataBlobBytes(shape, blob) - footerBytes, dataBlobName(shape, blob), 'latin1')
  return seal(Buffer.concat([body, Buffer.from([0xc0, 0x28, 0x93, 0xe8, 0, 0, 0, 0])]))
}

/** As Lucene records it. Where data cannot be read, any number will do. */
function dataBlobChecksum(shape: RepositoryShape, blob: DataBlob): number {
  if (!shape.data) return numberOf(shape.seed, 'state', blob.shard, blob.segment * 16 + blob.file)
  const content = dataBlobContent(shape, blob)
  return crc32(content.subarray(0, content.length - 8))
}

function extension(shape: RepositoryShape, file: number): string {
  return (shape.filesPerSegment <= compound.length ? compound : separate)[file] ?? ''
}

/** Live segments of a shard in a snapshot: from, and to without it. */
export function liveSegments(shape: RepositoryShape, shard: number, snapshot: number): readonly [number, number] {
  const from = turnover(shape, shard, snapshot)
  return [from, from + shape.segments]
}

/** `files[]` of the shard's blobs for these segments, without the commit. */
function segmentFiles(shape: RepositoryShape, shard: number, segment: number): SmileObject[] {
  const written = writtenSegment(shape, shard, segment)
  const { name } = written
  const data = Array.from({ length: shape.filesPerSegment }, (_, file): SmileObject => {
    const blob = { shard, segment, file }
    return fileInfo(
      dataBlobName(shape, blob),
      `${name}.${extension(shape, file)}`,
      dataBlobBytes(shape, blob),
      dataBlobChecksum(shape, blob),
      null,
    )
  })
  const info = segmentInfo(shape, written)
  const virtual = `v__${idOf(shape.seed, 'virtual', shard, segment * 2)}`
  return [...data, fileInfo(virtual, `${name}.si`, info.length, footerOf(info), info)]
}

/** Live in one snapshot, as `snap-` lists them. */
export function filesIn(shape: RepositoryShape, shard: number, snapshot: number): SmileObject[] {
  const [from, to] = liveSegments(shape, shard, snapshot)
  const files: SmileObject[] = []
  for (let segment = from; segment < to; segment++) files.push(...segmentFiles(shape, shard, segment))
  files.push(commitFile(shape, shard, from))
  return files
}

/** Live in any snapshot that is kept, as the shard generation lists them. */
export function filesOfShard(shape: RepositoryShape, shard: number): SmileObject[] {
  const files: SmileObject[] = []
  const [first] = liveSegments(shape, shard, shape.deleted)
  const [last, end] = liveSegments(shape, shard, shape.snapshots - 1)
  for (let segment = first; segment < end; segment++) files.push(...segmentFiles(shape, shard, segment))
  for (let from = first; from <= last; from++) {
    // A share of many segments skips commits that no snapshot took.
    if (isTaken(shape, shard, from)) files.push(commitFile(shape, shard, from))
  }
  return files
}

function isTaken(shape: RepositoryShape, shard: number, from: number): boolean {
  const snapshot = Math.max(shape.deleted, bornIn(shape, shard, from + shape.segments - 1))
  return snapshot < shape.snapshots && turnover(shape, shard, snapshot) === from
}

/** Blob names of one snapshot's files, in the order of `filesIn`; `commit`: its first live segment. */
export function namesFrom(shape: RepositoryShape, shard: number, from: number): string[] {
  const names: string[] = []
  for (let segment = from; segment < from + shape.segments; segment++) {
    for (let file = 0; file < shape.filesPerSegment; file++) names.push(dataBlobName(shape, { shard, segment, file }))
    names.push(`v__${idOf(shape.seed, 'virtual', shard, segment * 2)}`)
  }
  names.push(`v__${idOf(shape.seed, 'virtual', shard, from * 2 + 1)}`)
  return names
}

function commitFile(shape: RepositoryShape, shard: number, from: number): SmileObject {
  const generation = (from + 3).toString(36)
  const segments = Array.from({ length: shape.segments }, (_, i) => writtenSegment(shape, shard, from + i))
  const commit = writeCommit(commitFormat, generation, segments, (from + shape.segments) * 1000)
  const name = `v__${idOf(shape.seed, 'virtual', shard, from * 2 + 1)}`
  return fileInfo(name, `segments_${generation}`, commit.length, footerOf(commit), commit)
}

function writtenSegment({ seed }: RepositoryShape, shard: number, segment: number): WrittenSegment {
  const number = numberOf(seed, 'state', shard, segment)
  const maxDoc = 10 + (number % 990)
  return {
    name: `_${segment.toString(36)}`,
    maxDoc,
    deletesGeneration: -1n,
    deleted: 0,
    softDeleted: (number >>> 16) % 10,
  }
}

function segmentInfo(shape: RepositoryShape, segment: WrittenSegment): Buffer {
  const files = Array.from({ length: shape.filesPerSegment }, (_, file) => `${segment.name}.${extension(shape, file)}`)
  return writeSegmentInfo('Lucene90SegmentInfo', segment, [...files, `${segment.name}.si`], true)
}

function fileInfo(
  name: string,
  physicalName: string,
  length: number,
  checksum: number,
  metaHash: Buffer | null,
): SmileObject {
  return {
    name,
    physical_name: physicalName,
    length,
    checksum: checksum.toString(36),
    part_size: partBytes,
    written_by: luceneVersion,
    ...(metaHash === null ? {} : { meta_hash: metaHash }),
  }
}

function footerOf(sealed: Buffer): number {
  return sealed.readUInt32BE(sealed.length - 4)
}

const infoBytes = new Map<string, number>()
const commitBytes = new Map<string, number>()

/** Of all files of a shard in a snapshot, virtual ones included; cheap, for the totals in the root blob. */
export function bytesIn(shape: RepositoryShape, shard: number, snapshot: number): number {
  const [from, to] = liveSegments(shape, shard, snapshot)
  let bytes = 0
  let letters = 0
  for (let segment = from; segment < to; segment++) {
    for (let file = 0; file < shape.filesPerSegment; file++) bytes += dataBlobBytes(shape, { shard, segment, file })
    const name = `_${segment.toString(36)}`
    letters += name.length
    // The length of a `.si` follows from that of its segment's name.
    const key = `${shape.filesPerSegment} ${name.length}`
    let length = infoBytes.get(key)
    if (length === undefined) {
      length = segmentInfo(shape, writtenSegment(shape, shard, segment)).length
      infoBytes.set(key, length)
    }
    bytes += length
  }
  // As does that of a commit from those of its names and numbers.
  const numbers = `${(from + 3).toString(36).length} ${String((from + shape.segments) * 1000).length}`
  const key = `${shape.segments} ${letters} ${numbers}`
  let length = commitBytes.get(key)
  if (length === undefined) {
    const commit = commitFile(shape, shard, from).length
    length = typeof commit === 'number' ? commit : 0
    commitBytes.set(key, length)
  }
  return bytes + length
}
