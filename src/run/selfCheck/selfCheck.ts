/**
 * The auditor audits itself, first: a built-in repository is damaged in every way that it claims to see, and evidence of real restores is
 * bent, before the very functions that a night calls. Healthy ground must pass as well: an auditor that calls everything bad is blind too.
 *
 * In memory, without engine, network and configuration: nothing can switch it off. What it misses, and what breaks in it, is a miss.
 */
import { setImmediate } from 'node:timers/promises'
import { describeError, SnapproofError } from '../../errors.ts'
import type { SelfCheck } from '../../model/run.ts'
import { type Clock, withDeadline } from '../../time.ts'
import { baselines } from './baselines.ts'
import { bent } from './bent.ts'
import { fetched } from './fetched.ts'
import { type Ground, openGround } from './ground.ts'
import { ownerRules } from './ownerRules.ts'
import type { Planted } from './planted.ts'
import { repositoryDamage } from './repositoryDamage.ts'
import { restorables } from './restorable.ts'
import { told } from './told.ts'
import { verdicts } from './verdicts.ts'

/** Far beyond what it takes: a program that loops is blind. */
const timeoutMs = 120_000

/** @throws the signal's reason; nothing else */
export async function selfCheck(clock: Clock, signal: AbortSignal): Promise<SelfCheck> {
  const startMs = clock.monotonicMs()
  const missed: SelfCheck['missed'][number][] = []
  let planted = 0
  const bounded = withDeadline(signal, timeoutMs, 'the self-check')
  try {
    const ground = await openGround(clock, bounded)
    for (const one of await everythingPlanted(ground)) {
      planted++
      const wrong = await ask(one, bounded)
      if (wrong.length > 0) missed.push({ what: one.what, code: one.code, why: wrong.join('; ') })
    }
    if (planted === 0) missed.push({ what: 'the self-check', code: null, why: 'nothing was planted' })
  } catch (error) {
    signal.throwIfAborted()
    missed.push({ what: 'the self-check', code: null, why: `it broke: ${describeError(error)}` })
  }
  const seconds = (clock.monotonicMs() - startMs) / 1000
  const found = planted - missed.filter(({ what }) => what !== 'the self-check').length
  return { planted, found, seconds, missed }
}

/** In the order in which a person would look for the fault. */
export async function everythingPlanted(ground: Ground): Promise<Planted[]> {
  const contents = await restorables(ground)
  return [
    ...(await repositoryDamage(ground)),
    ...fetched(ground, contents),
    ...bent(ground, contents),
    ...verdicts(ground, contents),
    ...baselines(),
    ...ownerRules(),
    ...told(ground),
  ]
}

async function ask(planted: Planted, signal: AbortSignal): Promise<readonly string[]> {
  // A store in memory never waits, and signals are let go of between turns of the loop only.
  await setImmediate()
  signal.throwIfAborted()
  try {
    return await planted.ask()
  } catch (error) {
    signal.throwIfAborted()
    return [`it broke: ${describeError(error)}`]
  }
}

export function isBlind({ missed }: SelfCheck): boolean {
  return missed.length > 0
}

/** One sentence. */
export function describeBlindness({ missed, planted, found }: SelfCheck): string {
  const [first] = missed
  const more = missed.length > 1 ? ` (and ${missed.length - 1} more)` : ''
  return `the auditor is blind: of ${planted} planted things ${planted - found} were not judged as they must be; ${first?.what}: ${first?.why}${more}`
}

const advice =
  'Nothing that this installation says of a snapshot counts. Install Snapproof again, on another machine if it stays blind, and report the message.'

/** @throws SnapproofError `auditor-blind` */
export function mustSee(seen: SelfCheck): void {
  if (isBlind(seen)) throw new SnapproofError('auditor-blind', describeBlindness(seen), { advice })
}
