/** A random draw of contents, and what may be said of all of them from it. */
import type { IndexId } from './repository.ts'
import type { VerdictValue } from './verdict.ts'

export interface SamplePolicy {
  /** Contents drawn in each run; null: none. */
  readonly contents: number | null
  /** Percent. */
  readonly confidence: number
}

/** What a plan drew. Uniform over the contents that can be restored; never by risk. */
export interface Draw {
  /** The order of the draw is that of sha-256 over the seed and the content. */
  readonly seed: string
  /** Contents that can be restored: the statement is about these. */
  readonly population: number
  /** Contents that were to be drawn. */
  readonly wanted: number
  readonly confidence: number
  /** In the order of the draw; a beginning of it where the limits of the run allow no more. */
  readonly contents: readonly {
    readonly indexId: IndexId
    readonly indexName: string
    readonly contentId: string
    /** Name and uuid of the snapshot that it is restored from. */
    readonly snapshot: string
    readonly snapshotUuid: string
  }[]
}

/** What is known of all contents of the population, exact for a draw without replacement. */
export interface Statement {
  /** At least and at most so many of the population are bad, at `confidence`. */
  readonly atLeast: number
  readonly atMost: number
}

/** The draw and what came of it, in `run.json`. */
export interface SampleOfRun {
  readonly seed: string
  readonly population: number
  readonly wanted: number
  readonly confidence: number
  readonly contents: readonly {
    readonly contentId: string
    readonly index: string
    readonly snapshot: string
    /** `inconclusive`: not judged, for whatever reason of ours. */
    readonly verdict: Exclude<VerdictValue, 'not-applicable'>
  }[]
  readonly passed: number
  readonly failed: number
  readonly open: number
  /** Drawn and beyond the limits of the run. */
  readonly cut: number
  /** Null: the draw supports none. */
  readonly statement: Statement | null
  /** The statement in words, or why there is none. */
  readonly sentence: string
}
