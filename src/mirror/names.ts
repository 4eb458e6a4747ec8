/**
 * Pure: which keys of a repository may become paths of ours. The keys come from the repository's own bytes: whatever is not
 * one of the known shapes is refused, so that no key leads out of the mirror's folder.
 *
 * elastic/elasticsearch: server/src/main/java/org/elasticsearch/repositories/blobstore/package-info.java @ 9.5.3
 */
import type { MirrorPart } from './port.ts'

/** `index-and-latest` have no checksum inside; `framed` blobs end with a codec footer; `data` blobs are Lucene's bytes. */
export type BlobKind = 'generation' | 'latest' | 'framed' | 'data'

// Ids are 22 characters of URL-safe base64 today; repositories of old servers have index names and numbers in their place.
const id = '[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}'
// opensearch-project/OpenSearch: server/src/main/java/org/opensearch/index/remote/RemoteStoreEnums.java @ 3.3.0
const hashed = '(?:[A-Za-z0-9_-][01]{14}/)?'
const shapes: readonly (readonly [RegExp, BlobKind])[] = [
  [/^index-(?:0|[1-9]\d{0,14})$/, 'generation'],
  [/^index\.latest$/, 'latest'],
  [new RegExp(`^(?:snap|meta)-${id}\\.dat$`), 'framed'],
  [new RegExp(`^indices/${id}/meta-${id}\\.dat$`), 'framed'],
  [new RegExp(`^${hashed}indices/${id}/\\d{1,5}/snap-${id}\\.dat$`), 'framed'],
  [new RegExp(`^${hashed}indices/${id}/\\d{1,5}/index-${id}$`), 'framed'],
  [new RegExp(`^${hashed}indices/${id}/\\d{1,5}/__[A-Za-z0-9_-]{1,200}(?:\\.part\\d{1,9})?$`), 'data'],
]

/** Null for a path that must not be used. */
export function blobKind(path: string): BlobKind | null {
  return shapes.find(([shape]) => shape.test(path))?.[1] ?? null
}

/** The place of a part in the mirror. */
export function pathOf(part: MirrorPart): string {
  return part.path ?? part.key
}

/** The N of `index-N`; null for any other key. */
export function generationOf(key: string): number | null {
  return blobKind(key) === 'generation' ? Number(key.slice('index-'.length)) : null
}
