/** Takes the lease from a holder that is known to be dead. */
import type { BlobWriter } from '../blobs/port.ts'
import { SnapproofError } from '../errors.ts'
import type { Clock } from '../time.ts'
import { isoTime } from '../time.ts'
import { type LeaseBody, leaseKey, readLease } from './leaseObject.ts'

export interface Unlocked {
  /** False: nobody held it. */
  readonly unlocked: boolean
  readonly owner: string | null
  readonly runId: string | null
  readonly since: string | null
}

/** Of a lease whose bytes are none. */
const unknownOwner = 'unknown'

/**
 * Gives the lease back in the holder's place. A holder that lives after all finds it lost, starts nothing new and loses nothing.
 *
 * @param owner the holder's name, exactly as it is shown; null: it is not known yet
 * @throws SnapproofError `lease-held` when another holds it, naming who; `ledger-conflict` when it changed meanwhile: its holder lives
 */
export async function unlock(
  { store, clock, randomId }: { readonly store: BlobWriter; readonly clock: Clock; readonly randomId: () => string },
  owner: string | null,
  signal: AbortSignal,
): Promise<Unlocked> {
  const found = await readLease(store, signal)
  if (found === null || found.body?.state === 'released')
    return { unlocked: false, owner: null, runId: null, since: null }
  const { body, modifiedMs, etag } = found
  const holder = body?.owner ?? unknownOwner
  if (holder !== owner)
    throw new SnapproofError(
      'lease-held',
      `the lease in ${store.url} is held by ${holder} (run ${body?.runId ?? 'unknown'}) since ${body?.since ?? 'unknown'}, ` +
        `last renewed ${isoTime(modifiedMs)}${body?.plan === undefined ? '' : `, for the plan ${body.plan}`}`,
      { advice: `If that run is dead for certain: snapproof ledger unlock --owner ${JSON.stringify(holder)}` },
    )
  const released: LeaseBody = {
    schemaVersion: 1,
    state: 'released',
    owner: holder,
    runId: body?.runId ?? '',
    // Above all numbers that were counted up, where that of the lease cannot be read.
    fence: body?.fence ?? Math.floor(modifiedMs / 1000),
    renewal: (body?.renewal ?? 0) + 1,
    leaseSeconds: body?.leaseSeconds ?? 1,
    since: body?.since ?? isoTime(modifiedMs),
    deadline: isoTime(clock.nowMs()),
    nonce: randomId(),
  }
  const answer = await store.putIfMatch(leaseKey, Buffer.from(JSON.stringify(released)), etag, { signal })
  if (!answer.written)
    throw new SnapproofError('ledger-conflict', `${leaseKey} in ${store.url} changed meanwhile: its holder is alive`, {
      advice: 'Nothing was changed. Wait for that run to end.',
    })
  return { unlocked: true, owner: holder, runId: body?.runId ?? null, since: body?.since ?? null }
}
