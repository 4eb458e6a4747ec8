/**
 * Builds one bomb and sets it off, alone in its process: `node --import tsx bomb.ts NAME`. Prints how it was refused and
 * the most memory that the process had; whatever is not a `DecodeError` ends it with an error.
 */
import { constants, createDeflateRaw } from 'node:zlib'
import { DecodeError } from '../../../src/repository/decode-error.ts'
import { decodeMetadataBlob } from '../../../src/repository/framing.ts'
import { decodeRepositoryData } from '../../../src/repository/repository-data.ts'
import { envelope } from '../../support/envelope.ts'

const mebibyte = 1024 ** 2
/** The default of the configuration. */
const maxBytes = 256 * mebibyte
const smileHeader = Buffer.from([0x3a, 0x29, 0x0a, 0x05])

/** Deflated without ever being whole in memory. */
async function deflated(start: Buffer, blocks: Iterable<Buffer>): Promise<Buffer> {
  const deflate = createDeflateRaw({ level: constants.Z_BEST_SPEED })
  const chunks: Buffer[] = []
  deflate.on('data', chunk => chunks.push(chunk))
  const ended = new Promise<void>((done, fail) => deflate.on('end', done).on('error', fail))
  deflate.write(start)
  for (const block of blocks) if (!deflate.write(block)) await new Promise<void>(done => deflate.once('drain', done))
  deflate.end()
  await ended
  return Buffer.concat([Buffer.from('DFL\0', 'latin1'), ...chunks])
}

/** `unit` again and again. */
function* run(unit: Buffer, totalBytes: number): Generator<Buffer> {
  const block = Buffer.alloc(mebibyte - (mebibyte % unit.length), unit)
  for (let bytes = 0; bytes < totalBytes; bytes += block.length) yield block
}

/** Fields of one object, each with a name of its own. */
function* fields(count: number): Generator<Buffer> {
  const each = 100_000
  for (let from = 0; from < count; from += each) {
    const names = Array.from({ length: each }, (_, i) => `\x84${(from + i).toString(36).padStart(5, '0')}\xc0`)
    yield Buffer.from(names.join(''), 'latin1')
  }
}

async function smileBomb(start: readonly number[], blocks: Iterable<Buffer>): Promise<() => unknown> {
  const body = await deflated(Buffer.concat([smileHeader, Buffer.from(start)]), blocks)
  const blob = envelope('snapshot', body)
  return () => decodeMetadataBlob(blob, ['snapshot'], maxBytes)
}

function jsonBomb(start: string, unit: string): () => unknown {
  function* chunks(): Generator<Buffer> {
    yield Buffer.from(start)
    for (let i = 0; i < 1024; i++) yield Buffer.alloc(mebibyte, unit)
  }
  return () => decodeRepositoryData(chunks(), 1)
}

/** Blocks that repeat one byte (RLE) as often as they may: 4 bytes each for 128 KiB. */
function zstdBomb(): () => unknown {
  const frame = [Buffer.from('5a53544400', 'hex'), Buffer.from('28b52ffd', 'hex'), Buffer.from([0x00, 0x68])]
  const blockHeader = Buffer.alloc(3)
  blockHeader.writeUIntLE(((128 * 1024) << 3) | (1 << 1), 0, 3)
  const block = Buffer.concat([blockHeader, Buffer.from([0x20])])
  for (let i = 0; i < 40_000; i++) frame.push(block)
  return () => decodeMetadataBlob(envelope('snapshot', Buffer.concat(frame)), ['snapshot'], maxBytes)
}

const bombs: Readonly<Record<string, () => Promise<() => unknown>>> = {
  deflate: () => smileBomb([0xf8], run(Buffer.from([0xc0]), 4096 * mebibyte)),
  text: () => smileBomb([0xe0], run(Buffer.from('a'), 1024 * mebibyte)),
  name: () => smileBomb([0xfa, 0x34], run(Buffer.from('a'), 1024 * mebibyte)),
  objects: () => smileBomb([0xf8], run(Buffer.from([0xfa, 0xfb]), 60 * mebibyte)),
  names: () => smileBomb([0xfa], fields(3_000_000)),
  'json-text': async () => jsonBomb('{"snapshots":[],"min_version":"', 'a'),
  text200: () => smileBomb([0xfa, 0x80, 0x61, 0xe0], run(Buffer.from('a'), 200 * mebibyte)),
  'json-number': async () => jsonBomb('{"snapshots":[],"min_version":', '1'),
  zstd: async () => zstdBomb(),
}

const setOff = await bombs[process.argv[2] ?? '']?.()
if (setOff === undefined) throw new RangeError(`no bomb ${process.argv[2]}`)
try {
  await setOff()
  throw new Error('it was taken')
} catch (error) {
  if (!(error instanceof DecodeError)) throw error
  const peakMb = Math.round(process.resourceUsage().maxRSS / 1024)
  process.stdout.write(JSON.stringify({ kind: error.kind, offset: error.offset, peakMb }))
}
