/** What is remembered of an index to compare its next snapshot with, and what came of comparing. */
import type { FindingCode, Severity } from './finding.ts'
import type { IndexId, SnapshotUuid } from './repository.ts'

/** Why an index that stays as it is has reason to: nobody writes to it. */
export const restings = ['closed', 'read-only', 'rolled-over'] as const
export type Resting = (typeof restings)[number]

/** One index, by its name, in one snapshot, by the metadata alone. */
export interface Measure {
  readonly index: string
  readonly indexId: IndexId
  readonly snapshot: string
  readonly snapshotUuid: SnapshotUuid
  /** End of the snapshot, UTC epoch milliseconds. */
  readonly endedMs: number
  /** Nested children count. Null: not known. */
  readonly documents: number | null
  /** On the restored disk. */
  readonly bytes: number
  /** Sum of the highest sequence numbers of all shards: it grows with every write. Null: not known. */
  readonly sequence: number | null
  readonly contentId: string | null
  /** Key of the index metadata blob; the same key is the same mapping. */
  readonly metadataKey: string | null
  /** Fields of the mapping; null: not known. */
  readonly fields: number | null
  /** Digest of the mapping; null: not known, or too large to be remembered. */
  readonly mapping: string | null
  readonly resting: Resting | null
  /** Was it new when it was measured? What lay there before the first look is history and is not judged. */
  readonly judged: boolean
}

/** Dotted path → type, of one mapping. */
export type MappingFields = Readonly<Record<string, string>>

export const baselineKinds = ['emptied', 'shrunk', 'frozen', 'jumped', 'mapping', 'behind'] as const
export type BaselineKind = (typeof baselineKinds)[number]

export const codeOfKind = {
  emptied: 'index-emptied',
  shrunk: 'index-shrunk',
  frozen: 'index-frozen',
  jumped: 'index-jumped',
  mapping: 'index-mapping-changed',
  behind: 'index-behind',
} as const satisfies Record<BaselineKind, FindingCode>

/** What is allowed to an index. `none`: that kind is not looked for. */
export interface Thresholds {
  /** Shrunk: by more than so many percent of its documents below the smallest of the snapshots before. */
  readonly documentsPercent: number | null
  /** Shrunk, where the documents do not show it: the same of its bytes. */
  readonly bytesPercent: number | null
  /** Jumped: to more than so many times the largest of the snapshots before. */
  readonly jumpTimes: number | null
  /** Frozen: unchanged for at least so many times its longest pause before. */
  readonly frozenPauses: number | null
  /** Mapping changed: a field is gone, or has another type. */
  readonly mapping: boolean
  /** Behind: the newest time is more than so many times further behind the snapshot than ever before. */
  readonly behindTimes: number | null
  readonly severity: Readonly<Record<BaselineKind, Severity>>
}

export interface BaselineConfig {
  /** Earlier snapshots of an index that must be known before anything is said of it. */
  readonly after: number
  /** What is outside of the baseline becomes the new one after so long. */
  readonly settleMs: number
  /** Of the mapping, whose newest time is asked of every restored content that has it; null: not asked. */
  readonly timeField: string | null
  readonly thresholds: Thresholds
  /** The first whose pattern (`*` for any text) fits the name of the index. */
  readonly patterns: readonly { readonly index: string; readonly thresholds: Thresholds }[]
}

/** One index outside of its baseline, in one or more snapshots one after the other. */
export interface BaselineRow {
  readonly index: string
  readonly kind: BaselineKind
  readonly severity: Severity
  /** Uuid of the first snapshot outside, however long ago that was. */
  readonly since: SnapshotUuid
  /** Snapshots in which it is so and that are still told, oldest first. */
  readonly snapshots: readonly { readonly name: string; readonly uuid: SnapshotUuid; readonly endedAt: string }[]
  /** With the numbers. Untrusted text. */
  readonly message: string
  /** The newest snapshot within the baseline; null: not known. */
  readonly lastWithin: string | null
  /** When it becomes the new baseline if it stays so; null: it is over, or it does not. */
  readonly normalFrom: string | null
}

/** The comparison in `run.json`. */
export interface BaselinesOfRun {
  /** Earlier snapshots that an index needs. */
  readonly after: number
  readonly settleDays: number
  /** Names of indices in the newest snapshot that holds each: with a baseline, and too young for one. */
  readonly judged: number
  readonly tooYoung: number
  readonly outside: readonly BaselineRow[]
}

/** Kept of one index name: the newest snapshots, and of so many days the last one. */
const newestKept = 14
const daysKept = 30
const dayMs = 86_400_000

/**
 * Uuids of the snapshots whose measures are kept. What is kept of some and others together is what is kept of what is kept of some and
 * the others, so that it does not matter in which order measures become known.
 */
export function keptMeasures(measures: readonly Pick<Measure, 'snapshotUuid' | 'endedMs'>[]): Set<string> {
  const newestFirst = [...measures].sort(
    (a, b) => b.endedMs - a.endedMs || (a.snapshotUuid < b.snapshotUuid ? 1 : a.snapshotUuid > b.snapshotUuid ? -1 : 0),
  )
  const lastOfDay = new Map<number, string>()
  for (const { snapshotUuid, endedMs } of newestFirst) {
    const day = Math.floor(endedMs / dayMs)
    if (!lastOfDay.has(day)) lastOfDay.set(day, snapshotUuid)
  }
  const newest = newestFirst.slice(0, newestKept).map(measure => measure.snapshotUuid)
  return new Set([...newest, ...[...lastOfDay.values()].slice(0, daysKept)])
}
