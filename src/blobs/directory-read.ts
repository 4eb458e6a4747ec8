/** Bytes of a file that must stay the same while they are read. */
import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import { etagOf } from './directory-stat.ts'
import { isMissing } from './directory-walk.ts'

/** Largest piece of a body. */
export const chunkBytes = 256 * 1024

export interface FileRange {
  readonly start: number
  readonly bytes: number
  readonly what: string
  readonly signal: AbortSignal | undefined
}

export async function readAtOnce(handle: FileHandle, opened: BigIntStats, range: FileRange): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of fileChunks(handle, opened, range)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function* reopenedChunks(
  file: FileRange & { readonly path: string; readonly etag: string },
): AsyncGenerator<Buffer> {
  const { path, etag, what } = file
  let handle: FileHandle
  try {
    handle = await openFile(path, what)
  } catch (error) {
    // It was there when it was asked for.
    if (isSnapproofError(error, 'not-found')) throw changed(what)
    throw error
  }
  try {
    const opened = await handle.stat({ bigint: true })
    if (etagOf(opened) !== etag) throw changed(what)
    yield* fileChunks(handle, opened, file)
  } finally {
    await handle.close()
  }
}

/** Chunks of a file that must stay the same until the last of them is read. */
async function* fileChunks(handle: FileHandle, opened: BigIntStats, range: FileRange): AsyncGenerator<Buffer> {
  const { start, bytes, what } = range
  for (let done = 0; done < bytes; ) {
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, bytes - done))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start + done)
    done += bytesRead
    // Before the last bytes leave: whoever has them all may trust them.
    if ((bytesRead === 0 || done === bytes) && !isSameContent(await handle.stat({ bigint: true }), opened)) {
      throw changed(what)
    }
    if (bytesRead === 0) {
      throw new SnapproofError('unavailable', `${what} failed: the file ended after ${done} of ${bytes} bytes`)
    }
    yield buffer.subarray(0, bytesRead)
  }
}

/** Links made or removed meanwhile (a replacement removes one) move the change time, not the bytes that we hold open. */
function isSameContent(now: BigIntStats, opened: BigIntStats): boolean {
  return now.size === opened.size && now.mtimeNs === opened.mtimeNs
}

/** @throws SnapproofError `not-found` */
export async function openFile(path: string, what: string): Promise<FileHandle> {
  try {
    // NONBLOCK: a pipe that was put there must not hold us.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (isMissing(error)) throw notThere(what)
    throw error
  }
}

export function notThere(what: string): SnapproofError {
  return new SnapproofError('not-found', `${what} failed: there is no such file`)
}

export function changed(what: string): SnapproofError {
  return new SnapproofError('changed', `${what} failed: the file changed meanwhile`, {
    advice: 'Somebody wrote or deleted it; read it again.',
  })
}
