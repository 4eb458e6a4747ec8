/**
 * System indices are restored by the feature state that they belong to and no other way.
 *
 * elastic/elasticsearch: server/src/main/java/org/elasticsearch/snapshots/RestoreService.java @ 9.5.3: all indices of the feature come
 * together, under their own names; those that are there already are deleted first; a feature that the server has not is refused.
 */
import type { SnapshotInfo } from './content.ts'

/** Can be sent to a server as it is, in a path too. Names of system indices begin with a dot. */
export function isSystemName(name: string): boolean {
  return /^\.[a-z0-9][a-z0-9._-]{0,199}$/.test(name) && !name.includes('..')
}

/** Name of the feature whose state restores the index; null: there is none, or not one alone. */
export function featureOf(info: Pick<SnapshotInfo, 'features'> | null, index: string): string | null {
  const [feature, ...others] = (info?.features ?? []).filter(({ indices }) => indices.includes(index))
  // `none` means none of them.
  if (feature === undefined || others.length > 0 || feature.name === '' || /^none$/i.test(feature.name)) return null
  return isSystemName(index) ? feature.name : null
}
