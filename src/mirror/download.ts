/** One blob from the store into a temporary file of ours, read once. */
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobReader } from '../blobs/port.ts'
import { SnapproofError } from '../errors.ts'
import { type Reading, ReadingBuilder } from './checks.ts'
import { diskFull, freeBytes, isDiskFull, requireRoom } from './disk.ts'

export interface Download {
  readonly reading: Reading
  /** Null when the store named another length than expected: nothing was read. */
  readonly file: string | null
}

export interface DownloadFolder {
  readonly folder: string
  readonly freeBytesFloor: number
}

/** What takes the bytes of a blob. */
export interface Sink {
  /** `bytes`: as the store announced them. */
  begin(bytes: number): Promise<void>
  write(chunk: Buffer): Promise<void>
}

/**
 * Reads one blob into a sink. Null where the store names another length than expected: then nothing is read. Throws what the store and the
 * sink throw.
 */
export async function receive(
  source: BlobReader,
  key: string,
  expectedBytes: number | null,
  sink: Sink,
  signal: AbortSignal,
): Promise<{ readonly announced: number; readonly reading: Reading | null }> {
  const { body, bytes } = await source.get(key, { signal })
  const builder = new ReadingBuilder()
  try {
    if (expectedBytes !== null && bytes !== expectedBytes) {
      await cancel(body)
      return { announced: bytes, reading: null }
    }
    await sink.begin(bytes)
    for await (const chunk of body) {
      signal.throwIfAborted()
      builder.add(chunk)
      if (builder.bytes > bytes) {
        throw new SnapproofError(
          'unavailable',
          `${source.url}: ${key} yields more than the ${bytes} bytes it announced`,
        )
      }
      await sink.write(chunk)
    }
  } catch (error) {
    if (builder.bytes === 0) await cancel(body)
    throw error
  }
  if (builder.bytes !== bytes) {
    const message = `${source.url}: ${key} ended after ${builder.bytes} of ${bytes} bytes`
    throw new SnapproofError('unavailable', message)
  }
  return { announced: bytes, reading: builder.result() }
}

/**
 * Throws what the store throws, and `disk-full`. No file is left behind by an error.
 * `onBytes` hears of bytes as they come.
 */
export async function download(
  source: BlobReader,
  key: string,
  expectedBytes: number | null,
  into: DownloadFolder,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Download> {
  const file = join(into.folder, randomUUID())
  let handle: FileHandle | null = null
  let wanted = 0
  const sink: Sink = {
    async begin(bytes) {
      wanted = bytes
      if (expectedBytes === null) await requireRoom(into.folder, bytes, into.freeBytesFloor)
      handle = await open(file, 'wx', 0o640)
    },
    async write(chunk) {
      if (handle !== null) await writeAll(handle, chunk)
      onBytes(chunk.length)
    },
  }
  const opened = () => handle
  try {
    const { announced, reading } = await receive(source, key, expectedBytes, sink, signal)
    if (reading === null) return withoutFile(announced)
    await opened()?.close()
    handle = null
    return { reading, file }
  } catch (error) {
    await opened()
      ?.close()
      .catch(() => {})
    await rm(file, { force: true })
    if (isDiskFull(error)) {
      const free = await freeBytes(into.folder, into.freeBytesFloor).catch(() => 0)
      throw diskFull(into.folder, wanted, free, into.freeBytesFloor, error)
    }
    throw error
  }
}

/** Nothing was read: the store named another length than expected. */
export function withoutFile(announced: number): Download {
  return { reading: { bytes: announced, crc32: 0, footer: false }, file: null }
}

/** `write` may write less than asked. */
async function writeAll(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let offset = 0; offset < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, offset, chunk.length - offset)
    if (bytesWritten === 0) throw new SnapproofError('internal', 'a write into the mirror wrote nothing')
    offset += bytesWritten
  }
}

/** Closes the connection of a body that nobody reads. */
async function cancel(body: AsyncIterable<Buffer>): Promise<void> {
  await body[Symbol.asyncIterator]()
    .return?.()
    .catch(() => {})
}
