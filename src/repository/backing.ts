/**
 * Mounted searchable snapshots: the snapshot that holds the data of an index is looked up where it can be. Pure.
 *
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/snapshots/SearchableSnapshotsSettings.java,
 * x-pack/plugin/searchable-snapshots/…/SearchableSnapshots.java @ 9.5.3 (`index.store.snapshot.*`)
 */
import type { BackingSnapshot } from '../model/content.ts'
import type { RepositoryData } from '../model/repository.ts'

/** Null where the settings name no snapshot at all. */
export function backingOf(settings: ReadonlyMap<string, string>): BackingSnapshot | null {
  const of = (key: string): string | null => settings.get(`index.store.snapshot.${key}`) ?? null
  const backing: BackingSnapshot = {
    repositoryName: of('repository_name'),
    // The server writes this where the repository had none.
    repositoryUuid: of('repository_uuid') === '_na_' ? null : of('repository_uuid'),
    snapshotName: of('snapshot_name'),
    snapshotUuid: of('snapshot_uuid'),
    indexName: of('index_name'),
    indexId: of('index_uuid') ?? of('index_id'),
  }
  return backing.snapshotName === null && backing.snapshotUuid === null ? null : backing
}

/** `here`: in this repository, with the index. `missing`: it would have to be here. `elsewhere`: not ours to judge. */
export interface BackingLookUp {
  readonly state: 'here' | 'missing' | 'elsewhere'
  /** For people. */
  readonly message: string
}

export function lookUpBacking(backing: BackingSnapshot, data: RepositoryData): BackingLookUp {
  const { repositoryName, repositoryUuid, snapshotName, snapshotUuid, indexName, indexId } = backing
  const what = `snapshot ${snapshotName ?? '?'} (${snapshotUuid ?? 'uuid not known'})`
  const own = data.identity.uuid
  const snapshot = data.snapshots.findIndex(({ uuid, name }) =>
    snapshotUuid === null ? name === snapshotName : uuid === snapshotUuid,
  )
  // A uuid is as good as a repository's: two snapshots never share one. A mere name says nothing.
  const sameRepository =
    repositoryUuid !== null && own !== null
      ? repositoryUuid === own
      : (snapshot >= 0 && snapshotUuid !== null) || (repositoryName === null && repositoryUuid === null)
  if (!sameRepository) {
    const which = repositoryName === null ? (repositoryUuid ?? 'not named') : JSON.stringify(repositoryName)
    const uuid = repositoryUuid === null || repositoryName === null ? '' : ` (${repositoryUuid})`
    return { state: 'elsewhere', message: `its data lies in ${what} of the repository ${which}${uuid}` }
  }
  if (snapshot < 0) return { state: 'missing', message: `its data lay in ${what}, which is not in this repository` }
  const state = data.snapshots[snapshot]?.state
  if (state === 'FAILED' || state === 'INCOMPATIBLE')
    return { state: 'missing', message: `its data would lie in ${what}, which is ${state}` }
  const index = data.indices.find(({ id, name }) => (indexId === null ? name === indexName : id === indexId))
  if (index === undefined || !index.snapshots.includes(snapshot))
    return {
      state: 'missing',
      message: `its data lay in ${what}, which does not hold index ${indexName ?? indexId ?? '?'}`,
    }
  return { state: 'here', message: `its data lies in ${what} of this repository` }
}
