/**
 * Root `snap-<uuid>.dat`: what the master says of a whole snapshot.
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/snapshots/SnapshotInfo.java @ 9.5.3;
 * opensearch-project/OpenSearch: …/snapshots/SnapshotInfo.java @ 3.3.0 (`pinned_timestamp`, shallow copies)
 */
import type { WholeSnapshotInfo } from '../model/content.ts'
import { count, get, isObject, list, object, optionalCount, optionalText, text, texts } from './fields.ts'
import { decodeMetadataBlob } from './framing.ts'

export function decodeSnapshotInfo(bytes: Buffer, maxInflatedBytes?: number): WholeSnapshotInfo {
  const info = object(get(decodeMetadataBlob(bytes, ['snapshot'], maxInflatedBytes), 'snapshot'), 'snapshot')
  const name = text(info, 'name')
  const globalState = get(info, 'include_global_state')
  const pinned = get(info, 'pinned_timestamp')
  const indices = texts(info, 'indices')
  const isPinned = typeof pinned === 'number' && pinned !== 0
  return {
    name,
    uuid: optionalText(info, 'uuid') ?? name,
    versionId: count(info, 'version_id'),
    indices,
    indexCount: indices.length,
    dataStreams: texts(info, 'data_streams'),
    state: text(info, 'state'),
    includeGlobalState: typeof globalState === 'boolean' ? globalState : null,
    startedMs: optionalCount(info, 'start_time') ?? 0,
    endedMs: optionalCount(info, 'end_time') ?? 0,
    totalShards: optionalCount(info, 'total_shards') ?? 0,
    successfulShards: optionalCount(info, 'successful_shards') ?? 0,
    failures: list(info, 'failures').map((value, i) => {
      const failure = object(value, `failures[${i}]`)
      return {
        index: text(failure, 'index', `failures[${i}].index`),
        shard: count(failure, 'shard_id', `failures[${i}].shard_id`),
        reason: optionalText(failure, 'reason') ?? '',
      }
    }),
    features: list(info, 'feature_states').map((value, i) => {
      const feature = object(value, `feature_states[${i}]`)
      return {
        name: optionalText(feature, 'feature_name') ?? '',
        indices: texts(feature, 'indices', `feature_states[${i}].indices`),
      }
    }),
    indexDetails: indexDetails(info),
    shallow: get(info, 'remote_store_index_shallow_copy') === true || isPinned,
    ...(isPinned ? { pinned: true } : {}),
  }
}

/** Entries that are absent or all zero were skipped by the server and say nothing. */
function indexDetails(info: Parameters<typeof get>[0]): WholeSnapshotInfo['indexDetails'] {
  const details = new Map<string, { shardCount: number; bytes: number }>()
  const value = get(info, 'index_details')
  if (!isObject(value)) return details
  for (const [index, entry] of Object.entries(value)) {
    const detail = object(entry, `index_details.${index}`)
    const shardCount = count(detail, 'shard_count', `index_details.${index}.shard_count`)
    const bytes = count(detail, 'size_in_bytes', `index_details.${index}.size_in_bytes`)
    if (shardCount !== 0 || bytes !== 0) details.set(index, { shardCount, bytes })
  }
  return details
}
