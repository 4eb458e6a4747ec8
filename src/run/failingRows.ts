/**
 * What fails is told by snapshot at once: no question to the ledger may wait for the end of a run that may never come to it. A pass is
 * told by a run that has concluded. Pure.
 */
import { indexSubject, snapshotSubject, withoutMetadata } from '../check/memory.ts'
import type { CheckResult } from '../check/result.ts'
import type { MemoryLedger } from '../ledger/port.ts'
import type { Finding } from '../model/finding.ts'
import type { ContentRow, GoodRow, JournalRow, MemoryRow, ReachedRow } from '../model/journal.ts'
import type { SnapshotEntry } from '../model/repository.ts'
import type { Reason } from '../model/verdict.ts'
import { condemnedRows, type RestingContent, type RowContext } from './contentRows.ts'
import { standingRows } from './standingRows.ts'
import { judgeSnapshots, lastGoodOf, type VerdictInput } from './verdicts.ts'

/** An attempt, and, where it failed, the snapshots that hold the content. */
export function attemptRows(row: ContentRow, holders: readonly SnapshotName[]): JournalRow[] {
  return row.verdict === 'fail' ? [row, ...reachedRows(holders, { restore: 'found' }, row.atMs, row.runId)] : [row]
}

/**
 * Everything that a bad blob leaves in the ledger: the contents that rest on it, every snapshot that it hits, and, where a check has
 * seen it good, that the next check reads it again.
 */
export function condemnationRows(
  finding: Finding,
  resting: readonly RestingContent[],
  atMs: number,
  context: RowContext,
  { memory }: Pick<MemoryLedger, 'memory'>,
): JournalRow[] {
  const hit = { bytes: 'found', restore: 'lower-level-failed' } as const
  const accused = new Set(finding.severity === 'error' ? finding.snapshots : [])
  const holders = context.repositoryData.snapshots.filter(({ uuid }) => accused.has(uuid))
  const reached = reachedRows(holders, hit, atMs, context.runId)
  return [...condemnedRows(resting, finding, atMs, context), ...reached, ...readAgainRows(finding, atMs, memory)]
}

/** What a look finds bad, before anything rests on its end: levels that fail, and the newest good snapshots without them. */
export function failingNow(
  input: Pick<VerdictInput, 'repository' | 'checked' | 'contents' | 'policy' | 'runId' | 'checkedAtMs'>,
): (ReachedRow | GoodRow)[] {
  if (!anyFails(input.checked)) return []
  const { checkedAtMs, repository, runId } = input
  const nothing = { workFindings: [], left: new Map(), expired: new Set<string>() }
  const judged = judgeSnapshots({ ...input, ...nothing, nowMs: checkedAtMs })
  const rows = standingRows(judged, lastGoodOf(judged, repository), runId, checkedAtMs)
  return rows.filter(row => row.kind === 'good' || row.verdict === 'fail')
}

function anyFails({ snapshots }: CheckResult): boolean {
  return snapshots.some(({ copies, ...whole }) =>
    [whole, ...copies].some(({ catalogue, presence, byteProof }) =>
      [catalogue, presence, byteProof].some(mark => mark?.verdict === 'fail'),
    ),
  )
}

type SnapshotName = Pick<SnapshotEntry, 'name' | 'uuid'>

function reachedRows(
  snapshots: readonly SnapshotName[],
  levels: Partial<Readonly<Record<ReachedRow['level'], Reason>>>,
  atMs: number,
  runId: string,
): ReachedRow[] {
  return snapshots.flatMap(({ name, uuid }) =>
    (['bytes', 'restore'] as const).flatMap((level): ReachedRow[] => {
      const reason = levels[level]
      if (reason === undefined) return []
      const nothing = { method: null, provenMs: null, creditedFrom: [] }
      const about = { runId, snapshot: name, snapshotUuid: uuid, level, verdict: 'fail', reason } as const
      return [{ kind: 'reached', ...about, ...nothing, atMs }]
    }),
  )
}

/**
 * Metadata of a content is another than when it was planned, or cannot be read any more. A check read it once and would not again: the
 * next one does, and tells which of the two it is. Proofs of data blobs stay.
 */
export function movedRows(
  { indexId }: Pick<RestingContent, 'indexId'>,
  { uuid }: Pick<SnapshotName, 'uuid'>,
  atMs: number,
  { memory }: Pick<MemoryLedger, 'memory'>,
): MemoryRow[] {
  return [...readAgain(snapshotSubject(uuid), atMs, memory), ...readAgain(indexSubject(indexId), atMs, memory)]
}

function readAgainRows({ key }: Finding, atMs: number, recall: MemoryLedger['memory']): MemoryRow[] {
  const [, uuid] = /^(?:snap|meta)-([^/]+)\.dat$/.exec(key ?? '') ?? []
  if (uuid !== undefined) return readAgain(snapshotSubject(uuid), atMs, recall)
  const [, indexId] = /^indices\/([^/]+)\/(?:\d+\/)?(?:snap|meta)-[^/]+\.dat$/.exec(key ?? '') ?? []
  return indexId === undefined ? [] : readAgain(indexSubject(indexId), atMs, recall)
}

function readAgain(subject: string, atMs: number, recall: MemoryLedger['memory']): MemoryRow[] {
  const known = recall(subject)
  if (known === null) return []
  const data = subject.startsWith('snapshot:') ? '' : withoutMetadata(known.data).toString('base64')
  return [{ kind: 'memory', subject, atMs, data }]
}
