/** Starts a throwaway server of any kind and waits until it answers. */
import { isSnapproofError } from '../errors.ts'
import { findInstallation, startChildProcess } from './childProcess.ts'
import { startContainer } from './container.ts'
import { openEndpoint } from './endpoint.ts'
import type { EngineOptions, StartedEngine } from './options.ts'
import { plainEnvironment } from './ownerCommand.ts'
import type { Engine } from './port.ts'

export type { EngineOptions, StartedEngine } from './options.ts'

const attempts = 3

/**
 * Throws `no-jdk`, `no-maven`, `no-distribution`, `no-container-engine`, `no-image`, `endpoint-refused`; `engine-start` with the
 * server's own words when it ends or does not answer in time; `port-taken` after three attempts; the signal's reason when
 * aborted. Nothing is left behind by a failed start.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  return (await startWithClient(options)).engine
}

/** As `startEngine`, with the raw client. */
export async function startWithClient(options: EngineOptions): Promise<StartedEngine> {
  if (options.kind === 'endpoint') return withEnvironment(await openEndpoint(options), options)
  const start =
    options.kind === 'container'
      ? () => startContainer(options)
      : await findInstallation(options).then(installation => () => startChildProcess(installation, options))
  for (let attempt = 1; ; attempt++) {
    try {
      return withEnvironment(await start(), options)
    } catch (error) {
      if (!isSnapproofError(error, 'port-taken') || attempt === attempts) throw error
      options.log.warn(error.message, { attempt })
    }
  }
}

/** Commands of the owner's find their programs as ours are found. */
function withEnvironment(started: StartedEngine, { environment }: EngineOptions): StartedEngine {
  const { engine } = started
  const plain = plainEnvironment(environment)
  return {
    ...started,
    engine: {
      ...engine,
      runCommand: command => engine.runCommand({ ...command, environment: { ...plain, ...command.environment } }),
    },
  }
}
