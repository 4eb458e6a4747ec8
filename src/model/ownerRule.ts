/** Rules of the owner: what must hold on the restored data, and what came of asking. */
import type { SnapshotUuid } from './repository.ts'
import type { VerdictValue } from './verdict.ts'

/** Null: no bound. Both ends belong to it. */
export interface Range {
  readonly min: number | null
  readonly max: number | null
}

/** What each kind of rule wants; one file in `rules/owner/` judges one kind. */
export interface RuleWants {
  /** Root documents of one index. */
  readonly documents: Range
  /** Dotted path → types, one of which the field must have in the restored mapping. */
  readonly fields: { readonly types: Readonly<Record<string, readonly string[]>> }
  /** At least so many percent of the documents have a value in the field. */
  readonly filled: { readonly field: string; readonly percent: number }
  /** The newest time of the field lies at most `withinSeconds` before the snapshot's start, and at most `aheadSeconds` after its end. */
  readonly newest: { readonly field: string; readonly withinSeconds: number; readonly aheadSeconds: number }
  /** The oldest time of the field lies at most `withinSeconds` before the snapshot's start. */
  readonly oldest: { readonly field: string; readonly withinSeconds: number }
  /** Hits of a query, or one value of its aggregations, lie in a range. */
  readonly query: {
    /** Elasticsearch DSL as the owner wrote it; how it is sent: `model/answers.ts`. */
    readonly body: Readonly<Record<string, unknown>>
    readonly hits: Range | null
    /** `path`: names of aggregations joined by `>`, then a property after a dot where it is not `value`. */
    readonly aggregation: { readonly path: string; readonly range: Range } | null
  }
  /** Names that must be among the aliases of the index. */
  readonly aliases: { readonly names: readonly string[] }
  /** About the whole snapshot: each pattern of `present` matches an index of it; `asBefore`: of the rule's own indices none is missing that the snapshot before had. */
  readonly indices: { readonly present: readonly string[]; readonly asBefore: boolean }
  /** A program of the owner's ends with 0. */
  readonly command: { readonly run: readonly [string, ...string[]]; readonly timeLimitSeconds: number }
}
export type RuleKind = keyof RuleWants

interface RuleOf<Kind extends RuleKind> {
  /** Unique; findings and reports name the rule by it. */
  readonly name: string
  readonly kind: Kind
  /** Names of indices, `*` for any text; the rule speaks about those that one of them matches. */
  readonly index: readonly string[]
  /** Names of snapshots, likewise. */
  readonly snapshots: readonly string[]
  /** `error` fails the snapshots on which it does not hold; `warning` fails nobody. */
  readonly severity: 'error' | 'warning'
  readonly wants: RuleWants[Kind]
}
export type OwnerRule<Kind extends RuleKind = RuleKind> = { readonly [K in Kind]: RuleOf<K> }[Kind]

/** What a rule said of one index in one snapshot, or of one snapshot (`index` null). */
export interface RuleOutcomeRow {
  readonly rule: string
  readonly snapshot: string
  readonly uuid: SnapshotUuid
  readonly index: string | null
  readonly verdict: Exclude<VerdictValue, 'not-applicable'>
  /** The number or value got, in words: `1,234 documents`. Null: there is no answer. */
  readonly got: string | null
  /** What was got and what is wanted, or why nothing can be said. Untrusted text. */
  readonly message: string
}

/** One configured rule in `run.json`. */
export interface RuleSummary {
  readonly name: string
  readonly kind: RuleKind
  readonly index: readonly string[]
  readonly snapshots: readonly string[]
  readonly severity: 'error' | 'warning'
  /** What it wants, in a sentence: `at least 1,000 documents`. */
  readonly wants: string
  /** Names of indices that it speaks about; 0: it matches nothing, which is a finding. */
  readonly indices: number
  /** Indices in snapshots (or snapshots) by verdict. */
  readonly judged: Readonly<Record<'pass' | 'fail' | 'inconclusive', number>>
}

/** `run.json`, member `rules`; absent: no rule is configured. */
export interface RulesOfRun {
  readonly rules: readonly RuleSummary[]
  /**
   * For each rule and index the newest snapshot that it was judged on, and everything that does not pass; in the order of the rules, then by index,
   * newest snapshot first. At most `maxOutcomeRows`.
   */
  readonly outcomes: readonly RuleOutcomeRow[]
  /** Rows beyond that bound. */
  readonly more: number
}

export const maxOutcomeRows = 5_000
