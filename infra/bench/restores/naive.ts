/**
 * What people write themselves, written fairly: register the repository, and of each snapshot restore everything, wait for it, count, delete.
 * Nothing is checked but that counts are what was indexed; no checksum is asked for beyond what a restore compares.
 */
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from '@elastic/elasticsearch'
import type { StoreAccess } from '../../../src/engine/repositoryS3.ts'
import { startWithClient } from '../../../src/engine/start.ts'
import { silentLog } from '../../../src/log.ts'
import { systemClock } from '../../../src/time.ts'
import { type DailyRepository, server } from './repository.ts'

export interface NaiveOptions {
  readonly repository: DailyRepository
  /** Read by the server's own repository-s3; null: as an `fs` repository from the disk. */
  readonly store: StoreAccess | null
  /** False: throttles and parallelism as the server has them by itself. */
  readonly tuned: boolean
  readonly folder: string
  readonly cacheFolder: string
}

/** The server's own, of which our engines are started with others. */
const defaults = new Map([
  ['indices.recovery.max_bytes_per_sec', '40mb'],
  ['cluster.routing.allocation.node_initial_primaries_recoveries', '4'],
])
const throttle = '40mb'

/** Throws `Error` when a count is not what it should be. The start of the server is in it, as it is in ours. */
export async function restoreNaively({ repository, store, tuned, folder, cacheFolder }: NaiveOptions): Promise<void> {
  const { client, engine } = await startWithClient({
    name: 'naive',
    kind: 'maven',
    ...server,
    heapMb: 1024,
    startTimeoutMs: 120_000,
    environment: process.env,
    workFolder: folder,
    repositoryFolder: join(repository.root, 'bucket'),
    cacheFolder,
    store,
    ...(tuned ? {} : { settings: defaults }),
    signal: new AbortController().signal,
    log: silentLog,
    clock: systemClock,
  })
  try {
    const settings = { max_restore_bytes_per_sec: tuned ? '0' : throttle, readonly: true }
    await register(client, repository, store, settings)
    for (const snapshot of repository.snapshots) await restoreOne(client, snapshot, repository.counts[snapshot] ?? {})
  } finally {
    await engine.stop()
  }
}

async function register(
  client: Client,
  { root }: DailyRepository,
  store: StoreAccess | null,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const body =
    store === null
      ? { type: 'fs', settings: { location: join(root, 'bucket/base'), ...settings } }
      : { type: 's3', settings: { ...storeSettings(store), ...settings } }
  await client.transport.request({ method: 'PUT', path: '/_snapshot/base', querystring: { verify: 'false' }, body })
}

function storeSettings(store: StoreAccess): Record<string, unknown> {
  const endpoint = store.endpointUrl === null ? null : new URL(store.endpointUrl)
  return {
    bucket: store.bucket,
    base_path: store.basePath,
    region: store.region,
    path_style_access: store.pathStyle,
    ...(endpoint === null ? {} : { endpoint: endpoint.host, protocol: endpoint.protocol.replace(':', '') }),
  }
}

async function restoreOne(client: Client, snapshot: string, counts: Readonly<Record<string, number>>): Promise<void> {
  const long = { requestTimeout: 3_600_000 }
  const body = {
    indices: '*',
    include_global_state: false,
    rename_pattern: '(.+)',
    rename_replacement: 'check-$1',
    index_settings: { 'index.number_of_replicas': 0 },
  }
  const path = `/_snapshot/base/${snapshot}/_restore`
  await client.transport.request({ method: 'POST', path, querystring: { wait_for_completion: 'true' }, body }, long)
  for (const [index, expected] of Object.entries(counts)) {
    const found = await countOf(client, `check-${index}`)
    if (found !== expected) throw new Error(`${index} of ${snapshot} has ${found} documents, not ${expected}`)
  }
  const restored = Object.keys(counts).map(index => `check-${index}`)
  // A disk takes its time to let go of gigabytes.
  await client.transport.request({ method: 'DELETE', path: `/${restored.join(',')}` }, long)
}

async function countOf(client: Client, index: string): Promise<number> {
  // A restored index answers 503 until its shard serves searches.
  for (let attempt = 0; ; attempt++) {
    try {
      return (await client.transport.request<{ count: number }>({ method: 'GET', path: `/${index}/_count` })).count
    } catch (error) {
      if (attempt === 50) throw error
      await delay(100)
    }
  }
}
