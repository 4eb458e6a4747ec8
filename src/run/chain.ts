/**
 * Restores the contents of a chain, each over its closed predecessor; most chains hold one content.
 *
 * A link that is not good is tried again in an empty target at once, so that a fault of the target or of the chain accuses nobody;
 * so is one whose predecessor could not be closed, or whose server was replaced.
 */
import type { Engine } from '../engine/port.ts'
import type { BlobReading, Evidence } from '../model/evidence.ts'
import type { Reason } from '../model/verdict.ts'
import type { Source } from '../plan/fit.ts'
import {
  type Attempt,
  type AttemptOptions,
  attemptContent,
  closeTarget,
  dropContent,
  dropTarget,
  type Place,
  targetOf,
} from './attempt.ts'
import type { LoadedContent, LoadedLink } from './group.ts'

/** What a group knows while its chains are restored. */
export interface ChainScene {
  /** Name of the engine in the configuration. */
  readonly engineName: string
  readonly source: Source
  readonly options: AttemptOptions
  /** What servers and we have read of this group until now; grows. */
  readonly readings: BlobReading[]
  readonly readApart: Place['readApart']
  /** Waits until this content may be restored too, and keeps the server from being replaced meanwhile. */
  turn<Value>(content: LoadedContent, work: () => Promise<Value>): Promise<Value>
  /** The running server, or why this content gets none: our own trouble. Throws what ends the work. */
  engine(): Promise<Engine | { readonly reason: Reason; readonly message: string }>
  without(content: LoadedContent, reason: Reason, message: string): Attempt
  /** Does it rest on a bad blob? */
  isCondemned(content: LoadedContent): boolean
  /** A content that failed in an empty target is not final. */
  done(content: LoadedContent, attempt: Attempt): Promise<void>
}

/** A closed target, and what lies in it. */
interface Predecessor {
  readonly engine: Engine
  readonly target: string
  readonly snapshot: string
  readonly link: number
}

export async function restoreChain(chain: readonly LoadedLink[], scene: ChainScene): Promise<void> {
  let before: Predecessor | null = null
  for (const [i, link] of chain.entries()) {
    const following = chain[i + 1]
    const predecessor: Predecessor | null = before
    const { attempt, left }: Outcome = await scene.turn(link.content, () =>
      restoreLink(link, predecessor, following !== undefined && following.keptBytes > 0, scene),
    )
    before = left
    await scene.done(link.content, attempt)
  }
  if (before !== null) await dropTarget(before.engine, before.target, scene.options)
}

interface Outcome {
  readonly attempt: Attempt
  /** Closed, for the link that follows. */
  readonly left: Predecessor | null
}

async function restoreLink(
  { content, keptBytes }: LoadedLink,
  before: Predecessor | null,
  isFollowed: boolean,
  scene: ChainScene,
): Promise<Outcome> {
  const { options } = scene
  const engine = await scene.engine()
  if ('reason' in engine) return { attempt: scene.without(content, engine.reason, engine.message), left: null }
  const isOver = before !== null && before.engine === engine && keptBytes > 0
  if (before !== null && !isOver) await dropTarget(before.engine, before.target, options)
  let target = isOver ? before.target : targetOf(content, 1)
  let link = isOver ? before.link + 1 : 0
  const place: Omit<Place, 'target' | 'over'> = scene
  const over = isOver ? { link, over: before.snapshot, predictedReusedBytes: keptBytes } : null
  let attempt = await attemptContent(engine, content, scene.engineName, 1, { ...place, target, over }, options)
  if (over !== null && attempt.judgement.verdict !== 'pass') {
    await dropTarget(engine, target, options)
    if (!options.signal.aborted && engine.death() === null && !scene.isCondemned(content)) {
      const { indexName } = content.expected
      options.log.info(`${indexName} over ${over.over} was not good; restoring it into an empty target`, {
        message: attempt.judgement.message,
      })
      target = targetOf(content, 1)
      link = 0
      const alone: Place = { ...place, readings: scene.readings, target, over: null }
      attempt = await attemptContent(engine, content, scene.engineName, 1, alone, options)
    }
  }
  const { evidence } = attempt
  if (evidence !== null && attempt.judgement.verdict === 'pass') {
    scene.readings.push(...newReadings(evidence, content))
    sayLostReuse(evidence, content, options)
    if (isFollowed && (await closeTarget(engine, target, options))) {
      return { attempt, left: { engine, target, snapshot: content.expected.snapshot, link } }
    }
  }
  // A failure is repeated first, and kept then.
  const isFinal = attempt.judgement.verdict === 'inconclusive'
  if (!(isFinal && options.keep?.take(engine, attempt))) await dropContent(engine, target, attempt, options)
  return { attempt, left: null }
}

/** What this restore added; the mirror's readings are those of the group, and said again for each content. */
function newReadings({ readings = [] }: Evidence, { expected }: LoadedContent): BlobReading[] {
  return readings.filter(({ by, link }) => by === 'separate' || (by === 'server' && link === expected.snapshot))
}

/** Something merged or refreshed the target: worth a look, because the bytes were counted on. */
function sayLostReuse({ chain }: Evidence, { planned, expected }: LoadedContent, { log }: AttemptOptions): void {
  if (chain === undefined) return
  const lost = chain.predictedReusedBytes - chain.reusedBytes
  if (lost < planned.content.bytes / 10) return
  const { predictedReusedBytes, reusedBytes } = chain
  log.warn(`${expected.indexName} of ${expected.snapshot} kept less of ${chain.over} than was foretold`, {
    predictedReusedBytes,
    reusedBytes,
  })
}
