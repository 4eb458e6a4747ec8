/**
 * What the owner's rules were judged by, as a file beside `run.json`, so that `judge` comes to the same without ledger and repository. Written
 * where rules are configured.
 */
import { SnapproofError } from '../errors.ts'
import { isAnswer } from '../evidence/askRules.ts'
import type { Answers } from '../model/answers.ts'
import { type Reason, reasons, type VerdictValue } from '../model/verdict.ts'
import type { PlainMark, RuledSnapshot } from './ruleLevels.ts'

export const savedRulesName = 'evidence/rules.json'

/** First and last position in `SavedRules.snapshots`, both included. */
type Ranges = readonly (readonly [number, number])[]

export interface SavedRules {
  readonly schemaVersion: 1
  readonly snapshots: readonly {
    readonly name: string
    readonly uuid: string
    readonly startedMs: number | null
    readonly endedMs: number | null
    readonly complete: boolean
    readonly obstacle: Reason | null
    readonly restore: PlainMark
  }[]
  /** Which snapshots hold an index of that name, as the root of the repository says. */
  readonly indices: readonly { readonly index: string; readonly snapshots: Ranges }[]
  /** What was judged: the same answers and the same mark at `restore`. */
  readonly copies: readonly {
    readonly index: string
    readonly restore: PlainMark
    readonly answers: Answers
    readonly snapshots: Ranges
  }[]
}

export function saveRules(snapshots: readonly RuledSnapshot[], indices: ReadonlySet<string>): SavedRules {
  const held = new Map([...indices].sort().map(index => [index, [] as number[]]))
  const copies = new Map<string, { index: string; restore: PlainMark; answers: Answers; at: number[] }>()
  for (const [position, snapshot] of snapshots.entries()) {
    for (const index of snapshot.indices) held.get(index)?.push(position)
    for (const { index, restore, answers } of snapshot.copies) {
      const key = JSON.stringify([index, restore.verdict, restore.reason, answers])
      const known = copies.get(key)
      const { verdict, reason } = restore
      if (known === undefined) copies.set(key, { index, restore: { verdict, reason }, answers, at: [position] })
      else known.at.push(position)
    }
  }
  return {
    schemaVersion: 1,
    snapshots: snapshots.map(({ name, uuid, startedMs, endedMs, complete, obstacle, restore }) => ({
      name,
      uuid,
      startedMs,
      endedMs,
      complete,
      obstacle,
      restore: { verdict: restore.verdict, reason: restore.reason },
    })),
    indices: [...held].map(([index, at]) => ({ index, snapshots: rangesOf(at) })),
    copies: [...copies.values()].map(({ index, restore, answers, at }) => ({
      index,
      restore,
      answers,
      snapshots: rangesOf(at),
    })),
  }
}

/** @throws SnapproofError `usage` when the text is no such file */
export function readSavedRules(text: string): { readonly snapshots: RuledSnapshot[]; readonly indices: Set<string> } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw notSaved('it is not JSON', cause)
  }
  if (!isSaved(value)) throw notSaved('a member is missing or of another shape')
  const indices = value.snapshots.map(() => new Set<string>())
  for (const { index, snapshots } of value.indices) for (const at of positions(snapshots)) indices[at]?.add(index)
  const copies = value.snapshots.map((): RuledSnapshot['copies'][number][] => [])
  for (const { index, restore, answers, snapshots } of value.copies)
    for (const at of positions(snapshots)) copies[at]?.push({ index, restore, answers })
  const names = new Set(value.indices.map(({ index }) => index))
  const snapshots = value.snapshots.map((one, at) => ({
    ...one,
    indices: indices[at] ?? new Set<string>(),
    copies: copies[at] ?? [],
  }))
  return { snapshots, indices: names }
}

function rangesOf(ascending: readonly number[]): Ranges {
  const ranges: [number, number][] = []
  for (const position of ascending) {
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === position - 1) last[1] = position
    else ranges.push([position, position])
  }
  return ranges
}

function* positions(ranges: Ranges): Iterable<number> {
  for (const [first, last] of ranges) for (let at = first; at <= last; at++) yield at
}

function isSaved(value: unknown): value is SavedRules {
  if (!isRecord(value) || value.schemaVersion !== 1) return false
  const { snapshots, indices, copies } = value
  if (!Array.isArray(snapshots) || !Array.isArray(indices) || !Array.isArray(copies)) return false
  const most = snapshots.length
  return (
    snapshots.every(
      one =>
        isRecord(one) &&
        typeof one.name === 'string' &&
        typeof one.uuid === 'string' &&
        isTime(one.startedMs) &&
        isTime(one.endedMs) &&
        typeof one.complete === 'boolean' &&
        (one.obstacle === null || isReason(one.obstacle)) &&
        isMark(one.restore),
    ) &&
    indices.every(one => isRecord(one) && typeof one.index === 'string' && isRanges(one.snapshots, most)) &&
    copies.every(
      one =>
        isRecord(one) &&
        typeof one.index === 'string' &&
        isMark(one.restore) &&
        isRecord(one.answers) &&
        Object.values(one.answers).every(isAnswer) &&
        isRanges(one.snapshots, most),
    )
  )
}

function isRanges(value: unknown, most: number): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      pair =>
        Array.isArray(pair) &&
        pair.length === 2 &&
        pair.every(at => Number.isSafeInteger(at) && at >= 0 && at < most) &&
        pair[0] <= pair[1],
    )
  )
}

const verdicts: readonly unknown[] = ['pass', 'fail', 'inconclusive', 'not-applicable'] satisfies VerdictValue[]

function isMark(value: unknown): boolean {
  return isRecord(value) && verdicts.includes(value.verdict) && isReason(value.reason)
}

function isReason(value: unknown): boolean {
  return typeof value === 'string' && Object.hasOwn(reasons, value)
}

function isTime(value: unknown): boolean {
  return value === null || Number.isFinite(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function notSaved(why: string, cause?: unknown): SnapproofError {
  return new SnapproofError('usage', `this is no ${savedRulesName} of Snapproof: ${why}`, {
    advice: 'Give the folder that an audit wrote, unchanged.',
    cause,
  })
}
