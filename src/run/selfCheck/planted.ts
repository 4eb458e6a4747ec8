/** One planted thing, and what is wrong with what the program says of it. */
import type { FindingCode } from '../../model/finding.ts'

export interface Planted {
  /** Unique; for people: what was done to what. */
  readonly what: string
  /** Code that must be told; null: something healthy, or what must be left open and accuses nobody. */
  readonly code: FindingCode | null
  /** Of a rule: whose silence this would notice. */
  readonly rule?: string
  /** What is wrong with the answer; empty: it is what it must be. What it throws is wrong too. */
  ask(): Promise<readonly string[]> | readonly string[]
}
