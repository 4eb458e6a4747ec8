/**
 * Starts a throwaway server and waits until it answers.
 *
 * Everything it writes lies in one new folder below `workFolder`, removed by `stop`.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Client } from '@elastic/elasticsearch'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type Clock, withDeadline } from '../time.ts'
import { nodeVersion } from './answers.ts'
import { ask, connect, isObject } from './client.ts'
import { distributionInstallation } from './distribution.ts'
import type { Environment } from './jdk.ts'
import type { Installation, Product, RunFolders } from './launch.ts'
import { mavenInstallation } from './maven.ts'
import type { Engine } from './port.ts'
import { type ServerProcess, startProcess } from './process.ts'
import { lastWords, serverEngine } from './server.ts'
import { nodeSettings } from './settings.ts'

export interface EngineOptions {
  /** Key in the configuration; for facts and messages. */
  readonly name: string
  readonly kind: 'maven' | 'distribution'
  /** Default `elasticsearch`; a distribution says itself what it is. */
  readonly product?: Product
  /** Exact, such as `9.5.3`; a server of another version is refused. */
  readonly version: string
  /** Kind `distribution`: the folder that holds `bin/`. */
  readonly home?: string
  /** Kind `maven`: where installations are kept between runs. */
  readonly cacheFolder?: string
  /** A new folder below it holds all that the server writes. */
  readonly workFolder: string
  /** What the server may read repositories from. @default a folder of its own, removed with it */
  readonly repositoryFolder?: string
  readonly heapMb: number
  readonly startTimeoutMs: number
  /** PATH, HOME, JAVA_HOME are looked at; the rest reaches a distribution's start script. */
  readonly environment: Environment
  /** More node settings; tests only. */
  readonly settings?: ReadonlyMap<string, string>
  readonly signal: AbortSignal
  readonly log: Log
  readonly clock: Clock
}

/** A started engine with what only tests and the demo may touch. */
export interface StartedEngine {
  readonly engine: Engine
  readonly client: Client
  readonly pid: number
}

const stopGraceMs = 10_000
const attempts = 3

/**
 * Throws `no-jdk`, `no-maven`, `no-distribution`; `engine-start` with the server's own words when it ends or does not answer
 * in time; `port-taken` after three attempts; the signal's reason when aborted. Nothing is left behind by a failed start.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  return (await startWithClient(options)).engine
}

/** As `startEngine`, with the raw client. */
export async function startWithClient(options: EngineOptions): Promise<StartedEngine> {
  const installation = await findInstallation(options)
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(installation, options)
    } catch (error) {
      if (!isSnapproofError(error, 'port-taken') || attempt === attempts) throw error
      options.log.warn(error.message, { attempt })
    }
  }
}

async function findInstallation(options: EngineOptions): Promise<Installation> {
  if (options.kind === 'distribution') {
    if (options.home === undefined) {
      throw new SnapproofError('configuration', `engine ${options.name}: kind distribution needs home`)
    }
    return distributionInstallation(options.home, options.environment)
  }
  if (options.cacheFolder === undefined) {
    throw new SnapproofError('configuration', `engine ${options.name}: kind maven needs a cache folder`)
  }
  const { version, environment, signal, log } = options
  const product = options.product ?? 'elasticsearch'
  return mavenInstallation({ product, version, environment, signal, log, cacheFolder: resolve(options.cacheFolder) })
}

async function startOnce(installation: Installation, options: EngineOptions): Promise<StartedEngine> {
  const { clock, log } = options
  const started = clock.monotonicMs()
  const made = await makeFolders(resolve(options.workFolder), options.name)
  const folders =
    options.repositoryFolder === undefined ? made : { ...made, repositories: resolve(options.repositoryFolder) }
  let process: ServerProcess | null = null
  let client: Client | null = null
  let stopped: Promise<void> | null = null
  const stop = () => {
    stopped ??= (async () => {
      await process?.stop(stopGraceMs)
      await client?.close().catch(() => {})
      await removeFolder(folders.root, log)
    })()
    return stopped
  }
  try {
    const settings = nodeSettings({
      product: installation.product,
      folders,
      clusterName: `snapproof-${randomUUID()}`,
      modules: installation.modules,
      memoryMaps: await memoryMaps(),
    })
    for (const [key, value] of options.settings ?? []) settings.set(key, value)
    const launch = await installation.prepare({ folders, settings, heapMb: options.heapMb })
    options.signal.throwIfAborted()
    const running = startProcess(launch, clock)
    process = running
    const signal = withDeadline(options.signal, options.startTimeoutMs, `the start of ${options.name}`)
    const address = await untilAlive(running, () => boundAddress(folders.logs), clock, signal, options)
    const connected = connect(address)
    client = connected
    const node = await untilAlive(running, () => askNode(connected, signal), clock, signal, options)
    if (node.version !== options.version) {
      throw new SnapproofError(
        'no-distribution',
        `engine ${options.name} is version ${node.version}, not ${options.version}`,
        {
          advice: 'Correct the version of this engine in the configuration.',
        },
      )
    }
    const facts = {
      name: options.name,
      kind: options.kind,
      product: launch.product,
      version: node.version,
      indexVersion: node.indexVersion,
      egressBlocked: false,
    } as const
    const engine = serverEngine({ facts, client: connected, process: running, folders, clock, stop })
    log.info(`Engine ${options.name} answers`, {
      product: facts.product,
      version: facts.version,
      seconds: Math.round((clock.monotonicMs() - started) / 100) / 10,
    })
    return { engine, client: connected, pid: running.pid ?? 0 }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Polls until `probe` gives something; a process that ends meanwhile is `engine-start` or `port-taken`, in its own words. */
async function untilAlive<T>(
  process: ServerProcess,
  probe: () => Promise<T | null>,
  clock: Clock,
  signal: AbortSignal,
  options: EngineOptions,
): Promise<T> {
  for (let waitMs = 50; ; waitMs = Math.min(waitMs * 1.3, 300)) {
    try {
      const result = await probe()
      if (result !== null) return result
      const waiting = new AbortController()
      await Promise.race([process.end, clock.sleep(waitMs, AbortSignal.any([waiting.signal, signal]))]).finally(() =>
        waiting.abort(),
      )
    } catch (error) {
      if (options.signal.aborted) throw options.signal.reason
      if (!isSnapproofError(error, 'deadline')) throw error
      const message = `engine ${options.name} did not answer within ${options.startTimeoutMs / 1000} s; it said last: ${lastWords(process)}`
      throw new SnapproofError('engine-start', message, { cause: error })
    }
    const how = process.ended()
    if (how !== null) throw endedAtStart(options.name, how, process)
  }
}

function endedAtStart(name: string, how: string, process: ServerProcess): SnapproofError {
  const taken = process
    .tail(400)
    .some(line => /BindHttpException|BindTransportException|Address already in use/.test(line))
  return new SnapproofError(
    taken ? 'port-taken' : 'engine-start',
    `engine ${name} ended at its start with ${how}; it said last: ${lastWords(process)}`,
  )
}

/** What the server wrote with `node.portsfile`: one `host:port` a line, renamed into place when complete. */
async function boundAddress(logs: string): Promise<string | null> {
  const text = await readFile(join(logs, 'http.ports'), 'utf8').catch(() => '')
  return (
    text
      .split('\n')
      .find(line => /^127\.0\.0\.1:\d+$/.test(line.trim()))
      ?.trim() ?? null
  )
}

/** Null while the node has no elected master or is not green. */
async function askNode(
  client: Client,
  signal: AbortSignal,
): Promise<{ version: string; indexVersion: number | null } | null> {
  try {
    const health = await ask(
      client,
      { method: 'GET', path: '/_cluster/health', query: { timeout: '1s' }, timeoutMs: 5_000 },
      signal,
    )
    if (health.status !== 200 || !isObject(health.body) || health.body.status !== 'green') return null
    const node = await ask(client, { method: 'GET', path: '/_nodes/_local', timeoutMs: 5_000 }, signal)
    return node.status === 200 ? nodeVersion(node.body) : null
  } catch (error) {
    if (!isSnapproofError(error, 'engine-request')) throw error
    return null
  }
}

async function makeFolders(workFolder: string, name: string): Promise<RunFolders> {
  const root = join(workFolder, `engine-${name.replace(/[^A-Za-z0-9._-]/g, '_')}-${randomUUID()}`)
  const folders: RunFolders = {
    root,
    data: join(root, 'data'),
    logs: join(root, 'logs'),
    temp: join(root, 'temp'),
    repositories: join(root, 'repositories'),
    config: join(root, 'config'),
  }
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true, mode: 0o700 })
  return folders
}

async function removeFolder(folder: string, log: Log): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  } catch (error) {
    log.warn(`The folder ${folder} could not be removed`, { error: String(error) })
  }
}

/** Linux's `vm.max_map_count`; null elsewhere. */
async function memoryMaps(): Promise<number | null> {
  const text = await readFile('/proc/sys/vm/max_map_count', 'utf8').catch(() => null)
  const count = text === null ? Number.NaN : Number(text.trim())
  return Number.isSafeInteger(count) ? count : null
}
