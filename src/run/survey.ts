/**
 * Looks before anything is spent: pins a generation, judges `catalogue` and `presence`, finds the debt and plans.
 * `plan` ends here; `audit` and `verify` go on.
 */
import type { CheckResult } from '../check/result.ts'
import { SnapproofError } from '../errors.ts'
import type { Ledger, LedgerSession } from '../ledger/port.ts'
import type { ContentRecord, DebtItem, Forecast, Plan } from '../model/plan.ts'
import type { Limits } from '../model/policy.ts'
import { isReadingDue } from '../plan/byteDebt.ts'
import { type DebtInput, findDebt, isOwed, proofState } from '../plan/debt.ts'
import { forecast, measuredRates } from '../plan/forecast.ts'
import { selectPlan } from '../plan/select.ts'
import { type Catalogue, openCatalogue } from '../repository/catalogue.ts'
import { ledgerMemory } from './checkMemory.ts'
import { datedSnapshots } from './dated.ts'
import type { RunDependencies } from './dependencies.ts'
import { sizeGroup } from './group.ts'
import { checkSettled } from './settledCheck.ts'

export interface Survey {
  readonly catalogue: Catalogue
  readonly checked: CheckResult
  readonly contents: readonly ContentRecord[]
  readonly startMs: number
  readonly checkedAtMs: number
  readonly plan: Plan
  readonly forecast: Forecast
}

export interface SurveyOptions {
  /** Snapshot names to restore whatever the ledger says; null: by debt. */
  readonly only: readonly string[] | null
  readonly limits: Limits
  /** Nothing is written to the ledger. */
  readonly readOnly: boolean
}

export async function survey(
  dependencies: Pick<RunDependencies, 'config' | 'clock' | 'log' | 'repository' | 'runId' | 'signal'>,
  ledger: LedgerSession,
  { only, limits, readOnly }: SurveyOptions,
): Promise<Survey> {
  const { config, clock, signal } = dependencies
  const { policy } = config
  const startedMs = clock.monotonicMs()
  const policyStartMs = policy.startMs ?? ledger.firstRunMs() ?? clock.nowMs()
  const isOver = (part: number) => () =>
    limits.durationSeconds !== null && clock.monotonicMs() - startedMs > limits.durationSeconds * 1000 * part
  // A name that is not there is said before anything is read, and before anything is remembered.
  if (only !== null) positionsOf(only, await openCatalogue(dependencies.repository, { signal }))
  const { catalogue, checked } = await checkSettled({
    blobs: dependencies.repository,
    collect: 'all',
    isOver: isOver(1),
    bytes: {
      bytesLeft: limits.restoreBytes,
      // The other half of the time is for restores. Whoever only looks reads no data.
      isOver: readOnly ? () => true : isOver(0.5),
      wants: ({ indexId, contentId, obstacle }) => {
        if (readOnly || only !== null) return false
        const { proof } = ledger.contentHistory(indexId, contentId, null)
        return isReadingDue(obstacle, proof, policy, policyStartMs, clock.nowMs())
      },
    },
    credit: config.policy.credit,
    requests: config.work.requests,
    maxMetadataBytes: config.work.maxMetadataBytes,
    memory: ledgerMemory({
      ledger,
      runId: dependencies.runId,
      readOnly,
      renewAfterDays: config.policy.bytesWithinDays,
      clock,
    }),
    clock,
    log: dependencies.log,
    signal,
  })
  const checkedAtMs = clock.nowMs()
  const startMs = config.policy.startMs ?? ledger.firstRunMs() ?? checkedAtMs
  const contents = remember(checked, catalogue, ledger, config.policy.credit)
  const wanted = only === null ? null : positionsOf(only, catalogue)
  const snapshots = datedSnapshots(catalogue.repositoryData.snapshots, checked)
  const debtInput = { contents, snapshots, policy: config.policy, startMs, nowMs: checkedAtMs }
  const plan = selectPlan({
    debt: wanted === null ? findDebt(debtInput) : everything(debtInput, wanted),
    snapshots,
    snapshotVersions: checked.snapshots.map(snapshot => snapshot.info?.versionId ?? null),
    engines: config.engines,
    limits,
    only: wanted,
  })
  const sizes = []
  for (const group of plan.groups) sizes.push(await sizeGroup(group, catalogue, signal))
  const rates = measuredRates(ledger.recentPasses(200))
  return { catalogue, checked, contents, startMs, checkedAtMs, plan, forecast: forecast(plan, sizes, rates) }
}

/** Contents with what the ledger remembers of them. */
export function remember(
  { contents }: CheckResult,
  { repositoryData }: Catalogue,
  ledger: Ledger,
  credit: 'shared' | 'strict',
): ContentRecord[] {
  return contents.map(content => {
    const own = content.snapshots[0]
    const uuid = credit === 'strict' && own !== undefined ? (repositoryData.snapshots[own]?.uuid ?? '') : null
    return { ...content, ...ledger.contentHistory(content.indexId, content.contentId, uuid) }
  })
}

function positionsOf(names: readonly string[], { repositoryData }: Catalogue): Set<number> {
  const positions = new Set<number>()
  for (const name of names) {
    const position = repositoryData.snapshots.findIndex(snapshot => snapshot.name === name || snapshot.uuid === name)
    if (position === -1) {
      const known = repositoryData.snapshots.slice(-5).map(snapshot => snapshot.name)
      throw new SnapproofError(
        'usage',
        `there is no snapshot ${JSON.stringify(name)} in generation ${repositoryData.identity.generation}`,
        {
          advice: `The newest are: ${known.join(', ') || 'none'}. \`snapproof inspect\` lists them all.`,
        },
      )
    }
    positions.add(position)
  }
  return positions
}

/** For `verify`: all contents of the named snapshots, proven or not. */
function everything(input: DebtInput, wanted: ReadonlySet<number>): DebtItem[] {
  return input.contents
    .filter(content => isOwed(content) && content.snapshots.some(position => wanted.has(position)))
    .map(content => {
      const state = proofState(content, input)
      return { content, kind: state === 'good' ? 'refresh' : state, dueMs: input.nowMs, overdue: false } as const
    })
}
