/** The port through which somebody learns what is new in the indices that a check reads, and has read what it must know of them. */
import type { IndexRecord, KnownBlobs, SnapshotInfo } from '../model/content.ts'
import type { RepositoryData } from '../model/repository.ts'
import type { CheckedCopy } from './result.ts'

/** What is not known yet of one index. */
export interface Measuring {
  /** Position in `RepositoryData.indices`. */
  readonly index: number
  /** Snapshots (positions) that are not measured. */
  readonly wanted: ReadonlySet<number>
  /** Keys of index metadata blobs whose mapping is not known: they are read, whatever is remembered of them. */
  readonly unknownKeys: ReadonlySet<string>
}

/** The generation that is being checked, and what the root blobs of its snapshots say, by position. */
export interface MeasuredAt {
  readonly repository: RepositoryData
  readonly infos: readonly (SnapshotInfo | null)[]
}

export interface Measurer {
  /** Null: everything is known. */
  begin(index: number, at: MeasuredAt): Measuring | null
  /** Of an index that was read. */
  take(measuring: Measuring, record: IndexRecord, copies: readonly CheckedCopy[], at: MeasuredAt): void
}

/** Can it be measured: whole, and an index of the owner's? */
export function isMeasurable({ catalogue, obstacle, system }: CheckedCopy): boolean {
  return system !== true && catalogue.verdict === 'pass' && (obstacle === null || obstacle === 'count-unknown')
}

export function isUnmeasured(copies: readonly CheckedCopy[], measuring: Measuring | null): boolean {
  return measuring !== null && copies.some(copy => measuring.wanted.has(copy.snapshot) && isMeasurable(copy))
}

export function withoutKeys(known: KnownBlobs, measuring: Measuring | null): KnownBlobs {
  if (measuring === null || measuring.unknownKeys.size === 0) return known
  return {
    metadata: key => {
      const before = known.metadata(key)
      // Of an index that is never measured nothing is missing, in no night.
      const isNeverMeasured = before !== null && (before.mounted || before.system)
      return measuring.unknownKeys.has(key) && !isNeverMeasured ? null : before
    },
    lists: (shard, snapshot, fingerprint) => known.lists(shard, snapshot, fingerprint),
  }
}
