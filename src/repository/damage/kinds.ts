/**
 * What can be damaged, how, and what a check must say of it: plain values, so that a test, the self-check and a report
 * speak of the same thing.
 */
import type { ErrorCode } from '../../errors.ts'
import type { FindingCode, Severity } from '../../model/finding.ts'
import type { SnapshotUuid } from '../../model/repository.ts'

export const blobKinds = [
  'repository-data',
  'index-latest',
  'root-snapshot',
  'global-metadata',
  'index-metadata',
  'shard-generation',
  'shard-snapshot',
  'data-blob',
  'part',
] as const
export type BlobKind = (typeof blobKinds)[number]

export const faultKinds = [
  'missing',
  'empty',
  'truncated',
  'longer',
  'flipped-header',
  'flipped-body',
  'flipped-footer',
  'swapped',
  'older',
  'archived',
  'access-denied',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** What happens to the bytes of one blob on their way to the reader. */
export type Change =
  | { readonly type: 'missing' }
  | { readonly type: 'truncate'; readonly bytes: number }
  | { readonly type: 'append'; readonly tail: Buffer }
  | { readonly type: 'flip'; readonly at: number; readonly mask: number }
  | { readonly type: 'replace'; readonly bytes: Buffer }
  /** The blob carries the bytes of another one. */
  | { readonly type: 'swap'; readonly key: string }
  /** Listed with this class; reading it fails as it does in S3. */
  | { readonly type: 'archive'; readonly storageClass: string }
  /** Listed, and reading it is refused. */
  | { readonly type: 'deny' }

/** Levels that need no server, weakest first. */
export const damageLevels = ['catalogue', 'presence', 'bytes'] as const
export type DamageLevel = (typeof damageLevels)[number]

/** One damage is one finding, or it is said why not. */
export type Outcome =
  | {
      readonly kind: 'finding'
      readonly code: FindingCode
      /** `error`: exactly `snapshots` fail. Else nobody fails, and `snapshots` are those that it touches. */
      readonly severity: Severity
      /** The blob that the finding names; of a file in parts the name without the part. Null: it names none. */
      readonly key: string | null
      readonly snapshots: readonly SnapshotUuid[]
      /** The weakest level that can see it; below it nothing may be said. */
      readonly level: DamageLevel
      /** Of a warning: its snapshots are left open, since nobody knows which of two blobs is right. They never pass. */
      readonly leavesOpen?: boolean
    }
  /** Something is said, and the consequences cannot be told from the cause: one finding or more, all of these codes. */
  | { readonly kind: 'findings'; readonly codes: readonly FindingCode[]; readonly why: string }
  /** The check cannot work and says so: never a verdict. */
  | { readonly kind: 'refused'; readonly code: ErrorCode }
  /** Cannot be detected, or is a normal state. Everything passes as before. */
  | {
      readonly kind: 'nothing'
      readonly why: string
      /** Snapshots that nobody can know of any more. */
      readonly forgets?: readonly SnapshotUuid[]
      /** Snapshots that neither pass nor fail any more. */
      readonly leavesOpen?: readonly SnapshotUuid[]
    }

export interface Damage {
  /** From 1, in the order of the plan: with the seed it names the damage. */
  readonly number: number
  readonly key: string
  readonly kind: BlobKind
  readonly fault: FaultKind
  /** For people: which bit, which other blob. */
  readonly what: string
  readonly change: Change
  readonly expected: Outcome
}
