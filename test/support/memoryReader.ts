/** A reader over a map: copies and damage cost nothing. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BlobReader } from '../../src/blobs/port.ts'
import { memoryReader as readerOf } from '../../src/repository/damage/memory-reader.ts'
import { keysOf } from './fixtures.ts'

export type Files = Map<string, Buffer>

export function filesOf(folder: string): Files {
  return new Map(keysOf(folder).map(key => [key, readFileSync(join(folder, key))]))
}

/** `basePath`: as if it were in a bucket; keys that start with `/` are in the map as they are. */
export function memoryReader(files: ReadonlyMap<string, Buffer>, basePath: string | null = null): BlobReader {
  return readerOf(files, { basePath })
}
