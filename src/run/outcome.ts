/** Exit codes, accepted findings and the numbers of a run. Pure. */

import { makeFinding } from '../check/findings.ts'
import { type ExitCode, exitCodes } from '../errors.ts'
import type { Finding } from '../model/finding.ts'
import type { DebtItem, DebtKind } from '../model/plan.ts'
import type { Accepted } from '../model/policy.ts'
import type { DebtSummary, RunResult } from '../model/run.ts'
import { isoTime } from '../time.ts'

export interface SortedFindings {
  readonly findings: readonly Finding[]
  readonly accepted: RunResult['accepted']
}

/** Takes out what somebody answers for. An acceptance that ran out is a finding of its own. */
export function sortAccepted(
  findings: readonly Finding[],
  policy: readonly Accepted[],
  nameOf: (uuid: string) => string,
  nowMs: number,
): SortedFindings {
  const open: Finding[] = []
  const accepted: RunResult['accepted'][number][] = []
  for (const finding of findings) {
    const matches = policy.filter(entry => covers(entry, finding, nameOf))
    // One that ran out may stand beside the one that renews it.
    const match = matches.find(entry => entry.untilMs > nowMs) ?? matches[0]
    if (match !== undefined && match.untilMs > nowMs) {
      accepted.push({ finding, until: isoTime(match.untilMs), reason: match.reason, approver: match.approver })
      continue
    }
    open.push(finding)
    if (match === undefined) continue
    const message = `${finding.code} was accepted by ${match.approver} until ${isoTime(match.untilMs)}: ${match.reason}`
    open.push(makeFinding({ ...finding, code: 'accepted-expired', severity: 'warning', message }))
  }
  return { findings: open, accepted }
}

/** Every snapshot that the finding hits must be covered; a finding without snapshots only by `*`. */
function covers(entry: Accepted, finding: Finding, nameOf: (uuid: string) => string): boolean {
  if (entry.code !== finding.code) return false
  if (entry.index !== '*' && entry.index !== finding.index) return false
  if (entry.snapshot === '*') return true
  return finding.snapshots.length > 0 && finding.snapshots.every(uuid => nameOf(uuid) === entry.snapshot)
}

export interface ExitInput {
  /** Not accepted. */
  readonly findings: readonly Finding[]
  /** Snapshots that fail without a finding of this run. */
  readonly failedBefore: number
  readonly overdue: number
  /** Snapshots whose `catalogue` or `presence`, wanted every night, stayed open for a reason of ours. */
  readonly unseen: number
  /** Snapshots whose bytes nobody has read within the time that the policy gives. */
  readonly unread?: number
  /** Of what was asked for by name (`verify`): what could not be restored and judged. */
  readonly unfinished: number
  /** Rules on an index that were asked and could not be judged. @default 0 */
  readonly unjudgedRules?: number
  /** Why the run could not do its work; null: it did. */
  readonly trouble: string | null
  readonly failOn: 'error' | 'warning'
}

/** Highest rank first: 2 could not work, 1 a finding, 4 debt beyond policy, 0. */
export function exitOf(input: ExitInput): RunResult['exit'] {
  const applies: ExitCode[] = []
  const reasons: string[] = []
  const paging = input.findings.filter(
    finding => finding.severity === 'error' || (input.failOn === 'warning' && finding.severity === 'warning'),
  )
  if (input.trouble !== null) {
    applies.push(exitCodes.couldNotWork)
    reasons.push(input.trouble)
  }
  if (paging.length > 0 || input.failedBefore > 0) {
    applies.push(exitCodes.finding)
    reasons.push(
      paging.length > 0
        ? `${paging.length} ${paging.length === 1 ? 'finding' : 'findings'}: ${[...new Set(paging.map(f => f.code))].join(', ')}`
        : `${input.failedBefore} snapshots failed in an earlier run and are not cured`,
    )
  }
  const owed = [
    input.unfinished > 0 ? `${input.unfinished} of what was to be restored now could not be judged` : null,
    input.overdue > 0 ? `${input.overdue} contents are in debt beyond policy` : null,
    input.unseen > 0 ? `${input.unseen} snapshots could not be looked at` : null,
    (input.unjudgedRules ?? 0) > 0 ? `${input.unjudgedRules} rules of the owner could not be judged` : null,
    (input.unread ?? 0) > 0 ? `the bytes of ${input.unread} snapshots were not read within the policy` : null,
  ].filter(reason => reason !== null)
  if (owed.length > 0) {
    applies.push(exitCodes.debtBeyondPolicy)
    reasons.push(owed.join('; '))
  }
  return {
    code: applies[0] ?? exitCodes.good,
    applies,
    reason: reasons[0] ?? 'the run did its work and nothing is wrong',
  }
}

export function summarizeDebt(
  debt: readonly DebtItem[],
  contentsBefore: number,
  provenNow: number,
  firstSeenMs: (item: DebtItem) => number,
  nowMs: number,
): DebtSummary {
  const byKind: Record<DebtKind, number> = { failed: 0, overdue: 0, newest: 0, lapsed: 0, never: 0, refresh: 0 }
  for (const item of debt) byKind[item.kind]++
  const oldestMs = Math.min(...debt.map(firstSeenMs))
  return {
    contents: debt.length,
    bytes: debt.reduce((sum, item) => sum + item.content.bytes, 0),
    overdue: debt.filter(item => item.overdue).length,
    byKind,
    oldestDays: debt.length === 0 ? null : Math.max(0, (nowMs - oldestMs) / 86_400_000),
    nightsToCatchUp: debt.length === 0 ? 0 : provenNow === 0 ? null : Math.ceil(debt.length / provenNow),
    contentsBefore,
  }
}
