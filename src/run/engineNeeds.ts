/** Which engines the configuration lacks: for the plan, the log and the report. */
import type { DebtItem } from '../model/plan.ts'
import { type EngineNeed, engineNeeded, sayNeed } from '../plan/compatibility.ts'
import type { Survey } from './survey.ts'

type Planned = Pick<Survey, 'plan' | 'checked'>

/** The newest snapshot that holds it decides. */
function versionsOf({ checked }: Planned, { content }: DebtItem): readonly [number | null, number | null] {
  const position = content.snapshots.at(-1)
  const info = position === undefined ? null : checked.snapshots[position]?.info
  return [content.createdVersion, info?.versionId ?? null]
}

/** Null: there is none that could. */
export function needOf(survey: Planned, item: DebtItem): EngineNeed | null {
  return engineNeeded(...versionsOf(survey, item))
}

/** One sentence for each engine to add, with how much waits for it. */
export function enginesNeeded(survey: Planned): string[] {
  const needs = new Map<string, number>()
  for (const { item, reason } of survey.plan.left) {
    if (reason !== 'no-engine-for-version') continue
    const sentence = sayNeed(...versionsOf(survey, item))
    needs.set(sentence, (needs.get(sentence) ?? 0) + 1)
  }
  return [...needs].map(
    ([sentence, contents]) => `${contents} ${contents === 1 ? 'content waits' : 'contents wait'}: ${sentence}`,
  )
}
