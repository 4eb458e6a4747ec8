/**
 * What a check must say of a blob after a fault, from nothing but the kind of blob, the fault, and who needs it: severity
 * follows the restore (what makes a snapshot unrestorable is an error and fails exactly the snapshots that need it).
 */
import type { FindingCode } from '../../model/finding.ts'
import type { MappedBlob } from './blob-map.ts'
import type { DamageLevel, FaultKind, Outcome } from './kinds.ts'

const nothing = (why: string): Extract<Outcome, { kind: 'nothing' }> => ({ kind: 'nothing', why })

/** `lengthAfter`: of the blob once it is damaged. Not for what is planned field by field in `index-N`. */
export function outcomeOf(blob: MappedBlob, fault: FaultKind, lengthAfter: number): Outcome {
  switch (blob.kind) {
    case 'repository-data':
      return ofRepositoryData(blob, fault)
    case 'index-latest':
      return fault === 'missing'
        ? nothing('normal: the setting support_url_repo may be off')
        : finding(blob, 'index-latest-mismatch', 'catalogue', 'warning', [])
    case 'shard-generation':
      // Restores do not need it: a warning, whatever is wrong. Numbers (before 7.6) are found by listing alone.
      if (fault === 'missing' && /index-\d+$/.test(blob.key))
        return {
          kind: 'findings',
          codes: blob.hasPredecessor ? ['shard-generation-inconsistent'] : ['shard-generation-missing'],
          why: 'nothing states the number of the newest generation',
        }
      return fault === 'swapped' || fault === 'older'
        ? finding(blob, 'shard-generation-inconsistent', 'catalogue', 'warning', blob.touches)
        : finding(blob, 'shard-generation-missing', 'catalogue', 'warning', [])
    case 'global-metadata':
      if (fault === 'swapped' || fault === 'older')
        return nothing('global metadata does not say which snapshot it belongs to')
      return ofMetadata(blob, fault)
    case 'root-snapshot':
    case 'index-metadata':
    case 'shard-snapshot':
      return ofMetadata(blob, fault)
    default:
      return ofData(blob, fault, lengthAfter)
  }
}

function ofRepositoryData(blob: MappedBlob, fault: FaultKind): Outcome {
  if (fault === 'access-denied') return { kind: 'refused', code: 'access-denied' }
  if (fault === 'missing' && blob.hasPredecessor)
    return {
      kind: 'findings',
      codes: ['index-latest-mismatch', 'missing-metadata-blob', 'missing-data-blob', 'shard-generation-missing'],
      why: 'the index-N before it is still there and is read; what was deleted since is missing',
    }
  if (fault === 'older')
    return {
      ...nothing('index-N carries no checksum and no number: an earlier list of snapshots is as good as any'),
      forgets: blob.touches,
    }
  return finding(blob, 'unreadable-repository-data', 'catalogue', 'error', [])
}

function ofMetadata(blob: MappedBlob, fault: FaultKind): Outcome {
  const severity = blob.neededBy.length > 0 ? 'error' : 'warning'
  return finding(blob, metadataCode(fault), 'catalogue', severity, blob.neededBy)
}

function metadataCode(fault: FaultKind): FindingCode {
  if (fault === 'missing') return 'missing-metadata-blob'
  if (fault === 'archived') return 'archived-blob'
  return fault === 'access-denied' ? 'unreadable-blob' : 'corrupt-metadata-blob'
}

function ofData(blob: MappedBlob, fault: FaultKind, lengthAfter: number): Outcome {
  const of = (code: FindingCode, level: DamageLevel) => finding(blob, code, level, 'error', blob.neededBy)
  if (fault === 'missing') return of('missing-data-blob', 'presence')
  if (fault === 'archived') return of('archived-blob', 'presence')
  // A listing shows the blob whoever may read it.
  if (fault === 'access-denied') return of('unreadable-blob', 'bytes')
  if (lengthAfter !== blob.bytes) return of('wrong-length', 'presence')
  return of('corrupt-data-blob', 'bytes')
}

function finding(
  blob: MappedBlob,
  code: FindingCode,
  level: DamageLevel,
  severity: 'error' | 'warning',
  snapshots: readonly string[],
): Outcome {
  // The recorded checksum is that of the whole file: it cannot tell which part is wrong.
  const key = code === 'corrupt-data-blob' ? blob.file : blob.key
  return { kind: 'finding', code, severity, key, snapshots, level }
}
