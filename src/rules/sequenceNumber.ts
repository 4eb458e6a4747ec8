/**
 * The maximum sequence number of every restored shard equals that of the commit in the repository, and the local
 * checkpoint has come up to it.
 *
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/index/shard/StoreRecovery.java @ 9.5.3
 * (a restore keeps max_seq_no and fills the gaps below it).
 */
import type { Evidence, Expectation } from '../model/evidence.ts'
import { pass, type Rule, type RuleOutcome } from './rule.ts'

export const sequenceNumber: Rule = {
  meta: {
    id: 'sequenceNumber',
    title: 'Sequence numbers equal what the snapshot promised',
    why: 'A lower number means that operations are missing even where the count agrees.',
  },
  check,
}

function check(expected: Expectation, evidence: Evidence): RuleOutcome[] {
  if (evidence.refusal !== null) return [pass]
  const outcomes = expected.shards.flatMap(({ shard, maxSeqNo }): RuleOutcome[] => {
    const found = evidence.stats.find(row => row.shard === shard && row.primary)
    if (found?.state !== 'STARTED') return [] // everyShardStarted speaks of it: it has no final number yet
    if (maxSeqNo === null) {
      const message = `shard ${shard}: the repository does not say the sequence number`
      return [{ verdict: 'inconclusive', reason: 'count-unknown', message }]
    }
    if (found.maxSeqNo === null || found.localCheckpoint === null) {
      const message = `shard ${shard}: no sequence numbers in _stats`
      return [{ verdict: 'inconclusive', reason: 'evidence-incomplete', message }]
    }
    if (found.maxSeqNo === maxSeqNo && found.localCheckpoint === maxSeqNo) return []
    const message = `shard ${shard}: max_seq_no ${found.maxSeqNo}, local checkpoint ${found.localCheckpoint}, expected ${maxSeqNo}`
    return [{ verdict: 'fail', code: 'sequence-number-mismatch', shard, message }]
  })
  return outcomes.length > 0 ? outcomes : [pass]
}
