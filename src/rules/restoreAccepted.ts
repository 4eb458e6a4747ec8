/** The server took the restore request. A refusal that is our engine's lack or trouble accuses nobody. */
import type { Evidence, Expectation } from '../model/evidence.ts'
import { pass, type Rule, type RuleOutcome } from './rule.ts'
import { ownReason } from './serverWords.ts'

export const restoreAccepted: Rule = {
  meta: {
    id: 'restoreAccepted',
    title: 'The server accepted the restore',
    why: 'A server that refuses on a quiet night refuses on the worst day.',
  },
  check,
}

/** Answers about the request or the server, given before it looks at a snapshot. */
const ownStatuses: ReadonlySet<number> = new Set([401, 403, 408, 429, 502, 503, 504])
const ownTypes: ReadonlySet<string> = new Set([
  'cluster_block_exception',
  'concurrent_snapshot_execution_exception',
  'es_rejected_execution_exception',
  'master_not_discovered_exception',
  'process_cluster_event_timeout_exception',
  'repository_missing_exception',
])

function check({ feature }: Expectation, { refusal }: Evidence): RuleOutcome[] {
  if (refusal === null) return [pass]
  const message = `${refusal.type}: ${refusal.reason} (HTTP ${refusal.status})`
  const own = ownReason(refusal.reason)
  if (own !== null) return [{ verdict: 'inconclusive', reason: own, message }]
  if (ownStatuses.has(refusal.status) || ownTypes.has(refusal.type)) {
    return [{ verdict: 'inconclusive', reason: 'evidence-incomplete', message }]
  }
  if (feature !== undefined) {
    // All of a feature is taken or refused together, and what is wrong may be with another of its indices.
    return [{ verdict: 'inconclusive', reason: 'evidence-incomplete', message: `feature ${feature.name}: ${message}` }]
  }
  return [{ verdict: 'fail', code: 'restore-refused', shard: null, message }]
}
