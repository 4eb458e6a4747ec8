/**
 * Looks before anything is spent: pins a generation, judges `catalogue` and `presence`, finds the debt and plans.
 * `plan` ends here; `audit` and `verify` go on.
 */
import { check } from '../check/check.ts'
import { makeFinding } from '../check/findings.ts'
import type { CheckResult } from '../check/result.ts'
import { SnapproofError } from '../errors.ts'
import type { Ledger } from '../ledger/port.ts'
import type { ContentRecord, DebtItem, Forecast, Plan } from '../model/plan.ts'
import type { Limits } from '../model/policy.ts'
import { type DebtInput, findDebt, proofState } from '../plan/debt.ts'
import { forecast, measuredRates } from '../plan/forecast.ts'
import { selectPlan } from '../plan/select.ts'
import { type Catalogue, openCatalogue } from '../repository/catalogue.ts'
import { currentGeneration } from '../repository/generation.ts'
import type { RunDependencies } from './dependencies.ts'
import { sizeGroup } from './group.ts'

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
}

/** How often a repository that moves under us is read again before what is left stays open. */
const rounds = 3

export async function survey(
  dependencies: RunDependencies,
  ledger: Ledger,
  { only, limits }: SurveyOptions,
): Promise<Survey> {
  const { config, clock, signal } = dependencies
  const { catalogue, checked } = await checkSettled(dependencies)
  const checkedAtMs = clock.nowMs()
  const startMs = config.policy.startMs ?? ledger.firstRunMs() ?? checkedAtMs
  const contents = remember(checked, catalogue, ledger, config.policy.credit)
  const wanted = only === null ? null : positionsOf(only, catalogue)
  const { snapshots } = catalogue.repositoryData
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

/**
 * A check is conclusive when the generation is the same before and after it, or when it found nothing. Otherwise the
 * newer generation is checked as a whole: whatever was superseded or deleted meanwhile drops out by itself.
 */
async function checkSettled(dependencies: RunDependencies): Promise<{ catalogue: Catalogue; checked: CheckResult }> {
  const { config, repository, clock, log, signal } = dependencies
  for (let round = 1; ; round++) {
    const catalogue = await openCatalogue(repository, {
      concurrency: config.work.requests,
      maxMetadataBytes: config.work.maxMetadataBytes,
      signal,
    })
    const { generation } = catalogue.repositoryData.identity
    const checked = await check({
      catalogue,
      blobs: repository,
      credit: config.policy.credit,
      requests: config.work.requests,
      nowMs: clock.nowMs(),
      log,
      signal,
    })
    if (checked.findings.every(finding => finding.severity === 'information')) return { catalogue, checked }
    const now = await currentGeneration(repository, signal)
    if (now === generation) return { catalogue, checked }
    log.info(`the repository moved from generation ${generation} to ${now} while it was read; reading it again`)
    if (round === rounds) return { catalogue, checked: unsettled(checked) }
  }
}

/** Writers that never pause: what was found may be theirs, so nobody is accused. */
function unsettled(checked: CheckResult): CheckResult {
  const moved = { verdict: 'inconclusive', reason: 'repository-moved' } as const
  const calm = <
    Marks extends {
      catalogue: CheckResult['snapshots'][number]['catalogue']
      presence: CheckResult['snapshots'][number]['presence']
    },
  >(
    marks: Marks,
  ): Marks => ({
    ...marks,
    catalogue: marks.catalogue.verdict === 'fail' ? moved : marks.catalogue,
    presence: marks.presence.verdict === 'fail' ? moved : marks.presence,
  })
  return {
    ...checked,
    findings: checked.findings.map(finding =>
      finding.severity === 'error'
        ? makeFinding({
            ...finding,
            severity: 'information',
            message: `${finding.message} (the repository was being written)`,
          })
        : finding,
    ),
    snapshots: checked.snapshots.map(snapshot => ({ ...calm(snapshot), copies: snapshot.copies.map(calm) })),
  }
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
    .filter(content => content.obstacle === null && content.snapshots.some(position => wanted.has(position)))
    .map(content => {
      const state = proofState(content, input)
      return { content, kind: state === 'good' ? 'refresh' : state, dueMs: input.nowMs, overdue: false } as const
    })
}
