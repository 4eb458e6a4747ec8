/**
 * Indices as they are found in the wild, made on a real server, in one repository. What a bare server cannot be told (settings of
 * plugins that it lacks) is written into the index metadata afterwards, with a good checksum, as a server that has the plugin
 * would have written it.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SmileObject } from '../../src/repository/smile.ts'
import type { Bench } from './auditRun.ts'
import { rewrite } from './envelope.ts'
import { inspectFolder } from './repositoryFiles.ts'

export interface OddIndex {
  /** What `restore` must say of it: `verdict reason`. */
  readonly expected: string
  /** In the words of the finding or of the restore. */
  readonly says?: RegExp
  readonly settings?: Readonly<Record<string, unknown>>
  readonly mappings?: Readonly<Record<string, unknown>>
  readonly aliases?: Readonly<Record<string, unknown>>
  /** @default five */
  readonly documents?: readonly Readonly<Record<string, unknown>>[]
  /** Settings that it gets once its documents are in. */
  readonly afterwards?: Readonly<Record<string, unknown>>
  readonly closed?: boolean
  /** What the index metadata of the snapshot is made to say. */
  readonly bend?: (metadata: SmileObject, place: { readonly snapshotUuid: string }) => void
}

export const stopwordsFile = 'stop.txt'

const words = [1, 2, 3, 4, 5].map(number => ({ words: `the word ${number}`, number, at: '2026-11-23T00:00:00Z' }))

export class OddServer {
  readonly #bench: Bench
  constructor(bench: Bench) {
    this.#bench = bench
  }

  async ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const { client } = await this.#bench.server()
    return await client.transport.request<Answer>(
      { method, path, ...(body === undefined ? {} : { body }) },
      { requestTimeout: 60_000 },
    )
  }

  /** The server's configuration folder, in which files of analyzers lie. */
  async configFile(name: string): Promise<string> {
    const folders = await this.ask<{ nodes: Record<string, { settings: { path: { logs: string } } }> }>(
      'GET',
      '/_nodes/_local/settings',
    )
    const [node] = Object.values(folders.nodes)
    return join(dirname(node?.settings.path.logs ?? ''), 'config', name)
  }

  /** Makes them all, fills them, and only then gives them what would keep documents out. */
  async create(indices: Readonly<Record<string, OddIndex>>): Promise<void> {
    const all = Object.entries(indices)
    const pathOf = (name: string) => `/${encodeURIComponent(name)}`
    for (const [name, { settings = {}, mappings = {}, aliases = {} }] of all) {
      const body = { settings: { number_of_replicas: 0, refresh_interval: '-1', ...settings }, mappings, aliases }
      await this.ask('PUT', `${pathOf(name)}?wait_for_active_shards=0`, body)
    }
    const lines = all.flatMap(([name, { documents = words }]) =>
      documents.flatMap((document, id) => [{ index: { _index: name, _id: `d${id}`, routing: `r${id}` } }, document]),
    )
    if (lines.length > 0) await this.bulk(lines)
    for (const [name, { afterwards, closed }] of all) {
      if (afterwards !== undefined) await this.ask('PUT', `${pathOf(name)}/_settings`, afterwards)
      if (closed) await this.ask('POST', `${pathOf(name)}/_close?wait_for_active_shards=0`)
    }
  }

  async bulk(lines: readonly object[]): Promise<void> {
    const { client } = await this.#bench.server()
    const bulkBody = `${lines.map(line => JSON.stringify(line)).join('\n')}\n`
    const answer = await client.transport.request<{ errors: boolean; items: object[] }>(
      { method: 'POST', path: '/_bulk', querystring: { timeout: '2m' }, bulkBody },
      { requestTimeout: 130_000 },
    )
    if (!answer.errors) return
    const wrong = answer.items.filter(item => JSON.stringify(item).includes('"error"'))
    throw new Error(`the bulk had errors: ${JSON.stringify(wrong).slice(0, 1_000)}`)
  }

  async createRepository(name: string): Promise<string> {
    const location = join(this.#bench.folder, name)
    const settings = { location, max_snapshot_bytes_per_sec: '0' }
    await this.ask('PUT', `/_snapshot/${name}`, { type: 'fs', settings })
    return location
  }

  /** Resolves with the uuid. */
  async snapshot(repository: string, name: string, indices: readonly string[], more: object = {}): Promise<string> {
    const { snapshot } = await this.ask<{ snapshot: { uuid: string } }>(
      'PUT',
      `/_snapshot/${repository}/${name}?wait_for_completion=true`,
      { indices, include_global_state: false, ...more },
    )
    return snapshot.uuid
  }

  async writeStopwords(): Promise<void> {
    await writeFile(await this.configFile(stopwordsFile), 'the\na\n')
  }
  async removeStopwords(): Promise<void> {
    await rm(await this.configFile(stopwordsFile))
  }
}

/** Changes the metadata of indices in a repository of one snapshot, each index having one metadata blob. */
export async function bendMetadata(
  folder: string,
  snapshotUuid: string,
  indices: Readonly<Record<string, OddIndex>>,
): Promise<void> {
  const { snapshots } = await inspectFolder(folder)
  for (const [name, { bend }] of Object.entries(indices)) {
    if (bend === undefined) continue
    const id = snapshots.flatMap(snapshot => snapshot.indices).find(index => index.name === name)?.id
    const path = join(folder, 'indices', id ?? '')
    const [blob = ''] = (await readdir(path)).filter(key => key.startsWith('meta-'))
    const bytes = await readFile(join(path, blob))
    const bent = rewrite(bytes, root => {
      const metadata = root[name]
      if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata) || Buffer.isBuffer(metadata)) {
        throw new Error(`the metadata blob of ${name} speaks of another index`)
      }
      bend(metadata, { snapshotUuid })
    })
    await writeFile(join(path, blob), bent)
  }
}

/** Changes what the root blob of a snapshot says of feature states. */
export async function bendRoot(folder: string, snapshotUuid: string, featureStates: SmileObject[]): Promise<void> {
  const path = join(folder, `snap-${snapshotUuid}.dat`)
  const bent = rewrite(await readFile(path), root => {
    Object.assign(root.snapshot as SmileObject, { feature_states: featureStates })
  })
  await writeFile(path, bent)
}

/** Flat settings, as they are stored. */
export const withSettings =
  (settings: Readonly<Record<string, string>>): NonNullable<OddIndex['bend']> =>
  metadata => {
    Object.assign(metadata.settings as SmileObject, settings)
  }

export const withMapping =
  (mapping: SmileObject): NonNullable<OddIndex['bend']> =>
  metadata => {
    metadata.mappings = [{ _doc: mapping }]
  }
