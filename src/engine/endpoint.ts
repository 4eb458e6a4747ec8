/**
 * Kind `endpoint`: a cluster that somebody else runs, for us alone. It is touched only when it is the one that the
 * configuration names and holds nothing but what runs of ours made; what this run makes carries its name and is removed by
 * `stop`, what dead runs left by the next one.
 */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Client } from '@elastic/elasticsearch'
import { describeError, isSnapproofError, SnapproofError } from '../errors.ts'
import type { EngineConfig } from '../model/config.ts'
import { systemClock, withDeadline } from '../time.ts'
import { type ClusterAnswer, clusterAnswer } from './answers.ts'
import { type Answer, ask, connect, isObject, type Question, refusal } from './client.ts'
import { type EngineOptions, isProcessAlive, type StartedEngine, thisProcess } from './options.ts'
import { isForeign, isLeftover, ownPrefix } from './ownNames.ts'
import { prefixedEngine } from './prefixed.ts'
import { serverEngine } from './server.ts'
import { proveSharedFolder } from './sharedFolder.ts'

/** Nothing is known of its process: requests tell that it does not answer. */
const unknownLife = { ended: () => null, end: new Promise<string>(() => {}), stopping: false, tail: () => [] }
const removalTimeoutMs = 60_000
const lookTimeoutMs = 20_000

/**
 * Throws `endpoint-refused` when it is another cluster, product or version than configured, does not know us, or holds what is
 * not ours; `engine-start` when it does not answer in time; `configuration`.
 */
export async function openEndpoint(options: EngineOptions): Promise<StartedEngine> {
  const { clock, log, name } = options
  const { url, clusterName, serverRepositories, repositoryFolder } = options
  if (!url || !clusterName || !serverRepositories || repositoryFolder === undefined) {
    throw new SnapproofError(
      'configuration',
      `engine ${name}: kind endpoint needs url, clusterName and repositoryFolder`,
    )
  }
  const authorization = await authorizationOf(options)
  const client = connect({ url: url.replace(/\/$/, ''), ...(authorization === null ? {} : { authorization }) })
  const signal = withDeadline(options.signal, options.startTimeoutMs, `the first answer of ${name}`)
  const prefix = await ownPrefix(options.owner ?? thisProcess())
  let stopped: Promise<void> | null = null
  const stop = () => {
    stopped ??= (async () => {
      try {
        const removal = AbortSignal.timeout(removalTimeoutMs)
        const left = await holdings(client, name, removal)
        await remove(client, left, one => one.startsWith(prefix), removal)
      } catch (error) {
        log.warn(`What this run made on ${url} could not be removed; the next run removes it`, {
          error: describeError(error),
        })
      }
      await client.close().catch(() => {})
    })()
    return stopped
  }
  let made = false
  try {
    const { cluster, held } = await look(client, options, signal)
    const own = options.owner ?? thisProcess()
    const dead = await isLeftover(own, isProcessAlive, clock.nowMs())
    const removed = await remove(client, held, dead, signal)
    if (removed > 0) log.info(`removed ${removed} indices and repositories that dead runs left on ${url}`)
    made = true
    const facts = {
      name,
      kind: 'endpoint',
      product: cluster.product,
      version: options.version,
      indexVersion: cluster.indexVersion,
      xpack: cluster.xpack,
      egressBlocked: false,
    } as const
    const bare = serverEngine({
      facts,
      client,
      process: unknownLife,
      repositories: resolve(repositoryFolder),
      serverRepositories,
      clock,
      stop,
    })
    const engine = prefixedEngine(bare, prefix)
    await proveSharedFolder(engine, signal)
    log.info(`Engine ${name} answers`, { product: facts.product, version: facts.version, cluster: clusterName })
    return { engine, client, pid: 0 }
  } catch (error) {
    if (made) await stop()
    else await client.close().catch(() => {})
    throw error
  }
}

/** Throws what `openEndpoint` throws of a cluster that is not ours to use. Nothing is changed there. */
export async function lookAtEndpoint(
  engine: EngineConfig,
  environment: EngineOptions['environment'],
  signal: AbortSignal,
): Promise<void> {
  const options = { ...engine, environment, signal, clock: systemClock, startTimeoutMs: lookTimeoutMs }
  const authorization = await authorizationOf(options)
  const client = connect({
    url: (engine.url ?? '').replace(/\/$/, ''),
    ...(authorization === null ? {} : { authorization }),
  })
  try {
    await look(client, options, withDeadline(signal, lookTimeoutMs, `the first answer of ${engine.name}`))
  } finally {
    await client.close().catch(() => {})
  }
}

type LookOptions = Pick<EngineOptions, 'name' | 'version' | 'clock' | 'signal' | 'startTimeoutMs'> &
  Partial<Pick<EngineOptions, 'product' | 'url' | 'clusterName'>>

/** Is it the one, and does it hold nothing but ours? */
async function look(
  client: Client,
  options: LookOptions,
  signal: AbortSignal,
): Promise<{ readonly cluster: ClusterAnswer; readonly held: Holdings }> {
  const cluster = await untilItAnswers(client, options, signal)
  requireSame(cluster, options)
  const held = await holdings(client, options.name, signal)
  const foreign = [...held.indices.keys(), ...held.repositories].filter(isForeign)
  if (foreign.length === 0) return { cluster, held }
  const some = `${foreign.slice(0, 5).join(', ')}${foreign.length > 5 ? `, … (${foreign.length})` : ''}`
  throw refusedEndpoint(options, `it holds what is not ours: ${some}`, {
    advice: 'Give Snapproof a cluster of its own: restores fill its disk, and nothing else may be at stake there.',
  })
}

/** The header's value; null: none is configured. It is in no message. */
async function authorizationOf(
  options: Pick<EngineOptions, 'name' | 'authorizationFile' | 'authorizationVariable' | 'environment'>,
): Promise<string | null> {
  const { name, authorizationFile, authorizationVariable, environment } = options
  let text: string | undefined
  if (authorizationFile) {
    text = await readFile(authorizationFile, 'utf8').catch(error => {
      const code = (error as { code?: unknown }).code
      throw new SnapproofError('configuration', `engine ${name}: ${authorizationFile} cannot be read (${String(code)})`)
    })
  } else if (authorizationVariable) {
    text = environment[authorizationVariable]
    if (!text) {
      throw new SnapproofError('configuration', `engine ${name}: the variable ${authorizationVariable} is not set`)
    }
  } else return null
  const value = text.trim()
  if (/^(ApiKey|Bearer|Basic) [A-Za-z0-9+/=._~-]+$/.test(value)) return value
  if (/^[^\s:]+:[^\r\n]+$/.test(value)) return `Basic ${Buffer.from(value).toString('base64')}`
  const where = authorizationFile ?? authorizationVariable
  throw new SnapproofError('configuration', `engine ${name}: ${where} holds no authorization that is understood`, {
    advice: 'One line: user:password, "ApiKey …" or "Bearer …".',
  })
}

/** A sidecar starts beside us, so it is waited for. */
async function untilItAnswers(client: Client, options: LookOptions, signal: AbortSignal): Promise<ClusterAnswer> {
  const { clock, name, url, startTimeoutMs } = options
  let last = 'nothing'
  for (let waitMs = 100; ; waitMs = Math.min(waitMs * 1.5, 2_000)) {
    try {
      const health = await ask(client, { method: 'GET', path: '/_cluster/health', timeoutMs: 10_000 }, signal)
      if (health.status === 401 || health.status === 403) {
        throw refusedEndpoint(options, `it does not know us: ${health.status} ${refusal(health).type}`, {
          advice: 'Set authorizationFile or authorizationVariable of this engine, or look at what they hold.',
        })
      }
      const nodes = await ask(client, { method: 'GET', path: '/_nodes', timeoutMs: 10_000 }, signal)
      const root = await ask(client, { method: 'GET', path: '/', timeoutMs: 10_000 }, signal)
      const healthy = isObject(health.body) && (health.body.status === 'green' || health.body.status === 'yellow')
      if (health.status === 200 && nodes.status === 200 && healthy)
        return clusterAnswer(health.body, nodes.body, root.status === 200 ? root.body : null)
      last = isObject(health.body) ? `health ${String(health.body.status ?? health.status)}` : `status ${health.status}`
      await clock.sleep(waitMs, signal)
    } catch (error) {
      if (options.signal.aborted) throw options.signal.reason
      if (isSnapproofError(error, 'deadline')) {
        const message = `engine ${name}: ${url} did not answer as a search server within ${startTimeoutMs / 1000} s; the last look: ${last}`
        throw new SnapproofError('engine-start', message, {
          cause: error,
          advice: 'Check url, that the cluster runs and is not red, and that this machine reaches it.',
        })
      }
      if (!isSnapproofError(error, 'engine-request')) throw error
      last = describeError(error)
      await clock.sleep(waitMs, signal).catch(() => {}) // over: said above, at the next look
    }
  }
}

function requireSame(cluster: ClusterAnswer, options: LookOptions): void {
  const product = options.product ?? 'elasticsearch'
  if (cluster.name !== options.clusterName) {
    throw refusedEndpoint(
      options,
      `its name is ${JSON.stringify(cluster.name)}, not ${JSON.stringify(options.clusterName)}`,
      {
        advice: 'Check url first. Only if this is the cluster that may be filled and emptied, correct clusterName.',
      },
    )
  }
  if (cluster.product !== product) {
    throw refusedEndpoint(options, `it is ${cluster.product}, not ${product}`, { advice: 'Correct product or url.' })
  }
  const other = cluster.versions.find(version => version !== options.version)
  if (other !== undefined) {
    throw refusedEndpoint(options, `a node of it is version ${other}, not ${options.version}`, {
      advice: 'Correct the version of this engine in the configuration; all nodes must have it.',
    })
  }
}

function refusedEndpoint({ name, url }: LookOptions, why: string, { advice }: { advice: string }): SnapproofError {
  return new SnapproofError('endpoint-refused', `engine ${name}: ${url} is left alone: ${why}`, { advice })
}

interface Holdings {
  /** Name → creation in UTC epoch milliseconds; null: it does not say. */
  readonly indices: ReadonlyMap<string, number | null>
  readonly repositories: readonly string[]
}

async function holdings(client: Client, engine: string, signal: AbortSignal): Promise<Holdings> {
  const need = async (question: Question): Promise<Record<string, unknown>> => {
    const answer: Answer = await ask(client, question, signal)
    if (answer.status === 200 && isObject(answer.body)) return answer.body
    const { type, reason } = refusal(answer)
    throw new SnapproofError(
      'engine-request',
      `engine ${engine}: ${question.path}: ${answer.status} ${type}: ${reason}`,
    )
  }
  const query = { expand_wildcards: 'all', flat_settings: 'true' }
  const settings = await need({ method: 'GET', path: '/_all/_settings/index.creation_date', query })
  const indices = new Map<string, number | null>()
  for (const [name, value] of Object.entries(settings)) {
    const own = isObject(value) && isObject(value.settings) ? Number(value.settings['index.creation_date']) : Number.NaN
    indices.set(name, Number.isFinite(own) ? own : null)
  }
  return { indices, repositories: Object.keys(await need({ method: 'GET', path: '/_snapshot' })) }
}

/** By name, one by one: never a pattern. */
async function remove(
  client: Client,
  { indices, repositories }: Holdings,
  chosen: (name: string, createdMs: number | null) => boolean,
  signal: AbortSignal,
): Promise<number> {
  const paths = [
    ...[...indices]
      .filter(([name, createdMs]) => chosen(name, createdMs))
      .map(([name]) => `/${encodeURIComponent(name)}`),
    ...repositories.filter(name => chosen(name, null)).map(name => `/_snapshot/${encodeURIComponent(name)}`),
  ]
  for (const path of paths) {
    const answer = await ask(client, { method: 'DELETE', path, timeoutMs: 60_000 }, signal)
    if (answer.status < 300 || answer.status === 404) continue
    throw new SnapproofError('engine-request', `DELETE ${path}: ${answer.status} ${refusal(answer).reason}`)
  }
  return paths.length
}
