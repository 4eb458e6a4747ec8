/** Pasts of an index whose newest snapshot is as those before, or is not, before the very comparison that a night makes. */
import { questionId } from '../../model/answers.ts'
import type { BaselineConfig, MappingFields, Measure } from '../../model/baseline.ts'
import type { FindingCode, Severity } from '../../model/finding.ts'
import { askedByBaselines, compareWithPast } from '../baselines.ts'
import type { Planted } from './planted.ts'

const dayMs = 86_400_000
const index = 'orders'
const nights = 14
const config: BaselineConfig = {
  after: 5,
  settleMs: 7 * dayMs,
  timeField: 'at',
  thresholds: {
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
  },
  patterns: [],
}
const mappings: ReadonlyMap<string, MappingFields> = new Map([
  ['whole', { amount: 'double', at: 'date' }],
  ['lost', { amount: 'double' }],
  ['other', { amount: 'keyword', at: 'date' }],
])

/** What the nights from `from` on are instead; `code` null: nothing may be said. */
interface Past {
  readonly what: string
  readonly code: FindingCode | null
  readonly severity?: Severity
  readonly from?: number
  readonly change: (before: Measure) => Partial<Measure>
  /** How long before each night the newest time in the restored data lies. @default ten minutes */
  readonly lagHours?: (night: number) => number
}

const last = nights - 1
const still = ({ sequence, documents, bytes, contentId }: Measure) => ({ sequence, documents, bytes, contentId })
const pasts: readonly Past[] = [
  { what: 'that grows', code: null, change: () => ({}) },
  {
    what: 'that was made again empty',
    code: 'index-emptied',
    severity: 'error',
    change: () => ({ documents: 0, bytes: 300, sequence: -1 }),
  },
  { what: 'that lost most of its documents', code: 'index-shrunk', change: () => ({ documents: 3_000 }) },
  { what: 'that lost most of its bytes', code: 'index-shrunk', change: () => ({ documents: null, bytes: 1_000_000 }) },
  { what: 'that has a hundred times the documents', code: 'index-jumped', change: () => ({ documents: 1_500_000 }) },
  { what: 'that stopped', code: 'index-frozen', from: last - 3, change: still },
  {
    what: 'that stopped and is closed',
    code: null,
    from: last - 3,
    change: past => ({ ...still(past), resting: 'closed' }),
  },
  { what: 'that lost a field', code: 'index-mapping-changed', change: () => ({ mapping: 'lost' }) },
  { what: 'whose field has another type', code: 'index-mapping-changed', change: () => ({ mapping: 'other' }) },
  {
    what: 'whose newest time stands still while it is written to',
    code: 'index-behind',
    from: last - 1,
    change: () => ({}),
    lagHours: night => Math.max(0, night - (last - 2)) * 24,
  },
  {
    what: 'whose newest time is always days ago, and went back',
    code: 'index-behind',
    change: () => ({}),
    lagHours: night => (night < last ? 72 : 126),
  },
  {
    what: 'with a time of the year 9999',
    code: null,
    change: () => ({}),
    lagHours: night => (night < last ? 0 : -70_000_000),
  },
]

export function baselines(): Planted[] {
  return pasts.map(past => ({ what: `an index ${past.what}`, code: past.code, ask: () => complaints(past) }))
}

function measuresOf({ from = last, change }: Past): Measure[] {
  const grown = Array.from({ length: nights }, (_, night) => measureAt(night))
  const before = grown[from - 1]
  return grown.map((one, night) => (night < from || before === undefined ? one : { ...one, ...change(before) }))
}

function measureAt(night: number): Measure {
  return {
    index,
    indexId: 'index-id',
    snapshot: `night-${night}`,
    snapshotUuid: `uuid-${night}`,
    endedMs: Date.UTC(2030, 0, 1) + night * dayMs,
    documents: 10_000 + night * 100,
    bytes: 50_000_000 + night * 500_000,
    sequence: 20_000 + night * 100,
    contentId: `content-${night}`,
    metadataKey: 'key',
    fields: 2,
    mapping: 'whole',
    resting: null,
    judged: night > 0,
  }
}

function complaints(past: Past): string[] {
  const { code, severity = 'warning', from = last, lagHours = () => 1 / 6 } = past
  const measures = measuresOf(past)
  const snapshots = measures.map(({ snapshot, snapshotUuid, endedMs }) => ({
    name: snapshot,
    uuid: snapshotUuid,
    state: 'SUCCESS' as const,
    version: null,
    indexVersion: null,
    startedMs: endedMs,
    endedMs,
    slmPolicy: null,
  }))
  const asked = askedByBaselines(config, mappings.get('whole') ?? null)
  const answers = (_: string, contentId: string) => {
    const night = Number(contentId.replace('content-', ''))
    const newestMs = measureAt(night).endedMs - lagHours(night) * 3_600_000
    const answer = JSON.stringify({ status: 'answered', value: { oldestMs: 0, newestMs, type: 'date' } })
    const row = { kind: 'answer', runId: 'run', contentId, indexId: 'index-id', snapshotUuid: `uuid-${night}` } as const
    return new Map(
      asked.map(questionId).map(id => [id, { ...row, question: id, answered: true, answer, atMs: newestMs }]),
    )
  }
  const ledger = {
    answers,
    measures: () => measures,
    mappings: (digests: readonly string[]) =>
      new Map(digests.flatMap(digest => [[digest, mappings.get(digest) ?? {}] as const])),
  }
  const indices = [{ name: index, id: 'index-id', snapshots: new Int32Array(), shardGenerations: [], shardPathType: 0 }]
  const { findings } = compareWithPast({ indices }, snapshots, ledger, config)
  const [finding] = findings
  const got = findings.map(one => `${one.severity} ${one.code}`).join(', ') || 'nothing'
  if (code === null) return findings.length === 0 ? [] : [`nothing was to be said, got ${got}`]
  if (finding === undefined || got !== `${severity} ${code}`) return [`expected ${severity} ${code}, got ${got}`]
  const hit = new Set(measures.slice(from).map(one => one.snapshotUuid))
  // A pace is broken when its pause has become long, not on its first day.
  const wrong = finding.snapshots.filter(uuid => !hit.has(uuid))
  if (wrong.length > 0) return [`expected to name some of ${[...hit].join(', ')}, got ${wrong.join(', ')} too`]
  return finding.snapshots.includes(`uuid-${last}`) ? [] : ['the newest snapshot is not named']
}
