/** What a run is given: configuration as a value, the world as ports. Adapters are built in `cli/`. */
import type { BlobReader, RequestCounts } from '../blobs/port.ts'
import type { Engine } from '../engine/port.ts'
import type { LedgerSession } from '../ledger/port.ts'
import type { Log } from '../log.ts'
import type { Mirror } from '../mirror/port.ts'
import type { AuditConfig } from '../model/config.ts'
import type { RunResult, SelfCheck } from '../model/run.ts'
import type { Clock } from '../time.ts'
import type { Seals } from './seal.ts'

export interface RunDependencies {
  readonly config: AuditConfig
  readonly tool: RunResult['tool']
  /** Digest of the container image; null: not known. */
  readonly image?: string | null
  /** ARN of the identity that reads the store; null: not known. */
  readonly role?: string | null
  readonly runId: string
  readonly clock: Clock
  readonly log: Log
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
  readonly repository: BlobReader
  readonly counts: RequestCounts
  openLedger(options: {
    readonly readOnly: boolean
    /** With `readOnly`: journals may be written. */
    readonly journals?: boolean
    /** In whose name the lease is taken; absent: this run's. */
    readonly runId?: string
  }): Promise<LedgerSession>
  /** What the auditor says of itself; asked first, whatever is configured. */
  selfCheck(): Promise<SelfCheck>
  /** Below the folder that every engine may read; the mirror of this run. */
  readonly mirrorFolder: string
  openMirror(signal: AbortSignal): Mirror

  startEngine(name: string, signal: AbortSignal): Promise<Engine>
  /** The chain of seals that this run adds to; null: runs are not sealed. */
  readonly seals: Seals | null
  /** Where this run's files go. */
  readonly output: OutputFolder
  /** Puts the metrics, heartbeat last; null: switched off. */
  readonly putMetrics: ((run: RunResult) => Promise<void>) | null
  /** Told once the lease is held; never throws, returns within seconds. Absent: nobody is told. */
  readonly notifyStarted?: (() => Promise<void>) | undefined
  /** Stylesheet of the report. */
  readonly style: string
}

export interface OutputFolder {
  /** Absolute path. */
  readonly folder: string
  /** `name` is one of ours and may hold `/`. */
  write(name: string, text: string): Promise<void>
  /** SHA-256 by name of what was written, as 64 hexadecimal digits. */
  written(): ReadonlyMap<string, string>
  /** Copies what was written to the configured store, if there is one. */
  upload(signal: AbortSignal): Promise<void>
}
