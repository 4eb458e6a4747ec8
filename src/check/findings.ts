/** Faults of the reader and of the join become findings: stable ids, severity by what a restore needs. Pure. */
import { createHash } from 'node:crypto'
import type { Fault } from '../model/content.ts'
import { type Finding, type FindingCode, findingCodes, type Severity } from '../model/finding.ts'

export interface FindingDraft {
  readonly code: FindingCode
  /** Default: the usual one of the code. */
  readonly severity?: Severity
  readonly key: string | null
  /** What it is about where that is no blob, such as a rule: with the index it is its place, whichever snapshots it hits. */
  readonly subject?: string
  readonly snapshots: readonly string[]
  readonly index: string | null
  readonly shard: number | null
  readonly message: string
}

/** The same fault gives the same id in every run: code, blob and place, not the words or the snapshots of the day. */
export function makeFinding(draft: FindingDraft): Finding {
  const { severity, advice } = findingCodes[draft.code]
  const where = [draft.index, draft.shard, [...draft.snapshots].sort()]
  // Of one root blob many things may be wrong.
  const ofSubject = draft.subject === undefined ? null : [draft.subject, draft.index]
  const place =
    ofSubject ?? (draft.key === null ? where : /^index-\d+$/.test(draft.key) ? ['index-N', ...where] : [draft.key])
  return {
    id: createHash('sha256')
      .update(JSON.stringify([draft.code, ...place]))
      .digest('hex')
      .slice(0, 12),
    code: draft.code,
    severity: draft.severity ?? severity,
    key: draft.key,
    snapshots: draft.snapshots,
    index: draft.index,
    shard: draft.shard,
    message: draft.message,
    advice,
  }
}

/** Null for our own trouble, which accuses nobody. */
export function findingOfFault(fault: Fault, severity?: Severity): Finding | null {
  if (fault.ours !== null) return null
  const at = fault.offset === null ? '' : ` (byte ${fault.offset})`
  const { code, key, snapshots, index, shard } = fault
  return makeFinding({
    code,
    ...(severity === undefined ? {} : { severity }),
    key,
    snapshots,
    index,
    shard,
    message: `${fault.message}${at}`,
  })
}

/** One finding for each id: the same fault seen from several snapshots is one fault that hits them all. */
export function mergeFindings(findings: readonly Finding[]): Finding[] {
  const byId = new Map<string, Finding>()
  for (const finding of findings) {
    const known = byId.get(finding.id)
    const snapshots = known === undefined ? finding.snapshots : [...new Set([...known.snapshots, ...finding.snapshots])]
    byId.set(finding.id, { ...(known ?? finding), snapshots })
  }
  return [...byId.values()]
}
