/** What a run expected and found as hashes over lines of `run.json`: README.md, "The bytes". */
import type { RunResult } from '../model/run.ts'
import { canonicalJson, type SealRecord, type Sha256, sha256 } from './record.ts'

/** No evidence: what is drawn from `run.json`, and `run.json`. */
const outputs: ReadonlySet<string> = new Set(['run.json', 'report.html', 'findings.csv'])

/** `written`: SHA-256 by name of every file in the folder of the run. */
export function digestsOf(
  run: RunResult,
  written: ReadonlyMap<string, Sha256>,
): Pick<SealRecord, 'expected' | 'found'> {
  const evidence = [...written]
    .filter(([name]) => !outputs.has(name))
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return {
    expected: {
      restores: digest(run.restores, row => [
        row.contentId,
        row.index,
        row.snapshotUuid,
        row.shards,
        row.files,
        row.bytes,
        row.expectedDocs,
      ]),
    },
    found: {
      restores: digest(run.restores, row => [
        row.contentId,
        row.index,
        row.snapshotUuid,
        row.verdict,
        row.reason,
        row.foundDocs,
        row.evidence,
      ]),
      verdicts: digest(run.verdicts, row => row),
      findings: digest(run.findings, row => row),
      accepted: digest(run.accepted, row => row),
      evidence: sha256(evidence.map(([name, hash]) => `${hash}  ${canonicalJson(name)}\n`).join('')),
    },
  }
}

function digest<Row>(rows: readonly Row[], line: (row: Row) => unknown): Sha256 {
  return sha256(rows.map(row => `${canonicalJson(line(row))}\n`).join(''))
}
