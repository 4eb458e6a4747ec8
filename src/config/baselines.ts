/** How indices are compared with the snapshots before: thresholds by pattern, severity by kind. */
import * as z from 'zod'
import type { BaselineConfig, Thresholds } from '../model/baseline.ts'
import { duration, flag, oneOf, section, sentence, whole } from './shapes.ts'

const severity = oneOf(['error', 'warning', 'information'])
const documentsPercent = whole(1, 99, 'percent').nullable()
const bytesPercent = whole(1, 99, 'percent').nullable()
const jumpTimes = whole(2, 1_000_000, 'times').nullable()
const frozenPauses = whole(1, 1000, 'times').nullable()
const behindTimes = whole(1, 1000, 'times').nullable()

const about = {
  documentsPercent: 'Shrunk: more than so many percent of its documents are gone; none: not looked for.',
  bytesPercent: 'Shrunk, where documents do not show it: the same of its bytes; none: not looked for.',
  jumpTimes: 'Jumped: more than so many times the largest of the snapshots before; none: not looked for.',
  frozenPauses: 'Frozen: unchanged for so many times its longest pause before; none: not looked for.',
  mapping: 'Mapping changed: fields are gone, or have another type.',
  behindTimes:
    'Behind: the newest time is so many times as far behind the snapshot as ever before; none: not looked for.',
  emptied: 'Severity where nearly all documents are gone.',
  shrunk: 'Severity of shrunk.',
  frozen: 'Severity of frozen.',
  jumped: 'Severity of jumped.',
  mappingSeverity: 'Severity of a mapping that changed.',
  behind: 'Severity of behind.',
}

/** Of one pattern; what is left out is as above it. */
const pattern = section({
  index: sentence.meta({ description: 'Name of the index, * for any text. The first pattern that fits counts.' }),
  documentsPercent: documentsPercent.optional().meta({ description: about.documentsPercent }),
  bytesPercent: bytesPercent.optional().meta({ description: about.bytesPercent }),
  jumpTimes: jumpTimes.optional().meta({ description: about.jumpTimes }),
  frozenPauses: frozenPauses.optional().meta({ description: about.frozenPauses }),
  mapping: flag.optional().meta({ description: about.mapping }),
  behindTimes: behindTimes.optional().meta({ description: about.behindTimes }),
  severity: section({
    emptied: severity.optional().meta({ description: about.emptied }),
    shrunk: severity.optional().meta({ description: about.shrunk }),
    frozen: severity.optional().meta({ description: about.frozen }),
    jumped: severity.optional().meta({ description: about.jumped }),
    mapping: severity.optional().meta({ description: about.mappingSeverity }),
    behind: severity.optional().meta({ description: about.behind }),
  }).prefault({}),
})

export const baselines = section({
  after: whole(2, 14, 'snapshots')
    .default(5)
    .meta({ description: 'Earlier snapshots of an index that must be known before anything is said of it.' }),
  settle: duration('1d')
    .prefault('7d')
    .meta({ description: 'What is outside of the baseline is told for so long, then it is the new baseline.' }),
  timeField: sentence
    .nullable()
    .default('@timestamp')
    .meta({ description: 'Date field whose newest time is asked of restored indices that have it; none: not asked.' }),
  documentsPercent: documentsPercent.default(50).meta({ description: about.documentsPercent }),
  bytesPercent: bytesPercent.default(80).meta({ description: about.bytesPercent }),
  jumpTimes: jumpTimes.default(10).meta({ description: about.jumpTimes }),
  frozenPauses: frozenPauses.default(2).meta({ description: about.frozenPauses }),
  mapping: flag.default(true).meta({ description: about.mapping }),
  behindTimes: behindTimes.default(2).meta({ description: about.behindTimes }),
  severity: section({
    emptied: severity.default('error').meta({ description: about.emptied }),
    shrunk: severity.default('warning').meta({ description: about.shrunk }),
    frozen: severity.default('warning').meta({ description: about.frozen }),
    jumped: severity.default('warning').meta({ description: about.jumped }),
    mapping: severity.default('warning').meta({ description: about.mappingSeverity }),
    behind: severity.default('warning').meta({ description: about.behind }),
  }).prefault({}),
  indices: z
    .array(pattern, { error: 'a list of patterns with thresholds' })
    .default([])
    .meta({ description: 'Other thresholds for some indices.' }),
}).prefault({})

export function toBaselineConfig({
  after,
  settle,
  timeField,
  indices,
  ...own
}: z.output<typeof baselines>): BaselineConfig {
  return {
    after,
    settleMs: settle * 1000,
    timeField,
    thresholds: own,
    patterns: indices.map(({ index, severity: some, ...rest }) => {
      const thresholds: Thresholds = { ...own, ...given(rest), severity: { ...own.severity, ...given(some) } }
      return { index, thresholds }
    }),
  }
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Without what was left out, so that it hides nothing. */
function given<T extends object>(some: T): Given<T> {
  return Object.fromEntries(Object.entries(some).filter(([, value]) => value !== undefined)) as Given<T>
}
