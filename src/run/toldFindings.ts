/** Which findings a run tells, once each, of the snapshots that are still there. */
import { makeFinding } from '../check/findings.ts'
import type { Ledger } from '../ledger/port.ts'
import type { Finding } from '../model/finding.ts'
import type { SnapshotEntry } from '../model/repository.ts'
import { oldestFirst } from '../model/snapshotOrder.ts'
import type { JudgedSnapshot } from './verdicts.ts'

/** A bad blob that the check has read and the mirror met again is one fault, which hits whom either saw. */
export function toldOnce(checked: readonly Finding[], work: readonly Finding[]): Finding[] {
  const again = new Map(work.map(finding => [finding.id, finding]))
  const known = new Set(checked.map(({ id }) => id))
  const both = checked.map(finding => {
    const snapshots = new Set([...finding.snapshots, ...(again.get(finding.id)?.snapshots ?? [])])
    return { ...finding, snapshots: [...snapshots] }
  })
  return [...both, ...work.filter(({ id }) => !known.has(id))]
}

/** A finding about snapshots that are all gone is nobody's; one that still hits some keeps those. */
export function withoutExpired(finding: Finding, expired: ReadonlySet<string>): Finding[] {
  if (finding.snapshots.length === 0 || expired.size === 0) return [finding]
  const snapshots = finding.snapshots.filter(uuid => !expired.has(uuid))
  return snapshots.length === 0 ? [] : [{ ...finding, snapshots }]
}

export function hitsOldestFirst(finding: Finding, snapshots: readonly SnapshotEntry[]): Finding {
  const entries = new Map(snapshots.map(snapshot => [snapshot.uuid, snapshot]))
  const entry = (uuid: string) => entries.get(uuid) ?? { name: '', uuid, endedMs: null }
  return { ...finding, snapshots: [...finding.snapshots].sort((a, b) => oldestFirst(entry(a), entry(b))) }
}

/** What the ledger says of itself, and another cluster that wrote since the last run. */
export function identityFindings(
  ledger: Pick<Ledger, 'lastIdentity'> & { readonly warnings: readonly string[] },
  clusterId: string | null,
): Finding[] {
  const place = { key: null, snapshots: [], index: null, shard: null }
  const findings = ledger.warnings.map(message => makeFinding({ ...place, code: 'ledger-rolled-back', message }))
  const last = ledger.lastIdentity()
  if (last !== null && last.clusterId !== null && clusterId !== null && last.clusterId !== clusterId) {
    const message = `cluster ${clusterId} wrote last; at the run before it was ${last.clusterId}`
    findings.push(makeFinding({ ...place, code: 'foreign-writer', severity: 'information', message }))
  }
  return findings
}

/** Snapshots with a failing index that no error of this run names, accepted or not. */
export function countFailedBefore(judged: readonly JudgedSnapshot[], findings: readonly Finding[]): number {
  const errors = findings.filter(finding => finding.severity === 'error')
  const named = new Set(errors.flatMap(({ snapshots, index }) => snapshots.map(uuid => `${uuid} ${index ?? ''}`)))
  return judged.filter(({ entry, levels, copies }) => {
    if (levels.restore.mark.verdict !== 'fail' || named.has(`${entry.uuid} `)) return false
    const failing = copies.filter(({ levels: own }) => own.restore.mark.verdict === 'fail')
    return failing.length === 0 || failing.some(({ copy }) => !named.has(`${entry.uuid} ${copy.indexName}`))
  }).length
}
