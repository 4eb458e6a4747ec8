/**
 * The `docker` command, or one that understands the same words, such as `podman`: found, asked, and told to clean up.
 */
import { readlink } from 'node:fs/promises'
import { execa } from 'execa'
import { SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type Environment, findCommand, isExecutable } from './jdk.ts'
import type { RunOwner } from './options.ts'

export interface ToolEnded {
  /** Null: it did not end by itself in time. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface ContainerTool {
  /** Absolute path, or as configured. */
  readonly command: string
  readonly environment: Environment
  tell(args: readonly string[], options: { timeoutMs?: number; signal: AbortSignal }): Promise<ToolEnded>
}

const labels = {
  run: 'snapproof.run',
  host: 'snapproof.host',
  pid: 'snapproof.pid',
  namespace: 'snapproof.namespace',
} as const

/**
 * Throws `no-container-engine`: no command, or one whose engine does not answer.
 * @param configured null: docker, else podman
 */
export async function findContainerTool(
  configured: string | null,
  engineName: string,
  environment: Environment,
  signal: AbortSignal,
): Promise<ContainerTool> {
  const asked = configured === null ? ['docker', 'podman'] : [configured]
  const troubles: string[] = []
  for (const name of asked) {
    const command = name.includes('/') ? name : await findCommand(name, environment)
    if (command === null || !(await isExecutable(command))) {
      troubles.push(name.includes('/') ? `${name} is no program` : `${name} is not on the PATH`)
      continue
    }
    const tool = containerTool(command, environment)
    // `info` needs the daemon where there is one.
    const { code, stdout, stderr } = await tool.tell(['info'], { timeoutMs: 60_000, signal })
    if (code === 0) return tool
    troubles.push(
      `${command} info ${code === null ? 'did not end within 60 s' : `ended with ${code}`}: ${toolWords(stderr || stdout)}`,
    )
  }
  throw new SnapproofError('no-container-engine', `engine ${engineName} of kind container: ${troubles.join('; ')}`, {
    advice:
      'Start Docker or podman and look at the rights of its socket, name the command, or use another kind of engine.',
  })
}

export function containerTool(command: string, environment: Environment): ContainerTool {
  return {
    command,
    environment,
    async tell(args, { timeoutMs = 60_000, signal }) {
      const result = await execa(command, args, {
        env: definedOf(environment),
        extendEnv: false,
        stdin: 'ignore',
        reject: false,
        timeout: timeoutMs,
        maxBuffer: 4 * 1024 * 1024,
        cancelSignal: signal,
        forceKillAfterDelay: 5_000,
      })
      signal.throwIfAborted()
      const code = result.timedOut ? null : (result.exitCode ?? 127)
      return { code, stdout: result.stdout, stderr: result.stderr || (result.shortMessage ?? '') }
    },
  }
}

export function definedOf(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

/** The last lines that say something, on one line. */
export function toolWords(text: string): string {
  const lines = text.split('\n').filter(line => line.trim() !== '')
  return lines.slice(-4).join(' | ').slice(-1_000) || '(nothing)'
}

/** What marks a container or network as this run's: `--label`s for the command. */
export async function ownerLabels({ runId, host, pid }: RunOwner): Promise<string[]> {
  const values = { run: runId, host, pid: String(pid), namespace: await processNamespace() }
  return (Object.keys(labels) as (keyof typeof labels)[]).flatMap(key => ['--label', `${labels[key]}=${values[key]}`])
}

/** Two machines, or two containers of one machine, have pids of their own. Empty where the system has no such thing. */
function processNamespace(): Promise<string> {
  return readlink('/proc/self/ns/pid').catch(() => '')
}

/**
 * Removes containers and networks that a run left whose process has ended: by label, of this machine and its pids only.
 * What cannot be removed is warned of.
 */
export async function sweepContainers(
  tool: ContainerTool,
  owner: RunOwner,
  isAlive: (pid: number) => boolean,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const namespace = await processNamespace()
  const isDead = (value: Readonly<Record<string, unknown>>) => {
    const pid = Number(value[labels.pid])
    return (
      value[labels.host] === owner.host &&
      value[labels.namespace] === namespace &&
      Number.isSafeInteger(pid) &&
      pid > 0 &&
      pid !== owner.pid &&
      !isAlive(pid)
    )
  }
  const kinds = [
    { what: 'container', list: ['ps', '--all', '--quiet', '--no-trunc'], inspect: '{{json .Config.Labels}}' },
    { what: 'network', list: ['network', 'ls', '--quiet'], inspect: '{{json .Labels}}' },
  ] as const
  for (const { what, list, inspect } of kinds) {
    const found = await tool.tell([...list, '--filter', `label=${labels.run}`], { signal })
    if (found.code !== 0) {
      log.warn(`What dead runs left could not be listed (${what}s)`, { said: toolWords(found.stderr) })
      continue
    }
    for (const id of found.stdout.split('\n').filter(line => line.trim() !== '')) {
      const shown = await tool.tell([what, 'inspect', '--format', inspect, id], { signal })
      // Gone meanwhile, by its own run.
      if (shown.code !== 0) continue
      const value = labelsIn(shown.stdout)
      if (!isDead(value)) continue
      log.info(`removing the ${what} that run ${String(value[labels.run])} left when it was killed`)
      if (what === 'container') await removeContainer(tool, id, log, signal)
      else await removeNetwork(tool, id, log, signal)
    }
  }
}

function labelsIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {} // not understood: not ours
  }
}

/** With its volumes. Killed first: there is nothing in it to be saved. */
export async function removeContainer(tool: ContainerTool, id: string, log: Log, signal: AbortSignal): Promise<void> {
  await tool.tell(['kill', '--signal', 'KILL', id], { signal }) // it may have ended: `rm` tells
  const { code, stderr } = await tool.tell(['rm', '--force', '--volumes', id], { signal })
  if (code !== 0 && !isGone(stderr)) log.warn(`The container ${id} could not be removed`, { said: toolWords(stderr) })
}

export async function removeNetwork(tool: ContainerTool, id: string, log: Log, signal: AbortSignal): Promise<void> {
  const { code, stderr } = await tool.tell(['network', 'rm', id], { signal })
  if (code !== 0 && !isGone(stderr)) log.warn(`The network ${id} could not be removed`, { said: toolWords(stderr) })
}

function isGone(stderr: string): boolean {
  return /no such (container|network)|no container with|network not found|not found: network|unable to find network/i.test(
    stderr,
  )
}
