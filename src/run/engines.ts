/**
 * The one engine that runs at a time: started when first needed, replaced when it died or a fresh process is wanted,
 * always with the mirror registered. Fresh starts are counted against a limit, so that a broken machine ends the work
 * and not the night.
 */
import pLimit from 'p-limit'
import type { Engine, EngineFacts } from '../engine/port.ts'
import { SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Source } from '../plan/fit.ts'
import type { KeptRestores } from './keep.ts'

/** Name of the read-only repository in every engine: the mirror, or the store itself. */
export function repositoryOf(source: Source): string {
  return source === 'mirror' ? 'snapproof' : 'snapproof-store'
}

export interface EngineHolderOptions {
  /** Starts the configured engine of that name; its `path.repo` holds `mirrorFolder`. */
  readonly start: (name: string, signal: AbortSignal) => Promise<Engine>
  readonly mirrorFolder: string
  readonly freshStarts: number
  /** Holds servers that somebody wants to look into: they are left running. */
  readonly keep?: KeptRestores
  readonly log: Log
  readonly signal: AbortSignal
}

export class EngineHolder {
  /** Facts of every engine that ran, once each. */
  readonly used = new Map<string, EngineFacts>()
  readonly #options: EngineHolderOptions
  #name: string | null = null
  #starting: Promise<Engine> | null = null
  #freshStarts = 0
  /** Could not be started: the same start is not tried for every content. */
  readonly #failed = new Map<string, unknown>()
  /** One at a time decides about the process. */
  readonly #turn = pLimit(1)

  constructor(options: EngineHolderOptions) {
    this.#options = options
  }

  /** Begins to start an engine; errors come from `get`. */
  warm(name: string): void {
    if (this.#starting !== null) return
    this.#name = name
    this.#starting = this.#start(name)
    this.#starting.catch(() => {}) // `get` awaits the same promise and throws it
  }

  /** The running engine of that name; one that died is replaced while fresh starts are left. */
  get(name: string): Promise<Engine> {
    return this.#turn(async () => {
      if (this.#name !== name) await this.stop()
      const engine = await this.#running(name)
      return engine.death() === null ? engine : await this.#replace(name)
    })
  }

  /** A new process, nothing kept. Error `engine-died` when no fresh start is left, or when the process is not ours. */
  fresh(name: string): Promise<Engine> {
    return this.#turn(async () => {
      if (this.used.get(name)?.kind === 'endpoint') {
        throw new SnapproofError('engine-died', `engine ${name} is run by somebody else and cannot be started afresh`, {
          advice:
            'Restore it once with an engine of another kind: `snapproof verify SNAPSHOT` with that one configured.',
        })
      }
      return this.#replace(name)
    })
  }

  async #replace(name: string): Promise<Engine> {
    if (this.#freshStarts >= this.#options.freshStarts) {
      throw new SnapproofError('engine-died', `no fresh start of engine ${name} is left after ${this.#freshStarts}`, {
        advice: 'Raise work.freshStarts, or look at the log of the engine in the report.',
      })
    }
    this.#freshStarts++
    this.#options.log.info(`starting a fresh ${name} (${this.#freshStarts} of ${this.#options.freshStarts})`)
    await this.stop()
    return this.#running(name)
  }

  async #running(name: string): Promise<Engine> {
    if (this.#failed.has(name)) throw this.#failed.get(name)
    this.warm(name)
    const starting = this.#starting
    const engine = await starting?.catch((error: unknown) => {
      if (!this.#options.signal.aborted) this.#failed.set(name, error)
      throw error
    })
    if (engine == null) throw new SnapproofError('internal', `engine ${name} was not started`)
    return engine
  }

  async stop(): Promise<void> {
    const starting = this.#starting
    this.#starting = null
    this.#name = null
    const engine = await starting?.catch(() => null) // a start that failed has nothing to stop
    if (engine && this.#options.keep?.holds(engine)) return
    await engine?.stop()
  }

  async #start(name: string): Promise<Engine> {
    const engine = await this.#options.start(name, this.#options.signal)
    try {
      await engine.registerRepository(repositoryOf('mirror'), this.#options.mirrorFolder, this.#options.signal)
      await engine.registerStore?.(repositoryOf('s3'), this.#options.signal)
    } catch (error) {
      await engine.stop()
      throw error
    }
    this.used.set(name, engine.facts)
    return engine
  }
}
