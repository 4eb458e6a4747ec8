/**
 * The night: ledger, catalogue and listing, plan, work, fold, report, metrics. In this order, so that whatever breaks,
 * everything before it is kept: journals are written content by content, the ledger is stored before anything is
 * reported, and the heartbeat is the last thing that a run says.
 *
 * An array of machines takes the same steps in more processes than one: array/plan.ts, array/child.ts, array/collect.ts.
 */
import type { LedgerSession } from '../ledger/port.ts'
import type { JournalRow } from '../model/journal.ts'
import type { ContentRecord } from '../model/plan.ts'
import type { Limits } from '../model/policy.ts'
import type { RunResult } from '../model/run.ts'
import { evidenceName } from './attempt.ts'
import { conclude, storeTimeoutMs } from './conclude.ts'
import { attemptRow, sayAttempt } from './contentRows.ts'
import { costGate, costMeter } from './costMeter.ts'
import type { RunDependencies } from './dependencies.ts'
import { enginesNeeded } from './engineNeeds.ts'
import { attemptRows, condemnationRows, movedRows } from './failingRows.ts'
import type { KeptRestores } from './keep.ts'
import { type Look, lookAgain } from './lookAgain.ts'
import { PhaseTimer } from './phases.ts'
import { holdEngines, type Restored, type RestorePlanOptions, restorePlan } from './restorePlan.ts'
import { restoreRows } from './restoreRows.ts'
import { answerRows } from './ruledRun.ts'
import { savedEvidence } from './savedEvidence.ts'
import { blindRun } from './selfCheck/blindRun.ts'
import { isBlind } from './selfCheck/selfCheck.ts'
import { readGenerationAgain } from './settle.ts'
import { remember, type Survey, survey } from './survey.ts'

export interface AuditOptions {
  readonly command: RunResult['command']
  /** Names or uuids of snapshots to restore now; null: by debt. */
  readonly only: readonly string[] | null
  readonly limits: Limits
  /** Takes restores that did not pass; they and their servers outlive the run. Absent: nothing does. */
  readonly keep?: KeptRestores
}

/** Throws only when there is nothing to report: no configuration, no repository, no ledger. */
export async function audit(dependencies: RunDependencies, options: AuditOptions): Promise<RunResult> {
  const { clock, log, signal, config } = dependencies
  const startedMs = clock.nowMs()
  const phases = new PhaseTimer(clock)
  const selfCheck = await phases.time('self-check', () => dependencies.selfCheck())
  if (isBlind(selfCheck)) return await blindRun(dependencies, options, selfCheck, startedMs)
  const limitUsd = options.limits.costUsd
  const meter = costMeter({ ...dependencies, limitUsd })
  const ledger = await phases.time('ledger', () => dependencies.openLedger({ readOnly: false }))
  const stop = AbortSignal.any([signal, ledger.leaseLost])
  const engines = holdEngines(dependencies, stop, options.keep)
  try {
    // Starting takes as long as reading the catalogue, so it is begun where work is likely: first night, debt left behind. Of
    // several engines nobody knows yet which one is needed first.
    const [last] = ledger.runs(1)
    const likely = options.only !== null || last === undefined || last.debtContents > 0
    const first = config.engines[0]
    if (first !== undefined && likely && config.engines.length === 1) engines.warm(first.name)
    await dependencies.notifyStarted?.()
    const seen = await phases.time('check and plan', () =>
      survey(dependencies, ledger, { ...options, readOnly: false, meter }),
    )
    for (const sentence of enginesNeeded(seen)) log.warn(sentence)
    log.info(sayPlan(seen), { snapshots: seen.plan.snapshots.length, contents: seen.forecast.contents })
    const needed = seen.plan.groups[0]
    if (needed !== undefined) engines.warm(needed.engine)
    const { durationSeconds } = options.limits
    const leftMs = durationSeconds === null ? null : durationSeconds * 1000 - (clock.nowMs() - startedMs)
    const stopAtMs = leftMs === null ? null : clock.monotonicMs() + Math.max(0, leftMs)
    const restoreFrom = async (from: Survey): Promise<Look> => {
      const { repositoryData } = from.catalogue
      const mayBegin = costGate({ ...from, meter, config, limitUsd, log })
      const restored = await phases.time('mirror and restore', () =>
        work(dependencies, ledger, from, {
          engines,
          signal: stop,
          stopAtMs,
          mayBegin,
          ...(options.keep === undefined ? {} : { keep: options.keep }),
        }),
      )
      const settled = await phases.time('generation again', () => readGenerationAgain(dependencies, repositoryData))
      return { survey: from, restores: restoreRows(restored.attempts, repositoryData), restored, settled }
    }
    const context = { dependencies, ledger, options, startedMs, meter, phases, signal: stop, restoreFrom }
    const look = await lookAgain(await restoreFrom(seen), context)
    const { restored, settled } = look
    const { result } = await conclude(dependencies, ledger, phases, {
      options,
      survey: look.survey,
      startedMs,
      restores: look.restores,
      work: restored.work,
      contents: remember(look.survey.checked, look.survey.catalogue, ledger, config.policy.credit),
      finalGeneration: settled.finalGeneration,
      selfCheck,
      expired: settled.expired,
      engines: [...engines.used.values()],
      trouble: restored.trouble ?? settled.trouble,
    })
    return result
  } finally {
    await engines.stop()
    await ledger.close()
  }
}

function sayPlan({ plan, forecast, catalogue }: Survey): string {
  if (forecast.contents === 0) return 'nothing is in debt that this run can restore'
  const names = plan.snapshots.map(position => catalogue.repositoryData.snapshots[position]?.name ?? '')
  return `restoring ${forecast.contents} contents of ${plan.snapshots.length} snapshots: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`
}

/** Restores what is planned, each result journalled as it comes. */
async function work(
  dependencies: RunDependencies,
  ledger: LedgerSession,
  { plan, catalogue, contents }: Survey,
  rest: Pick<RestorePlanOptions, 'engines' | 'signal' | 'stopAtMs' | 'mayBegin' | 'keep'>,
): Promise<Restored> {
  const { clock, log, output, runId } = dependencies
  const context = { runId, repositoryData: catalogue.repositoryData }
  const journal = (rows: readonly JournalRow[]) => ledger.journal(runId, rows, AbortSignal.timeout(storeTimeoutMs))
  // More than one of a key only without shared credit.
  const byContent = new Map<string, ContentRecord[]>()
  for (const content of contents) {
    const key = `${content.indexId} ${content.contentId}`
    byContent.set(key, [...(byContent.get(key) ?? []), content])
  }
  return await restorePlan(dependencies, {
    ...rest,
    plan,
    catalogue,
    onAttempt: async attempt => {
      const { evidence } = attempt
      const row = attemptRow(attempt, context)
      const { snapshots } = catalogue.repositoryData
      const holders = attempt.planned.content.snapshots.flatMap(position => snapshots[position] ?? [])
      // First what was found out: it is true whether the evidence finds room on the disk or not, and that ends the run.
      const { content, snapshot } = attempt.planned
      const from = snapshots[snapshot]
      const moved = row.reason === 'repository-moved' && from !== undefined
      const rows = moved ? movedRows(content, from, row.atMs, ledger) : []
      try {
        await journal([...attemptRows(row, holders), ...answerRows(row, evidence), ...rows])
        sayAttempt(row, log)
      } finally {
        // The run tells of this restore even where it could not be journalled, and then its evidence is all that is left of it.
        const saved = savedEvidence(attempt)
        if (saved !== null) await output.write(evidenceName(attempt), `${JSON.stringify(saved, null, 1)}\n`)
      }
    },
    onCondemned: async (indexId, contentIds, finding) => {
      const hit = [...contentIds].flatMap(contentId => byContent.get(`${indexId} ${contentId}`) ?? [])
      const rows = condemnationRows(finding, hit, clock.nowMs(), context, ledger)
      log.warn(finding.message, { code: finding.code })
      if (rows.length > 0) await journal(rows)
    },
  })
}
