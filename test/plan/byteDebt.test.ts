/** Whose bytes are read besides the restores. */
import { expect, test } from 'vitest'
import type { ContentProof } from '../../src/model/plan.ts'
import { isReadingDue } from '../../src/plan/byteDebt.ts'

const day = 86_400_000
const nowMs = Date.UTC(2026, 10, 23)
const policy = { bytesWithinDays: 90 }
const proofOf = (daysAgo: number, verdict: 'pass' | 'fail' = 'pass'): ContentProof => ({
  verdict,
  reason: verdict === 'pass' ? 'proven' : 'found',
  provenMs: nowMs - daysAgo * day,
  witness: 'w',
  runId: 'r',
  snapshot: 's',
  snapshotUuid: 'u',
  method: 'restore',
  seconds: 1,
})

test.each([
  ['restored yesterday', null, proofOf(1), 400, false],
  ['restored 67 days ago', null, proofOf(67), 400, false],
  ['restored 68 days ago', null, proofOf(68), 400, true],
  ['never restored, a new policy', null, null, 1, false],
  ['never restored in most of the time', null, null, 68, true],
  ['restored in the future, by a clock that was wrong', null, proofOf(-5), 400, false],
  ['failed yesterday, a policy as old as that', null, proofOf(1, 'fail'), 1, false],
  ['cannot be restored at all', 'system-index', null, 0, true],
] as const)('%s', (_, obstacle, proof, policyDays, due) => {
  expect(isReadingDue(obstacle, proof, policy, nowMs - policyDays * day, nowMs)).toBe(due)
})
