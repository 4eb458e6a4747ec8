/**
 * `verify --keep`: a restore that did not pass stays in its server, so that a person can look inside. What is kept outlives the run
 * until a deadline, Ctrl-C or the end of this process, whichever comes first.
 */
import type { Engine } from '../engine/port.ts'
import type { Clock } from '../time.ts'
import type { Attempt } from './attempt.ts'

/** Each takes disk, and the first are the ones that somebody looks at. */
const mostKept = 4

export interface Kept {
  readonly engine: Engine
  readonly attempt: Attempt
}

export class KeptRestores {
  readonly #kept: Kept[] = []

  get list(): readonly Kept[] {
    return this.#kept
  }

  /** True: the restored index is to be left where it is, and so is its server. Only what was restored, is final and did not pass. */
  take(engine: Engine, attempt: Attempt): boolean {
    const { evidence, judgement, expected } = attempt
    // The next restore of the feature would take its place.
    if (expected?.feature !== undefined) return false
    if (judgement.verdict === 'pass' || evidence === null || engine.death() !== null) return false
    if (this.#kept.length >= mostKept) return false
    this.#kept.push({ engine, attempt })
    return true
  }

  /** Is something kept in this server? */
  holds(engine: Engine): boolean {
    return this.#kept.some(kept => kept.engine === engine)
  }

  /** Is something of this index kept? Its blobs stay in the mirror, so that it can be restored again by hand. */
  holdsIndex(indexId: string): boolean {
    return this.#kept.some(({ attempt }) => attempt.planned.content.indexId === indexId)
  }

  /** Until the deadline, the signal, or the end of the last server. Resolves with why. */
  async wait(milliseconds: number, clock: Clock, signal: AbortSignal): Promise<'deadline' | 'interrupted' | 'died'> {
    const over = new AbortController()
    const servers = [...new Set(this.#kept.map(({ engine }) => engine))]
    const ends = servers.map(engine => engine.died.catch(() => {}))
    const result = await Promise.race([
      clock.sleep(milliseconds, AbortSignal.any([signal, over.signal])).then(
        () => 'deadline' as const,
        () => 'interrupted' as const,
      ),
      Promise.all(ends).then(() => 'died' as const),
    ])
    over.abort()
    return result
  }

  /** Stops the servers. Never rejects. */
  async close(): Promise<void> {
    for (const engine of new Set(this.#kept.map(({ engine }) => engine))) await engine.stop()
    this.#kept.length = 0
  }
}

/** What a person needs to look inside, line by line. Pure. */
export function keepInstructions(kept: readonly Kept[], endsAt: string): string[] {
  const lines = kept.flatMap(({ engine, attempt }) => {
    const { evidence, judgement, planned } = attempt
    const { product, version } = engine.facts
    const url = engine.url ?? '(its address is not known)'
    const target = evidence?.target ?? ''
    const restored = evidence?.refusal === null
    return [
      `kept: ${planned.content.indexName} of ${evidence?.snapshot ?? '?'} in ${product} ${version} at ${url}: ${judgement.message}`,
      ...(restored
        ? [
            `  index ${target}`,
            `  curl '${url}/_cat/shards/${target}?v&h=index,shard,prirep,state,docs,unassigned.reason,unassigned.details'`,
            `  curl '${url}/_cat/recovery/${target}?v'`,
            `  curl '${url}/${target}/_stats?level=shards&pretty'`,
            `  curl '${url}/${target}/_search?size=1&pretty'`,
          ]
        : [
            '  the server refused the restore, so there is no index; the repository is still registered',
            `  curl '${url}/_snapshot?pretty'`,
          ]),
    ]
  })
  return [
    ...lines,
    `kept until ${endsAt}; ends before with Ctrl-C, or when this process ends. Nothing of it stays then.`,
  ]
}
