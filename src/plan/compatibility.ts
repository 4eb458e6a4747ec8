/**
 * Which engine restores which index: the version matrix as data, and the nearest engine for a content. Pure.
 *
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/index/IndexVersions.java (MINIMUM_COMPATIBLE,
 * MINIMUM_READONLY_COMPATIBLE) @ 7.17.29, 8.19.0, 9.5.3; opensearch-project/OpenSearch:
 * libs/core/src/main/java/org/opensearch/Version.java @ 3.3.0.
 */
import { releaseOf } from './releases.ts'

export type Product = 'elasticsearch' | 'opensearch'

export interface EngineOffer {
  readonly name: string
  readonly product: Product
  /** `x.y.z` */
  readonly version: string
  /** A bare server refuses what only x-pack's modules let in. @default false */
  readonly xpack?: boolean
}

export interface Origin {
  readonly product: Product
  readonly major: number
  /** The first release that writes this id, `x.y.z`; null: one that this program does not know yet. */
  readonly release: string | null
}

/**
 * How a server of one major meets an index of another: `yes`; `marked`: only where an upgrade marked it read-only, and
 * x-pack is there; `archive`: read-only, with x-pack and an Enterprise or trial licence, which is never counted on.
 */
export type Meeting = 'yes' | 'marked' | 'archive' | 'no'

type Family = `${Product} ${number}`

/** Server → index created by → how they meet. What is not here, they do not. */
const meetings: Readonly<Record<Family, Readonly<Partial<Record<Family, Meeting>>>>> = {
  'elasticsearch 7': { 'elasticsearch 6': 'yes', 'elasticsearch 7': 'yes' },
  'elasticsearch 8': {
    'elasticsearch 5': 'archive',
    'elasticsearch 6': 'archive',
    'elasticsearch 7': 'yes',
    'elasticsearch 8': 'yes',
  },
  'elasticsearch 9': {
    'elasticsearch 5': 'archive',
    'elasticsearch 6': 'archive',
    'elasticsearch 7': 'marked',
    'elasticsearch 8': 'yes',
    'elasticsearch 9': 'yes',
  },
  'opensearch 1': { 'elasticsearch 6': 'yes', 'elasticsearch 7': 'yes', 'opensearch 1': 'yes' },
  'opensearch 2': { 'elasticsearch 7': 'yes', 'opensearch 1': 'yes', 'opensearch 2': 'yes' },
  'opensearch 3': { 'opensearch 2': 'yes', 'opensearch 3': 'yes' },
}

/** OpenSearch sets bit 27 in its version ids. */
const openSearchBit = 0x08000000

/** `index.version.created` and the like: 8536000 → Elasticsearch 8.19.0, 7172899 → Elasticsearch 7.17.28. */
export function originOf(versionId: number): Origin {
  const open = (versionId & openSearchBit) !== 0
  const id = open ? versionId ^ openSearchBit : versionId
  const major = Math.floor(id / 1_000_000)
  if (!open) return { product: 'elasticsearch', major, release: releaseOf(id) }
  return {
    product: 'opensearch',
    major,
    release: `${major}.${Math.floor(id / 10_000) % 100}.${Math.floor(id / 100) % 100}`,
  }
}

/** How a server of this product and major meets an index of this origin, whatever else stands in the way. */
export function meetingOf(server: { readonly product: Product; readonly major: number }, origin: Origin): Meeting {
  return meetings[familyOf(server)]?.[familyOf(origin)] ?? 'no'
}

/** Products and majors that are known at all. */
export function isKnownServer(server: { readonly product: Product; readonly major: number }): boolean {
  return meetings[familyOf(server)] !== undefined
}

/**
 * The engine to restore with: one that takes an index created by `createdVersion` and is not older than the server that
 * took the snapshot; same product and major first, then the nearest above it. Null: no configured engine does.
 *
 * `createdVersion` null means that the metadata do not say; then only the snapshot's own version decides. `marked`: the
 * index was marked read-only by an upgrade; what a server took that opens only such ones is.
 */
export function chooseEngine<Offer extends EngineOffer>(
  createdVersion: number | null,
  snapshotVersion: number | null,
  offers: readonly Offer[],
  marked = false,
): Offer | null {
  const wanted = [createdVersion, snapshotVersion].filter(id => id !== null).map(originOf)
  const newest = wanted.at(-1)
  if (newest === undefined) return null
  const isMarked = marked || wanted.some(origin => meetingOf(newest, origin) === 'marked')
  const fitting = offers.filter(offer => wanted.every(origin => takes(offer, origin, isMarked)))
  const distance = (offer: Offer) =>
    (offer.product === newest.product ? 0 : 100) + Math.abs(majorOf(offer.version) - newest.major)
  // Of a release that is not known yet: the newest has the best chance.
  const nearest = newest.release === null ? -1 : 1
  return (
    [...fitting].sort(
      (a, b) =>
        distance(a) - distance(b) || nearest * compareVersions(a.version, b.version) || (a.name < b.name ? -1 : 1),
    )[0] ?? null
  )
}

function takes(offer: EngineOffer, origin: Origin, marked: boolean): boolean {
  const major = majorOf(offer.version)
  const meeting = meetingOf({ product: offer.product, major }, origin)
  if (meeting !== 'yes' && !(meeting === 'marked' && marked && offer.xpack === true)) return false
  // OpenSearch throws on repositories of format 7.12, and passes for Elasticsearch 7.10.
  if (offer.product !== origin.product) return !writesNewFormat(origin)
  return isAtLeast(offer, origin)
}

/** Root fields `uuid` and `cluster_id` came with 7.12. */
export function writesNewFormat({ product, major, release }: Origin): boolean {
  return product === 'elasticsearch' && (release === null ? major >= 7 : compareVersions(release, '7.11.0') >= 0)
}

function isAtLeast(offer: EngineOffer, origin: Origin): boolean {
  const major = majorOf(offer.version)
  if (major !== origin.major) return major > origin.major
  // Not known: the server itself must tell.
  return compareVersions(offer.version, origin.release ?? `${origin.major}.0.0`) >= 0
}

/** What of x-pack's is not in Maven Central is in every other Elasticsearch. */
export function offersOf<Config extends Omit<EngineOffer, 'xpack'> & { readonly kind: string }>(
  engines: readonly Config[],
): (Config & EngineOffer)[] {
  return engines.map(engine => ({ ...engine, xpack: engine.product === 'elasticsearch' && engine.kind !== 'maven' }))
}

/** An engine that would do. */
export interface EngineNeed {
  readonly product: Product
  /** The oldest that would: `x.y.z`. */
  readonly version: string
}

/** Newest known of each major that restores others. */
const worthwhile: readonly EngineNeed[] = [
  { product: 'elasticsearch', version: '7.17.0' },
  { product: 'elasticsearch', version: '8.19.0' },
  { product: 'elasticsearch', version: '9.0.0' },
  { product: 'opensearch', version: '2.19.0' },
  { product: 'opensearch', version: '3.0.0' },
]

/** Which engine to add for a content that none takes; null: there is none that could. */
export function engineNeeded(createdVersion: number | null, snapshotVersion: number | null): EngineNeed | null {
  const newest = [createdVersion, snapshotVersion]
    .filter(id => id !== null)
    .map(originOf)
    .at(-1)
  if (newest === undefined) return null
  const candidates = worthwhile.map(need => {
    const isSame = need.product === newest.product && majorOf(need.version) === newest.major
    const version =
      isSame && newest.release !== null && compareVersions(newest.release, need.version) > 0
        ? newest.release
        : need.version
    return { ...need, version, name: '', xpack: true }
  })
  const chosen = chooseEngine(createdVersion, snapshotVersion, candidates)
  return chosen === null ? null : { product: chosen.product, version: chosen.version }
}

/** For plan, log and report: what is lacking, and what to add. */
export function sayNeed(createdVersion: number | null, snapshotVersion: number | null): string {
  const origins = [snapshotVersion, createdVersion].map(id => (id === null ? null : sayOrigin(originOf(id))))
  const [taken, created] = origins
  const what = `what ${taken ?? 'an unknown version'} wrote${created === null || created === taken ? '' : ` with indices created by ${created}`}`
  const need = engineNeeded(createdVersion, snapshotVersion)
  if (need === null) {
    const archive = [createdVersion, snapshotVersion].some(id => id !== null && isArchive(originOf(id)))
    const why = archive
      ? 'Elasticsearch 8.3 and later open it as an archive with an Enterprise or trial licence, which is not counted on'
      : 'none is known that would'
    return `no configured engine restores ${what}; ${why}`
  }
  const bare = chooseEngine(createdVersion, snapshotVersion, [{ ...need, name: '' }])
  const full = bare === null ? ', a full distribution and not kind maven' : ''
  return `no configured engine restores ${what}: add one with product ${need.product}, version ${need.version} or a later ${majorOf(need.version)}.x${full}`
}

function isArchive(origin: Origin): boolean {
  return meetingOf({ product: 'elasticsearch', major: 8 }, origin) === 'archive'
}

/** `elasticsearch 8.19.0`; of a release that is not known, its major. */
export function sayOrigin({ product, major, release }: Origin): string {
  return `${product} ${release ?? `${major}.x`}`
}

function familyOf({ product, major }: { readonly product: Product; readonly major: number }): Family {
  return `${product} ${major}`
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
