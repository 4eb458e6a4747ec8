/**
 * What the words of a server mean: that it is the wrong server, or in trouble itself, and not that the snapshot is bad.
 *
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/{snapshots/RestoreService,
 * cluster/metadata/IndexMetadataVerifier, index/mapper/MapperParsingException, cluster/block/ClusterBlockException}.java
 * @ 9.5.3
 */
import type { Reason } from '../model/verdict.ts'

/** Damage beats everything else: the other words may stand in a name of the owner's beside it. */
const damage = /CorruptIndex|corrupt_index|CorruptStateException|checksum failed/i

const ours: readonly { readonly words: RegExp; readonly reason: Reason }[] = [
  { words: /which is (higher|newer) than the version of this node/i, reason: 'no-engine-for-version' },
  {
    words: /minimum (index )?compatibility version|minimum compatible|must be marked as read-only/i,
    reason: 'no-engine-for-version',
  },
  {
    words:
      /no handler for type|failed to parse mappings|unknown (token )?filter|unknown .*analyzer|unknown .*tokenizer|failed to find .*(filter|analyzer|tokenizer)|no (such )?plugin/i,
    reason: 'engine-lacks',
  },
  { words: /cannot be upgraded/i, reason: 'engine-lacks' },
  { words: /maximum (normal )?shards open|max_shards_per_node/i, reason: 'does-not-fit' },
  { words: /non-compliant for \[/i, reason: 'engine-lacks' },
  {
    words:
      /no space left on device|disk quota exceeded|disk usage exceeded|not enough disk space|the node is above the (low|high) watermark/i,
    reason: 'disk-full',
  },
  // The process or its machine: memory, memory maps, file descriptors, a disk that went read-only.
  {
    words:
      /OutOfMemoryError|java heap space|CircuitBreakingException|circuit_breaking_exception|\bMap failed\b|too many open files|read-only file system/i,
    reason: 'evidence-incomplete',
  },
  // Our own target of an earlier attempt, still there.
  { words: /an open index with same name already exists/i, reason: 'evidence-incomplete' },
  // A server that reads the bucket itself: expired or missing credentials, throttling, the network. 404 is a missing blob: that accuses.
  {
    words:
      /\(Service: (?:Amazon )?S3[,;] Status Code: (?!404)\d{3}|The specified bucket does not exist|SdkClientException|AmazonClientException|Unable to (?:execute HTTP request|load credentials)|Failed to load credentials|Premature end of Content-Length|SocketTimeoutException|ConnectionPoolTimeoutException/,
    reason: 'store-unavailable',
  },
  // The index was never opened: its settings, analyzers or mapping ask for what this server has not. No blob was read yet.
  { words: /failed to create index, failure|failed to update mapping for index, failure/i, reason: 'engine-lacks' },
]

/** The reason when the words speak of the server's own lack or trouble; null: they speak of the snapshot. */
export function ownReason(words: string): Reason | null {
  if (damage.test(words)) return null
  return ours.find(own => own.words.test(words))?.reason ?? null
}
