/** The server recovered as many files and bytes as the snapshot lists, for every shard. */
import type { Evidence, Expectation } from '../model/evidence.ts'
import { pass, type Rule, type RuleOutcome } from './rule.ts'

export const filesAndBytes: Rule = {
  meta: {
    id: 'filesAndBytes',
    title: 'Files and bytes equal what the snapshot lists',
    why: 'Another number means that the server restored something else than we read.',
  },
  check,
}

function check(expected: Expectation, evidence: Evidence): RuleOutcome[] {
  if (evidence.refusal !== null) return [pass]
  const outcomes: RuleOutcome[] = []
  for (const { shard, files, bytes } of expected.shards) {
    const row = evidence.recovery.find(r => r.shard === shard && r.primary && r.snapshot === expected.snapshot)
    if (row === undefined || row.stage !== 'DONE') continue // everyShardStarted speaks of it
    if (row.files === files && row.bytes === bytes && row.recoveredBytes + row.reusedBytes === bytes) continue
    outcomes.push({
      verdict: 'fail',
      code: 'restored-files-mismatch',
      shard,
      message: `shard ${shard}: ${row.files} files and ${row.bytes} bytes (${row.recoveredBytes} recovered, ${row.reusedBytes} reused), expected ${files} files and ${bytes} bytes`,
    })
  }
  return outcomes.length > 0 ? outcomes : [pass]
}
