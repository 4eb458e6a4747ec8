/**
 * What the policy wants proven and is not, or not recently enough. Pure: `nowMs` is a parameter.
 *
 * Two promises of the policy make debt at level `restore`:
 * - `restoreNewestWithinDays`: the newest content of each index is proven within so many days. The clock runs from the
 *   oldest snapshot that is newer than the latest proven one, so that a new snapshot every day does not put the
 *   deadline off for ever.
 * - `restoreEveryContentWithinDays`: every content is proven, and proven again, within so many days.
 * No deadline lies before the start of the policy plus the promise: the first weeks are catch-up and not alarm.
 *
 * What cannot be judged here (`count-unknown`) stays debt and goes beyond policy like everything that nobody proved.
 *
 * A proof from the future (a clock that jumped) counts as made now. Bad, but it makes no old proof young.
 */
import type { ContentRecord, DebtItem, DebtKind } from '../model/plan.ts'
import type { Policy } from '../model/policy.ts'
import type { SnapshotEntry } from '../model/repository.ts'
import { oldestFirst } from '../model/snapshotOrder.ts'
import { reasons } from '../model/verdict.ts'

const dayMs = 86_400_000
/** A proof becomes debt again when this part of its time is over, so that there is time left to renew it. */
const refreshAfter = 0.9

export interface DebtInput {
  readonly contents: readonly ContentRecord[]
  /** In the order of `index-N`. */
  readonly snapshots: readonly SnapshotEntry[]
  readonly policy: Policy
  /** Start of the policy: configured, or the first known run. */
  readonly startMs: number
  readonly nowMs: number
  /** Proven, and restored again all the same, because a rule asks what was never asked. @default none */
  readonly unasked?: ReadonlySet<ContentRecord>
}

/** Must it be proven? An obstacle excuses a content only where its reason leaves no debt. */
export function isOwed({ obstacle }: ContentRecord): boolean {
  return obstacle === null || reasons[obstacle].debt
}

/** Has an engine been asked for it in vain? Then it is asked again when a proof would be renewed, and nobody is late. */
export function isExcused({ proof, lastInconclusive }: ContentRecord): boolean {
  return proof?.verdict !== 'fail' && lastInconclusive?.reason === 'system-index'
}

/** Worst first; every content that is owed and in debt comes once. */
export function findDebt(input: DebtInput): DebtItem[] {
  const newestDue = newestDeadlines(input)
  const items: DebtItem[] = []
  for (const content of input.contents) {
    if (!isOwed(content)) continue
    if (isExcused(content)) {
      const dueMs = input.nowMs + input.policy.restoreEveryContentWithinDays * dayMs
      if (isExcuseOld(content, input)) items.push({ content, kind: 'refresh', dueMs, overdue: false })
      continue
    }
    const state = content.obstacle === null ? proofState(content, input) : 'never'
    const dueByAge = ageDeadline(content, state, input)
    const dueAsNewest = newestDue.get(content)
    const dueMs = Math.min(dueByAge, dueAsNewest ?? Number.POSITIVE_INFINITY)
    const overdue = dueMs < input.nowMs
    const isAsked = input.unasked?.has(content) !== true
    const kind = debtKind(state, overdue, dueAsNewest !== undefined) ?? (isAsked ? null : 'refresh')
    if (kind !== null) items.push({ content, kind, dueMs, overdue })
  }
  return items.sort(byRisk)
}

function isExcuseOld({ lastInconclusive }: ContentRecord, { policy, nowMs }: DebtInput): boolean {
  const ageMs = nowMs - Math.min(lastInconclusive?.atMs ?? nowMs, nowMs)
  return ageMs > policy.restoreEveryContentWithinDays * dayMs * refreshAfter
}

type ProofState = 'failed' | 'good' | 'refresh' | 'lapsed' | 'never'

/** Does the latest proof still hold? A proof without a witness was never to be remembered. */
export function proofState(content: ContentRecord, { policy, nowMs }: Pick<DebtInput, 'policy' | 'nowMs'>): ProofState {
  const { proof, witness } = content
  if (proof === null) return 'never'
  if (proof.verdict === 'fail') return 'failed'
  if (witness === null || proof.witness !== witness) return 'lapsed'
  const age = nowMs - Math.min(proof.provenMs, nowMs)
  return age > policy.restoreEveryContentWithinDays * dayMs * refreshAfter ? 'refresh' : 'good'
}

/** Does a proof count today? */
export function isProven(content: ContentRecord, at: Pick<DebtInput, 'policy' | 'nowMs'>): boolean {
  const state = proofState(content, at)
  return content.obstacle === null && (state === 'good' || state === 'refresh')
}

function debtKind(state: ProofState, overdue: boolean, newest: boolean): DebtKind | null {
  if (state === 'failed') return 'failed'
  if (state === 'good') return null
  if (overdue) return 'overdue'
  if (newest) return 'newest'
  return state
}

function ageDeadline(
  content: ContentRecord,
  state: ProofState,
  { snapshots, policy, startMs, nowMs }: DebtInput,
): number {
  const spanMs = policy.restoreEveryContentWithinDays * dayMs
  if ((state === 'good' || state === 'refresh') && content.proof !== null) {
    return Math.min(content.proof.provenMs, nowMs) + spanMs
  }
  const first = Math.min(...content.snapshots.map(position => snapshots[position]?.endedMs ?? startMs))
  return Math.max(first, startMs) + spanMs
}

/** Newest unproven contents with their deadlines. */
function newestDeadlines(input: DebtInput): Map<ContentRecord, number> {
  const { snapshots, policy, startMs } = input
  const endedMs = (position: number) => snapshots[position]?.endedMs ?? 0
  const entry = (position: number) => snapshots[position] ?? { name: '', uuid: '', endedMs: null }
  const byIndex = new Map<string, ContentRecord[]>()
  for (const content of input.contents) {
    if (!isOwed(content) || isExcused(content)) continue
    const list = byIndex.get(content.indexId)
    if (list === undefined) byIndex.set(content.indexId, [content])
    else list.push(content)
  }
  const deadlines = new Map<ContentRecord, number>()
  for (const contents of byIndex.values()) {
    const holders = contents
      .flatMap(content => content.snapshots.map(position => ({ content, position })))
      .sort(
        (a, b) =>
          oldestFirst(entry(a.position), entry(b.position)) || compareText(a.content.contentId, b.content.contentId),
      )
    const proven = (content: ContentRecord) => isProven(content, input)
    const newest = holders.at(-1)
    if (newest === undefined || proven(newest.content)) continue
    const latestProven = holders.findLastIndex(holder => proven(holder.content))
    const waitingSince = holders[latestProven + 1] ?? newest
    deadlines.set(
      newest.content,
      Math.max(endedMs(waitingSince.position), startMs) + policy.restoreNewestWithinDays * dayMs,
    )
  }
  return deadlines
}

const rank: Readonly<Record<DebtKind, number>> = { failed: 0, overdue: 1, newest: 2, lapsed: 3, never: 4, refresh: 5 }

/** A total order: without shared credit one content of an index stands once for each of its snapshots. */
export function byRisk(a: DebtItem, b: DebtItem): number {
  return (
    rank[a.kind] - rank[b.kind] ||
    a.dueMs - b.dueMs ||
    compareText(a.content.contentId, b.content.contentId) ||
    compareText(a.content.indexId, b.content.indexId) ||
    (a.content.snapshots[0] ?? -1) - (b.content.snapshots[0] ?? -1)
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
