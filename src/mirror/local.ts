/** Reads a local copy again. */
import { createReadStream } from 'node:fs'
import { type Reading, ReadingBuilder } from './checks.ts'

/** Null when the file is gone or our disk cannot read it. */
export async function readLocal(path: string, signal: AbortSignal): Promise<Reading | null> {
  const builder = new ReadingBuilder()
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024, signal }))
      builder.add(chunk as Buffer)
    return builder.result()
  } catch {
    if (signal.aborted) throw signal.reason
    return null
  }
}
