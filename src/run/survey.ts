/**
 * Looks before anything is spent: pins a generation, judges `catalogue` and `presence`, finds the debt and plans.
 * `plan` ends here; `audit` and `verify` go on.
 */
import type { DueFile } from '../check/fileProof.ts'
import type { CheckResult } from '../check/result.ts'
import { SnapproofError } from '../errors.ts'
import type { Ledger, LedgerSession } from '../ledger/port.ts'
import { allReads, type CostTerms, type Usage } from '../model/cost.ts'
import type { ContentRecord, DebtItem, Forecast, Plan } from '../model/plan.ts'
import type { Limits } from '../model/policy.ts'
import type { RepositoryData } from '../model/repository.ts'
import type { Draw } from '../model/sample.ts'
import { isReadingDue } from '../plan/byteDebt.ts'
import { chainTermsOf } from '../plan/chains.ts'
import { offersOf } from '../plan/compatibility.ts'
import { nothingUsed, termsOf, usageSince } from '../plan/cost.ts'
import { type DebtInput, findDebt, isOwed, proofState } from '../plan/debt.ts'
import { forecast, type GroupSize, measuredRates, type Rates } from '../plan/forecast.ts'
import { forecastNight, usageOfGroup, usageOfOpening } from '../plan/nightForecast.ts'
import { selectPlan } from '../plan/select.ts'
import { type Catalogue, openCatalogue } from '../repository/catalogue.ts'
import { ledgerMemory } from './checkMemory.ts'
import { type CostMeter, costMeter, writesToOf } from './costMeter.ts'
import { datedSnapshots } from './dated.ts'
import type { RunDependencies } from './dependencies.ts'
import { drawContents, drawOf } from './draw.ts'
import { failingNow } from './failingRows.ts'
import { sizeGroup } from './group.ts'
import { newMeasures } from './measures.ts'
import { unaskedContents } from './ruledRun.ts'
import { checkSettled } from './settledCheck.ts'

export interface Survey {
  readonly catalogue: Catalogue
  readonly checked: CheckResult
  readonly contents: readonly ContentRecord[]
  /** Null: nothing was to be drawn. */
  readonly draw: Draw | null
  readonly startMs: number
  readonly checkedAtMs: number
  readonly plan: Plan
  readonly forecast: Forecast
  /** Of `forecast`: what the look used, and each group of the plan, in its order. */
  readonly usage: { readonly look: Usage; readonly groups: readonly Usage[] }
  readonly costs: CostTerms
  /** Of each group of the plan, in its order, and the rates of the forecast. */
  readonly sizes: readonly GroupSize[]
  readonly rates: Rates
}

export interface SurveyOptions {
  /** Snapshot names to restore whatever the ledger says; null: by debt. */
  readonly only: readonly string[] | null
  readonly limits: Limits
  /** Nothing is written to the ledger. */
  readonly readOnly: boolean
  /** Looks and plans for others: remembers what it saw, and reads no data. */
  readonly plansOnly?: boolean
  /** Debt that this look may plan; absent: all. What it may not is neither planned nor left. */
  readonly mayPlan?: (content: ContentRecord, repository: RepositoryData) => boolean
  /** Of the run, from its beginning; absent: the run begins here. */
  readonly meter?: CostMeter
}

/** What is bad is told even while the run is being stopped. */
const journalTimeoutMs = 120_000

export async function survey(
  dependencies: Pick<RunDependencies, 'config' | 'clock' | 'log' | 'repository' | 'runId' | 'signal' | 'counts'>,
  ledger: LedgerSession,
  options: SurveyOptions,
): Promise<Survey> {
  const { only, limits, readOnly } = options
  const readsNoData = readOnly || options.plansOnly === true
  const { config, clock, signal } = dependencies
  const { policy } = config
  const startedMs = clock.monotonicMs()
  const policyStartMs = policy.startMs ?? ledger.firstRunMs() ?? clock.nowMs()
  const isOver = (part: number) => () =>
    limits.durationSeconds !== null && clock.monotonicMs() - startedMs > limits.durationSeconds * 1000 * part
  const meter = options.meter ?? costMeter({ ...dependencies, limitUsd: limits.costUsd })
  const rates = measuredRates(ledger.recentPasses(200))
  // A name that is not there is said before anything is read, and before anything is remembered.
  if (only !== null) positionsOf(only, await openCatalogue(dependencies.repository, { signal }))
  const measures = newMeasures({ ledger, runId: dependencies.runId, nowMs: clock.nowMs() })
  const { catalogue, checked } = await checkSettled({
    blobs: dependencies.repository,
    collect: 'all',
    // Who only plans is shown what the limit would leave.
    isOver: () => isOver(1)() || (!readOnly && meter.isOver()),
    bytes: {
      bytesLeft: limits.restoreBytes,
      // The other half of the time is for restores.
      isOver: isOver(0.5),
      // Whoever only looks reads no data, and says what would be read.
      affords: readsNoData ? file => leaveAndCount(file, meter, limits, rates) : file => meter.affords(file),
      wants: ({ indexId, contentId, obstacle }) => {
        if (only !== null) return false
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
    prices: config.costs.prices,
    measurer: measures,
    clock,
    log: dependencies.log,
    signal,
  })
  if (!readOnly && meter.isOver())
    dependencies.log.warn('limits.costUsd was reached while looking: what was not seen stays open', {
      limitUsd: limits.costUsd,
    })
  const checkedAtMs = clock.nowMs()
  const startMs = config.policy.startMs ?? ledger.firstRunMs() ?? checkedAtMs
  const contents = remember(checked, catalogue, ledger, config.policy.credit)
  const { runId } = dependencies
  const failing = failingNow({ repository: catalogue.repositoryData, checked, contents, policy, runId, checkedAtMs })
  if (!readOnly && failing.length > 0) await ledger.journal(runId, failing, AbortSignal.timeout(journalTimeoutMs))
  const wanted = only === null ? null : positionsOf(only, catalogue)
  const snapshots = datedSnapshots(catalogue.repositoryData.snapshots, checked)
  const measured = measures.rows()
  if (!readOnly && measured.length > 0) await ledger.journal(runId, measured, AbortSignal.timeout(journalTimeoutMs))
  const unasked = unaskedContents(contents, snapshots, config.rules, config.policy, ledger, checkedAtMs)
  const debtInput = { contents, snapshots, policy: config.policy, startMs, nowMs: checkedAtMs, unasked }
  const mayPlan = ({ content }: DebtItem) => options.mayPlan?.(content, catalogue.repositoryData) ?? true
  const snapshotVersions = checked.snapshots.map(snapshot => snapshot.info?.versionId ?? null)
  const engines = offersOf(config.engines)
  const { identity } = catalogue.repositoryData
  // A second look goes on with the draw of the first.
  const drawsAnew = wanted === null && options.mayPlan === undefined
  const drawInput = { contents, policy: policy.sample ?? null, snapshotVersions, engines, identity, nowMs: checkedAtMs }
  const drawn = drawsAnew ? drawContents(drawInput) : null
  const plan = selectPlan({
    ...(drawn === null ? {} : { sample: drawn.order }),
    debt: wanted === null ? findDebt(debtInput).filter(mayPlan) : everything(debtInput, wanted),
    snapshots,
    snapshotVersions,
    engines,
    limits,
    only: wanted,
  })
  const writesTo = writesToOf(config)
  const sizes: GroupSize[] = []
  const { source } = config.work
  const groups: Usage[] = []
  for (const group of plan.groups) {
    const before = meter.used()
    const size = await sizeGroup(group, catalogue, { source, chains: chainTermsOf(group.engine, config) }, signal)
    // The work reads the metadata again, as it was read just now.
    const metadata = usageSince(before, meter.used())
    const mix = checked.classes.get(group.indexId) ?? null
    sizes.push(size)
    groups.push(usageOfGroup(group, size, { rates, writesTo, mix, metadata }))
  }
  // A plan has read nothing of what is due; a run has, and its counters and its time hold it already.
  const due = { ...nothingUsed, reads: meter.afforded() }
  const look = readsNoData ? meter.used() : usageSince(due, meter.used())
  const night = forecastNight({
    look,
    opening: readOnly ? usageOfOpening(writesTo) : null,
    rootBytes: catalogue.repositoryDataBlob.bytes,
    bytes: readsNoData ? { ...due, seconds: allReads(due).bytes / rates.bytesPerSecond } : due,
    groups: groups.map((usage, i) => ({ contents: plan.groups[i]?.contents.length ?? 0, usage })),
    rates,
    writesTo,
    costs: config.costs,
    limitUsd: limits.costUsd,
  })
  return {
    catalogue,
    checked,
    contents,
    draw: drawn === null ? null : drawOf(drawn, plan, snapshots),
    startMs,
    checkedAtMs,
    plan,
    forecast: { ...forecast(plan, sizes, rates), night },
    usage: { look, groups },
    costs: termsOf(config.costs),
    sizes,
    rates,
  }
}

/** Adds up what would be read and reads nothing; what the limits leave for another night is not counted. */
function leaveAndCount(file: DueFile, meter: CostMeter, limits: Limits, rates: Rates): false {
  const bytes = allReads({ ...nothingUsed, reads: meter.afforded() }).bytes + file.bytes
  const { restoreBytes, durationSeconds } = limits
  const tooMuch = restoreBytes !== null && bytes > restoreBytes
  const tooLong = durationSeconds !== null && bytes / rates.bytesPerSecond > durationSeconds / 2
  if (!tooMuch && !tooLong) meter.affords(file)
  return false
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
