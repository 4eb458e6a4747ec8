/** `run.json`: everything a report is drawn from. Additions do not raise `schemaVersion`. */
import type { ExitCode } from '../errors.ts'
import type { BaselinesOfRun } from './baseline.ts'
import type { CostTerms, UsageBill } from './cost.ts'
import type { ChainFacts } from './evidence.ts'
import type { Finding, FindingCode } from './finding.ts'
import type { RulesOfRun } from './ownerRule.ts'
import type { DebtKind, Forecast } from './plan.ts'
import type { RepositoryIdentity, SnapshotState, SnapshotUuid } from './repository.ts'
import type { RestoreTime } from './restoreTime.ts'
import type { SampleOfRun } from './sample.ts'
import type { Level, Method, Reason, VerdictRow, VerdictValue } from './verdict.ts'

export interface LastGood {
  readonly index: string
  /** Null: no snapshot of this index is good at this level. */
  readonly snapshot: string | null
  readonly uuid: SnapshotUuid | null
  readonly endedAt: string | null
  readonly level: Level
  readonly method: Method | null
}

export interface SnapshotSummary {
  readonly name: string
  readonly uuid: SnapshotUuid
  readonly state: SnapshotState | null
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly indices: number
  /** Bytes on the restored disk. */
  readonly bytes: number
  readonly levels: Readonly<Partial<Record<Level, { readonly verdict: VerdictValue; readonly reason: Reason }>>>
  /** Contents proven at `restore` out of all. */
  readonly contentsProven: number
  readonly contents: number
  /** Was it chosen in this run? */
  readonly chosen: boolean
}

export interface RestoreRow {
  readonly contentId: string
  readonly index: string
  readonly snapshot: string
  readonly snapshotUuid: SnapshotUuid
  /** Names of the other snapshots that get credit for it. */
  readonly creditedTo: readonly string[]
  readonly kind: DebtKind
  readonly verdict: VerdictValue
  readonly reason: Reason
  readonly message: string
  readonly engine: string
  readonly attempts: number
  readonly shards: number
  readonly files: number
  readonly bytes: number
  readonly expectedDocs: number | null
  readonly foundDocs: number | null
  readonly seconds: { readonly mirror: number; readonly restore: number; readonly questions: number }
  /** Evidence file, relative to the folder of `run.json`; null where there is none. */
  readonly evidence: string | null
  /** Absent: `restore`, of an older run. */
  readonly method?: 'restore' | 'chained'
  /** From where the server read; absent: the mirror. */
  readonly source?: 'mirror' | 's3'
  /** `chained` only. */
  readonly chain?: ChainFacts
}

export interface DebtSummary {
  readonly contents: number
  readonly bytes: number
  readonly overdue: number
  readonly byKind: Readonly<Record<DebtKind, number>>
  /** Age of the oldest debt in days; null when there is none. */
  readonly oldestDays: number | null
  /** Nights of this run's size until the catch-up is done; null when this run proved nothing. */
  readonly nightsToCatchUp: number | null
  /** Debt before this run proved anything. */
  readonly contentsBefore: number
}

export interface RunStats {
  readonly requests: {
    readonly list: number
    readonly get: number
    readonly head: number
    readonly put: number
    readonly delete: number
  }
  readonly bytesRead: number
  readonly bytesRestored: number
  readonly phases: readonly { readonly phase: string; readonly seconds: number }[]
}

/** What one machine of an array was given, and what came of it. */
export interface ArrayChild {
  readonly child: number
  /** `done`: it came to its end; `stopped`: it ended and left some; `lost`: it began and never said how it ended; `absent`: it never began. */
  readonly status: 'done' | 'stopped' | 'lost' | 'absent'
  readonly contents: number
  /** Bytes on the restored disk. */
  readonly bytes: number
  readonly proven: number
  readonly failed: number
  readonly inconclusive: number
  /** Planned and without any result: debt. */
  readonly left: number
  /** How often it was started. */
  readonly attempts: number
  /** `host:pid` of the latest attempt; null: none. */
  readonly owner: string | null
  readonly startedAt: string | null
  readonly endedAt: string | null
  /** What it was forecast to take, in seconds. */
  readonly forecastSeconds: number
  /** Of the latest attempt; null: not known. */
  readonly seconds: number | null
  /** Why something was left; empty: nothing was. */
  readonly reason: string
}

export interface RunCosts extends CostTerms {
  /** Until the ledger was stored, and the copies of the report; null: not known, as where several machines worked. */
  readonly measured: UsageBill | null
}

/** What the auditor said of itself before it looked at anything else. */
export interface SelfCheck {
  /** Things planted: damage, bent evidence, and healthy ground. */
  readonly planted: number
  /** Of these: judged exactly as they must be. */
  readonly found: number
  readonly seconds: number
  /** Not empty: nothing that this run could say counts, and it has looked at nothing. */
  readonly missed: readonly {
    readonly what: string
    /** That was to be told; null: nothing was, or the self-check itself broke. */
    readonly code: FindingCode | null
    readonly why: string
  }[]
}

/** What a run says of its seal, before it has it. */
export interface RunSeal {
  /** Of the chain. */
  readonly url: string
  /** Fingerprint of the key that signs; null: there was none. */
  readonly key: string | null
  /** The seal that this run found at the end of the chain: number and SHA-256 of its bytes; null: none. */
  readonly before: { readonly number: number; readonly hash: string } | null
  /** Object Lock of the new seal; `unknown`: this identity may not ask. */
  readonly lock: 'governance' | 'compliance' | 'none' | 'unknown'
  /** What is wrong with the end of the chain; null: nothing. */
  readonly problem: string | null
  /** Why this run has no seal; null: it is sealed as soon as this is written. */
  readonly unsealed: string | null
}

/** What else made this run what it is, so that two nights can be compared. */
export interface RunIdentity {
  /** SHA-256 of the configuration without its secrets, 64 hexadecimal digits; the seal of the run holds the same. */
  readonly configuration: string
  /** `sha256:…` of the container image that it ran in; null: in none, or nobody says. */
  readonly image: string | null
  /** ARN of the AWS identity that it had, with its session; null: nothing of it lies in AWS, or nobody says. Absent: an older run. */
  readonly role?: string | null
}

export interface RunResult {
  readonly schemaVersion: 1
  readonly runId: string
  readonly command: 'audit' | 'verify'
  readonly tool: { readonly name: 'snapproof'; readonly version: string; readonly node: string }
  /** Absent: an older run. */
  readonly identity?: RunIdentity
  readonly repository: RepositoryIdentity & { readonly name: string; readonly url: string }
  /** Generation at the end of the run; another one than `repository.generation` means that somebody wrote. */
  readonly finalGeneration: number
  readonly startedAt: string
  readonly endedAt: string
  readonly seconds: number
  readonly exit: { readonly code: ExitCode; readonly applies: readonly ExitCode[]; readonly reason: string }
  readonly policy: {
    readonly startAt: string
    readonly restoreNewestWithinDays: number
    readonly restoreEveryContentWithinDays: number
    readonly credit: 'shared' | 'strict'
  }
  readonly limits: {
    readonly snapshots: number | null
    readonly restoreBytes: number | null
    readonly durationSeconds: number | null
    /** Absent: a run from before there was such a limit. */
    readonly costUsd?: number | null
  }
  readonly forecast: Forecast | null
  readonly engines: readonly {
    readonly name: string
    readonly kind: string
    readonly product: string
    readonly version: string
    readonly egressBlocked: boolean
  }[]
  readonly snapshots: readonly SnapshotSummary[]
  readonly verdicts: readonly VerdictRow[]
  readonly findings: readonly Finding[]
  /** Findings that somebody answers for; not in `findings`. */
  readonly accepted: readonly {
    readonly finding: Finding
    readonly until: string
    readonly reason: string
    readonly approver: string
  }[]
  readonly lastGood: readonly LastGood[]
  readonly restores: readonly RestoreRow[]
  readonly debt: DebtSummary
  /** Absent: an older run. */
  readonly selfCheck?: SelfCheck
  /** The machines that shared the work; absent: one did it all. */
  readonly array?: {
    /** URL of the plan. */
    readonly plan: string
    readonly plannedAt: string
    readonly children: readonly ArrayChild[]
  }
  /** Distinct contents of the repository, and those whose proof at `restore` counts today. Absent: not counted. */
  readonly contents?: { readonly total: number; readonly proven: number }
  /** Earlier runs, oldest first, for the plots. */
  readonly history: readonly {
    readonly runId: string
    readonly endedAt: string
    readonly debtContents: number
    readonly proven: number
    readonly findings: number
    readonly exitCode: number
  }[]
  readonly stats: RunStats
  /** Absent: an older run. The forecast is `forecast.night`. */
  readonly costs?: RunCosts
  /** Absent: runs are not sealed. */
  readonly seal?: RunSeal
  /** The owner's rules and what came of them; absent: none is configured, or an older run. */
  readonly rules?: RulesOfRun
  /** Indices compared with the snapshots before; absent: an older run. */
  readonly baselines?: BaselinesOfRun
  /** A random draw and what it says of all contents; absent: none was asked for. */
  readonly sample?: SampleOfRun
  /** Null: nothing was restored whole. Absent: an older run. */
  readonly restoreTime?: RestoreTime | null
  /** Sentences about what this run does not prove. */
  readonly limitsOfProof: readonly string[]
}
