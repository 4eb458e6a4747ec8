/** The random draw of a run: over which contents, what the plan took of it, and what came of that. */
import type { Finding } from '../model/finding.ts'
import type { ContentRecord, Plan, PlannedContent } from '../model/plan.ts'
import type { RepositoryIdentity, SnapshotEntry } from '../model/repository.ts'
import type { RestoreRow } from '../model/run.ts'
import type { Draw, SampleOfRun, SamplePolicy } from '../model/sample.ts'
import type { EngineOffer } from '../plan/compatibility.ts'
import { concludeSample, drawOrder } from '../plan/sample.ts'
import { engineChooser } from '../plan/select.ts'
import { isoTime } from '../time.ts'

export interface Drawn extends Pick<Draw, 'seed' | 'population' | 'wanted' | 'confidence'> {
  /** `wanted` of them, or all there are, in the order of the draw. */
  readonly order: readonly ContentRecord[]
}

export interface DrawInput {
  readonly contents: readonly ContentRecord[]
  readonly policy: SamplePolicy | null
  readonly snapshotVersions: readonly (number | null)[]
  readonly engines: readonly EngineOffer[]
  readonly identity: RepositoryIdentity
  readonly nowMs: number
}

/**
 * Null: the policy wants none. The seed is the day and the generation, so that `plan` shows what the night draws and a run that is
 * repeated draws the same.
 */
export function drawContents({ contents, policy, identity, nowMs, ...engines }: DrawInput): Drawn | null {
  if (policy === null || policy.contents === null) return null
  const { contents: wanted, confidence } = policy
  const engineFor = engineChooser(engines)
  const population = contents.filter(
    content =>
      content.obstacle === null &&
      content.system !== true &&
      content.snapshots.some(position => engineFor(content, position) !== null),
  )
  const seed = `${isoTime(nowMs).slice(0, 10)} generation ${identity.generation}`
  return {
    seed,
    population: population.length,
    wanted,
    confidence,
    order: drawOrder(population, seed).slice(0, wanted),
  }
}

export function drawOf({ order: _, ...drawn }: Drawn, plan: Plan, snapshots: readonly SnapshotEntry[]): Draw {
  const named = ({ content, snapshot }: PlannedContent) => ({
    indexId: content.indexId,
    indexName: content.indexName,
    contentId: content.contentId,
    snapshot: snapshots[snapshot]?.name ?? '',
    snapshotUuid: snapshots[snapshot]?.uuid ?? '',
  })
  return { ...drawn, contents: (plan.sampled ?? []).map(named) }
}

/**
 * What was not restored, for whatever reason, is open. Of several attempts the worst that was judged counts. What rests on a blob that is
 * known to be bad is not restored any more, and is bad.
 *
 * @param findings of blobs and restores, not of rules and baselines: those say nothing of whether it can be restored
 */
export function sampleOf(
  { contents, ...drawn }: Draw,
  restores: readonly RestoreRow[],
  findings: readonly Finding[] = [],
): SampleOfRun {
  const accused = (index: string, uuid: string) =>
    findings.some(one => one.severity === 'error' && one.index === index && one.snapshots.includes(uuid))
  const verdicts = new Map<string, 'pass' | 'fail'>()
  for (const { contentId, snapshotUuid, verdict } of restores) {
    const key = JSON.stringify([contentId, snapshotUuid])
    if (verdict === 'fail' || (verdict === 'pass' && !verdicts.has(key))) verdicts.set(key, verdict)
  }
  const results = contents.map(({ contentId, indexName, snapshot, snapshotUuid }) => {
    const found = verdicts.get(JSON.stringify([contentId, snapshotUuid])) ?? ('inconclusive' as const)
    const verdict = accused(indexName, snapshotUuid) ? ('fail' as const) : found
    return { contentId, index: indexName, snapshot, verdict }
  })
  return concludeSample(drawn, results)
}
