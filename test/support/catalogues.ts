/** A whole catalogue in memory: fixtures are small. */
import type { BlobReader } from '../../src/blobs/port.ts'
import type { Fault, IndexRecord, SnapshotRecord } from '../../src/model/content.ts'
import { type Catalogue, type CatalogueOptions, openCatalogue } from '../../src/repository/catalogue.ts'

export interface WholeCatalogue {
  readonly catalogue: Catalogue
  readonly snapshots: readonly SnapshotRecord[]
  readonly indices: readonly IndexRecord[]
  /** Of the repository, the snapshots and the indices. */
  readonly faults: readonly Fault[]
}

export async function readWhole(blobs: BlobReader, options: Partial<CatalogueOptions> = {}): Promise<WholeCatalogue> {
  const signal = options.signal ?? AbortSignal.timeout(60_000)
  const catalogue = await openCatalogue(blobs, { ...options, signal })
  const snapshots = await collect(catalogue.readSnapshots(signal))
  const indices = await collect(catalogue.readIndices(signal))
  const faults = [...catalogue.repositoryFaults, ...[...snapshots, ...indices].flatMap(record => record.faults)]
  return { catalogue, snapshots, indices, faults }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
