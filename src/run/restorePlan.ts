/** Restores what is planned, from one mirror: a night on one machine, or what one machine of an array was given. */
import { describeError, SnapproofError } from '../errors.ts'
import type { Finding } from '../model/finding.ts'
import type { Plan } from '../model/plan.ts'
import { isOpen } from '../model/verdict.ts'
import { chainTermsOf } from '../plan/chains.ts'
import type { Catalogue } from '../repository/catalogue.ts'
import type { Attempt } from './attempt.ts'
import { askedByBaselines } from './baselines.ts'
import type { RunDependencies } from './dependencies.ts'
import { EngineHolder } from './engines.ts'
import { rootItems } from './expectation.ts'
import type { KeptRestores } from './keep.ts'
import { askedBy } from './ruledRun.ts'
import { describeTrouble } from './settle.ts'
import { type WorkOptions, type WorkResult, workOff } from './work.ts'

export interface RestorePlanOptions {
  readonly plan: Plan
  readonly catalogue: Catalogue
  readonly engines: EngineHolder
  /** Aborted: nothing new is begun. */
  readonly signal: AbortSignal
  /** Monotonic milliseconds after which no further group is begun; null: no limit. */
  readonly stopAtMs: number | null
  /** Why a group must wait; absent: none must. */
  readonly mayBegin?: NonNullable<WorkOptions['mayBegin']>
  /** Takes what did not pass. */
  readonly keep?: KeptRestores
  /** Resolves when the result is stored. */
  readonly onAttempt: (attempt: Attempt) => Promise<void>
  readonly onCondemned: (indexId: string, contentIds: ReadonlySet<string>, finding: Finding) => Promise<void>
}

export interface Restored {
  readonly attempts: readonly Attempt[]
  readonly work: WorkResult
  /** Why the work could not be done; null: it was. */
  readonly trouble: string | null
}

/** Throws only what nobody foresaw; what was proven is stored then, too. */
export async function restorePlan(dependencies: RunDependencies, options: RestorePlanOptions): Promise<Restored> {
  const { clock, config, log } = dependencies
  const { plan, catalogue, signal } = options
  const attempts: Attempt[] = []
  const ofRules = askedBy(config.rules)
  let work: WorkResult = { findings: [], left: [], bytesFetched: 0, failure: null }
  if (plan.groups.length === 0) return { attempts, work, trouble: null }
  const mirror = dependencies.openMirror(signal)
  try {
    const root = await mirror.fetch(rootItems(catalogue.repositoryDataBlob), signal)
    const bad = root.faults[0]
    if (bad !== undefined)
      return { attempts, work, trouble: `the root of the repository could not be mirrored: ${bad.fault.message}` }
    work = await workOff({
      ...options,
      mirror,
      clock,
      log,
      parallel: config.work.contents,
      source: config.work.source,
      chainsOf: name => chainTermsOf(name, config),
      takenBytes,
      restoreTimeoutSeconds: config.work.restoreTimeoutSeconds,
      questionsFor: (index, fields) => [...ofRules(index), ...askedByBaselines(config.baselines, fields)],
      deep: config.work.deep,
      onAttempt: async attempt => {
        attempts.push(attempt)
        await options.onAttempt(attempt)
      },
    })
    if (work.failure !== null) throw work.failure
  } catch (error) {
    // What was proven is journalled; the report says what stopped the rest.
    if (!(error instanceof SnapproofError) && !signal.aborted) throw error
    return { attempts, work, trouble: signal.aborted ? describeError(signal.reason) : describeTrouble(error) }
  } finally {
    // A server that is looked into may restore from it again.
    if (options.keep === undefined || options.keep.list.length === 0) await mirror.close()
  }
  if (signal.aborted) return { attempts, work, trouble: describeError(signal.reason) }
  const judged = attempts.some(({ judgement }) => !isOpen(judgement))
  const first = attempts[0]
  const trouble =
    !judged && first !== undefined && work.findings.length === 0
      ? `no planned content could be judged: ${first.judgement.message}`
      : null
  return { attempts, work, trouble }
}

/** Of the system, of what is never used, and of an engine; for the size of a disk that would do. Assumed. */
const takenBytes = 12_000_000_000

/** The engines of this machine; stop them whatever happens. */
export function holdEngines(dependencies: RunDependencies, signal: AbortSignal, keep?: KeptRestores): EngineHolder {
  const { config, log } = dependencies
  return new EngineHolder({
    start: (name, abort) => dependencies.startEngine(name, abort),
    mirrorFolder: dependencies.mirrorFolder,
    freshStarts: config.work.freshStarts,
    ...(keep === undefined ? {} : { keep }),
    log,
    signal,
  })
}
