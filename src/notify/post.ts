/**
 * One POST to an address that is a secret: tried again for a while, never longer than it may, and never told of by more than its origin.
 * Redirects are not followed: what they lead to was not configured.
 */
import { randomInt } from 'node:crypto'
import { describeError, SnapproofError } from '../errors.ts'
import { type Clock, withDeadline } from '../time.ts'

/** Milliseconds; tests take less. */
export interface Patience {
  readonly attempts: number
  readonly attemptMs: number
  /** Before the second attempt at most; doubled before each further one. */
  readonly pauseMs: number
}

export interface Post {
  readonly url: URL
  readonly body: string
  readonly contentType: string
  /** Name and value, of the environment; a secret, too. */
  readonly header?: readonly [string, string] | null
}

export interface PostOptions {
  readonly patience: Patience
  readonly clock: Clock
  /** For all attempts and pauses together. */
  readonly signal: AbortSignal
}

/** Nobody needs more of an answer than its first words. */
const answerBytes = 256

/**
 * Resolves when it was taken.
 *
 * @throws SnapproofError `unavailable`: refused, or not taken in time; names the origin alone
 */
export async function post(message: Post, { patience, clock, signal }: PostOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const answer = await once(message, withDeadline(signal, patience.attemptMs, 'an attempt'))
    if (answer === 'taken') return
    const isLast = attempt >= patience.attempts || !answer.again || signal.aborted
    const pauseMs = isLast ? 0 : randomInt(0, patience.pauseMs * 2 ** (attempt - 1) + 1)
    const wasCut = isLast || !(await slept(pauseMs, clock, signal))
    if (wasCut) throw new SnapproofError('unavailable', said(answer.why, attempt, message), { advice: answer.advice })
  }
}

interface Refusal {
  readonly why: string
  /** Is it worth another attempt? */
  readonly again: boolean
  readonly advice: string
}

async function once({ url, body, contentType, header }: Post, signal: AbortSignal): Promise<'taken' | Refusal> {
  try {
    const headers = new Headers({ 'content-type': contentType, 'user-agent': 'snapproof' })
    if (header != null) headers.set(...header)
    const response = await fetch(url, { method: 'POST', body, headers, redirect: 'manual', signal })
    const { status } = response
    const text = await firstWords(response)
    if (status >= 300 && status < 400) {
      const location = response.headers.get('location') ?? ''
      const to = URL.canParse(location, url.href) ? new URL(location, url).origin : 'nowhere'
      const advice = 'Redirects are not followed: configure the address that it leads to.'
      return { why: `it leads on (${status}) to ${to}`, again: false, advice }
    }
    if (status >= 200 && status < 300) {
      // How healthchecks.io answers for a check that it does not know, "for backwards compatibility" (healthchecks.io/docs/http_api).
      const inBrackets = /^OK \(([a-z ]{1,40})\)/.exec(text)?.[1]
      if (inBrackets === undefined) return 'taken'
      return { why: `it said ${inBrackets}`, again: inBrackets === 'rate limited', advice: 'Look at the address.' }
    }
    const again = status >= 500 || [408, 425, 429].includes(status)
    return { why: `it said ${status}`, again, advice: again ? '' : 'Look at the address, and at the header it wants.' }
  } catch (error) {
    const cause = signal.aborted ? signal.reason : error
    return { why: describeError(cause), again: true, advice: 'Look at the network, and at the address.' }
  }
}

/** Whoever sends for ever is not listened to. @throws what the body throws, or the signal of the request */
async function firstWords({ body }: Response): Promise<string> {
  if (body === null) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop cancels the body, and with it the connection.
  for await (const chunk of body) {
    chunks.push(chunk.subarray(0, answerBytes))
    bytes += chunk.length
    if (bytes >= answerBytes) break
  }
  return Buffer.concat(chunks).subarray(0, answerBytes).toString('latin1')
}

/** False: the time was up before. */
async function slept(ms: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, signal)
    return true
  } catch (error) {
    if (!signal.aborted) throw error
    return false
  }
}

/** Without what is secret, whatever an error of the network quotes. */
function said(why: string, attempts: number, { url, header }: Post): string {
  const secrets = [url.href, url.pathname + url.search, url.pathname, header?.[1] ?? '']
  const clean = secrets.reduce((text, secret) => (secret.length > 1 ? text.replaceAll(secret, '[hidden]') : text), why)
  return `${url.origin} did not take it (${attempts === 1 ? '1 attempt' : `${attempts} attempts`}): ${clean}`
}
