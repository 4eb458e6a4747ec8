/**
 * Names from the repository, checked before they become part of a key or a request: whoever can write the bucket
 * writes them.
 */

/** Characters that Elasticsearch refuses in index and snapshot names, and control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const forbidden = /[\\/*?"<>|,# \u0000-\u001f\u007f]/

/** One path segment of a key: snapshot uuids, index ids, generations, metadata blob ids. */
export function isSafeSegment(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !forbidden.test(name) && Buffer.byteLength(name) <= 255
}

/** Looser than Elasticsearch, whose rules grew: what could climb out of a path or break a line. Bounded, since it is printed. */
export function isSnapshotName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return name !== '' && name.length <= 4096 && !/[\\/\u0000-\u001f\u007f]/.test(name)
}

/** elastic/elasticsearch: …/cluster/metadata/MetadataCreateIndexService.java#validateIndexOrAliasName @ 9.5.3, less its lower case. */
export function isIndexName(name: string): boolean {
  return isSafeSegment(name) && !/^[_\-+]/.test(name)
}

/** `__<22 characters>` is an object, `v__…` lives in its metadata; very old ones are `__0`, `__1a`, … */
export function isBlobName(name: string): boolean {
  return name.length <= 255 && /^(?:__|v__)[A-Za-z0-9_-]+$/.test(name)
}

/** `_0.cfs`, `_0_Lucene90_0.dvd`, `segments_5`. */
export function isLuceneFileName(name: string): boolean {
  return name.length <= 255 && /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name)
}
