/** The generation once more, at the end: snapshots that went away meanwhile are nobody's failure. */
import { describeError, isSnapproofError, SnapproofError } from '../errors.ts'
import type { RepositoryData } from '../model/repository.ts'
import { openCatalogue } from '../repository/catalogue.ts'
import { currentGeneration } from '../repository/generation.ts'
import type { RunDependencies } from './dependencies.ts'

export interface Settled {
  readonly finalGeneration: number
  /** Uuids of snapshots that were there and are no more. */
  readonly expired: ReadonlySet<string>
  /** Uuids of snapshots that were not there before. */
  readonly arrived: ReadonlySet<string>
  /** Why the end of the night could not be read; null: it could. */
  readonly trouble: string | null
}

type Reading = Pick<RunDependencies, 'repository' | 'signal' | 'config'>

/** Never throws for what the store says: what was done is reported all the same. */
export async function readGenerationAgain(dependencies: Reading, before: RepositoryData): Promise<Settled> {
  const unknown = {
    finalGeneration: before.identity.generation,
    expired: new Set<string>(),
    arrived: new Set<string>(),
  }
  if (dependencies.signal.aborted) return { ...unknown, trouble: null }
  try {
    return { ...(await whatExpired(dependencies, before)), trouble: null }
  } catch (error) {
    if (!(error instanceof SnapproofError)) throw error
    return { ...unknown, trouble: `the repository could not be read again at the end: ${describeTrouble(error)}` }
  }
}

/** @throws SnapproofError of the store, `no-repository`, `unreadable-repository-data` */
export async function whatExpired(
  { repository, signal, config }: Reading,
  { identity, snapshots }: RepositoryData,
): Promise<Omit<Settled, 'trouble'>> {
  const finalGeneration = await currentGeneration(repository, signal)
  if (finalGeneration === identity.generation) return { finalGeneration, expired: new Set(), arrived: new Set() }
  const { repositoryData } = await openCatalogue(repository, {
    concurrency: config.work.requests,
    maxMetadataBytes: config.work.maxMetadataBytes,
    signal,
  })
  const before = new Set(snapshots.map(({ uuid }) => uuid))
  const now = new Set(repositoryData.snapshots.map(({ uuid }) => uuid))
  const expired = new Set([...before].filter(uuid => !now.has(uuid)))
  const arrived = new Set([...now].filter(uuid => !before.has(uuid)))
  return { finalGeneration: repositoryData.identity.generation, expired, arrived }
}

/** The message of what stopped us, with what to do next. */
export function describeTrouble(error: unknown): string {
  return isSnapproofError(error) && error.advice !== ''
    ? `${describeError(error)}. ${error.advice}`
    : describeError(error)
}
