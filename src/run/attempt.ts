/** One attempt at one content: restore, wait, ask, judge, drop. */
import type { Engine } from '../engine/port.ts'
import { gatherEvidence } from '../evidence/gather.ts'
import type { Log } from '../log.ts'
import type { Evidence, Expectation } from '../model/evidence.ts'
import type { PlannedContent } from '../model/plan.ts'
import { ownTrouble, restoreContent } from '../restore/restoreContent.ts'
import { type Judgement, judge } from '../rules/judge.ts'
import type { Clock } from '../time.ts'
import { mirrorRepository } from './engines.ts'
import type { LoadedContent } from './group.ts'

export interface Attempt {
  readonly planned: PlannedContent
  /** Name of the engine in the configuration. */
  readonly engine: string
  /** 1, or 2 for a repeat in a fresh server; 0 when nothing was restored. */
  readonly number: number
  readonly atMs: number
  /** Uuids of all snapshots that hold the content. */
  readonly sharedWith: readonly string[]
  readonly judgement: Judgement
  readonly expected: Expectation | null
  readonly evidence: Evidence | null
  readonly seconds: { readonly mirror: number; readonly restore: number; readonly questions: number }
}

export interface AttemptOptions {
  readonly restoreTimeoutSeconds: number
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/** A restore that is slower than this is over its deadline; the configured seconds come on top. */
const slowestBytesPerSecond = 5_000_000
const standstillMs = 60_000
const questionsTimeoutMs = 60_000
const dropTimeoutMs = 30_000

export async function attemptContent(
  engine: Engine,
  content: LoadedContent,
  engineName: string,
  number: number,
  { restoreTimeoutSeconds, clock, log, signal }: AttemptOptions,
): Promise<Attempt> {
  const { planned, expected } = content
  // Our own name: no name of the repository reaches the restored index.
  const target = `snapproof-${expected.contentId.slice(0, 16)}-${planned.snapshot}-${number}`
  const timeoutMs = (restoreTimeoutSeconds + planned.content.bytes / slowestBytesPerSecond) * 1000
  const repository = mirrorRepository
  const options = { repository, target, timeoutMs, standstillMs, clock, signal }
  const restored = await restoreContent(engine, expected, options)
  const questions = { attempt: number, timeoutMs: questionsTimeoutMs, clock, signal }
  const evidence = await gatherEvidence(engine, expected, restored, questions)
  const judgement = judge(expected, evidence)
  try {
    if (engine.death() === null) await engine.deleteIndex(target, AbortSignal.timeout(dropTimeoutMs))
  } catch (error) {
    const { message } = ownTrouble(engine, error, signal)
    log.warn(`${target} could not be dropped from the throwaway server`, { message })
  }
  return {
    planned,
    engine: engineName,
    number,
    atMs: clock.nowMs(),
    sharedWith: content.sharedWith,
    judgement,
    expected,
    evidence,
    seconds: {
      mirror: content.mirrorSeconds,
      restore: evidence.seconds.restore,
      questions: evidence.seconds.questions,
    },
  }
}

/** One evidence file per content and snapshot; a repeat overwrites the first attempt. */
export function evidenceName({ planned }: Attempt): string {
  return `evidence/${planned.content.contentId}-${planned.snapshot}.json`
}
