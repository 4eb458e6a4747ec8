/** Kinds `distribution` and `maven`: a server as a child process of ours, on a port of the loopback. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Client } from '@elastic/elasticsearch'
import { SnapproofError } from '../errors.ts'
import { withDeadline } from '../time.ts'
import { askNode, requireVersion, untilAlive } from './alive.ts'
import { connect } from './client.ts'
import { distributionInstallation } from './distribution.ts'
import { makeFolders, memoryMaps, removeFolder } from './folders.ts'
import type { Installation } from './launch.ts'
import { mavenInstallation } from './maven.ts'
import type { EngineOptions, StartedEngine } from './options.ts'
import { type ServerProcess, startProcess } from './process.ts'
import { type CredentialRelay, startCredentialRelay, storeRepositoryBody } from './repositoryS3.ts'
import { serverEngine } from './server.ts'
import { nodeSettings } from './settings.ts'

const stopGraceMs = 10_000

/** Throws `no-jdk`, `no-maven`, `no-distribution`, `configuration`. */
export async function findInstallation(options: EngineOptions): Promise<Installation> {
  if (options.kind === 'distribution') {
    if (!options.home) throw new SnapproofError('configuration', `engine ${options.name}: kind distribution needs home`)
    return distributionInstallation(options.home, options.environment)
  }
  if (options.cacheFolder === undefined) {
    throw new SnapproofError('configuration', `engine ${options.name}: kind maven needs a cache folder`)
  }
  const { version, environment, signal, log } = options
  const product = options.product ?? 'elasticsearch'
  return mavenInstallation({ product, version, environment, signal, log, cacheFolder: resolve(options.cacheFolder) })
}

/** Everything the server writes lies in one new folder below `workFolder`, removed by `stop`; by a failed start, too. */
export async function startChildProcess(installation: Installation, options: EngineOptions): Promise<StartedEngine> {
  const { clock, log } = options
  const started = clock.monotonicMs()
  const made = await makeFolders(resolve(options.workFolder), options.name)
  const folders =
    options.repositoryFolder === undefined ? made : { ...made, repositories: resolve(options.repositoryFolder) }
  let process: ServerProcess | null = null
  let client: Client | null = null
  let relay: CredentialRelay | null = null
  let stopped: Promise<void> | null = null
  const stop = () => {
    stopped ??= (async () => {
      await process?.stop(stopGraceMs)
      await client?.close().catch(() => {})
      await relay?.close()
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
    const store = installation.modules.has('repository-s3') ? (options.store ?? null) : null
    relay = store === null ? null : await startCredentialRelay(store, clock)
    options.signal.throwIfAborted()
    // Credentials of ours are none of its business; a store that it may read is given through the relay.
    const inherited = Object.entries(launch.environment).filter(([name]) => !name.startsWith('AWS_'))
    const environment = { ...Object.fromEntries(inherited), ...relay?.environment }
    const running = startProcess({ ...launch, environment }, clock)
    process = running
    const signal = withDeadline(options.signal, options.startTimeoutMs, `the start of ${options.name}`)
    const address = await untilAlive(running, () => boundAddress(folders.logs), clock, signal, options)
    const connected = connect({ url: `http://${address}` })
    client = connected
    const node = await untilAlive(running, () => askNode(connected, signal), clock, signal, options)
    requireVersion(options, node.version)
    const facts = {
      name: options.name,
      kind: options.kind,
      product: launch.product,
      version: node.version,
      indexVersion: node.indexVersion,
      xpack: installation.modules.has('x-pack-core'),
      egressBlocked: false,
    } as const
    const { repositories } = folders
    const storeBody = store === null ? null : storeRepositoryBody(store)
    const engine = serverEngine({ facts, client: connected, process: running, repositories, storeBody, clock, stop })
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
