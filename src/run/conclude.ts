/** The end of a night: the ledger is stored before anything is reported, and the heartbeat is the last thing that a run says. */
import type { JournalId, LedgerSession } from '../ledger/port.ts'
import type { RunCosts, RunResult } from '../model/run.ts'
import { termsOf, usageOf, withBill } from '../plan/cost.ts'
import type { RunDependencies } from './dependencies.ts'
import type { PhaseTimer } from './phases.ts'
import { publish } from './publish.ts'
import { concludeRun, type ResultInput } from './result.ts'
import { savedRulesName } from './savedRules.ts'
import { openSealer, withSeal } from './seal.ts'

/** What is done is stored even while the run is being stopped. Milliseconds. */
export const storeTimeoutMs = 120_000

export type Conclusion = Omit<ResultInput, 'dependencies' | 'ledger' | 'phases' | 'endedMs'>

/** `id`: of the journal that says that the run ended, where more than one process may say so; null: a new one. */
export async function conclude(
  dependencies: RunDependencies,
  ledger: LedgerSession,
  phases: PhaseTimer,
  conclusion: Conclusion,
  id: JournalId | null = null,
): Promise<{ readonly result: RunResult; readonly delivered: boolean }> {
  const { clock, runId } = dependencies
  const input = { ...conclusion, dependencies, ledger }
  const { result, rows, savedRules } = concludeRun({ ...input, phases: phases.list(), endedMs: clock.nowMs() })
  await phases.time('ledger stored', async () => {
    const signal = AbortSignal.timeout(storeTimeoutMs)
    // Of one that came to this point and no further: what is new since is said in a journal of its own, and nothing is there twice.
    const isFirst = id !== null && (await ledger.journalOnce(runId, id, rows, signal))
    if (!isFirst) await ledger.journal(runId, rows, signal)
    // Stored even while the run is being stopped; it has a deadline of its own, for a large ledger takes its time.
    await ledger.store(new AbortController().signal)
  })
  if (savedRules !== null) await dependencies.output.write(savedRulesName, `${JSON.stringify(savedRules)}\n`)
  const costs = costsOf(dependencies, conclusion, result)
  const timed = { ...result, stats: { ...result.stats, phases: phases.list() }, costs }
  const sealer = await openSealer(dependencies, ledger, conclusion.survey.catalogue.repositoryDataBlob.sha256)
  const told = sealer === null ? timed : withSeal(timed, sealer.statement)
  const published = await publish(told, dependencies, ledger.leaseLost.aborted, sealer)
  return { result: published, delivered: published === told && told.seal?.unsealed == null }
}

/** What was used until now, and the copies of evidence and report, which follow. */
function costsOf(
  { counts, clock, config }: RunDependencies,
  { startedMs, array }: Conclusion,
  { restores }: RunResult,
): RunCosts {
  const used = usageOf(counts, Math.max(0, clock.nowMs() - startedMs) / 1000)
  const copies = config.output.store === null ? 0 : restores.filter(row => row.evidence !== null).length + 2
  // Of the machines of an array this one has only its own counters.
  const measured = array === undefined ? withBill({ ...used, put: used.put + copies }, config.costs) : null
  return { measured, ...termsOf(config.costs) }
}
