/**
 * `lease.json`: what it says, how it is read and written, and when it has run out. Only conditional writes; only the store's clock counts.
 */
import type { BlobWriter } from '../blobs/port.ts'
import { describeError, SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import { isoTime } from '../time.ts'

export const leaseKey = 'lease.json'

export interface LeaseBody {
  readonly schemaVersion: 1
  readonly state: 'held' | 'released'
  readonly owner: string
  readonly runId: string
  /** One more with each holder. */
  readonly fence: number
  /** One more with each renewal by that holder. */
  readonly renewal: number
  readonly leaseSeconds: number
  /** ISO times by the holder's clock, for people; nothing is decided by them. */
  readonly since: string
  readonly deadline: string
  /** Makes each body, and so each ETag, unlike every other. */
  readonly nonce: string
  /** URL of the plan that holds it for its array; absent: a run holds it. */
  readonly plan?: string
}

/** What was found in the store. `body` null: the bytes are no lease. */
export interface FoundLease {
  readonly body: LeaseBody | null
  readonly etag: string
  readonly modifiedMs: number
}

/** Stores give times in whole seconds, and ours is read after the other's. */
export const storeTimeSlackMs = 2_000
/** Null when there is none. @throws SnapproofError those of the store */
export async function readLease(store: BlobWriter, signal: AbortSignal): Promise<FoundLease | null> {
  for (let attempt = 1; ; attempt++) {
    const head = await store.head(leaseKey, { signal })
    if (head === null) return null
    if (head.etag === null)
      throw new SnapproofError('unavailable', `${store.url} gives no ETag for ${leaseKey}`, {
        advice: 'The ledger needs a store with conditional writes; configure another, or sync: none.',
      })
    try {
      const { bytes, etag } = await store.read(leaseKey, { maxBytes: 65_536, signal })
      if (etag === head.etag) return { body: parseLease(bytes), etag, modifiedMs: head.modifiedMs }
    } catch (error) {
      if (!(error instanceof SnapproofError) || !['not-found', 'changed'].includes(error.code)) throw error
    }
    if (attempt === 10)
      throw new SnapproofError('unavailable', `${leaseKey} in ${store.url} changed ten times while it was read`)
  }
}

/** The ETag of the lease written, also where the answer was lost and the write is there; null when another was first. */
export async function writeLease(
  store: BlobWriter,
  body: LeaseBody,
  etag: string | null,
  signal: AbortSignal,
): Promise<string | null> {
  const bytes = Buffer.from(JSON.stringify(body))
  const answer = await (etag === null
    ? store.putIfAbsent(leaseKey, bytes, { signal })
    : store.putIfMatch(leaseKey, bytes, etag, { signal }))
  if (answer.written && answer.etag !== null) return answer.etag
  const found = await readLease(store, signal)
  return found?.body?.nonce === body.nonce ? found.etag : null
}

/** What it takes to ask the store for its time. */
export interface TimeKeeper {
  readonly store: BlobWriter
  readonly runId: string
  readonly randomId: () => string
  readonly log: Log
}

/** Milliseconds that a holder may go without renewing. */
export function leaseMs({ body }: FoundLease, ownSeconds: number): number {
  return (body?.leaseSeconds ?? ownSeconds) * 1000
}

/** `ownSeconds`: those that count where the lease cannot be read. */
export function hasExpired(found: FoundLease, storeMs: number, ownSeconds: number): boolean {
  return storeMs - found.modifiedMs > leaseMs(found, ownSeconds) + storeTimeSlackMs
}

/**
 * The plan that holds the lease beyond its deadline, for nobody has collected it; null: none does.
 *
 * @throws SnapproofError those of the store
 */
export async function overduePlan(
  keeper: TimeKeeper,
  signal: AbortSignal,
): Promise<{ readonly url: string; readonly runId: string } | null> {
  const found = await readLease(keeper.store, signal)
  const { plan, runId, state } = found?.body ?? {}
  if (found === null || plan === undefined || runId === undefined || state !== 'held') return null
  return hasExpired(found, await storeTime(keeper, signal), 0) ? { url: plan, runId } : null
}

/** The store's clock: the modification time of an object that was written just now. */
export async function storeTime({ store, runId, randomId, log }: TimeKeeper, signal: AbortSignal): Promise<number> {
  const key = `lease-time-${randomId()}.json`
  try {
    await store.putIfAbsent(key, Buffer.from(JSON.stringify({ runId })), { signal })
    const head = await store.head(key, { signal })
    if (head === null) throw new SnapproofError('unavailable', `${key} was written to ${store.url} and is not there`)
    return head.modifiedMs
  } finally {
    await store
      .delete(key, { signal })
      .catch((error: unknown) => log.warn(`could not delete ${key}`, { error: describeError(error) }))
  }
}

function parseLease(bytes: Buffer): LeaseBody | null {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { state, owner, runId, fence, renewal, leaseSeconds, since, deadline, nonce, plan } = value as Record<
    string,
    unknown
  >
  const texts = [owner, runId, since, deadline, nonce]
  if ((state !== 'held' && state !== 'released') || !texts.every(text => typeof text === 'string')) return null
  if (plan !== undefined && typeof plan !== 'string') return null
  if (![fence, renewal].every(Number.isSafeInteger) || typeof leaseSeconds !== 'number' || !(leaseSeconds > 0))
    return null
  return value as LeaseBody
}

export function describeHolder({ body, modifiedMs }: FoundLease): string {
  return body === null
    ? `somebody unknown (${leaseKey} is unreadable, written ${isoTime(modifiedMs)})`
    : `${body.plan === undefined ? '' : `the plan ${body.plan}, made by `}${body.owner} (run ${body.runId}) since ${body.since}`
}
