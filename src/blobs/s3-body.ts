/**
 * The body of an S3 object as a stream that survives a dying connection: it goes on behind the last byte that was
 * yielded, and only in the same object (If-Match). Bounded: never more bytes than promised, a deadline without progress,
 * a limit of resumptions. Requests are retried elsewhere (s3-retry.ts); this is the only retry of bodies.
 */
import type { Readable } from 'node:stream'
import { SnapproofError } from '../errors.ts'
import type { Clock } from '../time.ts'

export interface ResumableBody {
  /** The body of the first answer. */
  readonly first: Readable
  /** Bytes that must come. */
  readonly bytes: number
  /** For messages: `Reading s3://bucket/key`. */
  readonly what: string
  /**
   * Asks for the rest, from `offset` bytes into this body, if the object is still the same. Null: the store gave no ETag,
   * so nobody can tell.
   */
  readonly reopen: ((offset: number) => Promise<Readable>) | null
  /** Longest wait for one chunk. */
  readonly chunkTimeoutMs: number
  /** Longest time without a new byte, over all resumptions. */
  readonly giveUpAfterMs: number
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  /** Told of every chunk that arrives. */
  readonly onBytes?: (bytes: number) => void
}

/**
 * Chunks in order; leaving the loop, or never entering it and calling `return`, closes the connection.
 *
 * @throws SnapproofError `unavailable` when the body does not end in time or ends early; what `reopen` throws
 */
export function resumableBody(options: ResumableBody): AsyncIterable<Buffer> {
  const chunks = readAndResume(options)
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => chunks.next(),
      // A generator that was never started does not run its `finally`.
      return: () => {
        options.first.destroy()
        return chunks.return(undefined)
      },
    }),
  }
}

async function* readAndResume(options: ResumableBody): AsyncGenerator<Buffer, undefined, undefined> {
  const { bytes, what, reopen, giveUpAfterMs, clock, signal, onBytes } = options
  const maxResumptions = 10 + Math.ceil(bytes / 2 ** 20)
  let stream = options.first
  let received = 0
  let resumptions = 0
  let idleResumptions = 0
  let progressMs = clock.monotonicMs()
  try {
    for (;;) {
      const chunks = watchedChunks(stream, options)
      let death: unknown = null
      while (received < bytes) {
        let next: Buffer | null
        try {
          next = await chunks.next()
        } catch (error) {
          signal?.throwIfAborted()
          death = error
          break
        }
        if (next === null) break
        if (next.length === 0) continue
        if (received + next.length > bytes) throw tooMuch(options)
        received += next.length
        progressMs = clock.monotonicMs()
        idleResumptions = 0
        onBytes?.(next.length)
        yield next
        signal?.throwIfAborted()
      }
      if (received === bytes) {
        await finish(chunks, options)
        return undefined
      }
      stream.destroy()
      const early = `${what} failed: the body ended after ${received} of ${bytes} bytes`
      if (reopen === null) {
        throw new SnapproofError('unavailable', `${early}, and without an ETag it cannot be resumed safely`, {
          cause: death,
        })
      }
      const waitMs = idleResumptions === 0 ? 0 : Math.min(10_000, 50 * 2 ** idleResumptions)
      if (++resumptions > maxResumptions || clock.monotonicMs() - progressMs + waitMs >= giveUpAfterMs) {
        throw new SnapproofError('unavailable', `${early}, and ${resumptions - 1} resumptions did not help`, {
          cause: death,
        })
      }
      idleResumptions++
      if (waitMs > 0) await clock.sleep(waitMs, signal)
      stream = await reopen(received)
    }
  } finally {
    stream.destroy()
  }
}

/** Reads the end of a body whose bytes have all come, so that its connection can be used again. */
async function finish(chunks: WatchedChunks, options: ResumableBody): Promise<void> {
  let more: Buffer | null
  try {
    more = await chunks.next()
  } catch {
    // The connection died behind the last byte: nothing is missing.
    options.signal?.throwIfAborted()
    return
  }
  if (more !== null) throw tooMuch(options)
}

function tooMuch({ what, bytes }: ResumableBody): SnapproofError {
  return new SnapproofError('unavailable', `${what} failed: the store sent more than the ${bytes} bytes it promised`)
}

interface WatchedChunks {
  /** Null at the end. */
  next(): Promise<Buffer | null>
}

/** Reads chunk by chunk; the stream is destroyed when a chunk takes too long or the signal aborts. */
function watchedChunks(stream: Readable, options: ResumableBody): WatchedChunks {
  const { signal, chunkTimeoutMs } = options
  const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]()
  return {
    async next() {
      signal?.throwIfAborted()
      const stop = () => stream.destroy(new Error('aborted'))
      // Only while we wait: a slow reader is no fault of the store.
      const timer = setTimeout(
        () => stream.destroy(new Error(`no byte came for ${Math.round(chunkTimeoutMs / 1000)} s`)),
        chunkTimeoutMs,
      )
      signal?.addEventListener('abort', stop, { once: true })
      try {
        const { value, done } = await chunks.next()
        return done === true ? null : value
      } finally {
        clearTimeout(timer)
        signal?.removeEventListener('abort', stop)
      }
    },
  }
}
