/** What machines found and a later run has proven good again is no accusation any more. Pure. */
import type { ContentRecord } from '../../model/plan.ts'
import type { RepositoryData } from '../../model/repository.ts'
import type { ContentResult, FindingResult } from './documents.ts'
import type { Gathered } from './gather.ts'

/** Seen now, with what the ledger remembers. */
interface SeenNow {
  readonly contents: readonly ContentRecord[]
  readonly repositoryData: RepositoryData
  /** Of the array, whose own machines cure nothing that one of them found. */
  readonly runId: string
}

/** `gathered` without the findings that were cured before it was collected; the results themselves stay. */
export function uncured(gathered: Gathered, { contents, repositoryData, runId }: SeenNow): Gathered {
  const uuidsOf = (some: readonly ContentRecord[]) =>
    new Set(some.flatMap(one => one.snapshots.map(position => repositoryData.snapshots[position]?.uuid ?? '')))
  const findings = gathered.findings.flatMap((found): FindingResult[] => {
    const hit = new Set(found.contentIds)
    const resting = contents.filter(one => one.indexId === found.indexId && hit.has(one.contentId))
    const open = resting.filter(one => !isCured(one, found.atMs, runId))
    if (open.length === resting.length) return [found]
    const kept = uuidsOf(open)
    const cured = new Set([...uuidsOf(resting)].filter(uuid => !kept.has(uuid)))
    const snapshots = found.finding.snapshots.filter(uuid => !cured.has(uuid))
    return snapshots.length === 0 ? [] : [{ ...found, finding: { ...found.finding, snapshots } }]
  })
  const results = new Map<number, ContentResult>()
  const key = (one: Pick<ContentRecord, 'indexId' | 'contentId'>) => `${one.indexId} ${one.contentId}`
  // More than one of a key only without shared credit.
  const byContent = new Map<string, ContentRecord[]>()
  for (const one of contents) byContent.set(key(one), [...(byContent.get(key(one)) ?? []), one])
  for (const [number, result] of gathered.results) {
    const { row } = result
    const all = byContent.get(key(row)) ?? []
    const isOwn = ({ snapshots }: ContentRecord) =>
      snapshots.some(position => repositoryData.snapshots[position]?.uuid === row.snapshotUuid)
    // Of those, what was proven of another snapshot cures nothing of this one, and what is open there accuses this one of nothing.
    const own = all.length > 1 ? all.filter(isOwn) : all
    const isOpen = own.length === 0 || own.some(one => !isCured(one, row.atMs, runId))
    results.set(number, isOpen ? result : { ...result, finding: null })
  }
  return { ...gathered, findings, results }
}

function isCured({ proof }: ContentRecord, foundMs: number, runId: string): boolean {
  return proof !== null && proof.verdict === 'pass' && proof.provenMs > foundMs && proof.runId !== runId
}
