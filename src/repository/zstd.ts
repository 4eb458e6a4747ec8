/**
 * Zstandard frames behind `ZSTD\0`, as OpenSearch writes them with `compression_type: zstd`.
 *
 * fzstd decodes; it takes what a frame claims at its word (windows of 2 GB, blocks of any size), so that the frame is
 * walked first, which costs a step for each block. Inside a block some bytes that no encoder writes keep it going for ever
 * (101arrowz/fzstd: src/index.ts#rhu @ 0.1.1: codes of no bits), so that it works under a watchdog. Sums in the frame are
 * not compared: the envelope has its own.
 * Source: RFC 8878, sections 3.1.1.1 and 3.1.1.2; opensearch-project/OpenSearch:
 * libs/compress/src/main/java/org/opensearch/compress/ZstdCompressor.java @ 3.3.0 (level 3, one frame)
 */
import { createContext, Script } from 'node:vm'
import { Decompress } from 'fzstd'
import { DecodeError } from './decode-error.ts'

const frameMagic = 0xfd2fb528
/** RFC 8878 asks every decoder for 8 MiB; level 3 uses at most 2 MiB. */
const maxWindowBytes = 8 * 1024 ** 2
const maxBlockBytes = 128 * 1024
/** fzstd moves a whole window for each block: what may be moved in all, some seconds of work. */
const maxMovedBytes = 32 * 1024 ** 3

/** What decoding may take: many times what it takes on a slow machine. */
const watchdog = { baseMs: 1_000, bytesPerMs: 16 * 1024 }

interface Frame {
  /** At most this much comes out. */
  readonly mostBytes: number
  /** What the blocks without compression hold. */
  readonly plainBytes: number
}

/** Decodes one frame, never to more than `maxBytes`; `offset`: of the frame in its blob, for messages. Throws `DecodeError`. */
export function unzstd(frame: Buffer, maxBytes: number, offset: number): Buffer {
  const { plainBytes, mostBytes } = walk(frame, offset, maxBytes)
  if (plainBytes > maxBytes) throw tooLarge(offset, maxBytes)
  const chunks: Uint8Array[] = []
  let bytes = 0
  const stream = new Decompress(chunk => {
    bytes += chunk.length
    if (bytes > maxBytes) throw tooLarge(offset, maxBytes)
    chunks.push(chunk)
  })
  try {
    const timeout = watchdog.baseMs + Math.ceil(Math.min(mostBytes, maxBytes) / watchdog.bytesPerMs)
    withinTime(() => stream.push(frame, true), timeout)
  } catch (error) {
    if (error instanceof DecodeError) throw error
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw new DecodeError('too-large', offset, 'the zstd frame takes longer than it is worth')
    throw new DecodeError('bad-framing', offset, 'the zstd frame is broken', { cause: error })
  }
  return Buffer.concat(chunks, bytes)
}

const call = new Script('work()')
const scope = { work: () => {} }
createContext(scope)

/** Runs work that never waits, and ends it in the middle when it takes too long. */
function withinTime(work: () => void, timeout: number): void {
  scope.work = work
  try {
    call.runInContext(scope, { timeout })
  } finally {
    scope.work = () => {}
  }
}

/** Header and block headers; refuses what costs more than it can be worth. */
function walk(frame: Buffer, offset: number, maxBytes: number): Frame {
  const broken = (at: number, message: string) => new DecodeError('bad-framing', offset + at, message)
  if (frame.length < 6 || frame.readUInt32LE(0) !== frameMagic) throw broken(0, 'no zstd frame begins here')
  const descriptor = frame.readUInt8(4)
  const singleSegment = (descriptor & 0x20) !== 0
  if ((descriptor & 0x08) !== 0 || (descriptor & 0x03) !== 0)
    throw new DecodeError('unknown-layout', offset + 4, 'a zstd frame that needs a dictionary or a newer reader')
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
  let at = singleSegment ? 5 : 6
  if (at + sizeBytes > frame.length) throw broken(at, 'the zstd frame ends in its header')
  const size = contentSize(frame.subarray(at, at + sizeBytes))
  if (size > maxBytes) throw tooLarge(offset, maxBytes)
  const windowBytes = singleSegment ? size : windowSize(frame.readUInt8(5))
  // A single segment is its own window, bounded by what the caller allows.
  if (!singleSegment && windowBytes > maxWindowBytes)
    throw new DecodeError('too-large', offset + 5, `a zstd window of ${windowBytes} bytes`)
  at += sizeBytes
  const blockBytes = Math.min(maxBlockBytes, windowBytes)
  let plainBytes = 0
  let mostBytes = 0
  let moved = 0
  for (let last = false; !last; ) {
    if (at + 3 > frame.length) throw broken(at, 'the zstd frame ends between its blocks')
    const header = frame.readUIntLE(at, 3)
    const kind = (header >> 1) & 3
    const bytes = header >> 3
    last = (header & 1) !== 0
    if (kind === 3) throw broken(at, 'a zstd block of a kind that does not exist')
    if (bytes > blockBytes) throw broken(at, `a zstd block of ${bytes} bytes, at most ${blockBytes} can be`)
    if (kind === 2 && bytes < 2) throw broken(at, 'a compressed zstd block without contents')
    if (kind !== 2) plainBytes += bytes
    mostBytes += kind === 2 ? blockBytes : bytes
    moved += windowBytes
    if (moved > maxMovedBytes)
      throw new DecodeError('too-large', offset + at, 'more zstd blocks than its size is worth')
    at += 3 + (kind === 1 ? 1 : bytes)
  }
  const end = at + ((descriptor & 0x04) !== 0 ? 4 : 0)
  if (end !== frame.length) throw broken(end, `the zstd frame ends at ${end} of ${frame.length} bytes`)
  return { mostBytes, plainBytes }
}

/** Numbers beyond 2^53 are as good as infinite. */
function contentSize(field: Buffer): number {
  if (field.length === 0) return 0
  if (field.length === 8) return Number(field.readBigUInt64LE())
  return field.readUIntLE(0, field.length) + (field.length === 2 ? 256 : 0)
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

function tooLarge(offset: number, maxBytes: number): DecodeError {
  return new DecodeError('too-large', offset, `it inflates to more than ${maxBytes} bytes`)
}
