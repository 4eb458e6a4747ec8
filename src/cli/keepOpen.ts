/** `verify --keep HOURS`: says how to look inside what did not pass, and waits. */
import { SnapproofError } from '../errors.ts'
import { type KeptRestores, keepInstructions } from '../run/keep.ts'
import { isoTime } from '../time.ts'
import type { CliContext } from './context.ts'

const mostHours = 168

/** @throws SnapproofError `usage` */
export function keepMilliseconds(hours: number): number {
  if (Number.isFinite(hours) && hours > 0 && hours <= mostHours) return hours * 3_600_000
  throw new SnapproofError('usage', `--keep ${hours} is no number of hours above 0 and up to ${mostHours}`)
}

/** Resolves when the time is over, Ctrl-C was pressed, or every server has ended; whoever called stops the servers. */
export async function keepOpen(
  keep: KeptRestores,
  milliseconds: number,
  { clock, log, signal }: CliContext,
): Promise<void> {
  if (keep.list.length === 0) {
    log.info('--keep: nothing to look into, every restore passed or was never begun')
    return
  }
  // On stderr, so that stdout carries the result only.
  for (const line of keepInstructions(keep.list, isoTime(clock.nowMs() + milliseconds))) log.info(line)
  const why = await keep.wait(milliseconds, clock, signal)
  log.info(
    why === 'deadline'
      ? 'the time is over; what was kept is removed'
      : why === 'died'
        ? 'the server has ended; what is left of it is removed'
        : 'stopped; what was kept is removed',
  )
}
