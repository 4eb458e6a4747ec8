/** Pasts of one index, one snapshot a night. */
import { type BaselineConfig, baselineKinds, type Measure, type Thresholds } from '../../../src/model/baseline.ts'
import { type IndexPast, judgeBaselines } from '../../../src/rules/baseline/judge.ts'
import type { Mappings } from '../../../src/rules/baseline/rule.ts'

export const dayMs = 86_400_000
export const startMs = Date.UTC(2026, 10, 1, 2)

export const thresholds: Thresholds = {
  documentsPercent: 50,
  bytesPercent: 80,
  jumpTimes: 10,
  frozenPauses: 2,
  mapping: true,
  behindTimes: 2,
  severity: {
    emptied: 'error',
    shrunk: 'warning',
    frozen: 'warning',
    jumped: 'warning',
    mapping: 'warning',
    behind: 'warning',
  },
}
export const config: BaselineConfig = {
  after: 5,
  settleMs: 7 * dayMs,
  timeField: '@timestamp',
  thresholds,
  patterns: [],
}

export function nightly(i: number, rest: Partial<Measure> = {}): Measure {
  return {
    index: 'orders',
    indexId: 'i1',
    snapshot: `nightly-${i}`,
    snapshotUuid: `s${i}`,
    endedMs: startMs + i * dayMs,
    documents: 48_000 + i * 100,
    bytes: 50_000_000 + i * 1000,
    sequence: 50_000 + i * 500,
    contentId: `c${i}`,
    metadataKey: 'm',
    fields: 10,
    mapping: 'm1',
    resting: null,
    judged: true,
    ...rest,
  }
}

/** Of a night each, what the number of documents was. */
export function ofDocuments(documents: readonly (number | null)[]): Measure[] {
  return documents.map((count, i) => nightly(i, { documents: count }))
}

export function judge(measures: readonly Measure[], rest: { config?: BaselineConfig; mappings?: Mappings } = {}) {
  return judgeBaselines([{ index: measures[0]?.index ?? '', measures }] satisfies IndexPast[], {
    config,
    mappings: new Map(),
    present: new Set(measures.map(measure => measure.snapshotUuid)),
    newestMs: Math.max(0, ...measures.map(measure => measure.endedMs)),
    ...rest,
  })
}

export function kinds(measures: readonly Measure[], rest: Parameters<typeof judge>[1] = {}): string[] {
  return judge(measures, rest)
    .rows.map(row => row.kind)
    .sort((a, b) => baselineKinds.indexOf(a) - baselineKinds.indexOf(b))
}
