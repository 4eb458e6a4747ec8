/** The end of a night: the ledger is stored before anything is reported, and the heartbeat is the last thing that a run says. */
import type { JournalId, LedgerSession } from '../ledger/port.ts'
import type { RunCosts, RunResult } from '../model/run.ts'
import { usageOf, withBill } from '../plan/cost.ts'
import type { RunDependencies } from './dependencies.ts'
import type { PhaseTimer } from './phases.ts'
import { publish } from './publish.ts'
import { concludeRun, type ResultInput } from './result.ts'

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
): Promise<RunResult> {
  const { clock, runId } = dependencies
  const input = { ...conclusion, dependencies, ledger }
  const { result, rows } = concludeRun({ ...input, phases: phases.list(), endedMs: clock.nowMs() })
  await phases.time('ledger stored', async () => {
    const signal = AbortSignal.timeout(storeTimeoutMs)
    if (id === null) await ledger.journal(runId, rows, signal)
    else await ledger.journalOnce(runId, id, rows, signal)
    await ledger.store(AbortSignal.timeout(storeTimeoutMs))
  })
  const costs = costsOf(dependencies, conclusion)
  const timed = { ...result, stats: { ...result.stats, phases: phases.list() }, costs }
  return await publish(timed, dependencies, ledger.leaseLost.aborted)
}

/** What was used until now. The copy of the report is still to come, two PUT. */
function costsOf({ counts, clock, config }: RunDependencies, { startedMs, array }: Conclusion): RunCosts {
  const { prices, ...rest } = config.costs
  const { currency, region, asOf } = prices
  const used = usageOf(counts, Math.max(0, clock.nowMs() - startedMs) / 1000)
  // Of the machines of an array this one has only its own counters.
  return {
    measured: array === undefined ? withBill(used, config.costs) : null,
    prices: { currency, region, asOf },
    ...rest,
  }
}
