/** What the ledger shall know of a night besides attempts: levels that snapshots reached, and the newest good snapshot of each index. Pure. */
import { type GoodRow, maxCreditedFrom, type ReachedRow } from '../model/journal.ts'
import type { LastGood } from '../model/run.ts'
import { type JudgedSnapshot, judgedLevels } from './verdicts.ts'

/** All rows of the night; the ledger keeps those that say something new. */
export function standingRows(
  judged: readonly JudgedSnapshot[],
  lastGood: readonly LastGood[],
  runId: string,
  atMs: number,
): (ReachedRow | GoodRow)[] {
  const reached = judged.flatMap(({ entry, levels, copies }) =>
    judgedLevels.flatMap((level): ReachedRow[] => {
      const found = levels[level]
      if (found === undefined) return []
      const { mark, method, provenMs } = found
      const credited = mark.verdict === 'pass' ? copies.map(copy => copy.levels[level]?.creditedFrom ?? null) : []
      const names = new Set(credited.filter(name => name !== null))
      return [
        {
          kind: 'reached',
          runId,
          snapshot: entry.name,
          snapshotUuid: entry.uuid,
          level,
          verdict: mark.verdict,
          reason: mark.reason,
          method,
          provenMs,
          creditedFrom: [...names].sort().slice(0, maxCreditedFrom),
          atMs,
        },
      ]
    }),
  )
  const contentOf = contentsOf(judged, lastGood)
  const good = lastGood.map(({ index, snapshot, uuid, endedAt, level, method }): GoodRow => {
    const copy = contentOf.get(JSON.stringify([uuid, index]))
    return {
      kind: 'good',
      runId,
      index,
      indexId: copy?.indexId ?? null,
      contentId: copy?.contentId ?? null,
      snapshot,
      snapshotUuid: uuid,
      endedMs: endedAt === null ? null : Date.parse(endedAt),
      level,
      method,
      atMs,
    }
  })
  return [...reached, ...good]
}

function contentsOf(judged: readonly JudgedSnapshot[], lastGood: readonly LastGood[]) {
  const asked = new Set(lastGood.map(({ uuid, index }) => JSON.stringify([uuid, index])))
  const found = new Map<string, { readonly indexId: string; readonly contentId: string | null }>()
  for (const { entry, copies } of judged) {
    for (const { copy } of copies) {
      const key = JSON.stringify([entry.uuid, copy.indexName])
      if (asked.has(key)) found.set(key, copy)
    }
  }
  return found
}
