/**
 * `commit.num_docs` of every restored shard equals the count that the commit in the repository holds; without nested
 * fields `_count` equals their sum too.
 *
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/index/engine/CommitStats.java @ 9.5.3
 */
import type { Evidence, Expectation } from '../model/evidence.ts'
import { pass, type Rule, type RuleOutcome } from './rule.ts'

export const documentCount: Rule = {
  meta: {
    id: 'documentCount',
    title: 'Documents equal what the snapshot promised',
    why: 'Fewer documents after a restore are lost documents.',
  },
  check,
}

function check(expected: Expectation, evidence: Evidence): RuleOutcome[] {
  if (evidence.refusal !== null) return [pass]
  const outcomes = expected.shards.flatMap(({ shard, luceneDocs }): RuleOutcome[] => {
    const found = evidence.stats.find(row => row.shard === shard && row.primary)
    if (found?.state !== 'STARTED') return [] // everyShardStarted speaks of it: it has no final number yet
    if (luceneDocs === null) return [unknown('count-unknown', `shard ${shard}: the repository does not say how many`)]
    if (found.luceneDocs === null) return [unknown('evidence-incomplete', `shard ${shard}: no commit in _stats`)]
    if (found.luceneDocs === luceneDocs) return []
    const message = `shard ${shard}: ${found.luceneDocs} documents, expected ${luceneDocs}`
    return [{ verdict: 'fail', code: 'document-count-mismatch', shard, message }]
  })
  if (outcomes.length > 0) return outcomes
  return checkTotal(expected, evidence)
}

function checkTotal(expected: Expectation, { count, stats, unstarted, cutShort }: Evidence): RuleOutcome[] {
  const allSeen = expected.shards.every(({ shard }) =>
    stats.some(row => row.shard === shard && row.primary && row.state === 'STARTED'),
  )
  if (!allSeen || unstarted.length > 0) return [pass] // everyShardStarted speaks of it
  if (count === null) return [unknown(cutShort?.reason ?? 'evidence-incomplete', '_count was not answered')]
  const total = expected.shards.reduce((sum, { luceneDocs }) => sum + (luceneDocs ?? 0), 0)
  // Nested children are Lucene documents of their own and _count leaves them out; each has a parent that it counts.
  if (expected.hasNested ? count <= total && (count > 0 || total === 0) : count === total) return [pass]
  const message = `_count gives ${count}, expected ${expected.hasNested ? 'some, at most ' : ''}${total}`
  return [{ verdict: 'fail', code: 'document-count-mismatch', shard: null, message }]
}

function unknown(
  reason: 'count-unknown' | 'evidence-incomplete' | NonNullable<Evidence['cutShort']>['reason'],
  message: string,
): RuleOutcome {
  return { verdict: 'inconclusive', reason, message }
}
