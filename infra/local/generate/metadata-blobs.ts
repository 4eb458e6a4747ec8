/**
 * Every metadata blob of a generated repository, as Elasticsearch 8.19 writes it, encoded when asked for.
 * Source: decoded blobs of the fixtures in test/fixtures/repositories, and what the readers in src/repository name
 */
import type { SmileObject } from '../../../src/repository/smile.ts'
import { deflated, envelope } from './envelope.ts'
import { idOf } from './ids.ts'
import { generationOf, type RepositoryShape, turnover } from './shape.ts'
import { bytesIn, filesIn, filesOfShard, namesFrom } from './shard-files.ts'
import { encodeSmile } from './smile.ts'

/** IndexVersion of 8.19.0. */
export const indexVersion = 8_536_000
const firstNightMs = Date.UTC(2026, 0, 1, 1)
const nightMs = 86_400_000
const snapshotMs = 60_000

export function snapshotName(snapshot: number): string {
  return `nightly-${String(snapshot).padStart(6, '0')}`
}

export function snapshotUuid({ seed }: RepositoryShape, snapshot: number): string {
  return idOf(seed, 'snapshot', snapshot)
}

export function snapshotTimes(snapshot: number): { readonly startedMs: number; readonly endedMs: number } {
  const startedMs = firstNightMs + snapshot * nightMs
  return { startedMs, endedMs: startedMs + snapshotMs }
}

export function indexName(index: number): string {
  return `logs-${String(index).padStart(6, '0')}`
}

export function indexId({ seed }: RepositoryShape, index: number): string {
  return idOf(seed, 'index', index)
}

export function indexMetadataBlobId({ seed }: RepositoryShape, index: number): string {
  return idOf(seed, 'indexMetadata', index)
}

/** What `index-N` calls the index metadata: its uuid in the cluster, no history uuid, versions of settings, mapping, aliases. */
export function indexMetadataIdentifier({ seed }: RepositoryShape, index: number): string {
  return `${idOf(seed, 'indexInCluster', index)}-_na_-1-2-1`
}

/** Of a shard, counted over all indices: a new one with every generation of the repository. */
export function shardGeneration(shape: RepositoryShape, shard: number): string {
  return idOf(shape.seed, 'generation', shard, generationOf(shape))
}

function blob(shape: RepositoryShape, codec: string, root: SmileObject): Buffer {
  const body = encodeSmile(root)
  return envelope(codec, shape.compress ? deflated(body) : body)
}

export function rootSnapshotBlob(shape: RepositoryShape, snapshot: number): Buffer {
  const { startedMs, endedMs } = snapshotTimes(snapshot)
  const names = Array.from({ length: shape.indices }, (_, index) => indexName(index))
  const details: Record<string, SmileObject> = {}
  names.forEach((name, index) => {
    let bytes = 0
    for (let shard = 0; shard < shape.shards; shard++) bytes += bytesIn(shape, index * shape.shards + shard, snapshot)
    details[name] = { shard_count: shape.shards, size_in_bytes: bytes, max_segments_per_shard: shape.segments }
  })
  return blob(shape, 'snapshot', {
    snapshot: {
      name: snapshotName(snapshot),
      uuid: snapshotUuid(shape, snapshot),
      version_id: indexVersion,
      indices: names,
      data_streams: [],
      state: 'SUCCESS',
      include_global_state: false,
      start_time: startedMs,
      end_time: endedMs,
      total_shards: shape.indices * shape.shards,
      successful_shards: shape.indices * shape.shards,
      failures: [],
      feature_states: [],
      index_details: details,
    },
  })
}

export function globalMetadataBlob(shape: RepositoryShape): Buffer {
  return blob(shape, 'metadata', {
    'meta-data': {
      version: 26,
      cluster_uuid: idOf(shape.seed, 'cluster'),
      cluster_uuid_committed: true,
      cluster_coordination: {
        term: 1,
        last_committed_config: [],
        last_accepted_config: [],
        voting_config_exclusions: [],
      },
      templates: {},
    },
  })
}

export function indexMetadataBlob(shape: RepositoryShape, index: number): Buffer {
  const name = indexName(index)
  const shards = Array.from({ length: shape.shards }, (_, shard) => shard)
  return blob(shape, 'index-metadata', {
    [name]: {
      version: 7,
      transport_version: '8841070',
      mapping_version: 2,
      settings_version: 1,
      aliases_version: 1,
      routing_num_shards: 1024 - (1024 % shape.shards),
      state: 'open',
      settings: {
        'index.creation_date': String(firstNightMs - nightMs),
        'index.number_of_replicas': '1',
        'index.number_of_shards': String(shape.shards),
        'index.provided_name': name,
        'index.uuid': idOf(shape.seed, 'indexInCluster', index),
        'index.version.created': String(indexVersion),
      },
      mappings: [
        {
          _doc: {
            properties: {
              '@timestamp': { type: 'date' },
              level: { type: 'keyword' },
              message: { type: 'text', fields: { keyword: { type: 'keyword', ignore_above: 256 } } },
            },
          },
        },
      ],
      aliases: {},
      primary_terms: shards.map(() => 1),
      in_sync_allocations: Object.fromEntries(
        shards.map(shard => [String(shard), [idOf(shape.seed, 'state', index, shard)]]),
      ),
      rollover_info: {},
      mappings_updated_version: indexVersion,
      system: false,
      timestamp_range: { unknown: true },
      event_ingested_range: { unknown: true },
    },
  })
}

/** `shard` is counted over all indices. */
export function shardSnapshotBlob(shape: RepositoryShape, shard: number, snapshot: number): Buffer {
  const { startedMs } = snapshotTimes(snapshot)
  return blob(shape, 'snapshot', {
    name: snapshotName(snapshot),
    index_version: 0,
    start_time: startedMs,
    time: 200,
    number_of_files: 0,
    total_size: 0,
    files: filesIn(shape, shard, snapshot),
  })
}

export function shardGenerationBlob(shape: RepositoryShape, shard: number): Buffer {
  const snapshots: Record<string, SmileObject> = {}
  let known = { from: -1, files: [] as string[], state: '' }
  for (let snapshot = shape.deleted; snapshot < shape.snapshots; snapshot++) {
    const from = turnover(shape, shard, snapshot)
    if (from !== known.from) {
      known = { from, files: namesFrom(shape, shard, from), state: idOf(shape.seed, 'state', shard, from) }
    }
    snapshots[snapshotName(snapshot)] = { files: known.files, shard_state_id: known.state }
  }
  return blob(shape, 'snapshots', { files: filesOfShard(shape, shard), snapshots })
}
