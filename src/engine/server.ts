/** The engine port over one running server process. */
import { join, relative, resolve, sep } from 'node:path'
import type { Client } from '@elastic/elasticsearch'
import { isSnapproofError, SnapproofError } from '../errors.ts'
import type { UnstartedShard } from '../model/evidence.ts'
import { isSystemName } from '../model/feature.ts'
import type { Clock } from '../time.ts'
import {
  allocationWords,
  countOf,
  documentsOf,
  featureNames,
  fileRows,
  isClosed,
  nodeDisk,
  recoveryRows,
  restoredFields,
  shardStateRows,
  shardStatsRows,
  snapshotUuidOf,
  stateFields,
} from './answers.ts'
import { type Answer, ask, type Question, refusal } from './client.ts'
import { runOwnerCommand } from './ownerCommand.ts'
import type { Engine, EngineFacts, RestoreAnswer, RestoreRequest } from './port.ts'
import type { Life } from './process.ts'
import { isOurName, restoreBody, unsafeName } from './settings.ts'

/** After a connection broke: how long to wait for the news that the process has ended. */
const deathNewsMs = 2_000

export interface ServerParts {
  readonly facts: EngineFacts
  readonly client: Client
  readonly process: Life
  /** What the server may read repositories from, as we see it. */
  readonly repositories: string
  /** The same folder as the server sees it. @default as we do */
  readonly serverRepositories?: string
  /** What `registerStore` sends; null: there is no store, or no repository-s3. @default null */
  readonly storeBody?: Record<string, unknown> | null
  readonly clock: Clock
  /** Ends the process and removes the folders. */
  stop(): Promise<void>
}

export function serverEngine(parts: ServerParts): Engine {
  const { client, clock, facts, process, repositories } = parts

  function death(): string | null {
    const how = process.ended()
    if (how === null || process.stopping) return how
    return `${facts.product} ${facts.version} ended with ${how}; it said last: ${lastWords(process)}`
  }

  /** As `ask`, but a server that has ended is `engine-died`. */
  async function query(question: Question, signal: AbortSignal): Promise<Answer> {
    try {
      return await ask(client, question, signal)
    } catch (error) {
      if (!isSnapproofError(error, 'engine-request')) throw error
      const waiting = new AbortController()
      await Promise.race([
        process.end,
        clock.sleep(deathNewsMs, AbortSignal.any([waiting.signal, signal])).catch(() => {}),
      ])
      waiting.abort()
      const words = death()
      if (words === null) throw error
      throw new SnapproofError('engine-died', words, { cause: error })
    }
  }

  /** As `query`; an answer that is not 2xx is `engine-request`, except `missing` where the index may be gone. */
  async function need(question: Question, signal: AbortSignal): Promise<unknown> {
    const answer = await query(question, signal)
    if (answer.status >= 200 && answer.status < 300) return answer.body
    throw refused(question, answer)
  }
  async function needOrNull(question: Question, signal: AbortSignal): Promise<unknown | null> {
    const answer = await query(question, signal)
    if (answer.status === 404 && refusal(answer).type === 'index_not_found_exception') return null
    if (answer.status >= 200 && answer.status < 300) return answer.body
    throw refused(question, answer)
  }

  async function registerRepository(repository: string, folder: string, signal: AbortSignal): Promise<void> {
    requireOurName(repository, 'repository')
    const below = relative(repositories, resolve(folder))
    if (below === '' || below === '..' || below.startsWith(`..${sep}`)) {
      throw new SnapproofError('internal', `the repository folder ${folder} does not lie below ${repositories}`)
    }
    await need(
      {
        method: 'PUT',
        path: `/_snapshot/${repository}`,
        query: { verify: 'false' },
        body: {
          type: 'fs',
          settings: {
            location: join(parts.serverRepositories ?? repositories, below),
            readonly: true,
            max_restore_bytes_per_sec: '0',
          },
        },
      },
      signal,
    )
  }

  async function removeRepository(repository: string, signal: AbortSignal): Promise<void> {
    requireOurName(repository, 'repository')
    const question: Question = { method: 'DELETE', path: `/_snapshot/${repository}` }
    const answer = await query(question, signal)
    if (answer.status !== 404 && answer.status >= 300) throw refused(question, answer)
  }

  const { storeBody = null } = parts
  const registerStore: Engine['registerStore'] =
    storeBody === null
      ? null
      : async (repository, signal) => {
          requireOurName(repository, 'repository')
          const path = `/_snapshot/${repository}`
          await need({ method: 'PUT', path, query: { verify: 'false' }, body: storeBody }, signal)
        }

  async function startRestore(request: RestoreRequest): Promise<RestoreAnswer> {
    requireOurName(request.repository, 'repository')
    if (request.feature === undefined || !mayBeSystem(request.target)) requireOurName(request.target, 'target')
    for (const [what, name] of [
      ['index', request.index],
      ['snapshot', request.snapshot],
    ] as const) {
      const why = unsafeName(name)
      // Status 0: the server was not asked.
      if (why !== null) {
        const reason = `the ${what} name ${JSON.stringify(name)} is not sent to a server: ${why}`
        return { accepted: false, status: 0, type: 'unsafe_name', reason }
      }
    }
    const answer = await query(
      {
        method: 'POST',
        path: `/_snapshot/${request.repository}/${encodeURIComponent(request.snapshot)}/_restore`,
        query: { wait_for_completion: 'false' },
        body: restoreBody({ product: facts.product, ...request }),
        timeoutMs: 120_000,
      },
      request.signal,
    )
    return answer.status < 300 ? { accepted: true } : { accepted: false, ...refusal(answer) }
  }

  /** With the reason why the server will not place a shard; the first speaks for all, what keeps one out keeps out the others. */
  async function explained(rows: UnstartedShard[], target: string, signal: AbortSignal): Promise<UnstartedShard[]> {
    const isRefused = (row: UnstartedShard) => row.allocation === 'deciders_no' && row.reason !== 'ALLOCATION_FAILED'
    const shard = rows.find(isRefused)?.shard
    if (shard === undefined) return rows
    const body = { index: target, shard, primary: true }
    // The shard may have been placed meanwhile, which is answered with 400.
    const answer = await query({ method: 'POST', path: '/_cluster/allocation/explain', body }, signal)
    const words = answer.status === 200 ? allocationWords(answer.body) : ''
    if (words === '') return rows
    return rows.map(row => (isRefused(row) ? { ...row, details: `${row.details ?? ''} ${words}`.trim() } : row))
  }

  /** In a cluster of somebody else a system index is theirs. */
  function mayBeSystem(target: string): boolean {
    return facts.kind !== 'endpoint' && isSystemName(target)
  }

  function pathOf(target: string): string {
    if (!mayBeSystem(target)) requireOurName(target, 'target')
    return `/${target}`
  }

  /** What closes a system index to searches and its mapping to eyes leaves statistics and cluster state open. */
  async function systemCount(target: string, signal: AbortSignal): Promise<number> {
    return documentsOf(await need({ method: 'GET', path: `${pathOf(target)}/_stats/docs` }, signal), target)
  }
  async function systemFields(target: string, signal: AbortSignal): Promise<Record<string, string>> {
    const query = { filter_path: 'metadata.indices.*.mappings' }
    return stateFields(
      await need({ method: 'GET', path: `/_cluster/state/metadata${pathOf(target)}`, query }, signal),
      target,
    )
  }

  async function features(signal: AbortSignal): Promise<ReadonlySet<string>> {
    if (facts.product !== 'elasticsearch' || facts.kind === 'endpoint') return new Set()
    const question: Question = { method: 'GET', path: '/_features' }
    const answer = await query(question, signal)
    // Before 7.12 there is none such.
    if ([400, 404, 405].includes(answer.status)) return new Set()
    if (answer.status < 200 || answer.status >= 300) throw refused(question, answer)
    return featureNames(answer.body)
  }

  const died = process.end.then(async (): Promise<never> => {
    // An end that we asked for is no news: stay silent for ever.
    if (process.stopping) return new Promise<never>(() => {})
    throw new SnapproofError('engine-died', death() ?? 'the server process ended')
  })
  died.catch(() => {})

  return {
    facts,
    repositoryFolder: repositories,
    registerRepository,
    removeRepository,
    registerStore,
    startRestore,
    recovery: async (target, signal) => {
      const body = await needOrNull({ method: 'GET', path: `${pathOf(target)}/_recovery` }, signal)
      return body === null ? [] : recoveryRows(body, target)
    },
    recoveredFiles: async (target, signal) => {
      const query = { detailed: 'true' }
      return fileRows(await need({ method: 'GET', path: `${pathOf(target)}/_recovery`, query }, signal), target)
    },
    closeIndex: async (target, signal) => {
      // Waiting for the closed shards takes 30 s where one is red.
      const query = { wait_for_active_shards: '0' }
      const path = `${pathOf(target)}/_close`
      return isClosed(await need({ method: 'POST', path, query, timeoutMs: 60_000 }, signal), target)
    },
    snapshotUuid: async (repository, snapshot, signal) => {
      requireOurName(repository, 'repository')
      const why = unsafeName(snapshot)
      if (why !== null) return null
      const path = `/_snapshot/${repository}/${encodeURIComponent(snapshot)}`
      const question: Question = { method: 'GET', path, query: { verbose: 'false' }, timeoutMs: 120_000 }
      const answer = await query(question, signal)
      if (answer.status === 404 && refusal(answer).type === 'snapshot_missing_exception') return null
      if (answer.status < 200 || answer.status >= 300) throw refused(question, answer)
      return snapshotUuidOf(answer.body, snapshot)
    },
    shardStats: async (target, signal) => {
      const query = { level: 'shards' }
      return shardStatsRows(await need({ method: 'GET', path: `${pathOf(target)}/_stats`, query }, signal), target)
    },
    shardStates: async (target, signal) => {
      const path = `/_cluster/state/routing_table${pathOf(target)}`
      const body = await needOrNull({ method: 'GET', path, query: { ignore_unavailable: 'true' } }, signal)
      return body === null ? [] : explained(shardStateRows(body, target), target, signal)
    },
    count: async (target, signal) =>
      isSystemName(target)
        ? await systemCount(target, signal)
        : countOf(await need({ method: 'GET', path: `${pathOf(target)}/_count`, timeoutMs: 120_000 }, signal), target),
    fields: async (target, signal) =>
      isSystemName(target)
        ? await systemFields(target, signal)
        : restoredFields(await need({ method: 'GET', path: `${pathOf(target)}/_mapping` }, signal), target),
    features,
    disk: async signal => nodeDisk(await need({ method: 'GET', path: '/_nodes/_local/stats/fs' }, signal)),
    search: async (target, body, signal) => {
      const path = `${pathOf(target)}/_search`
      const parameters = { allow_partial_search_results: 'false' }
      const asked: Question = { method: 'POST', path, query: parameters, body: { ...body }, timeoutMs: 600_000 }
      const answer = await query(asked, signal)
      return answer.status >= 200 && answer.status < 300
        ? { answered: true, body: answer.body }
        : { answered: false, ...refusal(answer) }
    },
    runCommand: command => runOwnerCommand(command, endpointOf(client)),
    deleteIndex: async (target, signal) => {
      await needOrNull({ method: 'DELETE', path: pathOf(target), timeoutMs: 60_000 }, signal)
    },
    death,
    died,
    url: endpointOf(client),
    logTail: lines => process.tail(lines),
    stop: parts.stop,
  }
}

/** Where the only node is, without user and password. */
function endpointOf(client: Client): string {
  const [connection] = client.connectionPool.connections
  if (connection === undefined) throw new SnapproofError('internal', 'the client of the server has no connection')
  return connection.url.origin
}

/** The last lines that say something, on one line. */
export function lastWords(process: Life): string {
  const lines = process.tail(200)
  // Of a Java stack trace the frames say least.
  const telling = lines.filter(line => line.trim() !== '' && !/^(\[[^\]]*\]\s*)*\s*(at |\.\.\. \d+ more)/.test(line))
  const words = telling.slice(-8).join(' | ')
  return words === '' ? '(nothing)' : words.slice(-2_000)
}

function refused(question: Question, answer: Answer): SnapproofError {
  const { status, type, reason } = refusal(answer)
  return new SnapproofError('engine-request', `${question.method} ${question.path}: ${status} ${type}: ${reason}`)
}

function requireOurName(name: string, what: string): void {
  if (!isOurName(name)) throw new SnapproofError('internal', `${JSON.stringify(name)} is not a safe name for a ${what}`)
}
