/** The repositories of test/fixtures/repositories, with what their servers said of them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDirectoryStore } from '../../src/blobs/directory.ts'
import type { BlobReader } from '../../src/blobs/port.ts'
import { systemClock } from '../../src/time.ts'

export interface ExpectedShard {
  readonly luceneDocs: number
  /** Null, here and below: the server did not say. */
  readonly maxSeqNo: number | null
  readonly files: number | null
  readonly bytes: number | null
}

export interface ExpectedRepository {
  readonly version: string
  readonly snapshots: Readonly<
    Record<
      string,
      {
        readonly uuid: string
        readonly state: string
        /** Null: the shard failed at the source. */
        readonly indices: Readonly<Record<string, readonly (ExpectedShard | null)[]>>
      }
    >
  >
}

export interface RepositoryFixture {
  readonly name: string
  /** Holds `index-N`. */
  readonly folder: string
  readonly expected: ExpectedRepository
}

const repositories = join(import.meta.dirname, '../fixtures/repositories')

/** The newest Elasticsearch last. */
export function repositoryFixtures(root = repositories): RepositoryFixture[] {
  return readdirSync(root)
    .filter(name => existsSync(join(root, name, 'expected.json')))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(name => ({
      name,
      folder: join(root, name, 'repository'),
      expected: JSON.parse(readFileSync(join(root, name, 'expected.json'), 'utf8')),
    }))
}

function rank(name: string): number {
  return name.startsWith('os-') ? 0 : Number.parseFloat(name.slice('es-'.length))
}

export function openFolder(folder: string): BlobReader {
  return openDirectoryStore({ folder, clock: systemClock })
}

/** Keys of a folder, ascending. */
export function keysOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}
