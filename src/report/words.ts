/** Our closed sets in words: exit codes, verdicts, kinds of debt, findings. Unknown members show their own name. */
import type { ExitCode } from '../errors.ts'
import { findingCodes, type Severity } from '../model/finding.ts'
import type { DebtKind } from '../model/plan.ts'
import { type Method, reasons, type VerdictValue } from '../model/verdict.ts'

export const exitMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'everything that this run had to do is done and nothing is wrong',
  1: 'at least one error that nobody has accepted',
  2: 'the run could not do its work',
  3: 'another run holds the lease',
  4: 'debt beyond the policy',
  64: 'wrong usage or configuration',
}

export const verdictWords: Readonly<Record<VerdictValue, string>> = {
  pass: 'pass',
  fail: 'fail',
  inconclusive: 'not known',
  'not-applicable': 'not applicable',
}

export const severityWords: Readonly<Record<Severity, string>> = {
  error: 'Error',
  warning: 'Warning',
  information: 'Information',
}

export const debtWords: Readonly<Record<DebtKind, string>> = {
  failed: 'failed, must be proven again',
  overdue: 'overdue by the policy',
  newest: 'newest of its index, not proven',
  lapsed: 'proof lapsed: a blob has changed',
  never: 'never proven',
  refresh: 'proof is getting old',
}

export const methodWords: Readonly<Record<Method, string>> = {
  read: 'read',
  listing: 'listing',
  'store-computed': 'checksum computed by the store',
  'store-recorded': 'checksum recorded at upload',
  restore: 'restore',
  chained: 'chained restore',
}

/** Code of a reason with spaces: short enough for a cell of a table. */
export function reasonLabel(reason: string): string {
  return reason.replaceAll('-', ' ')
}

/** A sentence; for a reason of a newer version its code. */
export function reasonText(reason: string): string {
  return own(reasons, reason)?.text ?? reasonLabel(reason)
}

export function findingTitle(code: string): string {
  return own(findingCodes, code)?.title ?? reasonLabel(code)
}

/** The snapshot restores, and holds what it should not. */
export function isAboutData(code: string): boolean {
  const meta = own(findingCodes, code)
  return meta !== undefined && 'restores' in meta
}

/** Look-up that a name such as `constructor` cannot mislead. */
function own<T extends object>(table: T, name: string): T[keyof T] | undefined {
  return Object.hasOwn(table, name) ? table[name as keyof T] : undefined
}
