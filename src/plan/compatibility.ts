/**
 * Which engine restores which index: the version matrix as data, and the nearest engine for a content. Pure.
 *
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/index/IndexVersions.java (MINIMUM_COMPATIBLE)
 * @ 7.17.29, 8.19.0, 9.5.3; opensearch-project/OpenSearch: libs/core/src/main/java/org/opensearch/Version.java @ 3.3.0.
 * A 9.x server takes 7.x indices only when they were marked read-only by an upgrade and x-pack is present, so 7.x
 * belongs on 8.x here. 5.x and 6.x archives need a licence: not counted.
 */
export interface EngineOffer {
  readonly name: string
  readonly product: 'elasticsearch' | 'opensearch'
  /** `x.y.z` */
  readonly version: string
}

interface Origin {
  readonly product: 'elasticsearch' | 'opensearch'
  readonly major: number
}

/** OpenSearch sets bit 27 in its version ids. */
const openSearchBit = 0x08000000

/** Majors of the creating server that a server of the given major restores. */
const restores: Readonly<Record<EngineOffer['product'], Readonly<Record<number, readonly Origin[]>>>> = {
  elasticsearch: {
    7: [elasticsearch(6), elasticsearch(7)],
    8: [elasticsearch(7), elasticsearch(8)],
    9: [elasticsearch(8), elasticsearch(9)],
  },
  opensearch: {
    1: [elasticsearch(6), elasticsearch(7), openSearch(1)],
    2: [elasticsearch(7), openSearch(1), openSearch(2)],
    3: [openSearch(2), openSearch(3)],
  },
}

/** `index.version.created` and the like: 8536000 → Elasticsearch 8, 7172899 → Elasticsearch 7. */
export function originOf(versionId: number): Origin {
  return (versionId & openSearchBit) !== 0
    ? openSearch(Math.floor((versionId ^ openSearchBit) / 1_000_000))
    : elasticsearch(Math.floor(versionId / 1_000_000))
}

/**
 * The engine to restore with: one that takes an index created by `createdVersion`, is not older than the major that
 * took the snapshot, same major first, then the lowest. Null: no configured engine does.
 *
 * `createdVersion` null means that the metadata do not say; then only the snapshot's own version decides.
 */
export function chooseEngine<Offer extends EngineOffer>(
  createdVersion: number | null,
  snapshotVersion: number | null,
  offers: readonly Offer[],
): Offer | null {
  const wanted = [createdVersion, snapshotVersion].filter(id => id !== null).map(originOf)
  const newest = wanted.at(-1)
  if (newest === undefined) return null
  const fitting = offers.filter(offer => {
    const taken = restores[offer.product][majorOf(offer.version)] ?? []
    return wanted.every(origin => taken.some(t => t.product === origin.product && t.major === origin.major))
  })
  const distance = (offer: Offer) =>
    (offer.product === newest.product ? 0 : 100) + Math.abs(majorOf(offer.version) - newest.major)
  return [...fitting].sort((a, b) => distance(a) - distance(b) || compareVersions(b.version, a.version))[0] ?? null
}

export function majorOf(version: string): number {
  return Number.parseInt(version, 10)
}

/** Negative when `a` is older. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map(v => v.split('.').map(part => Number.parseInt(part, 10) || 0)) as [
    number[],
    number[],
  ]
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function elasticsearch(major: number): Origin {
  return { product: 'elasticsearch', major }
}
function openSearch(major: number): Origin {
  return { product: 'opensearch', major }
}
