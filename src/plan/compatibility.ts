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
  /** Null: the id does not say it. */
  readonly minor: number | null
}
type Family = Pick<Origin, 'product' | 'major'>

/** OpenSearch sets bit 27 in its version ids. */
const openSearchBit = 0x08000000

/** Majors of the creating server that a server of the given major restores. */
const restores: Readonly<Record<EngineOffer['product'], Readonly<Record<number, readonly Family[]>>>> = {
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

/** From 8.11 on ids are index versions, which say the major only; below they are product versions. */
const firstIndexVersion = 8_500_000

/** `index.version.created` and the like: 8536000 → Elasticsearch 8, 7172899 → Elasticsearch 7.17. */
export function originOf(versionId: number): Origin {
  const open = (versionId & openSearchBit) !== 0
  const id = open ? versionId ^ openSearchBit : versionId
  const minor = !open && id >= firstIndexVersion ? null : Math.floor(id / 10_000) % 100
  return { product: open ? 'opensearch' : 'elasticsearch', major: Math.floor(id / 1_000_000), minor }
}

/**
 * The engine to restore with: one that takes an index created by `createdVersion` and is not older than the server that
 * took the snapshot; same product and major first, then the newest of that major. Null: no configured engine does.
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
  const fitting = offers.filter(offer => wanted.every(origin => takes(offer, origin)))
  const distance = (offer: Offer) =>
    (offer.product === newest.product ? 0 : 100) + Math.abs(majorOf(offer.version) - newest.major)
  return (
    [...fitting].sort(
      (a, b) => distance(a) - distance(b) || compareVersions(b.version, a.version) || (a.name < b.name ? -1 : 1),
    )[0] ?? null
  )
}

function takes(offer: EngineOffer, origin: Origin): boolean {
  const major = majorOf(offer.version)
  const families = restores[offer.product][major] ?? []
  if (!families.some(family => family.product === origin.product && family.major === origin.major)) return false
  if (offer.product !== origin.product) {
    // OpenSearch throws on repositories of format 7.12, and passes for Elasticsearch 7.10.
    return origin.major < 7 || (origin.minor ?? 0) <= 10
  }
  // An index version of major 8 is that of 8.11 or later; in major 9 the server itself must tell.
  const oldest = origin.minor ?? (origin.major === 8 ? 11 : 0)
  return major > origin.major || compareVersions(offer.version, `${origin.major}.${oldest}.0`) >= 0
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

function elasticsearch(major: number): Family {
  return { product: 'elasticsearch', major }
}
function openSearch(major: number): Family {
  return { product: 'opensearch', major }
}
