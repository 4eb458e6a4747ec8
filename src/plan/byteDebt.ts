/** Whose bytes a night reads besides its restores, which read them too. Pure. */
import type { ContentProof } from '../model/plan.ts'
import type { Policy } from '../model/policy.ts'
import type { Reason } from '../model/verdict.ts'

const dayMs = 86_400_000
/** Due when this part of the time is over, so that there is time left to read. */
const dueAfter = 0.75

/**
 * A restore compares every byte, so what will be restored anyway waits for it: reading is due for what no restore proves
 * (`obstacle`), for what was restored too long ago, and for what restores did not get to in most of the time that the policy gives.
 */
export function isReadingDue(
  obstacle: Reason | null,
  proof: ContentProof | null,
  { bytesWithinDays }: Pick<Policy, 'bytesWithinDays'>,
  startMs: number,
  nowMs: number,
): boolean {
  if (obstacle !== null) return true
  const sinceMs = proof?.verdict === 'pass' ? Math.min(proof.provenMs, nowMs) : startMs
  return nowMs - sinceMs > bytesWithinDays * dayMs * dueAfter
}
