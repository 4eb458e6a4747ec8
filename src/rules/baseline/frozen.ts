/**
 * No change any more, where there was one at a regular pace. What was never seen to change is no case: nobody knows whether it should.
 *
 * Its pace is its longest pause. A week and a day must be known, so that a weekend is among what is known to be a pause, and so many
 * changes that a pause can be told from an end.
 */
import type { Measure } from '../../model/baseline.ts'
import { type BaselineRule, day, number } from './rule.ts'

const dayMs = 86_400_000
const leastSpanMs = 8 * dayMs
const leastChanges = 5
const leastUnchanged = 2
/** Snapshots are not taken by the second. */
const slack = 0.95

export const frozen: BaselineRule = {
  kind: 'frozen',
  against: 'pace',
  differs(now, before, { frozenPauses }) {
    if (frozenPauses === null || now.resting !== null) return null
    const all = [...before, now]
    const first = all[0]
    const changes = all.filter((measure, i) => i > 0 && !isSame(all[i - 1] ?? measure, measure))
    const last = changes.at(-1)
    if (first === undefined || last === undefined || changes.length < leastChanges) return null
    const unchanged = all.length - 1 - all.indexOf(last)
    if (unchanged < leastUnchanged || last.endedMs - first.endedMs < leastSpanMs) return null
    const marks = [first, ...changes]
    const pauses = changes.map((change, i) => change.endedMs - (marks[i] ?? change).endedMs)
    const longestMs = Math.max(...pauses)
    const pauseMs = now.endedMs - last.endedMs
    if (pauseMs < longestMs * frozenPauses * slack) return null
    return `no change since ${day(last.endedMs)} in ${number(unchanged)} snapshots, the last on ${day(now.endedMs)}; it changed ${number(changes.length)} times since ${day(first.endedMs)}, and the longest pause was ${span(longestMs)}`
  },
}

/** Every write takes a sequence number; a merge takes none and still writes other files. */
function isSame(a: Measure, b: Measure): boolean {
  if (a.sequence !== null && b.sequence !== null) return a.sequence === b.sequence && a.documents === b.documents
  if (a.contentId !== null && b.contentId !== null && a.contentId === b.contentId) return true
  // Older servers number no writes; equal counts are no proof of a change, and other files none of the opposite.
  return a.documents !== null && a.documents === b.documents && a.bytes === b.bytes
}

function span(ms: number): string {
  if (ms < 2 * dayMs) return `${number(Math.round(ms / 3_600_000))} hours`
  return `${number(Math.round(ms / dayMs))} days`
}
