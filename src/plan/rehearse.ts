/**
 * Which snapshots die at an upgrade, from metadata alone. Pure.
 *
 * The server that is rehearsed is a full distribution of the version asked for. What the metadata do not tell (a plugin that
 * is gone, a mapping that a newer server refuses) only a restore tells: `verify --rehearse`.
 */
import { SnapproofError } from '../errors.ts'
import {
  compareVersions,
  type EngineOffer,
  isKnownServer,
  majorOf,
  meetingOf,
  originOf,
  type Product,
  sayOrigin,
  writesNewFormat,
} from './compatibility.ts'

export interface RehearsalTarget {
  readonly product: Product
  /** As asked: `9`, `9.2` or `9.5.3`. */
  readonly version: string
}

export type RehearsalOutcome = 'survives' | 'dies' | 'needs-licence' | 'unknown'

export interface RehearsalSubject {
  readonly snapshot: string
  readonly snapshotUuid: string
  readonly index: string
  /** Version id of the server that took the snapshot. */
  readonly snapshotVersion: number | null
  readonly createdVersion: number | null
  /** The index was marked read-only by an upgrade. */
  readonly marked: boolean
  /** Why its metadata cannot be trusted; null: they can. */
  readonly unread: string | null
}

export interface RehearsedIndex {
  readonly index: string
  readonly createdBy: string | null
  readonly outcome: RehearsalOutcome
  /** For people. */
  readonly reason: string
}

export interface RehearsedSnapshot {
  readonly name: string
  readonly uuid: string
  readonly takenBy: string | null
  /** The worst of its indices. */
  readonly outcome: RehearsalOutcome
  readonly indices: readonly RehearsedIndex[]
}

/** `9`, `9.2`, `elasticsearch-9.5.3`, `opensearch-3`. Throws `usage`. */
export function parseTarget(text: string): RehearsalTarget {
  const match = /^(?:(elasticsearch|opensearch)-)?(\d{1,3}(?:\.\d{1,3}){0,2})$/.exec(text)
  const product = match?.[1] === 'opensearch' ? 'opensearch' : 'elasticsearch'
  const version = match?.[2]
  if (version === undefined || !isKnownServer({ product, major: majorOf(version) })) {
    throw new SnapproofError('usage', `cannot rehearse ${JSON.stringify(text)}`, {
      advice: 'Allowed: a version of Elasticsearch from 7 to 9, such as 9 or 9.5.3, or opensearch-1 to opensearch-3.',
    })
  }
  return { product, version }
}

/** The newest configured engine of the version asked for. Throws `usage` where there is none. */
export function engineToRehearse<Offer extends EngineOffer>(
  { product, version }: RehearsalTarget,
  engines: readonly Offer[],
): Offer {
  const fitting = engines.filter(one => one.product === product && `${one.version}.`.startsWith(`${version}.`))
  const [newest] = fitting.sort((a, b) => compareVersions(b.version, a.version))
  if (newest !== undefined) return newest
  const known = engines.map(one => `${one.name} (${one.product} ${one.version})`).join(', ')
  throw new SnapproofError('usage', `no engine of ${product} ${version} is configured to rehearse with`, {
    advice: `Add one below engines: product ${product}, a version ${version.split('.').length === 3 ? version : `${version}.x`}. There are: ${known || 'none'}.`,
  })
}

/** For each index the newest snapshot in which the metadata let it survive; each snapshot once. `snapshots`: newest first. */
export function newestSurvivors(snapshots: readonly RehearsedSnapshot[]): RehearsedSnapshot[] {
  const covered = new Set<string>()
  return snapshots.filter(({ indices }) => {
    const fresh = indices.filter(({ index, outcome }) => outcome === 'survives' && !covered.has(index))
    for (const { index } of fresh) covered.add(index)
    return fresh.length > 0
  })
}

const worst: readonly RehearsalOutcome[] = ['survives', 'unknown', 'needs-licence', 'dies']

/** Snapshots in the order of their first subject. */
export function rehearse(subjects: readonly RehearsalSubject[], target: RehearsalTarget): RehearsedSnapshot[] {
  const bySnapshot = new Map<string, RehearsalSubject[]>()
  for (const subject of subjects) {
    const list = bySnapshot.get(subject.snapshotUuid)
    if (list === undefined) bySnapshot.set(subject.snapshotUuid, [subject])
    else list.push(subject)
  }
  return [...bySnapshot.values()].map(own => {
    const indices = own.map(subject => rehearseIndex(subject, target))
    const [first] = own
    return {
      name: first?.snapshot ?? '',
      uuid: first?.snapshotUuid ?? '',
      takenBy: sayVersion(first?.snapshotVersion ?? null),
      outcome: indices.reduce<RehearsalOutcome>(
        (a, { outcome }) => (worst.indexOf(outcome) > worst.indexOf(a) ? outcome : a),
        'survives',
      ),
      indices,
    }
  })
}

export function rehearseIndex(subject: RehearsalSubject, target: RehearsalTarget): RehearsedIndex {
  const { index, createdVersion, snapshotVersion } = subject
  const said = { index, createdBy: sayVersion(createdVersion) }
  if (subject.unread !== null) return { ...said, outcome: 'unknown', reason: subject.unread }
  if (createdVersion === null || snapshotVersion === null) {
    const what = createdVersion === null ? 'created the index' : 'took the snapshot'
    return { ...said, outcome: 'unknown', reason: `the metadata do not say which version ${what}` }
  }
  const [created, taken] = [originOf(createdVersion), originOf(snapshotVersion)]
  const server = `${target.product} ${target.version}`
  if (taken.product !== target.product && writesNewFormat(taken)) {
    return { ...said, outcome: 'dies', reason: `${server} cannot read a repository that ${sayOrigin(taken)} wrote` }
  }
  if (taken.product !== target.product && target.product === 'elasticsearch') {
    return { ...said, outcome: 'dies', reason: `${server} takes what ${sayOrigin(taken)} wrote for newer than itself` }
  }
  if (taken.product === target.product && isNewer(taken, target)) {
    return {
      ...said,
      outcome: 'dies',
      reason: `the snapshot was taken by ${sayOrigin(taken)}, which is newer than ${server}`,
    }
  }
  switch (meetingOf({ product: target.product, major: majorOf(target.version) }, created)) {
    case 'yes':
      return { ...said, outcome: 'survives', reason: `${server} restores indices created by ${sayOrigin(created)}` }
    case 'marked':
      return subject.marked
        ? {
            ...said,
            outcome: 'survives',
            reason: `created by ${sayOrigin(created)} and marked read-only: ${server} restores it, read-only`,
          }
        : {
            ...said,
            outcome: 'dies',
            reason: `created by ${sayOrigin(created)} and not marked read-only: reindex it, or let the upgrade assistant mark it, then take a new snapshot`,
          }
    case 'archive':
      return {
        ...said,
        outcome: 'needs-licence',
        reason: `created by ${sayOrigin(created)}: ${server} opens it as a read-only archive, with an Enterprise or trial licence`,
      }
    case 'no':
      return { ...said, outcome: 'dies', reason: `${server} does not restore indices created by ${sayOrigin(created)}` }
  }
}

/** `9` asks for any 9.x: the newest one is meant. */
function isNewer({ major, release }: ReturnType<typeof originOf>, target: RehearsalTarget): boolean {
  const parts = target.version.split('.')
  if (major !== majorOf(target.version)) return major > majorOf(target.version)
  if (parts.length === 1 || release === null) return false
  return compareVersions(release, `${target.version}${parts.length === 2 ? '.999' : ''}`) > 0
}

function sayVersion(id: number | null): string | null {
  return id === null ? null : sayOrigin(originOf(id))
}

/**
 * The settings that an upgrade to 8.19 leaves on an index that 9 may still open.
 * elastic/elasticsearch: server/src/main/java/org/elasticsearch/cluster/metadata/{IndexMetadataVerifier, MetadataIndexStateService}.java @ 9.5.3
 */
export function isMarkedReadOnly(settings: ReadonlyMap<string, string>): boolean {
  const on = (key: string) => settings.get(key) === 'true'
  const blocked = on('index.blocks.write') || on('index.blocks.read_only')
  return on('index.verified_before_close') || (blocked && on('index.verified_read_only'))
}
