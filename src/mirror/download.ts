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
  const blob = await source.get(key, { signal })
  if (expectedBytes !== null && blob.bytes !== expectedBytes) {
    await cancel(blob.body)
    return { reading: { bytes: blob.bytes, crc32: 0, footer: false }, file: null }
  }
  const file = join(into.folder, randomUUID())
  let handle: FileHandle | null = null
  const builder = new ReadingBuilder()
  try {
    if (expectedBytes === null) await requireRoom(into.folder, blob.bytes, into.freeBytesFloor)
    handle = await open(file, 'wx', 0o600)
    for await (const chunk of blob.body) {
      signal.throwIfAborted()
      builder.add(chunk)
      if (builder.bytes > blob.bytes) {
        throw new SnapproofError(
          'unavailable',
          `${source.url}: ${key} yields more than the ${blob.bytes} bytes it announced`,
        )
      }
      await writeAll(handle, chunk)
      onBytes(chunk.length)
    }
    if (builder.bytes !== blob.bytes) {
      const message = `${source.url}: ${key} ended after ${builder.bytes} of ${blob.bytes} bytes`
      throw new SnapproofError('unavailable', message)
    }
    await handle.close()
    handle = null
    return { reading: builder.result(), file }
  } catch (error) {
    await handle?.close().catch(() => {})
    await rm(file, { force: true })
    if (handle === null && builder.bytes === 0) await cancel(blob.body)
    if (isDiskFull(error)) {
      const free = await freeBytes(into.folder, into.freeBytesFloor).catch(() => 0)
      throw diskFull(into.folder, blob.bytes, free, into.freeBytesFloor, error)
    }
    throw error
  }
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
