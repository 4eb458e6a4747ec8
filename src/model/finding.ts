/** Findings: one thing that is wrong, as data. The table below is printed into the README. */
import type { SnapshotUuid } from './repository.ts'

export type Severity = 'error' | 'warning' | 'information'

interface FindingMeta {
  /** The usual severity; `error` means: some snapshot does not restore because of it, or restores to what nobody meant to keep. */
  readonly severity: Severity
  /** It is about what the data are: the snapshot restores. */
  readonly restores?: true
  readonly title: string
  readonly advice: string
}

/** Codes are stable: scripts and accepted-lists name them. */
export const findingCodes = {
  'unreadable-repository-data': {
    severity: 'error',
    title: 'The root of the repository, index-N, cannot be read',
    advice: 'Restore index-N from a bucket version or a copy; until then no snapshot can be listed or restored.',
  },
  'dangling-reference': {
    severity: 'error',
    title: 'index-N refers to something that it does not define',
    advice: 'Find out which clusters wrote to this repository; register it read-write in one only.',
  },
  'missing-metadata-blob': {
    severity: 'error',
    title: 'A metadata blob is not there',
    advice: 'Recover the object from a bucket version; otherwise take a new snapshot and delete the ones named here.',
  },
  'corrupt-metadata-blob': {
    severity: 'error',
    title: 'A metadata blob does not carry the bytes that were written',
    advice: 'Recover the object from a bucket version; otherwise take a new snapshot and delete the ones named here.',
  },
  'snapshot-contents-mismatch': {
    severity: 'warning',
    title: 'A snapshot lists other indices than index-N does',
    advice: 'Look for a second cluster that writes to this repository.',
  },
  'missing-data-blob': {
    severity: 'error',
    title: 'A data blob is not there',
    advice:
      'Recover the object from a bucket version and look for lifecycle rules on the bucket; the snapshots named here do not restore.',
  },
  'wrong-length': {
    severity: 'error',
    title: 'A data blob has another length than was written',
    advice: 'Recover the object from a bucket version; the snapshots named here do not restore.',
  },
  'archived-blob': {
    severity: 'error',
    title: 'A blob lies in an archive class and cannot be read now',
    advice:
      'Thaw the object and take the repository out of the lifecycle rule; Elasticsearch cannot read archived objects.',
  },
  'unreadable-blob': {
    severity: 'error',
    title: 'A blob is listed and cannot be read',
    advice: 'Check the key policy and the permissions of the object; the message holds the answer of the store.',
  },
  'corrupt-data-blob': {
    severity: 'error',
    title: 'A data blob does not carry the bytes that were written',
    advice:
      'Recover the object from a bucket version; otherwise delete the snapshots named here, force a full copy (a new repository, or a forced merge of the index) and take a new snapshot.',
  },
  'shard-generation-missing': {
    severity: 'warning',
    title: 'The list of all snapshots of a shard is not there or unreadable',
    advice: 'Restores still work. Take and delete a snapshot of this index so that the server writes the list again.',
  },
  'shard-generation-inconsistent': {
    severity: 'warning',
    title: 'The list of all snapshots of a shard disagrees with a snapshot',
    advice: 'Restores still work. Look for a second writer; a new snapshot of this index writes the list again.',
  },
  'segment-files-inconsistent': {
    severity: 'error',
    title: 'The files of a shard do not fit its own commit',
    advice: 'Take a new snapshot of this index; the ones named here do not restore this shard.',
  },
  'totals-mismatch': {
    severity: 'warning',
    title: 'Totals that a snapshot states disagree with its shards',
    advice: 'Look for a second writer; the files themselves are judged separately.',
  },
  'backing-snapshot-missing': {
    severity: 'error',
    title: 'A mounted index refers to a snapshot that is not there',
    advice: 'The data of this index lies in another snapshot that was deleted; nothing of it can be restored.',
  },
  'backing-snapshot-elsewhere': {
    severity: 'information',
    title: 'The data of a mounted index lies in another repository',
    advice: 'Audit that repository too; nothing here says that its snapshot is still there.',
  },
  'restore-refused': {
    severity: 'error',
    title: 'The server refused to restore',
    advice:
      'The message holds the words of the server; take a new snapshot from the running cluster while it still has the data.',
  },
  'restore-shard-failed': {
    severity: 'error',
    title: 'A shard could not be restored',
    advice:
      'The message holds the words of the server; take a new snapshot from the running cluster while it still has the data.',
  },
  'restored-files-mismatch': {
    severity: 'error',
    title: 'The server recovered other files than the snapshot lists',
    advice: 'Keep the evidence of the run and report it: the restore is not what the snapshot promised.',
  },
  'document-count-mismatch': {
    severity: 'error',
    title: 'A restored shard holds another number of documents than the snapshot promised',
    advice: 'Keep the evidence of the run; do not rely on this snapshot.',
  },
  'sequence-number-mismatch': {
    severity: 'error',
    title: 'A restored shard ends at another sequence number than the snapshot promised',
    advice: 'Keep the evidence of the run; do not rely on this snapshot.',
  },
  'mapping-field-missing': {
    severity: 'error',
    title: 'A restored index lacks a field of the mapping that was snapshotted',
    advice: 'Keep the evidence of the run; compare the mapping of the snapshot with the restored one.',
  },
  'rule-failed': {
    severity: 'error',
    restores: true,
    title: 'A rule of the owner does not hold on the restored data',
    advice: 'Look at the numbers in the message; the rule is in your configuration.',
  },
  'index-emptied': {
    severity: 'error',
    restores: true,
    title: 'An index lost all or nearly all of its documents since the snapshots before',
    advice:
      'Look at the running index now. Restore from the snapshot named in the message; if this was meant, accept the finding until it has become normal.',
  },
  'index-shrunk': {
    severity: 'warning',
    restores: true,
    title: 'An index is much smaller than in the snapshots before',
    advice: 'Find out who deleted. If it was meant, accept the finding, or raise the threshold in `baselines`.',
  },
  'index-frozen': {
    severity: 'warning',
    restores: true,
    title: 'An index that changed at a regular pace has stopped changing',
    advice: 'See whether it is still written to, under this name and in this cluster.',
  },
  'index-jumped': {
    severity: 'warning',
    restores: true,
    title: 'An index is many times larger than in the snapshots before',
    advice: 'Look for an import that ran twice, or for another index under this name.',
  },
  'index-mapping-changed': {
    severity: 'warning',
    restores: true,
    title: 'Fields of an index are gone, or have another type than in the snapshots before',
    advice: 'Look for an index that was made again without its template, or for another index under this name.',
  },
  'index-behind': {
    severity: 'warning',
    restores: true,
    title: 'The newest time in a restored index is further behind its snapshot than before',
    advice: 'See whether it is still written to. Where it is meant to be late, raise `baselines.behindTimes` for it.',
  },
  'rule-not-judged': {
    severity: 'warning',
    title: 'A rule of the owner was asked and could not be judged',
    advice: 'The message says what kept it from being judged: mend the command or the query, or give it more time.',
  },
  'rule-matches-nothing': {
    severity: 'warning',
    title: 'A rule of the owner matches no index, or no snapshot',
    advice: 'Look at `index` and `snapshots` of the rule: a rule that matches nothing checks nothing.',
  },
  'index-latest-mismatch': {
    severity: 'warning',
    title: 'index.latest names another generation than the newest index-N',
    advice: 'Only read-only URL repositories are hit. The next snapshot writes it again.',
  },
  'unreferenced-blobs': {
    severity: 'information',
    title: 'Objects that no snapshot needs',
    advice: 'POST /_snapshot/REPOSITORY/_cleanup removes them; they cost storage and nothing else.',
  },
  'foreign-writer': {
    severity: 'warning',
    title: 'Another cluster wrote to this repository',
    advice: 'Register the repository read-write in one cluster only: two writers destroy it.',
  },
  'ledger-rolled-back': {
    severity: 'warning',
    title: 'The ledger was damaged or gone; an older version of it, or its journals, took its place',
    advice:
      'Proofs that are said to be lost are done again; `snapproof ledger versions` says what the store still has.',
  },
  'accepted-expired': {
    severity: 'warning',
    title: 'An accepted finding is no longer accepted',
    advice: 'Fix the cause or accept it again with a new date, reason and approver.',
  },
} as const satisfies Record<string, FindingMeta>
export type FindingCode = keyof typeof findingCodes

export interface Finding {
  /** Stable over runs: the same fault gives the same id. */
  readonly id: string
  readonly code: FindingCode
  readonly severity: Severity
  /** Blob that it is about; null where it is not about one. */
  readonly key: string | null
  /** Snapshots that do not restore because of it (`error`), or that it touches. */
  readonly snapshots: readonly SnapshotUuid[]
  readonly index: string | null
  readonly shard: number | null
  /** What, where, the value got and the value expected. Untrusted text: escape where it is drawn. */
  readonly message: string
  readonly advice: string
}
