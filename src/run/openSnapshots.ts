/** What stays open at the end of a run, as far as the exit code speaks of it. */
import type { Plan } from '../model/plan.ts'
import type { Policy } from '../model/policy.ts'
import type { RestoreRow } from '../model/run.ts'
import { isOpen, reasons } from '../model/verdict.ts'
import type { JudgedSnapshot } from './verdicts.ts'
import type { WorkResult } from './work.ts'

/** Did `catalogue` or `presence` stay open? What was wrong at the source leaves nothing to look at. */
export function isUnseen({ levels }: JudgedSnapshot): boolean {
  return [levels.catalogue, levels.presence].some(
    ({ mark }) => mark.verdict === 'inconclusive' && reasons[mark.reason].debt,
  )
}

/** Are its bytes open for longer than the policy allows, counted from its end or the start of the policy? */
export function isUnread(
  { entry, levels }: JudgedSnapshot,
  { bytesWithinDays }: Pick<Policy, 'bytesWithinDays'>,
  startMs: number,
  nowMs: number,
): boolean {
  const { verdict, reason } = levels.bytes.mark
  if (verdict !== 'inconclusive' || !reasons[reason].debt) return false
  return nowMs - Math.max(startMs, entry.endedMs ?? startMs) > bytesWithinDays * 86_400_000
}

/** Contents of named snapshots that this run was to restore and did not judge; at least the snapshots that stay open. */
export function countUnfinished(
  { survey, work }: { readonly survey: { readonly plan: Pick<Plan, 'left'> }; readonly work: Pick<WorkResult, 'left'> },
  judged: readonly JudgedSnapshot[],
  restores: readonly RestoreRow[],
  only: readonly string[],
): number {
  const open = restores.filter(isOpen).length
  const contents = open + survey.plan.left.length + work.left.length
  if (contents > 0) return contents
  const named = judged.filter(({ entry }) => only.includes(entry.name) || only.includes(entry.uuid))
  return named.filter(({ levels }) => levels.restore.mark.verdict === 'inconclusive').length
}
