/**
 * Pure: what the server's answers say, as values. Shapes that are not known throw `engine-request`: a number that is
 * missing is never zero.
 *
 * elastic/elasticsearch: server/src/main/java/org/elasticsearch/indices/recovery/RecoveryState.java,
 * …/cluster/routing/{ShardRouting, UnassignedInfo, RecoverySource}.java, …/index/engine/CommitStats.java @ 9.5.3
 */
import { SnapproofError } from '../errors.ts'
import type { FileRow, RecoveryRow, ShardStatsRow, UnstartedShard } from '../model/evidence.ts'
import { flattenMapping } from '../model/mapping.ts'

type Json = Record<string, unknown>

/** `GET /<target>/_recovery`. A shard that was never assigned has no row. */
export function recoveryRows(body: unknown, target: string): RecoveryRow[] {
  const index = optionalObject(object(body, '_recovery')[target])
  if (index === null) return []
  return array(index.shards, `_recovery of ${target}: shards`).map(value => {
    const row = object(value, `_recovery of ${target}: a shard`)
    const shard = number(row.id, `_recovery of ${target}: id`)
    const where = `_recovery of ${target}, shard ${shard}`
    const source = optionalObject(row.source) ?? {}
    const files = object(object(row.index, `${where}: index`).files, `${where}: index.files`)
    const size = object(object(row.index, where).size, `${where}: index.size`)
    return {
      shard,
      type: string(row.type, `${where}: type`),
      stage: string(row.stage, `${where}: stage`),
      primary: boolean(row.primary, `${where}: primary`),
      repository: optionalString(source.repository),
      snapshot: optionalString(source.snapshot),
      snapshotUuid: optionalString(source.snapshotUuid),
      index: optionalString(source.index),
      restoreUuid: optionalString(source.restoreUUID),
      files: number(files.total, `${where}: index.files.total`),
      bytes: number(size.total_in_bytes, `${where}: index.size.total_in_bytes`),
      recoveredBytes: number(size.recovered_in_bytes, `${where}: index.size.recovered_in_bytes`),
      reusedBytes: number(size.reused_in_bytes, `${where}: index.size.reused_in_bytes`),
      milliseconds: number(row.total_time_in_millis, `${where}: total_time_in_millis`),
      checkMilliseconds: optionalNumber(optionalObject(row.verify_index)?.check_index_time_in_millis) ?? 0,
    }
  })
}

/** `GET /<target>/_recovery?detailed=true`: the files of the primaries. */
export function fileRows(body: unknown, target: string): FileRow[] {
  const index = object(object(body, '_recovery')[target], `_recovery of ${target}`)
  return array(index.shards, `_recovery of ${target}: shards`).flatMap(value => {
    const row = object(value, `_recovery of ${target}: a shard`)
    const shard = number(row.id, `_recovery of ${target}: id`)
    const where = `_recovery of ${target}, shard ${shard}`
    if (!boolean(row.primary, `${where}: primary`)) return []
    const files = object(object(row.index, `${where}: index`).files, `${where}: index.files`)
    return array(files.details, `${where}: index.files.details`).map(entry => {
      const file = object(entry, `${where}: a file`)
      return {
        shard,
        file: string(file.name, `${where}: name`),
        bytes: number(file.length_in_bytes, `${where}: length_in_bytes`),
        reused: boolean(file.reused, `${where}: reused`),
        recoveredBytes: number(file.recovered_in_bytes, `${where}: recovered_in_bytes`),
      }
    })
  })
}

/** `POST /<target>/_close`: acknowledged, and this index is closed. */
export function isClosed(body: unknown, target: string): boolean {
  const answer = object(body, '_close')
  const index = optionalObject(optionalObject(answer.indices)?.[target])
  return answer.acknowledged === true && index?.closed === true
}

/** `GET /_snapshot/<repository>/<snapshot>`. */
export function snapshotUuidOf(body: unknown, snapshot: string): string | null {
  const found = array(object(body, '_snapshot').snapshots, '_snapshot: snapshots')
  const [own] = found.map(value => object(value, '_snapshot: a snapshot')).filter(value => value.snapshot === snapshot)
  return own === undefined ? null : string(own.uuid, '_snapshot: uuid')
}

/** `GET /<target>/_stats?level=shards`. Shards that are not started are simply absent. */
export function shardStatsRows(body: unknown, target: string): ShardStatsRow[] {
  const indices = optionalObject(object(body, '_stats').indices) ?? {}
  const index = optionalObject(indices[target])
  if (index === null) return []
  const rows: ShardStatsRow[] = []
  for (const [name, copies] of Object.entries(object(index.shards, `_stats of ${target}: shards`))) {
    const where = `_stats of ${target}, shard ${name}`
    if (!/^\d+$/.test(name)) throw unknownShape(where, name)
    for (const value of array(copies, where)) {
      const copy = object(value, where)
      const routing = object(copy.routing, `${where}: routing`)
      const commit = optionalObject(copy.commit) ?? {}
      const sequence = optionalObject(copy.seq_no) ?? {}
      rows.push({
        shard: Number(name),
        primary: boolean(routing.primary, `${where}: routing.primary`),
        state: string(routing.state, `${where}: routing.state`),
        luceneDocs: optionalNumber(commit.num_docs),
        maxSeqNo: optionalNumber(sequence.max_seq_no),
        localCheckpoint: optionalNumber(sequence.local_checkpoint),
      })
    }
  }
  return rows.sort((a, b) => a.shard - b.shard)
}

/** `GET /_cluster/state/routing_table/<target>`: every primary, started or not. */
export function shardStateRows(body: unknown, target: string): UnstartedShard[] {
  const table = object(object(body, '_cluster/state').routing_table, '_cluster/state: routing_table')
  const index = optionalObject(object(table.indices, '_cluster/state: routing_table.indices')[target])
  if (index === null) return []
  const rows: UnstartedShard[] = []
  for (const [name, copies] of Object.entries(object(index.shards, `routing table of ${target}`))) {
    const where = `routing table of ${target}, shard ${name}`
    if (!/^\d+$/.test(name)) throw unknownShape(where, name)
    for (const value of array(copies, where)) {
      const copy = object(value, where)
      if (!boolean(copy.primary, `${where}: primary`)) continue
      const unassigned = optionalObject(copy.unassigned_info) ?? {}
      rows.push({
        shard: Number(name),
        state: string(copy.state, `${where}: state`),
        reason: optionalString(unassigned.reason),
        details: optionalString(unassigned.details),
        allocation: optionalString(unassigned.allocation_status),
      })
    }
  }
  return rows.sort((a, b) => a.shard - b.shard)
}

/** `POST /_cluster/allocation/explain`: why no node may have the shard, in the words of each that says no. */
export function allocationWords(body: unknown): string {
  const nodes = optionalObject(body)?.node_allocation_decisions
  const deciders = (Array.isArray(nodes) ? nodes : []).flatMap(node => {
    const said = optionalObject(node)?.deciders
    return Array.isArray(said) ? said.map(optionalObject) : []
  })
  const words = deciders.flatMap(decider => {
    const explanation = decider?.decision === 'NO' ? optionalString(decider.explanation) : null
    return explanation === null ? [] : [explanation]
  })
  return [...new Set(words)].join('; ').slice(0, 2_000)
}

/** `GET /<target>/_count`. A count over some of the shards only is no count: `engine-request`. */
export function countOf(body: unknown, target: string): number {
  const answer = object(body, `_count of ${target}`)
  const shards = object(answer._shards, `_count of ${target}: _shards`)
  const total = number(shards.total, `_count of ${target}: _shards.total`)
  const successful = number(shards.successful, `_count of ${target}: _shards.successful`)
  const failed = number(shards.failed, `_count of ${target}: _shards.failed`)
  if (failed !== 0 || successful !== total) {
    throw new SnapproofError('engine-request', `_count of ${target}: ${successful} of ${total} shards answered`)
  }
  return number(answer.count, `_count of ${target}: count`)
}

/** `GET /<target>/_mapping`, flattened: dotted field path → type. */
export function restoredFields(body: unknown, target: string): Record<string, string> {
  const index = object(object(body, '_mapping')[target], `_mapping of ${target}`)
  return Object.fromEntries(flattenMapping(index.mappings))
}

/** `GET /<target>/_stats/docs`: documents of all primaries, nested ones counted. */
export function documentsOf(body: unknown, target: string): number {
  const what = `_stats of ${target}`
  const shards = object(object(body, what)._shards, `${what}: _shards`)
  if (number(shards.failed, `${what}: _shards.failed`) !== 0) {
    throw new SnapproofError('engine-request', `${what}: not every shard answered`)
  }
  const primaries = object(object(object(body, what)._all, `${what}: _all`).primaries, `${what}: primaries`)
  return number(object(primaries.docs, `${what}: docs`).count, `${what}: docs.count`)
}

/** `GET /_cluster/state/metadata/<target>`: the mapping of its only type, flattened. */
export function stateFields(body: unknown, target: string): Record<string, string> {
  const what = `cluster state of ${target}`
  const indices = object(object(object(body, what).metadata, what).indices, what)
  const mappings = object(object(indices[target], what).mappings, `${what}: mappings`)
  return Object.fromEntries(flattenMapping(Object.values(mappings)[0] ?? {}))
}

/** `GET /_features`. */
export function featureNames(body: unknown): ReadonlySet<string> {
  const { features } = object(body, '_features')
  if (!Array.isArray(features)) throw unknownShape('_features: features', features)
  return new Set(features.map(feature => string(object(feature, '_features: a feature').name, '_features: name')))
}

export interface NodeAnswer {
  readonly version: string
  readonly indexVersion: number | null
}

/** `GET /_nodes/_local/stats/fs`: the only node's data folder. */
export function nodeDisk(body: unknown): { freeBytes: number; totalBytes: number } | null {
  const [node] = Object.values(optionalObject(optionalObject(body)?.nodes) ?? {})
  const total = optionalObject(optionalObject(optionalObject(node)?.fs)?.total)
  const freeBytes = optionalNumber(total?.available_in_bytes)
  const totalBytes = optionalNumber(total?.total_in_bytes)
  // A server that has not looked yet says 0 or less.
  return freeBytes === null || totalBytes === null || totalBytes <= 0 || freeBytes < 0
    ? null
    : { freeBytes, totalBytes }
}

/** `GET /_nodes/_local`: version and index version of the only node. */
export function nodeVersion(body: unknown): NodeAnswer {
  const nodes = Object.values(object(object(body, '_nodes').nodes, '_nodes: nodes'))
  if (nodes.length !== 1) throw unknownShape('_nodes: nodes', nodes.length)
  const node = object(nodes[0], '_nodes: a node')
  return { version: string(node.version, '_nodes: version'), indexVersion: optionalNumber(node.index_version) }
}

export interface ClusterAnswer {
  readonly name: string
  readonly product: 'elasticsearch' | 'opensearch'
  /** Of every node. */
  readonly versions: readonly string[]
  readonly indexVersion: number | null
  /** Null: the nodes do not say what is in them. */
  readonly xpack: boolean | null
}

/**
 * `GET /_cluster/health`, `GET /_nodes`, and `GET /` where there is one. OpenSearch says what it is in `GET /`; without, by what
 * its nodes do not have: a build flavor.
 */
export function clusterAnswer(health: unknown, nodes: unknown, root: unknown): ClusterAnswer {
  const all = Object.values(object(object(nodes, '_nodes').nodes, '_nodes: nodes')).map(node =>
    object(node, '_nodes: a node'),
  )
  const first = all[0]
  if (first === undefined) throw unknownShape('_nodes: nodes', {})
  const version = optionalObject(optionalObject(root)?.version)
  const flavored = all.every(node => typeof node.build_flavor === 'string')
  const product = version === null ? (flavored ? 'elasticsearch' : 'opensearch') : productIn(version)
  const modules = Array.isArray(first.modules)
    ? first.modules.flatMap(one => optionalString(optionalObject(one)?.name) ?? [])
    : []
  return {
    name: string(object(health, '_cluster/health').cluster_name, '_cluster/health: cluster_name'),
    product,
    versions: all.map(node => string(node.version, '_nodes: version')),
    indexVersion: optionalNumber(first.index_version),
    xpack: modules.length === 0 ? null : modules.includes('x-pack-core'),
  }
}

function productIn(version: Json): 'elasticsearch' | 'opensearch' {
  return version.distribution === 'opensearch' ? 'opensearch' : 'elasticsearch'
}

function unknownShape(where: string, value: unknown): SnapproofError {
  const text = JSON.stringify(value) ?? 'nothing'
  return new SnapproofError(
    'engine-request',
    `${where}: the server answered ${text.slice(0, 200)}, which is not understood`,
  )
}
function object(value: unknown, where: string): Json {
  const result = optionalObject(value)
  if (result === null) throw unknownShape(where, value)
  return result
}
function optionalObject(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null
}
function array(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw unknownShape(where, value)
  return value
}
function number(value: unknown, where: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw unknownShape(where, value)
  return value
}
function optionalNumber(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
function string(value: unknown, where: string): string {
  if (typeof value !== 'string') throw unknownShape(where, value)
  return value
}
function optionalString(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
function boolean(value: unknown, where: string): boolean {
  if (typeof value !== 'boolean') throw unknownShape(where, value)
  return value
}
