/** What an upgrade would do to every snapshot, from the metadata that were just checked. */
import { majorOf, meetingOf, originOf } from '../plan/compatibility.ts'
import {
  isMarkedReadOnly,
  type RehearsalSubject,
  type RehearsalTarget,
  type RehearsedSnapshot,
  rehearse,
} from '../plan/rehearse.ts'
import type { Survey } from './survey.ts'

export { parseTarget, type RehearsalOutcome } from '../plan/rehearse.ts'

export interface Rehearsal {
  readonly target: RehearsalTarget
  /** In the order of the repository. */
  readonly snapshots: readonly RehearsedSnapshot[]
}

/** Reads the metadata of indices again where an upgrade may have left marks on them. */
export async function rehearseSurvey(
  { catalogue, checked, contents }: Pick<Survey, 'catalogue' | 'checked' | 'contents'>,
  target: RehearsalTarget,
  signal: AbortSignal,
): Promise<Rehearsal> {
  const { repositoryData } = catalogue
  const createdBy = new Map<string, number | null>()
  for (const content of contents)
    for (const position of content.snapshots) createdBy.set(`${position} ${content.indexId}`, content.createdVersion)
  const server = { product: target.product, major: majorOf(target.version) }
  const subjects: { position: number; subject: RehearsalSubject }[] = []
  for (const [at, index] of repositoryData.indices.entries()) {
    const versions = [...index.snapshots].map(position => createdBy.get(`${position} ${index.id}`) ?? null)
    const mayBeMarked = versions.some(version => version !== null && meetingOf(server, originOf(version)) === 'marked')
    const marked = new Set<number>()
    if (mayBeMarked) {
      const { copies } = await catalogue.readIndex(at, undefined, signal)
      for (const { snapshot, metadata } of copies)
        if (metadata !== null && isMarkedReadOnly(metadata.settings)) marked.add(snapshot)
    }
    for (const position of index.snapshots) {
      const entry = repositoryData.snapshots[position]
      if (entry === undefined) continue
      const isKnown = createdBy.has(`${position} ${index.id}`)
      subjects.push({
        position,
        subject: {
          snapshot: entry.name,
          snapshotUuid: entry.uuid,
          index: index.name,
          snapshotVersion: checked.snapshots[position]?.info?.versionId ?? null,
          createdVersion: createdBy.get(`${position} ${index.id}`) ?? null,
          marked: marked.has(position),
          unread: isKnown ? null : 'it is not whole, or its metadata could not be read: `snapproof check` says more',
        },
      })
    }
  }
  subjects.sort((a, b) => a.position - b.position)
  return {
    target,
    snapshots: rehearse(
      subjects.map(({ subject }) => subject),
      target,
    ),
  }
}
