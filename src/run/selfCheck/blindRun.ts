/**
 * The run of an auditor that is blind: it looks at nothing and restores nothing, and says so loudly: a report, the metric, one journal
 * row. No proof, no verdict and no last good snapshot comes from it, and nothing that is known moves.
 */
import { configurationHash } from '../../config/configurationHash.ts'
import { describeError, exitCodes } from '../../errors.ts'
import type { LedgerSession } from '../../ledger/port.ts'
import type { RunRow } from '../../model/journal.ts'
import type { RunResult, SelfCheck } from '../../model/run.ts'
import { isoTime } from '../../time.ts'
import type { AuditOptions } from '../audit.ts'
import { storeTimeoutMs } from '../conclude.ts'
import type { RunDependencies } from '../dependencies.ts'
import { publish } from '../publish.ts'
import { historyOf } from '../runRows.ts'
import { describeBlindness } from './selfCheck.ts'

const historyRuns = 90

/** Takes no lease: it must be heard whoever else is at work. */
export async function blindRun(
  dependencies: RunDependencies,
  options: Pick<AuditOptions, 'command' | 'limits'>,
  selfCheck: SelfCheck,
  startedMs: number,
): Promise<RunResult> {
  const { log } = dependencies
  log.warn(describeBlindness(selfCheck))
  for (const { what, why } of selfCheck.missed.slice(0, 20)) log.warn(`missed: ${what}`, { why })
  const known = await remembered(dependencies, startedMs)
  return await publish(resultOf(dependencies, options, selfCheck, startedMs, known), dependencies, false)
}

interface Known {
  readonly runs: readonly RunRow[]
  readonly firstRunMs: number | null
}

/** The history for the report, and a row in it. A ledger that cannot be had now silences nothing. */
async function remembered(dependencies: RunDependencies, startedMs: number): Promise<Known> {
  let ledger: LedgerSession | null = null
  try {
    ledger = await dependencies.openLedger({ readOnly: true, journals: true })
    const runs = ledger.runs(historyRuns)
    const known = { runs, firstRunMs: ledger.firstRunMs() }
    const last = runs.at(-1)
    // A first night has nothing to stand beside, and begins no policy.
    if (last !== undefined) {
      const row = rowOf(dependencies, last, startedMs)
      await ledger.journal(dependencies.runId, [row], AbortSignal.timeout(storeTimeoutMs))
    }
    return known
  } catch (error) {
    dependencies.signal.throwIfAborted()
    dependencies.log.warn(`the ledger does not hear of it: ${describeError(error)}`)
    return { runs: [], firstRunMs: null }
  } finally {
    await ledger?.close()
  }
}

/** What is known stands as it stood. */
function rowOf({ runId, clock, tool }: RunDependencies, last: RunRow, startedMs: number): RunRow {
  return {
    ...last,
    runId,
    command: 'audit',
    startedMs,
    endedMs: clock.nowMs(),
    exitCode: exitCodes.couldNotWork,
    toolVersion: tool.version,
    planned: 0,
    proven: 0,
    failed: 0,
    inconclusive: 0,
    restoreBytesPerSecond: null,
  }
}

function resultOf(
  { config, tool, image = null, runId, clock, counts }: RunDependencies,
  { command, limits }: Pick<AuditOptions, 'command' | 'limits'>,
  selfCheck: SelfCheck,
  startedMs: number,
  { runs, firstRunMs }: Known,
): RunResult {
  const endedMs = clock.nowMs()
  const { policy, repository } = config
  const last = runs.at(-1)
  const generation = last?.generation ?? -1
  const identity = { uuid: last?.repositoryUuid ?? null, clusterId: last?.clusterId ?? null, generation, format: null }
  const debt = last?.debtContents ?? 0
  return {
    schemaVersion: 1,
    runId,
    command,
    tool,
    identity: { configuration: configurationHash(config), image },
    repository: { ...identity, name: repository.name, url: repository.url },
    finalGeneration: generation,
    startedAt: isoTime(startedMs),
    endedAt: isoTime(endedMs),
    seconds: (endedMs - startedMs) / 1000,
    exit: {
      code: exitCodes.couldNotWork,
      applies: [exitCodes.couldNotWork],
      reason: describeBlindness(selfCheck),
    },
    policy: {
      startAt: isoTime(policy.startMs ?? firstRunMs ?? startedMs),
      restoreNewestWithinDays: policy.restoreNewestWithinDays,
      restoreEveryContentWithinDays: policy.restoreEveryContentWithinDays,
      credit: policy.credit,
    },
    limits,
    forecast: null,
    engines: [],
    snapshots: [],
    verdicts: [],
    findings: [],
    accepted: [],
    lastGood: [],
    restores: [],
    debt: {
      contents: debt,
      bytes: last?.debtBytes ?? 0,
      overdue: 0,
      byKind: { failed: 0, overdue: 0, newest: 0, lapsed: 0, never: debt, refresh: 0 },
      oldestDays: null,
      nightsToCatchUp: null,
      contentsBefore: debt,
    },
    selfCheck,
    history: historyOf(runs),
    stats: {
      requests: { list: counts.list, get: counts.get, head: counts.head, put: counts.put, delete: counts.delete },
      bytesRead: counts.bytesRead,
      bytesRestored: 0,
      phases: [{ phase: 'self-check', seconds: selfCheck.seconds }],
    },
    limitsOfProof: ['The self-check failed: this run looked at no snapshot, and nothing in this report is a proof.'],
  }
}
