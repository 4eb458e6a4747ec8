/**
 * Writes a valid repository of any size: `npx tsx infra/local/generate/main.ts FOLDER [--snapshots 3] [--indices 4] …`.
 * Every option is a field of `RepositoryShape`. The data blobs are no Lucene files: what reads metadata, lengths
 * and checksums finds no fault, a server cannot restore it.
 */
import { resolve } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { openDirectoryStore } from '../../../src/blobs/directory.ts'
import { systemClock } from '../../../src/time.ts'
import { shapeOf } from './shape.ts'
import { writeRepository } from './write.ts'

const names = [
  'seed',
  'snapshots',
  'deleted',
  'indices',
  'shards',
  'segments',
  'filesPerSegment',
  'fresh',
  'fileBytes',
] as const
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    compress: { type: 'boolean', default: true },
    ...Object.fromEntries(names.map(name => [name, { type: 'string' } as const])),
  },
  allowNegative: true,
})
const [folder] = positionals
if (folder === undefined || positionals.length !== 1) {
  console.error(`usage: generate FOLDER [--no-compress] ${names.map(name => `[--${name} N]`).join(' ')}`)
  process.exit(64)
}
const given = Object.entries(values).filter(([, value]) => typeof value === 'string')
const shape = shapeOf({
  ...Object.fromEntries(given.map(([name, value]) => [name, Number(value)])),
  compress: values.compress === true,
})
const store = openDirectoryStore({ folder: resolve(folder), clock: systemClock })
const { blobs, bytes } = await writeRepository(shape, store, new AbortController().signal)
await store.close()
console.log(`${blobs} blobs, ${bytes} bytes in ${resolve(folder)}`)
