/** `period.json`: what a report for a period says. Additions do not raise `schemaVersion`. Times are ISO UTC; null is "unknown". */
import type { Severity } from './finding.ts'
import type { Level, VerdictValue } from './verdict.ts'

/** UTC epoch milliseconds; `toMs` is the last one of it. */
export interface Span {
  /** As it was asked for: `2026-Q3`, `2026-07`, `2026`, `2026-07-01 to 2026-07-14`. */
  readonly name: string
  readonly fromMs: number
  readonly toMs: number
}

/** `done`: a run did its work; `not-worked`: runs ended without; `unfinished`: one began and never came to its end; `missed`: none. */
export type SlotState = 'done' | 'not-worked' | 'unfinished' | 'missed'

/** One planned run. It is that of the slot in which it began. */
export interface PeriodSlot {
  readonly from: string
  readonly to: string
  readonly state: SlotState
  /** Runs that began in it. */
  readonly runs: readonly string[]
}

export interface PeriodRun {
  readonly runId: string
  readonly command: string
  readonly startedAt: string
  readonly endedAt: string
  readonly exitCode: number
  /** An audit or verification that did its work, whatever it found. */
  readonly worked: boolean
  readonly planned: number
  readonly executed: number
  readonly proven: number
  readonly failed: number
  readonly inconclusive: number
  readonly findings: number
  readonly debtContents: number
  /** Its `run.json`. */
  readonly document: 'kept' | 'missing' | 'unreadable'
  /** Why it is not kept; empty: it is. */
  readonly problem: string
  /** Null: it says nothing of seals, or is not kept. */
  readonly sealed: boolean | null
}

export interface PeriodSnapshot {
  readonly name: string
  readonly uuid: string
  readonly endedAt: string | null
  /** Was it still there when somebody looked last? */
  readonly present: boolean
  readonly levels: Readonly<
    Partial<
      Record<
        Level,
        {
          readonly verdict: VerdictValue | null
          readonly reachedAt: string | null
          readonly method: string | null
          readonly reason: string | null
        }
      >
    >
  >
}

/** Snapshots that were there at the end, by what they are at one level. `unknown`: no run has said. */
export interface LevelCounts {
  readonly level: Level
  readonly pass: number
  readonly fail: number
  readonly inconclusive: number
  readonly notApplicable: number
  readonly unknown: number
  /** Of all of the period: reached for the first time in it. */
  readonly reachedInPeriod: number
}

/** A snapshot that failed at a level, as `ledger show failures` says. */
export interface PeriodFailure {
  readonly snapshot: string
  readonly uuid: string
  readonly level: string
  readonly foundAt: string | null
  readonly foundBy: string | null
  readonly reason: string | null
  readonly state: string
  readonly curedAt: string | null
  readonly curedBy: string | null
  readonly method: string | null
  /** Neither cured nor gone when the period (or what is over of it) ended. */
  readonly openAtEnd: boolean
}

/** `not known`: nobody has looked since in a way that is kept, or what it hits is not judged again. */
export type FindingState = 'open' | 'accepted' | 'cured' | 'gone' | 'not known'

export interface PeriodFinding {
  readonly id: string
  readonly code: string
  readonly severity: Severity
  readonly index: string | null
  readonly message: string
  readonly snapshots: number
  readonly firstSeenAt: string
  readonly firstRun: string
  readonly lastSeenAt: string
  readonly lastRun: string
  /** Runs that told it. */
  readonly runs: number
  readonly state: FindingState
  /** First run after the last that told it, that did its work and did not tell it. */
  readonly curedAt: string | null
  readonly curedBy: string | null
  readonly accepted: { readonly until: string; readonly reason: string; readonly approver: string } | null
}

/** Restore of the newest whole snapshot as a run forecast it from its own measurements. */
export interface PeriodProjection {
  readonly runId: string
  readonly at: string
  readonly snapshot: string
  readonly bytes: number
  readonly seconds: number
  readonly slowest: number | null
  /** Null: there is no target. */
  readonly within: boolean | null
}

export interface PeriodSample {
  readonly runId: string
  readonly at: string
  readonly seed: string
  readonly population: number
  readonly drawn: number
  readonly passed: number
  readonly failed: number
  readonly open: number
  readonly confidence: number
  /** Does the draw support a statement? */
  readonly holds: boolean
  readonly sentence: string
}

export interface PeriodExclusion {
  readonly what: string
  readonly reason: string
  readonly count: number
  /** Null: nobody was asked; the rules of the program leave it out. */
  readonly approver: string | null
  readonly until: string | null
}

export interface PeriodLastGood {
  readonly index: string
  readonly snapshot: string | null
  readonly endedAt: string | null
  readonly level: string | null
  readonly method: string | null
  /** From the end of the snapshot to the end of the period: what a loss then would have cost. */
  readonly hoursAtEnd: number | null
}

export interface PeriodClause {
  readonly id: string
  readonly regime: string
  readonly clause: string
  readonly asks: string
  readonly caveat: string
  readonly shown: readonly { readonly section: string; readonly sentence: string }[]
  /** What it asks and this period does not show. */
  readonly gaps: readonly string[]
}

export interface PeriodVerdict {
  readonly tone: 'failing' | 'blind' | 'open' | 'good'
  readonly word: string
  readonly title: string
  readonly detail: readonly string[]
}

export interface PeriodReport {
  readonly schemaVersion: 1
  readonly kind: 'period'
  readonly period: {
    readonly name: string
    readonly from: string
    readonly to: string
    /** The end, or now where the period is not over. */
    readonly reportedTo: string
    readonly over: boolean
  }
  readonly generatedAt: string
  readonly toolVersion: string
  readonly repository: string
  readonly verdict: PeriodVerdict
  readonly schedule: {
    readonly everyDays: number
    readonly planned: number
    readonly done: number
    readonly notWorked: number
    readonly unfinished: number
    readonly missed: number
    /** All that are over, oldest first. */
    readonly slots: readonly PeriodSlot[]
  }
  readonly runs: readonly PeriodRun[]
  readonly totals: {
    readonly runs: number
    readonly worked: number
    readonly planned: number
    readonly executed: number
    readonly proven: number
    readonly failed: number
    readonly inconclusive: number
  }
  /** Runs that left restores and never came to their end. */
  readonly unfinished: readonly {
    readonly runId: string
    readonly from: string
    readonly to: string
    readonly restores: number
  }[]
  /** Times in which nobody looked, longest first, as `ledger show gaps` says. */
  readonly gaps: readonly {
    readonly hours: number
    readonly from: string
    readonly to: string
    readonly afterRun: string | null
    readonly beforeRun: string | null
  }[]
  readonly population: {
    /** When somebody looked last; null: nobody did in this period. */
    readonly asOf: string | null
    /** There when somebody looked last. */
    readonly present: number
    /** Seen in the period, with those that went. */
    readonly seen: number
    /** Went without ever having passed a restore. */
    readonly goneUnproven: number
    readonly levels: readonly LevelCounts[]
  }
  readonly snapshots: readonly PeriodSnapshot[]
  readonly failures: readonly PeriodFailure[]
  /** Errors and warnings of the kept runs. */
  readonly findings: readonly PeriodFinding[]
  readonly information: number
  readonly restores: {
    readonly attempts: number
    readonly pass: number
    readonly fail: number
    readonly inconclusive: number
    /** Distinct contents that passed. */
    readonly contents: number
    readonly indices: number
    /** Of unchained passes: these are measures of speed. */
    readonly measured: number
    readonly bytes: number
    readonly seconds: number
    readonly medianSeconds: number | null
    readonly slowest: {
      readonly index: string
      readonly snapshot: string
      readonly seconds: number
      readonly bytes: number
      readonly at: string
    } | null
  }
  readonly restoreTime: { readonly targetSeconds: number | null; readonly projections: readonly PeriodProjection[] }
  readonly samples: readonly PeriodSample[]
  readonly exclusions: readonly PeriodExclusion[]
  readonly lastGood: readonly PeriodLastGood[]
  readonly debt: {
    readonly before: number | null
    readonly end: number | null
    readonly most: number | null
  }
  readonly identity: {
    readonly urls: readonly string[]
    readonly uuids: readonly string[]
    readonly clusterIds: readonly string[]
    readonly generations: { readonly first: number; readonly last: number } | null
    readonly tools: readonly string[]
    readonly engines: readonly string[]
    /** Of the engines of kept runs: could none reach anything outside? Null: not known. */
    readonly egressBlocked: boolean | null
    readonly policies: readonly string[]
    readonly selfChecks: { readonly runs: number; readonly planted: number; readonly found: number }
  }
  readonly seals: {
    /** The ends of the chains as the ledger knows them now. */
    readonly heads: readonly { readonly chain: string; readonly number: number; readonly hash: string }[]
    /** Kept runs that say that they have none. */
    readonly unsealed: readonly string[]
  }
  readonly documents: { readonly kept: number; readonly missing: number; readonly unreadable: number }
  readonly clauses: readonly PeriodClause[]
  readonly limits: readonly string[]
}
