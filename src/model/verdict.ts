/** Levels, verdicts, and the one table of reasons. */
import type { Severity } from './finding.ts'
import type { SnapshotUuid } from './repository.ts'

/** Ascending strength. What each proves and does not prove: README, "Levels". */
export const levels = ['catalogue', 'presence', 'bytes', 'restore', 'rules'] as const
export type Level = (typeof levels)[number]

export type VerdictValue = 'pass' | 'fail' | 'inconclusive' | 'not-applicable'

interface ReasonMeta {
  readonly verdict: VerdictValue
  /** Does it stay debt: must a later run look again? */
  readonly debt: boolean
  readonly severity: Severity
  readonly text: string
}

/** Every reason with its verdict, debt and severity; printed into the README. */
export const reasons = {
  proven: { verdict: 'pass', debt: false, severity: 'information', text: 'Looked at in this run and good.' },
  remembered: {
    verdict: 'pass',
    debt: false,
    severity: 'information',
    text: 'Proven in an earlier run; nothing that the proof rests on has changed since.',
  },
  credited: {
    verdict: 'pass',
    debt: false,
    severity: 'information',
    text: 'The same content was restored from another snapshot, and the metadata of this one was read and is good.',
  },
  found: { verdict: 'fail', debt: true, severity: 'error', text: 'A finding of this run accuses it.' },
  'failed-before': {
    verdict: 'fail',
    debt: true,
    severity: 'error',
    text: 'An earlier run failed it and no later proof of the same level has cured it.',
  },
  'lower-level-failed': {
    verdict: 'fail',
    debt: true,
    severity: 'error',
    text: 'A lower level failed, so this one cannot hold.',
  },
  'not-yet-verified': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'information',
    text: 'No run has got to it yet.',
  },
  lapsed: {
    verdict: 'inconclusive',
    debt: true,
    severity: 'information',
    text: 'A blob that the proof rests on has changed size, ETag or modification time.',
  },
  'too-old': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'information',
    text: 'The proof is older than the policy allows.',
  },
  'not-read': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'The metadata could not be read this time, for a reason that is not the repository’s.',
  },
  'limit-reached': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'information',
    text: 'The run reached a limit before it.',
  },
  interrupted: {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'The run was stopped while it was in work.',
  },
  'child-lost': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'The machine of an array that was to restore it ended without a result, or never began.',
  },
  'auditor-blind': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'The machine that was to restore it failed its self-check: nothing that it would have said counts.',
  },
  'engine-died': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'The throwaway server died; the snapshot is not to blame for that.',
  },
  deadline: {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'It took longer than the time allowed for one restore.',
  },
  'disk-full': { verdict: 'inconclusive', debt: true, severity: 'warning', text: 'Our own disk was full.' },
  'does-not-fit': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'It alone needs more than there is or may be used: disk, or a limit on bytes or money.',
  },
  'store-unavailable': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'The object store did not answer, or throttled, until we gave up.',
  },
  'unstable-read': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'Two reads of the same blob gave different bytes.',
  },
  'not-repeated': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'It failed once and could not be repeated in a fresh server, so nobody is accused.',
  },
  'evidence-incomplete': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'The server did not answer everything that the verdict needs.',
  },
  'engine-lacks': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'The throwaway server lacks a plugin, mapper or analyzer that the index needs.',
  },
  'no-engine-for-version': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'No configured engine can restore a snapshot of this version.',
  },
  'count-unknown': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'The repository does not say how many documents to expect.',
  },
  'repository-moved': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'information',
    text: 'The repository was written while we read it and could not be settled.',
  },
  'layout-not-supported': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'This version of Snapproof cannot read this layout.',
  },
  'answers-missing': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'information',
    text: 'A rule of the owner asks what was not asked when the content was restored; the next restore asks.',
  },
  'rule-not-judged': {
    verdict: 'inconclusive',
    debt: true,
    severity: 'warning',
    text: 'A rule of the owner was asked and could not be judged; a finding says why.',
  },
  'rule-warned': {
    verdict: 'inconclusive',
    debt: false,
    severity: 'warning',
    text: 'A rule of the owner that only warns does not hold: nobody fails, and it is no pass.',
  },
  'partial-at-source': {
    verdict: 'inconclusive',
    debt: false,
    severity: 'warning',
    text: 'The snapshot was taken with shards missing; its complete indices are judged, the snapshot never passes.',
  },
  'failed-at-source': {
    verdict: 'not-applicable',
    debt: false,
    severity: 'warning',
    text: 'The server itself marked the snapshot as failed; it cannot be restored.',
  },
  'in-progress': {
    verdict: 'not-applicable',
    debt: false,
    severity: 'information',
    text: 'The snapshot is still being taken.',
  },
  'empty-at-source': {
    verdict: 'not-applicable',
    debt: false,
    severity: 'warning',
    text: 'The snapshot holds no index.',
  },
  'not-verifiable-here': {
    verdict: 'not-applicable',
    debt: false,
    severity: 'warning',
    text: 'The data lies outside this repository.',
  },
  mounted: {
    verdict: 'not-applicable',
    debt: false,
    severity: 'information',
    text: 'A mounted searchable snapshot: the data belongs to the snapshot that it refers to.',
  },
  'system-index': {
    verdict: 'not-applicable',
    debt: false,
    severity: 'information',
    text: 'A system index is restored by its feature state and no other way, and the snapshot holds none of it or no engine tried has the feature.',
  },
  expired: {
    verdict: 'not-applicable',
    debt: false,
    severity: 'information',
    text: 'The snapshot was deleted while the run was going on.',
  },
  'no-rule-applies': {
    verdict: 'not-applicable',
    debt: false,
    severity: 'information',
    text: 'No rule of the owner speaks about it.',
  },
  'not-asked': {
    verdict: 'not-applicable',
    debt: false,
    severity: 'information',
    text: 'This run was not asked to look at it.',
  },
} as const satisfies Record<string, ReasonMeta>
export type Reason = keyof typeof reasons

export type Method = 'read' | 'listing' | 'store-computed' | 'store-recorded' | 'restore' | 'chained'

export interface VerdictRow {
  readonly snapshot: string
  readonly uuid: SnapshotUuid
  /** Null: the row is about the whole snapshot. */
  readonly index: string | null
  readonly level: Level
  readonly verdict: VerdictValue
  readonly reason: Reason
  readonly method: Method | null
  /** ISO time of the proof; for a whole snapshot that of its oldest proof. Null when there is none. */
  readonly provenAt: string | null
  /** Name of the snapshot that the content was restored from, when that was another one. */
  readonly creditedFrom: string | null
}

/** Does an attempt leave the question open? One that came to `not-applicable` has answered it. */
export function isOpen({ verdict, reason }: { readonly verdict: VerdictValue; readonly reason: Reason }): boolean {
  return verdict === 'inconclusive' && reasons[reason].verdict !== 'not-applicable'
}

/** fail > inconclusive > pass; nothing passed is not a pass. */
export function rollUp(verdicts: Iterable<VerdictValue>): VerdictValue {
  let worst: VerdictValue = 'not-applicable'
  for (const verdict of verdicts) {
    if (verdict === 'fail') return 'fail'
    if (verdict === 'inconclusive') worst = 'inconclusive'
    else if (verdict === 'pass' && worst === 'not-applicable') worst = 'pass'
  }
  return worst
}
