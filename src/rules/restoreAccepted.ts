/** The server took the restore request. A refusal that is our engine's lack accuses nobody. */
import type { Evidence, Expectation } from '../model/evidence.ts'
import type { Reason } from '../model/verdict.ts'
import { pass, type Rule, type RuleOutcome } from './rule.ts'

export const restoreAccepted: Rule = {
  meta: {
    id: 'restoreAccepted',
    title: 'The server accepted the restore',
    why: 'A server that refuses on a quiet night refuses on the worst day.',
  },
  check,
}

/**
 * Words by which a server says that it is the wrong server, not that the snapshot is bad.
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/{snapshots/RestoreService,
 * cluster/metadata/IndexMetadataVerifier, index/mapper/MapperParsingException}.java @ 9.5.3
 */
const ourLack: readonly { readonly words: RegExp; readonly reason: Reason }[] = [
  { words: /which is (higher|newer) than the version of this node/i, reason: 'no-engine-for-version' },
  {
    words: /minimum (index )?compatibility version|minimum compatible|must be marked as read-only/i,
    reason: 'no-engine-for-version',
  },
  {
    words:
      /no handler for type|failed to parse mappings|unknown (token )?filter|unknown .*analyzer|unknown .*tokenizer|failed to find .*(filter|analyzer|tokenizer)|no (such )?plugin/i,
    reason: 'engine-lacks',
  },
  { words: /cannot be upgraded/i, reason: 'engine-lacks' },
  { words: /maximum (normal )?shards open|max_shards_per_node/i, reason: 'does-not-fit' },
  { words: /non-compliant for \[/i, reason: 'engine-lacks' },
]

function check(_expected: Expectation, { refusal }: Evidence): RuleOutcome[] {
  if (refusal === null) return [pass]
  const message = `${refusal.type}: ${refusal.reason} (HTTP ${refusal.status})`
  const lack = lackOf(refusal.reason)
  if (lack !== null) return [{ verdict: 'inconclusive', reason: lack, message }]
  // 429 and 5xx without a snapshot's own words are a server in trouble.
  if (refusal.status === 429 || refusal.status === 503) {
    return [{ verdict: 'inconclusive', reason: 'evidence-incomplete', message }]
  }
  return [{ verdict: 'fail', code: 'restore-refused', shard: null, message }]
}

/** The reason when the words of a server speak of its own lack; null otherwise. */
export function lackOf(words: string): Reason | null {
  return ourLack.find(lack => lack.words.test(words))?.reason ?? null
}
