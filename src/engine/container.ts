/**
 * Kind `container`: a server of an image, run by `docker` or `podman`.
 *
 * It is given a network of its own without a way out, where it is reached at its own address; a limit on memory; no
 * capabilities; a file system that it may write in four places only; and the run's folder, read-only. What it writes lies in
 * anonymous volumes, which go with it. It is removed by `stop`, by a helper process when we are killed, and by the next run
 * when the machine was switched off.
 *
 * elastic/elasticsearch: distribution/docker/src/docker/Dockerfile.ess, …/bin/docker-entrypoint.sh @ 9.5.3 (user 1000:0, settings
 * by environment); opensearch-project/opensearch-build: docker/release/config/opensearch/opensearch-docker-entrypoint-default.x.sh
 */
import { randomUUID } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { resolve } from 'node:path'
import type { Client } from '@elastic/elasticsearch'
import { execa } from 'execa'
import { SnapproofError } from '../errors.ts'
import { withDeadline } from '../time.ts'
import { askNode, requireVersion, untilAlive } from './alive.ts'
import { connect } from './client.ts'
import { containerArguments, containerSettings, type Inside, imageOf, lookInside } from './containerArguments.ts'
import {
  type ContainerTool,
  definedOf,
  findContainerTool,
  ownerLabels,
  removeContainer,
  removeNetwork,
  sweepContainers,
  toolWords,
} from './containerTool.ts'
import { memoryMaps } from './folders.ts'
import { type EngineOptions, isProcessAlive, type StartedEngine, thisProcess } from './options.ts'
import { type ServerProcess, startProcess } from './process.ts'
import { serverEngine } from './server.ts'
import { proveSharedFolder } from './sharedFolder.ts'
import { isInSubnet } from './subnet.ts'

const stopGraceMs = 10_000
const removalTimeoutMs = 60_000
const pullTimeoutMs = 30 * 60_000
/** Where the server finds the repositories. */
const mountedAt = '/snapproof'

/** Ends with its input, that is with us: then the container and its network go. `done` on its input: they are gone. */
const reaper = `read -r word
[ "$word" = done ] && exit 0
"$0" kill --signal KILL "$1"
"$0" rm --force --volumes "$1"
[ -z "$2" ] || "$0" network rm "$2"`

type Network = 'internal' | 'published'

/** Throws `no-container-engine`, `no-image`, `no-distribution`, `engine-start`, `configuration`. */
export async function startContainer(options: EngineOptions): Promise<StartedEngine> {
  const { environment, log, name, signal } = options
  if (options.repositoryFolder === undefined) {
    throw new SnapproofError('configuration', `engine ${name}: kind container needs a folder with the repositories`)
  }
  const tool = await findContainerTool(options.command ?? null, name, environment, signal)
  const owner = options.owner ?? thisProcess()
  await sweepContainers(tool, owner, isProcessAlive, log, signal)
  const image = imageOf(options)
  await needImage(tool, image, options)
  const inside = await lookInside(tool, image, options)
  const wanted = options.network ?? null
  const first: Network = wanted ?? (process.platform === 'linux' ? 'internal' : 'published')
  try {
    return await startOnce(tool, image, inside, first, options)
  } catch (error) {
    if (!(error instanceof OutOfReach) || wanted !== null) throw error
    log.warn(`${error.message}; a port of the loopback is used, and nothing keeps the server from reaching out`)
    return await startOnce(tool, image, inside, 'published', options)
  }
}

/** The container engine keeps its networks to itself: rootless ones, and those in a virtual machine. */
class OutOfReach extends SnapproofError {}

async function startOnce(
  tool: ContainerTool,
  image: string,
  inside: Inside,
  network: Network,
  options: EngineOptions,
): Promise<StartedEngine> {
  const { clock, log } = options
  const started = clock.monotonicMs()
  const name = `snapproof-${randomUUID()}`
  const labels = await ownerLabels(options.owner ?? thisProcess())
  let reaping: ReturnType<typeof startReaper> | null = null
  let running: ServerProcess | null = null
  let client: Client | null = null
  let stopped: Promise<void> | null = null
  const stop = () => {
    stopped ??= (async () => {
      await running?.stop(stopGraceMs)
      await client?.close().catch(() => {})
      try {
        // Not the run's signal: what is stopped because the run was is removed all the same.
        const removal = AbortSignal.timeout(removalTimeoutMs)
        await removeContainer(tool, name, log, removal)
        if (network === 'internal') await removeNetwork(tool, name, log, removal)
        reaping?.dismiss()
      } catch (error) {
        log.warn(`The container ${name} could not be removed in time; the next run removes it`, {
          error: String(error),
        })
      }
    })()
    return stopped
  }
  try {
    reaping = startReaper(tool, name, network === 'internal' ? name : '')
    if (network === 'internal') await createNetwork(tool, name, labels, options.signal)
    const settings = containerSettings(inside, mountedAt, await memoryMaps())
    for (const [key, value] of options.settings ?? []) settings.set(key, value)
    const args = containerArguments({ name, image, inside, network, labels, settings, mountedAt, options })
    options.signal.throwIfAborted()
    const life = startProcess(
      { product: inside.product, command: tool.command, args, environment: definedOf(tool.environment), cwd: '/' },
      clock,
    )
    running = life
    const signal = withDeadline(options.signal, options.startTimeoutMs, `the start of ${options.name}`)
    const address = await untilAlive(life, () => addressOf(tool, name, network, signal), clock, signal, options)
    const connected = connect({ url: `http://${address}` })
    client = connected
    const node = await untilAlive(life, () => askNode(connected, signal), clock, signal, options)
    requireVersion(options, node.version)
    const facts = {
      name: options.name,
      kind: 'container',
      product: inside.product,
      version: node.version,
      indexVersion: node.indexVersion,
      xpack: inside.modules.has('x-pack-core'),
      egressBlocked: network === 'internal',
    } as const
    const engine = serverEngine({
      facts,
      client: connected,
      process: life,
      repositories: resolve(options.repositoryFolder ?? '/'),
      serverRepositories: mountedAt,
      clock,
      stop,
    })
    await proveSharedFolder(engine, signal)
    log.info(`Engine ${options.name} answers`, {
      product: facts.product,
      version: facts.version,
      container: name,
      seconds: Math.round((clock.monotonicMs() - started) / 100) / 10,
    })
    return { engine, client: connected, pid: life.pid ?? 0 }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Throws `no-image`. */
async function needImage(tool: ContainerTool, image: string, { name, log, signal }: EngineOptions): Promise<void> {
  const present = await tool.tell(['image', 'inspect', '--format', '{{.Id}}', image], { signal })
  if (present.code === 0) return
  log.info(`Pulling ${image} for engine ${name}`)
  const { code, stdout, stderr } = await tool.tell(['pull', image], { timeoutMs: pullTimeoutMs, signal })
  if (code === 0) return
  const how = code === null ? 'did not end within 30 minutes' : `ended with ${code}`
  throw new SnapproofError(
    'no-image',
    `engine ${name}: the image ${image} is not there, and \`${tool.command} pull\` ${how}: ${toolWords(stderr || stdout)}`,
    {
      advice:
        'Check the name, tag and digest, and that this machine reaches the registry; or load the image here before.',
    },
  )
}

async function createNetwork(tool: ContainerTool, name: string, labels: readonly string[], signal: AbortSignal) {
  const { code, stderr } = await tool.tell(['network', 'create', '--internal', ...labels, name], { signal })
  if (code === 0) return
  throw new OutOfReach(
    'no-container-engine',
    `${tool.command} could not make an internal network: ${toolWords(stderr)}`,
    {
      advice: 'Set network: published for this engine; the report will say that its egress was not blocked.',
    },
  )
}

/** Null while the container has none. Throws where this machine has no way to it. */
async function addressOf(
  tool: ContainerTool,
  name: string,
  network: Network,
  signal: AbortSignal,
): Promise<string | null> {
  if (network === 'published') {
    const { code, stdout } = await tool.tell(['port', name, '9200/tcp'], { signal })
    const line = stdout.split('\n').find(text => /^127\.0\.0\.1:\d+$/.test(text.trim()))
    return code === 0 && line !== undefined ? line.trim() : null
  }
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}'
  const { code, stdout } = await tool.tell(['inspect', '--format', format, name], { signal })
  const address = stdout.trim().split(/\s+/)[0] ?? ''
  if (code !== 0 || !/^\d+(\.\d+){3}$/.test(address)) return null
  const own = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  if (own.some(({ cidr }) => cidr !== null && isInSubnet(address, cidr))) return `${address}:9200`
  throw new OutOfReach(
    'no-container-engine',
    `${tool.command} gave the server the address ${address}, to which this machine has no way`,
    { advice: 'Set network: published for this engine; the report will say that its egress was not blocked.' },
  )
}

/** In a group of its own, so that what kills us does not kill it. */
function startReaper(tool: ContainerTool, name: string, network: string): { dismiss(): void } {
  const child = execa('/bin/sh', ['-c', reaper, tool.command, name, network], {
    env: definedOf(tool.environment),
    extendEnv: false,
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
    buffer: false,
    reject: false,
    detached: true,
    cleanup: false,
    cwd: '/',
  })
  child.unref()
  const { stdin } = child
  stdin.on('error', () => {}) // it has ended
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
  return { dismiss: () => void stdin.end('done\n') }
}
