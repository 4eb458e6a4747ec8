/**
 * The plan of an array: what several machines restore together, as one immutable object. Self-contained, so that a machine needs no
 * look of its own to know its part; by names and uuids, for positions move with every generation.
 */
import type { DebtKind, Forecast } from './plan.ts'
import type { Limits } from './policy.ts'
import type { IndexId, SnapshotUuid } from './repository.ts'
import type { Draw } from './sample.ts'

export interface OpenPlan {
  /** Additions that change what a machine must do raise it. */
  readonly schemaVersion: 1
  /** Of the whole array: its rows, its lease and its report are this run's. */
  readonly runId: string
  /** UTC epoch milliseconds by the clock of the machine that planned; in the key of every journal of a content of this plan. */
  readonly createdMs: number
  /** The lease is held for so many seconds from the moment that it was left to the plan, by the store's clock. */
  readonly deadlineSeconds: number
  readonly toolVersion: string
  readonly repository: {
    readonly name: string
    readonly url: string
    readonly uuid: string | null
    /** At which it was planned. */
    readonly generation: number
  }
  readonly credit: 'shared' | 'strict'
  readonly limits: Limits
  /** Those that the groups name. */
  readonly engines: readonly OpenEngine[]
  readonly forecast: Forecast
  /** Contents in debt when it was planned. */
  readonly debtContents: number
  /** The random draw that is among the contents; absent: none. */
  readonly draw?: Draw
  /** Oldest first; contents name them by position in here. */
  readonly snapshots: readonly { readonly name: string; readonly uuid: SnapshotUuid }[]
  /** At least one group each, with at least one content; a content has one machine. */
  readonly children: readonly OpenChild[]
}

export interface OpenEngine {
  readonly name: string
  readonly product: string
  readonly version: string
}

export interface OpenChild {
  readonly forecastSeconds: number
  readonly groups: readonly OpenGroup[]
}

export interface OpenGroup {
  readonly indexName: string
  readonly indexId: IndexId
  readonly shardCount: number
  readonly engine: string
  /** Worst first. */
  readonly contents: readonly OpenContent[]
}

export interface OpenContent {
  /** Its own in the plan, from 0. */
  readonly number: number
  readonly contentId: string
  readonly createdVersion: number | null
  readonly bytes: number
  readonly files: number
  readonly witness: string | null
  readonly kind: DebtKind
  /** Position of the snapshot that it is restored from. */
  readonly from: number
  /** Positions of all snapshots that hold it, as ranges with both ends: `[[0, 6], [8, 8]]`. */
  readonly heldBy: readonly (readonly [number, number])[]
}
