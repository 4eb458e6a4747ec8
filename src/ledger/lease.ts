/**
 * The lease: `lease.json`, written only conditionally, its body never the same twice. It stops a second run early and politely;
 * that nothing is lost rests on conditional writes alone. States and times: README.md, "Lease".
 *
 * A run that leaves work to an array of machines hands its lease to the plan: held without renewal until the plan's deadline.
 *
 * Scheme: benbjohnson/litestream: s3/leaser.go. Unlike there, a lease is given back by a conditional write and not deleted: a
 * delete cannot be made conditional on every store, and the fencing number must go on growing.
 */
import type { BlobWriter } from '../blobs/port.ts'
import { describeError, SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time.ts'
import { isoTime, withDeadline } from '../time.ts'
import {
  describeHolder,
  type FoundLease,
  hasExpired,
  type LeaseBody,
  leaseKey,
  leaseMs,
  readLease,
  storeTime,
  storeTimeSlackMs,
  writeLease,
} from './leaseObject.ts'

export interface LeaseOptions {
  readonly store: BlobWriter
  readonly owner: string
  readonly runId: string
  readonly leaseSeconds: number
  readonly clock: Clock
  readonly log: Log
  readonly randomId: () => string
}

export interface Lease {
  readonly fence: number
  readonly lost: AbortSignal
  /**
   * Ends the renewal and leaves the lease to a plan for so many seconds; `release` then does nothing.
   *
   * @throws SnapproofError `lease-held` when it was lost before; those of the store
   */
  handOver(plan: string, seconds: number, signal: AbortSignal): Promise<void>
  /** Stops the renewal and gives the lease back; a failure is logged, the lease then expires by itself. */
  release(): Promise<void>
}

const acquireDeadlineMs = 60_000
const releaseDeadlineMs = 15_000
const handOverAttempts = 5

/** @throws SnapproofError `lease-held` with the owner and since when; those of the store */
export async function acquireLease(options: LeaseOptions, signal: AbortSignal): Promise<Lease> {
  const { store, clock, leaseSeconds, owner, runId } = options
  const until = withDeadline(signal, acquireDeadlineMs, `taking the lease in ${store.url}`)
  const since = isoTime(clock.nowMs())
  for (;;) {
    until.throwIfAborted()
    const found = await readLease(store, until)
    const fence = await nextFence(options, found, until)
    const body = bodyOf(options, { state: 'held', fence, renewal: 0, since })
    const askedMs = clock.monotonicMs()
    const etag = await writeLease(store, body, found?.etag ?? null, until)
    if (etag !== null) return new HeldLease(options, body, etag, askedMs)
    options.log.info(`another run wrote ${leaseKey} first, looking again`, { runId, owner, leaseSeconds })
  }
}

class HeldLease implements Lease {
  readonly fence: number
  readonly lost: AbortSignal
  readonly #options: LeaseOptions
  readonly #lost = new AbortController()
  readonly #closing = new AbortController()
  #body: LeaseBody
  #etag: string
  /** Monotonic time at which the last successful write was asked for: the store's time of it is not earlier. */
  #heldFromMs: number
  #timer: NodeJS.Timeout | null = null
  #renewing: Promise<void> = Promise.resolve()

  constructor(options: LeaseOptions, body: LeaseBody, etag: string, askedMs: number) {
    this.#options = options
    this.#body = body
    this.#etag = etag
    this.#heldFromMs = askedMs
    this.fence = body.fence
    this.lost = this.#lost.signal
    this.#schedule(options.leaseSeconds / 3)
  }

  async handOver(plan: string, seconds: number, signal: AbortSignal): Promise<void> {
    await this.#stopRenewing('the lease is being handed to a plan')
    this.#lost.signal.throwIfAborted()
    const { store } = this.#options
    const asked = { ...this.#next('held', seconds), plan }
    for (let attempt = 1; attempt <= handOverAttempts; attempt++) {
      if ((await writeLease(store, asked, this.#etag, signal)) !== null) return
      // A renewal that was cut off above may have been written after all, or the store refused though nobody else wrote.
      const found = await readLease(store, signal)
      if (found === null || !this.#isOurs(found)) {
        this.#lose(found)
        break
      }
      this.#etag = found.etag
    }
    this.#lost.signal.throwIfAborted()
    throw new SnapproofError('unavailable', `${store.url} refused ${handOverAttempts} times to write ${leaseKey}`)
  }

  async release(): Promise<void> {
    if (this.#closing.signal.aborted) return
    await this.#stopRenewing('the lease is being given back')
    if (this.#lost.signal.aborted) return
    const { store, log } = this.#options
    try {
      const signal = withDeadline(undefined, releaseDeadlineMs, `giving back the lease in ${store.url}`)
      const released = this.#next('released')
      if ((await writeLease(store, released, this.#etag, signal)) !== null) return
      // A renewal that was cut off above may have been written after all.
      const found = await readLease(store, signal)
      if (found?.body?.runId !== released.runId || found.body.fence !== this.fence || found.body.state !== 'held')
        return
      await writeLease(store, released, found.etag, signal)
    } catch (error) {
      log.warn('the lease could not be given back and expires by itself', {
        leaseSeconds: this.#options.leaseSeconds,
        error: describeError(error),
      })
    }
  }

  async #stopRenewing(why: string): Promise<void> {
    this.#closing.abort(new SnapproofError('interrupted', why))
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#renewing
  }

  #schedule(seconds: number): void {
    if (this.#closing.signal.aborted || this.#lost.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#renewing = this.#renew()
    }, seconds * 1000)
    this.#timer.unref()
  }

  async #renew(): Promise<void> {
    const { store, clock, leaseSeconds, log } = this.#options
    const asked = this.#next('held')
    const askedMs = clock.monotonicMs()
    try {
      const signal = withDeadline(this.#closing.signal, leaseSeconds * 500, 'renewing the lease')
      const etag = await writeLease(store, asked, this.#etag, signal)
      if (etag === null) {
        const found = await readLease(store, signal)
        if (found === null || !this.#isOurs(found)) return this.#lose(found)
        // An earlier renewal was written and its answer lost, or the store refused (409) though nobody else wrote.
        this.#etag = found.etag
        throw new SnapproofError('unavailable', `${store.url} refused to write ${leaseKey}`)
      }
      this.#body = asked
      this.#etag = etag
      this.#heldFromMs = askedMs
      this.#schedule(leaseSeconds / 3)
    } catch (error) {
      if (this.#closing.signal.aborted) return
      if (clock.monotonicMs() - this.#heldFromMs > leaseSeconds * 1000) return this.#lose(null, error)
      log.warn('the lease could not be renewed, trying again', { error: describeError(error) })
      this.#schedule(leaseSeconds / 10)
    }
  }

  /** No two holders have the same number. */
  #isOurs({ body }: FoundLease): boolean {
    return body?.state === 'held' && body.fence === this.fence && body.runId === this.#options.runId
  }

  #lose(found: FoundLease | null, cause?: unknown): void {
    const whose = found === null ? 'it could not be renewed in time' : `it was taken by ${describeHolder(found)}`
    this.#lost.abort(
      new SnapproofError('lease-held', `the lease in ${this.#options.store.url} is lost: ${whose}`, {
        advice: 'What was done is journalled; the next run goes on from there.',
        cause,
      }),
    )
  }

  #next(state: LeaseBody['state'], leaseSeconds = this.#options.leaseSeconds): LeaseBody {
    const { fence, renewal, since } = this.#body
    return bodyOf({ ...this.#options, leaseSeconds }, { state, fence, renewal: renewal + 1, since })
  }
}

/** @throws SnapproofError `lease-held` while the holder is alive */
async function nextFence(options: LeaseOptions, found: FoundLease | null, signal: AbortSignal): Promise<number> {
  if (found === null) return 1
  if (found.body?.state === 'released') return found.body.fence + 1
  // What a plan holds, it holds for the run that it names: its own collect goes on with it.
  if (found.body?.plan !== undefined && found.body.runId === options.runId) return found.body.fence + 1
  const storeMs = await storeTime(options, signal)
  const heldMs = leaseMs(found, options.leaseSeconds) + storeTimeSlackMs
  if (hasExpired(found, storeMs, options.leaseSeconds)) {
    const { plan } = found.body ?? {}
    if (plan === undefined) options.log.info(`the lease of ${describeHolder(found)} has expired and is taken over`)
    else
      options.log.warn('a plan was not collected by its deadline; what its children journalled is taken in', { plan })
    // A lease that cannot be read does not say its number; seconds of the store's clock are above all that were counted up.
    return found.body === null ? Math.floor(storeMs / 1000) : found.body.fence + 1
  }
  const seconds = Math.ceil(heldMs / 1000)
  throw new SnapproofError('lease-held', `the ledger in ${options.store.url} is held by ${describeHolder(found)}`, {
    advice:
      found.body?.plan === undefined
        ? `Wait for that run to end. If its machine is gone, the lease expires by itself ${seconds} s after its last renewal.`
        : `Its array is at work: \`snapproof collect --plan ${found.body.plan}\` ends it. Without that, the first run after ` +
          `${isoTime(found.modifiedMs + heldMs)} takes in what its children left, with a report of it.`,
  })
}

function bodyOf(
  { owner, runId, leaseSeconds, clock, randomId }: LeaseOptions,
  rest: Pick<LeaseBody, 'state' | 'fence' | 'renewal' | 'since'>,
): LeaseBody {
  const deadline = isoTime(clock.nowMs() + leaseSeconds * 1000)
  return { schemaVersion: 1, owner, runId, leaseSeconds, deadline, nonce: randomId(), ...rest }
}
