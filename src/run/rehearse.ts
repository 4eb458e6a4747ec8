/** What an upgrade would do to every snapshot: from the metadata that were just checked, and by restores with an engine of that version. */
import type { AuditConfig, EngineConfig } from '../model/config.ts'
import type { RunResult } from '../model/run.ts'
import { isOpen, type Reason, type VerdictValue } from '../model/verdict.ts'
import { majorOf, meetingOf, originOf } from '../plan/compatibility.ts'
import {
  isMarkedReadOnly,
  type RehearsalSubject,
  type RehearsalTarget,
  type RehearsedSnapshot,
  rehearse,
} from '../plan/rehearse.ts'
import type { Survey } from './survey.ts'

export { engineToRehearse, newestSurvivors, parseTarget, type RehearsalOutcome } from '../plan/rehearse.ts'

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

/**
 * The configuration of a rehearsal by restore: this engine alone, and nothing of it is remembered, sealed, measured or told. That a newer
 * server restores a snapshot is no proof that the cluster's own version does, and that it does not accuses nobody.
 */
export function rehearsalConfig(config: AuditConfig, engine: EngineConfig, ledgerFile: string): AuditConfig {
  return {
    ...config,
    repository: { ...config.repository, name: `${config.repository.name}-rehearsal` },
    engines: [engine],
    ledger: { ...config.ledger, store: null, file: ledgerFile },
    output: { ...config.output, store: null },
    metrics: { ...config.metrics, enabled: false },
    notify: {
      ...config.notify,
      topicArn: null,
      ping: { url: null },
      webhook: { url: null, headerVariable: null },
    },
    seal: null,
  }
}

/** An index of a snapshot that was to be restored by the version rehearsed. */
export interface RestoredIndex {
  readonly snapshot: string
  readonly index: string
  readonly verdict: VerdictValue
  /** Null: it passed, or the run says nothing about it. */
  readonly reason: Reason | null
  /** For people; of the server where it spoke. */
  readonly message: string
}

/** What that run says of every index that the metadata let survive. Only a restore by this engine is a pass. Pure. */
export function restoredOf(
  snapshots: readonly RehearsedSnapshot[],
  run: Pick<RunResult, 'restores' | 'verdicts'>,
  { product, version }: Pick<EngineConfig, 'product' | 'version'>,
): RestoredIndex[] {
  return snapshots.flatMap(({ name, uuid, indices }) =>
    indices.flatMap(({ index, outcome }): RestoredIndex | [] => {
      if (outcome !== 'survives') return []
      const said = { snapshot: name, index }
      const restore = run.restores.find(
        row => row.index === index && (row.snapshotUuid === uuid || row.creditedTo.includes(name)),
      )
      const row = run.verdicts.find(one => one.uuid === uuid && one.index === index && one.level === 'restore')
      if (restore?.verdict === 'pass' && restore.engine === `${product} ${version}` && row?.verdict !== 'fail')
        return { ...said, verdict: 'pass', reason: null, message: '' }
      const verdict = restore !== undefined && (restore.verdict === 'fail' || isOpen(restore)) ? restore : row
      if (verdict === undefined || verdict.verdict === 'pass')
        return { ...said, verdict: 'inconclusive', reason: null, message: 'it was not restored' }
      return { ...said, verdict: verdict.verdict, reason: verdict.reason, message: restore?.message ?? '' }
    }),
  )
}
