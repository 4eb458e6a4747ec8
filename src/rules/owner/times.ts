/** Times that a server answered, for the rules about the newest and the oldest document. */
import type { RuleOutcome } from './kind.ts'

const dateTypes: ReadonlySet<string> = new Set(['date', 'date_nanos', 'alias'])

/** Why there is no time to judge; null: there is one. */
export function unknownTime(field: string, type: string | null, ms: number | null): RuleOutcome | null {
  if (type === null) {
    const got = `there is no field ${field} in the mapping`
    return { verdict: 'fail', got, message: got }
  }
  if (!dateTypes.has(type)) {
    const got = `${field} is of type ${type}`
    return { verdict: 'fail', got, message: `${got}; wanted: a date` }
  }
  if (ms !== null) return null
  const got = `no document has a ${field}`
  return { verdict: 'fail', got, message: got }
}

/** What a `Date` can hold. */
export function isTime(ms: number): boolean {
  return Math.abs(ms) <= 8.64e15
}

export function timeWords(ms: number): string {
  return new Date(ms).toISOString()
}
