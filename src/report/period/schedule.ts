/** Planned against executed: which of the runs that should have happened did. */
import type { PeriodReport, PeriodSlot, SlotState, Span } from '../../model/period.ts'

const dayMs = 86_400_000

export interface SlotRun {
  readonly runId: string
  readonly startedMs: number
  /** `unfinished`: it left restores and no end. */
  readonly state: 'worked' | 'not-worked' | 'unfinished'
}

/** Exit codes of a run that did its work, whatever it found: good, an error, debt beyond policy. */
export function didWork(exitCode: number): boolean {
  return exitCode === 0 || exitCode === 1 || exitCode === 4
}

/**
 * One run is planned for every `everyDays` days, counted from the start of the period. A run belongs to the slot in which it began. Only slots
 * that are over are planned: the night to come is not missed yet.
 */
export function scheduleOf(
  span: Span,
  nowMs: number,
  everyDays: number,
  runs: readonly SlotRun[],
): PeriodReport['schedule'] {
  const slotMs = everyDays * dayMs
  const slots: PeriodSlot[] = []
  for (let fromMs = span.fromMs; fromMs <= span.toMs; fromMs += slotMs) {
    // The last one of a period may be cut short by its end, and a run may come after that.
    const toMs = fromMs + slotMs - 1
    if (toMs >= nowMs || toMs > span.toMs) break
    const inside = runs.filter(({ startedMs }) => startedMs >= fromMs && startedMs <= toMs)
    slots.push({
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      state: stateOf(inside),
      runs: inside.map(({ runId }) => runId),
    })
  }
  const count = (state: SlotState) => slots.filter(slot => slot.state === state).length
  return {
    everyDays,
    planned: slots.length,
    done: count('done'),
    notWorked: count('not-worked'),
    unfinished: count('unfinished'),
    missed: count('missed'),
    slots,
  }
}

function stateOf(runs: readonly SlotRun[]): SlotState {
  if (runs.some(({ state }) => state === 'worked')) return 'done'
  if (runs.some(({ state }) => state === 'not-worked')) return 'not-worked'
  return runs.length > 0 ? 'unfinished' : 'missed'
}
