/** Compares what is in the repository with what the ledger remembers of it. */
import { makeFinding } from '../check/findings.ts'
import type { Ledger } from '../ledger/port.ts'
import { type BaselineConfig, type BaselinesOfRun, codeOfKind, keptMeasures, type Measure } from '../model/baseline.ts'
import type { Finding } from '../model/finding.ts'
import type { MappingRow, MeasureRow } from '../model/journal.ts'
import type { RepositoryData, SnapshotEntry } from '../model/repository.ts'
import { type BaselineContext, judgeBaselines } from '../rules/baseline/judge.ts'

export interface Baselines {
  readonly summary: BaselinesOfRun
  readonly findings: readonly Finding[]
}

/** `snapshots` with their times. All that was measured must be in the ledger. */
export function compareWithPast(
  { indices }: Pick<RepositoryData, 'indices'>,
  snapshots: readonly SnapshotEntry[],
  ledger: Pick<Ledger, 'measures' | 'mappings'>,
  config: BaselineConfig,
): Baselines {
  const present = new Set(snapshots.map(snapshot => snapshot.uuid))
  const names = [...new Set(indices.map(index => index.name))]
  const newestMs = snapshots.reduce((newest, { endedMs }) => Math.max(newest, endedMs ?? 0), 0)
  const context: BaselineContext = { config, present, newestMs, mappings: lookedUp(ledger) }
  const { rows, judged, tooYoung } = judgeBaselines(pasts(names, ledger), context)
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

function* pasts(names: readonly string[], ledger: Pick<Ledger, 'measures'>) {
  for (const index of names) yield { index, measures: ledger.measures(index) }
}

/** Asked for when it is compared: most mappings never are. */
function lookedUp(ledger: Pick<Ledger, 'mappings'>): BaselineContext['mappings'] {
  return { get: digest => ledger.mappings([digest]).get(digest) }
}

/** As if the rows were in the ledger already. */
export function withRows(
  ledger: Pick<Ledger, 'measures' | 'mappings'>,
  rows: readonly (MeasureRow | MappingRow)[],
): Pick<Ledger, 'measures' | 'mappings'> {
  const added = new Map<string, Measure[]>()
  const texts = new Map<string, string>()
  for (const row of rows) {
    if (row.kind === 'mapping') texts.set(row.digest, row.fields)
    else added.set(row.index, [...(added.get(row.index) ?? []), row])
  }
  return {
    measures: index => {
      const all = [...ledger.measures(index), ...(added.get(index) ?? [])]
      const kept = keptMeasures(all)
      return all
        .filter(one => kept.has(one.snapshotUuid))
        .sort((a, b) => a.endedMs - b.endedMs || (a.snapshotUuid < b.snapshotUuid ? -1 : 1))
    },
    mappings: digests => {
      const found = new Map(ledger.mappings(digests))
      for (const digest of digests) {
        const text = texts.get(digest)
        if (text !== undefined) found.set(digest, JSON.parse(text))
      }
      return found
    },
  }
}
