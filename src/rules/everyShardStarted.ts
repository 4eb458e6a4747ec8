/**
 * Every expected shard was positively seen to recover from this very snapshot and to be started.
 *
 * Starts from the expected shards: a failed shard vanishes from `_recovery`, and rows of a predecessor say DONE, so a
 * shard counts only with one row of type SNAPSHOT, stage DONE, naming this snapshot and index, and a started primary that
 * the routing table does not call unstarted.
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/indices/recovery/RecoveryState.java @ 9.5.3
 */
import type { Evidence, Expectation, RecoveryRow } from '../model/evidence.ts'
import { pass, type Rule, type RuleOutcome } from './rule.ts'
import { ownReason } from './serverWords.ts'
import { tellingWords } from './tellingWords.ts'

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
  const seen = [...evidence.stats, ...evidence.recovery].filter(row => row.primary)
  const known = new Set(expected.shards.map(({ shard }) => shard))
  const surplus = new Set([...seen, ...evidence.unstarted].map(({ shard }) => shard).filter(shard => !known.has(shard)))
  for (const shard of surplus) {
    const message = `shard ${shard} was restored and is not in the snapshot`
    outcomes.push({ verdict: 'fail', code: 'restored-files-mismatch', shard, message })
  }
  return outcomes.length > 0 ? outcomes : [pass]
}

function checkShard(shard: number, expected: Expectation, evidence: Evidence): RuleOutcome[] {
  const words = evidence.unstarted.find(row => row.shard === shard)
  const stats = evidence.stats.filter(row => row.shard === shard && row.primary)
  const rows = evidence.recovery.filter(row => row.shard === shard && row.primary)
  const mine = rows.filter(row => isOf(row, expected))
  // INITIALIZING with this reason: the server tries once more.
  const givenUp = words?.state === 'UNASSIGNED' && words.reason === 'ALLOCATION_FAILED' && evidence.cutShort === null
  if (givenUp && words.details !== null) {
    const message = `shard ${shard}: ${tellingWords(words.details)}`
    const own = ownReason(words.details)
    if (own !== null) return [{ verdict: 'inconclusive', reason: own, message }]
    return [{ verdict: 'fail', code: 'restore-shard-failed', shard, message }]
  }
  const started = words === undefined && stats.length === 1 && stats[0]?.state === 'STARTED'
  const recovered = mine.length === 1 && rows.length === 1 && mine[0]?.stage === 'DONE'
  if (started && recovered) return []
  const message = `shard ${shard}: ${words?.state ?? stats[0]?.state ?? 'no started copy'}, ${
    rows.length === 0 ? 'no recovery row' : rows.map(row => `${row.type} ${row.stage} of ${row.snapshot}`).join(', ')
  }${words?.details ? `, ${tellingWords(words.details)}` : ''}`
  const own = words?.details ? ownReason(words.details) : null
  return [{ verdict: 'inconclusive', reason: evidence.cutShort?.reason ?? own ?? 'evidence-incomplete', message }]
}

/** Servers leave the uuid out; where it is there, it tells a snapshot from a later one of the same name. */
function isOf(row: RecoveryRow, expected: Expectation): boolean {
  return (
    row.type === 'SNAPSHOT' &&
    row.snapshot === expected.snapshot &&
    row.index === expected.indexName &&
    (row.snapshotUuid === null || row.snapshotUuid === expected.snapshotUuid)
  )
}
