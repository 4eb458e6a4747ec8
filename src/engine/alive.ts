/** Waits until a server that was started answers, or says in its own words why it does not. */
import type { Client } from '@elastic/elasticsearch'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import type { Clock } from '../time.ts'
import { type NodeAnswer, nodeVersion } from './answers.ts'
import { ask, isObject } from './client.ts'
import type { EngineOptions } from './options.ts'
import type { ServerProcess } from './process.ts'
import { lastWords } from './server.ts'

/**
 * Polls until `probe` gives something. Throws `engine-start` or `port-taken` in the server's own words when its process ends
 * meanwhile or the time is over.
 */
export async function untilAlive<T>(
  process: ServerProcess,
  probe: () => Promise<T | null>,
  clock: Clock,
  signal: AbortSignal,
  options: Pick<EngineOptions, 'name' | 'startTimeoutMs' | 'signal'>,
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
      throw new SnapproofError('engine-start', message, {
        cause: error,
        advice: 'Raise work.engineStartSeconds where the machine is slow; else look at what the server said.',
      })
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
    { advice: `\`snapproof doctor\` says what engine ${name} needs; its own words above say what it lacks.` },
  )
}

/** Null while the node has no elected master or is not green. */
export async function askNode(client: Client, signal: AbortSignal): Promise<NodeAnswer | null> {
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

/** Throws `no-distribution` when another version answers than is configured. */
export function requireVersion(options: Pick<EngineOptions, 'name' | 'version'>, version: string): void {
  if (version === options.version) return
  throw new SnapproofError('no-distribution', `engine ${options.name} is version ${version}, not ${options.version}`, {
    advice: 'Correct the version of this engine in the configuration.',
  })
}
