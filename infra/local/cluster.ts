/**
 * A writable search server for demo and tests: the "production cluster" that takes the snapshots to be audited.
 * The same server as the audit's throwaway, with the raw client and a repository that may be written.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '@elastic/elasticsearch'
import type { Engine } from '../../src/engine/port.ts'
import { type EngineOptions, startWithClient } from '../../src/engine/start.ts'
import { silentLog } from '../../src/log.ts'
import { systemClock } from '../../src/time.ts'

/** The version that demo and tests use. */
export const sourceVersion = '9.5.3'

export interface SourceCluster {
  readonly client: Client
  readonly engine: Engine
  /** Of the server's process, which leads its own group. */
  readonly pid: number
  /** `path.repo`: repositories of type `fs` lie below it. Removed by `stop`. */
  readonly repositoryFolder: string
  /** Registers `<repositoryFolder>/<name>` as a writable `fs` repository and returns that folder. */
  createRepository(name: string, settings?: Readonly<Record<string, unknown>>): Promise<string>
  /** Takes a snapshot and waits for it; throws unless it is SUCCESS. Returns its uuid. */
  snapshot(repository: string, snapshot: string, indices: string): Promise<string>
  stop(): Promise<void>
}

export type SourceClusterOptions = Pick<EngineOptions, 'workFolder' | 'cacheFolder'> & Partial<EngineOptions>

/** Starts the server; everything but the two folders has a default. */
export async function startSourceCluster(options: SourceClusterOptions): Promise<SourceCluster> {
  const { engine, client, pid } = await startWithClient({
    name: 'source',
    kind: 'maven',
    version: sourceVersion,
    heapMb: 512,
    startTimeoutMs: 120_000,
    environment: process.env,
    signal: new AbortController().signal,
    log: silentLog,
    clock: systemClock,
    ...options,
  })

  async function createRepository(name: string, settings: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const location = join(engine.repositoryFolder, name)
    await mkdir(location, { recursive: true })
    await client.transport.request({
      method: 'PUT',
      path: `/_snapshot/${name}`,
      body: { type: 'fs', settings: { location, max_snapshot_bytes_per_sec: '0', ...settings } },
    })
    return location
  }

  async function snapshot(repository: string, name: string, indices: string): Promise<string> {
    const answer = await client.transport.request<{ snapshot: { uuid: string; state: string } }>(
      {
        method: 'PUT',
        path: `/_snapshot/${repository}/${name}`,
        querystring: { wait_for_completion: 'true' },
        body: { indices, include_global_state: false },
      },
      { requestTimeout: 120_000 },
    )
    if (answer.snapshot.state !== 'SUCCESS') throw new Error(`snapshot ${name} ended as ${answer.snapshot.state}`)
    return answer.snapshot.uuid
  }

  return {
    client,
    engine,
    pid,
    repositoryFolder: engine.repositoryFolder,
    createRepository,
    snapshot,
    stop: () => engine.stop(),
  }
}
