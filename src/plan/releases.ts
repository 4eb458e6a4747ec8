/**
 * Which release of Elasticsearch first wrote a version id. Up to 8.10 the id says it; then it is an index version, which
 * counts on its own. Pure.
 *
 * Source: elastic/elasticsearch: server/src/main/resources/org/elasticsearch/index/IndexVersions.csv @ 9.5.3
 */

/** From 8.11 on. */
const firstIndexVersion = 8_500_000

/** Ascending: index version → the first release that has it. */
const releases: readonly (readonly [number, string])[] = [
  [8_500_003, '8.11.0'],
  [8_500_008, '8.12.0'],
  [8_500_010, '8.12.1'],
  [8_503_000, '8.13.0'],
  [8_505_000, '8.14.0'],
  [8_512_000, '8.15.0'],
  [8_518_000, '8.16.0'],
  [8_521_000, '8.17.0'],
  [8_525_000, '8.18.0'],
  [8_536_000, '8.19.0'],
  [8_537_000, '8.19.9'],
  [9_009_000, '9.0.0'],
  [9_033_000, '9.1.0'],
  [9_033_001, '9.1.9'],
  [9_039_001, '9.2.0'],
  [9_039_002, '9.2.2'],
  [9_039_003, '9.2.3'],
  [9_060_000, '9.3.0'],
  [9_060_001, '9.3.3'],
  [9_094_000, '9.4.0'],
  [9_107_000, '9.5.0'],
  [9_111_000, '9.5.2'],
]

/** The first release that can read what has this id: `x.y.z`; null: a later one than this table knows. */
export function releaseOf(id: number): string | null {
  const major = Math.floor(id / 1_000_000)
  if (id < firstIndexVersion) return `${major}.${Math.floor(id / 10_000) % 100}.${Math.floor(id / 100) % 100}`
  // One between two was never released: the next release has it.
  const [, release] = releases.find(([version]) => version >= id && Math.floor(version / 1_000_000) === major) ?? []
  return release ?? null
}
