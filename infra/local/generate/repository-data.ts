/** `index-N` of a generated repository as a stream: hundreds of megabytes come from a few kilobytes. */
import { idOf } from './ids.ts'
import {
  indexId,
  indexMetadataBlobId,
  indexMetadataIdentifier,
  indexName,
  indexVersion,
  shardGeneration,
  snapshotName,
  snapshotTimes,
  snapshotUuid,
} from './metadata-blobs.ts'
import type { RepositoryShape } from './shape.ts'

/** How much a chunk holds, as from a socket. */
const chunkBytes = 65_536

/** Chunks in order. */
export function* repositoryDataChunks(shape: RepositoryShape): Generator<Buffer> {
  let waiting: Buffer[] = []
  let length = 0
  for (const piece of pieces(shape)) {
    for (let at = 0; at < piece.length; at += chunkBytes) {
      const part = piece.subarray(at, at + chunkBytes)
      waiting.push(part)
      length += part.length
      if (length < chunkBytes) continue
      yield Buffer.concat(waiting)
      waiting = []
      length = 0
    }
  }
  if (length > 0) yield Buffer.concat(waiting)
}

export function repositoryDataBytes(shape: RepositoryShape): number {
  let bytes = 0
  for (const piece of pieces(shape)) bytes += piece.length
  return bytes
}

/** What repeats (the look-up of every snapshot, the snapshots of every index) is made once. */
function* pieces(shape: RepositoryShape): Generator<Buffer> {
  const { seed } = shape
  const snapshots = numbers(shape.deleted, shape.snapshots)
  const indices = numbers(0, shape.indices)
  const head = { min_version: '7.12.0', uuid: idOf(seed, 'repository'), cluster_id: idOf(seed, 'cluster') }
  const lookup = json(Object.fromEntries(indices.map(i => [indexId(shape, i), indexMetadataIdentifier(shape, i)])))
  const holders = json(snapshots.map(snapshot => snapshotUuid(shape, snapshot)))
  yield Buffer.from(`${JSON.stringify(head).slice(0, -1)},"snapshots":[`)
  for (const [i, snapshot] of snapshots.entries()) {
    const { startedMs, endedMs } = snapshotTimes(snapshot)
    const start = { name: snapshotName(snapshot), uuid: snapshotUuid(shape, snapshot), state: 1 }
    const rest = {
      version: '8.11.0',
      index_version: indexVersion,
      start_time_millis: startedMs,
      end_time_millis: endedMs,
      slm_policy: 'nightly',
    }
    yield Buffer.from(`${i === 0 ? '' : ','}${JSON.stringify(start).slice(0, -1)},"index_metadata_lookup":`)
    yield lookup
    yield Buffer.from(`,${JSON.stringify(rest).slice(1)}`)
  }
  yield Buffer.from('],"indices":{')
  for (const index of indices) {
    yield Buffer.from(`${index === 0 ? '' : ','}"${indexName(index)}":{"id":"${indexId(shape, index)}","snapshots":`)
    yield holders
    const generations = numbers(0, shape.shards).map(s => shardGeneration(shape, index * shape.shards + s))
    yield Buffer.from(`,"shard_generations":${JSON.stringify(generations)}}`)
  }
  const identifiers = indices.map(i => [indexMetadataIdentifier(shape, i), indexMetadataBlobId(shape, i)])
  yield Buffer.from(`},"index_metadata_identifiers":${JSON.stringify(Object.fromEntries(identifiers))}}`)
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
