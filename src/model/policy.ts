/** What the owner wants proven, and how much one run may spend. */
import type { FindingCode } from './finding.ts'
import type { SamplePolicy } from './sample.ts'

export interface Policy {
  /** UTC epoch milliseconds from which deadlines count; null: the first run that the ledger knows. */
  readonly startMs: number | null
  /** `restore`: the newest content of each index is proven within this many days of its appearing. */
  readonly restoreNewestWithinDays: number
  /** `restore`: every content is proven again within this many days. */
  readonly restoreEveryContentWithinDays: number
  /** What the restore of a whole snapshot may take; absent or null: nobody said. No verdict hangs on it. */
  readonly restoreWholeWithinSeconds?: number | null
  /** `bytes`: every blob within this many days. */
  readonly bytesWithinDays: number
  /** `strict`: no content counts for another snapshot. */
  readonly credit: 'shared' | 'strict'
  readonly accepted: readonly Accepted[]
  /** A random draw of contents that is restored whatever was proven before; absent: none. */
  readonly sample?: SamplePolicy
}

/** A finding that somebody answers for: shown, not paged, expires loudly. */
export interface Accepted {
  readonly code: FindingCode
  /** Snapshot name, or `*`. */
  readonly snapshot: string
  /** Index name, or `*`. */
  readonly index: string
  /** UTC epoch milliseconds. */
  readonly untilMs: number
  readonly reason: string
  readonly approver: string
}

/** Null: no limit. */
export interface Limits {
  readonly snapshots: number | null
  /** Bytes on the restored disk. */
  readonly restoreBytes: number | null
  readonly durationSeconds: number | null
  /** Measured cost of the whole run, by `AuditConfig.costs`. */
  readonly costUsd: number | null
}
