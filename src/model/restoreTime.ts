/** How long restores take, measured in a run, and what follows for a whole snapshot. */

interface RestorePhase {
  /** Of all samples together. */
  readonly seconds: number
  /** Null: not a matter of bytes, or of no time. */
  readonly bytesPerSecond: number | null
}

export interface RestoreTime {
  /** Restores into an empty target that passed. */
  readonly samples: number
  /** Passes that copied only what differed; no samples. */
  readonly chained: number
  /** On the restored disk, of the samples. */
  readonly bytes: number
  /** What the restore of a whole snapshot may take; null: nobody said. Absent: an older run. */
  readonly targetSeconds?: number | null
  readonly phases: {
    /** Into the mirror; null: the server read the store itself. */
    readonly fetch: RestorePhase | null
    readonly restore: RestorePhase
    readonly questions: RestorePhase
  }
  /** The newest complete snapshot, restored whole; null: there is none. */
  readonly projection: {
    readonly snapshot: string
    readonly indices: number
    readonly bytes: number
    readonly seconds: number
    /** Null: too few samples. */
    readonly fastest: number | null
    readonly slowest: number | null
    /** Indices at once. */
    readonly parallel: number
    readonly assumptions: readonly string[]
  } | null
}
