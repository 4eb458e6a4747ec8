/** Compares what is in the repository with what the ledger remembers of it. */
import { makeFinding } from '../check/findings.ts'
import { parseAnswer } from '../evidence/askRules.ts'
import type { Ledger } from '../ledger/port.ts'
import { type Question, questionId } from '../model/answers.ts'
import { type BaselineConfig, type BaselinesOfRun, codeOfKind } from '../model/baseline.ts'
import type { Evidence } from '../model/evidence.ts'
import type { Finding } from '../model/finding.ts'
import type { RepositoryData, SnapshotEntry } from '../model/repository.ts'
import type { TimeInSnapshot } from '../rules/baseline/behind.ts'
import { type BaselineContext, judgeBaselines } from '../rules/baseline/judge.ts'

export interface Baselines {
  readonly summary: BaselinesOfRun
  readonly findings: readonly Finding[]
}

type Past = Pick<Ledger, 'measures' | 'mappings' | 'answers'>

/** `snapshots` with their times. All that was measured, and answered, must be in the ledger. */
export function compareWithPast(
  { indices }: Pick<RepositoryData, 'indices'>,
  snapshots: readonly SnapshotEntry[],
  ledger: Past,
  config: BaselineConfig,
): Baselines {
  const present = new Set(snapshots.map(snapshot => snapshot.uuid))
  const names = [...new Set(indices.map(index => index.name))]
  const newestMs = snapshots.reduce((newest, { endedMs }) => Math.max(newest, endedMs ?? 0), 0)
  const context: BaselineContext = { config, present, newestMs, mappings: lookedUp(ledger) }
  const { rows, judged, tooYoung } = judgeBaselines(pasts(names, snapshots, ledger, config), context)
  return {
    summary: { after: config.after, settleDays: config.settleMs / 86_400_000, judged, tooYoung, outside: rows },
    findings: rows.map(({ kind, severity, index, message, snapshots: hit, since }) => {
      const about = { code: codeOfKind[kind], severity, key: null, index, shard: null, message }
      // The same from its first night to its last, however many snapshots it has come to.
      const { id } = makeFinding({ ...about, snapshots: [since] })
      return { ...makeFinding({ ...about, snapshots: hit.map(snapshot => snapshot.uuid) }), id }
    }),
  }
}

function* pasts(
  names: readonly string[],
  snapshots: readonly SnapshotEntry[],
  ledger: Past,
  { timeField }: BaselineConfig,
) {
  const startOf = new Map(snapshots.map(({ uuid, startedMs }) => [uuid, startedMs]))
  for (const index of names) {
    const measures = ledger.measures(index)
    const times = new Map<string, TimeInSnapshot>()
    const known = new Map<string, number | null>()
    for (const { indexId, contentId, snapshotUuid, endedMs } of measures) {
      if (timeField === null || contentId === null) continue
      const key = JSON.stringify([indexId, contentId])
      if (!known.has(key)) known.set(key, newestOf(timeField, ledger.answers(indexId, contentId, null)))
      const newestMs = known.get(key) ?? null
      if (newestMs !== null) times.set(snapshotUuid, { newestMs, startedMs: startOf.get(snapshotUuid) ?? endedMs })
    }
    yield { index, measures, times }
  }
}

const timesOf = (field: string): Question => ({ kind: 'times', field })

/** Null: it was not restored since this is asked, or answered no time. */
function newestOf(field: string, answers: ReturnType<Past['answers']>): number | null {
  const row = answers.get(questionId(timesOf(field)))
  const answer = row === undefined ? null : parseAnswer(row.answer)
  if (answer?.status !== 'answered' || !('newestMs' in answer.value)) return null
  const { newestMs } = answer.value
  // It comes from a ledger; more is no time.
  return typeof newestMs === 'number' && Math.abs(newestMs) <= 8.64e15 ? newestMs : null
}

/** What is asked of a restored index whose mapping is `fields`: its newest time, where it has one. */
export function askedByBaselines({ timeField }: BaselineConfig, fields: Evidence['fields']): readonly Question[] {
  if (timeField === null || fields === null || !Object.hasOwn(fields, timeField)) return []
  return ['date', 'date_nanos'].includes(fields[timeField] ?? '') ? [timesOf(timeField)] : []
}

/** Asked for when it is compared: most mappings never are. */
function lookedUp(ledger: Pick<Ledger, 'mappings'>): BaselineContext['mappings'] {
  return { get: digest => ledger.mappings([digest]).get(digest) }
}
