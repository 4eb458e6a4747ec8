/**
 * The one error class. Findings are data and never thrown; an error is our own failure or the operator's mistake.
 *
 * The message says what was being done to what, the value got and the values allowed; `advice` says what to do next;
 * `cause` is kept and never repeated in the message.
 */

/** Exit codes, documented in the README and printed by `snapproof --help`. */
export const exitCodes = {
  good: 0,
  finding: 1,
  couldNotWork: 2,
  leaseHeld: 3,
  debtBeyondPolicy: 4,
  usage: 64,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Stable codes of our own failures, and the exit code each leads to. */
export const errorCodes = {
  usage: exitCodes.usage,
  configuration: exitCodes.usage,
  'no-such-bucket': exitCodes.couldNotWork,
  'access-denied': exitCodes.couldNotWork,
  'not-found': exitCodes.couldNotWork,
  'no-repository': exitCodes.couldNotWork,
  'unreadable-repository-data': exitCodes.couldNotWork,
  unavailable: exitCodes.couldNotWork,
  archived: exitCodes.couldNotWork,
  changed: exitCodes.couldNotWork,
  'too-large': exitCodes.couldNotWork,
  'lease-held': exitCodes.leaseHeld,
  'ledger-newer': exitCodes.couldNotWork,
  'ledger-damaged': exitCodes.couldNotWork,
  'ledger-conflict': exitCodes.couldNotWork,
  'disk-full': exitCodes.couldNotWork,
  'disk-failed': exitCodes.couldNotWork,
  'no-jdk': exitCodes.couldNotWork,
  'no-maven': exitCodes.couldNotWork,
  'no-distribution': exitCodes.couldNotWork,
  'no-container-engine': exitCodes.couldNotWork,
  'no-image': exitCodes.couldNotWork,
  'endpoint-refused': exitCodes.couldNotWork,
  'engine-start': exitCodes.couldNotWork,
  'engine-died': exitCodes.couldNotWork,
  'engine-request': exitCodes.couldNotWork,
  'port-taken': exitCodes.couldNotWork,
  'owner-command': exitCodes.couldNotWork,
  'metrics-not-put': exitCodes.couldNotWork,
  'auditor-blind': exitCodes.couldNotWork,
  deadline: exitCodes.couldNotWork,
  interrupted: exitCodes.couldNotWork,
  internal: exitCodes.couldNotWork,
} as const satisfies Record<string, ExitCode>
export type ErrorCode = keyof typeof errorCodes

export class SnapproofError extends Error {
  override readonly name = 'SnapproofError'
  readonly code: ErrorCode
  /** One sentence: what to do next. Empty when the message says it all. */
  readonly advice: string

  constructor(code: ErrorCode, message: string, options: { advice?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.advice = options.advice ?? ''
  }

  get exitCode(): ExitCode {
    return errorCodes[this.code]
  }
}

export function isSnapproofError(error: unknown, ...codes: ErrorCode[]): error is SnapproofError {
  return error instanceof SnapproofError && (codes.length === 0 || codes.includes(error.code))
}

/** The message of anything thrown, with its causes, outermost first. */
export function describeError(error: unknown): string {
  const messages: string[] = []
  for (let e: unknown = error, depth = 0; e !== undefined && e !== null && depth < 5; depth++) {
    messages.push(e instanceof Error ? e.message || e.name : String(e))
    e = e instanceof Error ? e.cause : undefined
  }
  // Some causes are quoted by the message around them.
  return messages.filter((m, i) => m !== '' && !messages.slice(0, i).some(outer => outer.includes(m))).join(': ')
}

/**
 * What a failed call of `node:fs` says, as an error of ours: `disk-full`, else `disk-failed`. `doing` completes "could not … PATH".
 * Anything else, an error of ours among it, comes back as it is.
 */
export function diskError(error: unknown, doing: string, path: string): unknown {
  if (error instanceof SnapproofError || !(error instanceof Error) || !('code' in error)) return error
  const { code } = error
  if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return error
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const advice = 'Free some space, or configure a folder on a larger disk.'
    return new SnapproofError('disk-full', `could not ${doing} ${path}: the disk is full`, { advice, cause: error })
  }
  const advice = 'Look at this folder: its rights, and the health of its disk.'
  return new SnapproofError('disk-failed', `could not ${doing} ${path}`, { advice, cause: error })
}
