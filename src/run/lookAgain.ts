/**
 * One more look before the lease is given back: a run that a new snapshot has started meets the lease and leaves, so its holder judges what came
 * while it was at work. Once, in the time that is left, `catalogue` and `presence` of everything at the newer generation, and restores of
 * what only new snapshots hold.
 *
 * What the second look could not see as well as the first did is not taken from it: then the first one stands, at its own generation.
 */
import { describeError, SnapproofError } from '../errors.ts'
import type { LedgerSession } from '../ledger/port.ts'
import type { Finding } from '../model/finding.ts'
import type { ContentRecord } from '../model/plan.ts'
import type { Limits } from '../model/policy.ts'
import type { RepositoryData } from '../model/repository.ts'
import type { RestoreRow } from '../model/run.ts'
import { isOpen, type Reason } from '../model/verdict.ts'
import type { AuditOptions } from './audit.ts'
import type { CostMeter } from './costMeter.ts'
import type { RunDependencies } from './dependencies.ts'
import type { PhaseTimer } from './phases.ts'
import type { Restored } from './restorePlan.ts'
import type { Settled } from './settle.ts'
import { type Survey, survey } from './survey.ts'

/** A look, the restores that it led to, and what had become of the repository after them. */
export interface Look {
  readonly survey: Survey
  readonly restores: readonly RestoreRow[]
  readonly restored: Restored
  readonly settled: Settled
}

export interface LookAgainContext {
  readonly dependencies: RunDependencies
  readonly ledger: LedgerSession
  readonly options: AuditOptions
  /** UTC milliseconds of the run's begin. */
  readonly startedMs: number
  readonly meter: CostMeter
  readonly phases: PhaseTimer
  /** Aborted: nothing new is begun. */
  readonly signal: AbortSignal
  readonly restoreFrom: (seen: Survey) => Promise<Look>
}

/** The first look, or both as one, at the generation of the second. */
export async function lookAgain(first: Look, context: LookAgainContext): Promise<Look> {
  const { dependencies, ledger, options, startedMs, meter, phases, signal } = context
  const { clock, log } = dependencies
  const { arrived, finalGeneration } = first.settled
  const undisturbed = first.restored.trouble === null && first.settled.trouble === null && !signal.aborted
  if (options.command !== 'audit' || options.only !== null || !undisturbed || arrived.size === 0) return first
  const found = `${arrived.size} snapshots came while this run was at work (generation ${finalGeneration})`
  const left = limitsLeft(options.limits, first.survey, startedMs, clock.nowMs())
  if (left === null || meter.isOver()) {
    log.info(`${found}; no time is left for them, the next run looks`)
    return first
  }
  log.info(`${found}; looking once more`)
  const old = new Set(first.survey.catalogue.repositoryData.snapshots.map(({ uuid }) => uuid))
  const tried = new Set(first.restored.attempts.map(({ planned }) => keyOf(planned.content)))
  try {
    const newer = await phases.time('look again', () =>
      survey(dependencies, ledger, {
        only: null,
        limits: left.limits,
        readOnly: false,
        plansOnly: true,
        // The bytes that are due were the first look's to read; nothing of them is counted twice.
        meter: { ...meter, affords: () => false },
        mayPlan: (content, repository) =>
          left.restores && !tried.has(keyOf(content)) && isHeldByNew(content, old, repository),
      }),
    )
    if (!seesAsMuch(newer, first.survey)) {
      log.info('the second look saw less than the first, which stands; the next run looks at what is new')
      return first
    }
    const { look } = first.survey.usage
    const second = await context.restoreFrom({ ...newer, usage: { ...newer.usage, look } })
    if (second.restored.trouble !== null) log.warn(`the second look was not restored whole: ${second.restored.trouble}`)
    return joinLooks(first, second, signal)
  } catch (error) {
    // What the first look found is reported all the same.
    if (!(error instanceof SnapproofError) && !signal.aborted) throw error
    log.warn(`the second look came to nothing, and the first stands: ${describeError(error)}`)
    return first
  }
}

function keyOf({ indexId, contentId }: Pick<ContentRecord, 'indexId' | 'contentId'>): string {
  return `${indexId} ${contentId}`
}

function isHeldByNew({ snapshots }: ContentRecord, old: ReadonlySet<string>, repository: RepositoryData): boolean {
  return snapshots.some(position => !old.has(repository.snapshots[position]?.uuid ?? ''))
}

const leastSeconds = 60

/**
 * What is left of the limits; null: too little time for a look as long as the first. `restores`: snapshots and bytes are left, too.
 * Money is metered.
 */
export function limitsLeft(
  limits: Limits,
  { plan, checkedAtMs }: Pick<Survey, 'plan' | 'checkedAtMs'>,
  startedMs: number,
  nowMs: number,
): { readonly limits: Limits; readonly restores: boolean } | null {
  const lookSeconds = Math.max(0, checkedAtMs - startedMs) / 1000
  const seconds = limits.durationSeconds === null ? null : limits.durationSeconds - (nowMs - startedMs) / 1000
  if (seconds !== null && seconds < leastSeconds + 2 * lookSeconds) return null
  const snapshots = limits.snapshots === null ? null : limits.snapshots - plan.snapshots.length
  const restoreBytes = limits.restoreBytes === null ? null : limits.restoreBytes - plan.restoreBytes
  const atLeastOne = (value: number | null) => (value === null ? null : Math.max(1, value))
  return {
    limits: {
      ...limits,
      durationSeconds: seconds,
      snapshots: atLeastOne(snapshots),
      restoreBytes: atLeastOne(restoreBytes),
    },
    restores: (snapshots ?? 1) > 0 && (restoreBytes ?? 1) > 0,
  }
}

/** Reasons that are ours and the moment's, and say nothing of the repository. */
const ours: ReadonlySet<Reason> = new Set([
  'limit-reached',
  'not-read',
  'repository-moved',
  'store-unavailable',
  'interrupted',
  'unstable-read',
])

/** No snapshot is left open now for a reason of ours, unless it was so before; bytes of new ones may wait. */
export function seesAsMuch(newer: Survey, first: Survey): boolean {
  const uuidOf = ({ catalogue }: Survey, position: number) =>
    catalogue.repositoryData.snapshots[position]?.uuid ?? `position ${position}`
  const before = new Map(first.checked.snapshots.map(one => [uuidOf(first, one.snapshot), one]))
  return newer.checked.snapshots.every(one => {
    const known = before.get(uuidOf(newer, one.snapshot))
    return (['catalogue', 'presence', 'byteProof'] as const).every(level => {
      const mark = one[level]
      if (mark === undefined || !ours.has(mark.reason)) return true
      if (known === undefined) return level === 'byteProof'
      const old = known[level]
      return old === undefined ? level === 'byteProof' : ours.has(old.reason)
    })
  })
}

/** Pure. Positions are those of the second look. */
export function joinLooks(first: Look, second: Look, signal: { readonly aborted: boolean }): Look {
  const { repositoryData } = second.survey.catalogue
  const judged = first.restored.attempts.some(({ judgement }) => !isOpen(judgement))
  const later = second.restored.trouble
  return {
    survey: joinSurveys(first.survey, second.survey),
    restores: [...first.restores, ...second.restores],
    restored: {
      attempts: [...first.restored.attempts, ...second.restored.attempts],
      work: {
        findings: joinFindings(first, second, new Set(repositoryData.snapshots.map(({ uuid }) => uuid))),
        left: [...first.restored.work.left, ...second.restored.work.left],
        bytesFetched: first.restored.work.bytesFetched + second.restored.work.bytesFetched,
        failure: second.restored.work.failure,
      },
      // A run that has done its work is not undone by what came on top: that is debt. One that was stopped is.
      trouble: signal.aborted || !judged ? later : null,
    },
    settled: second.settled,
  }
}

/** With the proofs and the forecast that the run began with, so that it is told what this run did. */
function joinSurveys(first: Survey, second: Survey): Survey {
  const { snapshots } = second.catalogue.repositoryData
  const before = new Map(first.contents.map(content => [keyOf(content), content]))
  const chosen = new Set(first.plan.snapshots.map(position => first.catalogue.repositoryData.snapshots[position]?.uuid))
  const again = [...snapshots.keys()].filter(position => chosen.has(snapshots[position]?.uuid))
  return {
    ...second,
    contents: second.contents.map(content => {
      const { proof, lastInconclusive } = before.get(keyOf(content)) ?? content
      return { ...content, proof, lastInconclusive }
    }),
    plan: {
      ...second.plan,
      snapshots: [...new Set([...again, ...second.plan.snapshots])],
      left: [...first.plan.left, ...second.plan.left],
      restoreBytes: first.plan.restoreBytes + second.plan.restoreBytes,
    },
    forecast: first.forecast,
    draw: first.draw,
  }
}

/**
 * What the work found, and the errors that the first look found and the second does not repeat, as far as their snapshots are still there: it
 * may be that nobody read those bytes again, and what was found in this run is told by this run.
 */
function joinFindings(first: Look, second: Look, present: ReadonlySet<string>): Finding[] {
  const known = new Set(second.survey.checked.findings.map(({ id }) => id))
  const carried = first.survey.checked.findings.filter(
    ({ id, severity, snapshots }) => severity === 'error' && !known.has(id) && snapshots.length > 0,
  )
  const found = new Map<string, Finding>()
  for (const finding of [...carried, ...first.restored.work.findings, ...second.restored.work.findings]) {
    const both = new Set([...(found.get(finding.id)?.snapshots ?? []), ...finding.snapshots])
    const snapshots = [...both].filter(uuid => present.has(uuid))
    if (snapshots.length > 0 || finding.snapshots.length === 0) found.set(finding.id, { ...finding, snapshots })
  }
  return [...found.values()]
}
