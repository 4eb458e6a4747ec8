/** A store in memory for the mirror's tests; faults are made by wrapping `get`. */
import type { BlobBody, BlobReader, GetOptions } from '../../src/blobs/port.ts'
import { SnapproofError } from '../../src/errors.ts'

export interface MemoryReader extends BlobReader {
  readonly blobs: Map<string, Buffer>
  /** Keys in the order they were asked for. */
  readonly gets: string[]
  /** Called before each `get`; `time` counts from 1 for each key. Throw, or answer another body. */
  fault: ((key: string, time: number) => Buffer | undefined) | null
  /** Most bodies open at once. */
  mostOpen: number
}

export function memoryReader(blobs: Record<string, Buffer>, chunkBytes = 7): MemoryReader {
  const map = new Map(Object.entries(blobs))
  const times = new Map<string, number>()
  let open = 0
  const reader: MemoryReader = {
    url: 'memory://test',
    basePath: null,
    blobs: map,
    gets: [],
    fault: null,
    mostOpen: 0,
    async *list() {},
    head: async () => null,
    read: async () => {
      throw new Error('not used by the mirror')
    },
    get: async (key: string, options: GetOptions = {}): Promise<BlobBody> => {
      options.signal?.throwIfAborted()
      reader.gets.push(key)
      const time = (times.get(key) ?? 0) + 1
      times.set(key, time)
      const bytes = reader.fault?.(key, time) ?? map.get(key)
      if (bytes === undefined) throw new SnapproofError('not-found', `memory://test: no ${key}`)
      return { bytes: bytes.length, etag: null, modifiedMs: null, body: chunks(bytes, options.signal) }
    },
  }
  async function* chunks(bytes: Buffer, signal?: AbortSignal): AsyncGenerator<Buffer> {
    open++
    reader.mostOpen = Math.max(reader.mostOpen, open)
    try {
      for (let i = 0; i < bytes.length; i += chunkBytes) {
        await new Promise(resolve => setImmediate(resolve))
        signal?.throwIfAborted()
        yield bytes.subarray(i, i + chunkBytes)
      }
    } finally {
      open--
    }
  }
  return reader
}
