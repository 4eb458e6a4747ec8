/**
 * Which blobs a restore has read: those of the files that the server says it copied, whole, in this very restore. Pure.
 *
 * A server compares what it copies with the checksum in the snapshot's file list, so a file that it copied and a shard that is done
 * prove the bytes of its blobs. What it kept proves nothing. Where the list of files is not the one expected, nothing is taken as read.
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/repositories/blobstore/{BlobStoreRepository,
 * FileRestoreContext}.java (createVerifyingOutput, Store.verify) @ 9.5.3
 */
import type { Evidence, Expectation, FileRow, RecoveryRow } from '../model/evidence.ts'

export function copiedBlobs(expected: Expectation, recovery: Evidence['recovery'], rows: readonly FileRow[]): string[] {
  const copied = new Set<string>()
  for (const { shard, files } of expected.shards) {
    const done = recovery.filter(row => row.shard === shard && row.primary)
    const listed = rows.filter(row => row.shard === shard)
    const names = new Map(listed.map(row => [row.file, row]))
    const [row] = done
    if (row === undefined || done.length > 1 || !isOf(row, expected)) continue
    if (listed.length !== files || names.size !== files) continue
    for (const file of expected.files ?? []) {
      const found = file.shard === shard ? names.get(file.file) : undefined
      const whole = found !== undefined && found.bytes === file.bytes && found.recoveredBytes === file.bytes
      if (whole && !found.reused) for (const blob of file.blobs) copied.add(blob)
    }
  }
  return [...copied]
}

function isOf(row: RecoveryRow, { snapshot, indexName }: Expectation): boolean {
  return row.type === 'SNAPSHOT' && row.stage === 'DONE' && row.snapshot === snapshot && row.index === indexName
}
