/**
 * Findings over many runs: found, told again, not told any more, accepted. Runs are taken in one after the other, oldest first.
 *
 * That a run does not tell a finding again cures nothing by itself: a run tells what it looked at. What it hit must be good, too.
 */
import type { FindingState, PeriodFinding, PeriodSnapshot } from '../../model/period.ts'
import type { RunResult } from '../../model/run.ts'
import { levels } from '../../model/verdict.ts'
import { didWork } from './schedule.ts'

interface Tracked {
  finding: RunResult['findings'][number]
  firstSeenAt: string
  firstRun: string
  lastSeenAt: string
  lastRun: string
  runs: number
  accepted: PeriodFinding['accepted']
  cleared: { at: string; runId: string } | null
}

export type FindingHistory = Map<string, Tracked>

/** Takes in one run; errors and warnings alone. */
export function takeFindings(history: FindingHistory, run: RunResult): void {
  const seen = new Set<string>()
  const take = (finding: Tracked['finding'], accepted: PeriodFinding['accepted']): void => {
    if (finding.severity === 'information') return
    seen.add(finding.id)
    const known = history.get(finding.id)
    history.set(finding.id, {
      finding,
      firstSeenAt: known?.firstSeenAt ?? run.endedAt,
      firstRun: known?.firstRun ?? run.runId,
      lastSeenAt: run.endedAt,
      lastRun: run.runId,
      runs: (known?.runs ?? 0) + 1,
      accepted,
      cleared: null,
    })
  }
  for (const finding of run.findings) take(finding, null)
  for (const { finding, until, reason, approver } of run.accepted) take(finding, { until, reason, approver })
  // A verification looks at what it was asked for; a run that did not do its work, at less.
  if (run.command !== 'audit' || !didWork(run.exit.code)) return
  for (const [id, tracked] of history) if (!seen.has(id)) tracked.cleared ??= { at: run.endedAt, runId: run.runId }
}

/** The state of each at the end. `snapshots`: as they were then. */
export function concludeFindings(
  history: FindingHistory,
  snapshots: readonly PeriodSnapshot[],
  endAt: string,
): PeriodFinding[] {
  const byUuid = new Map(snapshots.map(snapshot => [snapshot.uuid, snapshot]))
  const order: Readonly<Record<FindingState, number>> = { open: 0, 'not known': 1, accepted: 2, cured: 3, gone: 4 }
  return [...history]
    .map(([id, tracked]): PeriodFinding => {
      const { finding, cleared, accepted } = tracked
      return {
        id,
        code: finding.code,
        severity: finding.severity,
        index: finding.index,
        message: finding.message,
        snapshots: finding.snapshots.length,
        firstSeenAt: tracked.firstSeenAt,
        firstRun: tracked.firstRun,
        lastSeenAt: tracked.lastSeenAt,
        lastRun: tracked.lastRun,
        runs: tracked.runs,
        state: stateOf(tracked, byUuid, endAt),
        curedAt: cleared?.at ?? null,
        curedBy: cleared?.runId ?? null,
        accepted,
      }
    })
    .sort(
      (a, b) =>
        Number(b.severity === 'error') - Number(a.severity === 'error') ||
        order[a.state] - order[b.state] ||
        a.firstSeenAt.localeCompare(b.firstSeenAt),
    )
}

function stateOf(
  { finding, cleared, accepted }: Tracked,
  snapshots: ReadonlyMap<string, PeriodSnapshot>,
  endAt: string,
): FindingState {
  if (cleared === null) return accepted !== null && accepted.until > endAt ? 'accepted' : 'open'
  if (finding.snapshots.length === 0) return 'cured'
  let worst: FindingState = 'gone'
  for (const uuid of finding.snapshots) {
    const snapshot = snapshots.get(uuid)
    if (snapshot === undefined) {
      if (worst === 'gone') worst = 'not known'
      continue
    }
    if (!snapshot.present) continue
    const verdicts = levels.map(level => snapshot.levels[level]?.verdict ?? null)
    // What only warns fails nobody, and needs no restore to be over.
    if (finding.severity === 'error' && verdicts.includes('fail')) return 'open'
    const judged = finding.severity !== 'error' || snapshot.levels.restore?.verdict === 'pass'
    if (!judged) worst = 'not known'
    else if (worst === 'gone') worst = 'cured'
  }
  return worst
}
