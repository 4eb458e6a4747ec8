/** What `snapproof ledger show` answers: every question gives one table. */

export const questions = [
  'overview',
  'debt',
  'runs',
  'gaps',
  'snapshots',
  'failures',
  'restores',
  'index',
  'good',
] as const
export type Question = (typeof questions)[number]

export type Cell = string | number | null

/** `time`: ISO UTC; `count`, `bytes`, `seconds`, `hours`: numbers. */
export interface Column {
  readonly name: string
  readonly kind: 'text' | 'time' | 'count' | 'bytes' | 'seconds' | 'hours'
}

export interface Answer {
  readonly columns: readonly Column[]
  /** Cells by the name of their column. */
  readonly rows: readonly Readonly<Record<string, Cell>>[]
}

/** What is asked about. Times are UTC epoch milliseconds. */
export interface Scope {
  /** Null: as of now, with everything that is known. Else only rows dated up to then are used, by every question. */
  readonly atMs: number | null
  readonly nowMs: number
  /** Runs that ended in the period; null: from the first, to the last. */
  readonly fromMs: number | null
  readonly toMs: number | null
  /** Null: all. */
  readonly snapshot: string | null
  readonly index: string | null
}

export function columnsOf(names: Readonly<Record<string, Column['kind']>>): Column[] {
  return Object.entries(names).map(([name, kind]) => ({ name, kind }))
}
