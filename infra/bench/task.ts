/** What a measuring process is asked to do, and what it answers: one JSON line each way. */
import type { RepositoryShape } from '../local/generate/shape.ts'

export type Task =
  /** `check` of a generated repository; `ledger`: a file to remember in, null for none. */
  | {
      readonly kind: 'check'
      readonly level: 'presence' | 'bytes'
      readonly shape: RepositoryShape
      readonly ledger: string | null
    }
  /** `plan --children` of a generated repository, all of whose contents are debt; `folder`: for the ledger and the plan. */
  | { readonly kind: 'plan'; readonly shape: RepositoryShape; readonly folder: string; readonly children: number }
  /** `inspect --jsonl`; the lines are counted and dropped. */
  | { readonly kind: 'inspect'; readonly shape: RepositoryShape }
  /** Decodes `index-N` from a stream that is made meanwhile. */
  | { readonly kind: 'decode'; readonly shape: RepositoryShape }
  /** `check --level bytes` of a store, without a ledger. */
  | { readonly kind: 'byte-proof'; readonly url: string; readonly endpointUrl: string | null }
  /** A plain GET of every object below a place of a bucket, by the SDK alone, as many at once. */
  | { readonly kind: 'plain-get'; readonly bucket: string; readonly prefix: string; readonly endpointUrl: string }
  /** `inspect --jsonl` of a store. */
  | { readonly kind: 'inspect-store'; readonly url: string }
  /** Decodes `index-N` from memory, and parses the same bytes with `JSON.parse`, in turns. */
  | { readonly kind: 'decode-and-parse'; readonly shape: RepositoryShape; readonly rounds: number }

export interface Used {
  readonly seconds: number
  readonly cpuSeconds: number
  /** Most that the process ever had in memory, program and runtime included. */
  readonly peakBytes: number
}

export interface CheckAnswer extends Used {
  readonly lists: number
  readonly gets: number
  readonly heads: number
  readonly bytesRead: number
  /** Of `bytesRead`, by kind of blob. */
  readonly bytesOf: Readonly<Record<string, number>>
  readonly getsOf: Readonly<Record<string, number>>
  readonly exitCode: number
  readonly findings: number
}

export interface PlanAnswer extends Used {
  readonly contents: number
  readonly groups: number
  readonly children: number
  readonly planBytes: number
}

export interface InspectAnswer extends Used {
  readonly lines: number
  readonly bytes: number
  readonly longestLine: number
}

export interface DecodeAnswer extends Used {
  readonly bytes: number
}

export interface ReadAnswer extends Used {
  readonly objects: number
  readonly bytes: number
}

export interface PairedAnswer extends Used {
  readonly bytes: number
  /** Processor seconds of each round: the processor may be shared, its time is not. */
  readonly decode: readonly number[]
  readonly parse: readonly number[]
}

export interface AnswerOf {
  readonly check: CheckAnswer
  readonly plan: PlanAnswer
  readonly inspect: InspectAnswer
  readonly decode: DecodeAnswer
  readonly 'byte-proof': ReadAnswer
  readonly 'plain-get': ReadAnswer
  readonly 'inspect-store': InspectAnswer
  readonly 'decode-and-parse': PairedAnswer
}
