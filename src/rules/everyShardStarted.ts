/**
 * Every expected shard was positively seen to recover from this very snapshot and to be started.
 *
 * Starts from the expected shards: a failed shard vanishes from `_recovery`, and rows of a predecessor say DONE, so a
 * shard counts only with one row of type SNAPSHOT, stage DONE, naming this snapshot and index, and a started primary.
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/indices/recovery/RecoveryState.java @ 9.5.3
 */
import type { Evidence, Expectation } from '../model/evidence.ts'
import { lackOf } from './restoreAccepted.ts'
import { pass, type Rule, type RuleOutcome } from './rule.ts'

export const everyShardStarted: Rule = {
  meta: {
    id: 'everyShardStarted',
    title: 'Every expected shard was recovered and started',
    why: 'A shard that does not start is data that is gone.',
  },
  check,
}

function check(expected: Expectation, evidence: Evidence): RuleOutcome[] {
  if (evidence.refusal !== null) return [pass] // restoreAccepted speaks of it
  const outcomes = expected.shards.flatMap(({ shard }) => checkShard(shard, expected, evidence))
  const surplus = evidence.stats.filter(row => row.primary && !expected.shards.some(({ shard }) => shard === row.shard))
  for (const { shard } of surplus) {
    const message = `shard ${shard} was restored and is not in the snapshot`
    outcomes.push({ verdict: 'fail', code: 'restored-files-mismatch', shard, message })
  }
  return outcomes.length > 0 ? outcomes : [pass]
}

function checkShard(shard: number, expected: Expectation, evidence: Evidence): RuleOutcome[] {
  const words = evidence.unstarted.find(row => row.shard === shard)
  const stats = evidence.stats.filter(row => row.shard === shard && row.primary)
  const rows = evidence.recovery.filter(row => row.shard === shard && row.primary)
  const mine = rows.filter(
    row => row.type === 'SNAPSHOT' && row.snapshot === expected.snapshot && row.index === expected.indexName,
  )
  if (
    words !== undefined &&
    words.reason === 'ALLOCATION_FAILED' &&
    words.details !== null &&
    evidence.cutShort === null
  ) {
    const message = `shard ${shard}: ${words.details}`
    const lack = lackOf(words.details)
    if (lack !== null) return [{ verdict: 'inconclusive', reason: lack, message }]
    if (isOurDisk(words.details)) return [{ verdict: 'inconclusive', reason: 'disk-full', message }]
    return [{ verdict: 'fail', code: 'restore-shard-failed', shard, message }]
  }
  const started = stats.length === 1 && stats[0]?.state === 'STARTED'
  const recovered = mine.length === 1 && rows.length === 1 && mine[0]?.stage === 'DONE'
  if (started && recovered) return []
  const message = `shard ${shard}: ${stats[0]?.state ?? 'no started copy'}, ${
    rows.length === 0 ? 'no recovery row' : rows.map(row => `${row.type} ${row.stage} of ${row.snapshot}`).join(', ')
  }${words?.details ? `, ${words.details}` : ''}`
  return [{ verdict: 'inconclusive', reason: evidence.cutShort?.reason ?? 'evidence-incomplete', message }]
}

function isOurDisk(words: string): boolean {
  return /no space left on device|disk usage exceeded|not enough disk space|the node is above the (high|low) watermark/i.test(
    words,
  )
}
