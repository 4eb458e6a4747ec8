/** What a period keeps of one `run.json`: little, so that a year of nights fits into memory. */
import type { PeriodExclusion, PeriodProjection, PeriodSample } from '../../model/period.ts'
import type { RunResult } from '../../model/run.ts'
import { reasonText } from '../words.ts'

/** All but the findings, which are folded run by run (`findings.ts`). */
export interface KeptRun {
  readonly runId: string
  readonly at: string
  readonly url: string
  readonly uuid: string | null
  readonly clusterId: string | null
  readonly tool: string
  readonly engines: readonly string[]
  /** Null: no server was started. */
  readonly egressBlocked: boolean | null
  readonly policy: string
  readonly selfCheck: { readonly planted: number; readonly found: number } | null
  readonly sealed: boolean | null
  readonly sample: PeriodSample | null
  readonly projection: Omit<PeriodProjection, 'within'> | null
  /** Of the run's policy; null: none. */
  readonly targetSeconds: number | null
  readonly exclusions: readonly PeriodExclusion[]
  readonly information: number
}

export function keptOf(run: RunResult): KeptRun {
  const { repository, policy, sample, selfCheck } = run
  const projection = run.restoreTime?.projection ?? null
  const at = { runId: run.runId, at: run.endedAt }
  return {
    ...at,
    url: repository.url,
    uuid: repository.uuid,
    clusterId: repository.clusterId,
    tool: run.tool.version,
    engines: run.engines.map(({ product, version, kind }) => `${product} ${version} (${kind})`),
    egressBlocked: run.engines.length === 0 ? null : run.engines.every(({ egressBlocked }) => egressBlocked),
    policy: `newest content of each index restored within ${policy.restoreNewestWithinDays} days, every content within ${policy.restoreEveryContentWithinDays} days; credit ${policy.credit}`,
    selfCheck: selfCheck === undefined ? null : { planted: selfCheck.planted, found: selfCheck.found },
    sealed: run.seal === undefined ? null : run.seal.unsealed === null,
    sample:
      sample === undefined
        ? null
        : {
            ...at,
            seed: sample.seed,
            population: sample.population,
            drawn: sample.contents.length,
            passed: sample.passed,
            failed: sample.failed,
            open: sample.open,
            confidence: sample.confidence,
            holds: sample.statement !== null,
            sentence: sample.sentence,
          },
    targetSeconds: run.restoreTime?.targetSeconds ?? null,
    projection:
      projection === null
        ? null
        : {
            ...at,
            snapshot: projection.snapshot,
            bytes: projection.bytes,
            seconds: projection.seconds,
            slowest: projection.slowest,
          },
    exclusions: [...excluded(run), ...accepted(run)],
    information: run.findings.filter(({ severity }) => severity === 'information').length,
  }
}

/** Indices in snapshots that no restore judges, by reason. */
function excluded(run: RunResult): PeriodExclusion[] {
  const byReason = new Map<string, number>()
  for (const row of run.verdicts) {
    if (row.level !== 'restore' || row.index === null) continue
    if (row.verdict !== 'not-applicable' || row.reason === 'expired' || row.reason === 'not-asked') continue
    byReason.set(row.reason, (byReason.get(row.reason) ?? 0) + 1)
  }
  return [...byReason].map(([reason, count]) => ({
    what: 'indices in snapshots, not judged by a restore',
    reason: reasonText(reason),
    count,
    approver: null,
    until: null,
  }))
}

function accepted(run: RunResult): PeriodExclusion[] {
  return run.accepted.map(({ finding, until, reason, approver }) => ({
    what: `finding ${finding.code}${finding.index === null ? '' : ` of the index ${finding.index}`}`,
    reason,
    count: finding.snapshots.length,
    approver,
    until,
  }))
}
