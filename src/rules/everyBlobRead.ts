/**
 * Every blob that the content references was read in this proof. By name: a server keeps a file of the same Lucene name, length and
 * checksum, whichever blob the snapshot names for it, so what it kept says nothing about the blob.
 *
 * Holds of itself where the mirror fetched everything and the target was empty.
 */
import type { Evidence, Expectation } from '../model/evidence.ts'
import { pass, type Rule, type RuleOutcome } from './rule.ts'

export const everyBlobRead: Rule = {
  meta: {
    id: 'everyBlobRead',
    title: 'Somebody read every blob that the snapshot references',
    why: 'A blob that nobody read may be damaged, whatever the restored index looks like.',
  },
  check,
}

function check(expected: Expectation, evidence: Evidence): RuleOutcome[] {
  if (evidence.refusal !== null) return [pass] // restoreAccepted speaks of it
  if (evidence.method === 'restore' && (evidence.source ?? 'mirror') === 'mirror') return [pass]
  if (expected.files === undefined) return [doubt('it is not known which blobs the snapshot references')]
  const unread = unreadBlobs(expected, evidence)
  const [first] = unread
  if (first === undefined) return [pass]
  return [doubt(`${unread.length} blobs were read by nobody, ${first} among them`)]
}

/** Keys, each once. */
export function unreadBlobs(
  { files = [] }: Pick<Expectation, 'files'>,
  { readings = [] }: Pick<Evidence, 'readings'>,
): string[] {
  const read = new Set(readings.flatMap(({ blobs }) => blobs))
  const unread = new Set(files.flatMap(({ blobs }) => blobs).filter(blob => !read.has(blob)))
  return [...unread]
}

function doubt(message: string): RuleOutcome {
  return { verdict: 'inconclusive', reason: 'evidence-incomplete', message }
}
