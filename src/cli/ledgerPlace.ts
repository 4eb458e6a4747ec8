/** Which ledger a `snapproof ledger` command is about: that of a configuration, or a local file alone. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { SnapproofError } from '../errors.ts'
import type { LeaseOptions } from '../ledger/lease.ts'
import { type Place, type ReadLedger, readLedger, repositoryNameOf } from '../ledger/read.ts'
import { type CliContext, type CommonFlags, newRunId, openConfigured, readConfig } from './context.ts'

export interface LedgerPlace extends Place {
  readonly leaseSeconds: number
  close(): Promise<void>
}

/** @throws SnapproofError `usage` where neither a configuration nor a file is named */
export async function openPlace(context: CliContext, flags: CommonFlags): Promise<LedgerPlace> {
  const { clock, log, environment } = context
  const base = { log, randomId: randomUUID }
  const configured = flags.config ?? environment.SNAPPROOF_CONFIG
  if (configured === undefined && flags.ledger !== undefined) {
    const file = resolve(flags.ledger)
    return {
      ...base,
      repositoryName: repositoryNameOf(file),
      store: null,
      file,
      leaseSeconds: 60,
      close: async () => {},
    }
  }
  if (configured === undefined)
    throw new SnapproofError('usage', 'which ledger?', {
      advice: 'Give --config FILE, or --ledger FILE of a local one.',
    })
  const { repository, ledger } = await readConfig(context, flags, undefined)
  const store = ledger.store === null ? null : openConfigured(ledger.store, clock, 4)
  return {
    ...base,
    repositoryName: repository.name,
    store,
    file: ledger.file,
    leaseSeconds: ledger.leaseSeconds,
    close: async () => store?.close(),
  }
}

/** How this process signs locks and leases. */
export function holderOf(
  { clock, log }: CliContext,
  { leaseSeconds, randomId }: LedgerPlace,
): Omit<LeaseOptions, 'store'> {
  return { owner: `${hostname()}:${process.pid}`, runId: newRunId(clock), leaseSeconds, clock, log, randomId }
}

/** Reads with a copy that is removed, and says on stderr what is wrong with the ledger. */
export async function withLedger<T>(
  context: CliContext,
  flags: CommonFlags,
  ask: (ledger: ReadLedger, place: LedgerPlace) => T | Promise<T>,
): Promise<T> {
  const place = await openPlace(context, flags)
  try {
    const ledger = await readLedger(place, context.signal)
    try {
      for (const warning of ledger.warnings) context.log.warn(warning)
      return await ask(ledger, place)
    } finally {
      ledger.close()
    }
  } finally {
    await place.close()
  }
}
